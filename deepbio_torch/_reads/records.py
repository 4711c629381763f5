"""Records of FASTA, FASTQ and BAM one by one, in batches, and windows of a FASTA by name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from torch import Tensor

from .. import _C
from .._arguments import path_text
from ..errors import ArgumentError

Path = str | os.PathLike[str]
Record = _C.Record


class SequenceReader(_C.RecordIterator):
    """Iterates over the records of a FASTA, FASTQ or BAM file, plain, gzip or BGZF, once.

    ``for record in reader`` gives :class:`Record`; :meth:`batches` gives many records as flat
    tensors. A context manager; closed files raise ``ArgumentError``. One thread at a time may read
    from it; the GIL is released while C++ reads and inflates.

    Reads of BAM come as they were sequenced: those of the reverse strand are turned back, secondary
    and supplementary alignments are left out (a warning counts them), ``quality`` is None where a
    read has none, and ``description`` names the read group ("RG:Z:lane1").

    Args:
        path: the file; its format and compression are told by its content.
        alphabet: None takes every letter, "*", "-" and "."; "dna" (A C G T N), "rna", "iupac" or
            "protein" make a record with any other letter a bad one.
        on_bad_record: "raise" stops at the first bad record; "skip" goes on and counts.
        num_threads: 1 does all work in the calling thread. With 2 or more a thread inflates gzip
            ahead of the reader, and all of them inflate BGZF; a process forked after the first
            record cannot go on reading then.
        quality_offset: 33, or 64 for files of Illumina 1.3 to 1.7, whose qualities are then given
            as Phred + 33. Never guessed; ``deepbio stats`` says when a file looks like 64.
        max_record_bytes: the largest record. 0: 256 MiB, or what a file of this size can honestly
            hold (its size, 16 times its size when it is compressed), so that whole chromosomes are
            read and a bomb is refused.

    Raises:
        MissingFileError: no such file. ParseError: bad bytes, with record, line and byte.
    """

    def __init__(
        self,
        path: Path,
        *,
        alphabet: str | None = None,
        on_bad_record: str = "raise",
        num_threads: int = 1,
        quality_offset: int = 33,
        max_record_bytes: int = 0,
    ) -> None:
        """Opens the file."""
        self.path = path_text(path)
        self._options = {
            "alphabet": alphabet,
            "on_bad_record": on_bad_record,
            "num_threads": num_threads,
            "quality_offset": quality_offset,
            "max_record_bytes": max_record_bytes,
        }
        self._native = _C.FastxReader(
            self.path,
            alphabet or "any",
            on_bad_record,
            num_threads,
            quality_offset,
            max_record_bytes,
        )
        self.format: str = self._native.format  #: "fasta", "fastq" or "bam"
        self.container: str = self._native.container  #: of the file: "plain", "gzip" or "bgzf"
        self.bind(self._native)

    def batches(
        self, batch_size: int = 256, *, titles: bool = True, qualities: bool = True
    ) -> Iterator[RecordBatch]:
        """The records that follow, up to ``batch_size`` at a time, as a :class:`RecordBatch`.

        Without ``titles`` or ``qualities`` these are checked as ever and then left out, which saves
        their copy.
        """
        may_have_qualities = qualities and self.format != "fasta"
        while (batch := self._native.read_batch(batch_size, titles, qualities)) is not None:
            yield RecordBatch(batch, titles, may_have_qualities and batch.has_qualities)

    @property
    def report(self) -> dict[str, Any]:
        """``num_records`` so far, ``num_skipped``, ``reasons``, ``examples``, ``warnings``."""
        return self._native.report()

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._native.is_closed

    def close(self) -> None:
        """Closes the file; twice is no error."""
        self._native.close()

    def __enter__(self) -> SequenceReader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        if self.closed or self._native.num_given > 0:
            raise TypeError(
                "cannot pickle a SequenceReader that has given records: its place "
                "in the file would be lost"
            )
        return _reopen, (self.path, self._options)

    def __repr__(self) -> str:
        state = ", closed" if self.closed else ""
        return f"SequenceReader({self.path!r}, {self.format}, {self.container}{state})"


def _reopen(path: str, options: dict[str, Any]) -> SequenceReader:
    return SequenceReader(path, **options)


class RecordBatch:
    """Records as flat buffers.

    Bytes ``offsets[i]`` to ``offsets[i + 1]`` of ``sequences`` are record i.

    The tensors lie over the memory that C++ read into, without a copy, and keep it alive. Names and
    descriptions are empty, qualities None, where :meth:`SequenceReader.batches` was asked to leave
    them out.
    """

    __slots__ = ("_native", "_has_titles", "_has_qualities")

    def __init__(self, native: _C.RecordBatch, has_titles: bool, has_qualities: bool) -> None:
        """Made by :meth:`SequenceReader.batches`."""
        self._native, self._has_titles, self._has_qualities = native, has_titles, has_qualities

    @property
    def sequences(self) -> Tensor:
        """uint8 [bases of all records], letters as in the file."""
        return self._native.sequences

    @property
    def offsets(self) -> Tensor:
        """int64 [B + 1], of sequences and qualities."""
        return self._native.offsets

    @property
    def qualities(self) -> Tensor | None:
        """uint8 as sequences, raw bytes (Phred + 33).

        None in FASTA, or if BAM has reads without.
        """
        return self._native.qualities if self._has_qualities else None

    @property
    def names(self) -> Tensor:
        """uint8, the names one after the other."""
        return self._native.names

    @property
    def name_offsets(self) -> Tensor:
        """int64 [B + 1]."""
        return self._native.name_offsets

    @property
    def descriptions(self) -> Tensor:
        """uint8, the descriptions one after the other."""
        return self._native.descriptions

    @property
    def description_offsets(self) -> Tensor:
        """int64 [B + 1]."""
        return self._native.description_offsets

    @property
    def lengths(self) -> Tensor:
        """int64 [B], in bases."""
        return self.offsets.diff()

    @property
    def ids(self) -> list[str]:
        """The names as text.

        Raises:
            ArgumentError: they were left out.
        """
        if not self._has_titles:
            raise ArgumentError("ids: expected a batch with titles, got batches(titles=False)")
        text, ends = self.names.numpy().tobytes(), self.name_offsets.tolist()
        return [text[a:b].decode("utf-8", "surrogateescape") for a, b in pairwise(ends)]

    def padded(self, width: int | None = None, *, padding_value: int = 0) -> Tensor:
        """The sequences as uint8 [B, L].

        Cut or padded to ``width``, by default that of the longest.

        Sequences of that length each are a view of :attr:`sequences`, not a copy.
        """
        return self._native.padded(width, padding_value)

    def padded_qualities(self, width: int | None = None, *, padding_value: int = 0) -> Tensor:
        """The same of the qualities.

        Raises:
            ArgumentError: FASTA and some reads of BAM have none, or they were left out.
        """
        if not self._has_qualities:
            raise ArgumentError(
                "padded_qualities: expected records with qualities, got FASTA, BAM without, or "
                "qualities=False"
            )
        return self._native.padded_qualities(width, padding_value)

    def _write_to(self, writer: _C.FastxWriter) -> None:
        if not self._has_titles:
            raise ArgumentError(
                "write_batch: expected a batch with titles, got batches(titles=False)"
            )
        writer.write_batch(self._native, self._has_qualities)

    def __len__(self) -> int:
        return len(self._native)

    def __repr__(self) -> str:
        quality = ", with qualities" if self._has_qualities else ""
        return f"RecordBatch({len(self)} records, {self.sequences.shape[0]} bases{quality})"


class FastaFile:
    """Parts of the sequences of a FASTA file by name, without reading the rest.

    Plain, gzip or BGZF.

    ``fasta["chr1"]`` is a whole sequence, ``fasta.fetch("chr1", 1000, 2000)`` a window of it;
    ``len(fasta)``, ``name in fasta`` and iteration over the names work as with a dict. The index of
    ``samtools faidx`` (``PATH.fai``) is read where it fits the file and otherwise built and written
    beside it, or kept in memory where the folder cannot be written. Safe in threads, forked and
    spawned workers; the GIL is released while reading.

    Args:
        path: a FASTA file whose sequence lines have one length each, the last of a sequence apart.

    Raises:
        MissingFileError: no such file. ParseError: no FASTA, uneven lines, a name twice.
    """

    def __init__(self, path: Path) -> None:
        """Reads or builds the index."""
        self.path = path_text(path)
        self._native = _C.FastaFile(self.path)
        self.lengths: dict[str, int] = (
            self._native.lengths()
        )  #: bases of each sequence, in the order of the file

    def fetch(self, name: str, start: int = 0, end: int | None = None) -> bytes:
        """Bases [start, end), counted from 0, letters as in the file.

        To the end of the sequence when end is None.

        Raises:
            ArgumentError: no such name, or outside of the sequence. ParseError: the file changed
                since it was opened.
        """
        return self._native.fetch(name, start, end)

    def __getitem__(self, name: str) -> bytes:
        if name not in self.lengths:
            raise KeyError(name)
        return self.fetch(name)

    def __contains__(self, name: object) -> bool:
        return name in self.lengths

    def __iter__(self) -> Iterator[str]:
        return iter(self.lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    def __reduce__(self) -> tuple[Any, ...]:
        return FastaFile, (self.path,)

    def __repr__(self) -> str:
        return f"FastaFile({self.path!r}, {len(self)} sequences)"
