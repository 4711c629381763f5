"""Random windows of generated genomes against pysam, pyfaidx, py2bit and pyBigWig.

python tests/neighbours/genome_windows.py [--count 10000] [--seed 1]

A tool that is not installed is left out, which is said. Exit code 1 at the first difference.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pysam

import deepbio_torch as db

sys.path.append(str(Path(__file__).parents[1] / "python"))
from genome_files import PAIRED, one_hot, random_intervals, window_of, write_genome  # noqa: E402


def readers(path: Path) -> dict[str, Callable[[str, int, int, str], bytes]]:
    """How each tool reads a window."""
    genome = pysam.FastaFile(str(path))

    def padded(fetch: Callable[[str, int, int], str]) -> Callable[[str, int, int, str], bytes]:
        def read(name: str, start: int, end: int, strand: str) -> bytes:
            size = genome.get_reference_length(name)
            first, last = min(max(start, 0), size), min(max(end, 0), size)
            inside = fetch(name, first, last).encode() if first < last else b""
            out = b"N" * min(max(-start, 0), end - start) + inside
            out += b"N" * (end - start - len(out))
            return out.translate(PAIRED)[::-1] if strand == "-" else out

        return read

    out = {"pysam": lambda *place: window_of(genome, *place)}

    def of_pyfaidx(tool: Any) -> Callable[[str, int, int], str]:
        file = tool.Fasta(str(path))
        return lambda name, start, end: str(file[name][start:end].seq)

    tools: dict[str, Callable[[Any], Callable[[str, int, int], str]]] = {
        "pyfaidx": of_pyfaidx,
        "py2bit": lambda tool: tool.open(f"{path}.dbx.2bit", True).sequence,
    }
    for name, make in tools.items():
        try:
            out[name] = padded(make(importlib.import_module(name)))
        except ImportError:
            print(f"{name} is not installed: left out")
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = write_genome(Path(folder) / "g.fa", arguments.seed)
        places = random_intervals(pysam.FastaFile(str(path)), arguments.count, arguments.seed)
        data = db.GenomeDataset(path, places, window=217, jitter=300, soft_mask="channel")
        tools = readers(path)
        for first in range(0, len(data), 500):
            batch = data.batch(range(first, min(first + 500, len(data))))
            for row, about in enumerate(batch.metadata):
                place = [about[key] for key in ("chromosome", "start", "end", "strand")]
                for name, read in tools.items():
                    letters = read(*place)
                    mask = np.frombuffer(letters, np.uint8) >= ord("a")
                    expected = np.vstack([one_hot(letters), mask])
                    found = batch.sequences[row].numpy()
                    if name == "py2bit":  # which writes N in upper case
                        found = found * (np.frombuffer(letters, "S1") != b"N")
                    if not np.array_equal(found, expected):
                        print(f"{name}: another window at {place}")
                        return 1
    print(f"{len(data)} windows are the same in {', '.join(tools)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
