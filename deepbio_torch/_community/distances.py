"""Distances between samples with their ids."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .. import _C
from .._arguments import homes_of, of_home, of_kind, path_text
from ..errors import ArgumentError, ShapeError, WrongTypeError
from .ids import Path, require_distinct

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import skbio


def float_tensor(values: Any) -> Tensor:
    """A float32 or float64 tensor of numbers; shares memory where it can."""
    import numpy as np

    if not isinstance(values, Tensor):
        numbers = np.asarray(values)
        if numbers.dtype.kind not in "buif":
            raise ArgumentError(f"expected numbers, got {numbers.dtype}")
        # torch takes neither negative strides nor other byte orders.
        values = torch.from_numpy(
            np.ascontiguousarray(numbers, dtype="=f4" if numbers.dtype == "f4" else "=f8")
        )
    if values.is_complex():
        raise ArgumentError(f"expected real numbers, got {values.dtype}")
    out: Tensor = values.detach()
    return out if out.dtype in (torch.float32, torch.float64) else out.double()


class DistanceMatrix:
    """Distances between N samples: ``ids`` and ``values`` float64 or float32 [N, N].

    Sound when it is made: finite, not negative, the same both ways, 0 from a sample to itself.
    Rounding up to 1e-6 is mended in a copy.
    """

    def __init__(self, ids: Sequence[str], values: Tensor | np.ndarray) -> None:
        """Keeps both; values that are no float tensor (NumPy, lists, integers) become one.

        Raises:
            ShapeError: values that are not [N, N] for N ids.
            ArgumentError: an id twice or empty; with the pair: a distance that is NaN, infinite,
                negative, or not the same both ways, or one of a sample to itself.
        """
        self.ids = [str(name) for name in of_kind(ids, Iterable, "ids", "the ids of the samples")]
        values = float_tensor(values)
        if values.shape != (len(self.ids), len(self.ids)):
            raise ShapeError(
                f"distances: expected [{len(self.ids)}, {len(self.ids)}] for as many ids, got "
                f"{list(values.shape)}"
            )
        require_distinct("distances", self.ids)
        if "" in self.ids:
            raise ArgumentError("distances: expected an id for every sample, got an empty one")
        self.values: Tensor = _C.sound_distances(values, self.ids, "distances")

    @classmethod
    def read(cls, path: Path) -> DistanceMatrix:
        """A matrix from ``.npy``, ``.npz``, ``.tsv``, ``.csv``, ``.h5`` or ``.qza``.

        A ``.npy`` has its ids in ``.ids.txt`` beside it.

        Text of R, PHYLIP and mothur too. Files without ids number the samples: ``"0"``, ``"1"``,
        ...; :meth:`with_ids` names them.
        """
        ids, values = _C.read_distances(path_text(path))
        return cls(ids or [str(i) for i in range(len(values))], values)

    @classmethod
    def from_parts(cls, paths: Sequence[Path]) -> DistanceMatrix:
        """The matrix whose parts ``deepbio unifrac --part I/N`` wrote, float64, in any order.

        Raises:
            ArgumentError: a file that is no part, parts of different tables, trees or options, one
                that is given twice, or those that are missing, by number.
        """
        given = of_kind(paths, Iterable, "paths", "the files of all parts")
        return cls(*_C.merge_distance_parts([path_text(path) for path in given]))

    @classmethod
    def from_skbio(cls, distances: skbio.DistanceMatrix) -> DistanceMatrix:
        """The same as a matrix of scikit-bio, with its ids."""
        of_home(distances, "skbio", "ids", "distances", "a DistanceMatrix of scikit-bio")
        return cls(distances.ids, distances.data)

    @classmethod
    def from_pandas(cls, frame: pd.DataFrame) -> DistanceMatrix:
        """Distances of a DataFrame with the same ids on both axes.

        Raises:
            ArgumentError: the ids of rows and columns differ; and as of the constructor.
        """
        of_home(frame, "pandas", "columns", "distances", "a DataFrame")
        rows, columns = [str(name) for name in frame.index], [str(name) for name in frame.columns]
        if rows != columns:
            place = next(
                (
                    i
                    for i, pair in enumerate(zip(rows, columns, strict=False))
                    if pair[0] != pair[1]
                ),
                None,
            )
            found = (
                f"{len(rows)} and {len(columns)}"
                if place is None
                else f"{rows[place]!r} and {columns[place]!r}"
            )
            raise ArgumentError(
                f"distances: expected the same ids of rows and columns, got {found}"
            )
        return cls(rows, frame.to_numpy())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The values for ``numpy.asarray``.

        Shares memory unless another dtype or a copy is asked for.
        """
        import numpy as np

        return np.array(self.values.numpy(), dtype=dtype, copy=copy)

    def with_ids(self, ids: Sequence[str]) -> DistanceMatrix:
        """The same distances under other ids, for files that hold none and follow a table."""
        return DistanceMatrix(ids, self.values)

    def align(self, ids: Sequence[str]) -> tuple[DistanceMatrix, str]:
        """The samples that are in ``ids`` too, and a line that says what each side has alone.

        The same set of ids comes back in the order of ``ids``; of different sets the shared ones
        come sorted, as AAM aligns them.

        Raises:
            ArgumentError: not one id is shared.
        """
        shared, only_ids, only_matrix, report = _C.compare_ids(
            ids, self.ids, "the given ids", "the distances"
        )
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
            raise ArgumentError(
                f"distances: {len(missing)} ids are not in the matrix ({', '.join(missing[:3])})"
            )
        rows = torch.tensor([place[name] for name in ids], dtype=torch.int64)
        return DistanceMatrix(ids, self.values[rows][:, rows])

    def write(self, path: Path, *, overwrite: bool = False) -> None:
        """Writes ``.npy``, ``.tsv`` or ``.h5`` by the ending of the name; whole or not at all."""
        _C.write_distances(path_text(path), self.ids, self.values, overwrite)

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


def matrix_of(given: Any, name: str = "matrix") -> DistanceMatrix:
    """What functions over distances take.

    A DistanceMatrix, a path, a matrix of scikit-bio, a DataFrame.

    Raises:
        WrongTypeError: something else.
    """
    if isinstance(given, DistanceMatrix):
        return given
    if isinstance(given, str | os.PathLike):
        return DistanceMatrix.read(given)
    homes = homes_of(given)
    if "pandas" in homes and hasattr(given, "columns"):
        return DistanceMatrix.from_pandas(given)
    if "skbio" in homes and hasattr(given, "condensed_form"):
        return DistanceMatrix.from_skbio(given)
    raise WrongTypeError(
        f"{name}: expected a DistanceMatrix, a path, a matrix of scikit-bio or a DataFrame, got "
        f"{type(given).__name__}"
    )
