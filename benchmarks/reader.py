"""Times the sequence reader beside its peers and two limits, in the same rounds; writes benchmarks/results/reader.json.

    python benchmarks/reader.py --program build/bench/benchmark_reader [--rounds 7] [--folder /dev/shm/deepbio-bench]

Peers (dnaio, pyfastx, pysam) are installed from PyPI into an environment of their own; each reads through its cheapest
Python interface and sums the lengths of the sequences. `igzip` and `libdeflate-gunzip` inflate only, where they are
installed. The files (1 M reads of 150 bp; 8 kb reads; an 80-column FASTA) are made once by the program, from a fixed
seed. One core for everything but the cases named "2 threads".
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
import venv
from collections import defaultdict
from pathlib import Path

PEERS = ["dnaio>=1.2", "pyfastx>=2.3", "pysam>=0.24"]
FILES = ["reads.fastq", "reads.fastq.gz", "reads.bgzf.gz", "long.fastq", "genome.fa"]
LOOPS = {
    "dnaio": "import dnaio\nwith dnaio.open(path, open_threads=0) as f:\n  bases = sum(len(r) for r in f)",
    "pyfastx": "import pyfastx\nbases = sum(len(r[1]) for r in pyfastx.Fastx(path))",
    "pysam": "import pysam\nwith pysam.FastxFile(path, persist=False) as f:\n  bases = sum(len(r.sequence) for r in f)",
}
TIMED = (
    "import sys, time\npath = sys.argv[1]\nstart = time.perf_counter()\n{}\nprint(time.perf_counter() - start, bases)"
)


def peers_python() -> Path:
    folder = Path("build/peers")
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS], check=True)
    return python.absolute()


def run_program(program: Path, folder: Path) -> dict[str, float]:
    done = subprocess.run([program, folder, "1"], check=True, capture_output=True, text=True)
    return {f"deepbio {row['case']}": row["median_s"] for row in json.loads(done.stdout)["results"]}


def run_peers(python: Path, folder: Path) -> dict[str, float]:
    out = {}
    for peer, loop in LOOPS.items():
        for file in FILES:
            done = subprocess.run(
                [python, "-c", TIMED.format(loop), folder / file], capture_output=True, text=True, check=False
            )
            if done.returncode == 0:
                out[f"{peer} {file}"] = float(done.stdout.split()[0])
    return out


def run_inflaters(folder: Path) -> dict[str, float]:
    out = {}
    for tool in ("igzip", "libdeflate-gunzip"):
        if shutil.which(tool) is None:
            continue
        for file in ("reads.fastq.gz", "reads.bgzf.gz"):
            start = time.perf_counter()
            subprocess.run(
                [tool, "-dc" if tool == "igzip" else "-c", folder / file], stdout=subprocess.DEVNULL, check=True
            )
            out[f"{tool} {file}"] = time.perf_counter() - start
    return out


def machine() -> dict[str, object]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    return {"cpu": name, "cores": os.cpu_count(), "system": platform.platform()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm/deepbio-bench"))
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "reader.json")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    python = peers_python()
    run_program(options.program, options.folder)  # makes the files and warms the page cache
    seconds: dict[str, list[float]] = defaultdict(list)
    for round_number in range(options.rounds):
        print(f"round {round_number + 1} of {options.rounds}", file=sys.stderr)
        for row in (
            run_program(options.program, options.folder),
            run_peers(python, options.folder),
            run_inflaters(options.folder),
        ):
            for name, value in row.items():
                seconds[name].append(value)
    results = [
        {"case": name, "median_s": statistics.median(values), "min_s": min(values), "max_s": max(values)}
        for name, values in seconds.items()
    ]
    for row in results:
        print(f"{row['case']:52s} {row['median_s']:7.3f} s   {row['min_s']:.3f} to {row['max_s']:.3f}")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    about = {"machine": machine(), "rounds": options.rounds, "page_cache": "warm", "peers": PEERS}
    options.output.write_text(json.dumps({**about, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
