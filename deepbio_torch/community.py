"""Distances between the samples of a table, and what is made of them: ordination, tests, diversity."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from . import _C
from ._ids import some_of
from ._tables import DistanceMatrix, Metadata, Path, Table, Tree, read_metadata, read_table, read_tree
from .errors import ArgumentError, ShapeError

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse

__all__ = [
    "DistanceMatrix",
    "Metadata",
    "Ordination",
    "PermanovaResult",
    "Table",
    "Tree",
    "UnifracBatch",
    "alpha_diversity",
    "beta_diversity",
    "faith_pd",
    "pcoa",
    "permanova",
    "read_metadata",
    "read_table",
    "read_tree",
    "unifrac",
]


@contextmanager
def _threads(number: int | None) -> Iterator[None]:
    """Torch's threads for what is done inside; None leaves them as they are."""
    if number is not None and number < 1:
        raise ArgumentError(f"num_threads: expected at least 1, got {number}")
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def unifrac(
    table: Table | Path,
    tree: Tree | Path,
    *,
    metric: str = "unweighted",
    alpha: float = 1.0,
    variance_adjusted: bool = False,
    bypass_tips: bool = False,
    precision: str = "double",
    missing_features: str = "error",
    num_threads: int | None = None,
) -> DistanceMatrix:
    """UniFrac distances between all samples of a table.

    Args:
        table: counts or relative abundances.
        tree: its tips are features of the table.
        metric: ``unweighted``, ``weighted_normalized``, ``weighted_unnormalized``, ``generalized``
            or ``unweighted_unnormalized``.
        alpha: of ``generalized``: weight of abundant branches, from 0 to 1.
        variance_adjusted: weighs branches by the variance of their reads (Chang 2011); slower.
        bypass_tips: leaves out the branches that end in a feature, which changes the values.
        precision: ``double``, or ``float`` for sums in 32 bits and values float32.
        missing_features: ``error``, or ``drop`` features that are not tips of the tree, with a warning that counts
            them and the reads that are lost, and names three.
        num_threads: of this call, None for torch's own number; values are the same for any.

    Returns:
        Matrix in table order, float64 or float32 [N, N], exactly symmetric, zero diagonal, never NaN.

    Raises:
        ArgumentError: an unknown name, a negative alpha, features that are not tips of the tree.
    """
    table = table if isinstance(table, Table) else read_table(table)
    tree = tree if isinstance(tree, Tree) else read_tree(tree)
    try:
        with _threads(num_threads):
            values, report = _C.unifrac(
                table.native, tree.native, missing_features, metric, alpha, variance_adjusted, bypass_tips, precision
            )
    except ArgumentError as error:
        raise _with_lost_reads(error, table, tree) from None
    _warn_of_loss(report)
    return DistanceMatrix(table.sample_ids, values)


def _warn_of_loss(report: str) -> None:
    if report:
        warnings.warn(report, stacklevel=3)


def _with_lost_reads(error: ArgumentError, table: Table, tree: Tree) -> ArgumentError:
    """The error itself, or, where features outside of the tree are behind it, with the reads they hold."""
    if "not tips of" not in str(error):
        return error
    return ArgumentError(f"{error} (they hold {table.features_outside(tree)[1]:.1%} of the reads)")


class UnifracBatch:
    """UniFrac of batches of samples from a prepared tree and table, fast enough for every training step."""

    def __init__(
        self,
        table: Table | Path,
        tree: Tree | Path,
        *,
        metric: str = "unweighted",
        alpha: float = 1.0,
        variance_adjusted: bool = False,
        bypass_tips: bool = False,
        precision: str = "double",
        missing_features: str = "error",
    ) -> None:
        """Matches the table's features to the tree and keeps what each sample holds; options as in :func:`unifrac`."""
        table = table if isinstance(table, Table) else read_table(table)
        tree = tree if isinstance(tree, Tree) else read_tree(tree)
        self.sample_ids, self.feature_ids = table.sample_ids, table.feature_ids
        self._sample = {name: i for i, name in enumerate(self.sample_ids)}
        self._feature = {name: i for i, name in enumerate(self.feature_ids)}
        self.native = _C.UnifracBatch(
            table.native, tree.native, missing_features, metric, alpha, variance_adjusted, bypass_tips, precision
        )
        _warn_of_loss(self.native.missing_report(table.native, tree.native))

    def distances(self, samples: Sequence[str] | Sequence[int] | Tensor) -> Tensor:
        """Distances [B, B] between samples of the table, by id or place; in double the values of :func:`unifrac`."""
        places: list[Any] = samples.tolist() if isinstance(samples, Tensor) else list(samples)
        missing = [name for name in places if isinstance(name, str) and name not in self._sample]
        if missing:
            raise ArgumentError(f"samples: {len(missing)} are not in the table ({', '.join(missing[:3])})")
        return self.native.distances([self._sample[name] if isinstance(name, str) else name for name in places])

    def from_counts(self, counts: Tensor | scipy.sparse.spmatrix | Table) -> Tensor:
        """Distances [B, B] between samples given as counts, such as a fresh rarefaction.

        Args:
            counts: [B, F] over the features of the prepared table (sparse CSR, scipy sparse or dense), or a table
                whose features are among them.
        """
        if isinstance(counts, Table):
            names = counts.feature_ids
            missing = [name for name in names if name not in self._feature]
            if missing:
                raise ArgumentError(f"counts: {len(missing)} features were not prepared ({', '.join(missing[:3])})")
            place = torch.tensor([self._feature[name] for name in names], dtype=torch.int64)
            native = counts.native
            return self.native.from_counts(native.indptr, place[native.indices], native.values)
        if hasattr(counts, "tocsr"):
            rows = counts.tocsr()
            columns, parts = rows.shape[1], [torch.from_numpy(p) for p in (rows.indptr, rows.indices, rows.data)]
        else:
            if counts.dim() != 2:
                raise ShapeError(f"counts: expected [B, F], got {list(counts.shape)}")
            rows = counts if counts.layout == torch.sparse_csr else counts.to_sparse_csr()
            columns, parts = rows.shape[1], [rows.crow_indices(), rows.col_indices(), rows.values()]
        if columns != len(self.feature_ids):
            raise ShapeError(f"counts: expected [B, {len(self.feature_ids)}], got {columns} columns")
        return self.native.from_counts(*parts)

    def __repr__(self) -> str:
        return f"UnifracBatch({len(self.sample_ids)} samples, {len(self.feature_ids)} features)"


def faith_pd(table: Table | Path, tree: Tree | Path, *, missing_features: str = "error") -> Tensor:
    """Faith's phylogenetic diversity of each sample, float64 [N] in table order; unit of the branch lengths."""
    table = table if isinstance(table, Table) else read_table(table)
    tree = tree if isinstance(tree, Tree) else read_tree(tree)
    try:
        values, report = _C.faith_pd(table.native, tree.native, missing_features)
    except ArgumentError as error:
        raise _with_lost_reads(error, table, tree) from None
    _warn_of_loss(report)
    return values


def alpha_diversity(
    table: Table | Path, metric: str = "observed_features", *, base: float = 2.0, tree: Tree | Path | None = None
) -> Tensor:
    """Diversity of each sample.

    Args:
        table: counts (relative abundances for metrics that need no whole numbers).
        metric: ``observed_features``, ``shannon``, ``simpson``, ``inverse_simpson``, ``pielou_evenness``,
            ``berger_parker``, ``goods_coverage``, ``chao1`` (bias-corrected), ``ace``, or ``faith_pd`` with a tree.
        base: of the logarithm of ``shannon``: 2 as in QIIME 2, ``math.e`` as in vegan.
        tree: of ``faith_pd``.

    Returns:
        float64 [N] in table order; NaN where a formula says nothing, such as the evenness of one feature.

    Raises:
        ArgumentError: an unknown name, counts that are no whole numbers where they must be.
    """
    table = table if isinstance(table, Table) else read_table(table)
    if metric == "faith_pd":
        if tree is None:
            raise ArgumentError("metric faith_pd: expected a tree, got none")
        return faith_pd(table, tree)
    return _C.alpha_diversity(table.native, metric, base)


def beta_diversity(table: Table | Path, metric: str = "braycurtis", *, pseudocount: float = 1.0) -> DistanceMatrix:
    """Distances between all samples that need no tree.

    Args:
        table: counts or relative abundances.
        metric: ``braycurtis``, ``jaccard`` (presence or absence) or ``aitchison`` (Euclidean after centred log-ratio).
        pseudocount: of ``aitchison``: added to every count.

    Returns:
        Matrix in table order, float64 [N, N], exactly symmetric, zero diagonal, never NaN.

    Raises:
        ArgumentError: an unknown name, a pseudocount that is not above 0.
    """
    table = table if isinstance(table, Table) else read_table(table)
    return DistanceMatrix(table.sample_ids, _C.beta_diversity(table.native, metric, pseudocount))


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

    def write(self, path: Path, *, overwrite: bool = False) -> None:
        """Writes a table when the name ends in ``.tsv``, else the ordination text of scikit-bio and QIIME 2."""
        parts = (self.coordinates, self.eigenvalues, self.proportion_explained)
        _C.write_pcoa(os.fspath(path), self.ids, *parts, overwrite)

    def to_pandas(self) -> pd.DataFrame:
        """Coordinates as a DataFrame: samples as rows, ``PC1``, ``PC2``, ... as columns; shares memory."""
        import pandas as pd

        names = [f"PC{k + 1}" for k in range(self.coordinates.shape[1])]
        return pd.DataFrame(self.coordinates.numpy(), index=self.ids, columns=names, copy=False)

    def __repr__(self) -> str:
        shares = ", ".join(f"{share:.1%}" for share in self.proportion_explained[:3].tolist())
        return f"Ordination({len(self.ids)} samples, {self.coordinates.shape[1]} axes: {shares}, ...)"


def pcoa(matrix: DistanceMatrix, dimensions: int = 10, *, method: str = "exact", seed: int = 0) -> Ordination:
    """Principal coordinates of a distance matrix.

    Args:
        matrix: distances of N samples.
        dimensions: axes to keep, at most N; 0 keeps all (``exact`` only).
        method: ``exact``, or ``randomised`` for many samples: the largest axes only, the same for a seed.
        seed: of ``randomised``.

    Raises:
        ArgumentError: no sample, an unknown method, dimensions out of range.
    """
    found = _C.pcoa(matrix.values, dimensions, method, seed, matrix.ids)
    return Ordination(matrix.ids, found.coordinates, found.eigenvalues, found.proportion_explained)


@dataclass(frozen=True)
class PermanovaResult:
    """What :func:`permanova` found."""

    pseudo_f: float
    p_value: float
    num_samples: int
    num_groups: int
    num_permutations: int


def permanova(
    matrix: DistanceMatrix,
    groups: Sequence[str | None] | Mapping[str, str | None] | pd.Series,
    *,
    permutations: int = 999,
    seed: int = 0,
    missing_groups: str = "error",
) -> PermanovaResult:
    """Tests whether groups of samples lie apart (Anderson 2001).

    Args:
        matrix: distances of N samples.
        groups: the group of each sample in the order of ``matrix.ids``, or a mapping from id to group (a dict or a
            pandas Series), which may hold more ids. A sample has none where it is None, NaN or empty.
        permutations: of the labels.
        seed: permutation k depends on (seed, k) only.
        missing_groups: samples without a group: ``error``, or ``drop`` them with a warning that counts them.

    Raises:
        ArgumentError: a sample without a group, fewer than two groups, each sample a group of its own.
    """
    if missing_groups not in ("error", "drop"):
        raise ArgumentError(f"missing_groups: expected error or drop, got {missing_groups!r}")
    labels = _group_labels(matrix.ids, groups)
    missing = [name for name, label in zip(matrix.ids, labels, strict=True) if not label]
    if missing:
        told = f"{len(missing)} of {len(labels)} samples have no group ({some_of(missing)})"
        if missing_groups == "error":
            raise ArgumentError(f"groups: {told}; missing_groups='drop' leaves them out")
        warnings.warn(f"permanova: {told}, they are left out", stacklevel=2)
        matrix = matrix.subset([name for name, label in zip(matrix.ids, labels, strict=True) if label])
        labels = [label for label in labels if label]
    found = _C.permanova(matrix.values, labels, permutations, seed, matrix.ids)
    return PermanovaResult(found.pseudo_f, found.p_value, found.num_samples, found.num_groups, found.num_permutations)


def _group_labels(ids: Sequence[str], groups: Any) -> list[str]:
    """The group of each sample as text, "" where there is none."""
    if isinstance(groups, Mapping) or hasattr(groups, "index") and hasattr(groups, "keys"):
        known: dict[str, Any] = dict(groups.items())
        found = [known.get(name) for name in ids]
    else:
        found = list(groups)
        if len(found) != len(ids):
            raise ArgumentError(f"groups: expected one for each of {len(ids)} samples, got {len(found)}")
    return ["" if _is_missing(group) else str(group) for group in found]


def _is_missing(value: Any) -> bool:
    """None, NaN, pandas' NA and NaT, and text of blanks."""
    if value is None or isinstance(value, str) and not value.strip():
        return True
    # NaN and NaT differ from themselves; NA says neither yes nor no.
    return type(value).__name__ == "NAType" or bool(value != value)
