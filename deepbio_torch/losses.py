"""AAM's four loss terms and their sum: those of the C++ trainer, as ``torch.ops.deepbio``.

Axes: B samples, S ASVs per sample, L positions, V vocabulary, D embedding, O outputs, Q quantiles.
Masks are True where something is real. All losses are scalars (float, no unit).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from . import _C, _library, _options
from ._model import loss_targets as _given
from ._model.loss_targets import targets_of
from .errors import ArgumentError, ConfigError, ShapeError

__all__ = [
    "MultiTaskLoss",
    "classification_loss",
    "count_loss",
    "embedding_distances",
    "histogram_loss",
    "nucleotide_loss",
    "regression_loss",
    "targets_of",
    "unifrac_loss",
]

_COUNT_TARGETS = ("relative", "raw")

_library.load()
_ops = torch.ops.deepbio


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
        loss_type: a name that docs/options.md lists.
        quantiles: levels of ``quantile``.
        over_penalty: weight of answers above the truth, for ``asymmetric``.
        under_penalty: weight of answers below the truth, for ``asymmetric``.
        loss_config: output column -> loss of it; the means of the columns are averaged. Not looked
            at with sample weights, as in AAM.
        sample_weights: [B]; the result is the mean of weight times loss.

    Returns:
        A scalar.

    Raises:
        ShapeError: target and prediction do not fit. ConfigError: a bad option.
    """
    options = _C.loss_options(
        {
            "loss_type": loss_type,
            "quantiles": quantiles,
            "over_penalty": over_penalty,
            "under_penalty": under_penalty,
            "loss_config": loss_config or {},
        }
    )
    return _regression_loss(prediction, target, options, _C.num_quantiles(options), sample_weights)


def _regression_loss(
    prediction: Tensor,
    target: Tensor,
    options: Mapping[str, Any],
    num_quantiles: int,
    sample_weights: Tensor | None,
) -> Tensor:
    """With checked options; ``num_quantiles`` 0: plain numbers."""
    _given.expect_tensors(prediction=prediction, target=target)
    if num_quantiles and (prediction.dim() != 3 or prediction.shape[2] != num_quantiles):
        raise ShapeError(
            f"quantile loss: expected [B, O, {num_quantiles}], got {list(prediction.shape)}"
        )
    _given.expect_shape(
        target, prediction.shape[:2] if num_quantiles else prediction.shape, "target"
    )
    loss: Tensor = _ops.regression_loss(
        prediction,
        target,
        options["loss_type"],
        options["quantiles"],
        options["over_penalty"],
        options["under_penalty"],
        options["loss_config"],
        sample_weights,
    )
    return loss


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
    _given.expect_tensors(prediction=prediction, target=target)
    _given.expect_shape(target, prediction.shape[:1], "class targets")
    if target.dtype != torch.int64:
        raise ArgumentError(f"class targets: expected int64, got {target.dtype}")
    loss: Tensor = _ops.classification_loss(prediction, target, class_weights, sample_weights)
    return loss


def count_loss(prediction: Tensor, counts: Tensor, mask: Tensor) -> Tensor:
    """Mean of squared differences over real ASVs; 0 when there is none.

    ``prediction``, ``counts`` and ``mask`` are [B, S] or [B, S, 1]; counts in the unit that the
    count head predicts.
    """
    _given.expect_tensors(prediction=prediction, counts=counts, mask=mask)
    _given.expect_shape(counts, prediction.shape, "counts")
    loss: Tensor = _ops.count_loss(prediction, counts, mask.reshape(prediction.shape))
    return loss


def embedding_distances(embeddings: Tensor) -> Tensor:
    """Distances between rows of ``embeddings`` [B, D]: tanh(norm / 10), in [0, 1), zero diagonal.

    Returns:
        [B, B], symmetric.
    """
    _given.expect_tensors(embeddings=embeddings)
    distances: Tensor = _ops.embedding_distances(embeddings)
    return distances


def unifrac_loss(embeddings: Tensor, distances: Tensor) -> Tensor:
    """Mean squared error of ``embedding_distances`` over each pair once; 0 for one sample.

    Args:
        embeddings: [B, D].
        distances: UniFrac [B, B].

    Raises:
        ShapeError: distances are not [B, B].
        ArgumentError: distances are NaN or infinite.
    """
    _given.expect_tensors(embeddings=embeddings, distances=distances)
    size = len(embeddings)
    _given.expect_shape(distances, (size, size), "distances")
    _given.expect_finite(distances, "distances")
    loss: Tensor = _ops.unifrac_loss(embeddings, distances)
    return loss


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
    _given.expect_tensors(logits=logits, tokens=tokens)
    _given.expect_shape(tokens, logits.shape[:-1], "nucleotides")
    loss: Tensor = _ops.nucleotide_loss(logits, tokens, where, weight)
    return loss


def histogram_loss(
    log_probabilities: Tensor,
    target: Tensor,
    bin_edges: Tensor,
    sample_weights: Tensor | None = None,
) -> Tensor:
    """Cross-entropy of a histogram head against a Gaussian of 0.75 bin around the target.

    Args:
        log_probabilities: [B, C].
        target: [B, 1], in the unit of the edges.
        bin_edges: [C + 1], of equal width.
        sample_weights: [B] or None.
    """
    _given.expect_tensors(log_probabilities=log_probabilities, target=target, bin_edges=bin_edges)
    _given.expect_shape(target, (len(log_probabilities), 1), "target")
    loss: Tensor = _ops.histogram_loss(log_probabilities, target, bin_edges, sample_weights)
    return loss


class MultiTaskLoss(nn.Module):
    """The weighted sum of AAM's terms: ``MultiTaskLoss()(model(batch), batch)``.

    An output that the model did not give leaves its term at zero. One without its target is an
    error that names both, unless the weight of its term is 0; a predictor's ``embeddings`` may go
    without distances. ``count_target`` ("relative" or "raw") is what the count head predicts of a
    batch.

    The options are those of ``loss`` of a :class:`~deepbio_torch.Trainer`; each is an attribute,
    and ``class_weights`` a buffer or None.

    Raises:
        ConfigError: an unknown option (with the nearest known one) or a bad value.
    """

    class_weights: Tensor | None

    penalty: float
    nuc_penalty: float
    target_penalty: float
    count_penalty: float

    def __init__(self, *, count_target: str = "relative", **options: Any) -> None:
        """Checks and completes the options."""
        super().__init__()
        if count_target not in _COUNT_TARGETS:
            raise ConfigError(
                f"count_target: expected {', '.join(_COUNT_TARGETS)}, got {count_target!r}"
            )
        self.count_target = count_target
        given = {name: value for name, value in options.items() if value is not None}
        self.options: dict[str, Any] = _C.loss_options(
            _options.renamed(_options.rows("loss"), given)
        )
        self.num_quantiles: int = _C.num_quantiles(self.options)
        for name, value in self.options.items():
            if name != "class_weights":
                setattr(self, name, value)
        weights = self.options["class_weights"]
        self.register_buffer(
            "class_weights", torch.tensor(weights, dtype=torch.float32) if weights else None
        )

    def extra_repr(self) -> str:
        """The weights of the terms."""
        return (
            f"loss_type={self.options['loss_type']!r}, target_penalty={self.target_penalty}, "
            f"count_penalty={self.count_penalty}, penalty={self.penalty}, "
            f"nuc_penalty={self.nuc_penalty}"
        )

    def forward(
        self,
        outputs: Mapping[str, Tensor],
        targets: Mapping[str, Any],
        is_classifier: bool | None = None,
        encoder_type: str = "unifrac",
        sample_weights: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """The terms of a batch.

        Args:
            outputs: of a model: ``target_prediction``, ``count_prediction``, ``embeddings``,
                ``base_prediction``, ``nuc_predictions``, ``mask_indices``.
            targets: the :class:`~deepbio_torch.Batch` that the model saw; or a dict of ``target``
                [B, O] or int64 [B]; ``counts`` [B, S, 1] with ``mask`` or ``tokens`` (else counts >
                0 are real); ``base_target``; ``nucleotides``, with ``nucleotide_weight`` for
                distinct ASVs.
            is_classifier: ``target_prediction`` holds log-probabilities; None: it does when the
                target is int64.
            encoder_type: what ``base_target`` is compared with.
            sample_weights: [B] or None.

        Returns:
            ``target_loss``, ``count_loss``, ``unifrac_loss``, ``nuc_loss``, ``total_loss``.

        Raises:
            ArgumentError: an output without its target, a target that is not finite. ShapeError:
                shapes do not fit.
        """
        given = ", ".join(targets) or "nothing"
        targets = targets_of(targets, count_target=self.count_target)
        self._check_targets(outputs, targets, given)
        if is_classifier is None:
            is_classifier = "target" in targets and not targets["target"].is_floating_point()
        some = next((tensor for tensor in outputs.values() if tensor.is_floating_point()), None)
        if some is None:
            raise ArgumentError(
                "MultiTaskLoss: expected at least one output of the model, got none"
            )
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

    def _check_targets(
        self, outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor], given: str
    ) -> None:
        """Refuses an output that would train nothing for want of its target."""
        wanted = [
            ("target_prediction", "target", "targets", "target_penalty"),
            ("count_prediction", "counts", "counts", "count_penalty"),
            ("base_prediction", "base_target", "base_target", "penalty"),
            ("nuc_predictions", "nucleotides", "asv_tokens", "nuc_penalty"),
        ]
        if "target_prediction" not in outputs:
            wanted.append(("embeddings", "base_target", "distances", "penalty"))
        for output, target, key, weight in wanted:
            if output in outputs and target not in targets and getattr(self, weight) > 0:
                either = f"{target!r} (of a batch: {key!r})" if key != target else repr(target)
                raise ArgumentError(
                    f"MultiTaskLoss: the model gave {output!r}; expected its "
                    f"target {either}, got {given}; {weight}=0 leaves the term out"
                )

    def _target(
        self,
        outputs: Mapping[str, Tensor],
        targets: Mapping[str, Tensor],
        is_classifier: bool,
        sample_weights: Tensor | None,
    ) -> Tensor | None:
        if "target_prediction" not in outputs or "target" not in targets:
            return None
        edges = outputs.get("bin_edges")
        prediction = outputs["target_prediction" if edges is None else "target_distribution"]
        target = targets["target"]
        if "member_predictions" in outputs:  # in training every network is measured by itself
            members = len(outputs["member_predictions"])
            prediction = outputs["member_predictions"].flatten(0, 1)
            target = target.repeat(members, *[1] * (target.dim() - 1))
            sample_weights = None if sample_weights is None else sample_weights.repeat(members)
        if edges is not None:
            return histogram_loss(prediction, target, edges, sample_weights)
        if is_classifier:
            return classification_loss(prediction, target, self.class_weights, sample_weights)
        return _regression_loss(
            prediction, target, self.options, self.num_quantiles, sample_weights
        )

    def _count(self, outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor | None:
        if "count_prediction" not in outputs or "counts" not in targets:
            return None
        prediction = outputs["count_prediction"]
        counts = targets["counts"].reshape(prediction.shape)
        return count_loss(prediction, counts, _given.count_mask(targets))

    def _base(
        self, outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor], encoder_type: str
    ) -> Tensor | None:
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
        _given.expect_shape(targets["base_target"], prediction.shape, "base target")
        _given.expect_finite(targets["base_target"], "base target")
        loss: Tensor = _ops.base_loss(prediction, targets["base_target"])
        return loss

    def _nucleotides(
        self, outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]
    ) -> Tensor | None:
        if "nuc_predictions" not in outputs or "nucleotides" not in targets:
            return None
        logits, tokens = outputs["nuc_predictions"], targets["nucleotides"]
        weight = targets.get("nucleotide_weight")
        if (
            logits.dim() == 4 and tokens.dim() == 2 and "asv_index" in targets
        ):  # the model saw padded tokens
            tokens, weight = tokens[targets["asv_index"]] * targets["mask"].unsqueeze(-1), None
        return nucleotide_loss(logits, tokens, outputs.get("mask_indices"), weight)


_options.document(MultiTaskLoss, "loss")
