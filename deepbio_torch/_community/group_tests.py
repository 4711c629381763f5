"""Tests by permutation: whether groups, factors or matrices go together with a distance matrix."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .. import _C
from .._arguments import seed_of, word
from ..errors import ArgumentError
from .distances import matrix_of
from .ids import some_of
from .tables import DistanceMatrix, Metadata

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PermanovaResult:
    """What :func:`permanova` found."""

    pseudo_f: float
    p_value: float
    num_samples: int
    num_groups: int
    num_permutations: int


@dataclass(frozen=True)
class AnosimResult:
    """What :func:`anosim` found."""

    r: float
    p_value: float
    num_samples: int
    num_groups: int
    num_permutations: int


@dataclass(frozen=True)
class PermdispResult:
    """What :func:`permdisp` found."""

    f: float
    p_value: float
    spread: dict[str, float]
    """mean distance to the centre, of each group"""
    to_centre: dict[str, float]
    """distance of each sample to the centre of its group"""

    def __repr__(self) -> str:
        spread = ", ".join(f"{group} {value:.4g}" for group, value in self.spread.items())
        return f"PermdispResult(f={self.f:.6g}, p_value={self.p_value:.4g}, spread: {spread})"


@dataclass(frozen=True)
class MantelResult:
    """What :func:`mantel` found."""

    r: float
    p_value: float
    num_samples: int
    num_permutations: int


@dataclass(frozen=True)
class AdonisRow:
    """A term of :func:`adonis`, the residual or the total."""

    name: str
    degrees: int
    sum_of_squares: float
    r2: float
    pseudo_f: float
    p_value: float


def permanova(
    matrix: DistanceMatrix,
    groups: Sequence[str | None] | Mapping[str, str | None] | pd.Series,
    *,
    permutations: int = 999,
    seed: int = 0,
    strata: Sequence[str | None] | Mapping[str, str | None] | pd.Series | None = None,
    missing_groups: str = "error",
) -> PermanovaResult:
    """Tests whether groups of samples lie apart (Anderson 2001). Several factors: :func:`adonis`.

    Args:
        matrix: distances of N samples.
        groups: the group of each sample in the order of ``matrix.ids``, or a mapping from id to
            group (a dict or a pandas Series), which may hold more ids. A sample has none where it
            is None, NaN or empty.
        permutations: of the labels.
        seed: permutation k depends on (seed, k) only.
        strata: given as groups are: labels change places within a stratum (a host, a block) only.
        missing_groups: samples without a group: ``error``, or ``drop`` them with a warning that
            counts them.

    Raises:
        ArgumentError: a sample without a group, fewer than two groups, each sample a group of its
            own.
    """
    chosen = _Grouped(matrix, groups, strata, missing_groups, "permanova")
    found = _C.permanova(
        chosen.values, chosen.labels, permutations, seed_of(seed), chosen.strata, chosen.ids
    )
    return PermanovaResult(
        found.pseudo_f, found.p_value, found.num_samples, found.num_groups, found.num_permutations
    )


def anosim(
    matrix: DistanceMatrix,
    groups: Sequence[str | None] | Mapping[str, str | None] | pd.Series,
    *,
    permutations: int = 999,
    seed: int = 0,
    strata: Sequence[str | None] | Mapping[str, str | None] | pd.Series | None = None,
    missing_groups: str = "error",
) -> AnosimResult:
    """Tests whether distances between groups rank above those within (Clarke 1993).

    Arguments of :func:`permanova`.
    """
    chosen = _Grouped(matrix, groups, strata, missing_groups, "anosim")
    found = _C.anosim(
        chosen.values, chosen.labels, permutations, seed_of(seed), chosen.strata, chosen.ids
    )
    return AnosimResult(
        found.r, found.p_value, found.num_samples, found.num_groups, found.num_permutations
    )


def permdisp(
    matrix: DistanceMatrix,
    groups: Sequence[str | None] | Mapping[str, str | None] | pd.Series,
    *,
    centre: str = "median",
    imaginary: str = "subtract",
    permutations: int = 999,
    seed: int = 0,
    strata: Sequence[str | None] | Mapping[str, str | None] | pd.Series | None = None,
    missing_groups: str = "error",
) -> PermdispResult:
    """Tests whether groups of samples differ in spread (Anderson 2006).

    Other arguments of :func:`permanova`.

    Args:
        matrix: distances of N samples.
        groups: as in :func:`permanova`.
        centre: of a group: the spatial ``median``, or the ``centroid``.
        imaginary: axes of negative eigenvalue of distances that are not Euclidean: ``subtract``
            them as Anderson and vegan do, or ``drop`` them as scikit-bio does.
        permutations: of the residuals, as Anderson and vegan do (scikit-bio exchanges the labels).
        seed: permutation k depends on (seed, k) only.
        strata: residuals change places within a stratum only.
        missing_groups: samples without a group: ``error``, or ``drop`` them with a warning that
            counts them.
    """
    chosen = _Grouped(matrix, groups, strata, missing_groups, "permdisp")
    found = _C.permdisp(
        chosen.values,
        chosen.labels,
        centre,
        imaginary,
        permutations,
        seed_of(seed),
        chosen.strata,
        chosen.ids,
    )
    spread = dict(zip(found.groups, found.spread, strict=True))
    return PermdispResult(
        found.f, found.p_value, spread, dict(zip(chosen.ids, found.to_centre.tolist(), strict=True))
    )


def mantel(
    matrix: DistanceMatrix,
    other: DistanceMatrix,
    *,
    method: str = "pearson",
    alternative: str = "two-sided",
    permutations: int = 999,
    seed: int = 0,
    strata: Sequence[str | None] | Mapping[str, str | None] | pd.Series | None = None,
) -> MantelResult:
    """Tests whether two distance matrices go together (Mantel 1967).

    Args:
        matrix: distances of N samples.
        other: distances of the same samples, in any order.
        method: ``pearson``, or ``spearman`` of ranks.
        alternative: ``two-sided`` (as scikit-bio), ``greater`` (as vegan) or ``less``.
        permutations: of the samples of one matrix.
        seed: permutation k depends on (seed, k) only.
        strata: of each sample: samples change places within their stratum only.

    Raises:
        ArgumentError: different samples, fewer than three, all distances of a matrix the same.
    """
    matrix, other = matrix_of(matrix), matrix_of(other, "other")
    if set(matrix.ids) != set(other.ids):
        apart = sorted(set(matrix.ids) ^ set(other.ids))
        raise ArgumentError(
            f"mantel: {len(apart)} samples are in one matrix only ({some_of(apart)}); use subset()"
        )
    values = other.subset(matrix.ids).values
    labels = strata_of(matrix.ids, strata)
    found = _C.mantel(
        matrix.values, values, method, alternative, permutations, seed_of(seed), labels, matrix.ids
    )
    return MantelResult(found.r, found.p_value, len(matrix.ids), permutations)


def adonis(
    matrix: DistanceMatrix,
    metadata: Metadata | pd.DataFrame | Mapping[str, Any],
    formula: str,
    *,
    by: str = "terms",
    permutations: int = 999,
    seed: int = 0,
    strata: str | None = None,
) -> list[AdonisRow]:
    """PERMANOVA of several factors and numbers (McArdle & Anderson 2001), as vegan's ``adonis2``.

    Args:
        matrix: distances of N samples.
        metadata: columns by name, of samples by id; columns of numbers are taken as numbers, others
            as labels. Of a dict of lists the samples are in the order of ``matrix.ids``.
        formula: names of columns: ``"site + age"``, ``"site + age + site:age"`` or
            ``"site * age"``.
        by: ``terms``: what each term adds to those before it; ``margin``: to all others (terms that
            are part of an interaction are not tested).
        permutations: of the samples against all terms.
        seed: permutation k depends on (seed, k) only.
        strata: column of strata: samples change places within theirs only.

    Returns:
        A row for each term, then ``Residual`` and ``Total``, whose pseudo_f and p_value are NaN.

    Raises:
        ArgumentError: an unknown column, a sample without a value, a term that adds nothing.
    """
    matrix = matrix_of(matrix)
    terms = _C.parse_terms(word(formula, "formula"))
    names = dict.fromkeys(name for term in terms for name in term)
    factors = [(name, *_factor(matrix.ids, metadata, name)) for name in names]
    blocks = [] if strata is None else _as_labels(*_factor(matrix.ids, metadata, strata))
    found = _C.adonis(
        matrix.values, factors, terms, by, permutations, seed_of(seed), blocks, matrix.ids
    )
    return [
        AdonisRow(row.name, row.degrees, row.sum_of_squares, row.r2, row.pseudo_f, row.p_value)
        for row in found
    ]


def _as_labels(labels: list[str], numbers: list[float]) -> list[str]:
    return labels or [str(number) for number in numbers]


def _factor(ids: Sequence[str], metadata: Any, name: str) -> tuple[list[str], list[float]]:
    """A column as labels or as numbers, the other one empty, in the order of the ids."""
    columns = metadata.columns if hasattr(metadata, "columns") else metadata
    if name not in columns:
        raise ArgumentError(f"formula: no column {name!r} in the metadata")
    if isinstance(metadata, Metadata):
        given: Any = (
            metadata.numbers(name).tolist() if metadata.is_numeric(name) else metadata.labels(name)
        )
        given = dict(zip(metadata.ids, given, strict=True))
    else:
        given = metadata[name]
    values = _by_id(ids, given)
    missing = [key for key, value in zip(ids, values, strict=True) if _is_missing(value)]
    if missing:
        told = (
            f"{len(missing)} of {len(ids)} samples have no value of {name!r} ({some_of(missing)})"
        )
        raise ArgumentError(f"adonis: {told}; leave them out")
    if all(
        isinstance(value, int | float) and not isinstance(value, bool) or _is_number(value)
        for value in values
    ):
        return [], [float(value) for value in values]
    return [str(value) for value in values], []


def _is_number(value: Any) -> bool:
    """A number of NumPy or torch."""
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    return kind in ("i", "u", "f") or isinstance(value, Tensor) and value.dtype != torch.bool


class _Grouped:
    """Samples that have a group, with their labels and strata.

    Those without are an error or left out and counted.
    """

    def __init__(
        self, matrix: DistanceMatrix, groups: Any, strata: Any, missing_groups: str, what: str
    ) -> None:
        if missing_groups not in ("error", "drop"):
            raise ArgumentError(f"missing_groups: expected error or drop, got {missing_groups!r}")
        matrix = matrix_of(matrix)
        labels = _group_labels(matrix.ids, groups)
        blocks = strata_of(matrix.ids, strata)
        has_group = [bool(label) for label in labels]
        missing = [name for name, has in zip(matrix.ids, has_group, strict=True) if not has]
        if missing:
            told = f"{len(missing)} of {len(labels)} samples have no group ({some_of(missing)})"
            if missing_groups == "error":
                raise ArgumentError(f"groups: {told}; missing_groups='drop' leaves them out")
            warnings.warn(f"{what}: {told}, they are left out", stacklevel=3)
            matrix = matrix.subset(
                [name for name, has in zip(matrix.ids, has_group, strict=True) if has]
            )
            blocks = (
                [block for block, has in zip(blocks, has_group, strict=True) if has]
                if blocks
                else []
            )
            labels = [label for label in labels if label]
        self.ids, self.values, self.labels, self.strata = matrix.ids, matrix.values, labels, blocks


def strata_of(ids: Sequence[str], strata: Any) -> list[str]:
    if strata is None:
        return []
    return _group_labels(ids, strata) if ids else [str(label) for label in strata]


def _by_id(ids: Sequence[str], given: Any, what: str = "groups") -> list[Any]:
    """The value of each sample: by id from a mapping or a pandas Series, else in order."""
    if isinstance(given, Mapping) or hasattr(given, "index") and hasattr(given, "keys"):
        known: dict[str, Any] = dict(given.items())
        return [known.get(name) for name in ids]
    found = list(given)
    if len(found) != len(ids):
        raise ArgumentError(
            f"{what}: expected one for each of {len(ids)} samples, got {len(found)}"
        )
    return found


def _group_labels(ids: Sequence[str], groups: Any) -> list[str]:
    """The group of each sample as text, "" where there is none."""
    return ["" if _is_missing(group) else str(group) for group in _by_id(ids, groups)]


def _is_missing(value: Any) -> bool:
    """None, NaN, pandas' NA and NaT, and text of blanks."""
    if value is None or isinstance(value, str) and not value.strip():
        return True
    # NaN and NaT differ from themselves; NA says neither yes nor no.
    return type(value).__name__ == "NAType" or bool(value != value)
