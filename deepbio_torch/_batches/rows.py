"""Rows of batches: some of them, and those of several batches in one. B rows, U distinct ASVs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..errors import ArgumentError

_OF_ROWS = (
    "sample_index",
    "index",
    "lengths",
    "ids",
    "sample_ids",
    "labels",
    "input_ids",
    "sequences",
)
_OF_ASVS = ("asv_tokens", "asv_features", "asv_embeddings")  # [U, ...]


def rows_of(fields: Mapping[str, Any]) -> int:
    """B of a batch.

    Raises:
        ArgumentError: nothing in it has rows.
    """
    for key in _OF_ROWS:
        if isinstance(fields.get(key), Tensor | list):
            return len(fields[key])
    raise ArgumentError(
        f"batch: expected one of {', '.join(_OF_ROWS)}, got {', '.join(fields) or 'no key'}"
    )


def take_rows(fields: Mapping[str, Any], rows: Any) -> dict[str, Any]:
    """Some rows of a batch: of a slice, a number, a list of numbers or a bool mask [B].

    Distinct ASVs stay distinct.
    """
    size = rows_of(fields)
    try:
        chosen = torch.arange(size)[[rows] if isinstance(rows, int) else rows]
    except (IndexError, TypeError) as problem:
        raise ArgumentError(
            f"batch: expected rows of {size} as a slice or list of numbers, got {rows!r:.60}"
        ) from problem
    taken = {key: _taken(key, value, chosen, size) for key, value in fields.items()}
    return _compact(taken) if "asv_index" in taken else taken


def _taken(key: str, value: Any, rows: Tensor, size: int) -> Any:
    if isinstance(value, dict):
        return {name: _taken(name, part, rows, size) for name, part in value.items()}
    if key in _OF_ASVS:
        return value
    if isinstance(value, list) and len(value) == size:
        return [value[i] for i in rows.tolist()]
    if isinstance(value, Tensor) and value.dim() > 0 and len(value) == size:
        own = rows.to(value.device)
        return value[own][:, own] if key == "distances" else value[own]
    return value


def _compact(fields: dict[str, Any]) -> dict[str, Any]:
    """Leaves out ASVs that no row has any more."""
    index, mask = fields["asv_index"], fields["mask"]
    used = index[mask].unique()
    fields["asv_index"] = torch.searchsorted(used, index) * mask
    for key in _OF_ASVS:
        if isinstance(fields.get(key), Tensor):
            fields[key] = fields[key][used]
    return fields


def join_batches(batches: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The rows of several batches, padded to the widest.

    Raises:
        ArgumentError: no batch, other keys.
    """
    if not batches:
        raise ArgumentError("Batch.cat: expected at least one batch, got none")
    keys = list(batches[0])
    for batch in batches[1:]:
        if set(batch) != set(keys):
            raise ArgumentError(
                f"Batch.cat: expected the keys {', '.join(keys)}, got {', '.join(batch)}"
            )
    if "asv_index" in keys:
        return _join_samples(batches, keys)
    return {key: _joined(key, [batch[key] for batch in batches], batches) for key in keys}


def _joined(key: str, values: list[Any], batches: Sequence[Mapping[str, Any]]) -> Any:
    if isinstance(values[0], dict):
        return {
            name: _joined(name, [value[name] for value in values], batches) for name in values[0]
        }
    if isinstance(values[0], list):
        return [item for value in values for item in value]
    if not isinstance(values[0], Tensor):
        return values[0]
    sizes = {value.shape[1:] for value in values}
    if len(sizes) == 1:
        return torch.cat(values)
    fill, on_left = _padding(key, values[0], batches)
    widest = [max(size[axis] for size in sizes) for axis in range(len(values[0].shape) - 1)]
    return torch.cat([_widened(value, widest, fill, on_left) for value in values])


def _widened(value: Tensor, widths: Sequence[int], fill: float, on_left: bool) -> Tensor:
    missing = [width - size for width, size in zip(widths, value.shape[1:], strict=True)]
    both = [(part, 0) if on_left else (0, part) for part in reversed(missing)]
    return pad(value, [size for sides in both for size in sides], value=fill)


def _padding(key: str, value: Tensor, batches: Sequence[Mapping[str, Any]]) -> tuple[float, bool]:
    """What a tensor is padded with, and whether on the left."""
    mask_key = key.replace("input_ids", "attention_mask")
    if not key.endswith(("input_ids", "attention_mask")):
        return (
            0 if value.is_floating_point() else 255 if value.dtype == torch.uint8 else -1
        ), False
    on_left = any(
        bool((batch[mask_key][:, 0] == 0).any()) for batch in batches if batch[mask_key].numel()
    )
    if key == mask_key:
        return 0, on_left
    for batch in batches:
        padded = batch[key][batch[mask_key] == 0]
        if len(padded):
            return int(padded[0]), on_left
    raise ArgumentError(
        f"Batch.cat: {key} differ in width, and none of them shows what tokens are padded with"
    )


def _join_samples(batches: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> dict[str, Any]:
    """Batches of samples of one table: an ASV of several of them comes once."""
    features = torch.unique(torch.cat([batch["asv_features"] for batch in batches]))
    width = max(batch["asv_tokens"].shape[1] for batch in batches)
    tokens = torch.zeros(len(features), width, dtype=torch.int64)
    out: dict[str, Any] = {}
    indices = []
    for batch in batches:
        places = torch.searchsorted(features, batch["asv_features"])
        tokens[places, : batch["asv_tokens"].shape[1]] = batch["asv_tokens"]
        indices.append(places[batch["asv_index"]] * batch["mask"])
    for key in keys:
        if key == "asv_features":
            out[key] = features
        elif key == "asv_tokens":
            out[key] = tokens
        elif key == "distances":
            out[key] = _join_distances([batch[key] for batch in batches])
        else:
            values = indices if key == "asv_index" else [batch[key] for batch in batches]
            out[key] = (
                _join_padded(values)
                if key in ("asv_index", "mask", "counts")
                else _joined(key, values, batches)
            )
    return out


def _join_distances(values: list[Tensor]) -> Tensor:
    """The distances within each batch.

    NaN between samples of two batches, which nobody computed.
    """
    sizes = [len(value) for value in values]
    out = values[0].new_full((sum(sizes), sum(sizes)), float("nan"))
    first = 0
    for value, size in zip(values, sizes, strict=True):
        out[first : first + size, first : first + size] = value
        first += size
    return out


def _join_padded(values: list[Tensor]) -> Tensor:
    width = max(value.shape[1] for value in values)
    return torch.cat([pad(value, [0, width - value.shape[1]]) for value in values])
