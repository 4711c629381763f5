"""Times the sequence reader beside its peers and two limits, in turns.

Writes benchmarks/results/reader.json.

    python benchmarks/reader.py --program build/bench/benchmark_reader [--only plain] [--rounds 7]
    [--folder FOLDER]

A row of reader_rows.py is a set of ways to do the same work on the same file. They take turns, so
that a slow minute of the machine hits all of them; each turn is a process of its own, whose peak
memory is noted. `--only NAME` times single rows (repeat it for several) and keeps the other rows
that the JSON holds. Peers come from PyPI into an environment of their own (build/peers); one that
cannot be installed or fails is named as missing. Limits: L1 is read() + memchr with every base and
quality byte summed; L2 the programs igzip and libdeflate-gunzip, installed by apt where that is
possible. Files are made once from a fixed seed: 1 M reads of 150 bp (plain, gzip -6, BGZF), 8 kb
reads, an 80-column FASTA.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

from machine import machine
from reader_rows import FASTEST, LOOPS, MAX_PEAK_MIB, ROWS, STREAMING, TIMED, Way

PEERS = ["numpy", "dnaio>=1.2", "pyfastx>=2.3", "pysam>=0.24", "needletail>=0.7", "biopython>=1.86"]
TOOLS = {"igzip": "isal", "libdeflate-gunzip": "libdeflate-tools"}


def peers_python(folder: Path) -> Path:
    """An environment with the peers that can be had."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        for package in PEERS:
            command = [
                python,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                package,
            ]
            if subprocess.run(command, check=False, capture_output=True).returncode != 0:
                print(f"{package} cannot be installed: its rows will lack it", file=sys.stderr)
    return python.absolute()


def install_tools() -> None:
    missing = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if missing:
        command = ["apt-get", "install", "-y", *missing]
        done = (
            subprocess.run(command, check=False, capture_output=True)
            if shutil.which("apt-get")
            else None
        )
        if done is None or done.returncode != 0:
            print(f"no {' and no '.join(missing)} (apt): L2 will be missing", file=sys.stderr)


@dataclass
class Turn:
    items: int = 0
    seconds: float = 0
    peak_mib: float = 0
    error: str = ""


def run(command: list[str], environment: dict[str, str]) -> Turn:
    """One process: what it prints, its own peak memory, and its error if there is one."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            # The installed package, not the source tree this may run in.
            environment = {**os.environ, "PYTHONSAFEPATH": "1", **environment}
            child = subprocess.Popen(command, stdout=output, stderr=errors, env=environment)
        except OSError as error:
            return Turn(error=str(error))
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            errors.seek(0)
            lines = errors.read().decode(errors="replace").strip().splitlines()
            return Turn(error=lines[-1] if lines else f"exit code {child.returncode}")
        output.seek(0)
        return Turn(**json.loads(output.read()), peak_mib=usage.ru_maxrss / 1024)


TOOL = (
    "import json, subprocess, sys, time\nstart = time.perf_counter()\n"
    "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)\n"
    "print(json.dumps({'items': 0, 'seconds': time.perf_counter() - start}))"
)


def take_turn(way: Way, path: Path, program: Path, python: Path) -> Turn:
    if way.kind == "program":
        return run([str(program), way.case, str(path), str(way.threads)], way.environment)
    if way.kind == "tool":
        return run([sys.executable, "-c", TOOL, *way.case.split(), str(path)], way.environment)
    ready, loop = LOOPS[way.case].split("# timed\n")
    interpreter = sys.executable if way.kind == "ours" else str(python)
    return run(
        [interpreter, "-c", TIMED.format(ready=ready, loop=loop), str(path)], way.environment
    )


def measure(name: str, options: argparse.Namespace, python: Path) -> dict[str, object]:
    row = ROWS[name]
    path = options.folder / row.file
    take_turn(Way("", "views"), path, options.program, python)  # warms the page cache
    turns: dict[str, list[Turn]] = {way.name: [] for way in row.ways}
    for _ in range(options.rounds):
        for way in row.ways:
            seen = turns[way.name]
            if not (seen and seen[-1].error):
                seen.append(take_turn(way, path, options.program, python))
    size = path.stat().st_size
    results, rates = [], {"1": 1.0}
    records = next((turn.items for way in row.ways for turn in turns[way.name] if turn.items), 0)
    for way in row.ways:
        error = turns[way.name][-1].error
        if error:
            results.append({"name": way.name, "missing": error})
            continue
        seconds = [turn.seconds for turn in turns[way.name]]
        # A limit and a program that only inflates do the work of all records.
        items = records if way.case == "limit" or way.kind == "tool" else turns[way.name][0].items
        rates[way.name] = items / statistics.median(seconds)
        results.append(
            {
                "name": way.name,
                "threads": way.threads,
                "median_s": statistics.median(seconds),
                "min_s": min(seconds),
                "max_s": max(seconds),
                "items_per_s": rates[way.name],
                "megabytes_per_s": size / 1e6 / statistics.median(seconds)
                if items == records
                else None,
                "peak_mib": max(turn.peak_mib for turn in turns[way.name]),
            }
        )
    rates[FASTEST] = max(
        [rates[way.name] for way in row.ways if way.kind == "peer" and way.name in rates], default=0
    )
    goals = []
    for ratio, wanted in row.goals.items():
        ours, theirs = ratio.split(" / ")
        value = rates[ours] / rates[theirs] if ours in rates and rates.get(theirs) else None
        goals.append({"ratio": ratio, "at_least": wanted, "value": value})
    index = Path(f"{path}.dbx")
    out = {
        "row": name,
        "file": row.file,
        "megabytes": size / 1e6,
        "rounds": options.rounds,
        "results": results,
    }
    if name.startswith("index") and index.exists() and records:
        out["index_bytes_per_read"] = index.stat().st_size / records
        goals.append(
            {"ratio": "index bytes per read", "at_most": 12, "value": out["index_bytes_per_read"]}
        )
    if name in STREAMING:
        peak = max(
            (r["peak_mib"] for r in results if r["name"].startswith("deepbio") and "peak_mib" in r),
            default=None,
        )
        goals.append({"ratio": "peak MiB of deepbio", "at_most": MAX_PEAK_MIB, "value": peak})
    return {**out, "goals": goals}


def show(row: dict) -> None:
    print(f"\n{row['row']}: {row['file']}, {row['megabytes']:.0f} MB, {row['rounds']} rounds")
    ours = next((r["items_per_s"] for r in row["results"] if "items_per_s" in r), 0)
    for r in row["results"]:
        if "missing" in r:
            print(f"  {r['name']:38s} missing: {r['missing']}")
            continue
        ratio = f"{ours / r['items_per_s']:7.2f} x" if r["items_per_s"] else ""
        spread = f"{r['median_s']:8.4f} s ({r['min_s']:.4f} to {r['max_s']:.4f})"
        rate = f"{r['items_per_s'] / 1e6:9.4f} M/s"
        print(
            f"  {r['name']:38s} {r['threads']} thr {spread} {rate} {r['peak_mib']:7.1f} MiB {ratio}"
        )
    for goal in row["goals"]:
        limit = (
            f"at least {goal['at_least']:g}"
            if "at_least" in goal
            else f"at most {goal['at_most']:g}"
        )
        value = goal["value"]
        if value is None:
            verdict = "not measured"
        else:
            is_met = value >= goal["at_least"] if "at_least" in goal else value <= goal["at_most"]
            verdict = f"{value:.4g}, {'met' if is_met else 'NOT MET'}"
        print(f"  goal {goal['ratio']}: {limit}: {verdict}")


def versions(python: Path) -> dict[str, str]:
    done = subprocess.run(
        [python, "-m", "pip", "list", "--format=json"], capture_output=True, text=True, check=False
    )
    wanted = {name.split(">")[0] for name in PEERS}
    found = json.loads(done.stdout) if done.returncode == 0 else []
    return {row["name"]: row["version"] for row in found if row["name"] in wanted}


def default_folder() -> Path:
    return Path(tempfile.gettempdir()) / "deepbio-bench"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument(
        "--only", action="append", choices=list(ROWS), metavar="ROW", help=", ".join(ROWS)
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--folder", type=Path, default=default_folder(), help="of the generated files (1.2 GB)"
    )
    parser.add_argument(
        "--peers", type=Path, default=Path("build/peers"), help="environment of the peers"
    )
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "results" / "reader.json"
    )
    options = parser.parse_args()
    python = peers_python(options.peers)
    install_tools()
    subprocess.run([options.program, "make", options.folder], check=True)
    rows = {}
    if options.only and options.output.exists():
        rows = {row["row"]: row for row in json.loads(options.output.read_text())["rows"]}
    about = machine()
    print(f"{about['cpu']}, {about['cores']} cores, {about['memory_gib']} GiB, {about['system']}")
    for name in options.only or ROWS:
        rows[name] = {**measure(name, options, python), "machine": about}
        show(rows[name])
    options.output.parent.mkdir(parents=True, exist_ok=True)
    kept = {
        "page_cache": "warm",
        "peers": versions(python),
        "rows": [rows[name] for name in ROWS if name in rows],
    }
    options.output.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
