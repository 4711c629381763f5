"""The lower two levels of the models.

Each ASV from its letters, and the ASVs of a sample seen together.
"""

# Results of modules and operators are Any to mypy.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .._arguments import of_kind
from ..errors import ArgumentError, ShapeError
from .config import ModelConfig
from .layers import AttentionPooling, PositionEmbedding, Stack, TransformerEncoder, require_length

_ops = torch.ops.deepbio


def config_of(config: ModelConfig | None, fields: dict[str, Any]) -> ModelConfig:
    """The config that was given, checked, or that of keywords."""
    if config is not None and fields:
        raise ArgumentError(
            f"model: expected a ModelConfig or keywords, got both ({', '.join(sorted(fields))})"
        )
    if config is None:
        return ModelConfig.from_dict(fields)
    given: ModelConfig = of_kind(config, ModelConfig, "config", "a ModelConfig")
    return given.check()


def initialise(module: nn.Module, seed: int | None = None) -> None:
    """Initialises as AAM does, with the bits that C++ gives.

    ``seed`` None: drawn from torch's default generator.
    """
    if seed is None:
        seed = int(torch.randint(1 << 62, (1,), device="cpu"))
    parameters = dict(module.named_parameters())
    with torch.no_grad():
        for name, parameter in parameters.items():
            if parameter.is_meta:  # has no values; torch calls this again after to_empty
                continue
            weight = parameters.get(name.removesuffix("bias") + "weight", parameter)
            fan_in = weight.shape[1] if weight.dim() > 1 else weight.numel()
            parameter.copy_(_ops.init_parameter(name, list(parameter.shape), fan_in, seed))


class ASVEncoder(nn.Module):
    """Tokens of distinct ASVs [U, L] -> ``embeddings`` [U, D]; AAM's tokens [B, S, L] -> [B, S, D].

    With nucleotides asked for also ``nuc_predictions`` [U, L, V] and, in training, ``mask_indices``
    [U, L] of the letters that were hidden. Takes a config, or AAM's keywords.
    """

    def __init__(self, config: ModelConfig | None = None, **fields: Any) -> None:
        super().__init__()
        given, config = config, config_of(config, fields)
        dim = config.embedding_dim
        self.max_length = config.max_bp + 1
        self.nuc_mask_ratio = config.nuc_mask_ratio
        self.nuc_mask_strategy = config.nuc_mask_strategy
        self.token_embedding = nn.Embedding(config.vocab_size, dim)
        self.position_embedding = PositionEmbedding(self.max_length, dim)
        self.transformer = TransformerEncoder(Stack.of(config, "asv"))
        self.attention_pooling = AttentionPooling(dim)
        self.nucleotide_head = (
            nn.Linear(dim, config.vocab_size) if config.predict_nucleotides else None
        )
        if given is None:
            initialise(self)

    def forward(self, tokens: Tensor, return_nucleotides: bool = False) -> dict[str, Tensor]:
        if tokens.dim() == 3:
            flat = self.forward(tokens.flatten(0, 1), return_nucleotides)
            return {name: values.unflatten(0, tokens.shape[:2]) for name, values in flat.items()}
        require_length("tokens", tokens, 2, self.max_length, "max_bp + 1")
        head = self.nucleotide_head if return_nucleotides else None
        out: dict[str, Tensor] = {}
        if head is not None and self.training and self.nuc_mask_ratio > 0:
            choose = _ops.span_mask if self.nuc_mask_strategy == "span" else _ops.random_mask
            out["mask_indices"] = choose(tokens, self.nuc_mask_ratio)
            tokens = _ops.apply_mask_token(tokens, out["mask_indices"])
        mask = tokens > 0
        positions = self.position_embedding.position_embedding.weight
        states = self.transformer(
            _ops.embed_tokens(tokens, self.token_embedding.weight, positions), mask, head is None
        )
        out["embeddings"] = self.attention_pooling(states, mask)
        if head is not None:
            out["nuc_predictions"] = _ops.nucleotide_logits(states, tokens, head.weight, head.bias)
        return out


class SampleSequenceEncoder(nn.Module):
    """ASV embeddings [U, D] where they occur, seen together.

    ``asv_index``, ``mask`` [B, S] -> [B, S, D], zero under padding; or AAM's tokens int64 [B, S, L]
    alone, and counts. Takes a config, or AAM's keywords.
    """

    def __init__(self, config: ModelConfig | None = None, **fields: Any) -> None:
        super().__init__()
        given, config = config, config_of(config, fields)
        dim = config.embedding_dim
        self.max_asvs = config.token_limit + 5
        self.count_embedding_method = (
            config.count_embedding_method if config.count_embedding else None
        )
        self.asv_encoder = ASVEncoder(config)
        self.sample_position_embedding = PositionEmbedding(self.max_asvs, dim)
        self.sample_transformer = TransformerEncoder(Stack.of(config, "sample"))
        if self.count_embedding_method == "film":
            self.count_film = nn.Linear(1, 2 * dim)
        elif self.count_embedding_method is not None:
            self.count_embed = nn.Linear(1, dim)
            if self.count_embedding_method == "concat":
                self.count_proj = nn.Linear(2 * dim, dim)
        if given is None:
            initialise(self)

    def forward(
        self,
        asv_embeddings: Tensor,
        asv_index: Tensor | None = None,
        mask: Tensor | None = None,
        counts: Tensor | None = None,
    ) -> Tensor:
        if asv_index is None or mask is None:
            if asv_embeddings.dim() != 3 or asv_embeddings.is_floating_point():
                raise ShapeError(
                    "SampleSequenceEncoder: expected tokens int64 [B, S, L], or embeddings with "
                    f"asv_index and mask, got {list(asv_embeddings.shape)} alone"
                )
            mask, flat = (asv_embeddings > 0).any(-1), asv_embeddings.flatten(0, 1)
            asv_embeddings = self.asv_encoder(flat)["embeddings"]
            asv_index = torch.arange(len(flat), device=flat.device).view_as(mask)
            counts = None if counts is None else counts.reshape(mask.shape)
        require_length("mask", mask, 2, self.max_asvs, "token_limit + 5")
        padding = ~mask.unsqueeze(-1)
        x = self._embed_counts(
            _ops.gather_asvs(asv_embeddings, asv_index, mask), counts
        ).masked_fill(padding, 0.0)
        return self.sample_transformer(
            self.sample_position_embedding(x), mask, skip_padding=True
        ).masked_fill(padding, 0.0)

    def _embed_counts(self, x: Tensor, counts: Tensor | None) -> Tensor:
        method = self.count_embedding_method
        if method is None:
            return x
        if counts is None:
            raise ArgumentError("counts: this model embeds counts (count_embedding), got none")
        counts = counts.to(x.dtype)
        if method == "film":
            return _ops.count_embed_film(x, counts, self.count_film.weight, self.count_film.bias)
        weights = self.count_embed.weight, self.count_embed.bias
        if method == "add":
            return _ops.count_embed_add(x, counts, *weights)
        return _ops.count_embed_concat(
            x, counts, *weights, self.count_proj.weight, self.count_proj.bias
        )
