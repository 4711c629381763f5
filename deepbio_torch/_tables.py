"""What a study consists of: feature tables, trees, sample metadata and distance matrices, read and written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from html import escape
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


def _html(rows: Iterable[tuple[str, object]], note: str = "") -> str:
    """What a notebook shows: a row for each name and value."""
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in rows)
    return f"<table>{cells}</table>{escape(note)}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


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
            ShapeError: counts that are not [N, F] for N sample and F feature ids.
            ParseError: negative or non-finite counts, duplicate ids.
        """
        expected = (len(sample_ids), len(feature_ids))
        if hasattr(counts, "tocsr") and tuple(counts.shape) != expected:
            raise ShapeError(f"counts: expected {list(expected)}, samples in rows, got {list(counts.shape)}")
        if hasattr(counts, "tocsr"):
            rows = counts.tocsr(copy=True)
            rows.sum_duplicates()
            rows.eliminate_zeros()
            rows.sort_indices()
            parts = [torch.from_numpy(part.copy()) for part in (rows.indptr, rows.indices, rows.data)]
            return cls(_C.Table.from_arrays(sample_ids, feature_ids, parts[0], parts[1], parts[2]))
        dense = _float_tensor(counts).double()
        if tuple(dense.shape) != expected:
            raise ShapeError(f"counts: expected {list(expected)}, samples in rows, got {list(dense.shape)}")
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
    def taxonomy(self) -> list[str] | None:
        """F lineages such as ``k__Bacteria; p__Firmicutes``, None when the file has none."""
        return self.native.taxonomy or None

    @property
    def left_behind(self) -> list[str]:
        """What the file holds beside and a table has no place for, such as ``metadata of samples (age, ph)``."""
        return self.native.left_behind

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

    def merge(self, *others: Table, overlap: str = "error") -> Table:
        """The samples and features of this and other tables; counts of one sample and feature are added.

        Args:
            others: tables.
            overlap: a sample in two tables is an ``error``, or their counts are added (``sum``).
        """
        return Table(_C.merge_tables([self.native, *(other.native for other in others)], overlap))

    def collapse(self, level: int) -> Table:
        """One feature for all whose :attr:`taxonomy` agrees in the first ``level`` levels (1: kingdoms).

        Ids are the levels joined by ``;``, ``__`` where a lineage is shorter, as in QIIME 2's ``taxa collapse``.

        Raises:
            ArgumentError: no taxonomy, a level below 1.
        """
        return Table(self.native.collapse(level))

    def filter(
        self,
        *,
        samples: Sequence[str] | None = None,
        features: Callable[[str], bool] | None = None,
        min_reads: float = 0,
        min_samples: int = 0,
    ) -> Table:
        """The given samples, in that order, and the features for which ``features(id)`` is true.

        ``min_samples``: features with reads in fewer samples go; then ``min_reads``: samples with fewer reads go, and
        features that are left without any.
        """
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
        if min_reads > 0 or min_samples > 0:
            table = table.filter_counts(min_reads, min_samples)
        return Table(table)

    def relative(self) -> Table:
        """Counts divided by their sample's total; a sample without reads stays without."""
        rows = torch.repeat_interleave(self.native.indptr.diff())
        values = self.native.values / self.totals()[rows]
        arrays = (self.native.indptr, self.native.indices, values)
        return Table(_C.Table.from_arrays(self.sample_ids, self.feature_ids, *arrays, self.native.taxonomy))

    def write(self, path: Path, *, overwrite: bool = False) -> None:
        """Writes BIOM 2.1, or classic text when the name ends in ``.tsv``; whole or not at all."""
        self.native.write(os.fspath(path), overwrite)

    def __repr__(self) -> str:
        return f"Table({self.shape[0]} samples, {self.shape[1]} features, {self.native.values.numel()} entries)"

    def _repr_html_(self) -> str:
        reads, (num_samples, num_features) = self.totals(), self.shape
        filled = self.native.values.numel() / max(1, num_samples * num_features)
        # Not Tensor.median, which takes the lower of two middle values.
        middle = f"{reads.min():g} / {reads.quantile(0.5):g} / {reads.max():g}" if num_samples else "none"
        return _html(
            [
                ("samples", f"{num_samples} ({_some(self.sample_ids)})"),
                ("features", f"{num_features} ({_some(self.feature_ids)})"),
                ("entries", f"{self.native.values.numel()} ({filled:.2%})"),
                ("reads of a sample, least / median / most", middle),
            ]
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # As arrays: a tensor would go to a spawned worker as a file descriptor that is closed with this temporary.
        arrays = [part.numpy().copy() for part in (self.native.indptr, self.native.indices, self.native.values)]
        return _unpickle_table, (self.sample_ids, self.feature_ids, *arrays, self.native.taxonomy)


def _float_tensor(values: Any) -> Tensor:
    """A float32 or float64 tensor of numbers; shares memory where it can."""
    import numpy as np

    if not isinstance(values, Tensor):
        numbers = np.asarray(values)
        if numbers.dtype.kind not in "buif":
            raise ArgumentError(f"expected numbers, got {numbers.dtype}")
        # torch takes neither negative strides nor other byte orders.
        values = torch.from_numpy(np.ascontiguousarray(numbers, dtype="=f4" if numbers.dtype == "f4" else "=f8"))
    if values.is_complex():
        raise ArgumentError(f"expected real numbers, got {values.dtype}")
    out: Tensor = values.detach()
    return out if out.dtype in (torch.float32, torch.float64) else out.double()


def _require_distinct(what: str, ids: Sequence[str]) -> None:
    if len(set(ids)) == len(ids):
        return
    twice = next(name for i, name in enumerate(ids) if name in ids[:i])
    raise ArgumentError(f"{what}: expected each id once, got {twice!r} more than once")


def _unpickle_table(
    sample_ids: list[str],
    feature_ids: list[str],
    indptr: np.ndarray,
    indices: np.ndarray,
    values: np.ndarray,
    taxonomy: list[str] | None = None,
) -> Table:
    begins, columns, counts = map(torch.from_numpy, (indptr, indices, values))
    return Table(_C.Table.from_arrays(sample_ids, feature_ids, begins, columns, counts, taxonomy or []))


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

    @property
    def is_rooted(self) -> bool:
        """False where the file says that the root has no meaning (``Phylogeny[Unrooted]``, ``[&U]``)."""
        return self.native.is_rooted

    def root_at_midpoint(self) -> Tree:
        """The same branches with the root half way between the two tips that lie furthest apart."""
        return Tree(self.native.root_at_midpoint())

    def with_lengths_from_zero(self) -> Tree:
        """The same tree with 0 for negative lengths, which neighbour joining makes."""
        return Tree(self.native.with_lengths_from_zero())

    def write(self, path: Path, *, overwrite: bool = False) -> None:
        """Writes Newick; whole or not at all."""
        self.native.write(os.fspath(path), overwrite)

    def __repr__(self) -> str:
        return f"Tree({len(self.tips)} tips, {self.native.num_nodes} nodes)"

    def _repr_html_(self) -> str:
        tips = self.tips
        return _html([("tips", f"{len(tips)} ({_some(tips)})"), ("nodes", self.native.num_nodes)])

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
    """Distances between N samples: ``ids`` and ``values`` float64 or float32 [N, N].

    Sound when it is made: finite, not negative, the same both ways, 0 from a sample to itself. Rounding up to 1e-6 is
    mended in a copy.
    """

    def __init__(self, ids: Sequence[str], values: Tensor | np.ndarray) -> None:
        """Keeps both; values that are no float tensor (NumPy, lists, integers) become one.

        Raises:
            ShapeError: values that are not [N, N] for N ids.
            ArgumentError: an id twice; with the pair: a distance that is NaN, infinite, negative, or not the same both
                ways, or one of a sample to itself.
        """
        self.ids = [str(name) for name in ids]
        values = _float_tensor(values)
        if values.shape != (len(self.ids), len(self.ids)):
            raise ShapeError(
                f"distances: expected [{len(self.ids)}, {len(self.ids)}] for as many ids, got {list(values.shape)}"
            )
        _require_distinct("distances", self.ids)
        self.values: Tensor = _C.sound_distances(values, self.ids, "distances")

    @classmethod
    def read(cls, path: Path) -> DistanceMatrix:
        """A matrix from ``.npy`` (with ``.ids.txt`` beside it), ``.npz``, ``.tsv``, ``.csv``, ``.h5`` or ``.qza``.

        Text of R, PHYLIP and mothur too. Files without ids number the samples: ``"0"``, ``"1"``, ...;
        :meth:`with_ids` names them.
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

    def _repr_html_(self) -> str:
        corner = [[f"{value:.4f}" for value in row] for row in self.values[:5, :5].tolist()]
        head = "".join(f"<th>{escape(name)}</th>" for name in self.ids[:5])
        rows = "".join(
            f"<tr><th>{escape(name)}</th>{''.join(f'<td>{value}</td>' for value in row)}</tr>"
            for name, row in zip(self.ids, corner, strict=False)
        )
        return f"<table><tr><th></th>{head}</tr>{rows}</table>{len(self.ids)} samples"


class Metadata:
    """Sample metadata: ids stay strings, columns are numbers or words. Made by :func:`read_metadata`."""

    def __init__(self, metadata: _C.Metadata, missing_values: Sequence[str] = ()) -> None:
        """Wraps the C++ metadata."""
        self.native, self.missing_values = metadata, list(missing_values)

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
        return [value or None for value in self.native.values(column)]

    @property
    def missing(self) -> dict[str, dict[str, int]]:
        """For each column the words that were taken as missing and how often; ``""`` counts empty cells."""
        out: dict[str, dict[str, int]] = {}
        for column, word, count in self.native.missing:
            out.setdefault(column, {})[word] = count
        return out

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

    def _repr_html_(self) -> str:
        kinds = ((name, "numbers" if self.is_numeric(name) else "words") for name in self.columns)
        return _html(kinds, f"{len(self.ids)} samples")

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle_metadata, (self.native.path, self.missing_values)


def _unpickle_metadata(path: str, missing_values: list[str]) -> Metadata:
    return read_metadata(path, missing_values=missing_values)


def read_metadata(path: Path, *, missing_values: str | Sequence[str] = ()) -> Metadata:
    """Tab-separated metadata, QIIME 2 style or plain.

    Args:
        path: the file.
        missing_values: words that are missing values beside the empty cell, letter by letter, in every column; such as
            ``"NA"``. ``"INSDC"`` stands for not applicable, missing, not collected, not provided, restricted access and
            what begins with ``missing:``, in any case. A line ``#q2:missing`` of the file says so for single columns.

    Returns:
        Metadata; :attr:`Metadata.missing` counts what was taken as missing.

    Raises:
        MissingFileError, ParseError: with the line.
    """
    words = [missing_values] if isinstance(missing_values, str) else list(missing_values)
    return Metadata(_C.Metadata.read(os.fspath(path), words), words)
