"""What a model should say about a read: labels from titles, tables, files and the read itself.

Each function gives a callable that takes a :class:`~deepbio_torch.Record` and gives a class (int or
str) or a value (float), for ``target=`` of the datasets. Text becomes class ids in sorted order.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch

from . import _C
from ._arguments import path_text, seed_of
from ._batches.samplers import (
    WeightedSampler,
    balanced_sampler,
    class_tensor,
    class_weights,
    weighted_sampler,
)
from ._reads.labels import Extractor
from ._reads.records import Path, Record
from .errors import ArgumentError, ParseError

_STATISTICS = ("mean", "median", "min", "max", "std")
_FEATURES = ("gc_content", "length", "complexity")


class _Extractor:
    """A callable with options; an object so that spawned workers can have it."""

    def __init__(self, **options: Any) -> None:
        self._options = options

    def __repr__(self) -> str:
        shown = {name: value for name, value in self._options.items() if value is not None}
        options = ", ".join(f"{name}={value!r}" for name, value in shown.items())
        return f"{type(self).__name__.lstrip('_')}({options})"


class _Header(_Extractor):
    def __init__(
        self, pattern: str | None, key: str | None, converter: Callable[[str], Any] | None
    ) -> None:
        super().__init__(pattern=pattern, key=key)
        self._converter = converter
        text = pattern if pattern is not None else _key_pattern(key or "")
        try:
            self._search = re.compile(text)
        except re.error as problem:
            raise ArgumentError(
                f"pattern: expected a regular expression, got {pattern!r} ({problem})"
            ) from None
        if pattern is not None and self._search.groups < 1:
            raise ArgumentError(f"pattern: expected a group in parentheses, got {pattern!r}")

    def __call__(self, record: Record) -> Any:
        title = f"{record.name} {record.description}".rstrip()
        found = self._search.search(title)
        if found is None:
            wanted = self._options["pattern"] or self._options["key"]
            raise ArgumentError(f"target: expected {wanted!r} in the title, got {title!r}")
        label = next((part for part in found.groups() if part is not None), "")
        if self._converter is None:
            return label
        try:
            return self._converter(label)
        except (TypeError, ValueError) as problem:
            raise ArgumentError(
                f"target: expected a label to convert, got {label!r} in {title!r} ({problem})"
            ) from None


def _key_pattern(key: str) -> str:
    """A regular expression whose first group that matches is the label of a key.

    UniProt writes ``OS=Homo sapiens OX=9606``, so the label of a key of two capitals goes on to the
    next such key. SAM tags in a title (``RG:Z:lane 1``) are parted by tabs.
    """
    name, before = re.escape(key), r"(?:^|[\s|;,])"
    tag = rf"(?:^|\s){name}:[AifZHB]:([^\t]+)"
    plain = rf"{before}{name}\s*[=:]\s*([^\s|;,]+)"
    if not re.fullmatch("[A-Z]{2}", key):
        return rf"{tag}|{plain}"
    return rf"{tag}|{before}{name}=(.+?)(?=\s+[A-Z]{{2}}=|$)|{plain}"


def from_header(
    pattern: str | None = None,
    *,
    key: str | None = None,
    converter: Callable[[str], Any] | None = None,
) -> Extractor:
    """The label in the title of a record, name and description together.

    Args:
        pattern: a regular expression; its first group is the label.
        key: instead of a pattern: the title has ``key=label`` or ``key:label``, parted by white
            space, ``|``, ``;`` or ``,``; also a key of UniProt (``OS=Homo sapiens OX=9606``) or a
            SAM tag (``RG:Z:lane 1``, parted by tabs).
        converter: text to label, such as ``float``; None keeps text, which becomes classes.

    Raises (when called):
        ArgumentError: the title has no such label.
    """
    if (pattern is None) == (key is None):
        raise ArgumentError(
            f"from_header: expected a pattern or a key, got pattern={pattern!r}, key={key!r}"
        )
    return _Header(pattern, key, converter)


class _File(_Extractor):
    def __init__(self, path: str, id_column: str | None, label_column: str, converter: Any) -> None:
        super().__init__(path=path, id_column=id_column, label_column=label_column)
        rows = _read_rows(path)
        columns = [name for name in rows[0][1] if name is not None] if rows else []
        if id_column is None:
            known = ("id", "read_id", "name", "sample_id", "sample-id", "#id")
            id_column = next(
                (name for name in known if name in columns), columns[0] if columns else "id"
            )
        for name in (id_column, label_column):
            if name not in columns:
                found = ", ".join(map(repr, columns)) or "none"
                raise ArgumentError(f"{path}: expected a column {name!r}, got {found}")
        self._labels: dict[str, Any] = {}
        for where, row in rows:
            name = next(iter(str(row.get(id_column) or "").removeprefix("@").split()), "")
            label = row.get(label_column)
            if not name or label is None or label == "":
                missing = label_column if name else id_column
                raise ParseError(
                    f"{path}: {where}: expected a value of {missing!r}, got none", path
                )
            _check_cells(path, where, row, columns)
            if self._labels.setdefault(name, label) != label:
                both = f"{self._labels[name]!r} and {label!r}"
                raise ParseError(
                    f"{path}: {where}: expected one label for {name!r}, got {both}", path
                )
        convert = converter or _number_kind(list(self._labels.values()))
        for name, value in self._labels.items():
            try:
                self._labels[name] = convert(value)
            except (TypeError, ValueError) as problem:
                wrong = f"{value!r} of {name!r} ({problem})"
                raise ParseError(
                    f"{path}: expected a label to convert, got {wrong}", path
                ) from None

    def __call__(self, record: Record) -> Any:
        try:
            return self._labels[record.name]
        except KeyError:
            path = self._options["path"]
            raise ArgumentError(f"{path}: expected a label for {record.name!r}, got none") from None


def _read_rows(path: str) -> list[tuple[str, dict[str, Any]]]:
    """Rows of a table, each with where it stands."""
    text = _C.read_text(path).removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if text.lstrip().startswith(("[", "{")):
        try:
            rows = json.loads(text)
        except json.JSONDecodeError as problem:
            raise ParseError(
                f"{path}: line {problem.lineno}: expected JSON, got {problem.msg}", path
            ) from None
        if isinstance(rows, dict):
            rows = [{"id": name, "label": label} for name, label in rows.items()]
        if not all(isinstance(row, dict) for row in rows):
            raise ParseError(f"{path}: expected a list of objects or an object of labels", path)
        return [(f"entry {i + 1}", row) for i, row in enumerate(rows)]
    reader = csv.DictReader(
        io.StringIO(text, newline=""), delimiter="\t" if "\t" in text.split("\n", 1)[0] else ","
    )
    return [(f"line {reader.line_num}", row) for row in reader]


def _check_cells(path: str, where: str, row: dict[Any, Any], columns: Sequence[str]) -> None:
    """Refuses a row with more or fewer cells than the header."""
    extra = row.get(None, [])
    is_short = where.startswith("line") and any(value is None for value in row.values())
    if extra or is_short:
        count = sum(value is not None for key, value in row.items() if key is not None) + len(extra)
        expected, got = f"{len(columns)} cells as in the header", f"{count}"
        hint = "; a cell with the separator in it stands in quotes" if extra else ""
        raise ParseError(
            f"{path}: {where}: expected {expected}, got {got}{hint}",
            path,
            expected=expected,
            got=got,
        )


def _keeps_apart(kind: Callable[[Any], Any], values: Sequence[Any]) -> bool:
    """Whether cells that differ as text differ as numbers too, and none is written as 06."""
    texts = {value for value in values if isinstance(value, str)}
    if kind is int and any(str(int(text)) != text.strip() for text in texts):
        return False
    return len({kind(text) for text in texts}) == len(texts)


def _number_kind(values: Sequence[Any]) -> Callable[[Any], Any]:
    """Int when all are whole numbers, float when all are numbers, else str.

    Str when numbers would make cells equal.
    """
    for kind in (int, float):
        try:
            for value in values:
                if isinstance(value, float) and kind is int and not value.is_integer():
                    raise ValueError
                kind(value)
            return kind if _keeps_apart(kind, values) else str
        except (TypeError, ValueError):
            continue
    return str


def from_file(
    path: Path,
    *,
    id_column: str | None = None,
    label_column: str = "label",
    converter: Callable[[Any], Any] | None = None,
) -> Extractor:
    """Labels of a companion table.

    CSV, TSV or JSON (a list of objects, or an object from id to label).

    Args:
        path: the table; its kind is told by its content.
        id_column: column of record names; None takes "id", "read_id", "name" or the first column.
        label_column: column of labels.
        converter: cell to label; None takes whole numbers as classes, other numbers as values, and
            text as classes. Cells that differ stay different: 1.1 and 1.10, 6 and 06 are text.
            ``float`` makes them numbers.

    Raises:
        MissingFileError: no such file. ParseError: a row without id or label, two labels for one
            id, bad JSON. ArgumentError: no such column; when called, a record without a label.
    """
    return _File(path_text(path), id_column, label_column, converter)


class _Quality(_Extractor):
    def __call__(self, record: Record) -> float:
        if record.quality is None:
            raise ArgumentError(f"target: expected qualities, {record.name!r} has none (FASTA?)")
        if not record.quality:
            return 0.0
        scores = torch.frombuffer(bytearray(record.quality), dtype=torch.uint8).double() - 33
        statistic = self._options["statistic"]
        if statistic == "std":
            return float(scores.std(unbiased=False))
        if statistic == "median":
            return float(scores.quantile(0.5))
        return float(getattr(scores, statistic)())


def from_quality(statistic: str = "mean") -> Extractor:
    """A number over the Phred scores of a read.

    "mean", "median", "min", "max" or "std" (population).
    """
    if statistic not in _STATISTICS:
        raise ArgumentError(f"statistic: expected {', '.join(_STATISTICS)}, got {statistic!r}")
    return _Quality(statistic=statistic)


class _Feature(_Extractor):
    def __call__(self, record: Record) -> float:
        counts = Counter(record.sequence.upper())
        size = len(record.sequence)
        feature = self._options["feature"]
        if feature == "length":
            return float(size)
        if feature == "gc_content":
            return sum(counts[letter] for letter in b"GCS") / size if size else 0.0
        return -sum(n / size * math.log2(n / size) for n in counts.values()) + 0.0


def from_sequence(feature: str = "gc_content") -> Extractor:
    """A number over the letters.

    "gc_content" (share of G, C, S), "length", or "complexity" (Shannon entropy, bits).
    """
    if feature not in _FEATURES:
        raise ArgumentError(f"feature: expected {', '.join(_FEATURES)}, got {feature!r}")
    return _Feature(feature=feature)


class _Constant(_Extractor):
    def __call__(self, record: Record) -> Any:
        return self._options["value"]


def constant(value: Any) -> Extractor:
    """The same label for every record, for files of one class."""
    return _Constant(value=value)


class _Classes(_Extractor):
    def __call__(self, record: Record) -> int:
        label = self._options["extractor"](record)
        try:
            return int(self._options["classes"].index(label))
        except ValueError:
            raise ArgumentError(
                f"target: expected one of {self._options['classes']}, got {label!r}"
            ) from None


def classes(names: Sequence[Any], extractor: Extractor) -> Extractor:
    """Class ids in an order of your own: the place in ``names`` of what ``extractor`` gives."""
    return _Classes(classes=list(names), extractor=extractor)


def stratified_split(
    labels: Any, test_size: float = 0.2, *, seed: int | None = 0
) -> tuple[list[int], list[int]]:
    """Indices to train on and indices held back, with the same share of each class.

    Args:
        labels: class ids [N], or a dataset that has them.
        test_size: share held back, 0 to 1.
        seed: of the draw.
    """
    if not 0 < test_size < 1:
        raise ArgumentError(f"test_size: expected a share between 0 and 1, got {test_size}")
    values = class_tensor(labels)
    generator = torch.Generator().manual_seed(_C.mixed_seed(seed_of(seed), 0))
    held_back: list[int] = []
    for label in sorted(set(values.tolist())):
        members = (values == label).nonzero().flatten()
        count = round(test_size * len(members))
        if len(members) > 1:
            count = min(max(count, 1), len(members) - 1)
        held_back += members[torch.randperm(len(members), generator=generator)[:count]].tolist()
    apart = set(held_back)
    return [i for i in range(len(values)) if i not in apart], sorted(held_back)


__all__ = [
    "WeightedSampler",
    "balanced_sampler",
    "class_weights",
    "classes",
    "constant",
    "from_file",
    "from_header",
    "from_quality",
    "from_sequence",
    "stratified_split",
    "weighted_sampler",
]
