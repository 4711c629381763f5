"""Samples held back: a dataset in two, and what training samples alone may say about both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .. import _C
from .._arguments import seed_of
from .._log import logger
from ..errors import ArgumentError
from .covariates import seen_values


def split_samples(
    dataset: Any, test_size: float, seed: int | None, group: str | Sequence[str] | None
) -> tuple[Any, Any]:
    """See :meth:`SampleDataset.split`."""
    groups = _groups(dataset, group) if group is not None else []
    train, held_back, notes = _C.split_samples(
        len(dataset), test_size, seed_of(seed), dataset._labels, groups
    )
    for note in notes:
        logger.warning(note)
    parts = dataset.subset(train), dataset.subset(held_back, redraw=False)
    for part in parts:
        part.notes = [*dataset.notes, *notes]
    if dataset.codec and not dataset._labels:
        codec = _C.refit_target(dataset.codec, parts[0]._values)
        for part in parts:
            part.codec = codec
            part._targets = _C.normalize_targets(codec, part._values)
    if dataset.categories:
        categories, numbers = seen_values(json.loads(dataset.categories), parts[0]._categories)
        for part in parts:
            part.categories = categories
            part._categories = {
                column: numbers[column][ids] for column, ids in part._categories.items()
            }
    return parts


def _groups(dataset: Any, group: str | Sequence[str]) -> list[str]:
    """A word for each sample; "" where the metadata say nothing."""
    if not isinstance(group, str):
        groups = [str(value) for value in group]
        if len(groups) != len(dataset):
            raise ArgumentError(
                f"group: expected a value for each of {len(dataset)} samples, got {len(groups)}"
            )
        return groups
    if dataset._metadata is None:
        raise ArgumentError(f"group: column {group!r} needs metadata=PATH")
    about = dataset._metadata.native
    values = dict(zip(about.ids, about.values(group), strict=True))
    return [
        "" if _C.is_missing(values.get(name, "")) else values[name] for name in dataset.sample_ids
    ]
