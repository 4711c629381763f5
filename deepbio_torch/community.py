"""Tables, trees and the distances between samples."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from . import _C
from .errors import ArgumentError, ShapeError

if TYPE_CHECKING:
    import numpy as np
    import scipy.sparse

Path = str | os.PathLike[str]


class Table:
    """Counts of N samples over F features (ASVs). Ids are strings; entries without reads are not stored.

    Made by :func:`read_table` or :meth:`from_arrays`; never changed in place.
    """

    def __init__(self, table: _C.Table) -> None:
        """Wraps the C++ table."""
        self.native = table

    @classmethod
    def from_arrays(
        cls, sample_ids: Sequence[str], feature_ids: Sequence[str], counts: np.ndarray | Tensor | scipy.sparse.spmatrix
    ) -> Table:
        """A table from ids and counts [N, F], dense or scipy sparse.

        Raises:
            ParseError: negative or non-finite counts, duplicate ids, sizes that do not fit.
        """
        if hasattr(counts, "tocsr"):
            rows = counts.tocsr(copy=True)
            rows.sum_duplicates()
            rows.eliminate_zeros()
            rows.sort_indices()
            parts = [torch.from_numpy(part.copy()) for part in (rows.indptr, rows.indices, rows.data)]
            return cls(_C.Table.from_arrays(sample_ids, feature_ids, *parts))
        dense = torch.as_tensor(counts, dtype=torch.float64)
        if dense.dim() != 2:
            raise ShapeError(f"counts: expected [N, F], got {list(dense.shape)}")
        rows, columns = dense.nonzero(as_tuple=True)
        indptr = torch.zeros(len(dense) + 1, dtype=torch.int64)
        indptr[1:] = torch.bincount(rows, minlength=len(dense)).cumsum(0)
        return cls(_C.Table.from_arrays(sample_ids, feature_ids, indptr, columns, dense[rows, columns]))

    @property
    def sample_ids(self) -> list[str]:
        """N ids, in table order."""
        return self.native.sample_ids

    @property
    def feature_ids(self) -> list[str]:
        """F ids, in table order."""
        return self.native.feature_ids

    @property
    def shape(self) -> tuple[int, int]:
        """(N samples, F features)."""
        return len(self.sample_ids), len(self.feature_ids)

    def to_torch(self) -> Tensor:
        """Counts as a sparse CSR tensor float64 [N, F]; shares memory with the table, do not write to it."""
        return torch.sparse_csr_tensor(self.native.indptr, self.native.indices, self.native.values, self.shape)

    def to_scipy(self) -> scipy.sparse.csr_matrix:
        """Counts as ``scipy.sparse.csr_matrix`` float64 [N, F]; shares memory with the table, do not write to it."""
        import scipy.sparse

        arrays = (self.native.values.numpy(), self.native.indices.numpy(), self.native.indptr.numpy())
        return scipy.sparse.csr_matrix(arrays, shape=self.shape, copy=False)

    def totals(self) -> Tensor:
        """Reads of each sample, float64 [N]."""
        return self.native.totals()

    def rarefy(self, depth: int, *, seed: int = 0, epoch: int = 0, with_replacement: bool = False) -> Table:
        """Each sample drawn down to ``depth`` reads; shallower samples and empty features are gone.

        A sample's draw depends on (seed, epoch, sample id) only.
        """
        return Table(self.native.rarefy(depth, seed, epoch, with_replacement)[0])

    def filter(self, *, samples: Sequence[str] | None = None, features: Callable[[str], bool] | None = None) -> Table:
        """The given samples, in that order, and the features for which ``features(id)`` is true."""
        table = self.native
        if samples is not None:
            place = {name: i for i, name in enumerate(table.sample_ids)}
            missing = [name for name in samples if name not in place]
            if missing:
                raise ArgumentError(f"table: {len(missing)} samples are not in it ({', '.join(missing[:3])})")
            _require_distinct("table", samples)
            table = table.select_samples([place[name] for name in samples])
        if features is not None:
            table = table.select_features([bool(features(name)) for name in table.feature_ids])
        return Table(table)

    def relative(self) -> Table:
        """Counts divided by their sample's total."""
        rows = torch.repeat_interleave(self.native.indptr.diff())
        values = self.native.values / self.totals()[rows]
        arrays = (self.native.indptr, self.native.indices, values)
        return Table(_C.Table.from_arrays(self.sample_ids, self.feature_ids, *arrays))

    def write(self, path: Path, *, overwrite: bool = False) -> None:
        """Writes BIOM 2.1, or classic text when the name ends in ``.tsv``; whole or not at all."""
        self.native.write(os.fspath(path), overwrite)

    def __repr__(self) -> str:
        return f"Table({self.shape[0]} samples, {self.shape[1]} features, {self.native.values.numel()} entries)"

    def __reduce__(self) -> tuple[Any, ...]:
        # As arrays: a tensor would go to a spawned worker as a file descriptor that is closed with this temporary.
        arrays = [part.numpy().copy() for part in (self.native.indptr, self.native.indices, self.native.values)]
        return _unpickle_table, (self.sample_ids, self.feature_ids, *arrays)


def _require_distinct(what: str, ids: Sequence[str]) -> None:
    if len(set(ids)) == len(ids):
        return
    twice = next(name for i, name in enumerate(ids) if name in ids[:i])
    raise ArgumentError(f"{what}: expected each id once, got {twice!r} more than once")


def _unpickle_table(sample_ids: list[str], feature_ids: list[str], *arrays: np.ndarray) -> Table:
    return Table(_C.Table.from_arrays(sample_ids, feature_ids, *map(torch.from_numpy, arrays)))


def read_table(path: Path) -> Table:
    """A table from BIOM 1.0 or 2.x or classic TSV, told apart by content.

    Raises:
        MissingFileError, ParseError: with the place.
    """
    return Table(_C.Table.read(os.fspath(path)))


class Tree:
    """A phylogenetic tree. Made by :func:`read_tree` or :meth:`from_newick`."""

    def __init__(self, tree: _C.Tree) -> None:
        """Wraps the C++ tree."""
        self.native = tree

    @classmethod
    def from_newick(cls, text: str) -> Tree:
        """A tree from Newick text."""
        return cls(_C.Tree.parse(text))

    @property
    def tips(self) -> list[str]:
        """Names of the tips."""
        return self.native.tips

    def shear(self, tips: Sequence[str]) -> Tree:
        """The part above the given tips; the path to the root stays."""
        return Tree(self.native.shear(tips))

    def to_newick(self) -> str:
        """The tree as text."""
        return self.native.to_newick()

    def write(self, path: Path, *, overwrite: bool = False) -> None:
        """Writes Newick; whole or not at all."""
        self.native.write(os.fspath(path), overwrite)

    def __repr__(self) -> str:
        return f"Tree({len(self.tips)} tips, {self.native.num_nodes} nodes)"

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle_tree, (self.to_newick(), self.native.path)


def _unpickle_tree(text: str, path: str) -> Tree:
    return Tree(_C.Tree.parse(text, path))


def read_tree(path: Path) -> Tree:
    """A tree from a Newick file.

    Raises:
        MissingFileError, ParseError: with line and byte.
    """
    return Tree(_C.Tree.read(os.fspath(path)))


class DistanceMatrix:
    """Distances between N samples: ``ids`` and ``values`` float64 [N, N]."""

    def __init__(self, ids: Sequence[str], values: Tensor) -> None:
        """Keeps both; raises ShapeError when they do not fit."""
        self.ids, self.values = list(ids), values
        if values.shape != (len(self.ids), len(self.ids)):
            raise ShapeError(
                f"distances: expected [{len(self.ids)}, {len(self.ids)}] for as many ids, got {list(values.shape)}"
            )
        _require_distinct("distances", self.ids)

    @classmethod
    def read(cls, path: Path) -> DistanceMatrix:
        """A matrix from ``.npy`` (with ``.ids.txt`` beside it), ``.tsv`` or ``.h5``."""
        return cls(*_C.read_distances(os.fspath(path)))

    def subset(self, ids: Sequence[str]) -> DistanceMatrix:
        """The rows and columns of ``ids``, in that order."""
        place = {name: i for i, name in enumerate(self.ids)}
        missing = [name for name in ids if name not in place]
        if missing:
            raise ArgumentError(f"distances: {len(missing)} ids are not in the matrix ({', '.join(missing[:3])})")
        rows = torch.tensor([place[name] for name in ids], dtype=torch.int64)
        return DistanceMatrix(ids, self.values[rows][:, rows])

    def write(self, path: Path, *, overwrite: bool = False) -> None:
        """Writes ``.npy``, ``.tsv`` or ``.h5`` by the ending of the name; whole or not at all."""
        _C.write_distances(os.fspath(path), self.ids, self.values, overwrite)

    def __repr__(self) -> str:
        return f"DistanceMatrix({len(self.ids)} samples)"


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
        missing_features: ``error``, or ``drop`` features that are not tips of the tree.

    Returns:
        Matrix in table order, float64 or float32 [N, N], exactly symmetric, zero diagonal, never NaN.

    Raises:
        ArgumentError: an unknown name, a negative alpha, features that are not tips of the tree.
    """
    table = table if isinstance(table, Table) else read_table(table)
    tree = tree if isinstance(tree, Tree) else read_tree(tree)
    values = _C.unifrac(
        table.native, tree.native, missing_features, metric, alpha, variance_adjusted, bypass_tips, precision
    )
    return DistanceMatrix(table.sample_ids, values)


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
    return _C.faith_pd(table.native, tree.native, missing_features)
