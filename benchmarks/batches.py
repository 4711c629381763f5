"""Times batches, single reads and loader threads beside what NumPy and torch do in the same run.

Writes results/batches.json.

    python benchmarks/batches.py [--rounds 7] [--only WORD] [--output FILE]

Ways of a row take turns; a figure is the median, with the slowest and fastest (loader.py). One
thread for computing; loader threads as the way says. Reads of 150 bases, windows of 131,072.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from loader import (
    BATCH,
    WIDTH,
    PerItem,
    Rows,
    drain,
    encoders,
    measured,
    stream,
    tables,
    timed,
    write_reads,
)
from machine import machine

import deepbio_torch as db

READS = 100_000


def random_bases(*shape: int) -> np.ndarray:
    rng = np.random.default_rng(11)
    return np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, shape, dtype=np.uint8)]


def streams(path: Path) -> Rows:
    """A file to one-hot batches with threads of the loader; the reader is one more."""
    encoder = encoders()["onehot"]
    ways = {
        f"{threads} threads": timed(lambda n=threads: drain(stream(path, encoder, threads=n)))
        for threads in range(3)
    }
    goals = {"1 threads / 0 threads": 1.8, "2 threads / 0 threads": 1.8}
    return {"stream to onehot, loader threads": ("batches/s", READS / BATCH, ways, goals)}


def windows() -> Rows:
    """One-hot windows of a genome, 16 in a batch."""
    bases, table = random_bases(16, 1 << 17), tables()["onehot"]
    texts = [row.tobytes() for row in bases]
    encoder, out = encoders()["onehot"], np.empty((*bases.shape, 4), np.float32)
    ways = {
        "ours": timed(lambda: encoder.encode_batch(texts)),
        "np.take, buffer used again": timed(lambda: np.take(table, bases, 0, out, "clip")),
        "fill of used memory": timed(lambda: out.fill(1)),
    }
    return {"windows to onehot": ("Gbase/s", bases.size / 1e9, ways, {})}


def plain_counts(numbers: np.ndarray) -> np.ndarray:
    out = np.zeros((len(numbers), 4096), np.float32)
    for row, places in zip(out, numbers, strict=True):
        row += np.bincount(places, minlength=4096)
    return out


def kmers() -> Rows:
    bases = random_bases(1000, WIDTH)
    texts = [row.tobytes() for row in bases]
    digits = np.zeros(256, np.int64)
    digits[list(b"ACGT")] = range(4)
    powers = 4 ** np.arange(5, -1, -1)

    def plain() -> None:
        numbers = np.lib.stride_tricks.sliding_window_view(digits[bases], 6, 1) @ powers
        plain_counts(numbers)

    ways = {"NumPy": timed(plain)}
    for dtype in (torch.float32, torch.uint16, torch.uint8):
        encoder = db.transforms.KmerEncoder(6, dtype=dtype)
        ways[str(dtype)] = timed(lambda e=encoder: e.encode_batch(texts))
    goals = {f"{name} / NumPy": 20.0 for name in ways if name != "NumPy"}
    return {"6-mer counts": ("reads/s", 1000, ways, goals)}


def items(path: Path) -> Rows:
    """Items one by one: a Python callable on a record, an encoder, a plain dataset of arrays."""
    table, count = tables()["onehot"], 20_000
    reads = [bytes(record.sequence) for record in db.SequenceReader(path)]
    plain = PerItem(reads, table)

    def as_plain(sample: db.Sample) -> dict[str, object]:
        letters = np.frombuffer(sample["sequence"], np.uint8)
        return {**sample, "sequence": torch.from_numpy(table[letters])}

    def each(data: object) -> None:
        for i in range(count):
            data[i]

    ways = {"plain dataset": timed(lambda: each(plain))}
    transforms = {
        "callable": lambda sample: sample,
        "callable that encodes": as_plain,
        "encoder": encoders()["onehot"],
    }
    for name, transform in transforms.items():
        data = db.SequenceDataset(path, transform=transform, lazy=False)
        ways[name] = timed(lambda d=data: each(d))
    return {"items one by one": ("items/s", count, ways, {})}


def single_reads(path: Path) -> Rows:
    table, read, count = tables()["onehot"], b"ACGT" * 37, 20_000
    encoder = encoders()["onehot"]
    ways = {
        "NumPy": timed(
            lambda: [torch.from_numpy(table[np.frombuffer(read, np.uint8)]) for _ in range(count)]
        ),
        "encode": timed(lambda: [encoder.encode(read) for _ in range(count)]),
    }
    numbers = np.random.default_rng(3).integers(0, READS, (200, BATCH)).tolist()
    data = db.SequenceDataset(path, transform=encoder, memory_limit_bytes=0)
    random = {"batches of 256": timed(lambda: [data.batch(batch) for batch in numbers])}
    return {
        "encode of one read": ("reads/s", count, ways, {"encode / NumPy": 1.5}),
        "random reads by number": ("reads/s", 200 * BATCH, random, {}),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "results" / "batches.json"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reads.fastq"
        write_reads(path, READS)
        rows = {**streams(path), **windows(), **kmers(), **items(path), **single_reads(path)}
        results = [measured(row, rows[row], options.rounds) for row in rows if options.only in row]
    about = {"machine": {**machine(), "threads": 1, "load": os.getloadavg()}}
    about |= {"versions": {"deepbio_torch": db.__version__, "torch": torch.__version__}}
    text = json.dumps({**about, "rounds": options.rounds, "results": results}, indent=1)
    options.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
