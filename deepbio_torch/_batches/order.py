"""Which items make which batch of an epoch, computed when it is asked for.

No list of the epoch is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import torch
from torch.utils.data import Sampler

from .. import _C
from .._arguments import seed_of, whole
from ..errors import ArgumentError

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


def rank_of(rank: int | None, world_size: int | None) -> tuple[int, int]:
    """This process's part and the number of parts.

    Torch.distributed is asked, if it runs, for what is None.

    Raises:
        ArgumentError: no such part.
    """
    running = torch.distributed.is_available() and torch.distributed.is_initialized()
    if rank is None:
        rank = torch.distributed.get_rank() if running else 0
    if world_size is None:
        world_size = torch.distributed.get_world_size() if running else 1
    if not 0 <= whole(rank, "rank") < whole(world_size, "world_size"):
        raise ArgumentError(f"rank: expected 0 to {world_size - 1}, got {rank}")
    return rank, world_size


class ShuffledSampler(Sampler[int]):
    """Indices in a random order by (seed, epoch), for ``sampler=`` of torch's DataLoader.

    None of them is kept.

    torch's own sampler makes a list of all indices for each epoch; this one takes the same memory
    for any number, and gives the order of :class:`DataLoader` with ``shuffle=True``. ``set_epoch``
    chooses another order.

    Args:
        data: a dataset, or a number of items.
        seed: of the order; None takes one from torch's generator, and then each iteration has
            another order.
        rank: this process's part of the items; None asks torch.distributed, if it is running when
            items are asked for.
        world_size: number of parts; all get as many, where need be by up to ``world_size - 1``
            items that come twice.
    """

    def __init__(
        self,
        data: Any,
        *,
        seed: int | None = 0,
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        """Checks the options."""
        self.num_items = data if isinstance(data, int) else len(data)
        if self.num_items < 1:
            raise ArgumentError(f"data: expected at least 1 item, got {self.num_items}")
        self._part = (rank, world_size)
        rank_of(rank, world_size)
        self._moves = seed is None
        self.seed, self.epoch = seed_of(seed), 0

    def set_epoch(self, epoch: int) -> None:
        """Chooses the order."""
        self.epoch, self._moves = epoch, False

    def __len__(self) -> int:
        return -(-self.num_items // rank_of(*self._part)[1])

    def __iter__(self) -> Iterator[int]:
        epoch = self.epoch
        if self._moves:
            self.epoch += 1
        order = (True, False, self.seed, epoch, *rank_of(*self._part))
        batches = _C.EpochBatches(self.num_items, _CHUNK, *order)
        for number in range(len(batches)):
            yield from batches.at(number)
