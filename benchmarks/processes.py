"""Training on one core, on two threads, in two processes, through the public command.

    python benchmarks/processes.py [--rounds 3] [--epochs 3] [--output
    benchmarks/results/processes.json]

A simulated community (64 samples of 300 ASVs of 150 bp), `deepbio pretrain` and joint `deepbio
train --no-freeze-base` with the default preset and AAM's. The ways take turns; a figure is samples
per second of the epochs after the first, median over rounds, with the slowest and fastest. Two
processes have one thread each and share each batch; adding up gradients over loopback (gloo) is
part of their time. All pinned to as many cores as they use.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import machine

SIMULATE = "--samples 64 --features 300 --length-bp 150 --depth 5000 --seed 1".split()
GOALS = {"2 threads": 1.85, "2 processes": 1.8}
TASKS = {
    "pretrain": ["pretrain"],
    "joint": ["train", "--metadata-column", "age", "--no-freeze-base", "--transformer-branch"],
}


def rate_of(task: str, preset: str, way: str, folder: Path, epochs: int) -> float:
    """Samples per second of one run."""
    data, run = folder / "data", folder / "run"
    words = [*TASKS[task], "--table", data / "table.biom", "--tree", data / "tree.nwk"]
    if task == "joint":
        words += ["--metadata", data / "metadata.tsv", "--calibration-folds", "0"]
    words += ["--preset", preset, "--epochs", epochs, "--batch-size", 8, "--patience", 0]
    words += ["--output-dir", run, "--overwrite", "--quiet", "--seed", 1]
    words += ["--threads", 2 if way == "2 threads" else 1]
    start = [sys.executable, "-m", "deepbio_torch"]
    if way == "2 processes":
        start = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        start += ["--nproc-per-node", "2", "-m", "deepbio_torch"]
    cores = {0} if way == "1 thread" else {0, 1}
    subprocess.run(
        [*start, *map(str, words)],
        check=True,
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return statistics.median(line["samples_per_second"] for line in lines[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "results/processes.json"
    )
    given = parser.parse_args()
    os.environ["PYTHONSAFEPATH"] = "1"  # the installed package, not the folder this is started in
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        simulate = [sys.executable, "-m", "deepbio_torch", "simulate", "-o", folder / "data"]
        subprocess.run([*map(str, simulate), *SIMULATE], check=True, capture_output=True)
        for task in TASKS:
            for preset in ("default", "aam"):
                rates: dict[str, list[float]] = {"1 thread": [], **{way: [] for way in GOALS}}
                for _ in range(given.rounds):
                    for way, found in rates.items():
                        found.append(rate_of(task, preset, way, folder, given.epochs))
                ways = {
                    way: {"rate": statistics.median(found), "range": [min(found), max(found)]}
                    for way, found in rates.items()
                }
                goals = {
                    f"{way} / 1 thread": {
                        "ratio": round(ways[way]["rate"] / ways["1 thread"]["rate"], 2),
                        "at_least": goal,
                    }
                    for way, goal in GOALS.items()
                }
                row = {"row": f"{task}, {preset}", "unit": "samples/s", "ways": ways}
                results.append({**row, "goals": goals})
                print(row["row"], json.dumps(ways), json.dumps(goals), flush=True)
    about = {"machine": machine(), "rounds": given.rounds, "results": results}
    given.output.write_text(json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    main()
