"""Tables, trees and the distances between samples."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from . import _C
from .errors import ArgumentError, ShapeError

if TYPE_CHECKING:
    import biom
    import numpy as np
    import pandas as pd
    import scipy.sparse
    import skbio

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

    def to_pandas(self) -> pd.DataFrame:
        """Counts as a DataFrame of sparse columns: samples as rows, features as columns, both by id."""
        import pandas as pd

        return pd.DataFrame.sparse.from_spmatrix(self.to_scipy(), index=self.sample_ids, columns=self.feature_ids)

    def to_biom(self) -> biom.Table:
        """The same counts as ``biom.Table`` (biom-format); features are its observations."""
        import biom

        return biom.Table(self.to_scipy().T.tocsr(), self.feature_ids, self.sample_ids)

    @classmethod
    def from_biom(cls, table: biom.Table) -> Table:
        """The counts of a ``biom.Table``; its metadata are left behind."""
        return cls.from_arrays(list(table.ids("sample")), list(table.ids("observation")), table.matrix_data.T)

    def features_outside(self, tree: Tree) -> tuple[list[str], float]:
        """Ids of the features that are not tips of the tree, and the share of all reads they hold."""
        tips = set(tree.tips)
        ids = self.feature_ids
        outside = torch.tensor([name not in tips for name in ids], dtype=torch.bool)
        reads = self.native.values
        lost = reads[outside[self.native.indices]].sum()
        return [name for name in ids if name not in tips], (lost / reads.sum()).item() if len(reads) else 0.0

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
    """A table from BIOM 1.0 or 2.x, classic TSV, gzip of these or a QIIME 2 artifact, told apart by content.

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
    """A tree from a Newick file or a QIIME 2 artifact.

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
        """A matrix from ``.npy`` (with ``.ids.txt`` beside it), ``.npz``, ``.tsv``, ``.csv``, ``.h5`` or ``.qza``.

        Files without ids number the samples: ``"0"``, ``"1"``, ...; :meth:`with_ids` names them.
        """
        ids, values = _C.read_distances(os.fspath(path))
        return cls(ids or [str(i) for i in range(len(values))], values)

    def with_ids(self, ids: Sequence[str]) -> DistanceMatrix:
        """The same distances under other ids, for files that hold none and follow the order of a table."""
        return DistanceMatrix(ids, self.values)

    def align(self, ids: Sequence[str]) -> tuple[DistanceMatrix, str]:
        """The samples that stand in ``ids`` too, and a line that says what each side has alone ("" when nothing).

        The same set of ids comes back in the order of ``ids``; of different sets the shared ones come sorted, as AAM
        aligns them.

        Raises:
            ArgumentError: not one id is shared.
        """
        shared, only_ids, only_matrix, report = _C.compare_ids(ids, self.ids, "the given ids", "the distances")
        if not shared:
            raise ArgumentError(f"distances: expected ids in common, got {report}")
        if only_ids or only_matrix:
            return self.subset(sorted(shared)), report
        return self.subset(shared), ""

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

    def to_skbio(self) -> skbio.DistanceMatrix:
        """The same as ``skbio.DistanceMatrix``; shares memory where scikit-bio does not copy."""
        import skbio

        return skbio.DistanceMatrix(self.values.to(torch.float64).numpy(), self.ids)

    def to_pandas(self) -> pd.DataFrame:
        """The same as a DataFrame with ids on both axes; shares memory, do not write to it."""
        import pandas as pd

        return pd.DataFrame(self.values.numpy(), index=self.ids, columns=self.ids, copy=False)

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
        missing_features: ``error``, or ``drop`` features that are not tips of the tree, with a warning that counts
            them and the reads that are lost, and names three.

    Returns:
        Matrix in table order, float64 or float32 [N, N], exactly symmetric, zero diagonal, never NaN.

    Raises:
        ArgumentError: an unknown name, a negative alpha, features that are not tips of the tree.
    """
    table = table if isinstance(table, Table) else read_table(table)
    tree = tree if isinstance(tree, Tree) else read_tree(tree)
    try:
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
    found = _C.pcoa(matrix.values, dimensions, method, seed)
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
    matrix: DistanceMatrix, groups: Sequence[str] | Mapping[str, str], *, permutations: int = 999, seed: int = 0
) -> PermanovaResult:
    """Tests whether groups of samples lie apart (Anderson 2001).

    Args:
        matrix: distances of N samples.
        groups: the group of each sample in the order of ``matrix.ids``, or a mapping from id to group (a dict or a
            pandas Series), which may hold more ids.
        permutations: of the labels.
        seed: permutation k depends on (seed, k) only.

    Raises:
        ArgumentError: a sample without a group, fewer than two groups, each sample a group of its own.
    """
    if isinstance(groups, Mapping) or hasattr(groups, "index") and hasattr(groups, "keys"):
        known: dict[str, str] = dict(groups.items())  # type: ignore[union-attr]
        missing = [name for name in matrix.ids if name not in known]
        if missing:
            raise ArgumentError(f"groups: {len(missing)} samples have none ({', '.join(missing[:3])})")
        groups = [known[name] for name in matrix.ids]
    found = _C.permanova(matrix.values, [str(group) for group in groups], permutations, seed)
    return PermanovaResult(found.pseudo_f, found.p_value, found.num_samples, found.num_groups, found.num_permutations)


class Metadata:
    """Sample metadata: ids stay strings, columns are numbers or words. Made by :func:`read_metadata`."""

    def __init__(self, metadata: _C.Metadata) -> None:
        """Wraps the C++ metadata."""
        self.native = metadata

    @property
    def ids(self) -> list[str]:
        """Ids of the rows."""
        return self.native.ids

    @property
    def columns(self) -> list[str]:
        """Names of the columns, without that of the ids."""
        return self.native.columns

    def is_numeric(self, column: str) -> bool:
        """Whether a column holds numbers: as ``#q2:types`` says, or when every value that is there is one."""
        return self.native.is_numeric(column)

    def numbers(self, column: str) -> Tensor:
        """A column as float64 [rows], NaN where a value is missing.

        Raises:
            ParseError: with the line of a value that is neither a number nor missing.
            ConfigError: no such column, naming the nearest.
        """
        return self.native.numbers(column)

    def labels(self, column: str) -> list[str | None]:
        """A column as words, None where a value is missing."""
        return [None if _C.is_missing(value) else value for value in self.native.values(column)]

    def compare(self, sample_ids: Sequence[str]) -> tuple[list[str], list[str], str]:
        """Samples without metadata, rows without a sample, and a line that says both with three examples."""
        _, samples, rows, report = _C.compare_ids(sample_ids, self.ids, "the given ids", self.native.path)
        return samples, rows, report

    def to_pandas(self) -> pd.DataFrame:
        """A DataFrame by id: numeric columns float64, others words; missing values are missing there too."""
        import pandas as pd

        parts: dict[str, Any] = {
            name: self.numbers(name).numpy() if self.is_numeric(name) else self.labels(name) for name in self.columns
        }
        return pd.DataFrame(parts, index=pd.Index(self.ids, name=self.native.id_column, dtype=object))

    def __repr__(self) -> str:
        return f"Metadata({len(self.ids)} samples, {len(self.columns)} columns)"

    def __reduce__(self) -> tuple[Any, ...]:
        return read_metadata, (self.native.path,)


def read_metadata(path: Path) -> Metadata:
    """Tab-separated metadata, QIIME 2 style or plain.

    Raises:
        MissingFileError, ParseError: with the line.
    """
    return Metadata(_C.Metadata.read(os.fspath(path)))
