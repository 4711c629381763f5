"""Metrics of predictions against truth.

Those that training reports and ``deepbio evaluate`` prints.

They are computed in C++ (``csrc/deepbio/train/metrics``), which holds the table of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from . import _C
from .errors import ArgumentError

Values = Tensor | Sequence[float] | Sequence[int]


class Metric(NamedTuple):
    """A metric.

    Attributes:
        name: as in ``val`` of an epoch and in ``best_metric``.
        help: what it is.
        is_bigger_better: which of two values is the better one.
        is_shown: in the line that a command prints for an epoch.
        of_numbers: it is one of a regression. of_classes: it is one of a classifier.
    """

    name: str
    help: str
    is_bigger_better: bool
    is_shown: bool
    of_numbers: bool
    of_classes: bool


METRICS: tuple[Metric, ...] = tuple(Metric(**row) for row in _C.metric_rows())


def regression_metrics(prediction: Values, actual: Values) -> dict[str, float]:
    """``num_samples`` and every metric of numbers, by name.

    Args:
        prediction: N numbers, or any shape of ``actual``.
        actual: the truth, in the same unit.

    Raises:
        ArgumentError: no numbers, or not as many predictions as actual values.
    """
    found: dict[str, float] = _C.number_metrics(_tensor(prediction), _tensor(actual))
    return found


def classification_metrics(
    prediction: Values,
    actual: Values,
    *,
    num_classes: int | None = None,
    probabilities: Tensor | None = None,
) -> dict[str, Any]:
    """``num_samples``, every metric of classes, and ``confusion`` [actual][predicted].

    Args:
        prediction: class ids [N], or probabilities (or log-probabilities) of the classes [N, C].
        actual: class ids [N].
        num_classes: C; None: the columns of the probabilities, or one more than the largest id.
        probabilities: [N, C] beside class ids. Without any there is no ``auc``.

    Raises:
        ArgumentError: nothing to measure, unequal lengths, class ids out of range.
    """
    predicted, truth = _tensor(prediction), _tensor(actual)
    if predicted.dim() == 2:
        probabilities, predicted = predicted, predicted.argmax(-1)
    if num_classes is None:
        ids = torch.cat([predicted.flatten(), truth.flatten()])
        num_classes = int(ids.max()) + 1 if len(ids) else 0
        num_classes = num_classes if probabilities is None else probabilities.shape[1]
    found: dict[str, Any] = _C.class_metrics(predicted, truth, num_classes, probabilities)
    return found


def _tensor(values: Values) -> Tensor:
    try:
        return torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError):
        raise ArgumentError(
            f"metrics: expected a tensor or numbers, got {type(values).__name__}"
        ) from None


__all__ = ["METRICS", "Metric", "classification_metrics", "regression_metrics"]
