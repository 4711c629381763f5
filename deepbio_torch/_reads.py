"""FASTA and FASTQ, record by record."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from . import _C

Path = str | os.PathLike[str]
_CHUNK = 256  # records read ahead of the one that is handed out


class Record(NamedTuple):
    """One record. ``sequence`` and ``quality`` are raw bytes; quality is None in FASTA."""

    name: str
    description: str
    sequence: bytes
    quality: bytes | None


class SequenceReader:
    """Iterates over the records of a FASTA or FASTQ file, plain, gzip or BGZF, once.

    Args:
        path: the file; its format and compression are told by its content.
        on_bad_record: "raise" stops at the first bad record; "skip" goes on and counts.
        num_threads: 1 does all work in the calling thread. With 2 or more a thread inflates gzip
            ahead of the reader, and all of them inflate BGZF; a process forked after the first
            record cannot go on reading then.

    Raises:
        MissingFileError: no such file. ParseError: bad bytes, with record, line and byte.
    """

    def __init__(self, path: Path, *, on_bad_record: str = "raise", num_threads: int = 1) -> None:
        """Opens the file."""
        self.path, self._on_bad_record, self._num_threads = os.fspath(path), on_bad_record, num_threads
        self._native = _C.FastxReader(self.path, on_bad_record, num_threads)
        self._records = self._read()
        self._num_given = 0

    def _read(self) -> Iterator[Record]:
        while chunk := self._native.read(_CHUNK):
            yield from (Record(*fields) for fields in chunk)

    def __iter__(self) -> SequenceReader:
        return self

    def __next__(self) -> Record:
        record = next(self._records)
        self._num_given += 1
        return record

    @property
    def format(self) -> str:
        """Of the text: "fasta" or "fastq"."""
        return self._native.format

    @property
    def container(self) -> str:
        """Of the file: "plain", "gzip" or "bgzf"."""
        return self._native.container

    @property
    def report(self) -> dict[str, Any]:
        """``num_records`` given so far, ``num_skipped``, ``reasons`` and three ``examples``."""
        return {**self._native.report(), "num_records": self._num_given}

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.path, self._on_bad_record, self._num_threads)

    def __repr__(self) -> str:
        return f"SequenceReader({self.path!r}, {self.format}, {self.container})"


def _reopen(path: str, on_bad_record: str, num_threads: int) -> SequenceReader:
    return SequenceReader(path, on_bad_record=on_bad_record, num_threads=num_threads)
