"""Intervals of a genome as a user gives them: a file, a DataFrame, or tuples."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from . import _C
from ._arguments import homes_of, path_text
from .errors import ArgumentError, WrongTypeError

_COLUMNS = {
    "chromosome": ("chrom", "chromosome", "chr", "Chromosome", "seqname", "#chrom"),
    "start": ("start", "Start", "chromStart"),
    "end": ("end", "End", "chromEnd", "stop"),
    "strand": ("strand", "Strand"),
}


class GivenIntervals:
    """Intervals for C++, and their columns.

    Attributes:
        native: of C++.
        path: of the file; None when they came otherwise.
    """

    def __init__(self, given: Any, name: str, feature: str | None = None) -> None:
        """Reads a file, or takes the values of a DataFrame or of tuples.

        Raises:
            MissingFileError, ParseError, ArgumentError: naming file and line, or ``name`` and row.
        """
        self._given, self.path = given, None
        if isinstance(given, str | os.PathLike):
            self.path = path_text(given, name)
            self.native = _C.Intervals.read(self.path, feature or "")
            return
        if feature is not None:
            raise ArgumentError("feature: expected the path of a GTF or GFF3 file beside it")
        if homes_of(given) & {"pandas", "polars"} and hasattr(given, "columns"):
            columns = _columns_of(given, name)
        else:
            columns = _columns_of_tuples(given, name)
        self.native = _C.Intervals.from_values(name, *columns)

    def values(self, column: str) -> list[Any]:
        """The cells of a column.

        Raises:
            ArgumentError: there is none of this name.
        """
        if self.path is not None:
            return self.native.values(column)
        names = list(map(str, getattr(self._given, "columns", [])))
        if column not in names:
            raise ArgumentError(
                f"label: expected one of the columns {', '.join(names) or '(none)'}, got {column!r}"
            )
        values: list[Any] = self._given[column].to_list()
        return values


def _columns_of(frame: Any, name: str) -> tuple[list[str], list[int], list[int], str]:
    found = {}
    for part, known in _COLUMNS.items():
        found[part] = next((each for each in known if each in list(frame.columns)), None)
        if found[part] is None and part != "strand":
            raise ArgumentError(
                f"{name}: expected a column {part} ({', '.join(known)}), got "
                f"{', '.join(map(str, frame.columns))}"
            )
    chromosomes = [str(each) for each in frame[found["chromosome"]].to_list()]
    starts, ends = (_whole_numbers(frame[found[part]], name, part) for part in ("start", "end"))
    strands = "" if found["strand"] is None else "".join(frame[found["strand"]].to_list())
    return chromosomes, starts, ends, strands


def _whole_numbers(column: Any, name: str, part: str) -> list[int]:
    values = column.to_list()
    for row, value in enumerate(values):
        if value != value or int(value) != value:
            raise ArgumentError(f"{name}: record {row}: expected a whole {part}, got {value!r}")
    return [int(value) for value in values]


def _columns_of_tuples(given: Any, name: str) -> tuple[list[str], list[int], list[int], str]:
    try:
        rows: list[Sequence[Any]] = [tuple(row) for row in given]
        strands = "".join(row[3] if len(row) > 3 else "." for row in rows)
        chromosomes = [str(row[0]) for row in rows]
        return chromosomes, [int(row[1]) for row in rows], [int(row[2]) for row in rows], strands
    except (TypeError, ValueError, IndexError):
        raise WrongTypeError(
            f"{name}: expected a path, a DataFrame with chrom, start and end, or a list of "
            f"(chromosome, start, end), got {given!r:.60}"
        ) from None
