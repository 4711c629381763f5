"""Times windows of a genome, with and without tracks, beside pysam + NumPy + pyBigWig and a fill.

    python benchmarks/genome.py [--bases 100000000] [--rounds 5] [--output
    benchmarks/results/genome.json]

One thread; a generated genome and tracks in the page cache; the same random windows for all, taken
in batches, float32 one-hot with channels first. The ways of a row take turns, so that a slow minute
hits all of them; a figure is the median, with the slowest and fastest. `fill` writes an array of
the size of the result once: no way can be faster. The peers are what most loaders in Python do for
each window: pysam's fetch, a comparison in NumPy, pyBigWig's values.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyBigWig
import pysam
import torch
from machine import machine

import deepbio_torch as db

ROWS = (  # window, windows in a batch, windows in a turn, tracks
    (2114, 64, 2048, 0),
    (2114, 64, 1024, 1),
    (2114, 64, 256, 16),
    (196_608, 2, 32, 0),
    (196_608, 2, 8, 1),
    (196_608, 2, 2, 16),
)
Turn = Callable[[], object]


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


def random_windows(sizes: dict[str, int], window: int, count: int) -> list[tuple[str, int, int]]:
    rng = np.random.default_rng(window)
    names = list(sizes)
    out = []
    for name in rng.integers(0, len(names), count):
        start = int(rng.integers(0, sizes[names[name]] - window))
        out.append((names[name], start, start + window))
    return out


def batches_of(windows: list[tuple[str, int, int]], size: int) -> list[list[tuple[str, int, int]]]:
    return [windows[i : i + size] for i in range(0, len(windows), size)]


def peer(fasta: Path, tracks: list[Path], batches: list[list[tuple[str, int, int]]]) -> Turn:
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
    batches: list[list[tuple[str, int, int]]],
    in_memory: bool = False,
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
    )
    ends = np.cumsum([0] + [len(batch) for batch in batches])
    indices = [range(a, b) for a, b in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]

    def turn() -> None:
        for batch in indices:
            data.batch(batch)

    return turn


def fill(tracks: int, batches: list[list[tuple[str, int, int]]]) -> Turn:
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
            way()
            out[name].append(time.perf_counter() - start)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bases", type=int, default=100_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
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
        for window, batch_size, count, num_tracks in ROWS:
            batches = batches_of(random_windows(sizes, window, count), batch_size)
            ways = {
                "ours": ours(folder / "g.fa", tracks[:num_tracks], batches),
                "pysam_numpy_pybigwig": peer(folder / "g.fa", tracks[:num_tracks], batches),
                "fill": fill(num_tracks, batches),
            }
            if num_tracks == 1:  # sixteen would be the same sixteen times
                ways["ours_tracks_in_memory"] = ours(folder / "g.fa", tracks[:1], batches, True)
            seconds = timed(ways, arguments.rounds)
            median = {way: statistics.median(each) for way, each in seconds.items()}
            row = {
                "window": window,
                "tracks": num_tracks,
                "windows_per_s": {way: round(count / each, 1) for way, each in median.items()},
                "spread_s": {way: [min(each), max(each)] for way, each in seconds.items()},
                "peer_over_ours": round(median["pysam_numpy_pybigwig"] / median["ours"], 2),
                "share_of_fill": round(median["fill"] / median["ours"], 3),
            }
            rows.append(row)
            print(json.dumps(row), flush=True)
    result = {"machine": machine(), "bases": arguments.bases, "packing": packing, "rows": rows}
    print(json.dumps(packing))
    if arguments.output:
        arguments.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
