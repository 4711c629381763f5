"""A small genome and what windows of it are, letter by letter, for tests of genome datasets."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pysam

PAIRED = bytes.maketrans(b"ACGTNacgtn", b"TGCANtgcan")


def write_genome(path: Path, seed: int = 1) -> Path:
    """FASTA of three chromosomes with stretches of N and lower case."""
    rng = random.Random(seed)
    with path.open("w") as file:
        for name, size in (("chr1", 30_007), ("chr2", 12_000), ("chr8", 901)):
            letters = list(rng.choices("ACGT", k=size))
            for symbol in ("N", "lower") * 6:
                start = rng.randrange(size - 60)
                for i in range(start, start + rng.randrange(60)):
                    letters[i] = "N" if symbol == "N" else letters[i].lower()
            letters[:5] = "NNacg"
            file.write(f">{name} of {seed}\n")
            text = "".join(letters)
            file.writelines(text[i : i + 61] + "\n" for i in range(0, size, 61))
    return path


def window_of(genome: pysam.FastaFile, name: str, start: int, end: int, strand: str) -> bytes:
    """Letters as pysam reads them, N beyond the ends, of a strand."""
    size = genome.get_reference_length(name)
    inside = genome.fetch(name, min(max(start, 0), size), min(max(end, 0), size)).encode()
    before = min(max(-start, 0), end - start)
    out = b"N" * before + inside
    out += b"N" * (end - start - len(out))
    return out.translate(PAIRED)[::-1] if strand == "-" else out


def one_hot(letters: bytes) -> np.ndarray:
    """float32 [4, L], lower case as upper case, zeros for N."""
    return (
        np.frombuffer(letters.upper(), "S1") == np.array([[b"A"], [b"C"], [b"G"], [b"T"]])
    ).astype(np.float32)


def random_intervals(
    genome: pysam.FastaFile, count: int, seed: int
) -> list[tuple[str, int, int, str]]:
    """Intervals within chromosomes, those at their ends among them."""
    rng = random.Random(seed)
    out = []
    for i in range(count):
        name = rng.choice(genome.references)
        size = genome.get_reference_length(name)
        start = {0: 0, 1: size - 1}.get(i % 10, rng.randrange(size))
        end = min(size, start + rng.randrange(1, 400))
        out.append((name, start, end, rng.choice("+-.")))
    return out


def write_bed(path: Path, intervals: list[tuple[str, int, int, str]]) -> Path:
    """BED6; the name of an interval is its row, its score half of it."""
    lines = (f"{c}\t{s}\t{e}\tpeak{i}\t{i / 2}\t{d}\n" for i, (c, s, e, d) in enumerate(intervals))
    path.write_text("".join(lines))
    return path
