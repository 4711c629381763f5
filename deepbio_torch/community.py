"""Tables, trees and the distances between samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from . import _C
from .errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np
    import scipy.sparse


class Table:
    """Counts of N samples over F features (ASVs). Ids are strings; entries without reads are not stored.

    Made by :func:`read_table`, :meth:`from_arrays` or :meth:`from_biom`; never changed in place.
    """

    def __init__(self, table: _C.Table) -> None:
        self._table = table

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
        rows = torch.as_tensor(counts, dtype=torch.float64).to_sparse_csr()
        return cls(_C.Table.from_arrays(sample_ids, feature_ids, rows.crow_indices(), rows.col_indices(), rows.values()))

    @classmethod
    def from_biom(cls, table: Any) -> Table:
        """A ``biom.Table`` of the biom-format package."""
        return cls.from_arrays(list(table.ids("sample")), list(table.ids("observation")), table.matrix_data.T)

    @property
    def sample_ids(self) -> list[str]:
        """N ids, in table order."""
        return self._table.sample_ids

    @property
    def feature_ids(self) -> list[str]:
        """F ids, in table order."""
        return self._table.feature_ids

    @property
    def shape(self) -> tuple[int, int]:
        """(N samples, F features)."""
        return len(self.sample_ids), len(self.feature_ids)

    def to_torch(self) -> Tensor:
        """Counts as a sparse CSR tensor float64 [N, F]; shares memory with the table, do not write to it."""
        return torch.sparse_csr_tensor(self._table.indptr, self._table.indices, self._table.values, self.shape)

    def to_scipy(self) -> scipy.sparse.csr_matrix:
        """Counts as ``scipy.sparse.csr_matrix`` float64 [N, F]; shares memory with the table, do not write to it."""
        import scipy.sparse

        arrays = (self._table.values.numpy(), self._table.indices.numpy(), self._table.indptr.numpy())
        return scipy.sparse.csr_matrix(arrays, shape=self.shape, copy=False)

    def totals(self) -> Tensor:
        """Reads of each sample, float64 [N]."""
        return self._table.totals()

    def rarefy(self, depth: int, *, seed: int = 0, epoch: int = 0, with_replacement: bool = False) -> Table:
        """Each sample drawn down to ``depth`` reads; shallower samples and empty features are gone.

        A sample's draw depends on (seed, epoch, sample id) only.
        """
        return Table(self._table.rarefy(depth, seed, epoch, with_replacement)[0])

    def filter(self, *, samples: Sequence[str] | None = None, features: Callable[[str], bool] | None = None) -> Table:
        """The given samples, in that order, and the features for which ``features(id)`` is true."""
        table = self._table
        if samples is not None:
            place = {name: i for i, name in enumerate(table.sample_ids)}
            missing = [name for name in samples if name not in place]
            if missing:
                raise ArgumentError(f"table: {len(missing)} samples are not in it ({', '.join(missing[:3])})")
            table = table.select_samples([place[name] for name in samples])
        if features is not None:
            table = table.select_features([bool(features(name)) for name in table.feature_ids])
        return Table(table)

    def relative(self) -> Table:
        """Counts divided by their sample's total."""
        rows = torch.repeat_interleave(self._table.indptr.diff())
        values = self._table.values / self.totals()[rows]
        arrays = (self._table.indptr, self._table.indices, values)
        return Table(_C.Table.from_arrays(self.sample_ids, self.feature_ids, *arrays))

    def write(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Writes BIOM 2.1, or classic text when the name ends in ``.tsv``; whole or not at all."""
        self._table.write(str(path), overwrite)

    def __repr__(self) -> str:
        return f"Table({self.shape[0]} samples, {self.shape[1]} features, {self._table.values.numel()} entries)"

    def __reduce__(self) -> tuple[Any, ...]:
        state = [part.clone() for part in (self._table.indptr, self._table.indices, self._table.values)]
        return _unpickle_table, (self.sample_ids, self.feature_ids, *state)


def _unpickle_table(sample_ids: list[str], feature_ids: list[str], *arrays: Tensor) -> Table:
    return Table(_C.Table.from_arrays(sample_ids, feature_ids, *arrays))


def read_table(path: str | Path) -> Table:
    """A table from BIOM 1.0 or 2.x or classic TSV, told apart by content.

    Raises:
        MissingFileError, ParseError: with the place.
    """
    return Table(_C.Table.read(str(path)))


class Tree:
    """A phylogenetic tree. Made by :func:`read_tree` or :meth:`from_newick`."""

    def __init__(self, tree: _C.Tree) -> None:
        self._tree = tree

    @classmethod
    def from_newick(cls, text: str) -> Tree:
        """A tree from Newick text."""
        return cls(_C.Tree.parse(text))

    @property
    def tips(self) -> list[str]:
        """Names of the tips."""
        return self._tree.tips

    def shear(self, tips: Sequence[str]) -> Tree:
        """The part above the given tips; the path to the root stays."""
        return Tree(self._tree.shear(tips))

    def to_newick(self) -> str:
        """The tree as text."""
        return self._tree.to_newick()

    def write(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Writes Newick; whole or not at all."""
        self._tree.write(str(path), overwrite)

    def __repr__(self) -> str:
        return f"Tree({len(self.tips)} tips, {self._tree.num_nodes} nodes)"

    def __reduce__(self) -> tuple[Any, ...]:
        return Tree.from_newick, (self.to_newick(),)


def read_tree(path: str | Path) -> Tree:
    """A tree from a Newick file.

    Raises:
        MissingFileError, ParseError: with line and byte.
    """
    return Tree(_C.Tree.read(str(path)))


class DistanceMatrix:
    """Distances between N samples: ``ids`` and ``values`` float64 [N, N]."""

    def __init__(self, ids: Sequence[str], values: Tensor) -> None:
        self.ids, self.values = list(ids), values

    @classmethod
    def read(cls, path: str | Path) -> DistanceMatrix:
        """A matrix from ``.npy`` (with ``.ids.txt`` beside it), ``.tsv`` or ``.h5``."""
        return cls(*_C.read_distances(str(path)))

    def subset(self, ids: Sequence[str]) -> DistanceMatrix:
        """The rows and columns of ``ids``, in that order."""
        place = {name: i for i, name in enumerate(self.ids)}
        missing = [name for name in ids if name not in place]
        if missing:
            raise ArgumentError(f"distances: {len(missing)} ids are not in the matrix ({', '.join(missing[:3])})")
        rows = torch.tensor([place[name] for name in ids])
        return DistanceMatrix(ids, self.values[rows][:, rows])

    def write(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Writes ``.npy``, ``.tsv`` or ``.h5`` by the ending of the name; whole or not at all."""
        _C.write_distances(str(path), self.ids, self.values, overwrite)

    def to_skbio(self) -> Any:
        """As ``skbio.DistanceMatrix`` (needs scikit-bio)."""
        import skbio

        return skbio.DistanceMatrix(self.values.numpy(), self.ids)

    def __repr__(self) -> str:
        return f"DistanceMatrix({len(self.ids)} samples)"


def unifrac(
    table: Table, tree: Tree, *, metric: str = "unweighted", missing_features: str = "error"
) -> DistanceMatrix:
    """UniFrac distances between all samples of a table.

    Args:
        table: counts or relative abundances.
        tree: its tips are features of the table.
        metric: ``unweighted``, ``weighted_normalized`` or ``weighted_unnormalized``.
        missing_features: ``error``, or ``drop`` features that are not tips of the tree.

    Returns:
        Matrix in table order, float64 [N, N], exactly symmetric, zero diagonal, never NaN.
    """
    return DistanceMatrix(table.sample_ids, _C.unifrac(table._table, tree._tree, metric, missing_features))


def faith_pd(table: Table, tree: Tree, *, missing_features: str = "error") -> Tensor:
    """Faith's phylogenetic diversity of each sample, float64 [N] in table order; unit of the branch lengths."""
    return _C.faith_pd(table._table, tree._tree, missing_features)
