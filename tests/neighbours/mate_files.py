"""Generated read pairs and quality alphabets, and how they are read here, by dnaio and by
Biopython."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import dnaio
from Bio import SeqIO
from file_parts import as_lines, text_of

import deepbio_torch as db

Compared = tuple[Any, Any]

# How the two reads of a pair are told apart: (first, second) of a stem.
MATE_NAMES = (
    ("{}", "{}"),
    ("{}/1", "{}/2"),
    ("{}.1", "{}.2"),
    ("{}_1", "{}_2"),
    ("{}:1", "{}:2"),
    ("{}-1", "{}-2"),
    ("{}_R1", "{}_R2"),
    ("{}.R1", "{}.R2"),
    ("{} 1:N:0:ATC", "{} 2:N:0:ATC"),
    ("{} 1:Y:18:1", "{} 2:Y:18:1"),
    ("{} 1:N:0:ATC", "{}"),
    ("{}/1 a comment", "{}/2"),
    ("{}.1 {} length=9", "{}.2 {} length=9"),
    ("{} old/1", "{} old/2"),
    ("{}#ACG/1", "{}#ACG/2"),
    ("{}\t1:N:0:A", "{}\t2:N:0:A"),
)
# What is no pair, or is one in the wrong order.
FAULTY_NAMES = (
    ("{}/2", "{}/1"),
    ("{}/1", "{}/1"),
    ("{}/1", "{}_2"),
    ("{}/1", "{}"),
    ("{}", "x{}"),
    ("{} 2:N:0:A", "{} 1:N:0:A"),
    ("{}a", "{}b"),
    ("{}1", "{}2"),
)
STEMS = (
    lambda rng: f"SRR{rng.randrange(10**6)}.{rng.randrange(1, 99)}",
    lambda rng: (
        f"M00:1:000-A:{rng.randrange(1, 9)}:1101:{rng.randrange(10**4)}:{rng.randrange(10**4)}"
    ),
    lambda rng: f"r{rng.randrange(10**6)}",
    lambda rng: f"V300L1C{rng.randrange(1, 9)}R0{rng.randrange(10**6)}",
    lambda rng: f"m54/{rng.randrange(10**5)}/ccs",
)


def record(rng: random.Random, title: str, low: int = 33, high: int = 73) -> str:
    """One record of FASTQ with qualities of bytes between low and high."""
    letters = "".join(rng.choices("ACGTN", k=rng.randrange(1, 60)))
    quality = "".join(chr(rng.randrange(low, high + 1)) for _ in letters)
    return f"@{title}\n{letters}\n+\n{quality}\n"


def pairs_file(rng: random.Random, path: Path) -> None:
    """Two files of mates beside each other; faults in names, order and number now and then."""
    names, stem = rng.choice(MATE_NAMES), rng.choice(STEMS)
    first, second = [], []
    for _ in range(rng.randrange(1, 20)):
        one = stem(rng)
        a, b = rng.choice(FAULTY_NAMES) if rng.random() < 0.015 else names
        first.append(record(rng, a.replace("{}", one)))
        second.append(record(rng, b.replace("{}", one)))
    if rng.random() < 0.1:
        rng.choice((first, second)).append(record(rng, "one too many"))
    path.write_bytes(as_lines("".join(first), rng))
    path.with_name(path.name + "_2").write_bytes(as_lines("".join(second), rng))


def interleaved_file(rng: random.Random, path: Path) -> None:
    """One file in which the mates alternate."""
    pairs_file(rng, path)
    second = path.with_name(path.name + "_2")
    files = [text_of(each).replace("\r", "").rstrip("\n").split("\n") for each in (path, second)]
    records = [["\n".join(lines[i : i + 4]) for i in range(0, len(lines), 4)] for lines in files]
    longest = max(map(len, records))
    mixed = [each[i] for i in range(longest) for each in records if i < len(each)]
    path.write_bytes(as_lines("\n".join(mixed) + "\n", rng))
    second.unlink()


def _of_ours(data: Any) -> list[tuple[bytes, ...]]:
    keys = ("sequence", "quality", "mate_sequence", "mate_quality")
    return [tuple(data[i][key] for key in keys) for i in range(len(data))]


def pairs_both(path: Path) -> Compared:
    """Letters and qualities of both reads of every pair by this library, in memory and by
    number, and by dnaio."""
    second = path.with_name(path.name + "_2")

    def ours() -> Any:
        mates = second if second.exists() else "interleaved"
        held = _of_ours(db.SequenceDataset(path, mates=mates))
        if second.exists():
            assert held == _of_ours(db.SequenceDataset(path, mates=mates, memory_limit_bytes=0))
        streamed = db.StreamingSequenceDataset(path, mates=mates)
        assert [each["mate_sequence"] for each in streamed] == [each[2] for each in held]
        return held

    def theirs() -> Any:
        how = {"file2": second} if second.exists() else {"interleaved": True}
        with dnaio.open(path, fileformat="fastq", **how) as file:
            return [
                tuple(text.encode() for each in pair for text in (each.sequence, each.qualities))
                for pair in file
            ]

    return ours, theirs


def offsets_file(rng: random.Random, path: Path) -> None:
    """Reads of one of the quality alphabets: Sanger, HiFi and duplex reads, Solexa, Illumina 1.3
    and 1.5."""
    low, high = rng.choice(
        ((33, 73), (33, 126), (35, 75), (64, 104), (66, 104), (59, 104), (90, 126))
    )
    out = [record(rng, f"r{i}", low, high) for i in range(rng.randrange(1, 20))]
    if rng.random() < 0.05:
        out.append("@bad\nAC\n+\nI \n")
    path.write_bytes(as_lines("".join(out), rng))


def offsets_both(path: Path) -> Compared:
    """Phred values of both offsets by this library and by Biopython; "refused" where the file
    cannot have it."""

    def ours() -> Any:
        found = []
        for offset in (33, 64):
            try:
                file = db.SequenceReader(path, quality_offset=offset)
                found.append([[value - 33 for value in each.quality] for each in file])
            except db.errors.ParseError:
                found.append("refused")
        return found

    def theirs() -> Any:
        found = []
        for name in ("fastq-sanger", "fastq-illumina"):
            try:
                reads = SeqIO.parse(io.StringIO(text_of(path).replace("\r", "")), name)
                found.append([each.letter_annotations["phred_quality"] for each in reads])
            except ValueError:
                found.append("refused")
        return found

    return ours, theirs
