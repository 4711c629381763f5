"""Loaders of other projects for genome.py, which starts this in an environment of their own.

    python benchmarks/genome_peers.py PEER WORK.json

WORK.json tells files and windows. Prints the seconds of what is done once (reading the genome,
writing a dataset), then, for each line on standard input, makes all batches and prints the seconds
of that. A batch is float32 one-hot [B, 4, L], as of deepbio_torch, and float32 tracks.
"""

import importlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Work = dict[str, Any]
Turn = Callable[[], object]


def genvarloader(work: Work) -> Turn:
    """Its dataset is written ahead; letters come from the genome in memory."""
    import genvarloader as gvl
    import polars as pl
    import seqpro

    windows, size = work["windows"], work["batch_size"]
    width = windows[0][2] - windows[0][1]
    names, starts, ends = zip(*windows, strict=True)
    bed = pl.DataFrame({"chrom": names, "chromStart": starts, "chromEnd": ends})
    genome = gvl.Reference.from_path(work["fasta"])
    tracks = [gvl.BigWigs(f"t{i}", {"s": path}) for i, path in enumerate(work["tracks"])]
    if not tracks and "variants" not in work:
        data = gvl.RefDataset(genome, bed, output_length=width)
    else:
        folder = Path(tempfile.mkdtemp(dir=work["folder"])) / "data.gvl"
        gvl.write(folder, bed, tracks=tracks or None, variants=work.get("variants"))
        data = gvl.Dataset.open(folder, genome).with_len(width)
        if "variants" in work:
            data = data.with_seqs("haplotypes")
    rows = [np.arange(i, min(i + size, len(windows))) for i in range(0, len(windows), size)]

    def turn() -> None:
        for row in rows:
            found = data[row] if isinstance(data, gvl.RefDataset) else data[row, :]
            letters = found[0] if tracks else found
            codes = seqpro.DNA.ohe(letters.reshape(-1, width))
            np.ascontiguousarray(codes.transpose(0, 2, 1), dtype=np.float32)

    return turn


def tangermeme(work: Work) -> Turn:
    """It reads all windows at once, before training; batches are slices of that."""
    import pandas as pd
    from tangermeme.io import extract_loci

    windows = work["windows"]
    width = windows[0][2] - windows[0][1]
    loci = pd.DataFrame(windows, columns=["chrom", "start", "end"])
    signals = work["tracks"] or None

    def turn() -> None:
        extract_loci(
            loci, work["fasta"], signals=signals, in_window=width, out_window=width, n_jobs=1
        )

    return turn


def bpnetlite(work: Work) -> Turn:
    """It reads all windows with their tracks ahead (tangermeme), and takes batches out of them."""
    import pandas as pd
    from bpnetlite.io import PeakGenerator

    windows = work["windows"]
    width = windows[0][2] - windows[0][1]
    loci = pd.DataFrame(windows, columns=["chrom", "start", "end"])
    loader = PeakGenerator(
        loci,
        loci,
        work["fasta"],
        work["tracks"],
        in_window=width,
        out_window=width,
        max_jitter=1,  # 0 is refused
        negative_ratio=1e-9,  # it divides by it
        reverse_complement=False,
        shuffle=False,
        pin_memory=False,
        batch_size=work["batch_size"],
    )

    def turn() -> None:
        for _ in loader:
            pass

    return turn


PEERS = {"genvarloader": genvarloader, "tangermeme": tangermeme, "bpnetlite": bpnetlite}
MODULES = {"genvarloader": ("genvarloader", "seqpro"), "tangermeme": ("tangermeme.io",),
           "bpnetlite": ("bpnetlite.io",)}  # fmt: skip


def main() -> None:
    work = json.loads(Path(sys.argv[2]).read_text())
    for module in MODULES[sys.argv[1]]:
        importlib.import_module(module)
    start = time.perf_counter()
    turn = PEERS[sys.argv[1]](work)
    print(json.dumps({"prepared_s": time.perf_counter() - start}), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        turn()
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)


if __name__ == "__main__":
    main()
