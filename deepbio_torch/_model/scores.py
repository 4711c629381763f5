"""Scores of predictions, in the target's own unit.

Single folds, all folds pooled, paired differences.

They are metrics of the library's table; which of them a study shows is decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..metrics import METRICS, classification_metrics, regression_metrics

Array = npt.NDArray[np.float64]

HIGHER_IS_BETTER = {metric.name: metric.is_bigger_better for metric in METRICS}


def main_score(num_classes: int) -> str:
    """The score by which methods are compared.

    ``mae`` for numbers, ``balanced_accuracy`` for classes.
    """
    return "balanced_accuracy" if num_classes else "mae"


def score_numbers(actual: Array, predicted: Array, mean: Array | None = None) -> dict[str, float]:
    """``mae``, ``rmse`` and ``r2`` of M samples; ``r2`` is NaN when all actual values are equal.

    ``mean`` takes the place of ``predicted`` in rmse and r2, where a method gives a mean beside its
    median.
    """
    found = regression_metrics(torch.from_numpy(predicted), torch.from_numpy(actual))
    of_mean = (
        found
        if mean is None
        else regression_metrics(torch.from_numpy(mean), torch.from_numpy(actual))
    )
    known = {"mae": found["mae"], "rmse": of_mean["rmse"], "r2": of_mean["r2"]}
    return known if actual.min() < actual.max() else {**known, "r2": float("nan")}


def score_classes(
    actual: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], probabilities: Array
) -> dict[str, float]:
    """Accuracies, ``auc`` and ``log_loss`` of class ids [M] and probabilities [M, C].

    Balanced accuracy is the mean recall of the classes that occur. ``auc`` is that of class 1 for
    two classes, else the mean of each class against the rest; NaN when a class does not occur.
    """
    found = classification_metrics(
        torch.from_numpy(predicted),
        torch.from_numpy(actual),
        probabilities=torch.from_numpy(probabilities),
    )
    names = ("balanced_accuracy", "accuracy", "auc", "log_loss")
    is_complete = len(np.unique(actual)) == probabilities.shape[1]
    shown = {name: float(found.get(name, np.nan)) for name in names}
    return shown if is_complete else {**shown, "auc": float("nan")}


def summarize(values: Sequence[float]) -> dict[str, float]:
    """``mean`` and ``sd`` (of a sample) over folds, leaving out NaN."""
    known = np.asarray([value for value in values if not np.isnan(value)])
    return {
        "mean": float(known.mean()) if len(known) else float("nan"),
        "sd": float(known.std(ddof=1)) if len(known) > 1 else float("nan"),
    }


def compare(ours: Sequence[float], theirs: Sequence[float], score: str) -> dict[str, Any]:
    """Paired by fold: ``mean`` and ``sd`` of ours minus theirs, and how often ours is better."""
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    sign = 1 if HIGHER_IS_BETTER[score] else -1
    better = sum(sign * value > 0 for value in differences)
    return {**summarize(differences), "folds_better": better, "num_folds": len(differences)}
