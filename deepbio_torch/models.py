"""The AAM model family as ``torch.nn.Module`` classes: the Python shell over ``torch.ops.deepbio``.

Parameter names, their order and their first values are those of the C++ shell
(``csrc/deepbio/model``), and the names are those of AAM's PyTorch port, so weights move freely
between the three. The arithmetic lives in C++ (``model/functional``); these classes hold parameters
and call it. They are ordinary modules: state_dict, hooks, deepcopy, pickle, ``torch.compile``,
``torch.export`` and DDP work as usual.

Axes: B samples, S ASVs per sample, L positions, D embedding, V vocabulary, U distinct ASVs,
O outputs, Q quantiles. Masks are bool, True = real.
"""

# Results of modules and operators are Any to mypy.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from . import _C, _options
from ._community.samples import SampleDataset
from ._model import weights as _weights
from ._model.asv_encoder import ASVEncoder, SampleSequenceEncoder
from ._model.config import ModelConfig
from ._model.fusion import CategoricalEmbedder, CrossAttentionFusion, GatedFusion, PerceiverFusion
from ._model.layers import (
    AbundancePooling,
    AttentionPooling,
    KnownAsvs,
    MemberNets,
    Mixture,
    PositionEmbedding,
    Stack,
    TransformerEncoder,
    target_head,
)
from ._model.runs import save_run, unwrapped
from ._model.sequence_encoder import ModelBase, SequenceEncoder, inputs_of
from .errors import ArgumentError, ConfigError, WrongTypeError

_ops = torch.ops.deepbio


class SequencePredictor(ModelBase):
    """A base :class:`SequenceEncoder`, a count branch and branches that predict the target.

    AAM's transformer over the sample (``transformer_branch``), the ASVs known from training
    (``num_known_asvs``), the pooled sequences (``sequence_branch``): docs/model.md. Known ASVs,
    scales and bins come from :func:`deepbio_torch.training.start`.

    Args:
        config: all options; or give them as keywords.

    Output dict: ``target_prediction`` [B, O] (log-probabilities of a classifier) or [B, O, Q];
    with ``num_bins`` the median, beside ``target_distribution`` [B, num_bins] (log-probabilities)
    and ``bin_edges``; ``member_predictions`` [M, B, ...] of each network, in training or when asked
    for; ``count_prediction`` [B, S, 1]; the base model's ``embeddings`` and what else it gives;
    ``base_embeddings`` [B, S, D] when asked for; ``gmu_gate`` [B, D] with categorical_fusion gmu,
    ``cross_attn_weights`` [B, H, S, 1] with cross-attention, ``perceiver_attn_weights``
    [B, H, latents, S + 1] with perceiver.
    """

    def __init__(self, config: ModelConfig | None = None, **fields: Any) -> None:
        """Builds and initialises; raises ConfigError."""
        super().__init__(config, fields)
        c = self.config
        dim = c.embedding_dim
        if c.learnable_output_scale:
            self.output_scale, self.output_bias = (
                nn.Parameter(torch.ones(c.out_dim)),
                nn.Parameter(torch.zeros(c.out_dim)),
            )
        self.base_model = SequenceEncoder(c)
        if c.count_prediction:
            self.count_encoder = TransformerEncoder(Stack.of(c, "count"))
            self.count_head = nn.Linear(dim, 1)
        if c.transformer_branch:
            self.target_encoder = TransformerEncoder(Stack.of(c, "target"))
            self.target_pooling = AttentionPooling(dim)
            self.target_norm = nn.LayerNorm(dim) if c.target_layer_norm else None
            if c.abundance_pooling:
                self.abundance_pooling = AbundancePooling(dim)
            self.target_head = target_head(c, c.num_bins or c.out_dim * max(c.num_quantiles, 1))
        if c.conditional_scaling_columns:
            tables = {
                column: c.categorical_cardinalities[column]
                for column in c.conditional_scaling_columns
            }
            self.output_scales = nn.ModuleDict(
                {column: nn.Embedding(n, c.out_dim) for column, n in tables.items()}
            )
            self.output_biases = nn.ModuleDict(
                {column: nn.Embedding(n, c.out_dim) for column, n in tables.items()}
            )
        if c.categorical_cardinalities:
            width = c.categorical_embed_dim * len(c.categorical_cardinalities)
            self.categorical_embedder = CategoricalEmbedder(c)
            if c.categorical_fusion == "gmu":
                self.gmu = GatedFusion(dim, width)
            elif c.categorical_fusion == "cross-attention":
                self.cross_attn_fusion = CrossAttentionFusion(c, width)
            elif c.categorical_fusion == "perceiver":
                self.perceiver_fusion = PerceiverFusion(c, width)
            elif c.transformer_branch:
                self.categorical_projection = nn.Linear(
                    width + (dim if c.categorical_fusion == "concat" else 0), dim
                )
        if not c.is_plain:
            self._register_branches()
        self.reset_parameters()
        if c.freeze_base:
            self.base_model.requires_grad_(False)

    def _register_branches(self) -> None:
        c = self.config
        width = c.categorical_embed_dim * len(c.categorical_cardinalities)
        self._known_levels: list[float] = _C.known_levels(c.known_inputs)
        known_parts = len(self._known_levels) + (c.known_inputs == "log_presence")
        pooled_parts = 1 if c.known_inputs == "presence" else 2
        outputs = c.num_bins or c.out_dim * max(c.num_quantiles, 1)
        members = int(c.transformer_branch)
        if c.num_known_asvs:
            self.known_asvs = KnownAsvs(c.num_known_asvs, c.max_bp)
            dropouts = c.known_input_dropout, c.known_dropout
            size = c.num_members, known_parts * c.num_known_asvs, width, c.known_hidden_dim, outputs
            self.known_branch = MemberNets(*size, dropouts=dropouts)
            members += c.num_members
        if c.sequence_branch:
            dropouts = c.sequence_input_dropout, c.sequence_dropout
            size = (
                c.num_members,
                pooled_parts * c.embedding_dim,
                width,
                c.sequence_hidden_dim,
                outputs,
            )
            self.sequence_branch = MemberNets(*size, dropouts=dropouts)
            members += c.num_members
        if not members:
            raise ConfigError(
                "model: expected a branch that predicts: transformer_branch, "
                "sequence_branch or known ASVs"
            )
        self.mixture = Mixture(c, members)

    def encode_asvs(self, asv_tokens: Tensor) -> Tensor:
        """Tokens [U, L] -> [U, D]: what ``asv_embeddings`` of a batch wants."""
        return self.base_model.encode_asvs(asv_tokens)

    def forward(
        self,
        tokens: Tensor | Mapping[str, Any],
        counts: Tensor | None = None,
        categorical_ids: Mapping[str, Tensor] | None = None,
        return_nucleotides: bool = False,
        return_sample_embeddings: bool = False,
        return_members: bool = False,
    ) -> dict[str, Tensor]:
        """Arguments as of :meth:`SequenceEncoder.forward`.

        Covariates that are not given leave the sample unchanged. ``asv_identity`` int64 [U] of a
        batch (``torch.ops.deepbio.asv_identity``) may stand for what known ASVs need of the tokens.
        ``return_members`` adds ``member_predictions``, which training has in any case.
        """
        batch = inputs_of(tokens, counts, categorical_ids)
        c = self.config
        needs_asvs = c.abundance_pooling or c.sequence_branch
        out = self.base_model(tokens, counts, categorical_ids, return_nucleotides, True, needs_asvs)
        mask, base = batch["mask"], out.pop("sample_embeddings")
        asvs = out.pop("asv_embeddings", None)
        if return_sample_embeddings:
            out["base_embeddings"] = base
        if c.count_prediction:
            out["count_prediction"] = self.count_head(self.count_encoder(base, mask)).sigmoid()
        ids = batch.get("categorical_ids")
        has_covariates = bool(c.categorical_cardinalities and ids)
        categories = self.categorical_embedder(ids) if has_covariates else None
        transformer: Tensor | None = None
        if c.transformer_branch:
            transformer = self._transformer_output(base, asvs, batch, categories, out)
        if c.is_plain and transformer is not None:
            out["target_prediction"] = self._finish(transformer, ids or {})
        else:
            members = self._member_outputs(asvs, batch, categories, transformer)
            self._mix(members, ids or {}, return_members or self.training, out)
        return out

    def _transformer_output(
        self,
        base: Tensor,
        asvs: Tensor | None,
        batch: Mapping[str, Any],
        categories: Tensor | None,
        out: dict[str, Tensor],
    ) -> Tensor:
        mask = batch["mask"]
        pooled = self._pool_target(base, mask, categories, out)
        if self.target_norm is not None:
            pooled = self.target_norm(pooled)
        if self.config.abundance_pooling:
            pooled = pooled + self.abundance_pooling(
                asvs, batch["asv_index"], mask, batch.get("counts")
            )
        if categories is not None and self.config.categorical_fusion == "gmu":
            pooled, out["gmu_gate"] = self.gmu(pooled, categories)
        return self.target_head(pooled)

    def _member_outputs(
        self,
        asvs: Tensor | None,
        batch: Mapping[str, Any],
        categories: Tensor | None,
        transformer: Tensor | None,
    ) -> Tensor:
        """The raw outputs of all members [M, B, outputs]."""
        index, mask, counts = batch["asv_index"], batch["mask"], batch.get("counts")
        log_abundance = self.config.known_inputs == "log_presence"
        sees_abundance = self.config.known_inputs != "presence"
        if counts is None:
            if sees_abundance or self.config.num_known_asvs:
                raise ArgumentError("counts: this model sees the reads of ASVs, got none")
            counts = mask.to(torch.float32)
        parts = []
        if self.config.num_known_asvs:
            known, tokens = self.known_asvs.identities, batch.get("asv_tokens")
            if batch.get("asv_identity") is not None:
                columns = _ops.known_columns(batch["asv_identity"], known)
            elif tokens is not None:
                columns = self.known_asvs(tokens)
            else:
                raise ArgumentError(
                    "asv_tokens: this model knows ASVs by their sequence, "
                    "got none (nor asv_identity)"
                )
            inputs = _ops.known_asv_inputs(
                columns, index, mask, counts, known, log_abundance, self._known_levels
            )
            parts.append(self.known_branch(inputs, categories))
        if self.config.sequence_branch:
            pooled = _ops.pool_sequences(asvs, index, mask, counts, sees_abundance)
            parts.append(self.sequence_branch(pooled, categories))
        if transformer is not None:
            parts.append(transformer.unsqueeze(0))
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _mix(
        self, members: Tensor, ids: Mapping[str, Tensor], each: bool, out: dict[str, Tensor]
    ) -> None:
        weight, temperature = self.mixture.weight, self.mixture.temperature
        if self.config.num_bins:
            out["bin_edges"] = self.mixture.bin_edges
            out["target_distribution"] = _ops.mix_members(members, weight, temperature)
            median = _ops.distribution_quantile(
                out["target_distribution"], self.mixture.bin_edges, 0.5
            )
            out["target_prediction"] = median.unsqueeze(1)
            if each:
                out["member_predictions"] = members.log_softmax(-1)
            return
        finished = self._finish(members, ids)
        if each:
            out["member_predictions"] = finished
        if self.config.is_classifier:
            out["target_prediction"] = _ops.mix_members(finished, weight, temperature)
        else:
            out["target_prediction"] = torch.tensordot(weight, finished, dims=([0], [0]))

    def _pool_target(
        self, x: Tensor, mask: Tensor, categories: Tensor | None, out: dict[str, Tensor]
    ) -> Tensor:
        """The sample as one vector [B, D], with covariates that are fused before the pooling."""
        fusion = self.config.categorical_fusion if categories is not None else None
        if fusion == "perceiver":
            pooled, out["perceiver_attn_weights"] = self.perceiver_fusion(x, mask, categories)
            return pooled
        if fusion == "cross-attention":
            x, out["cross_attn_weights"] = self.cross_attn_fusion(x, categories)
        elif fusion in ("concat", "add"):
            fuse = _ops.fuse_concat if fusion == "concat" else _ops.fuse_add
            x = fuse(
                x, categories, self.categorical_projection.weight, self.categorical_projection.bias
            )
        return self.target_pooling(self.target_encoder(x, mask, skip_padding=True), mask)

    def _finish(self, y: Tensor, ids: Mapping[str, Tensor]) -> Tensor:
        c = self.config
        if c.num_quantiles > 0:
            return y.unflatten(-1, (c.out_dim, c.num_quantiles))
        for column in c.conditional_scaling_columns:
            if column in ids:
                scale, bias = self.output_scales[column].weight, self.output_biases[column].weight
                y = _ops.conditional_scale(y, ids[column], scale, bias)
        if c.learnable_output_scale:
            y = y * self.output_scale + self.output_bias
        if c.is_classifier:
            return y.log_softmax(-1)
        if c.bounded_targets:
            return y.sigmoid()
        activations = {"relu": torch.relu, "softplus": nn.functional.softplus, "exp": torch.exp}
        return activations[c.output_activation](y) if c.output_activation != "none" else y


def from_pretrained(run: str | Path) -> SequenceEncoder | SequencePredictor:
    """The model of a run directory with its best weights, in eval mode.

    Raises:
        MissingFileError: not a run directory. ConfigError: config and weights do not fit.
    """
    model: SequenceEncoder | SequencePredictor = _weights.model_of_run(run, _build)
    return model


def save_pretrained(
    model: nn.Module,
    folder: str | Path,
    dataset: SampleDataset,
    *,
    val: SampleDataset | None = None,
    history: Sequence[Mapping[str, Any]] = (),
    overwrite: bool = False,
) -> Path:
    """Writes a run directory of a model that learned in a loop of one's own; returns its path.

    ``deepbio predict``, ``evaluate``, ``embed``, ``report`` and ``export`` take it, as
    ``deepbio train --pretrained``,
    :func:`deepbio_torch.predict` and :func:`from_pretrained` do.

    Args:
        model: a SequenceEncoder or SequencePredictor, on any device, also inside of DDP or
            torch.compile. Weights are written as float32.
        folder: made when it is not there.
        dataset: the training samples: their options say how a table becomes batches, their target
            its unit.
        val: the validation samples, for their names.
        history: a dict for each epoch (``train_loss``, ``val_loss``, ``val``, a dict of metrics,
            ``is_best``); the page of ``deepbio report`` shows it.
        overwrite: write into a folder that is not empty.

    Raises:
        WriteError: the folder is not empty. ArgumentError: a predictor without a target.
    """
    inner = unwrapped(model)
    if not isinstance(inner, SequenceEncoder | SequencePredictor):
        raise WrongTypeError(
            "save_pretrained: expected a SequenceEncoder or SequencePredictor, got "
            f"{type(inner).__name__}"
        )
    kind = "train" if isinstance(inner, SequencePredictor) else "pretrain"
    return save_run(inner, folder, dataset, kind, val=val, history=history, overwrite=overwrite)


def load_aam(path: str | Path, **options: Any) -> SequenceEncoder | SequencePredictor:
    """A checkpoint of AAM's PyTorch port, in eval mode.

    Plain weights or a trainer checkpoint (``.pt``), or ``.safetensors``. ``options`` win over what
    the names and shapes of the weights tell, and that over the checkpoint's own ``config``. What no
    shape tells has to be an option when it differs from AAM's default: numbers of heads,
    ``is_classifier``, ``bounded_targets``, ``output_activation``, ``num_quantiles``, dropout,
    ``activation`` ("gelu_tanh" to compare with outputs of AAM's fused CUDA layer).

    Raises:
        ConfigError: the weights are not of this family, or an option does not fit them.
    """
    model: SequenceEncoder | SequencePredictor = _weights.model_of_aam(path, _build, options)
    return model


def _build(config: ModelConfig, is_predictor: bool) -> SequenceEncoder | SequencePredictor:
    return SequencePredictor(config) if is_predictor else SequenceEncoder(config)


_options.document(SequenceEncoder, "model")
_options.document(SequencePredictor, "model")

__all__ = [
    "ASVEncoder",
    "AttentionPooling",
    "ModelConfig",
    "PositionEmbedding",
    "SampleSequenceEncoder",
    "SequenceEncoder",
    "SequencePredictor",
    "from_pretrained",
    "load_aam",
    "save_pretrained",
]
