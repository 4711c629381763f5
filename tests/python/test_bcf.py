"""BCF gives what the text of the same variants gives, and damage is an error."""

from __future__ import annotations

import gzip
from pathlib import Path

import pysam.bcftools
import pytest
from genome_files import write_genome
from variant_files import random_vcf, write_bcf

import deepbio_torch as db
from deepbio_torch.errors import DeepBioError, ParseError

SAMPLES = ["one", "two", "s3"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("bcf")
    write_genome(path / "g.fa")
    return path


def told(folder: Path, file: Path) -> tuple[object, ...]:
    """All that a file says of variants and of genotypes."""
    data = db.VariantDataset(folder / "g.fa", file, window=21)
    about = [data.about(i) for i in range(len(data))]
    passing = db.VariantDataset(folder / "g.fa", file, window=21, passing=True)
    places = [("chr1", 0, 30_007), ("chr8", 0, 901)]
    options = {"window": 30_007, "reverse_complement": 0, "transform": None}
    copies = db.GenomeDataset(folder / "g.fa", places, haplotypes=file, **options)
    letters = [each["sequence"] for each in copies]
    return about, data.notes, len(passing), copies.notes, copies.samples, letters


@pytest.mark.parametrize("seed", range(3))
def test_bcf_is_what_its_text_is(folder, tmp_path, seed):
    vcf = random_vcf(tmp_path / "v.vcf", folder / "g.fa", SAMPLES, seed=seed, step=40)
    packed = write_bcf(tmp_path / "v.bcf", vcf)
    text = tmp_path / "text.vcf"
    text.write_text(pysam.bcftools.view(str(packed)))
    expected = told(folder, text)
    assert len(expected[0]) > 1000 and any("symbolic" in note for note in expected[1])
    for file in (packed, write_bcf(tmp_path / "u.bcf", vcf, "u"), vcf):
        assert told(folder, file) == expected


def test_every_cut_and_bit_flip_is_an_error_or_the_same(folder, tmp_path):
    vcf = random_vcf(tmp_path / "v.vcf", folder / "g.fa", ["one"], step=2000)
    lines = vcf.read_text().splitlines(keepends=True)
    vcf.write_text("".join(lines[:17]))
    whole = write_bcf(tmp_path / "v.bcf", vcf).read_bytes()
    damaged = tmp_path / "d.bcf"

    def read(content: bytes) -> tuple[object, ...]:
        damaged.write_bytes(content)
        data = db.VariantDataset(folder / "g.fa", damaged, window=9)
        return [data.about(i) for i in range(len(data))], data.notes

    expected = read(whole)
    assert len(expected[0]) > 3
    cuts = [whole[:size] for size in range(len(whole) - 1)]
    flips = [bytes([*whole[:i], whole[i] ^ 1 << i % 8, *whole[i + 1 :]]) for i in range(len(whole))]
    same = 0
    for content in cuts + flips:
        try:
            found = read(content)
        except DeepBioError as error:
            assert "\n" not in str(error)
            continue
        # Without its last block a file is whole, and that is said.
        assert found[0] == expected[0]
        said = [note for note in found[1] if "no BGZF end block" in note]
        assert found[1] == said + expected[1]
        same += 1
    assert same < 40


def test_what_is_wrong_is_one_line(folder, tmp_path):
    vcf = random_vcf(tmp_path / "v.vcf", folder / "g.fa", ["one"], step=2000)
    plain, cut = tmp_path / "u.bcf", tmp_path / "cut.bcf"
    plain.write_bytes(gzip.decompress(write_bcf(tmp_path / "v.bcf", vcf).read_bytes()))
    cut.write_bytes(plain.read_bytes()[:-3])
    with pytest.raises(ParseError, match=r"cut\.bcf: record \d+, byte \d+: expected the rest of a"):
        db.VariantDataset(folder / "g.fa", cut, window=9)
    other = tmp_path / "other.fa"
    write_genome(other, seed=2)
    with pytest.raises(ParseError, match=r"u\.bcf: record \d+: expected the reference allele"):
        db.VariantDataset(other, plain, window=9)
