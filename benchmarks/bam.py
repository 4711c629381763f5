"""Times reads of a BAM into batches beside pysam and NumPy.

    python benchmarks/bam.py [--rounds 5] [--output benchmarks/results/bam.json]

One thread, the file in the page cache. A batch of 256 has names, letters and qualities: of this
library as flat tensors, of pysam as a list of names and two flat arrays. The ways take turns, so
that a slow minute hits both; a figure is the median rate in records/s. Files are made from a fixed
seed by pysam: unaligned reads of 150 and of 10,000 bases.
"""

import argparse
import array
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pysam
from machine import machine

import deepbio_torch as db

FILES = {"200,000 reads of 150 bp": (200_000, 150), "4,000 reads of 10 kb": (4_000, 10_000)}
BATCH = 256


def write_bam(path: Path, count: int, length: int) -> None:
    rng = random.Random(3)
    with pysam.AlignmentFile(str(path), "wb", header={"HD": {"VN": "1.6"}}) as file:
        for i in range(count):
            read = pysam.AlignedSegment(file.header)
            read.query_name, read.flag = f"m64011/{i}/ccs", 4
            read.query_sequence = "".join(rng.choices("ACGT", k=length))
            read.query_qualities = array.array("B", rng.choices(range(20, 41), k=length))
            file.write(read)


def ours(path: Path) -> int:
    count = 0
    for batch in db.SequenceReader(path).batches(BATCH):
        assert batch.qualities is not None and len(batch.sequences) == len(batch.qualities)
        count += len(batch.ids)
    return count


def theirs(path: Path) -> int:
    count = 0
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        reads = file.fetch(until_eof=True)
        while chunk := list(islice(reads, BATCH)):
            names = [read.query_name for read in chunk]
            letters = "".join([read.query_sequence or "" for read in chunk])
            sequences = np.frombuffer(letters.encode("ascii"), np.uint8)
            qualities = np.concatenate([np.asarray(read.query_qualities) for read in chunk])
            assert len(sequences) == len(qualities)
            count += len(names)
    return count


def seconds(call: Callable[[Path], int], path: Path, count: int) -> float:
    start = time.perf_counter()
    assert call(path) == count
    return time.perf_counter() - start


def measure(path: Path, name: str, rounds: int) -> dict[str, object]:
    count, length = FILES[name]
    write_bam(path, count, length)
    ways = {"deepbio": ours, "pysam + NumPy": theirs}
    turns: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds + 1):
        for way, call in ways.items():
            turns[way].append(seconds(call, path, count))
    rates = {way: round(count / statistics.median(times[1:])) for way, times in turns.items()}
    row = {"name": name, "ratio": round(rates["deepbio"] / rates["pysam + NumPy"], 2), **rates}
    print(row)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "results" / "bam.json"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(Path(folder) / "reads.bam", name, options.rounds) for name in FILES]
    out = {"machine": machine(), "versions": {"pysam": pysam.__version__}, "rows": rows}
    options.output.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
