"""Generated reads, and how they are read here and elsewhere."""

from __future__ import annotations

import gzip
import random
from pathlib import Path
from typing import Any

import pysam
from file_parts import as_lines

import deepbio_torch as db

Compared = tuple[Any, Any]


def reads_file(rng: random.Random, path: Path, is_fastq: bool) -> None:
    """Reads: wrapped, lower case, IUPAC letters, several members of gzip, BGZF, a record cut off
    now and then."""
    out = []
    for _ in range(rng.randrange(1, 30)):
        letters = "".join(
            rng.choices(
                rng.choice(("ACGT", "ACGTN", "acgtn", "ACGTRYKMSW")), k=rng.randrange(1, 90)
            )
        )
        title = rng.choice(
            (f"r{rng.randrange(10**6)}", f"r{rng.randrange(10**4)} a comment", "SRR1.1 1 length=9")
        )
        if is_fastq:
            quality = "".join(chr(rng.randrange(33, 74)) for _ in letters)
            out.append(f"@{title}\n{letters}\n+{rng.choice(('', title))}\n{quality}\n")
        else:
            width = rng.choice((1000, 60, 7))
            lines = "\n".join(letters[i : i + width] for i in range(0, len(letters), width))
            out.append(f">{title}\n{lines}\n" + ("\n" if rng.random() < 0.1 else ""))
    text = "".join(out)
    if rng.random() < 0.08:
        text = text[: rng.randrange(1, len(text))]
    packed = rng.random()
    if packed < 0.2:  # several members
        middle = rng.randrange(len(text) + 1)
        path.write_bytes(
            gzip.compress(text[:middle].encode()) + gzip.compress(text[middle:].encode())
        )
    elif packed < 0.4:
        plain = path.with_name("plain")
        plain.write_text(text)
        pysam.tabix_compress(str(plain), str(path), force=True)
    else:
        path.write_bytes(as_lines(text, rng))


def fasta_file(rng: random.Random, path: Path) -> None:
    """Reads without qualities."""
    reads_file(rng, path, False)


def fastq_file(rng: random.Random, path: Path) -> None:
    """Reads with qualities."""
    reads_file(rng, path, True)


def reads_both(path: Path) -> Compared:
    """Names, comments, letters and qualities by this library and by pysam."""

    def ours() -> Any:
        return [
            (
                r.name,
                r.description or None,
                r.sequence.decode(),
                r.quality.decode() if r.quality else None,
            )
            for r in db.SequenceReader(path)
        ]

    def theirs() -> Any:
        with pysam.FastxFile(str(path)) as file:
            return [(r.name, r.comment or None, r.sequence, r.quality) for r in file]

    return ours, theirs
