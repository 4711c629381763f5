"""A loader with threads instead of processes; any number of them gives the same batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

from . import _C
from ._batch import collate
from ._reads import SequenceDataset
from ._samples import SampleDataset
from .errors import ArgumentError, ConfigError


class DataLoader:
    """Batches of a dataset, in an order that depends on (seed, epoch) only.

    C++ threads make the batches of a SequenceDataset with an encoder and of a SampleDataset; other
    datasets and Python transforms run on Python threads, in the same order. Every iteration is an
    epoch and the next one has another order.

    Args:
        dataset: a map-style dataset.
        batch_size: items of a batch.
        shuffle: another order in each epoch, instead of the dataset's own.
        num_workers: threads; 0 makes batches in the calling thread.
        collate_fn: items to a batch; None is :func:`collate`.
        drop_last: leave out a last batch that is not full.
        seed: of the order; None draws one from torch's default generator.
        pin_memory: batches in page-locked memory; needs an accelerator.
        rank: this process's part of the items.
        world_size: number of parts; all get the same number of batches.

    Raises:
        ArgumentError: a size out of range.
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
    ) -> None:
        """Checks the sizes."""
        if batch_size < 1:
            raise ArgumentError(f"batch_size: expected at least 1, got {batch_size}")
        if num_workers < 0:
            raise ArgumentError(f"num_workers: expected 0 or more, got {num_workers}")
        if not 0 <= rank < world_size:
            raise ArgumentError(f"rank: expected 0 to {world_size - 1}, got {rank}")
        self.dataset, self.batch_size, self.shuffle = dataset, batch_size, shuffle
        self.num_workers, self.collate_fn, self.drop_last = num_workers, collate_fn, drop_last
        self.seed = int(torch.randint(1 << 62, (1,))) if seed is None else seed
        self.pin_memory, self.rank, self.world_size = pin_memory, rank, world_size
        self._epoch = 0  # of the iteration under way, or of the next one
        self._given = 0  # its batches that were handed out
        self._under_way = False

    def __len__(self) -> int:
        share = -(-len(self.dataset) // self.world_size)
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
        return {
            "num_items": len(self.dataset),
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "drop_last": self.drop_last,
            "rank": self.rank,
            "world_size": self.world_size,
        }

    def __iter__(self) -> Iterator[Any]:
        if self._under_way:  # the last iteration was left before its end
            self._epoch, self._given = self._epoch + 1, 0
        self._under_way = True
        epoch = self._epoch
        for batch in self._batches(epoch, self._given):
            if self._epoch == epoch:
                self._given += 1
            yield batch.pin_memory() if self.pin_memory else batch
        if self._epoch == epoch:
            self._epoch, self._given, self._under_way = epoch + 1, 0, False

    def _batches(self, epoch: int, first: int) -> Iterator[Any]:
        order = _C.epoch_batches(**self._shape(), seed=self.seed, epoch=epoch)[first:]
        if self.collate_fn is None:
            if isinstance(self.dataset, SampleDataset):
                loader = _C.SampleLoader(self.dataset.native(), *self._options())
                return self._native(loader, order, epoch, first)
            if isinstance(self.dataset, SequenceDataset) and self.dataset.is_native:
                reads = _C.ReadLoader(self.dataset.native(), *self._options())
                return self._native(reads, order, epoch, first)
        if hasattr(self.dataset, "set_epoch"):
            self.dataset.set_epoch(epoch)
        return self._in_python(order)

    def _options(self) -> tuple[Any, ...]:
        sizes = (self.batch_size, self.shuffle, self.drop_last, self.seed, self.num_workers)
        return (range(len(self.dataset)), *sizes, self.rank, self.world_size)

    def _native(
        self,
        loader: _C.ReadLoader | _C.SampleLoader,
        order: Sequence[Sequence[int]],
        epoch: int,
        first: int,
    ) -> Iterator[Any]:
        loader.begin(epoch, first)
        for indices in order:
            fields = loader.next()
            assert fields is not None, "the loader ended before its order"
            yield self.dataset.complete(fields, indices, epoch)

    def _in_python(self, order: Sequence[Sequence[int]]) -> Iterator[Any]:
        if self.num_workers == 0:
            yield from map(self._fetch, order)
            return
        ahead = 2 * self.num_workers
        with ThreadPoolExecutor(self.num_workers) as pool:
            waiting = deque(pool.submit(self._fetch, indices) for indices in order[:ahead])
            try:
                for place in range(len(order)):
                    batch = waiting.popleft().result()
                    if place + ahead < len(order):
                        waiting.append(pool.submit(self._fetch, order[place + ahead]))
                    yield batch
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _fetch(self, indices: Sequence[int]) -> Any:
        many = getattr(self.dataset, "__getitems__", None)
        items = many(indices) if callable(many) else [self.dataset[i] for i in indices]
        return (self.collate_fn or collate)(items)

    def __repr__(self) -> str:
        return (
            f"DataLoader({self.dataset!r}, batch_size={self.batch_size}, shuffle={self.shuffle}, "
            f"num_workers={self.num_workers}, {len(self)} batches)"
        )
