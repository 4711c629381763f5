"""Folds of a study: which samples are tested when, and whether the folds can judge at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import ArgumentError, ConfigError

Indices = npt.NDArray[np.int64]


class Fold(NamedTuple):
    """Sample indices of one fold, ascending: ``train`` and ``test`` share none."""

    train: Indices
    test: Indices


def make_folds(
    targets: Sequence[float] | Sequence[str],
    num_folds: int,
    *,
    groups: Sequence[str] | None = None,
    stratify: bool = False,
    seed: int = 0,
) -> list[Fold]:
    """Splits N samples so that each is tested exactly once.

    With groups no group stands on both sides (scikit-learn's GroupKFold; with ``stratify``
    StratifiedGroupKFold). Without groups classes are stratified and numbers shuffled.

    Raises:
        ArgumentError: fewer samples, groups or samples of a class than folds; ConfigError: no
            scikit-learn.
    """
    try:
        from sklearn import model_selection as split
    except ImportError:
        raise ConfigError(
            "folds: a study needs scikit-learn: run  pip install scikit-learn"
        ) from None
    is_classes = len(targets) > 0 and isinstance(targets[0], str)
    _check(targets, num_folds, groups, is_classes)
    if groups is not None and stratify and is_classes:
        splitter = split.StratifiedGroupKFold(num_folds, shuffle=True, random_state=seed)
    elif groups is not None:
        splitter = split.GroupKFold(num_folds)
    elif is_classes:
        splitter = split.StratifiedKFold(num_folds, shuffle=True, random_state=seed)
    else:
        splitter = split.KFold(num_folds, shuffle=True, random_state=seed)
    rows = np.zeros(len(targets))
    return [Fold(train, test) for train, test in splitter.split(rows, np.asarray(targets), groups)]


def _check(
    targets: Sequence[float] | Sequence[str],
    num_folds: int,
    groups: Sequence[str] | None,
    is_classes: bool,
) -> None:
    if num_folds < 2:
        raise ArgumentError(f"folds: expected at least 2, got {num_folds}")
    if len(targets) < 2 * num_folds:
        raise ArgumentError(
            f"folds: {num_folds} folds need at least {2 * num_folds} samples, got {len(targets)}"
        )
    if groups is not None and len(set(groups)) < num_folds:
        raise ArgumentError(f"folds: {num_folds} folds need as many groups, got {len(set(groups))}")
    if not is_classes:
        return
    counts = Counter(targets)
    if len(counts) < 2:
        raise ArgumentError(
            f"folds: expected at least two classes, got {', '.join(map(str, counts))} only"
        )
    label, least = min(counts.items(), key=lambda item: item[1])
    if groups is None and least < num_folds:
        raise ArgumentError(
            f"folds: {num_folds} folds need as many samples of each class, {label!r} has {least}"
        )


def describe_problems(folds: Sequence[Fold], targets: Sequence[float] | Sequence[str]) -> list[str]:
    """What keeps single folds from being judged, a sentence each: classes that one side lacks."""
    if not isinstance(targets[0], str):
        return []
    labels, problems = np.asarray(targets), []
    for number, fold in enumerate(folds):
        known, asked = set(labels[fold.train]), set(labels[fold.test])
        if asked - known:
            names = ", ".join(sorted(asked - known))
            problems.append(
                f"fold {number}: no training sample is {names}, so no model can be right about it"
            )
        if len(asked) < 2:
            problems.append(
                f"fold {number}: all test samples are {', '.join(asked)}; its score says little"
            )
    return problems


def confounding(targets: Sequence[float] | Sequence[str], groups: Sequence[str]) -> float:
    """How far the group alone tells the target, 0 to 1.

    Numbers: the share of the variance between groups (eta squared). Classes: the share of the
    errors of the most frequent class that "the most frequent class of the group" avoids
    (Goodman and Kruskal's lambda).
    """
    members: dict[str, list[int]] = {}
    for i, group in enumerate(groups):
        members.setdefault(group, []).append(i)
    if isinstance(targets[0], str):
        counts = Counter(targets)
        errors = len(targets) - max(counts.values())
        within = sum(
            len(rows) - max(Counter(targets[i] for i in rows).values()) for rows in members.values()
        )
        return 1 - within / errors if errors else 0.0
    values = np.asarray(targets, dtype=np.float64)
    total = float(((values - values.mean()) ** 2).sum())
    within_groups = sum(
        float(((values[rows] - values[rows].mean()) ** 2).sum()) for rows in members.values()
    )
    return 1 - within_groups / total if total else 0.0
