"""Encoded reads on disk: a cache that knows when it is stale, and exports to .npz, .h5 and .parquet."""

from __future__ import annotations

import fcntl
import hashlib
import json
import mmap
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path as _Path
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.utils.data import Dataset

from . import _C
from ._batch import Batch, Later, Layout, Rows, Sample
from ._exports import Progress, check_fixed, chunks, export_reads
from ._fingerprint import fingerprint
from ._records import Path
from ._sequences import FileMark, SequenceDataset, check_unchanged, metadata_of, path_list, sample_of_batch
from ._version import __version__
from .errors import ArgumentError, MissingFileError, ParseError, RecordIndexError, WriteError

Parts: TypeAlias = Sequence[tuple[int, Tensor]]  # shard, and which of the rows asked for are there

_FORMAT = 2
_SHARD_RECORDS = 8192
_OWN = (".lock", ".writing-data-", "data-", "metadata.json", ".metadata.json-")  # what a cache has in its folder
_DTYPES = {"F32": torch.float32, "I64": torch.int64, "U8": torch.uint8}


class Cache:
    """Encoded records in a folder: safetensors shards and a metadata.json that names sources, transform and version.

    A folder is written beside the old one and put in its place at once, so that readers and several writers never see
    half of it. Tensors are mapped into memory, not read, by :meth:`load`.
    """

    @staticmethod
    def save(dataset: SequenceDataset, folder: Path, *, progress: Progress | None = None) -> str:
        """Encodes all records of a dataset into a folder, which then is a cache; returns its path.

        Args:
            dataset: its transform must be native, end with an encoder and draw nothing at random.
            folder: made when it is not there. A folder with other files in it is refused.
            progress: called with (records done, records in all).

        Raises:
            ArgumentError: the transform does not fit. WriteError: the folder cannot be written (a PermissionError as
                well when that is the reason).
        """
        check_fixed(dataset)
        target = _Path(folder)
        name = f"data-{uuid.uuid4().hex[:12]}"
        part = target / f".writing-{name}"
        if target.is_dir() and not all(entry.name.startswith(_OWN) for entry in target.iterdir()):
            raise WriteError(f"{target}: expected an empty folder or a cache, got a folder with other files in it")
        try:
            part.mkdir(parents=True)
        except PermissionError as problem:
            raise CachePermissionError(f"{target}: cannot be written: {problem.strerror}") from None
        except OSError as problem:
            raise WriteError(f"{target}: cannot be written: {problem.strerror}") from None
        try:
            about = _about(dataset)
            shards = _write_shards(dataset, part, progress)
            about = {**about, "folder": name, "shards": shards, "num_records": len(dataset.native())}
            with _lock(target):
                part.rename(target / name)
                _write_text(target / "metadata.json", json.dumps(about, indent=1) + "\n")
                for other in target.glob("data-*"):
                    if other.name != name:
                        shutil.rmtree(other, ignore_errors=True)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        return os.fspath(target)

    @staticmethod
    def load(folder: Path) -> CachedDataset:
        """The dataset of a cache, whatever became of its sources.

        Raises:
            MissingFileError: no cache there. ParseError: damaged.
        """
        # A writer may put another cache in its place between the two reads; then the new one is read.
        for _ in range(9):
            about = _read_metadata(folder)
            try:
                return CachedDataset(os.fspath(folder), about)
            except FileNotFoundError:
                continue
            except (KeyError, TypeError, ValueError, RuntimeError, OSError) as problem:
                kind = f"{type(problem).__name__}: {problem}"
                raise ParseError(f"{folder}: expected the cache that metadata.json describes, got {kind}") from None
        raise ParseError(f"{folder}: expected the shards that metadata.json names, got none", os.fspath(folder))

    @staticmethod
    def is_valid(folder: Path, sources: SequenceDataset | Path | Sequence[Path]) -> bool:
        """Whether a cache holds what encoding now would give.

        Args:
            folder: the cache.
            sources: the dataset, whose transform, target and options are compared too; or only its file or files.

        A file whose time changed is compared by content.
        """
        try:
            about = _read_metadata(folder)
        except (MissingFileError, ParseError):
            return False
        if about.get("version") != __version__:
            return False
        if isinstance(sources, SequenceDataset):
            paths = sources.paths + sources.mates
            if about.get("transform_sha256") != _transform_hash(sources):
                return False
        else:
            paths = path_list(sources)
        recorded = about.get("sources", [])
        if [source["path"] for source in recorded] != [os.path.abspath(path) for path in paths]:
            return False
        return all(_is_unchanged(source) for source in recorded)

    @staticmethod
    def invalidate(folder: Path) -> None:
        """Removes a cache, if there is one. Other files in the folder stay."""
        target = _Path(folder)
        if not (target / ".lock").exists():
            return
        with _lock(target):
            (target / "metadata.json").unlink(missing_ok=True)
            for data in target.glob("data-*"):
                shutil.rmtree(data, ignore_errors=True)


class CachePermissionError(WriteError, PermissionError):
    """The folder of a cache cannot be written."""


class CachedDataset(Dataset[Sample]):
    """The records of a :class:`Cache` as a map-style dataset: samples and batches as the dataset gave that was saved.

    Attributes:
        folder: of the cache. classes: names of the classes, or None. labels: of all records. lengths: int64 [N].
    """

    def __init__(self, folder: str, about: dict[str, Any]) -> None:
        """Maps the shards."""
        self.folder, self._about = folder, about
        self._layout = Layout(**about["layout"])
        names = [os.path.join(folder, about["folder"], shard["file"]) for shard in about["shards"]]
        self._shards = [_map_tensors(name) for name in names]
        sizes = torch.tensor([shard["records"] for shard in about["shards"]], dtype=torch.int64)
        self._ends = sizes.cumsum(0)
        self.epoch = 0

    def __len__(self) -> int:
        return int(self._about["num_records"])

    @property
    def classes(self) -> list[str] | dict[str, list[str]] | None:
        """Names of the classes in the order of their ids, or None."""
        names: list[str] | dict[str, list[str]] | None = self._about["classes"]
        return names

    def _column(self, key: str) -> Tensor:
        return torch.cat([shard[key] for shard in self._shards]) if self._shards else torch.empty(0)

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
            RecordIndexError: an index out of range.
        """
        checked, size = list(indices), len(self)
        if not checked:
            raise ArgumentError("batch: expected at least one index, got none")
        if not -size <= min(checked) <= max(checked) < size:
            wrong = next(index for index in checked if not -size <= index < size)
            raise RecordIndexError(f"record index: expected {-size} to {size - 1}, got {wrong}")
        chosen = torch.tensor(checked, dtype=torch.int64) % size
        where = torch.searchsorted(self._ends, chosen, right=True)
        rows = chosen - torch.cat([torch.zeros(1, dtype=torch.int64), self._ends])[where]
        parts: Parts = [(shard, (where == shard).nonzero().flatten()) for shard in sorted(set(where.tolist()))]
        out = Batch(index=chosen)
        for prefix in ("", "mate_"):
            if not self._shards or prefix + "lengths" not in self._shards[0]:
                continue
            out[prefix + "lengths"] = self._gather(prefix + "lengths", parts, rows, None)
            width = self._width(prefix, out[prefix + "lengths"], parts, rows)
            for key in ("sequences", "input_ids", "attention_mask", "quality"):
                if all(prefix + key in self._shards[shard] for shard, _ in parts):
                    out[prefix + key] = self._gather(prefix + key, parts, rows, width)
        self._add_labels(out, parts, rows)
        out["ids"] = Later(
            lambda: [self._text("names", *record) for record in zip(where.tolist(), rows.tolist(), strict=True)],
            lambda row: self._text("names", int(where[row]), int(rows[row])),
        )
        out["metadata"] = Later(
            lambda: self._metadata(where, rows, chosen),
            lambda row: self._metadata(where[row : row + 1], rows[row : row + 1], chosen[row : row + 1])[0],
        )
        return out

    def _width(self, prefix: str, lengths: Tensor, parts: Parts, rows: Tensor) -> int | None:
        """Positions of the longest of these rows; None when all rows of all shards are as wide."""
        layout = self._layout
        if layout.is_fixed or layout.axis is None:
            return None
        if not layout.is_tokens:
            return layout.num_positions(int(lengths.max()))
        masks = [self._shards[shard][prefix + "attention_mask"][rows[places]] for shard, places in parts]
        return max(layout.num_tokens(mask) for mask in masks)

    def _axis(self, key: str) -> int:
        """Of positions in a tensor of rows."""
        return 1 + (self._layout.axis or 0) if key.endswith("sequences") else 1

    def _gather(self, key: str, parts: Parts, rows: Tensor, width: int | None) -> Tensor:
        """Rows of a tensor of all shards, cut or padded to ``width`` along the axis of positions."""
        first = self._shards[parts[0][0]][key]
        if len(parts) == 1:
            begin, size = int(rows[0]), len(rows)
            is_run = bool((rows[1:] - rows[:-1] == 1).all())
            if width is None or first.shape[self._axis(key)] == width:
                return first.narrow(0, begin, size).clone() if is_run else first.index_select(0, rows)
        shape = list(first.shape)
        shape[0] = len(rows)
        axis = self._axis(key)
        if width is None:
            out = first.new_empty(shape)
        else:
            shape[axis] = width
            out = first.new_full(shape, self._about["padding"][key.removeprefix("mate_")])
        for shard, places in parts:
            taken = self._shards[shard][key][rows[places]]
            if width is None:
                out[places] = taken
                continue
            common = min(width, taken.shape[axis])
            begins = (width - common, taken.shape[axis] - common) if self._layout.pads_left else (0, 0)
            out.narrow(axis, begins[0], common)[places] = taken.narrow(axis, begins[1], common)
        return out

    def _add_labels(self, out: Batch, parts: Parts, rows: Tensor) -> None:
        names = self._about["labels"]
        if isinstance(names, str):
            out["labels"] = self._gather("labels", parts, rows, None)
        elif names is not None:
            out["labels"] = {name: self._gather(f"labels.{name}", parts, rows, None) for name in names}

    def _text(self, key: str, shard: int, row: int) -> str:
        tensors = self._shards[shard]
        begin, end = tensors[key + "_offsets"][row : row + 2].tolist()
        return bytes(tensors[key][begin:end].numpy()).decode()

    def _metadata(self, where: Tensor, rows: Tensor, numbers: Tensor) -> list[dict[str, Any]]:
        records = list(zip(where.tolist(), rows.tolist(), strict=True))
        titles = [self._text("descriptions", shard, row) for shard, row in records]
        files = [int(self._shards[shard]["files"][row]) for shard, row in records]
        return metadata_of(self._about["paths"], titles, files, numbers.tolist(), self.epoch)

    def __getitems__(self, indices: Sequence[int]) -> Rows:
        return Rows(self.batch(indices), len(indices), self._row)

    def __getitem__(self, index: int) -> Sample:
        return self._row(self.batch([index]), 0)

    def _row(self, batch: Batch, row: int) -> Sample:
        return sample_of_batch(batch, row, self._layout)

    def __reduce__(self) -> tuple[Any, ...]:
        return Cache.load, (self.folder,)

    def __repr__(self) -> str:
        return f"CachedDataset({self.folder!r}, {len(self)} records, transform={self._about['transform']})"


def _transform_hash(dataset: SequenceDataset) -> str:
    """Of everything but the files that decides what is encoded."""
    return fingerprint(
        [dataset.transform, dataset.target, dataset.sequence_type, dataset.on_bad_record, dataset.is_interleaved]
    )


def _about(dataset: SequenceDataset) -> dict[str, Any]:
    encoder = dataset._plan.encoder
    assert encoder is not None
    layout, labels = encoder.layout(), dataset.labels
    integer_padding = 255 if encoder.options().get("dtype") == "uint8" else -1
    return {
        "format": _FORMAT,
        "version": __version__,
        "sources": [_describe(path, mark) for path, mark in dataset.file_marks()],
        "paths": dataset.paths,
        "transform": repr(dataset.transform),
        "target": repr(dataset.target),
        "transform_sha256": _transform_hash(dataset),
        "layout": layout._asdict(),
        "padding": {
            "sequences": 0 if encoder.encoding == "onehot" else integer_padding,
            "quality": -1 if encoder.quality == "integer" else 0,
            "input_ids": layout.pad_id,
            "attention_mask": 0,
        },
        "labels": list(labels) if isinstance(labels, dict) else None if labels is None else "labels",
        "classes": dataset.classes,
    }


def _describe(path: str, mark: FileMark) -> dict[str, Any]:
    """A source as it was when the dataset read it."""
    about = {"path": os.path.abspath(path), "size": mark[0], "mtime_ns": mark[1], "sha256": _file_hash(path)}
    check_unchanged([(path, mark)])  # only now: the hash is of the same content
    return about


def _file_hash(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_unchanged(source: dict[str, Any]) -> bool:
    try:
        status = os.stat(source["path"])
        if status.st_size != source["size"]:
            return False
        return bool(status.st_mtime_ns == source["mtime_ns"] or _file_hash(source["path"]) == source["sha256"])
    except OSError:
        return False


def _write_shards(dataset: SequenceDataset, folder: _Path, progress: Progress | None) -> list[dict[str, Any]]:
    shards = []
    for number, (batch, rows) in enumerate(chunks(dataset, _SHARD_RECORDS, progress)):
        tensors = {key: value.contiguous() for key, value in batch.items() if isinstance(value, Tensor)}
        if isinstance(batch.get("labels"), dict):
            tensors |= {f"labels.{name}": values.contiguous() for name, values in batch["labels"].items()}
        tensors["files"] = torch.tensor(dataset.native().files_of(batch["index"].tolist()), dtype=torch.int64)
        for key, texts in (("names", rows.names()), ("descriptions", rows.descriptions())):
            encoded = [text.encode() for text in texts]
            tensors[key + "_offsets"] = torch.tensor([0, *map(len, encoded)], dtype=torch.int64).cumsum(0)
            tensors[key] = torch.frombuffer(bytearray(b"".join(encoded) or b" "), dtype=torch.uint8)
        name = f"shard-{number:05d}.safetensors"
        _C.save_tensors(os.fspath(folder / name), tensors)
        shards.append({"file": name, "records": len(batch["index"])})
    return shards


def _map_tensors(path: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file, mapped: pages are read when they are used, and writing to them is private."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    out = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        dtype, shape = _DTYPES[entry["dtype"]], entry["shape"]
        if begin == end:
            out[name] = torch.empty(shape, dtype=dtype)
            continue
        count = (end - begin) // dtype.itemsize
        out[name] = torch.frombuffer(mapped, dtype=dtype, count=count, offset=8 + size + begin).reshape(shape)
    return out


def _read_metadata(folder: Path) -> dict[str, Any]:
    path = os.path.join(folder, "metadata.json")
    try:
        with open(path, encoding="utf-8") as file:
            about: dict[str, Any] = json.load(file)
    except OSError as problem:
        raise MissingFileError(f"{path}: {problem.strerror}; expected a folder that Cache.save wrote", path) from None
    except ValueError as problem:
        raise ParseError(f"{path}: expected JSON, got {problem}", path) from None
    if not isinstance(about, dict) or "shards" not in about:
        raise ParseError(f"{path}: expected the metadata of a cache of reads, got another document", path)
    if about.get("format") != _FORMAT:
        raise ParseError(f"{path}: expected a cache of format {_FORMAT}, got {about.get('format')!r}", path)
    return about


def _write_text(path: _Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}-{uuid.uuid4().hex[:12]}")
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


@contextmanager
def _lock(folder: _Path) -> Iterator[None]:
    with open(folder / ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


__all__ = ["Cache", "CachePermissionError", "CachedDataset", "export_reads"]
