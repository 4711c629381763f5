"""Which draws random transforms make.

Those of an epoch that was set, or others each time they are asked.

Everything random is a function of (seed, epoch, record). A dataset whose epoch nobody set puts a
number in place of the epoch that comes from torch's own randomness, so that ``torch.manual_seed``
repeats a run, as it does for torchvision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from .. import _C
from .._arguments import of_kind, whole
from ..errors import ArgumentError

_loading: ContextVar[int | None] = ContextVar("deepbio_torch_epoch", default=None)
_NOT_SET = -1


@contextmanager
def epoch_of_loader(epoch: int) -> Iterator[None]:
    """Inside, datasets draw for this epoch, also those inside of a Subset or a ConcatDataset."""
    token = _loading.set(epoch)
    try:
        yield
    finally:
        _loading.reset(token)


class Draws:
    """The epoch of a dataset, which its copies in workers see change, or none.

    Without one each call of :meth:`epoch_for` gives another number. In the main process it comes
    from torch's default generator; in a worker of torch's DataLoader from ``torch.initial_seed()``,
    which torch moves from epoch to epoch and worker to worker, and from how often it was asked
    there, since persistent workers keep their seed.
    """

    def __init__(self, epoch: int | None = None) -> None:
        """The cell lies in shared memory.

        A worker that runs already sees what the main process sets.
        """
        self._cell = _shared(
            torch.tensor(_NOT_SET if epoch is None else epoch, dtype=torch.int64, device="cpu")
        )
        self._asked = 0

    @property
    def epoch(self) -> int | None:
        """The epoch that was set, or None."""
        epoch = int(self._cell)
        return None if epoch == _NOT_SET else epoch

    def set(self, epoch: int | None) -> None:
        """Fixes the draws to those of an epoch; None lets them move again."""
        if epoch is not None and not 0 <= whole(epoch, "epoch") < 1 << 63:
            raise ArgumentError(f"epoch: expected 0 or more, got {epoch}")
        self._cell.fill_(_NOT_SET if epoch is None else epoch)

    def epoch_for(self, is_random: bool) -> int:
        """What stands for the epoch in the draws of the batch or item that is made now."""
        loading = _loading.get()
        if loading is not None:
            return loading
        epoch = int(self._cell)
        if epoch != _NOT_SET:
            return epoch
        if not is_random:
            return 0
        if get_worker_info() is None:
            return int(torch.randint(1 << 62, (), device="cpu"))
        self._asked += 1
        return _C.mixed_seed(torch.initial_seed(), self._asked)

    def state_dict(self) -> dict[str, Any]:
        """Where a worker's copy stands, for torchdata's StatefulDataLoader; it survives JSON."""
        if get_worker_info() is None:
            return {}
        return {"asked": self._asked}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on there."""
        of_kind(state, Mapping, "state", "a dict of state_dict()")
        self._asked = int(state.get("asked", 0))

    def __copy__(self) -> Draws:
        return Draws(self.epoch)

    def __deepcopy__(self, memo: dict[int, Any]) -> Draws:
        return Draws(self.epoch)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if not self._cell.is_shared():  # type: ignore[no-untyped-call]  # a plain pickle has the value only
            self._cell = _shared(self._cell.clone())


class Drawn:
    """A dataset whose draws follow an epoch that was set, or move by themselves."""

    _draws: Draws

    @property
    def epoch(self) -> int | None:
        """The epoch that was set, or None: what is random is drawn anew each time."""
        return self._draws.epoch

    def set_epoch(self, epoch: int | None) -> None:
        """Fixes the draws, also in workers that run; None lets them move again."""
        self._draws.set(epoch)

    def state_dict(self) -> dict[str, Any]:
        """Where the draws of this copy stand, for torchdata's StatefulDataLoader."""
        return self._draws.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on there."""
        self._draws.load_state_dict(state)


def _shared(cell: Tensor) -> Tensor:
    try:
        cell.share_memory_()  # type: ignore[no-untyped-call]
    except RuntimeError:  # a machine without shared memory has no workers either
        pass
    return cell
