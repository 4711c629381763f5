"""Which items make which batch of an epoch, computed when it is asked for: no list of the epoch is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

from torch.utils.data import Sampler

from . import _C
from .errors import ArgumentError

_CHUNK = 1024  # indices made at once


class Batches(Sequence[list[int]]):
    """The batches of an epoch as lists of indices."""

    def __init__(self, size: int, at: Callable[[int], list[int]]) -> None:
        """``at(number)`` makes a batch."""
        self._size, self._at = size, at

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, number: int) -> list[int]: ...
    @overload
    def __getitem__(self, number: slice) -> list[list[int]]: ...
    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [self._at(i) for i in range(*number.indices(self._size))]
        if not -self._size <= number < self._size:
            raise IndexError(f"batch: expected 0 to {self._size - 1}, got {number}")
        return self._at(number % self._size)


class ShuffledSampler(Sampler[int]):
    """Indices in a random order by (seed, epoch), for ``sampler=`` of torch's DataLoader; none of them is kept.

    torch's own sampler makes a list of all indices for each epoch; this one takes the same memory for any number, and
    gives the order of :class:`DataLoader` with ``shuffle=True``. ``set_epoch`` chooses another order.

    Args:
        data: a dataset, or a number of items.
        seed: of the order.
        rank: this process's part of the items.
        world_size: number of parts; all get as many, where need be by up to ``world_size - 1`` items that come twice.
    """

    def __init__(self, data: Any, *, seed: int = 0, rank: int = 0, world_size: int = 1) -> None:
        """Checks the options."""
        self.num_items = data if isinstance(data, int) else len(data)
        if self.num_items < 1:
            raise ArgumentError(f"data: expected at least 1 item, got {self.num_items}")
        if not 0 <= rank < world_size:
            raise ArgumentError(f"rank: expected 0 to {world_size - 1}, got {rank}")
        self.seed, self.rank, self.world_size, self.epoch = seed, rank, world_size, 0

    def set_epoch(self, epoch: int) -> None:
        """Chooses the order."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.num_items // self.world_size)

    def __iter__(self) -> Iterator[int]:
        order = (True, False, self.seed, self.epoch, self.rank, self.world_size)
        batches = _C.EpochBatches(self.num_items, _CHUNK, *order)
        for number in range(len(batches)):
            yield from batches.at(number)
