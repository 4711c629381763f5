"""AAM's four loss terms and their sum, in plain torch (the same formulas as ``deepbio::train``).

Axes: B samples, S ASVs per sample, L positions, V vocabulary, D embedding, O outputs, Q quantiles.
Masks are True where something is real. All losses are scalars (float, no unit).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .errors import ArgumentError, ConfigError, ShapeError

__all__ = [
    "MultiTaskLoss",
    "classification_loss",
    "count_loss",
    "embedding_distances",
    "nucleotide_loss",
    "regression_loss",
    "unifrac_loss",
]

_COLUMN_LOSSES = ("huber", "mse", "mae")
_LOSSES = (*_COLUMN_LOSSES, "quantile", "asymmetric")


def _expect_shape(tensor: Tensor, expected: Sequence[int], what: str) -> None:
    if tuple(tensor.shape) != tuple(expected):
        raise ShapeError(f"{what}: expected shape {list(expected)}, got {list(tensor.shape)}")


def _expect_finite(tensor: Tensor, what: str) -> None:
    if not bool(torch.isfinite(tensor).all()):
        raise ArgumentError(f"{what}: expected finite numbers, got NaN or infinity")


def _elementwise(prediction: Tensor, target: Tensor, kind: str) -> Tensor:
    if kind == "mse":
        return F.mse_loss(prediction, target, reduction="none")
    if kind == "mae":
        return F.l1_loss(prediction, target, reduction="none")
    return F.smooth_l1_loss(prediction, target, reduction="none", beta=1.0)


def regression_loss(
    prediction: Tensor,
    target: Tensor,
    *,
    loss_type: str = "huber",
    quantiles: Sequence[float] = (0.1, 0.5, 0.9),
    over_penalty: float = 1.0,
    under_penalty: float = 1.0,
    loss_config: Mapping[int | str, str] | None = None,
    sample_weights: Tensor | None = None,
) -> Tensor:
    """Loss of predictions [B, O] (``quantile``: [B, O, Q]) against ``target`` [B, O].

    Args:
        prediction: what the model says.
        target: the truth, in the same unit.
        loss_type: ``huber`` (smooth L1, beta 1), ``mse``, ``mae``, ``quantile`` (pinball),
            ``asymmetric``.
        quantiles: levels of ``quantile``.
        over_penalty: weight of answers above the truth, for ``asymmetric``.
        under_penalty: weight of answers below the truth, for ``asymmetric``.
        loss_config: output column -> ``huber``, ``mse`` or ``mae``; the means of the columns are
            averaged. Not looked at with sample weights, as in AAM.
        sample_weights: [B]; the result is the mean of weight times loss.

    Returns:
        A scalar.

    Raises:
        ShapeError: target and prediction do not fit.
    """
    is_quantile = loss_type == "quantile"
    _expect_shape(target, prediction.shape[:2] if is_quantile else prediction.shape, "target")
    if loss_config and sample_weights is None:
        kinds = {str(column): kind for column, kind in loss_config.items()}
        columns = [
            _elementwise(prediction[:, o], target[:, o], kinds.get(str(o), loss_type)).mean()
            for o in range(prediction.shape[1])
        ]
        return torch.stack(columns).mean()
    if is_quantile:
        if prediction.dim() != 3 or prediction.shape[2] != len(quantiles):
            raise ShapeError(
                f"quantile loss: expected predictions [B, O, {len(quantiles)}], got {list(prediction.shape)}"
            )
        levels = torch.tensor(quantiles, dtype=prediction.dtype, device=prediction.device)
        error = target.unsqueeze(-1) - prediction
        loss = torch.maximum(levels * error, (levels - 1) * error)
    elif loss_type == "asymmetric":
        error = prediction - target
        loss = over_penalty * error.relu() + under_penalty * (-error).relu()
    else:
        loss = _elementwise(prediction, target, loss_type)
    if sample_weights is None:
        return loss.mean()
    return (sample_weights * loss.flatten(1).mean(1)).mean()


def classification_loss(
    prediction: Tensor,
    target: Tensor,
    class_weights: Tensor | None = None,
    sample_weights: Tensor | None = None,
) -> Tensor:
    """Negative log-likelihood of log-probabilities [B, C] for class ids int64 [B].

    With ``sample_weights`` [B] the mean of weight times loss; with ``class_weights`` [C] torch's
    weighted mean.
    """
    _expect_shape(target, prediction.shape[:1], "class targets")
    if sample_weights is None:
        return F.nll_loss(prediction, target, class_weights)
    loss = F.nll_loss(prediction, target, class_weights, reduction="none")
    return (sample_weights * loss).mean()


def count_loss(prediction: Tensor, counts: Tensor, mask: Tensor) -> Tensor:
    """Mean of squared differences over real ASVs; 0 when there is none.

    ``prediction``, ``counts`` and ``mask`` are [B, S] or [B, S, 1]; counts in the unit that the
    count head predicts.
    """
    _expect_shape(counts, prediction.shape, "counts")
    real = mask.to(prediction.dtype).reshape(prediction.shape)
    return ((prediction - counts).square() * real).sum() / real.sum().clamp_min(1)


def embedding_distances(embeddings: Tensor) -> Tensor:
    """Distances between rows of ``embeddings`` [B, D]: tanh(norm / 10), in [0, 1), zero diagonal.

    Returns:
        [B, B], symmetric.
    """
    squared = (embeddings.unsqueeze(1) - embeddings.unsqueeze(0)).square().sum(-1)
    distances = torch.tanh(squared.clamp_min(1e-8).sqrt() / 10)
    return distances * (1 - torch.eye(len(embeddings), dtype=distances.dtype, device=distances.device))


def unifrac_loss(embeddings: Tensor, distances: Tensor) -> Tensor:
    """Mean squared error of ``embedding_distances`` over each pair once; 0 for one sample.

    Args:
        embeddings: [B, D].
        distances: UniFrac [B, B].

    Raises:
        ShapeError: distances are not [B, B].
        ArgumentError: distances are NaN or infinite.
    """
    size = len(embeddings)
    _expect_shape(distances, (size, size), "distances")
    _expect_finite(distances, "distances")
    if size < 2:
        return embeddings.sum() * 0
    first, second = torch.triu_indices(size, size, offset=1, device=embeddings.device)
    return F.mse_loss(embedding_distances(embeddings)[first, second], distances[first, second])


def nucleotide_loss(
    logits: Tensor, tokens: Tensor, where: Tensor | None = None, weight: Tensor | None = None
) -> Tensor:
    """Cross-entropy at the chosen positions: ``where`` and tokens > 0, all real ones without it.

    Args:
        logits: [..., L, V].
        tokens: int64 [..., L], the tokens before masking.
        where: bool [..., L] or None.
        weight: [...], how often each sequence counts (distinct ASVs), or None for once.

    Returns:
        A scalar; 0 with a gradient when no position is chosen.
    """
    _expect_shape(tokens, logits.shape[:-1], "nucleotides")
    chosen = tokens > 0
    if where is not None:
        chosen = chosen & where
    if not bool(chosen.any()):
        return logits.sum() * 0
    loss = F.cross_entropy(logits[chosen], tokens[chosen], reduction="none")
    if weight is None:
        return loss.mean()
    repeats = weight.unsqueeze(-1).expand(tokens.shape)[chosen]
    return (loss * repeats).sum() / repeats.sum().clamp_min(1e-12)


def _count_mask(targets: Mapping[str, Tensor]) -> Tensor:
    if "mask" in targets:
        return targets["mask"]
    if "tokens" in targets:
        return (targets["tokens"] > 0).any(-1)
    return targets["counts"] > 0


class MultiTaskLoss(nn.Module):
    """The weighted sum of AAM's terms; an absent output or target leaves its term at zero.

    Args:
        penalty: weight of the distance (base) loss.
        nuc_penalty: weight of the nucleotide loss.
        target_penalty: weight of the target loss.
        count_penalty: weight of the count loss.
        target_loss_type: see ``regression_loss``.
        quantiles: levels of ``quantile``.
        over_penalty: of ``asymmetric``.
        under_penalty: of ``asymmetric``.
        class_weights: weight of each class, or None.
        loss_config: output column -> ``huber``, ``mse`` or ``mae``.
    """

    class_weights: Tensor | None

    def __init__(
        self,
        *,
        penalty: float = 1.0,
        nuc_penalty: float = 1.0,
        target_penalty: float = 1.0,
        count_penalty: float = 1.0,
        target_loss_type: str = "huber",
        quantiles: Sequence[float] = (0.1, 0.5, 0.9),
        over_penalty: float = 1.0,
        under_penalty: float = 1.0,
        class_weights: Sequence[float] | Tensor | None = None,
        loss_config: Mapping[int | str, str] | None = None,
    ) -> None:
        """See the class."""
        super().__init__()
        self.penalty, self.nuc_penalty = penalty, nuc_penalty
        self.target_penalty, self.count_penalty = target_penalty, count_penalty
        self.target_loss_type, self.quantiles = target_loss_type, tuple(quantiles)
        self.over_penalty, self.under_penalty = over_penalty, under_penalty
        self.loss_config = dict(loss_config or {})
        weights = None if class_weights is None else torch.as_tensor(class_weights, dtype=torch.float32)
        self.register_buffer("class_weights", weights)
        self._check()

    def _check(self) -> None:
        if self.target_loss_type not in _LOSSES:
            raise ConfigError(f"target_loss_type: expected {', '.join(_LOSSES)}, got {self.target_loss_type!r}")
        for name in ("penalty", "nuc_penalty", "target_penalty", "count_penalty"):
            value = getattr(self, name)
            if not value >= 0 or math.isinf(value):
                raise ConfigError(f"{name}: expected a number >= 0, got {value}")
        if any(not 0 < level < 1 for level in self.quantiles):
            raise ConfigError(f"quantiles: expected levels in (0, 1), got {self.quantiles}")
        if list(self.quantiles) != sorted(set(self.quantiles)):
            raise ConfigError(f"quantiles: expected rising levels, got {self.quantiles}")
        for name in ("over_penalty", "under_penalty"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name}: expected a number > 0, got {getattr(self, name)}")
        for column, kind in self.loss_config.items():
            if kind not in _COLUMN_LOSSES:
                raise ConfigError(f"loss_config[{column!r}]: expected huber, mse or mae, got {kind!r}")
        if self.loss_config and self.target_loss_type in ("quantile", "asymmetric"):
            raise ConfigError(f"loss_config does not go with loss type {self.target_loss_type!r}")

    def extra_repr(self) -> str:
        """The weights of the terms."""
        return (
            f"target_loss_type={self.target_loss_type!r}, target_penalty={self.target_penalty}, "
            f"count_penalty={self.count_penalty}, penalty={self.penalty}, "
            f"nuc_penalty={self.nuc_penalty}"
        )

    def forward(
        self,
        outputs: Mapping[str, Tensor],
        targets: Mapping[str, Tensor],
        is_classifier: bool = False,
        encoder_type: str = "unifrac",
        sample_weights: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """The terms of a batch.

        Args:
            outputs: of a model: ``target_prediction``, ``count_prediction``, ``embeddings``,
                ``base_prediction``, ``nuc_predictions``, ``mask_indices``.
            targets: ``target`` [B, O] or int64 [B]; ``counts`` [B, S, 1] with ``mask`` or
                ``tokens`` (else counts > 0 are real); ``base_target``; ``nucleotides``, with
                ``nucleotide_weight`` for distinct ASVs.
            is_classifier: ``target_prediction`` holds log-probabilities.
            encoder_type: what ``base_target`` is compared with.
            sample_weights: [B] or None.

        Returns:
            ``target_loss``, ``count_loss``, ``unifrac_loss``, ``nuc_loss``, ``total_loss``.
        """
        some = next((tensor for tensor in outputs.values() if tensor.is_floating_point()), None)
        if some is None:
            raise ArgumentError("MultiTaskLoss: expected at least one output of the model, got none")
        zero = some.flatten()[:1].sum() * 0
        terms = {
            "target_loss": self._target(outputs, targets, is_classifier, sample_weights),
            "count_loss": self._count(outputs, targets),
            "unifrac_loss": self._base(outputs, targets, encoder_type),
            "nuc_loss": self._nucleotides(outputs, targets),
        }
        found = {name: zero if term is None else term for name, term in terms.items()}
        found["total_loss"] = (
            self.target_penalty * found["target_loss"]
            + self.count_penalty * found["count_loss"]
            + self.penalty * found["unifrac_loss"]
            + self.nuc_penalty * found["nuc_loss"]
        )
        return found

    def _target(
        self,
        outputs: Mapping[str, Tensor],
        targets: Mapping[str, Tensor],
        is_classifier: bool,
        sample_weights: Tensor | None,
    ) -> Tensor | None:
        if "target_prediction" not in outputs or "target" not in targets:
            return None
        prediction, target = outputs["target_prediction"], targets["target"]
        if is_classifier:
            return classification_loss(prediction, target, self.class_weights, sample_weights)
        return regression_loss(
            prediction,
            target,
            loss_type=self.target_loss_type,
            quantiles=self.quantiles,
            over_penalty=self.over_penalty,
            under_penalty=self.under_penalty,
            loss_config=self.loss_config,
            sample_weights=sample_weights,
        )

    def _count(self, outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor | None:
        if "count_prediction" not in outputs or "counts" not in targets:
            return None
        prediction = outputs["count_prediction"]
        counts = targets["counts"].reshape(prediction.shape)
        return count_loss(prediction, counts, _count_mask(targets))

    def _base(self, outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor], encoder_type: str) -> Tensor | None:
        if "base_target" not in targets:
            return None
        if encoder_type == "unifrac":
            z = outputs.get("embeddings")
            return None if z is None else unifrac_loss(z, targets["base_target"])
        if encoder_type == "combined":
            raise ConfigError("encoder_type 'combined' has no training loss")
        prediction = outputs.get("base_prediction")
        if prediction is None:
            return None
        _expect_shape(targets["base_target"], prediction.shape, "base target")
        _expect_finite(targets["base_target"], "base target")
        return F.mse_loss(prediction, targets["base_target"])

    def _nucleotides(self, outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor | None:
        if "nuc_predictions" not in outputs or "nucleotides" not in targets:
            return None
        return nucleotide_loss(
            outputs["nuc_predictions"],
            targets["nucleotides"],
            outputs.get("mask_indices"),
            targets.get("nucleotide_weight"),
        )
