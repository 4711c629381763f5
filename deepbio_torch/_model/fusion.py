"""How covariates join the prediction: embedded, then concatenated, added, gated or attended to.

Axes as in ``_layers``. The C++ twin is ``csrc/deepbio/model/fusion``.
"""

# Results of operators are Any to mypy.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..errors import ArgumentError
from .config import ModelConfig
from .layers import ACTIVATIONS, EncoderLayer, SelfAttention, Stack

_ops = torch.ops.deepbio


class CategoricalEmbedder(nn.Module):
    """Covariates -> [B, columns x categorical_embed_dim], columns in alphabetic order.

    Category 0 (unknown) is zero.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.categorical_embed_dim
        tables = sorted(config.categorical_cardinalities.items())
        self.embeddings = nn.ModuleDict(
            {column: nn.Embedding(n, dim, padding_idx=0) for column, n in tables}
        )
        self.dropout = nn.Dropout(config.categorical_dropout)

    def forward(self, ids: Mapping[str, Tensor]) -> Tensor:
        for column in self.embeddings:
            if column not in ids:
                raise ArgumentError(
                    f"categorical_ids: expected ids of column {column!r}, got {sorted(ids)}"
                )
        return self.dropout(
            torch.cat([table(ids[column]) for column, table in self.embeddings.items()], -1)
        )


class GatedFusion(nn.Module):
    """Gated multimodal unit, residual form.

    ``pooled`` [B, D], ``categories`` [B, C] -> fused, gate, both [B, D].
    """

    def __init__(self, dim: int, categorical_dim: int) -> None:
        super().__init__()
        self.cat_transform = nn.Linear(categorical_dim, dim)
        self.gate = nn.Linear(dim + categorical_dim, dim)

    def forward(self, pooled: Tensor, categories: Tensor) -> tuple[Tensor, Tensor]:
        transform, gate = self.cat_transform, self.gate
        return _ops.fuse_gmu(
            pooled, categories, transform.weight, transform.bias, gate.weight, gate.bias
        )


class CrossAttentionFusion(nn.Module):
    """Every ASV slot attends to the covariates as one vector: ``LayerNorm(x + attention)``.

    ``x`` [B, S, D], ``categories`` [B, C] -> fused [B, S, D], attention weights [B, H, S, 1].
    """

    def __init__(self, config: ModelConfig, categorical_dim: int) -> None:
        super().__init__()
        dim = config.embedding_dim
        self.num_heads, self.dropout = config.cross_attn_heads, config.categorical_dropout
        self.cat_projection = nn.Linear(categorical_dim, dim)
        self.cross_attn = SelfAttention(dim)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, categories: Tensor) -> tuple[Tensor, Tensor]:
        attn, projection = self.cross_attn, self.cat_projection
        weights = [
            projection.weight,
            projection.bias,
            *attn.weights(),
            self.norm.weight,
            self.norm.bias,
        ]
        return _ops.fuse_cross_attention.weights(
            x, categories, weights, self.num_heads, self.dropout, self.training
        )


class PerceiverFusion(nn.Module):
    """Learned latents attend to ASVs and covariates, then to each other; their mean is the sample.

    ``x`` [B, S, D], ``mask`` [B, S], ``categories`` [B, C] -> [B, D], attention weights
    [B, H, latents, S + 1], the covariates last.
    """

    def __init__(self, config: ModelConfig, categorical_dim: int) -> None:
        super().__init__()
        dim = config.embedding_dim
        self.num_heads, self.dropout = config.cross_attn_heads, config.categorical_dropout
        self.latents = nn.Parameter(torch.zeros(config.perceiver_num_latents, dim))
        self.seq_projection = nn.Linear(dim, dim)
        self.cat_projection = nn.Linear(categorical_dim, dim)
        self.cross_attn = SelfAttention(dim)
        self.cross_norm = nn.LayerNorm(dim)
        stack = Stack(
            config.perceiver_num_layers,
            self.num_heads,
            dim,
            4 * dim,
            self.dropout,
            ACTIVATIONS["relu"],
        )
        self.self_attn_layers = nn.ModuleList(EncoderLayer(stack) for _ in range(stack.num_layers))
        self.output_projection = nn.Linear(dim, dim)

    def forward(self, x: Tensor, mask: Tensor, categories: Tensor) -> tuple[Tensor, Tensor]:
        attn, slots, category = self.cross_attn, self.seq_projection, self.cat_projection
        of_projections = [slots.weight, slots.bias, category.weight, category.bias]
        of_norm = [self.cross_norm.weight, self.cross_norm.bias]
        latents, weights = _ops.attend_latents.weights(
            x, mask, categories, [self.latents, *of_projections, *attn.weights(), *of_norm],
            self.num_heads, self.dropout, self.training,
        )  # fmt: skip
        for layer in self.self_attn_layers:
            latents = layer(latents)
        return self.output_projection(latents.mean(1)), weights
