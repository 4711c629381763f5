"""The records of a cache as a dataset.

Batches of records that stand side by side are mapped, others copied.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.utils.data import Dataset

from .._arguments import place_of
from .._batches.batch import Batch, Later, Layout, Rows, Sample
from .._batches.source import metadata_of, sample_of_batch
from ..errors import ArgumentError, ParseError
from .cache_format import as_dataset, read_metadata
from .cached_shards import EncodedShard, Shard
from .records import Path

_Places: TypeAlias = Sequence[tuple[int, int]]  # shard and row of each record
_Parts: TypeAlias = Sequence[tuple[int, Tensor]]  # shard, and which of the rows asked for are there

_OPEN_FILES = 64  # a cache of no more shards keeps them open, which makes batches faster


class CachedDataset(Dataset[Sample]):
    """The records of a :class:`Cache` as a map-style dataset.

    Samples and batches as the dataset gave that was saved.

    A batch of consecutive records whose rows are as wide as those of their shard, such as reads of
    one length, is not copied: its tensors are the file itself, read when they are looked at, and
    private: changes in place are seen nowhere else. The files may be removed or replaced meanwhile;
    one that is written to is a ParseError at the next batch. (A file that is cut short while a
    batch of it is held ends the process when the lost part is read.)

    Attributes:
        folder: of the cache. classes: names of the classes, or None. labels: of all records.
            lengths: int64 [N].
    """

    def __init__(self, folder: str, about: dict[str, Any]) -> None:
        """Maps the shards that a metadata.json tells of."""
        self.folder, self._about = folder, about
        self._layout = Layout(**about["layout"])
        data, is_open = (
            os.path.join(os.path.abspath(folder), about["folder"]),
            len(about["shards"]) <= _OPEN_FILES,
        )
        kind = EncodedShard if "encoding" in about else Shard
        self._shards = [kind(data, shard, is_open) for shard in about["shards"]]
        encoded = "input_ids" if self._layout.is_tokens else "sequences"
        if not all(encoded in shard.tensors for shard in self._shards):
            raise KeyError(encoded)
        if self._layout.is_tokens and kind is EncodedShard:
            masks = [shard.tensors["attention_mask"] for shard in self._shards]
            on_left = any(bool((mask[:, 0] < mask[:, -1]).any()) for mask in masks if mask.numel())
            self._layout = self._layout._replace(pads_left=on_left)
        self._ends = list(accumulate(int(shard["records"]) for shard in about["shards"]))
        self._begins = [0, *self._ends]
        self._size = self._begins[-1]
        self.epoch = 0

    def __len__(self) -> int:
        return self._size

    @property
    def classes(self) -> list[str] | dict[str, list[str]] | None:
        """Names of the classes in the order of their ids, or None."""
        names: list[str] | dict[str, list[str]] | None = self._about["classes"]
        return names

    def _column(self, key: str) -> Tensor:
        return (
            torch.cat([shard.whole(key) for shard in self._shards])
            if self._shards
            else torch.empty(0)
        )

    @property
    def lengths(self) -> Tensor:
        """Letters of each record, int64 [N]."""
        return self._column("lengths")

    @property
    def labels(self) -> Tensor | dict[str, Tensor] | None:
        """Labels of all records, or None."""
        names = self._about["labels"]
        if names is None or isinstance(names, str):
            return None if names is None else self._column("labels")
        return {name: self._column(f"labels.{name}") for name in names}

    def set_epoch(self, epoch: int) -> None:
        """Goes into the metadata of samples; nothing here is random."""
        self.epoch = epoch

    def batch(self, indices: Sequence[int]) -> Batch:
        """The :class:`Batch` of these records.

        Raises:
            RecordIndexError: an index out of range. ParseError: the file of a shard was written to.
        """
        if not len(indices):
            raise ArgumentError("batch: expected at least one index, got none")
        first = place_of(indices[0], self._size, "record")
        if _is_run(indices, first) and first + len(indices) <= self._size:
            shard = bisect_right(self._ends, first)
            if first + len(indices) <= self._ends[shard]:
                return self._run(shard, first, len(indices))
        return self._gathered(indices)

    def _run(self, number: int, first: int, count: int) -> Batch:
        """Records that stand side by side in a shard."""
        shard, begin = self._shards[number], first - self._begins[number]
        rows = Batch(shard.rows(begin, count))
        for prefix in () if shard.is_even else shard.prefixes:
            masks = [rows[prefix + "attention_mask"]] if self._layout.is_tokens else []
            width = self._width(rows[prefix + "lengths"], masks)
            for key in shard.wide_keys[prefix]:
                if width is not None and rows[key].shape[self._axis(key)] != width:
                    part = self._cut(shard.tensors[key].narrow(0, begin, count), key, width)
                    rows[key] = part.clone(memory_format=torch.contiguous_format)
        return self._titled(rows, _Run(number, begin, count))

    def _gathered(self, indices: Sequence[int]) -> Batch:
        """Records from anywhere."""
        size = len(self)
        chosen = torch.tensor(
            [place_of(index, size, "record") for index in indices], dtype=torch.int64
        )
        where = torch.searchsorted(torch.tensor(self._ends), chosen, right=True)
        rows = chosen - torch.tensor(self._begins)[where]
        parts: _Parts = [
            (shard, (where == shard).nonzero().flatten()) for shard in sorted(set(where.tolist()))
        ]
        first, *others = [self._shards[shard] for shard, _ in parts]
        for shard in (first, *others):
            shard.native.check_unchanged()
        out = Batch()
        for key in first.keys:
            if all(key in shard.tensors for shard in others) and key not in first.all_wide_keys:
                out[key] = self._gather(key, parts, rows, None)
        for prefix in first.prefixes:
            mask = prefix + "attention_mask"
            masks = [
                self._shards[shard].tensors[mask][rows[places]]
                for shard, places in parts
                if mask in first.tensors
            ]
            width = self._width(out[prefix + "lengths"], masks)
            for key in first.wide_keys[prefix]:
                if all(key in shard.tensors for shard in others):
                    out[key] = self._gather(key, parts, rows, width)
        return self._titled(out, list(zip(where.tolist(), rows.tolist(), strict=True)))

    def _width(self, lengths: Tensor, masks: Sequence[Tensor]) -> int | None:
        """Positions of the longest of these rows; None when all rows of all shards are as wide."""
        layout = self._layout
        if layout.is_fixed or layout.axis is None:
            return None
        return (
            max(map(layout.num_tokens, masks))
            if layout.is_tokens
            else layout.num_positions(int(lengths.max()))
        )

    def _axis(self, key: str) -> int:
        """Of positions in a tensor of rows."""
        return 1 + (self._layout.axis or 0) if key.endswith("sequences") else 1

    def _cut(self, values: Tensor, key: str, width: int) -> Tensor:
        """The last or first positions of rows, where the letters are."""
        axis = self._axis(key)
        if width > values.shape[axis]:
            raise ParseError(
                f"{self.folder}: expected lengths of at most "
                f"{values.shape[axis]} positions, got {width}"
            )
        return values.narrow(
            axis, values.shape[axis] - width if self._layout.pads_left else 0, width
        )

    def _gather(self, key: str, parts: _Parts, rows: Tensor, width: int | None) -> Tensor:
        """Rows of a tensor of all shards, cut or padded to ``width`` along positions."""
        first = self._shards[parts[0][0]].tensors[key]
        shape = [len(rows), *first.shape[1:]]
        if width is not None:
            shape[self._axis(key)] = width
        if all(list(self._shards[shard].tensors[key].shape[1:]) == shape[1:] for shard, _ in parts):
            out = first.new_empty(shape)
            for shard, places in parts:
                self._shards[shard].copy_rows(key, rows[places], places, out)
            return out
        out = first.new_full(shape, self._about["padding"][key.removeprefix("mate_")])
        for shard, places in parts:
            taken = self._shards[shard].tensors[key][rows[places]]
            common = min(shape[self._axis(key)], taken.shape[self._axis(key)])
            self._cut(out, key, common)[places] = self._cut(taken, key, common)
        return out

    def _titled(self, out: Batch, places: _Places) -> Batch:
        """A batch with its labels grouped, and names and metadata for when they are asked for."""
        if isinstance(names := self._about["labels"], list):
            out["labels"] = {name: dict.pop(out, f"labels.{name}") for name in names}
        out["ids"], out["metadata"] = (
            _Names(self._shards, places),
            _Metadata(self, places, out["index"]),
        )
        return out

    def __getitems__(self, indices: Sequence[int]) -> Rows:
        return Rows(self.batch(indices), len(indices), self._row)

    def __getitem__(self, index: int) -> Sample:
        return self._row(self.batch([index]), 0)

    def _row(self, batch: Batch, row: int) -> Sample:
        return sample_of_batch(batch, row, self._layout)

    def __reduce__(self) -> tuple[Any, ...]:
        return open_cache, (self.folder,)

    def __repr__(self) -> str:
        return (
            f"CachedDataset({self.folder!r}, {len(self)} records, "
            f"transform={self._about['transform']})"
        )


class _Run(Sequence[tuple[int, int]]):
    """Rows that stand side by side: shard and row of each record."""

    __slots__ = ("_shard", "_begin", "_count")

    def __init__(self, shard: int, begin: int, count: int) -> None:
        self._shard, self._begin, self._count = shard, begin, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, row: Any) -> Any:
        if not 0 <= row < self._count:
            raise IndexError(row)
        return self._shard, self._begin + row


class _Names(Later):
    """Names of the records of a batch."""

    __slots__ = ("_shards", "_places")

    def __init__(self, shards: list[Shard], places: _Places) -> None:
        self._shards, self._places = shards, places

    def make(self) -> list[str]:
        return [self._shards[shard].text("names", row) for shard, row in self._places]

    def one(self, row: int) -> str:
        shard, row = self._places[row]
        return self._shards[shard].text("names", row)


class _Metadata(Later):
    """Metadata of the records of a batch."""

    __slots__ = ("_dataset", "_places", "_index", "_epoch")

    def __init__(self, dataset: CachedDataset, places: _Places, index: Tensor) -> None:
        self._dataset, self._places, self._index, self._epoch = (
            dataset,
            places,
            index,
            dataset.epoch,
        )

    def make(self) -> list[dict[str, Any]]:
        return self._of(self._places, self._index)

    def one(self, row: int) -> dict[str, Any]:
        return self._of([self._places[row]], self._index[row : row + 1])[0]

    def _of(self, places: _Places, index: Tensor) -> list[dict[str, Any]]:
        shards = self._dataset._shards
        titles = [shards[shard].text("descriptions", row) for shard, row in places]
        files = [int(shards[shard].whole("files")[row]) for shard, row in places]
        paths = self._dataset._about["paths"]
        if not all(0 <= file < len(paths) for file in files):
            raise ParseError(
                f"{self._dataset.folder}: expected numbers of {len(paths)} files, got {files}"
            )
        return metadata_of(paths, titles, files, index.tolist(), self._epoch)


def is_even(batch: Batch, layout: Layout) -> bool:
    """Whether some rows of a batch are always as wide as all of it."""
    for prefix in ("", "mate_"):
        if layout.is_fixed or layout.axis is None or prefix + "lengths" not in batch:
            continue
        if layout.is_tokens:
            mask = batch[prefix + "attention_mask"]
            shortest = int(mask.sum(-1).min())
            if shortest + -shortest % layout.multiple < mask.shape[1]:
                return False
        elif len(batch[prefix + "lengths"].unique()) > 1:
            return False
    return True


def _is_run(indices: Sequence[int], first: int) -> bool:
    """Whether indices rise by one."""
    if isinstance(indices, range):
        return indices.step == 1
    return bool(indices[-1] == first + len(indices) - 1) and list(indices) == [
        *range(first, first + len(indices))
    ]


def open_cache(folder: Path) -> CachedDataset:
    """As :meth:`Cache.load`."""
    # A writer may put another cache in its place between the two reads; then the new one is read.
    for _ in range(9):
        about = read_metadata(folder)
        try:
            return CachedDataset(os.fspath(folder), as_dataset(folder, about))
        except FileNotFoundError:
            continue
        except (KeyError, TypeError, ValueError, RuntimeError, OSError) as problem:
            kind = f"{type(problem).__name__}: {problem}"
            raise ParseError(
                f"{folder}: expected the cache that metadata.json describes, got {kind}"
            ) from None
    raise ParseError(
        f"{folder}: expected the shards that metadata.json names, got none", os.fspath(folder)
    )
