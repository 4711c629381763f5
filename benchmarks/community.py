"""Ordination, tests and distances of tables beside scikit-bio, SciPy and NumPy, interleaved in one
run.

    python benchmarks/community.py [--runs 5] [--threads 2]

Rows: PERMANOVA with 999 permutations and PCoA of 10 axes of N = 2000, the Aitchison distance of
1000 x 10000. Each has the median and spread of wall time, and of processor time over all threads,
which tells more on a machine that others use at the same time. The accuracy of the approximate axes
(largest relative error of an eigenvalue) stands beside. Writes benchmarks/results/community.json.
"""

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.linalg
import skbio
import torch
from machine import machine
from skbio.stats.distance import permanova
from skbio.stats.ordination import pcoa

import deepbio_torch as db

N, AXES = 2000, 10


def timed(calls: dict[str, Callable[[], object]], runs: int) -> dict[str, dict[str, float]]:
    """Seconds of each call, one after the other in every run."""
    wall: dict[str, list[float]] = {name: [] for name in calls}
    processor: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(runs):
        for name, call in calls.items():
            start, used = time.perf_counter(), time.process_time()
            call()
            wall[name].append(time.perf_counter() - start)
            processor[name].append(time.process_time() - used)
    return {
        name: {
            "median_s": statistics.median(wall[name]),
            "min_s": min(wall[name]),
            "max_s": max(wall[name]),
            "processor_median_s": statistics.median(processor[name]),
        }
        for name in calls
    }


def euclidean(rng: np.random.Generator) -> db.DistanceMatrix:
    points = torch.from_numpy(rng.normal(size=(N, 40)) * np.linspace(3, 0.1, 40))
    square = torch.cdist(points, points)
    square = ((square + square.T) / 2).fill_diagonal_(0)
    return db.DistanceMatrix([f"s{i}" for i in range(N)], square)


def subset_axes(matrix: db.DistanceMatrix) -> np.ndarray:
    """The largest eigenvalues through LAPACK's driver for some of them."""
    squares = -0.5 * matrix.values.numpy() ** 2
    means = squares.mean(0)
    centred = squares - means - means[:, None] + means.mean()
    return scipy.linalg.eigh(centred, subset_by_index=[N - AXES, N - 1])[0][::-1]


def log_ratio_distances(counts: np.ndarray) -> np.ndarray:
    logs = np.log(counts + 1)
    logs -= logs.mean(1, keepdims=True)
    squares = (logs * logs).sum(1)
    return np.sqrt(np.maximum(squares[:, None] + squares - 2 * (logs @ logs.T), 0))


def rows(runs: int) -> list[dict[str, object]]:
    rng = np.random.default_rng(1)
    matrix = euclidean(rng)
    theirs, out = matrix.to_skbio(), []
    for groups in (2, 5):
        labels = [str(i % groups) for i in range(N)]
        calls = {
            "ours": lambda labels=labels: db.permanova(matrix, labels),
            "scikit-bio": lambda labels=labels: permanova(theirs, labels, permutations=999),
        }
        out.append(
            {"name": f"PERMANOVA 999, N = {N}, {groups} groups", **timed(calls, min(runs, 3))}
        )
    calls = {
        "ours": lambda: db.pcoa(matrix, AXES, method="randomised"),
        "scikit-bio fsvd": lambda: pcoa(
            theirs, method="fsvd", dimensions=AXES, warn_neg_eigval=False
        ),
    }
    exact = subset_axes(matrix)
    close = db.pcoa(matrix, AXES, method="randomised").eigenvalues.numpy()
    fsvd = pcoa(theirs, method="fsvd", dimensions=AXES, warn_neg_eigval=False).eigvals.to_numpy()
    errors = {
        "ours": np.abs(close / exact - 1).max(),
        "scikit-bio fsvd": np.abs(fsvd / exact - 1).max(),
    }
    accuracy = {name: float(error) for name, error in errors.items()}
    out.append(
        {"name": f"PCoA approximate, N = {N}", **timed(calls, runs), "relative_error": accuracy}
    )
    calls = {
        "ours": lambda: db.pcoa(matrix, AXES),
        "LAPACK subset (SciPy)": lambda: subset_axes(matrix),
    }
    out.append({"name": f"PCoA exact, N = {N}", **timed(calls, min(runs, 3))})
    counts = rng.negative_binomial(0.3, 0.05, size=(1000, 10000)).astype(float)
    table = db.Table.from_arrays(
        [f"s{i}" for i in range(1000)], [f"f{i}" for i in range(10000)], counts
    )
    calls = {
        "ours": lambda: db.beta_diversity(table, "aitchison"),
        "NumPy": lambda: log_ratio_distances(counts),
    }
    out.append({"name": "Aitchison 1000 x 10000, 59 % above zero", **timed(calls, min(runs, 3))})
    return out


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "results" / "community.json"
    )
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(options.threads)
    found = rows(options.runs)
    for row in found:
        for name, times in row.items():
            if isinstance(times, dict) and "median_s" in times:
                print(
                    f"{row['name']:44s} {name:24s} {times['median_s']:.3f} s  "
                    f"{times['processor_median_s']:.3f} s"
                )
    about = {**machine(), "threads": options.threads}
    versions = {
        "deepbio_torch": db.__version__,
        "torch": torch.__version__,
        "scikit-bio": skbio.__version__,
    }
    text = json.dumps({"machine": about, "versions": versions, "results": found}, indent=1)
    options.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
