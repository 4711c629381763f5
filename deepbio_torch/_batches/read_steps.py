"""Records through the steps of a dataset or stream, and what both check of their options."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import ArgumentError
from ..transforms import Plan
from .batch import Batch, Later, Sample
from .source import metadata_of

_MATE = 1 << 62  # set in the record index of a second read, so that its draws are its own


def check_quality_offset(offset: int) -> int:
    """33 or 64, anything else is an ArgumentError."""
    if offset not in (33, 64):
        raise ArgumentError(f"quality_offset: expected 33 or 64, got {offset!r}")
    return offset


def plan_for(transform: Callable[[Any], Any] | None, sequence_type: str) -> Plan:
    """The plan of a transform that fits the alphabet of the dataset."""
    plan = Plan(transform)
    plan.check_data(sequence_type)
    return plan


def add_titles(
    batch: Batch, rows: Any, paths: list[str], files_of: Callable[[slice], list[int]], epoch: int
) -> Batch:
    """The batch with names and metadata of its records, made when they are asked for.

    ``files_of`` gives the numbers of the files of some rows.
    """
    index = batch["index"]

    def metadata() -> list[dict[str, Any]]:
        return metadata_of(paths, rows.descriptions(), files_of(slice(None)), index.tolist(), epoch)

    def metadata_of_row(row: int) -> dict[str, Any]:
        part = slice(row, row + 1)
        return metadata_of(
            paths, [rows.description(row)], files_of(part), index[part].tolist(), epoch
        )[0]

    batch["ids"], batch["metadata"] = Later(rows.names, rows.name), Later(metadata, metadata_of_row)
    return batch


def make_sample(
    dataset: Any, raw: Sequence[Any], label: Any, metadata: dict[str, Any], mate: Any = None
) -> Any:
    """A record, and its mate, through the steps of a dataset; None when a step drops it."""
    name, _, sequence, quality = raw
    sample = Sample(sequence=sequence, quality=quality, id=name, label=label, metadata=metadata)
    out = dataset.steps(sample)
    if mate is None or out is None:
        return out
    key = {**metadata, "index": metadata["index"] | _MATE}
    other = dataset.steps(
        Sample(sequence=mate[2], quality=mate[3], id=mate[0], label=label, metadata=key)
    )
    if other is None:
        return None
    out = out if isinstance(out, Sample) else Sample(out)
    for part in ("sequence", "quality", "input_ids", "attention_mask"):
        if part in other:
            out["mate_" + part] = other[part]
    out.mate_length, out.mate_letters = (
        getattr(other, "length", None),
        getattr(other, "letters", None),
    )
    return out
