"""Encoded reads on disk.

A cache that knows when it is stale, and exports to .npz, .h5 and .parquet.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path as _Path
from typing import Any

import torch
from torch import Tensor

from . import _C
from ._batches.fingerprint import fingerprint
from ._batches.source import ReadSource
from ._output import write_text
from ._progress import GivenProgress, Progress, shown
from ._reads.cache_format import FORMAT, FORMAT_VERSION, read_metadata
from ._reads.cached import CachedDataset, is_even, open_cache
from ._reads.exports import check_fixed, chunks, export_reads
from ._reads.files import FileMark, check_unchanged, path_list
from ._reads.records import Path
from ._version import __version__
from .errors import DeepBioError, MissingFileError, ParseError, WriteError

_SHARD_RECORDS = 8192
_HASHED_AT_ONCE = 1 << 20  # bytes
# What a cache has in its folder; a crash of the version before leaves the last one.
_OWN = (".lock", ".writing-data-", "data-", "metadata.json", ".metadata-", ".metadata.json-")


class Cache:
    """Encoded records in a folder.

    Safetensors shards and a metadata.json that names sources, transform and version.

    The format is that of ``deepbio encode``, with names, labels and qualities of the records in the
    shards. A folder is written beside the old one and put in its place at once, so that readers and
    several writers never see half of it. :meth:`load` maps files into memory and does not read
    them.
    """

    @staticmethod
    def save(dataset: ReadSource, folder: Path, *, progress: GivenProgress = None) -> str:
        """Encodes all records of a dataset into a folder, which then is a cache; returns its path.

        Args:
            dataset: its transform must be native, end with an encoder and draw nothing at random.
            folder: made when it is not there. A folder with other files in it is refused.
            progress: called with (records done, records in all); True shows a bar, where tqdm is
                installed.

        Raises:
            ArgumentError: the transform does not fit. WriteError: the folder cannot be written (a
                PermissionError as well when that is the reason).
        """
        check_fixed(dataset)
        target = _Path(folder)
        name = f"data-{uuid.uuid4().hex[:12]}"
        part = target / f".writing-{name}"
        if target.is_dir() and not all(entry.name.startswith(_OWN) for entry in target.iterdir()):
            raise WriteError(
                f"{target}: expected an empty folder or a cache, got a "
                "folder with other files in it"
            )
        try:
            part.mkdir(parents=True)
            about = _about(dataset)
            with shown(progress, "cache") as told:
                shards = _write_shards(dataset, part, told)
            for shard in shards:
                shard["file"] = f"{name}/{shard['file']}"
            about = {**about, "num_records": len(dataset.native()), "shards": shards}
            with _lock(target):
                part.rename(target / name)
                write_text(target / "metadata.json", json.dumps(about, indent=1) + "\n")
                for other in target.glob("data-*"):
                    if other.name != name:
                        shutil.rmtree(other, ignore_errors=True)
        except BaseException as problem:
            shutil.rmtree(part, ignore_errors=True)
            if isinstance(problem, OSError) and not isinstance(problem, DeepBioError):
                kind = CachePermissionError if isinstance(problem, PermissionError) else WriteError
                raise kind(f"{target}: cannot be written: {problem.strerror or problem}") from None
            raise
        return os.fspath(target)

    @staticmethod
    def load(folder: Path) -> CachedDataset:
        """The dataset of a cache, whatever became of its sources.

        Raises:
            MissingFileError: no cache there. ParseError: damaged.
        """
        return open_cache(folder)

    @staticmethod
    def is_valid(folder: Path, sources: ReadSource | Path | Sequence[Path]) -> bool:
        """Whether a cache holds what encoding now would give.

        Args:
            folder: the cache.
            sources: the dataset, whose transform, target and options are compared too; or only its
                file or files.

        A file whose time changed is compared by content.
        """
        try:
            about = read_metadata(folder)
        except (MissingFileError, ParseError):
            return False
        cache = about.get("cache", {})  # none in what `deepbio encode` or the version before wrote
        if not cache or about.get("versions", {}).get("deepbio") != __version__:
            return False
        if isinstance(sources, ReadSource):
            paths = sources.paths + sources.mates
            if cache.get("transform_sha256") != _transform_hash(sources):
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


def _transform_hash(dataset: ReadSource) -> str:
    """Of everything but the files that decides what is encoded."""
    return fingerprint(
        [
            dataset.transform,
            dataset.target,
            dataset.sequence_type,
            dataset.on_bad_record,
            dataset.is_interleaved,
        ]
    )


def _about(dataset: ReadSource) -> dict[str, Any]:
    encoder = dataset._plan.encoder
    assert encoder is not None
    layout, labels = encoder.layout(), dataset.labels
    integer_padding = 255 if encoder.options().get("dtype") == "uint8" else -1
    padding = {
        "sequences": 0 if encoder.encoding == "onehot" else integer_padding,
        "quality": -1 if encoder.quality == "integer" else 0,
        "input_ids": layout.pad_id,
        "attention_mask": 0,
    }
    cache = {
        "paths": dataset.paths,
        "transform": repr(dataset.transform),
        "target": repr(dataset.target),
        "transform_sha256": _transform_hash(dataset),
        "layout": layout._asdict(),
        "padding": padding,
        "labels": list(labels)
        if isinstance(labels, dict)
        else None
        if labels is None
        else "labels",
        "classes": dataset.classes,
    }
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "versions": {"deepbio": __version__, "torch": _C.TORCH_VERSION},
        "encoding": encoder.encoding,
        "padding": padding["input_ids" if layout.is_tokens else "sequences"],
        "cache": cache,
        "sources": [_describe(path, mark) for path, mark in dataset.file_marks()],
    }


def _describe(path: str, mark: FileMark) -> dict[str, Any]:
    """A source as it was when the dataset read it."""
    about = {
        "path": os.path.abspath(path),
        "size": mark[0],
        "mtime_ns": mark[1],
        "sha256": _file_hash(path),
    }
    check_unchanged([(path, mark)])  # only now: the hash is of the same content
    return about


def _file_hash(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        while part := file.read(_HASHED_AT_ONCE):
            digest.update(part)
    return digest.hexdigest()


def _is_unchanged(source: dict[str, Any]) -> bool:
    try:
        status = os.stat(source["path"])
        if status.st_size != source["size"]:
            return False
        return bool(
            status.st_mtime_ns == source["mtime_ns"]
            or _file_hash(source["path"]) == source["sha256"]
        )
    except OSError:
        return False


def _write_shards(
    dataset: ReadSource, folder: _Path, progress: Progress | None
) -> list[dict[str, Any]]:
    assert dataset._plan.encoder is not None
    shards, layout = [], dataset._plan.encoder.layout()
    for number, (batch, rows) in enumerate(chunks(dataset, _SHARD_RECORDS, progress)):
        tensors = {
            key: value.contiguous() for key, value in batch.items() if isinstance(value, Tensor)
        }
        if isinstance(batch.get("labels"), dict):
            tensors |= {
                f"labels.{name}": values.contiguous() for name, values in batch["labels"].items()
            }
        tensors["files"] = torch.tensor(
            dataset.native().files_of(batch["index"].tolist()), dtype=torch.int64
        )
        for key, texts in (("names", rows.names()), ("descriptions", rows.descriptions())):
            encoded = [text.encode("utf-8", "surrogateescape") for text in texts]
            tensors[key + "_offsets"] = torch.tensor(
                [0, *map(len, encoded)], dtype=torch.int64
            ).cumsum(0)
            tensors[key] = torch.frombuffer(bytearray(b"".join(encoded) or b" "), dtype=torch.uint8)
        name = f"shard-{number:05d}.safetensors"
        in_batch = "input_ids" if layout.is_tokens else "sequences"
        for prefix in ("", "mate_"):
            if prefix + in_batch in tensors:
                tensors[prefix + "values"] = tensors.pop(prefix + in_batch)
        _C.save_tensors(os.fspath(folder / name), tensors)
        shape = list(tensors["values"].shape)
        shards.append(
            {
                "file": name,
                "num_records": shape[0],
                "shape": shape,
                "is_even": is_even(batch, layout),
            }
        )
    return shards


@contextmanager
def _lock(folder: _Path) -> Iterator[None]:
    with open(folder / ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


__all__ = ["Cache", "CachePermissionError", "CachedDataset", "export_reads"]
