"""Records of files as a stream that never holds more than its shuffle buffer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch.utils.data import IterableDataset, get_worker_info

from .. import _C
from .._arguments import of_kind, policy_of, seed_of, sequence_type_of, whole
from .._reads.files import check_no_pipe, check_readable, native_paths, path_list
from .._reads.labels import Target, check_target, checked_number
from .._reads.records import Path, Record
from ..errors import ArgumentError, ConfigError
from ..transforms import run_steps
from .batch import Batch, Sample
from .collate import LEFT_OUT, Collate, collate
from .draws import Draws
from .inspect import page_of_stream
from .order import rank_of
from .read_steps import add_titles, check_quality_offset, make_sample, plan_for
from .source import metadata_of, sample_of_batch
from .stream_iterator import StreamIterator

_CHUNK = 256  # records read ahead of the one that is handed out
Part: TypeAlias = tuple[int, int]  # number of workers, which of them


class StreamingSequenceDataset(IterableDataset[Sample]):
    """Records of FASTA, FASTQ or BAM files, each exactly once over ranks and workers.

    Iterating gives samples as :class:`SequenceDataset` does; :meth:`batches` and
    :class:`DataLoader` give whole batches, made in C++ when the transform is native and ends with
    an encoder. The order and the draws depend on (seed, epoch, record number) only. Every iteration
    is an epoch, and the next one has another order. In workers of torch's DataLoader the epoch
    comes from torch's seed unless :meth:`set_epoch` fixed one; with several ranks, which must agree
    on the order, only the draws do, and another order takes ``set_epoch``, as torch's
    DistributedSampler. An iterator has ``state_dict`` and ``load_state_dict`` too, which
    torchdata's StatefulDataLoader uses.

    Args:
        paths: a file or a list of files, each plain, gzip or BGZF.
        sequence_type: "dna", "rna" or "protein".
        transform: a callable on a sample, or None; filters as in SequenceDataset, but Deduplicator
            keeps first copies.
        target: None, "file", a callable of a :class:`Record` that gives a number, or a dict of
            such.
        mates: the file or files of the second reads of pairs; "interleaved" when they alternate in
            ``paths``.
        shuffle_buffer: each stretch of so many records comes in a random order of its own; 0 keeps
            the order.
        block_records: with it a stretch is made of blocks of about so many neighbours from anywhere
            in the files, in a random order: near to a shuffle of all records, while a compressed
            file is read block by block. 1024 suits short reads. The files get an index
            (``FILE.dbx``), and filters read them once more in front.
        seed: of the order; None takes one from torch's generator.
        rank: this process's part of the records; None asks torch.distributed, if it is running when
            records are read.
        world_size: number of parts.
        drop_uneven: leave out the last records (fewer than ranks x workers), so that all get as
            many.
        on_bad_record: "raise" or "skip".
        quality_offset, check_mates: as in :class:`SequenceDataset`.

    Raises:
        ArgumentError: options that do not fit together. When read: MissingFileError, ParseError,
            also for a file that changes while it is read.
    """

    def __init__(
        self,
        paths: Path | Sequence[Path],
        *,
        sequence_type: str = "dna",
        transform: Callable[[Any], Any] | None = None,
        target: Target | None = None,
        mates: Path | Sequence[Path] | None = None,
        shuffle_buffer: int = 0,
        block_records: int = 0,
        seed: int | None = 0,
        rank: int | None = None,
        world_size: int | None = None,
        drop_uneven: bool = False,
        on_bad_record: str = "raise",
        quality_offset: int = 33,
        check_mates: bool = True,
    ) -> None:
        """Checks the options; no file is opened."""
        self.paths = path_list(paths)
        check_target(target)
        sequence_type_of(sequence_type)
        self.sequence_type, self.transform, self.target = sequence_type, transform, target
        self.is_interleaved = mates == "interleaved"
        self.mates = [] if mates is None or self.is_interleaved else path_list(mates)
        self._plan = plan_for(transform, sequence_type)
        if whole(shuffle_buffer, "shuffle_buffer") < 0:
            raise ArgumentError(f"shuffle_buffer: expected 0 or more, got {shuffle_buffer}")
        self.shuffle_buffer, self.seed, self.drop_uneven = (
            shuffle_buffer,
            seed_of(seed),
            bool(drop_uneven),
        )
        self.block_records = block_records
        self.on_bad_record = policy_of(on_bad_record)
        self.quality_offset, self.check_mates = check_quality_offset(quality_offset), check_mates
        self._part = (rank, world_size)
        rank_of(rank, world_size)
        check_readable(self.paths + self.mates)
        self._draws = Draws()
        self._next = 0  # the epoch of the iteration under way, or of the next one
        self._given = 0
        self._under_way = False
        self._is_float: dict[str, bool] = {}  # by target
        self._stream(1, 0)  # refuses what C++ cannot stream

    @property
    def is_native(self) -> bool:
        """Whether C++ makes whole batches."""
        return self._plan.encoder is not None

    @property
    def rank(self) -> int:
        """This process's part of the records."""
        return rank_of(*self._part)[0]

    @property
    def world_size(self) -> int:
        """Number of parts."""
        return rank_of(*self._part)[1]

    @property
    def epoch(self) -> int:
        """The epoch that is under way, or the next one, of iterations in this process."""
        return self._next

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch of the next iteration, also of workers.

        It begins with its first record.
        """
        self._draws.set(epoch)
        self._next, self._given, self._under_way = epoch, 0, False

    def state_dict(self) -> dict[str, Any]:
        """Where the stream stands, also in the middle of an epoch; it survives JSON."""
        return {"epoch": self._next, "given": self._given, **self._shape()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where ``state_dict`` was taken.

        Raises:
            ConfigError: the state is of another order (files, seed, buffer, rank).
        """
        of_kind(state, Mapping, "stream state", "a dict of state_dict()")
        for key, value in self._shape().items():
            if state.get(key) != value:
                raise ConfigError(
                    f"stream state: {key} is {state.get(key)!r} there, {value!r} here"
                )
        self._next, self._given, self._under_way = int(state["epoch"]), int(state["given"]), False

    def _shape(self) -> dict[str, Any]:
        return {
            "paths": self.paths,
            "seed": self.seed,
            "shuffle_buffer": self.shuffle_buffer,
            "block_records": self.block_records,
            "rank": self.rank,
            "world_size": self.world_size,
            "drop_uneven": self.drop_uneven,
        }

    def _stream(self, num_workers: int, worker: int) -> _C.ReadStream:
        if num_workers * self.world_size > 1:
            check_no_pipe(self.paths + self.mates, num_workers * self.world_size)
        return _C.ReadStream(
            native_paths(self.paths),
            self._plan.encoding(self.sequence_type),
            self.on_bad_record,
            self.shuffle_buffer,
            self.seed,
            self.rank * num_workers + worker,
            self.world_size * num_workers,
            self.drop_uneven,
            self._needs_quality(),
            native_paths(self.mates),
            self.is_interleaved,
            self.block_records,
            self.quality_offset,
            self.check_mates,
        )

    def _needs_quality(self) -> bool:
        """Whether anything looks at qualities; else they are checked and left out."""
        encoder = self._plan.encoder
        is_blind = (
            encoder is not None
            and encoder.quality is None
            and not any(s.uses_quality for s in self._plan.head)
        )
        return not (is_blind and self.target in (None, "file"))

    def loader(
        self, batch_size: int, drop_last: bool, num_threads: int, pin_memory: bool = False
    ) -> _C.StreamLoader:
        """The C++ loader of this process's part; needs a native transform."""
        return _C.StreamLoader(self._stream(1, 0), batch_size, drop_last, num_threads, pin_memory)

    def complete(self, fields: dict[str, Any], epoch: int) -> Batch:
        """What C++ gave for these records, with labels and metadata."""
        rows, files = fields.pop("rows"), fields.pop("files")
        batch = Batch(fields)
        if "input_ids" in batch:
            self._plan.watch(batch)
        if self.target is not None:
            raw = rows.records() if self.target != "file" else [None] * len(files)
            labels = [
                self._label(record, file) for record, file in zip(raw, files.tolist(), strict=True)
            ]
            if isinstance(labels[0], dict):
                batch["labels"] = {
                    name: torch.as_tensor([each[name] for each in labels]) for name in labels[0]
                }
            else:
                batch["labels"] = torch.as_tensor(labels)
        return add_titles(batch, rows, self.paths, lambda part: files[part].tolist(), epoch)

    def _label(self, raw: Any, file: int) -> Any:
        if self.target is None:
            return None
        if isinstance(self.target, str):
            return file
        record = Record(*raw)
        if not isinstance(self.target, Mapping):
            return self._number(self.target(record), record.name)
        return {
            name: self._number(extractor(record), record.name, name)
            for name, extractor in self.target.items()
        }

    def _number(self, label: Any, record: str, target: str = "") -> int | float:
        """A label; all of a stream are whole numbers, or none is: batches have one type."""
        value = checked_number(label, record, target)
        is_float = self._is_float.setdefault(target, isinstance(value, float))
        if not is_float and isinstance(value, float):
            who = f"target {target!r}" if target else "target"
            raise ArgumentError(
                f"{who}: expected whole numbers as the first record has, got "
                f"{value} for {record!r}; give float(...) for all records"
            )
        return float(value) if is_float else value

    def steps(self, sample: Sample) -> Any:
        """What of the transform is left to do for a sample of a record that filters let pass."""
        return run_steps(self._plan.steps, sample)

    def samples(
        self, epoch: int, given: int = 0, part: Part = (1, 0), draws: int | None = None
    ) -> Iterator[list[Any]]:
        """Lists of samples of one part (workers, worker).

        None stands for a sample that a step dropped.
        """
        stream = self._stream(*part)
        stream.begin(epoch, given)
        draws = epoch if draws is None else draws
        while taken := stream.take(_CHUNK):
            out = []
            raw = taken["rows"].records()
            mates = taken["mate_rows"].records() if "mate_rows" in taken else [None] * len(raw)
            titles = metadata_of(
                self.paths, [r[1] for r in raw], taken["files"], taken["index"], draws
            )
            for record, mate, file, metadata in zip(
                raw, mates, taken["files"], titles, strict=True
            ):
                out.append(make_sample(self, record, self._label(record, file), metadata, mate))
            yield out

    def _encoded(self, epoch: int, given: int, part: Part, draws: int) -> Iterator[list[Any]]:
        assert self._plan.encoder is not None
        layout = self._plan.encoder.layout()
        loader = _C.StreamLoader(self._stream(*part), _CHUNK, False, 0)
        loader.begin(epoch, given // _CHUNK, draws)
        skipped = given % _CHUNK
        while (fields := loader.next()) is not None:
            batch = self.complete(fields, draws)
            rows = range(skipped, len(batch["index"]))
            skipped = 0
            yield [sample_of_batch(batch, row, layout) for row in rows]

    def chunks(self, epoch: int, given: int, part: Part, draws: int) -> Iterator[list[Any]]:
        """Lists of samples of one part (workers, worker), made in C++ where that is possible."""
        return (self._encoded if self.is_native else self.samples)(epoch, given, part, draws)

    def __iter__(self) -> StreamIterator:
        return StreamIterator(self)

    def begin(self) -> tuple[int, int, int]:
        """Starts an iteration: its epoch, the records given before, the epoch of its draws."""
        if self._under_way:  # the last iteration was left before its end
            self._next, self._given = self._next + 1, 0
        self._under_way = True
        info, epoch = get_worker_info(), self._next
        if info is None:
            return epoch, self._given, epoch
        if self._draws.epoch is not None:
            return self._draws.epoch, self._given, self._draws.epoch
        # The seed of worker 0: the same in all of them, another in each epoch unless the workers
        # persist.
        draws = _C.mixed_seed(info.seed - info.id, epoch)
        return (draws if self.world_size == 1 else epoch), self._given, draws

    def count(self, epoch: int) -> None:
        """Notes that a record of the iteration that began as ``epoch`` was given."""
        if self._next == epoch:
            self._given += 1

    def end(self, epoch: int) -> None:
        """Notes that the iteration that began as ``epoch`` is over."""
        if self._next == epoch:
            self._next, self._given, self._under_way = epoch + 1, 0, False

    def restore(self, number: int, given: int, is_over: bool) -> None:
        """Stands where an iteration did whose state was kept."""
        self._next, self._given, self._under_way = (
            (number + 1, 0, False) if is_over else (number, given, True)
        )

    def __getstate__(self) -> dict[str, Any]:
        return {
            **self.__dict__,
            "_part": (self.rank, self.world_size),
        }  # a spawned worker has no process group

    def batches(self, batch_size: int, *, drop_last: bool = False) -> Iterator[Batch]:
        """Batches of one epoch, made in this thread; :class:`DataLoader` makes them ahead."""
        if whole(batch_size, "batch_size") < 1:
            raise ArgumentError(f"batch_size: expected at least 1, got {batch_size}")
        made = self.epoch_batches(self._next, 0, batch_size, drop_last)
        return (batch for batch in made if batch is not LEFT_OUT)

    def epoch_batches(
        self,
        epoch: int,
        first: int,
        batch_size: int,
        drop_last: bool,
        collate_fn: Collate | None = None,
        num_threads: int = 0,
        pin_memory: bool = False,
    ) -> Iterator[Any]:
        """The batches of an epoch from number ``first`` on; pinned only where C++ makes them."""
        if not self.is_native or collate_fn is not None:
            yield from self.python_batches(epoch, first, batch_size, drop_last, collate_fn)
            return
        loader = self.loader(batch_size, drop_last, num_threads, pin_memory)
        loader.begin(epoch, first)
        while (fields := loader.next()) is not None:
            yield self.complete(fields, epoch)

    def python_batches(
        self, epoch: int, first: int, batch_size: int, drop_last: bool, collate_fn: Any
    ) -> Iterator[Any]:
        """Batches of samples that Python transforms made.

        LEFT_OUT where they dropped all of a batch.
        """
        waiting: list[Any] = []
        for chunk in self.samples(epoch, first * batch_size):
            waiting += chunk
            while len(waiting) >= batch_size:
                batch, waiting = waiting[:batch_size], waiting[batch_size:]
                yield _collated(batch, collate_fn)
        if waiting and not drop_last:
            yield _collated(waiting, collate_fn)

    _repr_html_ = page_of_stream

    def __repr__(self) -> str:
        return (
            f"StreamingSequenceDataset({len(self.paths)} files, transform={self.transform!r}, "
            f"shuffle_buffer={self.shuffle_buffer}, seed={self.seed})"
        )


def _collated(samples: list[Any], collate_fn: Collate | None) -> Any:
    kept = [sample for sample in samples if sample is not None]
    return (collate_fn or collate)(kept) if kept else LEFT_OUT
