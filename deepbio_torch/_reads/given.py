"""Records that a caller has in memory, as files that datasets read, with their labels."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .._arguments import letters
from ..errors import ArgumentError
from .records import Record


class GivenLabels:
    """A target that knows the label of each record by its name.

    An object so that spawned workers can have it.
    """

    def __init__(self, labels: dict[str, Any]) -> None:
        """Keeps them."""
        self._labels = labels

    def __call__(self, record: Record) -> Any:
        return self._labels[record.name]

    def __repr__(self) -> str:
        return f"GivenLabels({len(self._labels)} records)"


def write_records(
    ids: Sequence[Any], sequences: Sequence[Any], qualities: Sequence[Any] | None
) -> tuple[tempfile.TemporaryDirectory[str], str]:
    """A temporary FASTA file, or FASTQ with qualities, and the folder that goes with its owner.

    Raises:
        ArgumentError: numbers that differ, a name with white space, letters that no file can hold.
    """
    names = [str(name) for name in ids]
    for what, items in (("sequences", sequences), ("qualities", qualities)):
        if items is not None and len(items) != len(names):
            raise ArgumentError(
                f"{what}: expected one for each of {len(names)} ids, got {len(items)}"
            )
    wrong = next((name for name in names if not name or name != "".join(name.split())), None)
    if wrong is not None:
        raise ArgumentError(f"ids: expected names without white space, got {wrong!r}")
    parts = []
    for number, name in enumerate(names):
        read = letters(sequences[number], f"sequence {number}")
        title = name.encode("utf-8", "surrogateescape")
        if qualities is None:
            parts.append(b">%s\n%s\n" % (title, read))
        else:
            parts.append(
                b"@%s\n%s\n+\n%s\n" % (title, read, letters(qualities[number], f"quality {number}"))
            )
    folder = tempfile.TemporaryDirectory(prefix="deepbio-")
    path = Path(folder.name) / ("records.fa" if qualities is None else "records.fq")
    path.write_bytes(b"".join(parts))
    return folder, str(path)
