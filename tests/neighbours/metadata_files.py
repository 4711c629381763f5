"""Generated metadata, and how they are read here and elsewhere."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path
from typing import Any

import pandas as pd
from file_parts import as_lines, ids, text_of

import deepbio_torch as db

Compared = tuple[Any, Any]


def metadata_file(rng: random.Random, path: Path) -> None:
    """A mapping file: quotes, numbers, words that look like missing values, empty cells,
    comments."""
    names = [name.replace("#", "") for name in ids(rng, rng.randrange(1, 10))]
    words = (
        "gut",
        "NA",
        "none",
        "",
        "a b",
        "1.5",
        "01",
        "5e3",
        "ü",
        'say "x"',
        "x, y",
        "Missing: Not provided",
        "-",
    )
    columns = {f"c{k} x": [rng.choice(words) for _ in names] for k in range(rng.randrange(1, 5))}
    if rng.random() < 0.5:
        columns["age"] = [f"{rng.uniform(0, 90):.2f}" for _ in names]
    frame = pd.DataFrame(columns, index=names)
    header = rng.choice(("sample-id", "#SampleID", "sample_name", "id", "sampleid"))
    if rng.random() < 0.25:  # as most people write them: no quotes at all
        rows = [
            (header, *frame.columns),
            *((name, *cells) for name, cells in zip(names, _cells(frame), strict=True)),
        ]
        path.write_bytes(as_lines("".join("\t".join(row) + "\n" for row in rows), rng))
        return
    quoting = rng.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    path.write_bytes(
        as_lines(
            frame.to_csv(sep="\t", index_label=header, quoting=quoting, lineterminator="\n"), rng
        )
    )


def _cells(frame: pd.DataFrame) -> list[list[str]]:
    return [[cell.replace('"', "") for cell in row] for row in frame.to_numpy().tolist()]


def metadata_both(path: Path) -> Compared:
    """Cells as text by this library and by pandas."""

    def ours() -> Any:
        metadata = db.read_metadata(path)
        return metadata.ids, metadata.columns, [
            [None if cell is None else str(cell) for cell in metadata.labels(column)]
            for column in metadata.columns
        ]  # fmt: skip

    def theirs() -> Any:
        text = text_of(path)
        frame = pd.read_csv(io.StringIO(text), sep="\t", dtype=str, keep_default_na=False)
        names, columns = list(frame.iloc[:, 0]), list(frame.columns[1:])
        return names, columns, [[cell or None for cell in frame[column]] for column in columns]

    return ours, theirs
