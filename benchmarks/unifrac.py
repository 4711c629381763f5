"""UniFrac and what stands before it, beside ssu (Debian's unifrac-tools) and biom-format, in the
same rounds.

    python benchmarks/unifrac.py --program build/bench/benchmark_unifrac [--only
    2000x20000/unweighted/1 ...]

Rows are `SIZE/METRIC/THREADS` (the distances, from the files to the matrix in memory, against ssu's
fp32 method, whose whole process with its HDF5 output is timed), `SIZE/METRIC/vaw` (variance
adjusted in double, 2 threads, without ssu), `SIZE/batch` (8, 16 and 64 samples from a prepared
tree), `SIZE/large` (without ssu) and `files` (BIOM, tree of 217,407 tips and rarefaction of the
real data, `--microbiome` and `--biom-python`). A row replaces its namesake in
benchmarks/results/unifrac.json. Tables (BIOM 2.1) and trees are made once, from a fixed seed: a
random joining tree, lognormal counts, 250 to 300 features a sample, a few of them in most samples.
Needs numpy, scipy, h5py.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import time
from pathlib import Path

import h5py
import numpy as np
import scipy.sparse as sp

METRICS = ["unweighted", "weighted_normalized", "weighted_unnormalized", "generalized"]
ROWS = [
    f"{size}/{metric}/{threads}"
    for size in ("1000x5000", "2000x20000")
    for metric in METRICS
    for threads in (1, 2)
]
ROWS += ["2000x20000/batch", "files", *(f"1000x5000/{metric}/vaw" for metric in METRICS)]
LARGE = "10000x50000/large"


def random_tree(tips: list[str], rng: np.random.Generator) -> str:
    """Joins two random nodes until one is left."""
    nodes = [
        f"{tip}:{length:.8f}"
        for tip, length in zip(tips, rng.exponential(0.05, len(tips)), strict=True)
    ]
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
    """Feature f is present with a probability that falls as a power law."""
    per_sample = 252 if num_features <= 5000 else 300
    prevalence = 1 / (np.arange(num_features) + 10.0) ** 0.6
    prevalence = rng.permutation(np.minimum(prevalence * per_sample / prevalence.sum(), 0.9))
    rows = []
    for _ in range(num_samples):
        present = np.flatnonzero(rng.random(num_features) < prevalence)
        counts = np.ceil(rng.lognormal(2, 1.5, present.size))
        rows.append(
            sp.csr_matrix((counts, (np.zeros(present.size, int), present)), (1, num_features))
        )
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
        for name, ids, part in (
            ("observation", features, matrix.T.tocsr()),
            ("sample", samples, matrix),
        ):
            file.create_dataset(f"{name}/ids", data=ids, dtype=h5py.string_dtype())
            for group in ("metadata", "group-metadata"):
                file.create_group(f"{name}/{group}")
            part.sort_indices()
            file.create_dataset(
                f"{name}/matrix/data", data=part.data.astype(float), compression="gzip"
            )
            file.create_dataset(
                f"{name}/matrix/indices", data=part.indices.astype("int32"), compression="gzip"
            )
            file.create_dataset(
                f"{name}/matrix/indptr", data=part.indptr.astype("int32"), compression="gzip"
            )


def make_data(folder: Path, num_samples: int, num_features: int) -> tuple[Path, Path]:
    table, tree = (
        folder / f"{num_samples}x{num_features}.biom",
        folder / f"{num_samples}x{num_features}.nwk",
    )
    if not (table.exists() and tree.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(20261121)
        matrix = random_table(num_samples, num_features, rng)
        used = np.flatnonzero(np.asarray(matrix.sum(axis=0)).ravel())
        features = [f"f{k}" for k in range(num_features)]
        tree.write_text(random_tree(features, rng))
        write_biom(
            table,
            matrix[:, used],
            [f"s{k}" for k in range(num_samples)],
            [features[k] for k in used],
        )
    return table, tree


def run(command: list, threads: int) -> tuple[float, float, str]:
    """Wall and CPU seconds of a process, and what it printed."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [str(part) for part in command],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def summary(seconds: list[float]) -> dict:
    return {"median_s": statistics.median(seconds), "min_s": min(seconds), "max_s": max(seconds)}


def distances(name: str, options: argparse.Namespace) -> dict:
    size, metric, threads = name.split("/")
    table, tree = make_data(options.folder, *map(int, size.split("x")))
    matrix = options.folder / "ssu.h5"
    ssu = [
        "ssu",
        "-i",
        table,
        "-t",
        tree,
        "-m",
        metric + "_fp32",
        "-o",
        matrix,
        "-r",
        "hdf5",
        "--pcoa",
        "0",
    ]
    ssu += ["-a", "0.5"] if metric == "generalized" else []
    peer, peer_cpu = [], []
    ours = {
        precision: {"memory": [], "process": [], "cpu": []} for precision in ("double", "float")
    }
    for _ in range(options.repeats):
        for precision, times in ours.items():
            command = [options.program, "pairs", table, tree, metric, "0.5", precision, threads]
            wall, cpu, printed = run(command, int(threads))
            times["parts"] = json.loads(printed)
            for key, value in (
                ("memory", times["parts"]["total_s"]),
                ("process", wall),
                ("cpu", cpu),
            ):
                times[key].append(value)
        if shutil.which("ssu"):
            wall, cpu, _ = run(ssu, int(threads))
            peer.append(wall)
            peer_cpu.append(cpu)
    row = {"threads": int(threads)}
    if peer:
        row |= {"ssu": summary(peer), "ssu_cpu": summary(peer_cpu)}
        with h5py.File(matrix) as file:
            expected = float(file["matrix"][:].mean())
    for precision, times in ours.items():
        row[precision] = {"files_to_matrix": summary(times["memory"]), "last_run": times["parts"]}
        # In float the program computes the distances in double as well, to compare, after its clock
        # has stopped.
        compared = [("files_to_matrix", times["memory"], peer)]
        if precision == "double":
            row[precision] |= {"process": summary(times["process"]), "cpu": summary(times["cpu"])}
            compared += [("process", times["process"], peer), ("cpu", times["cpu"], peer_cpu)]
        if peer:
            assert abs(times["parts"]["mean"] - expected) < 1e-5 * max(1, expected), (
                times["parts"]["mean"],
                expected,
            )
            for key, value, theirs in compared:
                row[precision][f"times_faster_{key}"] = round(
                    statistics.median(theirs) / statistics.median(value), 2
                )
    return row


def batch(name: str, options: argparse.Namespace) -> dict:
    table, tree = make_data(options.folder, *map(int, name.split("/")[0].split("x")))
    return {
        str(size): json.loads(run([options.program, "batch", table, tree, size], 1)[2])
        for size in (8, 16, 64)
    }


def variance_adjusted(name: str, options: argparse.Namespace) -> dict:
    size, metric, _ = name.split("/")
    table, tree = make_data(options.folder, *map(int, size.split("x")))
    return json.loads(
        run([options.program, "pairs", table, tree, metric, "0.5", "double", 2, "vaw"], 2)[2]
    )


def large(name: str, options: argparse.Namespace) -> dict:
    table, tree = make_data(options.folder, *map(int, name.split("/")[0].split("x")))
    row = {}
    for metric in ("unweighted", "weighted_normalized", "generalized"):
        for precision in ("double", "float"):
            row[f"{metric} {precision}"] = json.loads(
                run([options.program, "pairs", table, tree, metric, "0.5", precision, 2], 2)[2]
            )
    return row


# Seconds of biom-format for loading and for one draw: the best of five, in one process.
BIOM_FORMAT = """
import sys, time, json, biom
def best(call):
    times = []
    for _ in range(5):
        start = time.perf_counter(); call(); times.append(time.perf_counter() - start)
    return min(times)
table = biom.load_table(sys.argv[1])
print(json.dumps({"version": biom.__version__, "load_s": best(lambda: biom.load_table(sys.argv[1])),
                  "rarefy_s": best(lambda: table.subsample(1000))}))
"""


def files(_: str, options: argparse.Namespace) -> dict:
    ibd = options.microbiome / "ibd_2538"
    large_table = make_data(options.folder, 2000, 20000)[0]
    row = {}
    for name, table, tree in (
        ("ibd_2538", ibd / "table.biom", ibd / "tree.nwk"),
        ("2000x20000", large_table, "-"),
    ):
        row[name] = {"ours": json.loads(run([options.program, "files", table, tree], 1)[2])}
        if options.biom_python:
            row[name]["biom_format"] = json.loads(
                run([options.biom_python, "-c", BIOM_FORMAT, table], 1)[2]
            )
            for key in ("load_s", "rarefy_s"):
                row[name][f"times_faster_{key[:-2]}"] = round(
                    row[name]["biom_format"][key] / row[name]["ours"][key], 1
                )
    return row


def machine() -> dict:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "date": time.strftime("%Y-%m-%d"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--only", nargs="+", default=ROWS, choices=[*ROWS, LARGE], metavar="ROW")
    parser.add_argument("--folder", type=Path, default=Path("build/benchmark_data"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--microbiome", type=Path, help="folder of the real sets, for the row `files`"
    )
    parser.add_argument(
        "--biom-python", type=Path, help="a Python that has biom-format, for the row `files`"
    )
    parser.add_argument(
        "--note", default="", help="kept beside the rows, for example how quiet the machine was"
    )
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "results" / "unifrac.json"
    )
    options = parser.parse_args()
    kinds = {"batch": batch, "vaw": variance_adjusted, "large": large, "files": files}
    result = json.loads(options.output.read_text()) if options.output.exists() else {}
    for name in options.only:
        if name == "files" and options.microbiome is None:
            continue
        row = kinds.get(name.rsplit("/")[-1], distances)(name, options)
        row["note"] = options.note
        print(name, json.dumps(row), flush=True)
        result.setdefault("rows", {})[name] = row
    result["machine"] = machine()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
