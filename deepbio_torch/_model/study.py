"""A table and a column of metadata as a problem that can be judged.

The labelled samples, their targets and groups.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _C
from .._community.tables import Metadata, Table, read_metadata, table_of
from ..errors import ArgumentError
from .baselines import Answer, Problem
from .folds import Fold
from .scores import score_classes, score_numbers

if TYPE_CHECKING:
    import numpy.typing as npt

PathLike = str | os.PathLike[str]


class Study:
    """The samples that are in the table and have a value of the column, in table order.

    Attributes:
        table, metadata: as given; the table without the samples that are left out.
        column: the target. targets: its N values, numbers or labels. classes: the sorted labels, []
            for numbers.
        groups: N group names, or None.
        notes: what was left out and how many, a sentence each.
    """

    def __init__(
        self,
        table: Table | PathLike,
        metadata: Metadata | PathLike,
        column: str,
        group_column: str | None = None,
        classifier: bool | None = None,
    ) -> None:
        """Reads, aligns and checks.

        Raises what the readers raise, and ArgumentError when no sample is left.
        """
        given = table_of(table)
        self.metadata = metadata if isinstance(metadata, Metadata) else read_metadata(metadata)
        self.column, self.group_column = column, group_column
        is_classifier = not self.metadata.is_numeric(column) if classifier is None else classifier
        ids = given.sample_ids
        rules: dict[str, Any] = {
            "target": column,
            "is_classifier": is_classifier,
            "missing_samples": "drop",
        }
        chosen = _C.choose_samples(
            given.native, self.metadata.native, None, may_be_constant=True, **rules
        )
        rows, values, labels = chosen["samples"], chosen["values"], chosen["labels"]
        self.notes: list[str] = list(chosen["notes"])
        self.targets: Sequence[float] | Sequence[str] = labels if is_classifier else values
        self.groups: list[str] | None = None
        if group_column is not None:
            rows = self._read_groups([ids[i] for i in rows], rows)
        if not rows:
            raise ArgumentError(f"study: no sample of the table has a value of {column!r}")
        self.table = Table(given.native.select_samples(rows))
        self.classes = sorted(set(labels)) if is_classifier else []
        number = {label: i for i, label in enumerate(self.classes)}
        self.numbers: npt.NDArray[np.float64] = np.asarray(
            [number[str(label)] for label in self.targets] if is_classifier else self.targets,
            dtype=np.float64,
        )
        self._counts = self.table.to_scipy()

    def _read_groups(self, ids: list[str], rows: list[int]) -> list[int]:
        assert self.group_column is not None
        names = dict(zip(self.metadata.ids, self.metadata.labels(self.group_column), strict=True))
        kept = [i for i, sample in enumerate(ids) if names[sample] is not None]
        if len(kept) < len(ids):
            self.notes.append(
                f"{len(ids) - len(kept)} labelled samples have no {self.group_column!r}: left out"
            )
        self.groups = [str(names[ids[i]]) for i in kept]
        self.targets = [self.targets[i] for i in kept]  # type: ignore[assignment]
        return [rows[i] for i in kept]

    def subset(self, sample_ids: Sequence[str]) -> Study:
        """The same study of these samples only; classes keep their numbers.

        Raises:
            ArgumentError: a sample that is not in the study.
        """
        place = {name: i for i, name in enumerate(self.table.sample_ids)}
        missing = [name for name in sample_ids if name not in place]
        if missing:
            raise ArgumentError(
                f"study: {len(missing)} samples have no target or no reads "
                f"({', '.join(missing[:3])})"
            )
        rows = [place[name] for name in sample_ids]
        out = copy.copy(self)
        out.table = Table(self.table.native.select_samples(rows))
        out.targets = [self.targets[i] for i in rows]  # type: ignore[assignment]
        out.groups = None if self.groups is None else [self.groups[i] for i in rows]
        out.numbers = self.numbers[rows]
        out._counts = out.table.to_scipy()
        return out

    @property
    def num_classes(self) -> int:
        """Classes of the target; 0 for numbers."""
        return len(self.classes)

    def problem(self, fold: Fold, seed: int) -> Problem:
        """A fold as a baseline sees it."""
        groups = None if self.groups is None else [self.groups[i] for i in fold.train]
        return Problem(
            self._counts[fold.train],
            self._counts[fold.test],
            self.numbers[fold.train],
            self.num_classes,
            groups,
            seed,
        )

    def score(self, rows: npt.NDArray[np.int64], answer: Answer) -> dict[str, float]:
        """Scores of an answer for these samples; those without one do not count."""
        there = answer.is_there
        actual = self.numbers[rows][there]
        if answer.values is not None:
            return score_numbers(
                actual, answer.values[there], None if answer.means is None else answer.means[there]
            )
        assert answer.probabilities is not None
        chances = answer.probabilities[there]
        chosen = chances.argmax(1) if answer.chosen is None else answer.chosen[there]
        return score_classes(actual.astype(np.int64), chosen, chances)

    def score_pooled(self, folds: Sequence[Fold], answers: Sequence[Answer]) -> dict[str, float]:
        """Scores of the out-of-fold predictions of all folds together."""

        def joined(parts: list[npt.NDArray[Any] | None]) -> Any:
            return (
                None
                if any(part is None for part in parts)
                else np.concatenate([p for p in parts if p is not None])
            )

        whole = Answer(
            *(joined([answer[field] for answer in answers]) for field in range(len(Answer._fields)))
        )
        return self.score(np.concatenate([fold.test for fold in folds]), whole)

    def describe(self) -> str:
        """One line: samples, features, target, groups."""
        what = f"classes {', '.join(self.classes)}" if self.classes else "numbers"
        groups = (
            ""
            if self.groups is None
            else f", {len(set(self.groups))} groups by {self.group_column!r}"
        )
        num_samples, num_features = self.table.shape
        return f"{num_samples} samples, {num_features} features, {self.column!r}: {what}{groups}"
