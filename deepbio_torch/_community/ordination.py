"""Principal coordinates, biplots, and how well two ordinations match."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .. import _C
from .._arguments import seed_of
from ..errors import ArgumentError, WrongTypeError
from .distances import matrix_of
from .group_tests import strata_of
from .ids import html_table, some_of
from .tables import DistanceMatrix, Path, Table, table_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Ordination:
    """Principal coordinates of N samples on K axes."""

    ids: list[str]
    coordinates: Tensor
    """float64 [N, K]"""
    eigenvalues: Tensor
    """float64 [K], falling; 0 where an axis has no real coordinates"""
    proportion_explained: Tensor
    """float64 [K]"""
    feature_ids: list[str] = field(default_factory=list)
    """F ids of a biplot"""
    features: Tensor | None = None
    """float64 [F, K]: where the features of a biplot point"""

    def biplot(self, table: Table) -> Ordination:
        """The same ordination with features as arrows (Legendre & Legendre 1998).

        Args:
            table: holds the samples of the ordination in any order, such as relative abundances of
                them.

        Raises:
            ArgumentError: samples of the ordination that are not in the table.
        """
        table = table_of(table)
        place = {name: i for i, name in enumerate(table.sample_ids)}
        missing = [name for name in self.ids if name not in place]
        if missing:
            raise ArgumentError(
                f"biplot: {len(missing)} samples are not in the table ({some_of(missing)})"
            )
        rows = table.native.select_samples([place[name] for name in self.ids])
        ends = _C.biplot(self.coordinates, self.eigenvalues, rows)
        return replace(self, feature_ids=table.feature_ids, features=ends)

    def write(self, path: Path, *, overwrite: bool = False) -> None:
        """Writes a table for ``.tsv``, else the ordination text of scikit-bio and QIIME 2.

        Only the latter holds the features of a biplot.
        """
        ends = self.coordinates[:0] if self.features is None else self.features
        parts = (
            self.coordinates,
            self.eigenvalues,
            self.proportion_explained,
            self.feature_ids,
            ends,
        )
        _C.write_pcoa(os.fspath(path), self.ids, *parts, overwrite)

    def to_pandas(self) -> pd.DataFrame:
        """Coordinates as a DataFrame: samples as rows, ``PC1``, ``PC2``, ... as columns.

        Shares memory.
        """
        import pandas as pd

        names = [f"PC{k + 1}" for k in range(self.coordinates.shape[1])]
        return pd.DataFrame(self.coordinates.numpy(), index=self.ids, columns=names, copy=False)

    def _repr_html_(self) -> str:
        held = self.proportion_explained.tolist()
        rows = [
            (f"axis {axis + 1}", f"{share:.1%} of the variation") for axis, share in enumerate(held)
        ]
        return html_table([("samples", f"{len(self.ids)} ({some_of(self.ids)})"), *rows[:10]])

    def __repr__(self) -> str:
        shares = ", ".join(f"{share:.1%}" for share in self.proportion_explained[:3].tolist())
        return (
            f"Ordination({len(self.ids)} samples, {self.coordinates.shape[1]} axes: {shares}, ...)"
        )


def pcoa(
    matrix: DistanceMatrix, dimensions: int = 10, *, method: str = "exact", seed: int = 0
) -> Ordination:
    """Principal coordinates of a distance matrix.

    Args:
        matrix: distances of N samples.
        dimensions: axes to keep, at most N; 0 keeps all (``exact`` only).
        method: ``exact``, or ``randomised`` for many samples: the largest axes only, the same for a
            seed.
        seed: of ``randomised``.

    Raises:
        ArgumentError: no sample, an unknown method, dimensions out of range.
    """
    matrix = matrix_of(matrix)
    found = _C.pcoa(matrix.values, dimensions, method, seed_of(seed), matrix.ids)
    return Ordination(matrix.ids, found.coordinates, found.eigenvalues, found.proportion_explained)


@dataclass(frozen=True)
class ProcrustesResult:
    """What :func:`procrustes` found."""

    disparity: float
    """m^2, from 0 (the same shape) to 1"""
    correlation: float
    """sqrt(1 - m^2)"""
    p_value: float
    reference: Tensor
    """float64 [N, K]: centred, with a sum of squares of 1"""
    fitted: Tensor
    """float64 [N, K]: the other one, turned, mirrored and stretched onto the reference"""


def procrustes(
    reference: Ordination | Tensor | np.ndarray,
    other: Ordination | Tensor | np.ndarray,
    *,
    permutations: int = 999,
    seed: int = 0,
    strata: Sequence[str] | None = None,
) -> ProcrustesResult:
    """How well two ordinations of the same samples match (Gower 1975, Jackson 1995).

    Args:
        reference: coordinates of N samples [N, K].
        other: coordinates of the same samples [N, L]; of two :class:`Ordination` the samples are
            matched by id.
        permutations: of the samples of ``other``.
        seed: permutation k depends on (seed, k) only.
        strata: of each sample: samples change places within their stratum only.

    Raises:
        ShapeError: not two tables of the same number of samples.
        WrongTypeError: no coordinates, as a DistanceMatrix.
        ArgumentError: different samples, coordinates that are not finite or all in one place.
    """
    ids: list[str] = []
    if isinstance(reference, Ordination) and isinstance(other, Ordination):
        ids, place = reference.ids, {name: i for i, name in enumerate(other.ids)}
        if set(ids) != set(place):
            raise ArgumentError("procrustes: the ordinations hold different samples")
        other = other.coordinates[torch.tensor([place[name] for name in ids])]
    first, second = (_coordinates(each) for each in (reference, other))
    found = _C.procrustes(first, second, permutations, seed_of(seed), strata_of(ids, strata))
    return ProcrustesResult(
        found.disparity, found.correlation, found.p_value, found.reference, found.fitted
    )


def _coordinates(given: Any) -> Tensor:
    given = given.coordinates if isinstance(given, Ordination) else given
    try:
        return torch.as_tensor(given, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        raise WrongTypeError(
            "procrustes: expected an Ordination or coordinates [N, K], got "
            f"{type(given).__name__}; pcoa makes coordinates of distances"
        ) from None
