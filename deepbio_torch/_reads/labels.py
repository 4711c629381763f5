"""What a target gives for the records of a dataset, checked and as tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, TypeAlias

import torch
from torch import Tensor

from .. import _C
from ..errors import ArgumentError
from .records import Record

Extractor: TypeAlias = Callable[[Record], Any]
Target: TypeAlias = str | Extractor | Mapping[str, Extractor]

_READ_AT_ONCE = 4096  # records; of a large compressed file neighbours cost far less than one by one


class Labels:
    """Labels of all records of a dataset.

    Attributes:
        values: int64 or float32 [N], a dict of such, or None.
        classes: names in the order of ids, when labels were text; with several targets a dict of
            those that were.
    """

    def __init__(
        self,
        values: Tensor | dict[str, Tensor] | None = None,
        classes: list[str] | dict[str, list[str]] | None = None,
    ) -> None:
        """Keeps them."""
        self.values, self.classes = values, classes

    def of(self, index: int) -> Any:
        """The label of one record as numbers."""
        if isinstance(self.values, dict):
            return {name: values[index].item() for name, values in self.values.items()}
        return None if self.values is None else self.values[index].item()

    def add_to(self, batch: dict[str, Any], index: Tensor) -> None:
        """Puts the labels of these records into a batch."""
        if isinstance(self.values, dict):
            batch["labels"] = {name: values[index] for name, values in self.values.items()}
        elif self.values is not None:
            batch["labels"] = self.values[index]


def check_target(target: Any) -> None:
    """Refuses what is no target."""
    several = target.values() if isinstance(target, Mapping) else [target]
    if target is None or target == "file" or (several and all(callable(each) for each in several)):
        return
    raise ArgumentError(
        f"target: expected None, 'file', a callable or a dict of callables, got {target!r}"
    )


def make_labels(target: Target | None, native: _C.ReadDataset, paths: Sequence[str]) -> Labels:
    """The labels of every record of a native dataset."""
    if target is None:
        return Labels()
    size = len(native)
    if isinstance(target, str):
        return Labels(torch.tensor(native.files_of(range(size)), dtype=torch.int64))
    extractors = target if isinstance(target, Mapping) else {"": target}
    columns: dict[str, list[Any]] = {name: [] for name in extractors}
    for begin in range(0, size, _READ_AT_ONCE):
        for raw in native.records(range(begin, min(begin + _READ_AT_ONCE, size))):
            record = Record(*raw)
            for name, extractor in extractors.items():
                columns[name].append(checked_label(extractor(record), record.name, name))
    for name, column in columns.items():
        check_one_kind(column, lambda i: Record(*native.record(i, False)).name, name)
    found = {name: labels_of(values) for name, values in columns.items()}
    if not isinstance(target, Mapping):
        return found[""]
    values = {
        name: labels.values for name, labels in found.items() if isinstance(labels.values, Tensor)
    }
    names = {
        name: labels.classes for name, labels in found.items() if isinstance(labels.classes, list)
    }
    return Labels(values, names or None)


def checked_label(label: Any, record: str, target: str = "") -> str | int | float:
    """A label that a target gave for a record: text, a whole number or another number.

    Raises:
        ArgumentError: it gave something else (None, a list, a number above int64).
    """
    if getattr(label, "ndim", None) == 0:  # a number of NumPy or torch
        label = label.item()
    if isinstance(label, str):
        return label
    if isinstance(label, Integral):
        if -(2**63) <= int(label) < 2**63:
            return int(label)
    elif isinstance(label, Real):
        return float(label)
    who = f"target {target!r}" if target else "target"
    raise ArgumentError(
        f"{who}: expected a class (int or text) or a number for {record!r}, got {_brief(label)}"
    )


def check_one_kind(
    labels: Sequence[str | int | float], name_of: Callable[[int], str], target: str = ""
) -> None:
    """Refuses labels of which some are text and some numbers.

    ``name_of`` gives the name of a record.
    """
    is_text = [isinstance(label, str) for label in labels]
    if any(is_text) and not all(is_text):
        first, other = is_text.index(True), is_text.index(False)
        who = f"target {target!r}" if target else "target"
        raise ArgumentError(
            f"{who}: expected text for all records or numbers for all, got "
            f"{_brief(labels[first])} for {name_of(first)!r} and {_brief(labels[other])} for "
            f"{name_of(other)!r}"
        )


def checked_number(label: Any, record: str, target: str = "") -> int | float:
    """A label of a stream, which cannot know all classes beforehand and so takes no text."""
    checked = checked_label(label, record, target)
    if isinstance(checked, str):
        raise ArgumentError(
            "target: a stream does not know all classes beforehand, got "
            f"{_brief(checked)} for {record!r}; use targets.classes(names, extractor)"
        )
    return checked


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def labels_of(values: Sequence[Any]) -> Labels:
    """Labels as a tensor.

    Text to class ids in sorted order, whole numbers int64, others float32.
    """
    if values and all(isinstance(value, str) for value in values):
        names = sorted(set(values))
        places = {name: place for place, name in enumerate(names)}
        return Labels(torch.tensor([places[value] for value in values], dtype=torch.int64), names)
    is_class = all(isinstance(value, Integral) for value in values)
    return Labels(torch.tensor([*values], dtype=torch.int64 if is_class else torch.float32))
