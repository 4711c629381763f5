"""Diversity within and between samples that needs no tree, rarefaction curves, compositions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .. import _C
from .._arguments import seed_of
from ..errors import ArgumentError
from .phylogenetic import faith_pd
from .tables import DistanceMatrix, Path, Table, Tree, table_of
from .trees import tree_of

if TYPE_CHECKING:
    import pandas as pd


def alpha_diversity(
    table: Table | Path,
    metric: str = "observed_features",
    *,
    base: float = 2.0,
    tree: Tree | Path | None = None,
) -> Tensor:
    """Diversity of each sample.

    Args:
        table: counts (relative abundances for metrics that need no whole numbers).
        metric: ``observed_features``, ``shannon``, ``simpson``, ``inverse_simpson``,
            ``pielou_evenness``, ``berger_parker``, ``goods_coverage``, ``chao1`` (bias-corrected),
            ``ace``, or ``faith_pd`` with a tree.
        base: of the logarithm of ``shannon``: 2 as in QIIME 2, ``math.e`` as in vegan.
        tree: of ``faith_pd``.

    Returns:
        float64 [N] in table order; NaN where a formula says nothing, such as the evenness of one
        feature.

    Raises:
        ArgumentError: an unknown name, counts that are no whole numbers where they must be.
    """
    table = table_of(table)
    if metric == "faith_pd":
        if tree is None:
            raise ArgumentError("metric faith_pd: expected a tree, got none")
        return faith_pd(table, tree)
    return _C.alpha_diversity(table.native, metric, base)


def beta_diversity(
    table: Table | Path, metric: str = "braycurtis", *, pseudocount: float = 1.0
) -> DistanceMatrix:
    """Distances between all samples that need no tree.

    Args:
        table: counts or relative abundances.
        metric: ``braycurtis``, ``jaccard`` (presence or absence), ``aitchison`` (Euclidean after
            :func:`clr`), ``robust_aitchison`` (after :func:`rclr`, 0 where there are no reads, as
            in vegan 2.6), ``hellinger`` (after :func:`hellinger`) or ``euclidean``.
        pseudocount: of ``aitchison``: added to every count.

    Returns:
        Matrix in table order, float64 [N, N], exactly symmetric, zero diagonal, never NaN.

    Raises:
        ArgumentError: an unknown name, a pseudocount that is not above 0.
    """
    table = table_of(table)
    return DistanceMatrix(table.sample_ids, _C.beta_diversity(table.native, metric, pseudocount))


@dataclass(frozen=True)
class RarefactionCurve:
    """A diversity of rarefied draws of N samples at several depths."""

    metric: str
    depths: list[int]
    """reads, rising"""
    sample_ids: list[str]
    mean: Tensor
    """float64 [depths, N]; NaN where a sample has fewer reads than the depth"""
    spread: Tensor
    """float64 [depths, N]: standard deviation between draws"""

    def to_pandas(self) -> pd.DataFrame:
        """Means as a DataFrame: depths as rows, samples as columns."""
        import pandas as pd

        return pd.DataFrame(
            self.mean.numpy(), index=pd.Index(self.depths, name="depth"), columns=self.sample_ids
        )

    def __repr__(self) -> str:
        return (
            f"RarefactionCurve({self.metric} of {len(self.sample_ids)} "
            f"samples at {self.depths} reads)"
        )


def rarefaction_curve(
    table: Table | Path,
    metric: str = "observed_features",
    depths: int | Sequence[int] = 10,
    *,
    draws: int = 10,
    seed: int = 0,
    base: float = 2.0,
    tree: Tree | Path | None = None,
    missing_features: str = "error",
) -> RarefactionCurve:
    """Diversity of rarefied draws at several depths, with its spread.

    Args:
        table: counts.
        metric: as in :func:`alpha_diversity`.
        depths: reads to draw; or how many depths, in even steps up to the median of reads per
            sample.
        draws: of each sample at each depth; draw k is that of
            ``table.rarefy(depth, seed=seed, epoch=k)``.
        seed: of the draws.
        base: of the logarithm of ``shannon``.
        tree: of ``faith_pd``.
        missing_features: of ``faith_pd``, as there.

    Raises:
        ArgumentError: as :func:`alpha_diversity`; no depth, a depth or number of draws below 1.
    """
    table = table_of(table)
    if isinstance(depths, int):
        depths = _C.even_depths(int(torch.median(table.totals()).item()), depths)
    tree = None if tree is None else tree_of(tree)
    native = None if tree is None else tree.native
    asked = sorted(set(depths))
    mean, spread = _C.rarefaction_curve(
        table.native, metric, asked, draws, seed_of(seed), base, native, missing_features
    )
    return RarefactionCurve(metric, asked, table.sample_ids, mean, spread)


def clr(table: Table | Path, *, pseudocount: float = 1.0) -> Tensor:
    """Centred log-ratios (Aitchison 1982): ln(x + pseudocount) less the mean over all features.

    Args:
        table: counts or relative abundances.
        pseudocount: added to every count; 0 for a table without zeros.

    Returns:
        float64 [N, F].

    Raises:
        ArgumentError: a pseudocount below 0, or 0 for a table with zeros.
    """
    table = table_of(table)
    return _C.centred_log_ratios(table.native, pseudocount)


def rclr(table: Table | Path) -> Tensor:
    """Robust centred log-ratios (Martino 2019).

    The logarithm of x, less the mean over the sample's features with reads.

    Returns:
        float64 [N, F]; NaN where there are no reads.
    """
    table = table_of(table)
    return _C.robust_centred_log_ratios(table.native)


def hellinger(table: Table | Path) -> Tensor:
    """Square roots of relative abundances (Legendre & Gallagher 2001), float64 [N, F].

    0 for an empty sample.
    """
    table = table_of(table)
    return _C.hellinger(table.native)
