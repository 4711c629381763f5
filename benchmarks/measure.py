"""Times the main paths against plain versions in the same run; writes benchmarks/results/*.json.

    python benchmarks/measure.py [--runs 5] [--output benchmarks/results/measure.json]

Every figure is a ratio (plain time / our time) with the median of both and the spread of ours;
machine, threads and versions stand in the file.
"""

import argparse
import gzip
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from machine import machine

import deepbio_torch as db


def timed(call: Callable[[], object], runs: int) -> list[float]:
    call()  # warm-up
    out = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        out.append(time.perf_counter() - start)
    return out


def compare(
    name: str, plain: Callable[[], object], ours: Callable[[], object], runs: int
) -> dict[str, object]:
    slow, fast = timed(plain, runs), timed(ours, runs)
    row = {
        "name": name,
        "ratio": round(statistics.median(slow) / statistics.median(fast), 2),
        "plain_median_s": statistics.median(slow),
        "ours_median_s": statistics.median(fast),
        "ours_min_s": min(fast),
        "ours_max_s": max(fast),
    }
    print(
        f"{name:48s} {row['ratio']:8.2f} x   {row['ours_median_s']:.4f} s (plain "
        f"{row['plain_median_s']:.4f} s)"
    )
    return row


def plain_fastq(path: Path) -> int:
    """Four lines a record, as a script would do it; checks nothing."""
    bases = 0
    with gzip.open(path, "rt") as file:
        for i, line in enumerate(file):
            if i % 4 == 1:
                bases += len(line) - 1
    return bases


def plain_one_hot(reads: list[bytes]) -> np.ndarray:
    """One row of NumPy per read."""
    table = np.zeros((256, 4), np.float32)
    for i, letter in enumerate(b"ACGT"):
        table[letter, i] = table[letter + 32, i] = 1
    out = np.zeros((len(reads), max(map(len, reads)), 4), np.float32)
    for row, read in zip(out, reads, strict=True):
        row[: len(read)] = table[np.frombuffer(read, np.uint8)]
    return out


def training_step(model: torch.nn.Module, batch: object, counts: torch.Tensor) -> None:
    model.zero_grad()
    model(batch, counts)["embeddings"].square().sum().backward()


def measure(folder: Path, runs: int) -> list[dict[str, object]]:
    rng = random.Random(0)
    reads = ["".join(rng.choices("ACGT", k=150)) for _ in range(100_000)]
    fastq = folder / "reads.fastq.gz"
    with gzip.open(fastq, "wt", compresslevel=1) as file:
        file.writelines(f"@r{i}\n{read}\n+\n{'I' * 150}\n" for i, read in enumerate(reads))
    some = [read.encode() for read in reads[:20_000]]
    encoder = db.transforms.OneHotEncoder()
    rows = [
        compare(
            "FASTQ.gz, 100,000 reads (plain: Python lines)",
            lambda: plain_fastq(fastq),
            lambda: sum(len(record.sequence) for record in db.SequenceReader(fastq)),
            runs,
        ),
        compare(
            "one-hot, 20,000 reads (plain: NumPy rows)",
            lambda: plain_one_hot(some),
            lambda: encoder.encode_batch(some),
            runs,
        ),
    ]
    command = Path(db.__file__).parent / "bin" / "deepbio"
    shape = "--samples 64 --features 300 --length-bp 100 --depth 2000 --reads-per-sample 0".split()
    subprocess.run(
        [command, "simulate", "-o", folder / "data", *shape], check=True, capture_output=True
    )
    samples = db.SampleDataset(folder / "data/table.biom", max_bp=100)
    batch = samples.batch(range(8))
    padded = batch.asv_tokens[batch.asv_index] * batch.mask.unsqueeze(-1)
    model = db.models.SequenceEncoder(embedding_dim=64, max_bp=100)
    slots, distinct = int(batch.mask.numel()), batch.asv_tokens.shape[0]
    rows.append(
        compare(
            f"training step, {distinct} distinct ASVs (plain: {slots} slots)",
            lambda: training_step(model, padded, batch.counts),
            lambda: training_step(model, batch, batch.counts),
            min(runs, 3),
        )
    )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "results" / "measure.json"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder), options.runs)
    about = {**machine(), "threads": torch.get_num_threads()}
    versions = {
        "deepbio_torch": db.__version__,
        "torch": torch.__version__,
        "python": sys.version.split()[0],
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(
        json.dumps({"machine": about, "versions": versions, "results": rows}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
