"""Datasets whose batches C++ makes, and rows of their batches as samples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.utils.data import Dataset

from .. import _C
from .._arguments import place_of
from .._reads.files import FileMark
from ..errors import ArgumentError
from ..transforms import Plan
from .batch import Batch, Layout, Rows, Sample


class EncodedSource(Dataset[Sample], ABC):
    """Items whose batches C++ makes, where the transform ends with an encoder."""

    transform: Any
    _plan: Plan
    _encoder: Any
    _item = "record"  # what messages call one

    @abstractmethod
    def __len__(self) -> int:
        """How many items there are."""

    @abstractmethod
    def native(self) -> Any:
        """The C++ dataset; made when it is first needed in a process."""

    @abstractmethod
    def __getitems__(self, indices: Sequence[int]) -> Any:
        """The items of a batch at once; torch's DataLoader asks for them this way."""

    def batch(self, indices: Sequence[int]) -> Batch:
        """The :class:`Batch` of these items; needs an encoder as transform, else collate them.

        Raises:
            ArgumentError: the transform does not end with an encoder, or not all of it is native.
                RecordIndexError: an index out of range.
        """
        if self._encoder is None:
            raise ArgumentError(
                "batch: expected a native transform that ends with an encoder of "
                f"deepbio_torch.transforms, got {self.transform!r}; use "
                "collate([dataset[i] for i in indices])"
            )
        rows: Rows = self.__getitems__(indices)
        return rows.batch

    def _place(self, index: int) -> int:
        """The place from 0; negative indices count from the end."""
        return place_of(index, len(self), self._item)

    def _checked(self, indices: Sequence[int]) -> list[int]:
        """The places of several."""
        size = len(self)
        return [place_of(index, size, self._item) for index in indices]

    def _fields_of(self, indices: Sequence[int], epoch: int) -> dict[str, Any]:
        """What C++ gives for a batch."""
        native = self.native()
        try:
            fields: dict[str, Any] = native.batch(indices, epoch)
        except ArgumentError:  # C++ looks at them anyway; what it refused may count from the end
            known = self._checked(indices)
            if known == list(indices):
                raise
            fields = native.batch(known, epoch)
        return fields


class ReadSource(EncodedSource):
    """Records that C++ holds and encodes; :class:`SequenceDataset` says what each of these is."""

    paths: list[str]
    mates: list[str]
    sequence_type: str
    target: Any
    on_bad_record: str
    is_interleaved: bool

    @abstractmethod
    def native(self) -> _C.ReadDataset:
        """The C++ dataset."""

    @abstractmethod
    def file_marks(self) -> list[tuple[str, FileMark]]:
        """The files as they were when they were read."""

    @property
    @abstractmethod
    def is_native(self) -> bool:
        """Whether C++ makes whole batches."""

    @property
    @abstractmethod
    def has_mates(self) -> bool:
        """Whether records are pairs."""

    @property
    @abstractmethod
    def labels(self) -> Tensor | dict[str, Tensor] | None:
        """Labels of all records."""

    @property
    @abstractmethod
    def classes(self) -> list[str] | dict[str, list[str]] | None:
        """Names of the classes."""


def metadata_of(
    paths: Sequence[str],
    titles: Sequence[str],
    files: Sequence[int],
    indices: Sequence[int],
    epoch: int,
) -> list[dict[str, Any]]:
    """The metadata of records: description, path, index, epoch."""
    return [
        {"description": title, "path": paths[file], "index": index, "epoch": epoch}
        for title, file, index in zip(titles, files, indices, strict=True)
    ]


def sample_of_batch(batch: Batch, row: int, layout: Layout) -> Sample:
    """One row of an encoded batch as a sample, without padding that was not asked for."""
    label = batch.get("labels")
    if isinstance(label, dict):
        label = {name: values[row].item() for name, values in label.items()}
    sample = Sample(
        id=batch.item("ids", row),
        label=label[row].item() if isinstance(label, Tensor) else label,
        metadata=batch.item("metadata", row),
    )
    layout.put_row(sample, batch, row)
    if "mate_lengths" in batch:
        layout.put_row(sample, batch, row, "mate_")
    return sample


def sample_of_item(
    item: tuple[str, str, int, Tensor, int, Tensor | None],
    paths: Sequence[str],
    index: int,
    epoch: int,
    label: Any,
    layout: Layout,
) -> Sample:
    """A record that was encoded by itself (``_C.ReadDataset.item``), which no other row pads."""
    name, title, file, values, letters, quality = item
    about = {"description": title, "path": paths[file], "index": index, "epoch": epoch}
    sample = Sample(id=name, label=label, metadata=about, sequence=values, quality=quality)
    layout.name_length(sample, letters)
    return sample
