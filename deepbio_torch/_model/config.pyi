# Written by docs/make_options.py from the option rows of C++.
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

@dataclass
class ModelConfig:
    vocab_size: int
    embedding_dim: int
    max_bp: int
    token_limit: int
    asv_num_layers: int
    asv_num_heads: int
    asv_intermediate_size: int
    asv_dropout: float
    sample_num_layers: int
    sample_num_heads: int
    sample_intermediate_size: int
    sample_dropout: float
    encoder_num_layers: int
    encoder_num_heads: int
    encoder_intermediate_size: int
    encoder_dropout: float
    count_num_layers: int
    count_num_heads: int
    count_intermediate_size: int
    count_dropout: float
    target_num_layers: int
    target_num_heads: int
    target_intermediate_size: int
    target_dropout: float
    activation: str
    encoder_type: str
    base_output_dim: int
    predict_nucleotides: bool
    nuc_mask_ratio: float
    nuc_mask_strategy: str
    count_embedding: bool
    count_embedding_method: str
    out_dim: int
    classifier: bool
    freeze_base: bool
    count_prediction: bool
    target_layer_norm: bool
    abundance_pooling: bool
    bounded_targets: bool
    learnable_output_scale: bool
    output_activation: str
    regressor_hidden_dims: list[int]
    regressor_dropout: float
    residual_regression_head: bool
    num_quantiles: int
    categorical_cardinalities: dict[str, int]
    categorical_embed_dim: int
    categorical_fusion: str
    categorical_dropout: float
    cross_attn_heads: int
    perceiver_num_latents: int
    perceiver_num_layers: int
    conditional_scaling_columns: list[str]
    transformer_branch: bool
    num_known_asvs: int
    known_inputs: str
    known_hidden_dim: int
    known_dropout: float
    known_input_dropout: float
    sequence_branch: bool
    sequence_hidden_dim: int
    sequence_dropout: float
    sequence_input_dropout: float
    num_bins: int
    ensemble: int
    def __init__(
        self,
        *,
        vocab_size: int | None = ...,
        embedding_dim: int | None = ...,
        max_bp: int | None = ...,
        token_limit: int | None = ...,
        attention_heads: int | None = ...,
        attention_layers: int | None = ...,
        dropout: float | None = ...,
        asv_num_layers: int | None = ...,
        asv_num_heads: int | None = ...,
        asv_intermediate_size: int | None = ...,
        asv_dropout: float | None = ...,
        sample_num_layers: int | None = ...,
        sample_num_heads: int | None = ...,
        sample_intermediate_size: int | None = ...,
        sample_dropout: float | None = ...,
        encoder_num_layers: int | None = ...,
        encoder_num_heads: int | None = ...,
        encoder_intermediate_size: int | None = ...,
        encoder_dropout: float | None = ...,
        count_num_layers: int | None = ...,
        count_num_heads: int | None = ...,
        count_intermediate_size: int | None = ...,
        count_dropout: float | None = ...,
        target_num_layers: int | None = ...,
        target_num_heads: int | None = ...,
        target_intermediate_size: int | None = ...,
        target_dropout: float | None = ...,
        activation: str | None = ...,
        encoder_type: str | None = ...,
        base_output_dim: int | None = ...,
        predict_nucleotides: bool | None = ...,
        nuc_mask_ratio: float | None = ...,
        nuc_mask_strategy: str | None = ...,
        count_embedding: bool | None = ...,
        count_embedding_method: str | None = ...,
        out_dim: int | None = ...,
        classifier: bool | None = ...,
        is_classifier: bool | None = ...,
        freeze_base: bool | None = ...,
        count_prediction: bool | None = ...,
        target_layer_norm: bool | None = ...,
        abundance_pooling: bool | None = ...,
        bounded_targets: bool | None = ...,
        learnable_output_scale: bool | None = ...,
        output_activation: str | None = ...,
        regressor_hidden_dims: list[int] | None = ...,
        regressor_dropout: float | None = ...,
        residual_regression_head: bool | None = ...,
        num_quantiles: int | None = ...,
        categorical_cardinalities: dict[str, int] | None = ...,
        categorical_embed_dim: int | None = ...,
        categorical_fusion: str | None = ...,
        categorical_dropout: float | None = ...,
        cross_attn_heads: int | None = ...,
        perceiver_num_latents: int | None = ...,
        perceiver_num_layers: int | None = ...,
        conditional_scaling_columns: list[str] | None = ...,
        conditional_output_scaling: list[str] | None = ...,
        transformer_branch: bool | None = ...,
        num_known_asvs: int | None = ...,
        known_inputs: str | None = ...,
        known_hidden_dim: int | None = ...,
        known_dropout: float | None = ...,
        known_input_dropout: float | None = ...,
        sequence_branch: bool | None = ...,
        sequence_hidden_dim: int | None = ...,
        sequence_dropout: float | None = ...,
        sequence_input_dropout: float | None = ...,
        num_bins: int | None = ...,
        ensemble: int | None = ...,
        num_members: int | None = ...,
    ) -> None: ...
    @property
    def is_classifier(self) -> bool: ...
    @property
    def conditional_output_scaling(self) -> list[str]: ...
    @property
    def num_members(self) -> int: ...
    @property
    def is_plain(self) -> bool: ...
    def to_dict(self) -> dict[str, Any]: ...
    @classmethod
    def from_dict(cls, options: Mapping[str, Any]) -> ModelConfig: ...
    def check(self) -> ModelConfig: ...
