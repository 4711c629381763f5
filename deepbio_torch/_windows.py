"""What datasets of windows of a genome share: whole batches from C++, or samples of Python's transforms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from torch.utils.data import Dataset

from ._arguments import of_kind, place_of
from ._batch import Batch, Rows, Sample
from ._draws import Drawn, Draws
from ._read_steps import needs_encoder, plan_for
from .errors import ArgumentError


class WindowSource(Drawn, Dataset[Sample]):
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

    def native(self) -> Any:
        """The C++ windows; made when they are first needed in a process."""
        raise NotImplementedError

    @property
    def _is_random(self) -> bool:
        return self._plan.is_random

    def _complete(self, fields: dict[str, Any], epoch: int) -> Batch:
        """What C++ gave, with ids and metadata."""
        raise NotImplementedError

    def _row(self, batch: Batch, row: int) -> Sample:
        """One row of a batch as a sample."""
        raise NotImplementedError

    def _samples(self, indices: list[int], epoch: int) -> list[Any]:
        """Samples made step by step, as Python callables want them."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self.native())

    def __getitem__(self, index: int) -> Any:
        return self.__getitems__(self._checked([index]))[0]

    def __getitems__(self, indices: Sequence[int]) -> Any:
        """The windows of a batch at once; torch's DataLoader asks for them this way."""
        native, epoch = self.native(), self._draws.epoch_for(self._is_random)
        if self._encoder is None:
            return self._samples(self._checked(indices), epoch)
        try:
            fields = native.batch(indices, epoch)
        except ArgumentError:  # C++ looks at them anyway; what it refused may count from the end
            known = self._checked(indices)
            if known == list(indices):
                raise
            fields = native.batch(known, epoch)
        return Rows(self._complete(fields, epoch), len(indices), self._row)

    def _checked(self, indices: Sequence[int]) -> list[int]:
        size = len(self)
        return [place_of(index, size, self._item) for index in indices]

    def batch(self, indices: Sequence[int]) -> Batch:
        """The :class:`Batch` of these windows.

        Raises:
            ArgumentError: the transform does not end with an encoder, or not all of it is native.
                RecordIndexError: an index out of range.
        """
        if self._encoder is None:
            raise needs_encoder(self.transform)
        rows: Rows = self.__getitems__(indices)
        return rows.batch

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_native": None}


def names_of(chromosomes: Sequence[str]) -> list[str]:
    """Names of chromosomes to keep.

    Raises:
        ArgumentError: none, or one word instead of a list.
    """
    names = of_kind(chromosomes, Iterable, "chromosomes", "a list of names")
    if isinstance(names, str | bytes) or not (found := [str(each) for each in names]):
        raise ArgumentError(f"chromosomes: expected a list of names, got {chromosomes!r}")
    return found
