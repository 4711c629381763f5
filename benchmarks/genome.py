"""Times windows of a genome, with tracks and haplotypes, beside its peers and a fill.

    python benchmarks/genome.py [--bases 100000000] [--rounds 5] [--peers build/genome-peers]
    [--output benchmarks/results/genome.json]

A generated genome and tracks in the page cache; the same random windows for all, taken in batches,
float32 one-hot with channels first. The ways of a row take turns, so that a slow minute hits all of
them; a figure is the median, with the slowest and fastest. One thread, but for `ours_2_threads` (of
torch) and `ours_2_workers` (of db.DataLoader). `fill` writes an array of the size of the result
once: no way can be faster. `pysam_numpy_pybigwig` is what most loaders in Python do for each
window: pysam's fetch, a comparison in NumPy, pyBigWig's values. GenVarLoader, tangermeme and
bpnet-lite come from PyPI into an environment of their own (--peers) and run in processes of their
own (genome_peers.py); what they do once (`prepared_s`: GenVarLoader writes a dataset) is told
apart. One that cannot be installed, or fails, is named on standard error, and its rows lack it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyBigWig
import pysam
import torch
from machine import machine

import deepbio_torch as db

ROWS = (  # window, windows in a batch, windows in a turn, tracks, samples with haplotypes
    (2114, 64, 2048, 0, 0),
    (2114, 64, 1024, 1, 0),
    (2114, 64, 256, 16, 0),
    (2114, 64, 512, 0, 2),
    (196_608, 2, 32, 0, 0),
    (196_608, 2, 8, 1, 0),
    (196_608, 2, 2, 16, 0),
    (196_608, 2, 8, 0, 2),
)
PEERS = {"genvarloader": "genvarloader", "tangermeme": "tangermeme", "bpnetlite": "bpnet-lite"}
Window = tuple[str, int, int]
THREADS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS", "POLARS_MAX_THREADS")
Turn = Callable[[], float | None]  # its seconds, where another process measured them


def write_genome(path: Path, bases: int) -> None:
    rng = np.random.default_rng(1)
    letters = np.frombuffer(b"ACGTacgt", np.uint8)
    with path.open("wb") as file:
        for number in range(4):
            size = bases // 4 // 60 * 60
            codes = rng.integers(0, 4, size, np.uint8)
            codes[: size // 2] += 4  # half is lower case
            lines = np.full((size // 60, 61), ord("\n"), np.uint8)
            lines[:, :60] = letters[codes].reshape(-1, 60)
            file.write(b">chr%d\n" % (number + 1))
            file.write(lines.tobytes())


def write_track(path: Path, sizes: dict[str, int], seed: int) -> None:
    """Values of stretches of 20 positions, as a coverage binned by 20."""
    rng = np.random.default_rng(seed)
    file = pyBigWig.open(str(path), "w")
    file.addHeader(list(sizes.items()), maxZooms=0)
    for name, size in sizes.items():
        starts = np.arange(0, size - 20, 20)
        values = rng.gamma(1, 3, len(starts)).round(2)
        file.addEntries([name] * len(starts), starts, ends=starts + 20, values=values)
    file.close()


def write_variants(path: Path, fasta: Path, sizes: dict[str, int], samples: int) -> Path:
    """Every 500 bases a substitution, an insertion or a deletion, each copy has half of them."""
    rng = np.random.default_rng(7)
    head = ["##fileformat=VCFv4.2"]
    head += [f"##contig=<ID={name},length={size}>" for name, size in sizes.items()]
    head += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">']
    names = [f"s{i}" for i in range(samples)]
    head += ["\t".join("#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split() + names)]
    with path.open("w") as file:
        file.write("\n".join(head) + "\n")
        for name, size in sizes.items():
            letters = pysam.FastaFile(str(fasta)).fetch(name).upper()
            for start in range(250, size - 250, 500):
                base, others = letters[start], "ACGT".replace(letters[start], "")
                kinds = (
                    (base, others[0]),
                    (base, base + others),
                    (letters[start : start + 4], base),
                )
                alleles = kinds[rng.integers(3)]
                copies = rng.integers(0, 2, (samples, 2))
                cells = [name, str(start + 1), ".", *alleles, ".", "PASS", ".", "GT"]
                cells += [f"{a}|{b}" for a, b in copies]
                file.write("\t".join(cells) + "\n")
    return Path(pysam.tabix_index(str(path), preset="vcf", force=True))


def random_windows(sizes: dict[str, int], window: int, count: int) -> list[Window]:
    rng = np.random.default_rng(window)
    names = list(sizes)
    out = []
    for name in rng.integers(0, len(names), count):
        start = int(rng.integers(0, sizes[names[name]] - window))
        out.append((names[name], start, start + window))
    return out


def batches_of(windows: list[Window], size: int) -> list[list[Window]]:
    return [windows[i : i + size] for i in range(0, len(windows), size)]


def peer(fasta: Path, tracks: list[Path], batches: list[list[Window]]) -> Turn:
    genome = pysam.FastaFile(str(fasta))
    files = [pyBigWig.open(str(path)) for path in tracks]
    table = np.zeros((256, 4), np.float32)
    for place, letter in enumerate("ACGT"):
        table[[ord(letter), ord(letter.lower())], place] = 1

    def turn() -> None:
        for batch in batches:
            rows = [np.frombuffer(genome.fetch(*each).encode(), np.uint8) for each in batch]
            torch.from_numpy(np.ascontiguousarray(table[np.stack(rows)].transpose(0, 2, 1)))
            if files:
                values = [[file.values(*each, numpy=True) for file in files] for each in batch]
                torch.from_numpy(np.nan_to_num(np.array(values, np.float32)))

    return turn


def ours(
    fasta: Path,
    tracks: list[Path],
    batches: list[list[Window]],
    *,
    in_memory: bool = False,
    variants: Path | None = None,
    num_threads: int = 1,
    num_workers: int | None = None,
) -> Turn:
    windows = [each for batch in batches for each in batch]
    data = db.GenomeDataset(
        fasta,
        windows,
        window=windows[0][2] - windows[0][1],
        targets=tracks or None,
        placement="exact",
        reverse_complement=0,
        tracks_in_memory=in_memory,
        haplotypes=variants,
    )
    size = len(batches[0]) * len(data) // len(windows)  # with all copies of a window
    indices = [range(i, min(i + size, len(data))) for i in range(0, len(data), size)]

    def turn() -> None:
        torch.set_num_threads(num_threads)
        if num_workers is None:
            for batch in indices:
                data.batch(batch)
        else:
            for _ in db.DataLoader(data, batch_size=size, num_workers=num_workers):
                pass
        torch.set_num_threads(1)

    return turn


class PeerProcess:
    """A loader of another project in its own process, pinned to one thread."""

    def __init__(self, python: Path, peer: str, work: dict[str, Any]) -> None:
        file = Path(work["folder"]) / "work.json"
        file.write_text(json.dumps(work))
        self.process = subprocess.Popen(
            [str(python), str(Path(__file__).with_name("genome_peers.py")), peer, str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONSAFEPATH": "1"},
        )
        self.prepared_s = self._answer()["prepared_s"]

    def _answer(self) -> dict[str, float]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):  # what a library prints is passed over
                found: dict[str, float] = json.loads(line)
                return found
        raise ChildProcessError(f"exit code {self.process.wait()}")

    def __call__(self) -> float:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._answer()["seconds"]

    def close(self) -> None:
        self.process.communicate()


def peers_python(folder: Path) -> Path:
    """An environment with the peers that can be had."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        for package in PEERS.values():
            command = [python, "-m", "pip", "install", "--quiet", package]
            if subprocess.run(command, check=False, capture_output=True).returncode != 0:
                print(f"{package} cannot be installed: its rows will lack it", file=sys.stderr)
    return python.absolute()


def start_peers(python: Path, work: dict[str, Any]) -> dict[str, PeerProcess]:
    """Those that can do a row."""
    names = ["genvarloader"]
    if "variants" not in work:
        names += ["tangermeme", "bpnetlite"] if work["tracks"] else ["tangermeme"]
    out = {}
    for name in names:
        try:
            out[name] = PeerProcess(python, name, work)
        except ChildProcessError as problem:
            print(f"{name}: {problem}: this row lacks it", file=sys.stderr)
    return out


def fill(tracks: int, batches: list[list[Window]]) -> Turn:
    window = batches[0][0][2] - batches[0][0][1]

    def turn() -> None:
        for batch in batches:
            torch.empty(len(batch), 4 + tracks, window).fill_(1)

    return turn


def timed(ways: dict[str, Turn], rounds: int) -> dict[str, list[float]]:
    out: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()  # warm-up
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            measured = way()
            out[name].append(measured or time.perf_counter() - start)
    return out


def measure(row: tuple[int, ...], files: dict[str, Any], python: Path, rounds: int) -> dict:
    window, batch_size, count, num_tracks, num_samples = row
    fasta, tracks = files["fasta"], files["tracks"][:num_tracks]
    batches = batches_of(random_windows(files["sizes"], window, count), batch_size)
    variants = files["variants"] if num_samples else None
    work = {
        "fasta": str(fasta),
        "tracks": [str(path) for path in tracks],
        "windows": [each for batch in batches for each in batch],
        "batch_size": batch_size,
        "folder": str(fasta.parent),
        **({"variants": str(variants)} if variants else {}),
    }
    given = {"fasta": fasta, "tracks": tracks, "batches": batches, "variants": variants}
    ways: dict[str, Turn] = {
        "ours": ours(**given),
        "ours_2_threads": ours(**given, num_threads=2),
        "ours_1_worker": ours(**given, num_workers=1),
        "ours_2_workers": ours(**given, num_workers=2),
        "fill": fill(num_tracks, [batch * max(2 * num_samples, 1) for batch in batches]),
    }
    if not variants:
        ways["pysam_numpy_pybigwig"] = peer(fasta, tracks, batches)
    if num_tracks == 1:  # sixteen would be the same sixteen times
        ways["ours_tracks_in_memory"] = ours(**given, in_memory=True)
    peers = start_peers(python, work)
    seconds = timed({**ways, **peers}, rounds)
    for each in peers.values():
        each.close()
    median = {way: statistics.median(each) for way, each in seconds.items()}
    made = count * max(2 * num_samples, 1)
    others = [way for way in median if not way.startswith(("ours", "fill"))]
    return {
        "window": window,
        "tracks": num_tracks,
        "samples": num_samples,
        "windows_per_s": {way: round(made / each, 1) for way, each in median.items()},
        "spread_s": {way: [min(each), max(each)] for way, each in seconds.items()},
        "prepared_s": {way: round(each.prepared_s, 2) for way, each in peers.items()},
        "over_ours": {way: round(median[way] / median["ours"], 2) for way in others},
        "share_of_fill": round(median["fill"] / median["ours"], 3),
        "speedup_of_2_threads": round(median["ours"] / median["ours_2_threads"], 2),
        "speedup_of_2_workers": round(median["ours_1_worker"] / median["ours_2_workers"], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bases", type=int, default=100_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", type=Path, default=Path("build/genome-peers"))
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    python = peers_python(arguments.peers)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_genome(folder / "g.fa", arguments.bases)
        start = time.perf_counter()
        sizes = db.FastaFile(folder / "g.fa").lengths
        indexed = time.perf_counter()
        db.GenomeDataset(folder / "g.fa", [("chr1", 0, 9)], window=9)
        packing = {"index_fasta_s": indexed - start, "pack_fasta_s": time.perf_counter() - indexed}
        tracks = [folder / f"{i}.bw" for i in range(16)]
        write_track(tracks[0], sizes, 0)
        for path in tracks[1:]:
            path.symlink_to(tracks[0])
        files = {
            "fasta": folder / "g.fa",
            "sizes": sizes,
            "tracks": tracks,
            "variants": write_variants(folder / "v.vcf", folder / "g.fa", sizes, 2),
        }
        for row in ROWS:
            rows.append(measure(row, files, python, arguments.rounds))
            print(json.dumps(rows[-1]), flush=True)
    result = {"machine": machine(), "bases": arguments.bases, "packing": packing, "rows": rows}
    print(json.dumps(packing))
    if arguments.output:
        arguments.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
