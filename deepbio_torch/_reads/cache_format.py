"""What metadata.json says of a folder of encoded reads, in each version of the format.

The format is described in csrc/deepbio/data/shards.h.
"""

from __future__ import annotations

import json
import os
from typing import Any

from .._batches.batch import Layout
from ..errors import MissingFileError, ParseError
from .records import Path

FORMAT = "deepbio-encoded-reads"  # of data/shards.h, which `deepbio encode` writes too
FORMAT_VERSION = 3
_FORMAT_BEFORE = 3  # caches had a format of their own, whose third version is still read


def as_dataset(folder: Path, found: dict[str, Any]) -> dict[str, Any]:
    """What a dataset needs to know, of each format and version."""
    if found["format"] == _FORMAT_BEFORE:
        values = "input_ids" if found["layout"]["is_tokens"] else "sequences"
        return {**found, "shards": [{**shard, "values": values} for shard in found["shards"]]}
    if (cache := found.get("cache")) is None:
        return _about_encoded(folder, found)
    values = "input_ids" if cache["layout"]["is_tokens"] else "sequences"
    shards = [
        {**shard, "values": values, "records": shard["num_records"]} for shard in found["shards"]
    ]
    return {**cache, "folder": ".", "shards": shards}


def _about_encoded(folder: Path, found: dict[str, Any]) -> dict[str, Any]:
    """What ``deepbio encode`` tells of its shards, as a cache tells it."""
    encoding, pad = found["encoding"], found["padding"]
    with open(
        os.path.join(folder, "ids.txt"), encoding="utf-8", errors="surrogateescape", newline="\n"
    ) as file:
        names = file.read().split("\n")[:-1]
    files = [
        number
        for number, source in enumerate(found["sources"])
        for _ in range(source["num_records"])
    ]
    shards, first = [], 0
    for shard in found["shards"]:
        last = first + int(shard["num_records"])
        about = {
            "names": names[first:last],
            "files": files[first:last],
            "first": first,
            "records": last - first,
        }
        shards.append(
            {
                **about,
                "file": shard["file"],
                "is_tokens": encoding == "tokens",
                "is_even": encoding == "kmer",
            }
        )
        first = last
    layout = (
        Layout(axis=None)
        if encoding == "kmer"
        else Layout(is_tokens=encoding == "tokens", pad_id=pad)
    )
    paths = [source["path"] for source in found["sources"]]
    return {
        "encoding": encoding,
        "transform": f"encode {encoding}",
        "paths": paths,
        "layout": layout._asdict(),
        "padding": {"sequences": pad, "input_ids": pad, "attention_mask": 0},
        "labels": None,
        "classes": None,
        "folder": ".",
        "shards": shards,
    }


def read_metadata(folder: Path) -> dict[str, Any]:
    """The metadata.json of a cache.

    Raises:
        MissingFileError: none there. ParseError: of something else.
    """
    path = os.path.join(folder, "metadata.json")
    try:
        with open(path, encoding="utf-8") as file:
            about: dict[str, Any] = json.load(file)
    except OSError as problem:
        raise MissingFileError(
            f"{path}: {problem.strerror}; expected a folder that Cache.save wrote", path
        ) from None
    except ValueError as problem:
        raise ParseError(f"{path}: expected JSON, got {problem}", path) from None
    if not isinstance(about, dict) or "shards" not in about:
        raise ParseError(
            f"{path}: expected the metadata of a cache of reads, got another document", path
        )
    if about.get("format") not in (FORMAT, _FORMAT_BEFORE):
        raise ParseError(
            f"{path}: expected a cache of format {FORMAT!r}, got {about.get('format')!r}", path
        )
    if (version := about.get("format_version", 0)) not in range(FORMAT_VERSION + 1):
        raise ParseError(
            f"{path}: expected format_version {FORMAT_VERSION} at most, got {version!r}", path
        )
    return about
