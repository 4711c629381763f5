"""FASTA and FASTQ records as a dataset."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from . import _C
from ._batch import Batch, Rows, Sample
from ._records import Path, Record
from .errors import ArgumentError, RecordIndexError
from .transforms import native_encoder


class SequenceDataset(Dataset[Sample]):
    """Records of FASTA or FASTQ files as a map-style dataset, held in memory once opened.

    ``dataset[i]`` (negative too) is a :class:`Sample`: ``sequence`` (bytes, or a tensor after an
    encoder), ``quality`` (bytes; float32 Phred scores [L] after an encoder; None in FASTA), ``id``,
    ``label`` (int, float or None), ``metadata`` (``description``, ``path``, ``index``, ``epoch``).
    With an encoder of :mod:`deepbio_torch.transforms` as transform a whole batch is one C++ call.

    Args:
        paths: a file or a list of files, each plain, gzip or BGZF.
        sequence_type: "dna", "rna" or "protein".
        transform: a callable on a sample, or None for raw bytes.
        target: None; "file" for a class per file, in the order of ``paths``; or a callable that
            takes a :class:`Record` and gives a class (int) or a value (float).
        on_bad_record: "raise" or "skip"; :attr:`report` counts what was skipped.
        lazy: False opens the files at once, True at first use; workers open their own.

    Raises:
        MissingFileError, ParseError: when the files are opened.
    """

    def __init__(
        self,
        paths: Path | Sequence[Path],
        *,
        sequence_type: str = "dna",
        transform: Callable[[Any], Any] | None = None,
        target: str | Callable[[Record], float] | None = None,
        on_bad_record: str = "raise",
        lazy: bool = True,
    ) -> None:
        """Checks the options; opens the files unless ``lazy``."""
        several = [paths] if isinstance(paths, str | os.PathLike) else paths
        self.paths: list[str] = [os.fspath(path) for path in several]
        if not self.paths:
            raise ArgumentError("paths: expected at least one file, got none")
        if not (target is None or target == "file" or callable(target)):
            raise ArgumentError(f"target: expected None, 'file' or a callable, got {target!r}")
        self.sequence_type, self.transform, self.target = sequence_type, transform, target
        self._encoder = native_encoder(transform)
        if self._encoder and self._encoder.sequence_type != sequence_type:
            raise ArgumentError(
                f"sequence_type={sequence_type!r}, but the transform encodes "
                f"{self._encoder.sequence_type!r}: give both the same"
            )
        self.on_bad_record = on_bad_record
        self.epoch = 0
        self._native: _C.ReadDataset | None = None
        self._labels: Tensor | None = None
        if not lazy:
            self.native()

    def native(self) -> _C.ReadDataset:
        """The C++ dataset; the files are read when it is first needed in a process."""
        if self._native is None:
            options: dict[str, Any] = {"encoding": "integer", "sequence_type": self.sequence_type}
            if self._encoder is not None:
                options = self._encoder.native_options()
            native = _C.ReadDataset(self.paths, **options, on_bad_record=self.on_bad_record)
            self._labels = self._make_labels(native)
            self._native = native
        return self._native

    def _make_labels(self, native: _C.ReadDataset) -> Tensor | None:
        if self.target is None:
            return None
        if not callable(self.target):
            titles = native.titles(range(len(native)))
            return torch.tensor([file for _, file in titles], dtype=torch.int64)
        labels = [self.target(Record(*native.record(i))) for i in range(len(native))]
        is_class = all(isinstance(label, Integral) for label in labels)
        return torch.tensor(labels, dtype=torch.int64 if is_class else torch.float32)

    @property
    def report(self) -> dict[str, Any]:
        """``num_records``, ``num_skipped``, ``reasons`` and three ``examples``."""
        return self.native().report()

    @property
    def is_native(self) -> bool:
        """Whether C++ makes whole batches: the transform is an encoder."""
        return self._encoder is not None

    def set_epoch(self, epoch: int) -> None:
        """Chooses the draws of random transforms. Workers learn of it when they start."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.native())

    def __getitem__(self, index: int) -> Any:
        index = self._checked(index)
        if self._encoder is not None:
            return self.__getitems__([index])[0]
        name, description, sequence, quality = self.native().record(index)
        file = self.native().file_of(index)
        sample = Sample(
            sequence=sequence,
            quality=quality,
            id=name,
            label=None if self._labels is None else self._labels[index].item(),
            metadata=self._metadata(description, file, index, self.epoch),
        )
        return sample if self.transform is None else self.transform(sample)

    def __getitems__(self, indices: Sequence[int]) -> Any:
        """The samples of a batch at once; torch's DataLoader asks for them this way."""
        if self._encoder is None:
            return [self[index] for index in indices]
        checked = [self._checked(index) for index in indices]
        batch = self.native().batch(checked, self.epoch)
        return Rows(self.complete(batch, checked, self.epoch), len(checked), self._row)

    def batch(self, indices: Sequence[int]) -> Batch:
        """The :class:`Batch` of these records; needs an encoder as transform, else collate them.

        Raises:
            ArgumentError: the transform is not an encoder. RecordIndexError: an index out of range.
        """
        if self._encoder is None:
            raise ArgumentError(
                "batch: expected an encoder of deepbio_torch.transforms as transform, got "
                f"{self.transform!r}; use collate([dataset[i] for i in indices])"
            )
        rows = self.__getitems__(indices)
        assert isinstance(rows, Rows)
        return rows.batch

    def _checked(self, index: int) -> int:
        size = len(self)
        if not -size <= index < size:
            raise RecordIndexError(f"record index: expected {-size} to {size - 1}, got {index}")
        return index % size

    def _metadata(self, description: str, file: int, index: int, epoch: int) -> dict[str, Any]:
        return {
            "description": description,
            "path": self.paths[file],
            "index": index,
            "epoch": epoch,
        }

    def complete(self, fields: dict[str, Any], indices: Sequence[int], epoch: int) -> Batch:
        """What C++ gave for these records, with labels and metadata."""
        batch = Batch(fields)
        if self._labels is not None:
            batch["labels"] = self._labels[torch.tensor(indices, dtype=torch.int64)]
        titles = zip(indices, self.native().titles(indices), strict=True)
        batch["metadata"] = [self._metadata(text, file, i, epoch) for i, (text, file) in titles]
        return batch

    def _row(self, batch: Batch, row: int) -> Sample:
        assert self._encoder is not None
        labels = batch.get("labels")
        sample = self._encoder.row(batch, row)
        sample["id"] = batch["ids"][row]
        sample["label"] = None if labels is None else labels[row].item()
        sample["metadata"] = batch["metadata"][row]
        return sample

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_native": None, "_labels": None}

    def __repr__(self) -> str:
        size = f", {len(self)} records" if self._native is not None else ""
        return f"SequenceDataset({len(self.paths)} files{size}, transform={self.transform!r})"
