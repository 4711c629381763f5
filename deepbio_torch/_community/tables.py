"""Feature tables, trees, sample metadata and distance matrices, read and written."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .. import _C
from .._arguments import homes_of, of_home, path_text, seed_of
from ..errors import ArgumentError, ShapeError, WrongTypeError
from .distances import DistanceMatrix, float_tensor
from .ids import Path, html_table, require_distinct, some_of
from .metadata import Metadata, metadata_of, read_metadata
from .metadata import (
    _unpickle_metadata as _unpickle_metadata,
)  # pickles of the version before name it here
from .table_frames import anndata_counts, pandas_counts, polars_counts
from .trees import Tree, read_tree, tree_of
from .trees import _unpickle_tree as _unpickle_tree

__all__ = [
    "DistanceMatrix",
    "Metadata",
    "Path",
    "Table",
    "Tree",
    "read_metadata",
    "read_table",
    "read_tree",
]

if TYPE_CHECKING:
    import anndata
    import biom
    import numpy as np
    import pandas as pd
    import polars as pl
    import scipy.sparse


class Table:
    """Counts of N samples over F features (ASVs). Ids are strings.

    Entries without reads are not stored.

    Made by :func:`read_table` or :meth:`from_arrays`; never changed in place.
    """

    def __init__(self, table: _C.Table) -> None:
        """Wraps the C++ table."""
        self.native = table

    @classmethod
    def from_arrays(
        cls,
        sample_ids: Sequence[Any],
        feature_ids: Sequence[Any],
        counts: np.ndarray | Tensor | scipy.sparse.spmatrix,
    ) -> Table:
        """A table from ids (numbers too, as text) and counts [N, F], dense or sparse.

        Raises:
            ShapeError: counts that are not [N, F] for N sample and F feature ids.
            ParseError: negative or non-finite counts, duplicate ids.
        """
        sample_ids, feature_ids = _texts(sample_ids), _texts(feature_ids)
        expected = (len(sample_ids), len(feature_ids))
        if hasattr(counts, "tocsr") and tuple(counts.shape) != expected:
            raise ShapeError(
                f"counts: expected {list(expected)}, samples in rows, got {list(counts.shape)}"
            )
        if hasattr(counts, "tocsr"):
            rows = counts.tocsr(copy=True)
            rows.sum_duplicates()
            rows.eliminate_zeros()
            rows.sort_indices()
            parts = [
                torch.from_numpy(part.copy()) for part in (rows.indptr, rows.indices, rows.data)
            ]
            return cls(_C.Table.from_arrays(sample_ids, feature_ids, parts[0], parts[1], parts[2]))
        given = float_tensor(counts).double()
        if tuple(given.shape) != expected:
            raise ShapeError(
                f"counts: expected {list(expected)}, samples in rows, got {list(given.shape)}"
            )
        held = given.to_sparse_coo().coalesce()  # type: ignore[no-untyped-call]  # sorted by row and column
        is_there = held.values() != 0  # a sparse tensor may hold zeros
        rows, columns = held.indices()[:, is_there]
        indptr = torch.zeros(len(sample_ids) + 1, dtype=torch.int64)
        indptr[1:] = torch.bincount(rows, minlength=len(sample_ids)).cumsum(0)
        return cls(
            _C.Table.from_arrays(sample_ids, feature_ids, indptr, columns, held.values()[is_there])
        )

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
        """What else the file holds, such as ``metadata of samples (age, ph)``."""
        return self.native.left_behind

    @property
    def shape(self) -> tuple[int, int]:
        """(N samples, F features)."""
        return len(self.sample_ids), len(self.feature_ids)

    def to_torch(self) -> Tensor:
        """Counts as a sparse CSR tensor float64 [N, F].

        Shares memory with the table, do not write to it.
        """
        return torch.sparse_csr_tensor(
            self.native.indptr, self.native.indices, self.native.values, self.shape
        )

    def to_scipy(self) -> scipy.sparse.csr_matrix:
        """Counts as ``scipy.sparse.csr_matrix`` float64 [N, F].

        Shares memory with the table, do not write to it.
        """
        import scipy.sparse

        arrays = (
            self.native.values.numpy(),
            self.native.indices.numpy(),
            self.native.indptr.numpy(),
        )
        return scipy.sparse.csr_matrix(arrays, shape=self.shape, copy=False)

    def to_pandas(self) -> pd.DataFrame:
        """Counts as a DataFrame of sparse columns: samples as rows, features as columns."""
        import pandas as pd

        return pd.DataFrame.sparse.from_spmatrix(
            self.to_scipy(), index=self.sample_ids, columns=self.feature_ids
        )

    @classmethod
    def from_pandas(cls, frame: pd.DataFrame) -> Table:
        """Counts of a DataFrame with samples as rows and features as columns, both by id.

        Columns may be sparse.

        Raises:
            ArgumentError: a column that is not numbers. ParseError: negative counts, an id twice.
        """
        return cls.from_arrays(*pandas_counts(frame))

    def to_polars(self, id_column: str = "sample_id") -> pl.DataFrame:
        """Counts as a DataFrame of polars: a column of sample ids, then a column per feature."""
        import polars as pl

        columns: dict[str, Any] = {id_column: self.sample_ids}
        return pl.DataFrame(columns | dict(zip(self.feature_ids, self.to_numpy().T, strict=True)))

    @classmethod
    def from_polars(cls, frame: pl.DataFrame, id_column: str | None = None) -> Table:
        """Counts of a DataFrame of polars; ``id_column`` holds the sample ids, None: the first one.

        Raises:
            ArgumentError: no such column; a column that is not numbers. ParseError: negative
                counts, an id twice.
        """
        return cls.from_arrays(*polars_counts(frame, id_column))

    def to_anndata(self) -> anndata.AnnData:
        """Counts as AnnData: samples are observations, features variables, ``X`` is sparse."""
        import anndata
        import pandas as pd

        names = pd.DataFrame(index=self.sample_ids), pd.DataFrame(index=self.feature_ids)
        return anndata.AnnData(self.to_scipy().copy(), obs=names[0], var=names[1])

    @classmethod
    def from_anndata(cls, data: anndata.AnnData) -> Table:
        """The counts ``X`` of AnnData, dense or sparse; its metadata are left behind."""
        return cls.from_arrays(*anndata_counts(data))

    def to_numpy(self) -> np.ndarray:
        """Counts as a dense array float64 [N, F] of its own."""
        dense: np.ndarray = self.to_scipy().toarray()
        return dense

    def to_biom(self) -> biom.Table:
        """The same counts as ``biom.Table`` (biom-format); features are its observations."""
        import biom

        return biom.Table(self.to_scipy().T.tocsr(), self.feature_ids, self.sample_ids)

    @classmethod
    def from_biom(cls, table: biom.Table) -> Table:
        """The counts of a ``biom.Table``; its metadata are left behind."""
        of_home(table, "biom", "matrix_data", "table", "a biom.Table")
        return cls.from_arrays(
            list(table.ids("sample")), list(table.ids("observation")), table.matrix_data.T
        )

    def features_outside(self, tree: Tree) -> tuple[list[str], float]:
        """Ids of the features that are not tips of the tree, and their share of all reads."""
        tips = set(tree_of(tree).tips)
        ids = self.feature_ids
        outside = torch.tensor([name not in tips for name in ids], dtype=torch.bool)
        reads = self.native.values
        lost = reads[outside[self.native.indices]].sum()
        return [name for name in ids if name not in tips], (lost / reads.sum()).item() if len(
            reads
        ) else 0.0

    def totals(self) -> Tensor:
        """Reads of each sample, float64 [N]."""
        return self.native.totals()

    def rarefy(
        self, depth: int, *, seed: int = 0, epoch: int = 0, with_replacement: bool = False
    ) -> Table:
        """Each sample drawn down to ``depth`` reads; shallower samples and empty features are gone.

        A sample's draw depends on (seed, epoch, sample id) only.
        """
        return Table(self.native.rarefy(depth, seed_of(seed), epoch, with_replacement)[0])

    def merge(self, *others: Table, overlap: str = "error") -> Table:
        """The samples and features of this and other tables.

        Counts of one sample and feature are added.

        Args:
            others: tables.
            overlap: a sample in two tables is an ``error``, or their counts are added (``sum``).
        """
        tables = [self.native, *(table_of(other).native for other in others)]
        return Table(_C.merge_tables(tables, overlap))

    def collapse(self, level: int) -> Table:
        """One feature for all whose :attr:`taxonomy` agrees in ``level`` levels (1: kingdoms).

        Ids are the levels joined by ``;``, ``__`` where a lineage is shorter, as in QIIME 2's
        ``taxa collapse``.

        Raises:
            ArgumentError: no taxonomy, a level below 1.
        """
        return Table(self.native.collapse(level))

    def with_taxonomy(self, taxonomy: Any) -> Table:
        """The same table with the lineages of its features, for :meth:`collapse`.

        Args:
            taxonomy: a TSV with Feature ID and Taxon, a QIIME 2 artifact of one,
                :class:`Metadata`, or a DataFrame whose index holds the feature ids.

        Raises:
            ArgumentError: no column Taxon or taxonomy beside others; features without a lineage.
        """
        return Table(self.native.with_lineages(metadata_of(taxonomy).native))

    def filter(
        self,
        *,
        samples: Sequence[str] | None = None,
        features: Callable[[str], bool] | None = None,
        min_reads: float = 0,
        min_samples: int = 0,
    ) -> Table:
        """The given samples, in that order, and the features for which ``features(id)`` is true.

        ``min_samples``: features with reads in fewer samples go; then ``min_reads``: samples with
        fewer reads go, and features that are left without any.
        """
        table = self.native
        if samples is not None:
            place = {name: i for i, name in enumerate(table.sample_ids)}
            missing = [name for name in samples if name not in place]
            if missing:
                raise ArgumentError(
                    f"table: {len(missing)} samples are not in it ({', '.join(missing[:3])})"
                )
            require_distinct("table", samples)
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
        return Table(
            _C.Table.from_arrays(self.sample_ids, self.feature_ids, *arrays, self.native.taxonomy)
        )

    def write(self, path: Path, *, overwrite: bool = False) -> None:
        """Writes BIOM 2.1, or classic text for ``.tsv`` and ``.txt``; whole or not at all."""
        self.native.write(path_text(path), overwrite)

    def __repr__(self) -> str:
        return (
            f"Table({self.shape[0]} samples, {self.shape[1]} features, "
            f"{self.native.values.numel()} entries)"
        )

    def _repr_html_(self) -> str:
        reads, (num_samples, num_features) = self.totals(), self.shape
        filled = self.native.values.numel() / max(1, num_samples * num_features)
        # Not Tensor.median, which takes the lower of two middle values.
        middle = (
            f"{reads.min():g} / {reads.quantile(0.5):g} / {reads.max():g}"
            if num_samples
            else "none"
        )
        return html_table(
            [
                ("samples", f"{num_samples} ({some_of(self.sample_ids)})"),
                ("features", f"{num_features} ({some_of(self.feature_ids)})"),
                ("entries", f"{self.native.values.numel()} ({filled:.2%})"),
                ("reads of a sample, least / median / most", middle),
            ]
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # As arrays: a tensor would go to a spawned worker as a file descriptor that is closed with
        # this temporary.
        arrays = [
            part.numpy().copy()
            for part in (self.native.indptr, self.native.indices, self.native.values)
        ]
        return _unpickle_table, (self.sample_ids, self.feature_ids, *arrays, self.native.taxonomy)


def _unpickle_table(
    sample_ids: list[str],
    feature_ids: list[str],
    indptr: np.ndarray,
    indices: np.ndarray,
    values: np.ndarray,
    taxonomy: list[str] | None = None,
) -> Table:
    begins, columns, counts = map(torch.from_numpy, (indptr, indices, values))
    return Table(
        _C.Table.from_arrays(sample_ids, feature_ids, begins, columns, counts, taxonomy or [])
    )


def read_table(path: Path) -> Table:
    """A table from BIOM 1.0 or 2.x, classic TSV, gzip of these, or a QIIME 2 artifact.

    Raises:
        MissingFileError, ParseError: with the place.
    """
    return Table(_C.Table.read(path_text(path)))


def table_of(given: Any) -> Table:
    """What functions over tables take: a Table, a path, ``biom.Table``, AnnData, a DataFrame."""
    if isinstance(given, Table):
        return given
    if isinstance(given, str | os.PathLike):
        return read_table(given)
    makers = {"biom": Table.from_biom, "anndata": Table.from_anndata, "pandas": Table.from_pandas,
              "polars": Table.from_polars}  # fmt: skip
    make = next((makers[home] for home in homes_of(given) if home in makers), None)
    if make is None:
        raise WrongTypeError(
            "table: expected a Table, a path, biom.Table, AnnData or a DataFrame, got "
            f"{type(given).__name__}"
        )
    return make(given)


def _texts(ids: Any) -> Any:
    """Ids as text; one text in place of a list is left for C++ to refuse."""
    return (
        ids
        if isinstance(ids, str | bytes)
        else [name if isinstance(name, str) else str(name) for name in ids]
    )
