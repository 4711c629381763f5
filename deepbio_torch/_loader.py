"""A loader with threads instead of processes; any number of them gives the same batches."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch.utils.data._utils.pin_memory import pin_memory

from . import _C
from ._batch import collate
from ._order import Batches
from ._samples import SampleDataset
from ._sequences import SequenceDataset
from ._streaming import StreamingSequenceDataset
from .errors import ArgumentError, ConfigError


class DataLoader:
    """Batches of a dataset, in an order that depends on (seed, epoch) only.

    C++ threads make the batches of a SequenceDataset or StreamingSequenceDataset whose transform is native and ends
    with an encoder, and of a SampleDataset; other datasets and Python transforms run on Python threads, in the same
    order. Every iteration is an epoch and the next one has another order.

    Args:
        dataset: a map-style dataset, or a StreamingSequenceDataset (which has its own order and ranks).
        batch_size: items of a batch.
        shuffle: another order in each epoch, instead of the dataset's own.
        num_workers: threads; 0 makes batches in the calling thread.
        collate_fn: items to a batch; None is :func:`collate`.
        drop_last: leave out a last batch that is not full.
        seed: of the order; None draws one from torch's default generator.
        pin_memory: batches in page-locked memory, copied there by the threads that make them; without an accelerator
            they stay where they are, with a warning, as in torch's DataLoader.
        rank: this process's part of the items.
        world_size: number of parts; all get the same number of batches.
        sampler: indices in the order to load instead of the dataset's, such as ``targets.balanced_sampler``; its
            ``set_epoch`` is called.
        length_buckets: rising lengths in bp; a batch holds reads of one bucket only, so that little is padding.
        max_tokens: largest rows x longest read of a batch; with it ``batch_size`` is the most rows.

    Raises:
        ArgumentError: a size out of range, options that do not fit together.
    """

    def __init__(
        self,
        dataset: Any,
        *,
        batch_size: int = 1,
        shuffle: bool = False,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        drop_last: bool = False,
        seed: int | None = None,
        pin_memory: bool = False,
        rank: int = 0,
        world_size: int = 1,
        sampler: Iterable[int] | None = None,
        length_buckets: Sequence[int] | None = None,
        max_tokens: int | None = None,
    ) -> None:
        """Checks the sizes."""
        if batch_size < 1:
            raise ArgumentError(f"batch_size: expected at least 1, got {batch_size}")
        if num_workers < 0:
            raise ArgumentError(f"num_workers: expected 0 or more, got {num_workers}")
        if not 0 <= rank < world_size:
            raise ArgumentError(f"rank: expected 0 to {world_size - 1}, got {rank}")
        if max_tokens is not None and max_tokens < 1:
            raise ArgumentError(f"max_tokens: expected at least 1, got {max_tokens}")
        self.dataset, self.batch_size, self.shuffle = dataset, batch_size, shuffle
        self.num_workers, self.collate_fn, self.drop_last = num_workers, collate_fn, drop_last
        self.seed = int(torch.randint(1 << 62, (1,))) if seed is None else seed
        self.pin_memory, self.rank, self.world_size = pin_memory, rank, world_size
        self.sampler = sampler
        self._by_length = length_buckets is not None or max_tokens is not None
        self._buckets, self._max_tokens = list(length_buckets or []), max_tokens or 0
        if self._by_length and (sampler is not None or not hasattr(dataset, "lengths")):
            raise ArgumentError("length_buckets, max_tokens: expected a dataset with lengths and no sampler")
        if sampler is not None and shuffle:
            raise ArgumentError("sampler: expected shuffle=False, the sampler gives the order")
        self._is_stream = isinstance(dataset, StreamingSequenceDataset)
        if self._is_stream and (shuffle or sampler is not None or self._by_length or world_size > 1):
            raise ArgumentError(
                "dataset: a stream has its own order and ranks (shuffle_buffer, rank, world_size); expected none of "
                "shuffle, sampler, length_buckets, max_tokens and world_size here"
            )
        self._epoch = 0  # of the iteration under way, or of the next one
        self._given = 0  # its batches that were handed out
        self._under_way = False

    def __len__(self) -> int:
        if self._is_stream:
            raise TypeError("a stream has no length: it is not known before its files are read")
        if self._by_length:
            return len(self._order(self._epoch))
        items = len(self.sampler) if hasattr(self.sampler, "__len__") else len(self.dataset)  # type: ignore[arg-type]
        share = -(-items // self.world_size)
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
        for key, value in self._shape().items():
            if state.get(key) != value:
                raise ConfigError(f"loader state: {key} is {state.get(key)!r} there, {value!r} here")
        self.seed = int(state["seed"])
        self._epoch, self._given = int(state["epoch"]), int(state["given"])
        self._under_way = False

    def _shape(self) -> dict[str, Any]:
        shape: dict[str, Any] = {
            "num_items": -1 if self._is_stream else len(self.dataset),
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
            warnings.warn("pin_memory is set as true but no accelerator is found: memory is not pinned", stacklevel=2)
        epoch = self._epoch
        for batch in self._batches(epoch, self._given):
            if self._epoch == epoch:
                self._given += 1
            yield batch
        if self._epoch == epoch:
            self._epoch, self._given, self._under_way = epoch + 1, 0, False

    def _batches(self, epoch: int, first: int) -> Iterator[Any]:
        if self._is_stream:
            sizes = (self.batch_size, self.drop_last)
            how = (self.collate_fn, self.num_workers, self._pins)
            return map(self._pinned, self.dataset.epoch_batches(epoch, first, *sizes, *how))
        if self.collate_fn is None:
            if isinstance(self.dataset, SampleDataset):
                return self._native(_C.SampleLoader(self.dataset.native(), *self._options()), epoch, first)
            is_native = isinstance(self.dataset, SequenceDataset) and self.dataset.is_native
            if is_native and self.dataset.cached() is None:
                return self._native(_C.ReadLoader(self.dataset.native(), *self._options()), epoch, first)
        if hasattr(self.dataset, "set_epoch"):
            self.dataset.set_epoch(epoch)
        return self._in_python(self._order(epoch), first)

    def _order(self, epoch: int) -> Sequence[list[int]]:
        """The batches of an epoch as indices."""
        order: dict[str, Any] = {"batch_size": self.batch_size, "shuffle": self.shuffle, "drop_last": self.drop_last}
        order |= {"seed": self.seed, "epoch": epoch, "rank": self.rank, "world_size": self.world_size}
        if self._by_length:
            return _C.length_batches(self.dataset.lengths, self._buckets, self._max_tokens, **order)
        if self.sampler is None:
            batches = _C.EpochBatches(len(self.dataset), **order)
            return Batches(len(batches), batches.at)
        if hasattr(self.sampler, "set_epoch"):
            self.sampler.set_epoch(epoch)
        chosen = list(self.sampler)
        places = _C.EpochBatches(len(chosen), **order)
        return [[chosen[i] for i in places.at(number)] for number in range(len(places))]

    @property
    def _pins(self) -> bool:
        return self.pin_memory and torch.accelerator.is_available()

    def _options(self) -> tuple[Any, ...]:
        sizes = (self.batch_size, self.shuffle, self.drop_last, self.seed, self.num_workers)
        return (len(self.dataset), *sizes, self.rank, self.world_size, self._pins)

    def _native(self, loader: _C.ReadLoader | _C.SampleLoader, epoch: int, first: int) -> Iterator[Any]:
        if self.sampler is not None or self._by_length:
            loader.begin_with(epoch, first, self._order(epoch))
        else:
            loader.begin(epoch, first)
        while (fields := loader.next()) is not None:
            yield self.dataset.complete(fields, epoch)

    def _in_python(self, order: Sequence[Sequence[int]], first: int) -> Iterator[Any]:
        if self.num_workers == 0:
            for number in range(first, len(order)):
                yield self._fetch(order[number])
            return
        ahead = 2 * self.num_workers
        with ThreadPoolExecutor(self.num_workers) as pool:
            waiting = deque(pool.submit(self._fetch, indices) for indices in order[first : first + ahead])
            try:
                for place in range(first, len(order)):
                    batch = waiting.popleft().result()
                    if place + ahead < len(order):
                        waiting.append(pool.submit(self._fetch, order[place + ahead]))
                    yield batch
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _fetch(self, indices: Sequence[int]) -> Any:
        many = getattr(self.dataset, "__getitems__", None)
        items = many(indices) if callable(many) else [self.dataset[i] for i in indices]
        return self._pinned((self.collate_fn or collate)(items))

    def _pinned(self, batch: Any) -> Any:
        return pin_memory(batch) if self._pins else batch  # type: ignore[no-untyped-call]

    def __repr__(self) -> str:
        size = "a stream" if self._is_stream else f"{len(self)} batches"
        return (
            f"DataLoader({self.dataset!r}, batch_size={self.batch_size}, shuffle={self.shuffle}, "
            f"num_workers={self.num_workers}, {size})"
        )
