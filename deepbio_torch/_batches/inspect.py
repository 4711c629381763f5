"""What a dataset of reads holds: summary and validation."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from torch import Tensor

from .._community.ids import html_table, some_of
from ..errors import ArgumentError
from .source import ReadSource

_CHUNK = 1024  # records of an encoded batch that is looked at


def summarize(data: ReadSource) -> dict[str, Any]:
    """Counts and distributions of the raw records."""
    numbers = data.native().numbers(data.sequence_type)
    quality = numbers["mean_quality"]
    has_quality = len(quality) > 0 and not bool(quality.isnan().any())
    out = {
        "num_samples": len(data),
        "sequence_type": data.sequence_type,
        "sequence_lengths": _distribution(numbers["lengths"]),
        "total_letters": int(numbers["lengths"].sum()),
        "gc_content": _distribution(numbers["gc"]),
        "has_quality": has_quality,
        "quality": _distribution(quality) if has_quality else None,
        "has_labels": data.labels is not None,
        "classes": _classes(data.labels, data.classes),
        "memory_bytes": numbers["num_bytes"],
    }
    if data.has_mates:
        mates = data.native().numbers(data.sequence_type, True)
        out["mate_lengths"] = _distribution(mates["lengths"])
        out["memory_bytes"] += mates["num_bytes"]
    return out


def _distribution(values: Tensor) -> dict[str, float]:
    if len(values) == 0:
        return dict.fromkeys(("min", "max", "mean", "median", "std"), float("nan"))
    exact = values.double()
    ordered = exact.sort().values
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    return {
        "min": float(ordered[0]),
        "max": float(ordered[-1]),
        "mean": float(exact.mean()),
        "median": float(middle),
        "std": float(exact.std(unbiased=False)),
    }


def _classes(labels: Any, names: Any) -> dict[Any, Any] | None:
    """Count and percent of each class; by target when there are several."""
    if isinstance(labels, dict):
        return {name: _classes(values, (names or {}).get(name)) for name, values in labels.items()}
    if labels is None or labels.is_floating_point():
        return None
    counts = Counter(labels.tolist())
    total = len(labels)
    return {
        names[label] if names else label: {"count": count, "percent": 100 * count / total}
        for label, count in sorted(counts.items())
    }


def validate(
    data: ReadSource, num_examples: int, progress: Callable[[int, int], None] | None
) -> dict[str, Any]:
    """Every record, and every encoded batch when the transform is native."""
    native, size = data.native(), len(data)
    errors: list[str] = []
    warnings: list[str] = []
    if size == 0:
        errors.append("no records" + (" that filters let pass" if native.num_filtered else ""))
    for is_mate in (False, True)[: 1 + data.has_mates]:
        numbers = native.numbers(data.sequence_type, is_mate)
        who = "mates" if is_mate else "records"

        def note(
            chosen: Tensor, what: str, into: list[str], who: str = who, is_mate: bool = is_mate
        ) -> None:
            places = chosen.nonzero().flatten()
            if len(places):
                names = [
                    f"{native.record(i, is_mate)[0]!r} ({i})"
                    for i in places[:num_examples].tolist()
                ]
                share = f"{len(places)} of {size} {who} ({100 * len(places) / size:.3g} %)"
                more = ", ..." if len(places) > len(names) else ""
                into.append(f"{share} {what}: {', '.join(names)}{more}")

        lengths, unknown = numbers["lengths"], numbers["num_unknown"]
        note(lengths == 0, "are empty", errors)
        note(unknown > 0, f"have letters outside of the {data.sequence_type} alphabet", warnings)
        note((unknown == lengths) & (lengths > 0), "have no letter of the alphabet", warnings)
        quality = numbers["mean_quality"]
        if 0 < int(quality.isnan().sum()) < size:
            note(quality.isnan(), "have no qualities, and others do", warnings)
    skipped = native.report()["num_skipped"]
    if skipped:
        warnings.append(f"{skipped} bad records were skipped: {native.report()['reasons']}")
    labels = data.labels if isinstance(data.labels, dict) else {"labels": data.labels}
    for name, values in labels.items():
        bad = [] if values is None else (~values.isfinite()).nonzero().flatten().tolist()
        if bad:
            errors.append(f"{len(bad)} of {size} {name} are NaN or infinite: {bad[:num_examples]}")
    if data.is_native:
        errors += _encoded_problems(data, num_examples, progress)
    elif progress is not None:
        progress(size, size)
    return {"is_valid": not errors, "errors": errors, "warnings": warnings}


def _encoded_problems(
    data: ReadSource, num_examples: int, progress: Callable[[int, int], None] | None
) -> list[str]:
    size, encoder = len(data), data._plan.encoder
    assert encoder is not None
    low, high = encoder.bounds()
    bad: list[int] = []
    for begin in range(0, size, _CHUNK):
        indices = range(begin, min(begin + _CHUNK, size))
        try:
            batch = data.batch(indices)
        except ArgumentError as problem:
            return [f"encoding fails: {problem}"]
        for key in ("sequences", "input_ids", "mate_sequences", "mate_input_ids"):
            if key in batch:
                values = batch[key].flatten(1)
                wrong = ~((values >= low) & (values <= high)).all(1)  # NaN is neither
                bad += [begin + row for row in wrong.nonzero().flatten().tolist()]
        if progress is not None:
            progress(indices.stop, size)
    if not bad:
        return []
    bad = sorted(set(bad))
    return [
        f"{len(bad)} of {size} encoded records hold NaN or numbers outside {low} to {high}: "
        f"{bad[:num_examples]}"
    ]


def page_of_reads(data: Any) -> str:
    """What a notebook shows of a SequenceDataset.

    Of one whose files were not read yet, nothing is read for it.
    """
    rows: list[tuple[str, object]] = [("files", f"{len(data.paths)} ({some_of(data.paths)})")]
    if data.file_marks():
        rows += [("records", len(data)), ("classes", data.classes)]
    return html_table([*rows, ("letters", data.sequence_type), ("transform", data.transform)])


def page_of_stream(data: Any) -> str:
    """What a notebook shows of a StreamingSequenceDataset."""
    about = {"transform": data.transform, "shuffle buffer": data.shuffle_buffer, "seed": data.seed}
    files = f"{len(data.paths)} ({some_of(data.paths)})"
    return html_table([("files", files), ("letters", data.sequence_type), *about.items()])


def page_of_samples(data: Any) -> str:
    """What a notebook shows of a SampleDataset."""
    depth, codec = data.options["rarefy_depth"] or "all", json.loads(data.codec or "{}")
    rows = [
        ("samples", f"{len(data)} ({some_of(data.sample_ids)})"),
        ("features", data.table.shape[1]),
    ]
    classes = (
        ", ".join(codec["classes"]) if "classes" in codec else "none, a number" if codec else "none"
    )
    return html_table(
        [
            *rows,
            ("reads of each", depth),
            ("target", codec.get("column", "none")),
            ("classes", classes),
        ]
    )
