"""Records of FASTA and FASTQ files as a map-style dataset."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from .. import _C
from .._arguments import policy_of, sequence_type_of
from .._batches.batch import Batch, Rows, Sample
from .._batches.collate import kept_of
from .._batches.draws import Drawn, Draws
from .._batches.inspect import page_of_reads, summarize, validate
from .._batches.read_steps import (
    add_titles,
    check_quality_offset,
    make_sample,
    plan_for,
)
from .._batches.source import ReadSource, metadata_of, sample_of_batch, sample_of_item
from .._log import logger
from .._progress import GivenProgress, shown
from ..cache import Cache
from ..errors import ArgumentError
from ..transforms import run_steps
from .files import (
    FileMark,
    check_readable,
    check_unchanged,
    held_bytes,
    mark_of,
    native_paths,
    path_list,
)
from .given import GivenLabels, write_records
from .labels import Labels, Target, check_target, make_labels
from .records import Path, Record
from .token_encoder import TokenEncoder


class SequenceDataset(Drawn, ReadSource):
    """Records of FASTA, FASTQ or BAM files as a map-style dataset.

    They are held in memory, or, when the files are large, read by number through an index, which is
    written beside a file as ``FILE.dbx`` (where that is not allowed it stays in memory). Items and
    batches are the same.

    ``dataset[i]`` (negative too) is a :class:`Sample`: ``sequence`` (bytes, or a tensor after an
    encoder), ``quality`` (bytes; a tensor [L] after an encoder; None in FASTA), ``id``,
    ``label`` (int, float, a dict of them or None), ``metadata`` (``description``, ``path``,
    ``index``, ``epoch``). Pairs also have ``mate_sequence`` and ``mate_quality``. When the
    transform is native and ends with an encoder of
    :mod:`deepbio_torch.transforms`, a whole batch is one C++ call.

    Args:
        paths: a file or a list of files, each plain, gzip or BGZF.
        sequence_type: "dna", "rna" or "protein".
        transform: a callable on a sample, or None for raw bytes. Filters in it choose records when
            the files are opened, so that ``len`` is exact.
        target: None; "file" for a class per file, in the order of ``paths``; a callable that takes
            a :class:`Record` and gives a class (int or str) or a value (float), such as those of
            :mod:`deepbio_torch.targets`; or a dict of several.
        mates: the file or files of the second reads of pairs; "interleaved" when they alternate in
            ``paths``. Names are compared unless ``check_mates`` is False.
        cache_dir: a folder for the encoded records: used when it is valid for the files, transform
            and version, else written anew. Needs a native transform with nothing random in it.
        on_bad_record: "raise" or "skip"; :attr:`report` counts what was skipped.
        lazy: False reads all records into memory at once. True opens the files at first use, and
            reads records when they are asked for if the files have more than ``memory_limit_bytes``
            and ``on_bad_record`` is "raise". Workers open their own.
        memory_limit_bytes: unpacked size of all files together (estimated for gzip) up to which
            records are held in memory.
        quality_offset: 33, or 64 for files of Illumina 1.3 to 1.7, whose qualities are then given
            as Phred + 33.
        check_mates: whether the names of mates must fit together (``/1`` and ``/2``, ``_R1`` and
            ``_R2``, ``.1`` and ``.2``, ...).

    Attributes:
        classes: names of the classes of a target that gives text, in the order of their ids; with
            several targets a dict of such; else None.

    Raises:
        MissingFileError, ParseError: when the files are opened. ArgumentError: options that do not
            fit together.
    """

    def __init__(
        self,
        paths: Path | Sequence[Path],
        *,
        sequence_type: str = "dna",
        transform: Callable[[Any], Any] | None = None,
        target: Target | None = None,
        mates: Path | Sequence[Path] | None = None,
        cache_dir: Path | None = None,
        on_bad_record: str = "raise",
        lazy: bool = True,
        memory_limit_bytes: int = 1 << 30,
        quality_offset: int = 33,
        check_mates: bool = True,
    ) -> None:
        """Checks the options; opens the files unless ``lazy``."""
        self.paths = path_list(paths)
        check_target(target)
        sequence_type_of(sequence_type)
        self.sequence_type, self.transform, self.target = sequence_type, transform, target
        self.is_interleaved = mates == "interleaved"
        self.mates = [] if mates is None or self.is_interleaved else path_list(mates)
        if self.mates and len(self.mates) != len(self.paths):
            raise ArgumentError(
                f"mates: expected one file for each of {len(self.paths)}, got {len(self.mates)}"
            )
        self._plan = plan_for(transform, sequence_type)
        self._encoder = self._plan.encoder
        self.on_bad_record = policy_of(on_bad_record)
        if memory_limit_bytes < 0:
            raise ArgumentError(f"memory_limit_bytes: expected 0 or more, got {memory_limit_bytes}")
        self.lazy, self.memory_limit_bytes = lazy, memory_limit_bytes
        self.quality_offset, self.check_mates = check_quality_offset(quality_offset), check_mates
        self.cache_dir = None if cache_dir is None else os.fspath(cache_dir)
        check_readable(self.paths + self.mates)
        self._draws = Draws()
        self._native: _C.ReadDataset | None = None
        self._marks: list[FileMark] | None = None
        self._labels: Labels = Labels()
        self._cached: Any = None
        self._folder: Any = None  # of records that were given; removed with the dataset
        if not lazy:
            len(self)

    @classmethod
    def from_sequences(
        cls,
        ids: Sequence[Any],
        sequences: Sequence[Any],
        labels: Sequence[Any] | None = None,
        *,
        qualities: Sequence[Any] | None = None,
        **options: Any,
    ) -> SequenceDataset:
        """A dataset of records in memory; a temporary file of them lives as long as it does.

        Args:
            ids: names, each once when there are labels.
            sequences: str, bytes or bytearray.
            labels: numbers, or text that becomes classes.
            qualities: raw bytes (Phred+33), as long as the sequences.
            options: of :class:`SequenceDataset`.

        Raises:
            ArgumentError: numbers that differ, a name twice or with white space.
        """
        ids, sequences = list(ids), list(sequences)
        folder, path = write_records(ids, sequences, qualities)
        if labels is not None:
            if len(labels) != len(ids) or len(set(map(str, ids))) != len(ids):
                raise ArgumentError(
                    f"labels: expected one for each of {len(ids)} different ids, got {len(labels)}"
                )
            options["target"] = GivenLabels(dict(zip(map(str, ids), labels, strict=True)))
        made = cls(path, **options)
        made._folder = folder
        return made

    def native(self) -> _C.ReadDataset:
        """The C++ dataset; the files are read when it is first needed in a process."""
        if self._native is None:
            check_unchanged(self.file_marks())  # of the dataset this is a copy of
            marks = [mark_of(path) for path in self.paths + self.mates]
            native = _C.ReadDataset(
                native_paths(self.paths),
                self._plan.encoding(self.sequence_type),
                self.on_bad_record,
                native_paths(self.mates),
                self.is_interleaved,
                self._is_indexed(marks),
                self.quality_offset,
                self.check_mates,
            )
            check_unchanged(list(zip(self.paths + self.mates, marks, strict=True)))
            self._marks = marks
            self._labels = make_labels(self.target, native, self.paths)
            self._native = native
            report = native.report()
            logger.debug(
                "opened %s: %d records, %d skipped, %d filtered",
                ", ".join(self.paths),
                report["num_records"],
                report["num_skipped"],
                native.num_filtered,
            )
        return self._native

    def _is_indexed(self, marks: Sequence[FileMark]) -> bool:
        """Whether records are read by number; of a pipe there is no size, and it is read once."""
        sizes = [size for size, _ in marks]
        if not self.lazy or self.on_bad_record != "raise" or min(sizes) < 0:
            return False
        held = map(held_bytes, self.paths + self.mates, sizes)
        return sum(held) > self.memory_limit_bytes

    def file_marks(self) -> list[tuple[str, FileMark]]:
        """The files as they were when they were read; empty before that."""
        return (
            []
            if self._marks is None
            else list(zip(self.paths + self.mates, self._marks, strict=True))
        )

    def cached(self) -> Any:
        """The dataset of ``cache_dir``, made when it is not valid; None without ``cache_dir``."""
        if self.cache_dir is not None and self._cached is None:
            is_valid = Cache.is_valid(self.cache_dir, self)
            logger.debug(
                "cache %s: %s",
                self.cache_dir,
                "used" if is_valid else "not there or stale, written anew",
            )
            if not is_valid:
                Cache.save(self, self.cache_dir)
            self._cached = Cache.load(self.cache_dir)
        return self._cached

    @property
    def has_mates(self) -> bool:
        """Whether records are pairs."""
        return bool(self.mates) or self.is_interleaved

    @property
    def classes(self) -> list[str] | dict[str, list[str]] | None:
        """Names of the classes in the order of their ids, when the target gives text."""
        self.native()
        return self._labels.classes

    @property
    def labels(self) -> Tensor | dict[str, Tensor] | None:
        """Labels of all records: int64 or float32 [N], a dict of such, or None."""
        self.native()
        return self._labels.values

    @property
    def lengths(self) -> Tensor:
        """Letters of each record before transforms, int64 [N]."""
        numbers: dict[str, Any] = self.native().numbers(self.sequence_type)
        lengths: Tensor = numbers["lengths"]
        return lengths

    @property
    def report(self) -> dict[str, Any]:
        """``num_records``, ``num_skipped``, ``reasons``, ``examples`` and ``num_filtered``."""
        return {**self.native().report(), "num_filtered": self.native().num_filtered}

    def summary(self) -> dict[str, Any]:
        """Counts and distributions of the raw records; see docs/reads.md."""
        return summarize(self)

    def validate(self, *, num_examples: int = 3, progress: GivenProgress = None) -> dict[str, Any]:
        """Looks at every record, and at every encoded batch when the transform is native.

        Args:
            num_examples: records named in a message.
            progress: called with (records done, records in all); True shows a bar, where tqdm is
                installed.

        Returns:
            ``is_valid``, ``errors``, ``warnings`` (lists of text).
        """
        with shown(progress, "validate") as told:
            return validate(self, num_examples, told)

    @property
    def is_native(self) -> bool:
        """Whether C++ makes whole batches: the transform is native and ends with an encoder."""
        return self._encoder is not None

    def __len__(self) -> int:
        cached = self.cached()
        return len(cached) if cached is not None else len(self.native())

    def record(self, index: int, *, is_mate: bool = False) -> Record:
        """The raw record of an index, before transforms."""
        return Record(*self.native().record(self._place(index), is_mate))

    def __getitem__(self, index: int) -> Any:
        index = self._place(index)
        if self._encoder is not None:
            has_more = self.cache_dir is not None or self.has_mates
            if not has_more and not isinstance(self._encoder, TokenEncoder):
                epoch, label = self._draws.epoch_for(self._plan.is_random), self._labels.of(index)
                item = self.native().item(index, epoch)
                layout = self._encoder.layout()
                return sample_of_item(item, self.paths, index, epoch, label, layout)
            return self.__getitems__([index])[0]
        samples = self._samples([index])
        return samples[0] if samples else None

    def _samples(self, indices: list[int]) -> list[Any]:
        """Samples made step by step; those that a step drops are left out."""
        native = self.native()
        raws = native.records(indices)
        mates = native.records(indices, True) if self.has_mates else [None] * len(indices)
        titles = [raw[1] for raw in raws]
        epoch = self._draws.epoch_for(self._plan.is_random)
        metadata = metadata_of(self.paths, titles, native.files_of(indices), indices, epoch)
        samples = (
            make_sample(self, raw, self._labels.of(index), about, mate)
            for raw, mate, index, about in zip(raws, mates, indices, metadata, strict=True)
        )
        return kept_of(samples)

    def steps(self, sample: Sample) -> Any:
        """What of the transform is left to do for a sample of a record that filters let pass."""
        return run_steps(self._plan.steps, sample)

    def __getitems__(self, indices: Sequence[int]) -> Any:
        """The samples of a batch at once; torch's DataLoader asks for them this way."""
        cached = self.cached()
        if cached is not None:
            return cached.__getitems__(indices)
        if self._encoder is None:
            return self._samples(self._checked(indices))
        epoch = self._draws.epoch_for(self._plan.is_random)
        batch = self._fields_of(indices, epoch)
        return Rows(self.complete(batch, epoch), len(indices), self._row)

    def complete(self, fields: dict[str, Any], epoch: int) -> Batch:
        """What C++ gave for these records, with labels and metadata."""
        rows = fields.pop("rows")
        batch = Batch(fields)
        index = batch["index"]
        if "input_ids" in batch:
            self._plan.watch(batch)
        self._labels.add_to(batch, index)

        def files_of(part: slice) -> list[int]:
            return self.native().files_of(index[part].tolist())

        return add_titles(batch, rows, self.paths, files_of, epoch)

    def _row(self, batch: Batch, row: int) -> Sample:
        assert self._encoder is not None
        return sample_of_batch(batch, row, self._encoder.layout())

    def __getstate__(self) -> dict[str, Any]:
        return {
            **self.__dict__,
            "_native": None,
            "_labels": Labels(),
            "_cached": None,
            "_folder": None,
        }

    _repr_html_ = page_of_reads

    def __repr__(self) -> str:
        size = f", {len(self)} records" if self._native is not None else ""
        return f"SequenceDataset({len(self.paths)} files{size}, transform={self.transform!r})"
