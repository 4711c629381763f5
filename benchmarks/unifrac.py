"""UniFrac against Debian's ssu (unifrac-tools): both from the files to the matrix, interleaved, median and spread.

    python benchmarks/unifrac.py build/dev/benchmark_unifrac --size 2000x20000 --repeats 3

Makes the table (BIOM 2.1) and the tree with a fixed seed: a random joining tree, lognormal counts, about 300 features a
sample, a few of them in most samples. Prints one line of JSON for each metric. Needs numpy, scipy and h5py; runs
without ssu where that is not installed.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import time
from pathlib import Path

import h5py
import numpy as np
import scipy.sparse as sp

METRICS = {
    "unweighted": "unweighted_fp32",
    "weighted_normalized": "weighted_normalized_fp32",
    "generalized": "generalized_fp32",
}


def random_tree(tips: list[str], rng: np.random.Generator) -> str:
    """Joins two random nodes until one is left."""
    nodes = [f"{tip}:{length:.8f}" for tip, length in zip(tips, rng.exponential(0.05, len(tips)), strict=True)]
    while len(nodes) > 1:
        for _ in range(2):
            place = int(rng.integers(len(nodes)))
            nodes[place], nodes[-1] = nodes[-1], nodes[place]
            if _ == 0:
                first = nodes.pop()
        second = nodes.pop()
        nodes.append(f"({first},{second}):{rng.exponential(0.05):.8f}")
    return nodes[0].rsplit(":", 1)[0] + ";"


def random_table(num_samples: int, num_features: int, rng: np.random.Generator) -> sp.csr_matrix:
    """Feature f is present with a probability that falls as a power law; about 280 features a sample."""
    prevalence = 1 / (np.arange(num_features) + 10.0) ** 0.6
    prevalence = rng.permutation(np.minimum(prevalence * 280 / prevalence.sum(), 0.9))
    rows = []
    for _ in range(num_samples):
        present = np.flatnonzero(rng.random(num_features) < prevalence)
        counts = np.ceil(rng.lognormal(2, 1.5, present.size))
        rows.append(sp.csr_matrix((counts, (np.zeros(present.size, int), present)), (1, num_features)))
    return sp.vstack(rows).tocsr()


def write_biom(path: Path, matrix: sp.csr_matrix, samples: list[str], features: list[str]) -> None:
    with h5py.File(path, "w") as file:
        file.attrs.update(
            {
                "id": "None",
                "type": "OTU table",
                "format-url": "http://biom-format.org",
                "format-version": (2, 1),
                "generated-by": "benchmark",
                "creation-date": "2026-01-01",
                "shape": matrix.shape[::-1],
                "nnz": matrix.nnz,
            }
        )
        for name, ids, part in (("observation", features, matrix.T.tocsr()), ("sample", samples, matrix)):
            file.create_dataset(f"{name}/ids", data=ids, dtype=h5py.string_dtype())
            for group in ("metadata", "group-metadata"):
                file.create_group(f"{name}/{group}")
            part.sort_indices()
            file.create_dataset(f"{name}/matrix/data", data=part.data.astype(float), compression="gzip")
            file.create_dataset(f"{name}/matrix/indices", data=part.indices.astype("int32"), compression="gzip")
            file.create_dataset(f"{name}/matrix/indptr", data=part.indptr.astype("int32"), compression="gzip")


def make_data(folder: Path, num_samples: int, num_features: int) -> tuple[Path, Path]:
    table, tree = folder / f"{num_samples}x{num_features}.biom", folder / f"{num_samples}x{num_features}.nwk"
    if not (table.exists() and tree.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(20261121)
        matrix = random_table(num_samples, num_features, rng)
        used = np.flatnonzero(np.asarray(matrix.sum(axis=0)).ravel())
        features = [f"f{k}" for k in range(num_features)]
        tree.write_text(random_tree(features, rng))
        write_biom(table, matrix[:, used], [f"s{k}" for k in range(num_samples)], [features[k] for k in used])
    return table, tree


def run_ssu(table: Path, tree: Path, metric: str, threads: int, out: Path) -> float:
    command = ["ssu", "-i", table, "-t", tree, "-m", METRICS[metric], "-o", out, "-r", "hdf5", "--pcoa", "0"]
    command += ["-a", "0.5"] if metric == "generalized" else []
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)})
    return time.perf_counter() - start


def summary(seconds: list[float]) -> dict:
    return {"median_s": statistics.median(seconds), "min_s": min(seconds), "max_s": max(seconds)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", type=Path)
    parser.add_argument("--size", default="1000x5000")
    parser.add_argument("--folder", type=Path, default=Path("build/benchmark_data"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=["float", "double"], default="double")
    parser.add_argument("--metrics", nargs="+", default=list(METRICS), choices=METRICS)
    options = parser.parse_args()
    table, tree = make_data(options.folder, *map(int, options.size.split("x")))
    for metric in options.metrics:
        ours, theirs, parts = [], [], {}
        matrix = options.folder / "ssu.h5"
        for _ in range(options.repeats):
            command = [options.program, table, tree, metric, "0.5", options.precision, str(options.threads)]
            start = time.perf_counter()
            parts = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            ours.append(time.perf_counter() - start)
            if shutil.which("ssu"):
                theirs.append(run_ssu(table, tree, metric, options.threads, matrix))
        result = {
            "size": options.size,
            "metric": metric,
            "threads": options.threads,
            "precision": options.precision,
            "process": summary(ours),
            "last_run": parts,
        }
        if theirs:
            with h5py.File(matrix) as file:
                result["ssu_mean"] = float(file["matrix"][:].mean())
            result |= {"ssu": summary(theirs), "times_faster": statistics.median(theirs) / statistics.median(ours)}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
