"""Windows around variants are those of a chromosome with the allele put in, and scores their
differences."""

from __future__ import annotations

import copy
import gzip
import logging
import pickle
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pysam.bcftools
import pytest
import torch
from genome_files import one_hot, write_genome
from torch import nn

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ParseError, RecordIndexError, ShapeError
from deepbio_torch.transforms import Compose, IntegerEncoder, KmerEncoder, Mutator, OneHotEncoder

WINDOW = 61
Row = tuple[str, int, str, str]  # chromosome, position from 1, reference, alternative


def random_variants(genome: pysam.FastaFile, count: int, seed: int = 4) -> list[Row]:
    """Substitutions, insertions, deletions and both at once, at the ends of chromosomes too."""
    rng = random.Random(seed)
    rows: list[Row] = []
    while len(rows) < count:
        name = rng.choice(genome.references)
        size = genome.get_reference_length(name)
        start = {0: 0, 1: size - 1}.get(len(rows) % 12, rng.randrange(size))
        length = min(rng.choice((1, 1, 1, 2, 5, 40)), size - start)
        reference = genome.fetch(name, start, start + length).upper()
        alternative = "".join(rng.choices("ACGT", k=rng.choice((1, 1, 2, 8, 100))))
        if alternative != reference:
            rows.append((name, start + 1, reference, alternative))
    return rows


def write_vcf(path: Path, rows: list[Row]) -> Path:
    head = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    lines = (f"{c}\t{p}\trs{i}\t{r}\t{a}\t.\tPASS\t.\n" for i, (c, p, r, a) in enumerate(rows))
    path.write_text(head + "".join(lines))
    return path


def windows_by_hand(genome: pysam.FastaFile, row: Row) -> tuple[bytes, bytes]:
    """The chromosome as text, the allele put in, and L letters from the same first base."""
    name, position, reference, alternative = row
    whole = genome.fetch(name).upper()
    pad = "N" * (WINDOW + 120)
    before, after = pad + whole[: position - 1], whole[position - 1 + len(reference) :] + pad
    first = len(before) - WINDOW // 2
    return tuple(
        (before + allele + after)[first : first + WINDOW].encode()
        for allele in (reference, alternative)
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("variants")
    write_genome(path / "g.fa")
    write_vcf(path / "v.vcf", random_variants(pysam.FastaFile(str(path / "g.fa")), 200))
    return path


@pytest.fixture(scope="module")
def rows(folder) -> list[Row]:
    return random_variants(pysam.FastaFile(str(folder / "g.fa")), 200)


def variants(folder, given="v.vcf", **options) -> db.VariantDataset:
    where = folder / given if isinstance(given, str) else given
    return db.VariantDataset(folder / "g.fa", where, **{"window": WINDOW, **options})


def test_windows_are_those_of_a_chromosome_with_the_allele_put_in(folder, rows):
    genome = pysam.FastaFile(str(folder / "g.fa"))
    data = variants(folder)
    batch = data.batch(range(len(data)))
    assert batch.sequences.shape == batch.alternative_sequences.shape == (200, 4, WINDOW)
    for row, (kept, changed, about) in enumerate(
        zip(batch.sequences, batch.alternative_sequences, batch.metadata, strict=True)
    ):
        reference, alternative = windows_by_hand(genome, rows[row])
        assert np.array_equal(kept.numpy(), one_hot(reference)), about
        assert np.array_equal(changed.numpy(), one_hot(alternative)), about
        name, position, *alleles = rows[row]
        assert (about["chromosome"], about["position"]) == (name, position)
        assert [about["reference"], about["alternative"]] == alleles
    assert batch.ids == [f"rs{row}" for row in range(200)]


def test_alternative_windows_are_those_of_bcftools_consensus(folder, rows, tmp_path):
    data = variants(folder, transform=None)
    for index in range(0, len(rows), 8):
        name, position, *_ = rows[index]
        packed = pysam.tabix_index(
            str(write_vcf(tmp_path / "one.vcf", [rows[index]])), preset="vcf", force=True
        )
        changed = tmp_path / f"{index}.fa"
        changed.write_text(pysam.bcftools.consensus("-f", str(folder / "g.fa"), packed))
        pad = "N" * WINDOW
        whole = pad + pysam.FastaFile(str(changed)).fetch(name).upper() + pad
        first = len(pad) + position - 1 - WINDOW // 2
        assert data[index]["alternative_sequence"] == whole[first : first + WINDOW].encode()


def test_other_transforms_and_raw_letters_give_both_windows(folder, rows):
    genome = pysam.FastaFile(str(folder / "g.fa"))
    raw = variants(folder, transform=None)[7]
    assert (raw["sequence"], raw["alternative_sequence"]) == windows_by_hand(genome, rows[7])
    counts = KmerEncoder(3, unknown="zero")
    batch = variants(folder, transform=counts).batch([7])
    assert torch.equal(batch.alternative_sequences[0], counts.encode(raw["alternative_sequence"]))
    callables = [lambda sample: sample, OneHotEncoder(channels_first=True)]
    pair = variants(folder, transform=Compose(callables))[7]
    whole = variants(folder)
    assert torch.equal(pair["alternative_sequence"], whole.batch([7]).alternative_sequences[0])
    assert torch.equal(pair["alternative_sequence"], whole[7]["alternative_sequence"])
    both = db.collate([pair, whole[8]])
    assert torch.equal(both.alternative_sequences, whole.batch([7, 8]).alternative_sequences)


def test_what_is_random_in_a_transform_is_the_same_for_both_windows(folder):
    snps = [("chr1", p, "ACGT"[i % 4], "N") for i, p in enumerate(range(100, 200))]
    data = variants(
        folder,
        snps,
        reference_mismatch="skip",
        transform=Compose([Mutator(0.5), IntegerEncoder(unknown="zero")]),
    )
    batch = data.batch(range(len(data)))
    differ = batch.sequences != batch.alternative_sequences
    assert differ.sum(1).max() == 1 and differ.nonzero()[:, 1].unique().tolist() == [WINDOW // 2]
    assert not torch.equal(data.batch([0]).sequences, data.batch([0]).sequences)
    data.set_epoch(3)
    assert torch.equal(data.batch([0]).sequences, data.batch([0]).sequences)


def test_every_loader_gives_the_same_pairs(folder):
    data = variants(folder)
    expected = data.batch(range(200))
    for loader in (
        db.DataLoader(data, batch_size=32, num_workers=2),
        torch.utils.data.DataLoader(data, 32, num_workers=2, collate_fn=db.collate),
        torch.utils.data.DataLoader(
            pickle.loads(pickle.dumps(data)), 32, num_workers=1, multiprocessing_context="spawn"
        ),
    ):
        batches = list(loader)
        for key in ("sequences", "alternative_sequences"):
            assert torch.equal(torch.cat([batch[key] for batch in batches]), expected[key])
        assert [name for batch in batches for name in batch.ids] == expected.ids
    shuffled = db.DataLoader(copy.copy(data), batch_size=32, shuffle=True, seed=1)
    assert sorted(name for batch in shuffled for name in batch.ids) == sorted(expected.ids)


def test_tables_and_tuples_are_taken_as_files_are(folder, rows):
    expected = variants(folder).batch(range(200))
    frame = pd.DataFrame(rows, columns=["chrom", "pos", "ref", "alt"])
    packed = folder / "v.vcf.gz"
    packed.write_bytes(gzip.compress((folder / "v.vcf").read_bytes()))
    for given in (frame, rows, "v.vcf.gz"):
        data = variants(folder, given)
        assert torch.equal(
            data.batch(range(200)).alternative_sequences, expected.alternative_sequences
        )
    name, position, reference, alternative = rows[3]
    assert variants(folder, rows).batch([3]).ids == [f"{name}:{position}:{reference}:{alternative}"]


def test_what_is_left_out_is_counted_and_said(folder, caplog):
    text = (folder / "v.vcf").read_text().splitlines(keepends=True)[:2]
    genome = pysam.FastaFile(str(folder / "g.fa"))
    base = genome.fetch("chr1", 99, 100).upper()
    other = next(letter for letter in "ACGT" if letter != base)
    third = next(letter for letter in "ACGT" if letter not in (base, other))
    for alleles, mark in (
        (f"{base}\t{other},{third},<DEL>", "PASS"),
        (f"{other}\t{base}", "PASS"),
        (f"{base}\t{other}", "q10"),
    ):
        text.append(f"chr1\t100\trs1\t{alleles}\t.\t{mark}\t.\n")
    path = folder / "some.vcf"
    path.write_text("".join(text))
    with caplog.at_level(logging.INFO, logger="deepbio_torch"):
        data = variants(folder, "some.vcf", reference_mismatch="skip", passing=True)
    assert data.batch([0, 1]).ids == [f"chr1:100:{base}:{other}", f"chr1:100:{base}:{third}"]
    assert (len(data), data.num_mismatches) == (2, 1)
    assert data.notes == [
        "left out 1: a filter",
        "left out 1: a symbolic allele",
        "left out 1: another reference allele than the genome's",
    ]
    assert [record.message for record in caplog.records] == data.notes
    with pytest.raises(
        ParseError, match=rf"some\.vcf: line 4: expected the reference allele '{base}'"
    ):
        variants(folder, "some.vcf")


@pytest.mark.parametrize(
    ("given", "options", "error", "said"),
    [
        ([("chr9", 1, "A", "C")], {}, ParseError, "record 0: expected a chromosome of"),
        ([("8", 1, "N", "C")], {}, ParseError, "chromosome_names=.match. takes it for 'chr8'"),
        ([("chr8", 901, "AC", "C")], {}, ParseError, "within the 901 bases of 'chr8'"),
        ([("chr8", 1.5, "A", "C")], {}, ArgumentError,
         "record 0: position: expected a whole number"),
        ([("chr8", 1)], {}, ArgumentError, "a list of .chromosome, position"),
        ([("chr1", 1, "N", "C")], {"window": 0}, ArgumentError,
         "window: expected at least 1, got 0"),
        ([("chr1", 1, "N", "C")], {"reference_mismatch": "x"}, ArgumentError,
         "error or skip, got 'x'"),
        ([("chr1", 1, "N", "C")], {"passing": True}, ArgumentError, "passing: expected a VCF file"),
        ([("chr1", 1, "N", "C")], {"chromosomes": ["chr8"]}, ArgumentError, "no variants are left"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(folder, given, options, error, said):
    with pytest.raises(error, match=said) as caught:
        variants(folder, given, **options)
    assert "\n" not in str(caught.value)


def test_an_index_counts_from_the_end_or_is_refused(folder):
    data = variants(folder)
    assert data[-1]["id"] == "rs199" and data.batch([-1]).ids == ["rs199"]
    with pytest.raises(RecordIndexError, match="variant index: expected -200 to 199, got 200"):
        data[200]


class Model(nn.Module):
    """Two tracks of a profile, with dropout that scoring must switch off."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.filters, self.dropout = nn.Conv1d(4, 2, 9), nn.Dropout(0.5)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        return self.dropout(self.filters(windows).relu())


def test_scores_are_the_outputs_of_both_windows(folder, rows, tmp_path):
    data, model = variants(folder), Model()
    found = db.score_variants(model, data, batch_size=33, tracks=["a", "b"], num_workers=2)
    assert model.training
    batch = data.batch(range(200))
    model.eval()
    with torch.no_grad():
        kept, changed = (model(batch[k]).sum(2) for k in ("sequences", "alternative_sequences"))
    assert torch.allclose(found.effects, changed - kept, atol=1e-5)
    assert torch.allclose(found.reference_scores, kept, atol=1e-5)
    frame = found.to_pandas()
    assert list(frame)[:7] == [
        "id", "chromosome", "position", "reference", "alternative", "effect_a", "effect_b",
    ]  # fmt: skip
    assert list(zip(*(frame[name] for name in list(frame)[1:5]), strict=True)) == rows
    found.write(tmp_path / "effects.tsv")
    again = pd.read_csv(tmp_path / "effects.tsv", sep="\t", keep_default_na=False)
    pd.testing.assert_frame_equal(again, frame, rtol=1e-5, atol=1e-6)


def test_scores_of_both_strands_are_their_mean(folder):
    data, model = variants(folder), Model().eval()
    found = db.score_variants(model, data, reverse_complement=True)
    turned = db.score_variants(lambda windows: model(windows.flip(1, 2)), data)
    plain = db.score_variants(model, data)
    assert torch.allclose(found.effects, (plain.effects + turned.effects) / 2, atol=1e-5)


def test_outputs_of_another_shape_are_refused_by_name(folder):
    data = variants(folder)
    with pytest.raises(ShapeError, match=r"expected an output \[64\], \[64, K\].*got \[\]"):
        db.score_variants(lambda windows: windows.sum(), data)
    with pytest.raises(ArgumentError, match="tracks: expected 1 names, as the outputs, got 2"):
        db.score_variants(lambda windows: windows.sum((1, 2)), data, tracks=["a", "b"])
    single = db.score_variants(
        lambda windows: {"x": windows}, data, output=lambda out: out["x"].sum((1, 2))
    )
    assert list(single.columns())[5:] == ["effect", "reference_score", "alternative_score"]


def test_scores_need_a_transform_that_keeps_every_pair(folder):
    def some(sample):
        if sample["metadata"]["position"] % 2:
            return None
        return {**sample, "sequence": torch.ones(4, 3)}

    data = variants(folder, window=3, transform=some)
    kept = sum(data.about(i)["position"] % 2 == 0 for i in range(len(data)))
    assert 0 < kept < len(data)
    with pytest.raises(ArgumentError, match=f"keeps every pair, got {kept} of {len(data)}"):
        db.score_variants(lambda windows: windows.sum((1, 2)), data)
