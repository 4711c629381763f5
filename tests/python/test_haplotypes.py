"""Windows of samples are cut from what bcftools consensus makes of them, tracks with them."""

from __future__ import annotations

import pickle
import random
from pathlib import Path

import numpy as np
import pysam
import pysam.bcftools
import pytest
import torch
from genome_files import PAIRED, one_hot, write_bed, write_genome
from variant_files import indexed, random_vcf, write_bcf

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ParseError

SAMPLES = ["one", "two"]
WHOLE = 100_000  # longer than each chromosome with what is put into it
STARTS = {"chr1": 0, "chr2": 0, "chr8": 0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("haplotypes")
    write_genome(path / "g.fa")
    indexed(random_vcf(path / "v.vcf", path / "g.fa", SAMPLES, symbols=False))
    sizes = pysam.FastaFile(str(path / "g.fa"))
    with (path / "positions.bedgraph").open("w") as file:
        for name in STARTS:
            for i in range(sizes.get_reference_length(name)):
                file.write(f"{name}\t{i}\t{i + 1}\t{i}\n")
    return path


def windows(folder: Path, intervals, **options) -> db.GenomeDataset:
    given = {"window": 50, "reverse_complement": 0, "haplotypes": folder / "v.vcf.gz"}
    return db.GenomeDataset(folder / "g.fa", intervals, **{**given, **options})


def whole_copies(folder: Path, **options) -> db.GenomeDataset:
    """Each chromosome in one window, after WHOLE // 2 - 1 positions before it."""
    places = [(name, 0, 2) for name in STARTS]
    return windows(folder, places, window=WHOLE, transform=None, **options)


@pytest.mark.parametrize(("seed", "overlaps"), [(1, True), (2, True), (3, True), (4, False)])
def test_copies_are_those_of_bcftools_consensus(folder, tmp_path, seed, overlaps):
    fasta, options = folder / "g.fa", {"symbols": False, "overlaps": overlaps}
    vcf = indexed(random_vcf(tmp_path / "v.vcf", fasta, SAMPLES, seed=seed, **options))
    data = whole_copies(folder, haplotypes=vcf)
    assert len(data) == 12 and data.samples == SAMPLES
    made = {}
    for sample in SAMPLES:
        for copy in (1, 2):
            out = tmp_path / f"{sample}{copy}.fa"
            out.write_text(
                pysam.bcftools.consensus("-f", str(fasta), "-H", str(copy), "-s", sample, str(vcf))
            )
            made[sample, copy] = pysam.FastaFile(str(out))
    distinct = set()
    for each in data:
        about = each["metadata"]
        found = made[about["sample"], about["haplotype"]].fetch(about["chromosome"]).upper()
        expected = b"N" * (WHOLE // 2 - 1) + found.encode()
        assert each["sequence"] == expected + b"N" * (WHOLE - len(expected))
        distinct.add(each["sequence"])
    assert len(distinct) == 12
    assert any("they overlap" in note for note in data.notes) == overlaps


def test_windows_begin_at_their_position_and_tracks_follow_the_letters(folder):
    track = {"targets": folder / "positions.bedgraph", "missing": float("nan")}
    copies = {}
    for each in whole_copies(folder, **track):
        about = each["metadata"]
        copies[about["chromosome"], about["sample"], about["haplotype"]] = each
    rng = random.Random(5)
    names = rng.choices(list(STARTS), k=60)
    places = [
        (name, start := rng.randrange(1, 850), start + 50, rng.choice("+-")) for name in names
    ]
    data = windows(folder, places, placement="exact", transform=None, **track)
    assert len(data) == 240
    for each in data:
        about = each["metadata"]
        whole = copies[about["chromosome"], about["sample"], about["haplotype"]]
        at = whole["targets"][0].numpy()
        is_own = np.concatenate([[True], at[1:] != at[:-1]])  # not brought by an insertion
        first = int(np.flatnonzero((at >= about["start"]) & is_own)[0])
        letters = whole["sequence"][first : first + 50]
        values = at[first : first + 50]
        if about["strand"] == "-":
            letters, values = letters.translate(PAIRED)[::-1], values[::-1]
        assert each["sequence"] == letters
        assert np.array_equal(each["targets"][0].numpy(), values, equal_nan=True)


def test_batches_hold_the_encoded_letters_whatever_makes_them(folder):
    places = [("chr1", 3000, 3050, "-"), ("chr2", 100, 150, "+"), ("chr1", 20, 70, "+")]
    options = {"jitter": 9, "reverse_complement": 0.5, "targets": folder / "positions.bedgraph"}
    data, raw = (
        windows(folder, places, **options),
        windows(folder, places, transform=None, **options),
    )
    data.set_epoch(2)
    raw.set_epoch(2)
    expected = data.batch(range(12))
    for row, each in enumerate(raw):
        assert np.array_equal(expected.sequences[row].numpy(), one_hot(each["sequence"]))
        assert each["id"] == expected.ids[row]
        assert torch.equal(each["targets"], expected.targets[row])
    assert len({about["start"] for about in expected.metadata}) > 3
    ours = db.DataLoader(data, batch_size=5, num_workers=2)
    ours.set_epoch(2)
    for loader in (
        ours,
        torch.utils.data.DataLoader(pickle.loads(pickle.dumps(data)), 5, collate_fn=db.collate),
    ):
        batches = list(loader)
        for key in ("sequences", "targets", "starts", "chromosomes"):
            assert torch.equal(torch.cat([batch[key] for batch in batches]), expected[key])
        assert [each for batch in batches for each in batch.metadata] == expected.metadata


def test_labels_and_rows_of_intervals_are_those_of_the_window(folder, tmp_path):
    bed = write_bed(tmp_path / "a.bed", [("chr1", 100, 200, "+"), ("chr2", 100, 200, "-")])
    data = windows(folder, bed, label="score", samples=["two"])
    assert data.interval_index.tolist() == [0, 0, 1, 1]
    assert data.labels.tolist() == [0, 0, 0.5, 0.5]
    assert len(data.gc_shares) == 4
    one = data.select_chromosomes(["chr2"]).batch([0, 1])
    assert one.ids == ["chr2:125-175(-):two:1", "chr2:125-175(-):two:2"]
    negatives = windows(folder, bed, negatives=2, window=20)
    assert negatives.labels.tolist() == [1] * 8 + [0] * 16


def test_bcf_and_the_order_of_samples(folder, tmp_path):
    packed = write_bcf(tmp_path / "v.bcf", folder / "v.vcf.gz")
    place = [("chr1", 1000, 1050)]
    both = windows(folder, place).batch(range(4)).sequences
    turned = windows(folder, place, haplotypes=packed, samples=["two", "one"])
    assert torch.equal(turned.batch(range(4)).sequences, both[[2, 3, 0, 1]])


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"samples": ["tow"]}, ArgumentError, "got 'tow'; the nearest is 'two'"),
        ({"samples": "two"}, ArgumentError, "samples: expected a list of names"),
        ({"samples": []}, ArgumentError, "samples: expected a list of names"),
        ({"haplotypes": None, "samples": ["two"]}, ArgumentError, "expected a file for haplotypes"),
        ({"soft_mask": "channel"}, ArgumentError, "soft_mask: expected ignore beside haplotypes"),
        ({"reference_mismatch": "x"}, ArgumentError, "expected error or skip, got 'x'"),
    ],
)
def test_what_is_wrong_is_one_line(folder, options, error, said):
    with pytest.raises(error, match=said) as caught:
        windows(folder, [("chr1", 0, 50)], **options)
    assert "\n" not in str(caught.value)


def test_genotypes_of_another_genome_are_refused_or_left_out(folder, tmp_path):
    other = write_genome(tmp_path / "other.fa", seed=9)
    options = {"window": 50, "haplotypes": folder / "v.vcf.gz"}
    with pytest.raises(ParseError, match=r"line \d+: expected the reference allele"):
        db.GenomeDataset(other, [("chr1", 0, 50)], **options)
    data = db.GenomeDataset(other, [("chr1", 0, 50)], reference_mismatch="skip", **options)
    assert any("another reference allele" in note for note in data.notes)
