"""Rows of token ids as one batch, padded as transformers' tokenizers pad."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from .._batches.batch import Batch
from ..errors import ArgumentError

Options: TypeAlias = tuple[
    bool | str, int | None, int | None, str
]  # padding, max_length, multiple, side


def pad_rows(
    tokenizer: Any, given: Any, options: Options, with_mask: bool, return_tensors: str | None
) -> Batch:
    """The batch of rows; see ``Tokenizer.pad``."""
    columns, is_one = _columns_of(given)
    rows = columns["input_ids"]
    columns.setdefault("attention_mask", [[1] * len(row) for row in rows])
    fills = {
        "input_ids": tokenizer.pad_token_id,
        "attention_mask": 0,
        "special_tokens_mask": 1,
        "token_type_ids": 0,
    }
    width = _width(rows, options)
    if width is not None and any(len(row) != width for row in rows) and fills["input_ids"] is None:
        raise ArgumentError(
            f"{tokenizer.name}: rows differ in length, and there is no padding "
            "token; name it (pad_token=)"
        )
    out: dict[str, Any] = {}
    for key, values in columns.items():
        if key in fills and width is not None:
            values = [_padded(value, width, fills[key], options[3]) for value in values]
        out[key] = (
            values[0]
            if is_one and return_tensors is None
            else _converted(key, values, return_tensors)
        )
    if not with_mask:
        del out["attention_mask"]
    return Batch(out)


def _columns_of(given: Any) -> tuple[dict[str, list[Any]], bool]:
    """The columns of a list of dicts or a dict of lists, and whether it was a single row."""
    if isinstance(given, Mapping):
        columns = {key: _list(given[key]) for key in given}
    elif (
        isinstance(given, Sequence)
        and len(given)
        and all(isinstance(row, Mapping) for row in given)
    ):
        columns = {
            key: [_list(row[key]) for row in given]
            for key in given[0]
            if all(key in row for row in given)
        }
    else:
        raise ArgumentError(f"pad: expected a list of dicts or a dict of lists, got {given!r:.60}")
    if "input_ids" not in columns:
        raise ArgumentError(
            f"pad: expected 'input_ids', got {', '.join(map(str, columns)) or 'no key'}"
        )
    is_one = bool(columns["input_ids"]) and not isinstance(columns["input_ids"][0], list)
    return ({key: [values] for key, values in columns.items()} if is_one else columns), is_one


def _list(value: Any) -> Any:
    return (
        value.tolist() if isinstance(value, Tensor) or type(value).__module__ == "numpy" else value
    )


def _width(rows: Sequence[Sequence[int]], options: Options) -> int | None:
    padding, max_length, multiple, _ = options
    if padding in (False, "do_not_pad"):
        return None
    if padding == "max_length":
        if max_length is None:
            raise ArgumentError("max_length: expected a number for padding='max_length', got None")
        width = max_length
    elif padding in (True, "longest"):
        width = max(map(len, rows))
    else:
        raise ArgumentError(
            f"padding: expected True, False, 'longest' or 'max_length', got {padding!r}"
        )
    return width + -width % multiple if multiple else width


def _padded(row: Sequence[int], width: int, fill: Any, side: str) -> list[int]:
    missing = [fill] * (width - len(row))
    return [*missing, *row] if side == "left" else [*row, *missing]


def _converted(key: str, values: list[Any], return_tensors: str | None) -> Any:
    if return_tensors is None:
        return values
    if return_tensors not in ("pt", "np"):
        raise ArgumentError(f"return_tensors: expected 'pt', 'np' or None, got {return_tensors!r}")
    try:
        tensor = torch.tensor(values)
    except (ValueError, TypeError, RuntimeError):
        if key != "input_ids":
            return values  # names, metadata
        raise ArgumentError("pad: rows differ in length; ask for padding=True") from None
    return tensor.numpy() if return_tensors == "np" else tensor
