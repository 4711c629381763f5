"""Tracks beside windows are what pyBigWig reads, in bins, on both strands, from every format."""

import gzip
import random
import warnings
from pathlib import Path

import numpy as np
import pysam
import pytest
from genome_files import random_intervals, write_bed, write_genome

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ParseError

pyBigWig = pytest.importorskip("pyBigWig")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("tracks")
    write_genome(path / "g.fa")
    genome = pysam.FastaFile(str(path / "g.fa"))
    write_bed(path / "all.bed", random_intervals(genome, 200, 3))
    sizes = dict(zip(genome.references, genome.lengths, strict=True))
    write_tracks(path, {name: sizes[name] for name in ("chr1", "chr2")})
    return path


def write_tracks(path: Path, sizes: dict[str, int]) -> None:
    """a.bw of intervals, fixed and variable steps; the intervals as a.bedgraph.gz, too."""
    rng = random.Random(4)
    file = pyBigWig.open(str(path / "a.bw"), "w")
    file.addHeader(list(sizes.items()))
    graph = []
    for name, size in sizes.items():
        at, rows = 10, []
        while at < size - 9000:
            end = at + rng.randrange(1, 60)
            rows.append((at, end, round(rng.uniform(-2, 9), 3)))
            at = end + rng.choice([0, 0, 30])
        starts, ends, values = zip(*rows, strict=True)
        file.addEntries([name] * len(rows), list(starts), ends=list(ends), values=list(values))
        graph += [f"{name}\t{s}\t{e}\t{v}\n" for s, e, v in rows]
        file.addEntries(name, size - 8000, values=[0.5, 1.5, 2.5] * 200, span=7, step=9)
        file.addEntries(name, [size - 2000, size - 1990], values=[3.0, 4.0], span=5)
    file.close()
    with gzip.open(path / "a.bedgraph.gz", "wt") as out:
        out.writelines(["track type=bedGraph\n", *graph])


def values_of(file: "pyBigWig.pyBigWig", about: dict, margin: int = 0) -> np.ndarray:
    """One value a position as pyBigWig gives it, NaN beyond the ends and where there is none."""
    start, end = about["start"] + margin, about["end"] - margin
    out = np.full(end - start, np.nan, np.float32)
    size = file.chroms(about["chromosome"])
    if size is not None:
        first, last = max(start, 0), min(end, size)
        if first < last:
            out[first - start : last - start] = file.values(about["chromosome"], first, last)
    return out[::-1] if about["strand"] == "-" else out


def dataset(folder: Path, targets: object = "a.bw", **options) -> db.GenomeDataset:
    names = [targets] if isinstance(targets, str) else targets
    paths = [folder / name for name in names]
    return db.GenomeDataset(
        folder / "g.fa", folder / "all.bed", targets=paths, **{"window": 120, **options}
    )


@pytest.mark.parametrize("window", [1, 120, 5000])
def test_positions_have_the_values_that_pybigwig_gives(folder, window):
    file = pyBigWig.open(str(folder / "a.bw"))
    data = dataset(folder, window=window, missing=float("nan"), jitter=40)
    batch = data.batch(range(200))
    assert batch.targets.shape == (200, 1, window)
    for row, about in enumerate(batch.metadata):
        assert np.array_equal(batch.targets[row, 0].numpy(), values_of(file, about), equal_nan=True)
    assert batch.targets.isnan().any() and not batch.targets.isnan().all()


@pytest.mark.parametrize("binning", ["mean", "sum", "max"])
@pytest.mark.parametrize("missing", [0.0, float("nan")])
def test_bins_are_those_of_numpy_and_of_pybigwigs_statistics(folder, binning, missing):
    file = pyBigWig.open(str(folder / "a.bw"))
    options = {"window": 140, "target_window": 100, "bin": 20, "binning": binning}
    batch = dataset(folder, missing=missing, **options).batch(range(200))
    assert batch.targets.shape == (200, 1, 5)
    for row, about in enumerate(batch.metadata):
        values = values_of(file, about, 20).reshape(5, 20).astype(np.float64)
        values[np.isnan(values)] = missing
        with warnings.catch_warnings():  # NumPy says where a bin has no value
            warnings.simplefilter("ignore", RuntimeWarning)
            expected = getattr(np, f"nan{binning}")(values, axis=1)
        expected[np.isnan(values).all(1)] = np.nan
        np.testing.assert_allclose(batch.targets[row, 0].numpy(), expected, rtol=1e-6)
        inside = 0 <= about["start"] and about["end"] <= (file.chroms(about["chromosome"]) or 0)
        if np.isnan(missing) and inside and binning != "sum":
            theirs = file.stats(
                about["chromosome"], about["start"] + 20, about["end"] - 20,
                type=binning, nBins=5, exact=True,
            )  # fmt: skip
            theirs = np.array(theirs, float)[:: -1 if about["strand"] == "-" else 1]
            np.testing.assert_allclose(batch.targets[row, 0].numpy(), theirs, rtol=1e-5)


def test_bedgraph_bed_and_bigwig_stand_side_by_side(folder):
    file = pyBigWig.open(str(folder / "a.bw"))
    write_bed(folder / "here.bed", [("chr1", 100, 9000, "."), ("chr1", 50, 150, ".")])
    data = dataset(folder, ["a.bw", "a.bedgraph.gz", "here.bed"])
    batch = data.batch(range(200))
    assert batch.targets.shape == (200, 3, 120)
    seen = 0
    for row, about in enumerate(batch.metadata):
        if about["chromosome"] == "chr8":
            assert not batch.targets[row].any()
            continue
        positions = np.arange(about["start"], about["end"])[:: -1 if about["strand"] == "-" else 1]
        here = (about["chromosome"] == "chr1") & (positions >= 50) & (positions < 9000)
        assert np.array_equal(batch.targets[row, 2].numpy(), here)
        if 0 <= about["start"] and about["end"] < file.chroms(about["chromosome"]) - 9000:
            assert batch.targets[row, 0].equal(batch.targets[row, 1])
            seen += 1
    assert seen > 50


def test_tracks_in_memory_have_the_same_values(folder):
    options = {"window": 3000, "missing": -1.0}
    held = dataset(folder, tracks_in_memory=True, **options)
    for data in (held, read := dataset(folder, **options)):
        data.set_epoch(1)
    assert held.batch(range(200)).targets.equal(read.batch(range(200)).targets)


def test_samples_and_every_collate_keep_the_targets(folder):
    data = dataset(folder)
    data.set_epoch(2)
    batch = data.batch([4, 9])
    stepwise = dataset(folder, transform=lambda sample: sample)
    stepwise.set_epoch(2)
    for each in (data, stepwise):
        assert db.collate([each[4], each[9]]).targets.equal(batch.targets)
    assert batch[1:].targets.equal(batch.targets[1:])


def test_a_track_that_does_not_fit_is_one_line(folder, tmp_path):
    def refused(kind, name, content):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(kind) as caught:
            db.GenomeDataset(
                folder / "g.fa", folder / "all.bed", window=9, targets=tmp_path / name
            ).batch(range(200))
        assert "\n" not in str(caught.value)
        return str(caught.value).replace(str(tmp_path) + "/", "")

    assert refused(ParseError, "a.bg", b"chr1\t5\t9\t1\nchr1\t2\t4\t1\n").startswith(
        "a.bg: line 2: expected a start of at least 9, intervals sorted"
    )
    assert 'chromosome_names="match"' in refused(ArgumentError, "b.bg", b"1\t5\t9\t1\n")
    whole = (folder / "a.bw").read_bytes()
    assert "expected a whole bigWig" in refused(ParseError, "c.bw", whole[:40])
    assert "the signature that ends a bigWig" in refused(ParseError, "d.bw", whole[:-300])
    damaged = bytearray(whole)
    damaged[len(whole) // 8] ^= 0xFF
    assert "a sound block of values" in refused(ParseError, "e.bw", bytes(damaged))
