"""A dataset of encoded reads as summaries, caches and exports see it, and its rows as samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.utils.data import Dataset

from . import _C
from ._batch import Batch, Layout, Sample
from ._files import FileMark
from .transforms import Plan


class ReadSource(Dataset[Sample]):
    """Records that C++ holds and encodes; :class:`SequenceDataset` says what each of these is."""

    paths: list[str]
    mates: list[str]
    sequence_type: str
    transform: Any
    target: Any
    on_bad_record: str
    is_interleaved: bool
    _plan: Plan

    def __len__(self) -> int:
        raise NotImplementedError

    def native(self) -> _C.ReadDataset:
        """The C++ dataset."""
        raise NotImplementedError

    def file_marks(self) -> list[tuple[str, FileMark]]:
        """The files as they were when they were read."""
        raise NotImplementedError

    def batch(self, indices: Sequence[int]) -> Batch:
        """The batch of these records."""
        raise NotImplementedError

    @property
    def is_native(self) -> bool:
        """Whether C++ makes whole batches."""
        raise NotImplementedError

    @property
    def has_mates(self) -> bool:
        """Whether records are pairs."""
        raise NotImplementedError

    @property
    def labels(self) -> Tensor | dict[str, Tensor] | None:
        """Labels of all records."""
        raise NotImplementedError

    @property
    def classes(self) -> list[str] | dict[str, list[str]] | None:
        """Names of the classes."""
        raise NotImplementedError


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
    """One row of an encoded batch as a sample, without the padding unless its width was asked for."""
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
