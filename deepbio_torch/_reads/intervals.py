"""Intervals of a genome as a user gives them: a file, a DataFrame, or tuples."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _C
from .._arguments import homes_of, path_text
from ..errors import ArgumentError, WrongTypeError
from .labels import check_one_kind, checked_label

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
        self._given, self._name, self.path = given, name, None
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

    def labels(self, column: str) -> list[Any]:
        """The cells of a column as numbers, or as text where none is a number.

        Raises:
            ArgumentError, ParseError: there is none of this name; text and numbers, or no value.
        """
        if self.path is not None:
            numbers = self.native.numbers(column)
            return self.native.values(column) if numbers is None else numbers
        labels = [
            checked_label(value, f"record {row}", column)
            for row, value in enumerate(self.values(column))
        ]
        check_one_kind(labels, lambda row: f"record {row}", column)
        for row, label in enumerate(labels):
            if label != label:
                raise ArgumentError(
                    f"{self._name}: record {row}: expected a label in {column!r}, got {label!r}"
                )
        return labels

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
    strands = [] if found["strand"] is None else frame[found["strand"]].to_list()
    return chromosomes, starts, ends, _joined(strands, name)


def _whole_numbers(column: Any, name: str, part: str) -> list[int]:
    return [_whole_number(value, name, row, part) for row, value in enumerate(column.to_list())]


def _whole_number(value: Any, name: str, row: int, part: str) -> int:
    is_whole = isinstance(value, int | np.integer) or (
        isinstance(value, float | np.floating) and float(value).is_integer()
    )
    if not is_whole:
        raise ArgumentError(f"{name}: record {row}: expected a whole {part}, got {value!r}")
    return int(value)


def _joined(strands: Sequence[Any], name: str) -> str:
    """The strands as C++ takes them, a letter each."""
    for row, strand in enumerate(strands):
        if strand not in ("+", "-", "."):
            raise ArgumentError(
                f"{name}: record {row}: expected a strand (+, - or .), got {strand!r}"
            )
    return "".join(strands)


def _columns_of_tuples(given: Any, name: str) -> tuple[list[str], list[int], list[int], str]:
    try:
        rows: list[Sequence[Any]] = [tuple(row) for row in given]
        chromosomes, starts, ends = ([row[part] for row in rows] for part in range(3))
    except (TypeError, IndexError):
        raise WrongTypeError(
            f"{name}: expected a path, a DataFrame with chrom, start and end, or a list of "
            f"(chromosome, start, end), got {given!r:.60}"
        ) from None
    return (
        list(map(str, chromosomes)),
        [_whole_number(value, name, row, "start") for row, value in enumerate(starts)],
        [_whole_number(value, name, row, "end") for row, value in enumerate(ends)],
        _joined([row[3] if len(row) > 3 else "." for row in rows], name),
    )
