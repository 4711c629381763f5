"""What datasets of windows share: whole batches from C++, or samples of Python's transforms."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .._arguments import of_kind
from .._batches.batch import Batch, Rows, Sample
from .._batches.draws import Drawn, Draws
from .._batches.read_steps import plan_for
from .._batches.source import EncodedSource
from ..errors import ArgumentError


class WindowSource(Drawn, EncodedSource):
    """Windows that C++ cuts out and encodes; :class:`GenomeDataset` and :class:`VariantDataset`."""

    _native: Any
    _item = "window"

    def __init__(self, transform: Callable[[Any], Any] | None) -> None:
        """Takes the transform apart."""
        self.transform = transform
        self._plan = plan_for(transform, "dna")
        self._encoder = self._plan.encoder
        if any(step not in self._plan.steps for step in self._plan.head):
            raise ArgumentError(f"transform: expected no filter for windows, got {transform!r}")
        self._draws = Draws()

    @property
    def _is_random(self) -> bool:
        return self._plan.is_random

    @abstractmethod
    def _complete(self, fields: dict[str, Any], epoch: int) -> Batch:
        """What C++ gave, with ids and metadata."""

    @abstractmethod
    def _row(self, batch: Batch, row: int) -> Sample:
        """One row of a batch as a sample."""

    @abstractmethod
    def _samples(self, indices: list[int], epoch: int) -> list[Any]:
        """Samples made step by step, as Python callables want them."""

    def __len__(self) -> int:
        return len(self.native())

    def __getitem__(self, index: int) -> Any:
        return self.__getitems__([self._place(index)])[0]

    def __getitems__(self, indices: Sequence[int]) -> Any:
        epoch = self._draws.epoch_for(self._is_random)
        if self._encoder is None:
            return self._samples(self._checked(indices), epoch)
        fields = self._fields_of(indices, epoch)
        return Rows(self._complete(fields, epoch), len(indices), self._row)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_native": None}


def names_of(given: Sequence[str], name: str = "chromosomes") -> list[str]:
    """Names of what is to be kept; ``name`` is the argument's.

    Raises:
        ArgumentError: none, or one word instead of a list.
    """
    names = of_kind(given, Iterable, name, "a list of names")
    if isinstance(names, str | bytes) or not (found := [str(each) for each in names]):
        raise ArgumentError(f"{name}: expected a list of names, got {given!r}")
    return found
