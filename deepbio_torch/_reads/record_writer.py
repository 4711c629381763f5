"""FASTA and FASTQ files written record by record, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, TypeAlias

from .. import _C
from .._arguments import path_text
from ..errors import ArgumentError, WrongTypeError
from .records import Path, Record, RecordBatch

Letters: TypeAlias = str | bytes | bytearray

_CONTAINERS = {".gz": "gzip", ".bgz": "bgzf", ".bgzf": "bgzf"}
_FORMATS = {
    **dict.fromkeys((".fa", ".fasta", ".fna", ".faa", ".ffn", ".frn"), "fasta"),
    **dict.fromkeys((".fq", ".fastq"), "fastq"),
}


def _listed(what: str, items: Any) -> list[Any]:
    """The items of a list, an array, a generator; one text in place of several is refused."""
    if isinstance(items, str | bytes) or not isinstance(items, Iterable):
        raise WrongTypeError(f"{what}: expected a list, got {type(items).__name__}")
    return list(items)


class SequenceWriter:
    """Writes records to a FASTA or FASTQ file: plain, gzip or BGZF.

    A context manager: the file appears under its name when the block ends well (or with
    :meth:`close`), and leaves nothing when it ends with an error. What would not read back as the
    same record is refused, naming the record. The GIL is released while C++ packs and writes. One
    thread at a time may write.

    >>> with db.SequenceWriter("short.fastq.gz") as out:
    ...     for record in db.SequenceReader("reads.fastq.gz"):
    ...         if len(record.sequence) < 150:
    ...             out.write(record)

    Args:
        path: the file; "-" is standard output.
        format: "fasta" or "fastq"; None: by the name (``.fa .fasta .fna .faa .ffn .frn``,
            ``.fq .fastq``).
        container: "plain", "gzip" or "bgzf" (blocks that htslib's tools index); None: by the name
            (``.gz``, ``.bgz``).
        level: of compression, 0 to 9.
        width: letters per line of FASTA; 0: one line.
        block_index: BGZF only: ``PATH.gzi`` beside the file.
        overwrite: whether an existing file is replaced.

    Attributes:
        path, format, container: as above.

    Raises:
        ArgumentError: a format that the name does not tell. WriteError: the file exists, or cannot
            be written.
    """

    def __init__(
        self,
        path: Path,
        *,
        format: str | None = None,
        container: str | None = None,
        level: int = 6,
        width: int = 0,
        block_index: bool = False,
        overwrite: bool = False,
    ) -> None:
        """Opens a file under a temporary name."""
        self.path = os.fsdecode(path_text(path))
        stem, suffix = os.path.splitext(self.path)
        packed = _CONTAINERS.get(suffix.lower())
        named = _FORMATS.get(os.path.splitext(stem if packed else self.path)[1].lower())
        if format is None and named is None:
            raise ArgumentError(
                f"format: expected fasta or fastq, or a name that tells ({' '.join(_FORMATS)}), "
                f"got {self.path!r}"
            )
        self.format: str = format or named or ""
        self.container: str = container or packed or "plain"
        self._native = _C.FastxWriter(
            self.path, self.format, self.container, level, width, block_index, overwrite
        )

    def write(
        self,
        record: Record | Mapping[str, Any] | str | bytes,
        sequence: Letters | None = None,
        quality: Letters | None = None,
        *,
        description: str | bytes = "",
    ) -> None:
        """Writes one record.

        Args:
            record: a :class:`Record`; an item of a :class:`SequenceDataset` without an encoder
                (``id``, ``sequence``, ``quality``); or the name, when ``sequence`` is given.
            sequence: letters, "*", "-" and ".".
            quality: raw bytes (Phred + 33), as long as the sequence. FASTA has none: it is left out
                there.
            description: the rest of the title.

        Raises:
            ArgumentError: what would not read back; nothing of the record is written. WriteError:
                no room.
        """
        if sequence is not None:
            return self._native.write(record, description, sequence, quality)
        if isinstance(record, Record):
            return self._native.write(
                record.name, record.description, record.sequence, record.quality
            )
        if not isinstance(record, Mapping) or not {"id", "sequence"} <= record.keys():
            raise WrongTypeError(
                "write: expected a Record, an item of a SequenceDataset, or a name and a sequence, "
                f"got {type(record).__name__}"
            )
        about = record.get("metadata") or {}
        self._native.write(
            record["id"], about.get("description"), record["sequence"], record.get("quality")
        )

    def write_all(
        self,
        ids: Iterable[str | bytes],
        sequences: Iterable[Letters],
        qualities: Iterable[Letters] | None = None,
        *,
        descriptions: Iterable[str | bytes] | None = None,
    ) -> None:
        """Writes many records in one C++ call, in order.

        Raises:
            ArgumentError: lists of other lengths (nothing is written); a record that would not read
                back (those before it are written).
        """
        names, letters = _listed("ids", ids), _listed("sequences", sequences)
        phred = None if qualities is None else _listed("qualities", qualities)
        titles = None if descriptions is None else _listed("descriptions", descriptions)
        for what, items in (("sequences", letters), ("qualities", phred), ("descriptions", titles)):
            if items is not None and len(items) != len(names):
                raise ArgumentError(
                    f"{what}: expected one for each of {len(names)} ids, got {len(items)}"
                )
        self._native.write_all(names, letters, phred, titles)

    def write_batch(self, batch: RecordBatch) -> None:
        """Writes the records of :meth:`SequenceReader.batches`.

        Raises:
            ArgumentError: as :meth:`write_all`; a batch without titles, or, for FASTQ, without
                qualities.
        """
        if not isinstance(batch, RecordBatch):
            raise WrongTypeError(
                f"write_batch: expected a RecordBatch of SequenceReader.batches(), got {batch!r}"
            )
        batch._write_to(self._native)

    @property
    def num_records(self) -> int:
        """Records written so far."""
        return self._native.num_records

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` or :meth:`discard` was called."""
        return self._native.is_closed

    def close(self) -> None:
        """Makes the file appear under its name, synced to the disk; twice is no error."""
        self._native.close(True)

    def discard(self) -> None:
        """Leaves nothing behind, as a writer does that is never closed."""
        self._native.close(False)

    def __enter__(self) -> SequenceWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._native.close(kind is None)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("cannot pickle a SequenceWriter: one process at a time writes a file")

    def __repr__(self) -> str:
        state = ", closed" if self.closed else ""
        return (
            f"SequenceWriter({self.path!r}, {self.format}, {self.container}, "
            f"{self.num_records} records{state})"
        )
