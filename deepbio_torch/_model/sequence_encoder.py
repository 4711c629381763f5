"""The encoder of samples, and what it shares with the predictor.

The config, the two input layouts.
"""

# Results of modules and operators are Any to mypy.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ArgumentError, ShapeError
from .asv_encoder import SampleSequenceEncoder, config_of, initialise
from .config import ModelConfig
from .layers import AttentionPooling, Stack, TransformerEncoder

_ops = torch.ops.deepbio
_DEFAULTS = ModelConfig().to_dict()


class ModelBase(nn.Module):
    """What encoder and predictor share: the config, the two input layouts, initialisation."""

    def __init__(self, config: ModelConfig | None, fields: dict[str, Any]) -> None:
        super().__init__()
        self.config = config_of(config, fields)

    def reset_parameters(self, seed: int | None = None) -> None:
        """Initialises as AAM does, with the bits that C++ gives.

        ``seed`` None: drawn from torch's default generator.
        """
        initialise(self, seed)

    def extra_repr(self) -> str:
        changed = (
            f
            for f in dataclasses.fields(ModelConfig)
            if getattr(self.config, f.name) != _DEFAULTS[f.name]
        )
        return ", ".join(f"{f.name}={getattr(self.config, f.name)!r}" for f in changed)


class SequenceEncoder(ModelBase):
    """ASVs of a sample -> an embedding of the sample.

    Args:
        config: all options; or give them as keywords.

    Output dict (AAM's keys): ``embeddings`` [B, D] (encoder_type unifrac), or ``base_prediction``
    [B, O] (faith_pd, taxonomy), or ``unifrac_pred``, ``faith_pred``, ``tax_pred`` (combined); when
    asked for ``sample_embeddings`` [B, S, D], ``asv_embeddings`` [U, D], and ``nuc_predictions``
    and ``mask_indices``: [B, S, L, V] and [B, S, L] for padded tokens, [U, L, V] and [U, L] for
    distinct ASVs.
    """

    def __init__(self, config: ModelConfig | None = None, **fields: Any) -> None:
        """Builds and initialises; raises ConfigError."""
        super().__init__(config, fields)
        config = self.config
        dim = config.embedding_dim
        self.sample_encoder = SampleSequenceEncoder(config)
        self.encoder_transformer = TransformerEncoder(Stack.of(config, "encoder"))
        self.attention_pooling = AttentionPooling(dim)
        if config.encoder_type == "combined":
            self.uni_ff, self.faith_ff, self.tax_ff = (
                nn.Linear(dim, 2),
                nn.Linear(dim, 1),
                nn.Linear(dim, 7),
            )
        elif config.encoder_type != "unifrac":
            self.output_head = nn.Linear(dim, config.base_output_dim or dim)
        self.reset_parameters()

    def encode_asvs(self, asv_tokens: Tensor) -> Tensor:
        """Tokens [U, L] -> [U, D]: what ``asv_embeddings`` of a batch wants."""
        return self.sample_encoder.asv_encoder(asv_tokens)["embeddings"]

    def forward(
        self,
        tokens: Tensor | Mapping[str, Any],
        counts: Tensor | None = None,
        categorical_ids: Mapping[str, Tensor] | None = None,
        return_nucleotides: bool = False,
        return_sample_embeddings: bool = False,
        return_asv_embeddings: bool = False,
    ) -> dict[str, Tensor]:
        """Runs either layout of a batch.

        Args:
            tokens: int64 [B, S, L], zero-padded (AAM's layout); or a batch of distinct ASVs: a
                mapping with ``asv_tokens`` [U, L] (or ``asv_embeddings`` [U, D]), ``asv_index`` and
                ``mask`` [B, S], perhaps ``counts`` and ``categorical_ids``.
            counts: [B, S] or [B, S, 1]; needed with count_embedding and abundance_pooling.
            categorical_ids: column -> int64 [B].
            return_nucleotides: adds ``nuc_predictions``; in training this masks letters.
            return_sample_embeddings: adds the embedding of every ASV slot.
            return_asv_embeddings: adds those of the distinct ASVs, ``asv_embeddings`` [U, D].
        """
        batch = inputs_of(tokens, counts, categorical_ids)
        out: dict[str, Tensor] = {}
        asvs = batch.get("asv_embeddings")
        if asvs is None:
            encoded = self.sample_encoder.asv_encoder(batch["asv_tokens"], return_nucleotides)
            asvs = encoded.pop("embeddings")
            if isinstance(tokens, Tensor):
                encoded = {
                    key: value.unflatten(0, tokens.shape[:2]) for key, value in encoded.items()
                }
            out.update(encoded)
        mask = batch["mask"]
        samples = self.sample_encoder(asvs, batch["asv_index"], mask, batch.get("counts"))
        if return_sample_embeddings:
            out["sample_embeddings"] = samples
        if return_asv_embeddings:
            out["asv_embeddings"] = asvs
        pooled = self.attention_pooling(
            self.encoder_transformer(samples, mask, skip_padding=True), mask
        )
        if self.config.encoder_type == "combined":
            out["unifrac_pred"] = self.uni_ff(pooled).sigmoid()
            out["faith_pred"], out["tax_pred"] = self.faith_ff(pooled), self.tax_ff(pooled)
        elif self.config.encoder_type == "unifrac":
            out["embeddings"] = pooled
        else:
            out["base_prediction"] = self.output_head(pooled)
        return out


def inputs_of(
    tokens: Tensor | Mapping[str, Any], counts: Tensor | None, ids: Mapping[str, Tensor] | None
) -> dict[str, Any]:
    """Either layout as a batch of distinct ASVs; each slot of padded tokens is its own ASV."""
    if isinstance(tokens, Tensor):
        if tokens.dim() != 3:
            raise ShapeError(f"tokens: expected [B, S, L], got {list(tokens.shape)}")
        mask = _ops.asv_mask(tokens)
        batch = {
            "asv_tokens": tokens.flatten(0, 1),
            "asv_index": _ops.slot_index(mask),
            "mask": mask,
        }
    else:
        batch = dict(tokens)
        missing = [key for key in ("asv_index", "mask") if batch.get(key) is None]
        if missing or (batch.get("asv_tokens") is None and batch.get("asv_embeddings") is None):
            raise ArgumentError(
                "batch: expected asv_tokens or asv_embeddings, asv_index and mask, got "
                f"{sorted(batch)}"
            )
    if counts is not None:
        batch["counts"] = counts
    if batch.get("counts") is not None and batch["counts"].dim() == 3:
        batch["counts"] = batch["counts"].squeeze(-1)
    if ids is not None:
        batch["categorical_ids"] = ids
    return batch
