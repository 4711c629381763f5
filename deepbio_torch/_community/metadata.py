"""Sample metadata: columns of text by sample id."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path as _Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from .. import _C
from .._arguments import of_home, path_text
from ..errors import ArgumentError
from .ids import Path, html_table

if TYPE_CHECKING:
    import pandas as pd


class Metadata:
    """Sample metadata: ids stay strings, columns are numbers or words.

    Made by :func:`read_metadata`.
    """

    def __init__(self, metadata: _C.Metadata, missing_values: Sequence[str] = ()) -> None:
        """Wraps the C++ metadata."""
        self.native, self.missing_values = metadata, list(missing_values)
        self._text: str | None = None  # of metadata that no file holds

    @classmethod
    def from_pandas(
        cls, frame: pd.DataFrame, *, missing_values: str | Sequence[str] = ()
    ) -> Metadata:
        """A DataFrame whose index holds the sample ids.

        Columns of numbers are numeric, others are words.

        Args:
            frame: a row per sample; what pandas takes for missing is missing.
            missing_values: words that are missing too, as for :func:`read_metadata`.

        Raises:
            ArgumentError: a name or value with a tab or a line end. ParseError: an id twice, as of
                a file.
        """
        of_home(frame, "pandas", "columns", "metadata", "a DataFrame")
        return _from_text(_text_of(frame), missing_values)

    @property
    def ids(self) -> list[str]:
        """Ids of the rows."""
        return self.native.ids

    @property
    def columns(self) -> list[str]:
        """Names of the columns, without that of the ids."""
        return self.native.columns

    def is_numeric(self, column: str) -> bool:
        """Whether a column holds numbers.

        As ``#q2:types`` says, or when every value that is there is one.
        """
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
        """For each column the words that were taken as missing and how often.

        ``""`` counts empty cells.
        """
        out: dict[str, dict[str, int]] = {}
        for column, word, count in self.native.missing:
            out.setdefault(column, {})[word] = count
        return out

    def compare(self, sample_ids: Sequence[str]) -> tuple[list[str], list[str], str]:
        """Samples without metadata, rows without a sample, and a line that says both."""
        _, samples, rows, report = _C.compare_ids(
            sample_ids, self.ids, "the given ids", self.native.path
        )
        return samples, rows, report

    def to_pandas(self) -> pd.DataFrame:
        """A DataFrame by id: numeric columns float64, others words.

        Missing values are missing there too.
        """
        import pandas as pd

        parts: dict[str, Any] = {
            name: self.numbers(name).numpy() if self.is_numeric(name) else self.labels(name)
            for name in self.columns
        }
        return pd.DataFrame(
            parts, index=pd.Index(self.ids, name=self.native.id_column, dtype=object)
        )

    def __repr__(self) -> str:
        return f"Metadata({len(self.ids)} samples, {len(self.columns)} columns)"

    def _repr_html_(self) -> str:
        kinds = ((name, "numbers" if self.is_numeric(name) else "words") for name in self.columns)
        return html_table(kinds, f"{len(self.ids)} samples")

    def __reduce__(self) -> tuple[Any, ...]:
        if self._text is not None:
            return _from_text, (self._text, self.missing_values)
        return _unpickle_metadata, (self.native.path, self.missing_values)


def _unpickle_metadata(path: str, missing_values: list[str]) -> Metadata:
    return read_metadata(path, missing_values=missing_values)


def _text_of(frame: pd.DataFrame) -> str:
    kinds = [
        "numeric" if column.dtype.kind in "iuf" else "categorical" for _, column in frame.items()
    ]
    lines = [["sample-id", *map(str, frame.columns)], ["#q2:types", *kinds]]
    for name, missing, values in zip(
        frame.index, frame.isna().to_numpy(), frame.to_numpy(object), strict=True
    ):
        cells = [
            "" if is_missing else str(value)
            for is_missing, value in zip(missing, values, strict=True)
        ]
        lines.append([str(name), *cells])
    for cell in (cell for line in lines for cell in line):
        if any(letter in cell for letter in "\t\r\n"):
            raise ArgumentError(
                f"metadata: expected names and values without tabs and line ends, got {cell!r}"
            )
    return "".join("\t".join(line) + "\n" for line in lines)


def _from_text(text: str, missing_values: str | Sequence[str]) -> Metadata:
    with tempfile.TemporaryDirectory(prefix="deepbio-") as folder:
        path = _Path(folder) / "DataFrame"
        path.write_text(text, encoding="utf-8")
        out = read_metadata(path, missing_values=missing_values)
    out._text = text
    return out


def metadata_of(given: Any, missing_values: str | Sequence[str] = ()) -> Metadata:
    """Metadata of what an argument ``metadata`` may be: a path, a DataFrame, or Metadata as it is.

    Raises:
        ArgumentError: Metadata together with missing_values, which were chosen when it was made.
    """
    if isinstance(given, Metadata):
        if missing_values:
            raise ArgumentError(
                "missing_values: expected none beside Metadata, which has its own; give them there"
            )
        return given
    if hasattr(given, "columns") and hasattr(given, "index"):
        return Metadata.from_pandas(given, missing_values=missing_values)
    return read_metadata(given, missing_values=missing_values)


def read_metadata(path: Path, *, missing_values: str | Sequence[str] = ()) -> Metadata:
    """Tab-separated metadata, QIIME 2 style or plain.

    Args:
        path: the file.
        missing_values: words that are missing values beside the empty cell, letter by letter, in
            every column; such as ``"NA"``. ``"INSDC"`` stands for not applicable, missing, not
            collected, not provided, restricted access and what begins with ``missing:``, in any
            case. A line ``#q2:missing`` of the file says so for single columns.

    Returns:
        Metadata; :attr:`Metadata.missing` counts what was taken as missing.

    Raises:
        MissingFileError, ParseError: with the line.
    """
    words = [missing_values] if isinstance(missing_values, str) else list(missing_values)
    return Metadata(_C.Metadata.read(path_text(path), words), words)
