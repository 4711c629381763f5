"""The files of a cache: rows of tensors over mapped memory, with their names."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import Tensor

from .. import _C
from ..errors import ParseError

_OF_POSITIONS = ("sequences", "input_ids", "attention_mask", "quality")
_OF_TITLES = ("names", "names_offsets", "descriptions", "descriptions_offsets", "files")


def _check_tensors(tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    """Raises ValueError unless every record has a row in every tensor.

    Each also has a name, a description and positions.
    """
    for key in ("names", "descriptions"):
        offsets = tensors[key + "_offsets"]
        if offsets.dtype != torch.int64 or offsets.dim() != 1 or tensors[key].dtype != torch.uint8:
            raise ValueError(f"{key} of another kind in {about['file']}")
    for key, tensor in tensors.items():
        expected, shape = about["records"] + key.endswith("_offsets"), tensor.shape
        if key not in ("names", "descriptions") and (not shape or shape[0] != expected):
            raise ValueError(
                f"{list(shape)} numbers of {key} in {about['file']}, not of {expected}"
            )
    has_positions = any(key in tensors for key in _OF_POSITIONS)
    if (
        "index" not in tensors
        or "files" not in tensors
        or not has_positions
        or (about["records"] and tensors["lengths"].min().item() < 0)
    ):
        raise ValueError(f"no positions of the records in {about['file']}")


def _as_in_batch(name: str, values: str) -> str:
    """What a batch calls a tensor of a shard: ``values`` are its ``sequences`` or ``input_ids``."""
    return name.replace("values", values) if name in ("values", "mate_values") else name


class Shard:
    """A file of a cache.

    Attributes:
        tensors: over the file itself; never handed out. keys: of those with a row per record that
            belong to a batch.
        prefixes: "" and "mate_" when there are mates. wide_keys: by prefix, tensors whose rows have
            positions.
        is_even: any batch of them is as wide as the tensors.
    """

    def __init__(self, folder: str, about: dict[str, Any], is_kept_open: bool) -> None:
        """Maps the file."""
        self.path = os.path.join(folder, about["file"])
        self.native = _C.Shard(self.path, is_kept_open)
        stored = dict(self.native.tensors())
        self._stored = {_as_in_batch(name, about["values"]): name for name in stored}
        self.tensors = {key: stored[name] for key, name in self._stored.items()}
        self.is_even = bool(about["is_even"])
        if len(self.tensors["lengths"]) != about["records"]:
            raise ValueError(
                f"{len(self.tensors['lengths'])} records in {about['file']}, not {about['records']}"
            )
        _check_tensors(self.tensors, about)
        self.keys = [key for key in self.tensors if key not in _OF_TITLES]
        self.prefixes = [prefix for prefix in ("", "mate_") if prefix + "lengths" in self.tensors]
        self.wide_keys = {
            prefix: [prefix + key for key in _OF_POSITIONS if prefix + key in self.tensors]
            for prefix in self.prefixes
        }
        self.all_wide_keys = {key for keys in self.wide_keys.values() for key in keys}

    def rows(self, begin: int, count: int) -> dict[str, Tensor]:
        """Rows that stand side by side, in memory of their own."""
        stored = [self._stored[key] for key in self.keys]
        return dict(zip(self.keys, self.native.rows(stored, begin, count), strict=True))

    def copy_rows(self, key: str, rows: Tensor, places: Tensor, out: Tensor) -> None:
        """Rows of a tensor to their places in another."""
        self.native.copy_rows(self._stored[key], rows, places, out)

    def text(self, key: str, row: int) -> str:
        """A name or description."""
        begin, end = self.whole(key + "_offsets")[row : row + 2].tolist()
        if not 0 <= begin <= end <= len(self.tensors[key]):
            raise ParseError(
                f"{self.path}: expected {key} that follow each other, got "
                f"one from {begin} to {end}",
                self.path,
            )
        return self.tensors[key][begin:end].numpy().tobytes().decode("utf-8", "surrogateescape")

    def whole(self, key: str) -> Tensor:
        """A tensor over the file, after a look whether the file is still what it was."""
        self.native.check_unchanged()
        return self.tensors[key]


class EncodedShard(Shard):
    """A file that ``deepbio encode`` wrote.

    Names and files of the records stand beside it, their numbers follow.
    """

    def __init__(self, folder: str, about: dict[str, Any], is_kept_open: bool) -> None:
        """Maps the file; names, files and numbers of its records come with ``about``."""
        self.native = _C.Shard(os.path.join(folder, about["file"]), is_kept_open)
        self._names: list[str] = about["names"]
        stored, size = dict(self.native.tensors()), int(about["records"])
        if len(stored["lengths"]) != size or len(self._names) != size:
            raise ValueError(f"{len(stored['lengths'])} records in {about['file']}, not {size}")
        self._values = "input_ids" if about["is_tokens"] else "sequences"
        self.tensors = {self._values: stored["values"], "lengths": stored["lengths"]}
        if about["is_tokens"]:
            positions = torch.arange(stored["values"].shape[1])
            made = (positions < stored["lengths"].unsqueeze(1)).long()
            self.tensors["attention_mask"] = stored.get("attention_mask", made)
        self.tensors["index"] = torch.arange(about["first"], about["first"] + size)
        self.tensors["files"] = torch.tensor(about["files"], dtype=torch.int64)
        self.keys = [key for key in self.tensors if key != "files"]
        self.prefixes, self.is_even = [""], bool(about["is_even"])
        self.wide_keys = {"": [key for key in _OF_POSITIONS if key in self.tensors]}
        self.all_wide_keys = set(self.wide_keys[""])

    def rows(self, begin: int, count: int) -> dict[str, Tensor]:
        """Rows that stand side by side, in memory of their own."""
        out = {
            key: self.tensors[key][begin : begin + count].clone()
            for key in self.keys
            if key != self._values
        }
        return {self._values: self.native.rows(["values"], begin, count)[0], **out}

    def copy_rows(self, key: str, rows: Tensor, places: Tensor, out: Tensor) -> None:
        """Rows of a tensor to their places in another."""
        if key == self._values:
            self.native.copy_rows("values", rows, places, out)
        else:
            out[places] = self.tensors[key][rows]

    def text(self, key: str, row: int) -> str:
        """A name; descriptions are not kept."""
        return self._names[row] if key == "names" else ""
