"""Options of the model family.

The checks are those of C++ (``csrc/deepbio/model/config``), so both languages refuse alike.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from . import _library
from .errors import ConfigError


@dataclass
class ModelConfig:
    """Options of the model family; names and defaults are those of AAM's constructors.

    docs/model.md explains them. The constructor checks nothing, :meth:`check` (called by every
    model) does, with a :class:`ConfigError`.
    """

    vocab_size: int = 7
    embedding_dim: int = 128
    max_bp: int = 150
    token_limit: int = 1024
    asv_num_layers: int = 2
    asv_num_heads: int = 4
    asv_intermediate_size: int = 0
    asv_dropout: float = 0.1
    sample_num_layers: int = 2
    sample_num_heads: int = 4
    sample_intermediate_size: int = 0
    sample_dropout: float = 0.1
    encoder_num_layers: int = 2
    encoder_num_heads: int = 4
    encoder_intermediate_size: int = 0
    encoder_dropout: float = 0.1
    count_num_layers: int = 2
    count_num_heads: int = 4
    count_intermediate_size: int = 0
    count_dropout: float = 0.1
    target_num_layers: int = 2
    target_num_heads: int = 4
    target_intermediate_size: int = 0
    target_dropout: float = 0.1
    activation: str = "gelu"
    encoder_type: str = "unifrac"
    base_output_dim: int = 0
    predict_nucleotides: bool = False
    nuc_mask_ratio: float = 0.15
    nuc_mask_strategy: str = "random"
    count_embedding: bool = False
    count_embedding_method: str = "add"
    out_dim: int = 1
    is_classifier: bool = False
    freeze_base: bool = False
    count_prediction: bool = True
    target_layer_norm: bool = True
    abundance_pooling: bool = False
    bounded_targets: bool = False
    learnable_output_scale: bool = False
    output_activation: str = "none"
    regressor_hidden_dims: list[int] = field(default_factory=list)
    regressor_dropout: float = 0.0
    residual_regression_head: bool = False
    num_quantiles: int = 0
    categorical_cardinalities: dict[str, int] = field(default_factory=dict)
    categorical_embed_dim: int = 16
    categorical_fusion: str = "concat"
    categorical_dropout: float = 0.1
    cross_attn_heads: int = 8
    perceiver_num_latents: int = 64
    perceiver_num_layers: int = 2
    conditional_scaling_columns: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """A plain dict, as in the ``model`` part of a run's ``config.json``."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, options: Mapping[str, Any]) -> ModelConfig:
        """Reads and checks options.

        AAM's keywords that change only speed are dropped; None means the default.

        Raises:
            ConfigError: an unknown name (with the nearest known one), a wrong type, a value out of
                range.
        """
        _library.load()
        try:
            return cls(**json.loads(torch.ops.deepbio.resolve_model_config(json.dumps(dict(options)))))
        except (RuntimeError, TypeError, ValueError) as error:
            raise ConfigError(str(error).splitlines()[0]) from None

    def check(self) -> ModelConfig:
        """This config, checked and in normal form. Raises ConfigError."""
        return self.from_dict(self.to_dict())
