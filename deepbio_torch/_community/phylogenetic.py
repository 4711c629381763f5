"""Distances and diversity on a tree: UniFrac and Faith's phylogenetic diversity."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .. import _C
from .._arguments import of_kind
from ..errors import ArgumentError, ShapeError
from .tables import DistanceMatrix, Path, Table, Tree, table_of
from .trees import tree_of

if TYPE_CHECKING:
    import scipy.sparse


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
        missing_features: ``error``, or ``drop`` features that are not tips of the tree, with a
            warning that counts them and the reads that are lost, and names three.
        num_threads: of this call, None for torch's own number; values are the same for any.

    Returns:
        Matrix in table order, float64 or float32 [N, N], exactly symmetric, zero diagonal, never
        NaN.

    Raises:
        ArgumentError: an unknown name, a negative alpha, features that are not tips of the tree.
    """
    table = table_of(table)
    tree = tree_of(tree)
    try:
        with _threads(num_threads):
            values, report = _C.unifrac(
                table.native,
                tree.native,
                missing_features,
                metric,
                alpha,
                variance_adjusted,
                bypass_tips,
                precision,
            )
    except ArgumentError as error:
        raise _with_lost_reads(error, table, tree) from None
    _warn_of_loss(report)
    return DistanceMatrix(table.sample_ids, values)


def _warn_of_loss(report: str) -> None:
    if report:
        warnings.warn(report, stacklevel=3)


def _with_lost_reads(error: ArgumentError, table: Table, tree: Tree) -> ArgumentError:
    """The error itself; where features outside of the tree cause it, with their reads."""
    if "not tips of" not in str(error):
        return error
    return ArgumentError(f"{error} (they hold {table.features_outside(tree)[1]:.1%} of the reads)")


class UnifracBatch:
    """UniFrac of batches of samples, from a prepared tree and table, for training steps."""

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
        """Matches the table's features to the tree and keeps what each sample holds.

        Options as in :func:`unifrac`.
        """
        table = table_of(table)
        tree = tree_of(tree)
        self.sample_ids, self.feature_ids = table.sample_ids, table.feature_ids
        self._sample = {name: i for i, name in enumerate(self.sample_ids)}
        self._feature = {name: i for i, name in enumerate(self.feature_ids)}
        self.native = _C.UnifracBatch(
            table.native,
            tree.native,
            missing_features,
            metric,
            alpha,
            variance_adjusted,
            bypass_tips,
            precision,
        )
        _warn_of_loss(self.native.missing_report(table.native, tree.native))

    def distances(self, samples: Sequence[str] | Sequence[int] | Tensor) -> Tensor:
        """Distances [B, B] between samples of the table, by id or place.

        In double the values of :func:`unifrac`.
        """
        places: list[Any] = samples.tolist() if isinstance(samples, Tensor) else list(samples)
        missing = [name for name in places if isinstance(name, str) and name not in self._sample]
        if missing:
            raise ArgumentError(
                f"samples: {len(missing)} are not in the table ({', '.join(missing[:3])})"
            )
        return self.native.distances(
            [self._sample[name] if isinstance(name, str) else name for name in places]
        )

    def from_counts(self, counts: Tensor | scipy.sparse.spmatrix | Table) -> Tensor:
        """Distances [B, B] between samples given as counts, such as a fresh rarefaction.

        Args:
            counts: [B, F] over the features of the prepared table (sparse CSR, scipy sparse or
                dense), or a table whose features are among them.
        """
        if isinstance(counts, Table):
            names = counts.feature_ids
            missing = [name for name in names if name not in self._feature]
            if missing:
                raise ArgumentError(
                    f"counts: {len(missing)} features were not prepared ({', '.join(missing[:3])})"
                )
            place = torch.tensor([self._feature[name] for name in names], dtype=torch.int64)
            native = counts.native
            return self.native.from_counts(native.indptr, place[native.indices], native.values)
        if hasattr(counts, "tocsr"):
            rows = counts.tocsr()
            columns, parts = (
                rows.shape[1],
                [torch.from_numpy(p) for p in (rows.indptr, rows.indices, rows.data)],
            )
        else:
            counts = of_kind(
                counts, Tensor, "counts", "a tensor, a Table or a sparse matrix of scipy"
            )
            if counts.dim() != 2:
                raise ShapeError(f"counts: expected [B, F], got {list(counts.shape)}")
            rows = counts if counts.layout == torch.sparse_csr else counts.to_sparse_csr()
            columns, parts = rows.shape[1], [rows.crow_indices(), rows.col_indices(), rows.values()]
        if columns != len(self.feature_ids):
            raise ShapeError(
                f"counts: expected [B, {len(self.feature_ids)}], got {columns} columns"
            )
        return self.native.from_counts(*parts)

    def __repr__(self) -> str:
        return f"UnifracBatch({len(self.sample_ids)} samples, {len(self.feature_ids)} features)"


def faith_pd(table: Table | Path, tree: Tree | Path, *, missing_features: str = "error") -> Tensor:
    """Faith's phylogenetic diversity of each sample, float64 [N] in table order.

    Unit of the branch lengths.
    """
    table = table_of(table)
    tree = tree_of(tree)
    try:
        values, report = _C.faith_pd(table.native, tree.native, missing_features)
    except ArgumentError as error:
        raise _with_lost_reads(error, table, tree) from None
    _warn_of_loss(report)
    return values
