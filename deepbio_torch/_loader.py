"""A loader with threads instead of processes: the same keywords as torch's, the same batches for any number of threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

from . import _C
from ._batch import Batch, collate
from .errors import ArgumentError, ConfigError


class DataLoader:
    """Batches of a dataset, in an order that depends on (seed, epoch) only.

    Over a ``SequenceDataset`` with a native encoder and over a ``SampleDataset`` C++ threads make the batches; other
    datasets and Python transforms run on Python threads in the same order. Each full iteration is one epoch and the next
    one has another order; ``set_epoch`` chooses. ``state_dict`` works in the middle of an epoch and survives JSON.

    Args:
        dataset: anything with ``__len__`` and ``__getitem__`` (or ``__getitems__``).
        batch_size: items per batch.
        shuffle: a new order each epoch.
        num_workers: threads; 0 makes batches in the calling thread.
        collate_fn: for datasets that give sample dicts.
        drop_last: leave out a last, smaller batch.
        seed: of the order; None draws one from torch's default generator.
        rank, world_size: this process's share; every rank gets as many batches.
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
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        if batch_size < 1:
            raise ArgumentError(f"batch_size: expected at least 1, got {batch_size}")
        if num_workers < 0:
            raise ArgumentError(f"num_workers: expected 0 or more, got {num_workers}")
        self.dataset, self.batch_size, self.shuffle, self.num_workers = dataset, batch_size, shuffle, num_workers
        self.collate_fn, self.drop_last = collate_fn, drop_last
        self.seed = int(torch.randint(1 << 62, (1,))) if seed is None else seed
        self.rank, self.world_size = rank, world_size
        self.epoch = 0
        self._given = 0  # batches of this epoch that were handed out

    def _order(self) -> list[list[int]]:
        shape = (len(self.dataset), self.batch_size, self.shuffle, self.drop_last, self.seed, self.epoch)
        return _C.epoch_batches(*shape, self.rank, self.world_size)

    def __len__(self) -> int:
        share = -(-len(self.dataset) // self.world_size)
        return share // self.batch_size if self.drop_last else -(-share // self.batch_size)

    def set_epoch(self, epoch: int) -> None:
        """The epoch the next iteration gives, from its first batch."""
        self.epoch, self._given = epoch, 0

    def __iter__(self) -> Iterator[Any]:
        if hasattr(self.dataset, "set_epoch"):
            self.dataset.set_epoch(self.epoch)
        native = self._native_loader()
        for batch in self._native_batches(native) if native is not None else self._python_batches():
            self._given += 1
            yield batch
        self.epoch, self._given = self.epoch + 1, 0

    def _native_loader(self) -> _C.ReadLoader | _C.SampleLoader | None:
        if self.collate_fn not in (None, collate) or not getattr(self.dataset, "is_native", False):
            return None
        native = self.dataset._native()
        kind = _C.ReadLoader if isinstance(native, _C.ReadDataset) else _C.SampleLoader
        shape = (self.batch_size, self.shuffle, self.drop_last, self.seed, self.num_workers)
        return kind(native, range(len(self.dataset)), *shape, self.rank, self.world_size)

    def _native_batches(self, loader: _C.ReadLoader | _C.SampleLoader) -> Iterator[Batch]:
        order = self._order()[self._given :]
        loader.begin(self.epoch, self._given)
        for indices in order:
            batch = loader.next()
            if batch is None:
                return
            yield self.dataset._finish(batch, indices)

    def _python_batches(self) -> Iterator[Any]:
        order = self._order()[self._given :]
        if self.num_workers == 0:
            yield from map(self._make, order)
            return
        with ThreadPoolExecutor(self.num_workers) as pool:
            ahead = 2 * self.num_workers
            waiting = [pool.submit(self._make, indices) for indices in order[:ahead]]
            for i in range(len(order)):
                if i + ahead < len(order):
                    waiting.append(pool.submit(self._make, order[i + ahead]))
                yield waiting[i].result()

    def _make(self, indices: list[int]) -> Any:
        if hasattr(self.dataset, "__getitems__"):
            items = self.dataset.__getitems__(indices)
        else:
            items = [self.dataset[i] for i in indices]
        return (self.collate_fn or collate)(items)

    def _shape(self) -> dict[str, Any]:
        return {
            "num_items": len(self.dataset),
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "drop_last": self.drop_last,
            "rank": self.rank,
            "world_size": self.world_size,
        }

    def state_dict(self) -> dict[str, Any]:
        """Where the loader stands: epoch, batches given, seed, and the sizes the order depends on."""
        return {"epoch": self.epoch, "batches_given": self._given, "seed": self.seed, **self._shape()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on where ``state_dict`` was taken.

        Raises:
            ConfigError: the state belongs to another order (sizes, shuffle or rank differ).
        """
        for key, value in self._shape().items():
            if state.get(key) != value:
                raise ConfigError(f"loader state: {key} is {state.get(key)!r} there and {value!r} here")
        self.epoch, self._given, self.seed = int(state["epoch"]), int(state["batches_given"]), int(state["seed"])
