"""Scores of predictions, in the target's own unit: single folds, all folds pooled, paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

HIGHER_IS_BETTER = {
    "mae": False,
    "rmse": False,
    "r2": True,
    "balanced_accuracy": True,
    "accuracy": True,
    "auc": True,
    "log_loss": False,
}
_LEAST_CHANCE = 1e-7  # a probability of 0 for what happened would cost without end


def main_score(num_classes: int) -> str:
    """The score by which methods are compared: ``mae`` for numbers, ``balanced_accuracy`` for classes."""
    return "balanced_accuracy" if num_classes else "mae"


def score_numbers(actual: Array, predicted: Array, mean: Array | None = None) -> dict[str, float]:
    """``mae``, ``rmse`` and ``r2`` of M samples; ``r2`` is NaN when all actual values are equal.

    ``mean`` takes the place of ``predicted`` in rmse and r2, where a method gives a mean beside its median.
    """
    squares = actual - (predicted if mean is None else mean)
    spread = float(((actual - actual.mean()) ** 2).sum())
    return {
        "mae": float(np.abs(actual - predicted).mean()),
        "rmse": float(np.sqrt((squares**2).mean())),
        "r2": 1 - float((squares**2).sum()) / spread if spread else float("nan"),
    }


def score_classes(
    actual: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], probabilities: Array
) -> dict[str, float]:
    """``balanced_accuracy``, ``accuracy``, ``auc``, ``log_loss`` of class ids [M] and probabilities [M, C].

    Balanced accuracy is the mean recall of the classes that occur. ``auc`` is that of class 1 for two classes, else
    the mean of each class against the rest; NaN when a class does not occur.
    """
    from sklearn import metrics

    occurring = np.unique(actual)
    recalls = [float((predicted[actual == c] == c).mean()) for c in occurring]
    num_classes = probabilities.shape[1]
    auc = float("nan")
    if len(occurring) == num_classes:
        columns = [1] if num_classes == 2 else range(num_classes)
        auc = float(np.mean([metrics.roc_auc_score(actual == c, probabilities[:, c]) for c in columns]))
    chances = probabilities[np.arange(len(actual)), actual]
    return {
        "balanced_accuracy": float(np.mean(recalls)),
        "accuracy": float((predicted == actual).mean()),
        "auc": auc,
        "log_loss": float(-np.log(np.maximum(chances, _LEAST_CHANCE)).mean()),
    }


def summarize(values: Sequence[float]) -> dict[str, float]:
    """``mean`` and ``sd`` (of a sample) over folds, leaving out NaN."""
    known = np.asarray([value for value in values if not np.isnan(value)])
    return {
        "mean": float(known.mean()) if len(known) else float("nan"),
        "sd": float(known.std(ddof=1)) if len(known) > 1 else float("nan"),
    }


def compare(ours: Sequence[float], theirs: Sequence[float], score: str) -> dict[str, Any]:
    """Paired by fold: ``mean`` and ``sd`` of ours minus theirs, and ``folds_better`` of ``num_folds``."""
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    sign = 1 if HIGHER_IS_BETTER[score] else -1
    better = sum(sign * value > 0 for value in differences)
    return {**summarize(differences), "folds_better": better, "num_folds": len(differences)}
