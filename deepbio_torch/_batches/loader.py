"""A loader with threads instead of processes; any number of them gives the same batches."""

from __future__ import annotations

import itertools
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch.utils.data import IterableDataset
from torch.utils.data._utils.pin_memory import pin_memory

from .. import _C
from .._arguments import of_kind, seed_of
from .._community.samples import SampleDataset
from .._progress import GivenProgress, checked_progress, shown
from .._reads.sequences import SequenceDataset
from .._reads.windows import WindowSource
from ..errors import ConfigError
from .collate import LEFT_OUT, collate_any
from .draws import epoch_of_loader
from .loader_checks import check_fit, check_sizes
from .order import Batches, rank_of
from .source import ReadSource
from .streaming import StreamingSequenceDataset


class DataLoader:
    """Batches of a dataset, in an order that depends on (seed, epoch) only.

    It takes the place of ``torch.utils.data.DataLoader``: the same arguments in the same order, and
    some of its own. C++ threads make the batches of a SequenceDataset or StreamingSequenceDataset
    whose transform is native and ends with an encoder, and of a SampleDataset; other datasets and
    Python transforms run on Python threads, in the same order. Every iteration is an epoch; the
    next one has another order and other draws, also inside of a Subset.

    Args:
        dataset: a map-style dataset, a StreamingSequenceDataset (which has its own order and
            ranks), or another IterableDataset.
        batch_size: items of a batch; None gives single items.
        shuffle: another order in each epoch, instead of the dataset's own.
        sampler: indices in the order to load instead of the dataset's, such as
            ``targets.balanced_sampler``; its ``set_epoch`` is called.
        batch_sampler: lists of indices, one for each batch, in place of ``batch_size``,
            ``shuffle``, ``sampler`` and ``drop_last``; its ``set_epoch`` is called.
        num_workers: threads; 0 makes batches in the calling thread.
        collate_fn: items to a batch; None is :func:`collate`.
        pin_memory: batches in page-locked memory, copied there by the threads that make them;
            without an accelerator they stay where they are, with a warning, as in torch's
            DataLoader.
        drop_last: leave out a last batch that is not full.
        timeout, worker_init_fn, multiprocessing_context, pin_memory_device: of torch's processes;
            taken and not used, a warning says so.
        generator: gives the seed when ``seed`` is None.
        prefetch_factor: batches made ahead by each thread; None is 2.
        persistent_workers: threads end with the epoch and cost nothing to start, so this changes
            nothing.
        in_order: batches come in order either way.
        seed: of the order; None draws one from ``generator`` or torch's default generator.
        rank: this process's part of the items; None asks torch.distributed, if it runs when batches
            are asked for, unless a sampler decides.
        world_size: number of parts; all get the same number of batches.
        length_buckets: rising lengths in bp; a batch holds reads of one bucket only, so that little
            is padding.
        max_tokens: largest rows x longest read of a batch; with it ``batch_size`` is the most rows.
        progress: called with (batches given, batches of the epoch; 0 for a stream); True shows a
            bar in each epoch, where tqdm is installed.

    A batch whose items a Python filter dropped altogether is left out.

    Raises:
        ArgumentError: a size out of range, options that do not fit together.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[Sequence[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: torch.Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        seed: int | None = None,
        rank: int | None = None,
        world_size: int | None = None,
        length_buckets: Sequence[int] | None = None,
        max_tokens: int | None = None,
        progress: GivenProgress = None,
    ) -> None:
        """Checks the sizes."""
        self.dataset, self.batch_size, self.shuffle = dataset, batch_size, bool(shuffle)
        self.num_workers, self.collate_fn, self.drop_last = num_workers, collate_fn, bool(drop_last)
        self.pin_memory, self.sampler, self.batch_sampler = bool(pin_memory), sampler, batch_sampler
        self.generator, self.prefetch_factor, self._part = (
            generator,
            prefetch_factor,
            (rank, world_size),
        )
        self.timeout, self.worker_init_fn = timeout, worker_init_fn
        self.multiprocessing_context, self.pin_memory_device = (
            multiprocessing_context,
            pin_memory_device,
        )
        self.persistent_workers, self.in_order = persistent_workers, in_order
        self._is_stream = isinstance(dataset, StreamingSequenceDataset)
        self._is_iterable = isinstance(dataset, IterableDataset)
        self._by_length = length_buckets is not None or max_tokens is not None
        self._buckets, self._max_tokens = list(length_buckets or []), max_tokens or 0
        check_sizes(self, max_tokens)
        check_fit(self)
        self.progress = checked_progress(progress)
        processes_only = (
            "timeout",
            "worker_init_fn",
            "multiprocessing_context",
            "pin_memory_device",
        )
        given = [name for name in processes_only if getattr(self, name)]
        if given:
            warnings.warn(
                f"DataLoader: {', '.join(given)} not used: threads make the batches", stacklevel=2
            )
        if seed is None and generator is not None:
            seed = int(torch.randint(1 << 62, (), generator=generator, device="cpu"))
        self.seed = seed_of(seed)
        self._epoch = 0  # of the iteration under way, or of the next one
        self._given = 0  # its batches that were handed out
        self._under_way = False

    @property
    def _has_sampler(self) -> bool:
        return self.sampler is not None or self.batch_sampler is not None

    @property
    def rank(self) -> int:
        """This process's part of the items."""
        return self._rank_and_size()[0]

    @property
    def world_size(self) -> int:
        """Number of parts."""
        return self._rank_and_size()[1]

    def _rank_and_size(self) -> tuple[int, int]:
        if self._part == (None, None) and (self._is_iterable or self._has_sampler):
            return 0, 1  # these know their part themselves
        return rank_of(*self._part)

    def __len__(self) -> int:
        if self._is_iterable:
            raise TypeError("a stream has no length: it is not known before its files are read")
        if self._by_length:
            return len(self._order(self._epoch))
        if self.batch_sampler is not None:
            return len(self.batch_sampler)  # type: ignore[arg-type]
        items = len(self.sampler) if hasattr(self.sampler, "__len__") else len(self.dataset)  # type: ignore[arg-type]
        share = -(-items // self.world_size)
        if self.batch_size is None:
            return share
        return share // self.batch_size if self.drop_last else -(-share // self.batch_size)

    @property
    def epoch(self) -> int:
        """The epoch that is under way, or the next one."""
        return self._epoch

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch of the next iteration; it begins with its first batch."""
        self._epoch, self._given, self._under_way = epoch, 0, False

    def state_dict(self) -> dict[str, Any]:
        """Where the loader stands, also in the middle of an epoch; it survives JSON."""
        return {"epoch": self._epoch, "given": self._given, "seed": self.seed, **self._shape()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where ``state_dict`` was taken.

        Raises:
            ConfigError: the state is of another order (number of items, sizes, shuffle, rank).
        """
        of_kind(state, Mapping, "loader state", "a dict of state_dict()")
        for key, value in self._shape().items():
            if state.get(key) != value:
                raise ConfigError(
                    f"loader state: {key} is {state.get(key)!r} there, {value!r} here"
                )
        self.seed = int(state["seed"])
        self._epoch, self._given = int(state["epoch"]), int(state["given"])
        self._under_way = False

    def _shape(self) -> dict[str, Any]:
        shape: dict[str, Any] = {
            "num_items": -1 if self._is_iterable else len(self.dataset),
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "drop_last": self.drop_last,
            "rank": self.rank,
            "world_size": self.world_size,
        }
        if self._by_length:
            shape |= {"length_buckets": self._buckets, "max_tokens": self._max_tokens}
        if self._is_stream:
            stream = self.dataset.state_dict()
            del stream["epoch"], stream["given"]
            shape["stream"] = stream
        return shape

    def __iter__(self) -> Iterator[Any]:
        if self._under_way:  # the last iteration was left before its end
            self._epoch, self._given = self._epoch + 1, 0
        self._under_way = True
        if self.pin_memory and not self._pins:
            warnings.warn(
                "pin_memory is set as true but no accelerator is found: memory is not pinned",
                stacklevel=2,
            )
        epoch = self._epoch
        batches = self._batches(epoch, self._given)
        for batch in self._told(batches, epoch, self._given) if self.progress else batches:
            if self._epoch == epoch:
                self._given += 1
            if batch is not LEFT_OUT:
                yield batch
        if self._epoch == epoch:
            self._epoch, self._given, self._under_way = epoch + 1, 0, False

    def _told(self, batches: Iterator[Any], epoch: int, first: int) -> Iterator[Any]:
        """The batches, each counted for ``progress`` when it is handed out."""
        with shown(self.progress, f"epoch {epoch}", "batches") as tell:
            total = 0 if self._is_iterable else len(self)
            for done, batch in enumerate(batches, first + 1):
                if tell is not None:  # no bar without tqdm
                    tell(done, total)
                yield batch

    def _batches(self, epoch: int, first: int) -> Iterator[Any]:
        if self._is_stream and self.batch_size is not None:
            sizes = (self.batch_size, self.drop_last)
            how = (self.collate_fn, self.num_workers, self._pins)
            return map(self._pinned, self.dataset.epoch_batches(epoch, first, *sizes, *how))
        if self._is_iterable:
            return self._of_iterable(epoch, first)
        if self.collate_fn is None and self.batch_size is not None:
            if isinstance(self.dataset, SampleDataset):
                return self._native(
                    _C.SampleLoader(self.dataset.native(), *self._options()), epoch, first
                )
            is_native = isinstance(self.dataset, SequenceDataset) and self.dataset.is_native
            if is_native and self.dataset.cached() is None:
                return self._native(
                    _C.ReadLoader(self.dataset.native(), *self._options()), epoch, first
                )
        if hasattr(self.dataset, "set_epoch") and not isinstance(
            self.dataset, ReadSource | SampleDataset | WindowSource
        ):
            self.dataset.set_epoch(epoch)
        return self._in_python(epoch, self._order(epoch), first)

    def _of_iterable(self, epoch: int, first: int) -> Iterator[Any]:
        """Batches, or single items, of any iterable dataset.

        Those before the first are made and left out.
        """
        if hasattr(self.dataset, "set_epoch"):
            self.dataset.set_epoch(epoch)
        items, size = iter(self.dataset), self.batch_size
        if size is None:
            for item in itertools.islice(items, first, None):
                yield self._made_of(item)
            return
        for number in itertools.count():
            chosen = list(itertools.islice(items, size))
            if not chosen or (self.drop_last and len(chosen) < size):
                return
            if number >= first:
                yield self._made_of(chosen)

    def _order(self, epoch: int) -> Sequence[list[int]]:
        """The batches of an epoch as indices."""
        if self.batch_sampler is not None:
            _tell_epoch(self.batch_sampler, epoch)
            return [list(indices) for indices in self.batch_sampler]
        size = 1 if self.batch_size is None else self.batch_size
        order: dict[str, Any] = {
            "batch_size": size,
            "shuffle": self.shuffle,
            "drop_last": self.drop_last,
        }
        order |= {
            "seed": self.seed,
            "epoch": epoch,
            "rank": self.rank,
            "world_size": self.world_size,
        }
        if self._by_length:
            return _C.length_batches(self.dataset.lengths, self._buckets, self._max_tokens, **order)
        if self.sampler is None:
            batches = _C.EpochBatches(len(self.dataset), **order)
            return Batches(len(batches), batches.at)
        _tell_epoch(self.sampler, epoch)
        chosen = list(self.sampler)
        places = _C.EpochBatches(len(chosen), **order)
        return [[chosen[i] for i in places.at(number)] for number in range(len(places))]

    @property
    def _pins(self) -> bool:
        return self.pin_memory and torch.accelerator.is_available()

    def _options(self) -> tuple[Any, ...]:
        sizes = (self.batch_size, self.shuffle, self.drop_last, self.seed, self.num_workers)
        return (
            len(self.dataset),
            *sizes,
            self.rank,
            self.world_size,
            self._pins,
            self.prefetch_factor or 2,
        )

    def _native(
        self, loader: _C.ReadLoader | _C.SampleLoader, epoch: int, first: int
    ) -> Iterator[Any]:
        if self._has_sampler or self._by_length:
            loader.begin_with(epoch, first, self._order(epoch))
        else:
            loader.begin(epoch, first)
        while (fields := loader.next()) is not None:
            yield self.dataset.complete(fields, epoch)

    def _in_python(self, epoch: int, order: Sequence[Sequence[int]], first: int) -> Iterator[Any]:
        if self.num_workers == 0:
            for number in range(first, len(order)):
                yield self._fetch(epoch, order[number])
            return
        ahead = (self.prefetch_factor or 2) * self.num_workers
        with ThreadPoolExecutor(self.num_workers) as pool:
            waiting = deque(
                pool.submit(self._fetch, epoch, indices) for indices in order[first : first + ahead]
            )
            try:
                for place in range(first, len(order)):
                    batch = waiting.popleft().result()
                    if place + ahead < len(order):
                        waiting.append(pool.submit(self._fetch, epoch, order[place + ahead]))
                    yield batch
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _fetch(self, epoch: int, indices: Sequence[int]) -> Any:
        """The batch of some items; LEFT_OUT when a filter dropped all of them."""
        with epoch_of_loader(epoch):
            if self.batch_size is None and self.batch_sampler is None:
                item = self.dataset[indices[0]]
                return LEFT_OUT if item is None else self._made_of(item)
            many = getattr(self.dataset, "__getitems__", None)
            items = many(indices) if callable(many) else [self.dataset[i] for i in indices]
            if not len(items) or (isinstance(items, list) and all(item is None for item in items)):
                return LEFT_OUT
            return self._made_of(items)

    def _made_of(self, items: Any) -> Any:
        if self.batch_size is None and self.batch_sampler is None:
            return self._pinned(items if self.collate_fn is None else self.collate_fn(items))
        return self._pinned((self.collate_fn or collate_any)(items))

    def _pinned(self, batch: Any) -> Any:
        return pin_memory(batch) if self._pins and batch is not LEFT_OUT else batch  # type: ignore[no-untyped-call]

    def __repr__(self) -> str:
        size = "a stream" if self._is_iterable else f"{len(self)} batches"
        return (
            f"DataLoader({self.dataset!r}, batch_size={self.batch_size}, shuffle={self.shuffle}, "
            f"num_workers={self.num_workers}, {size})"
        )


def _tell_epoch(sampler: Any, epoch: int) -> None:
    """The samplers of torch change their order by this, a batch sampler by what it wraps."""
    for each in (sampler, getattr(sampler, "sampler", None)):
        tell = getattr(each, "set_epoch", None)
        if tell is not None:
            tell(epoch)
