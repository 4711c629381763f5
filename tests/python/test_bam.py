"""Reads of BAM are what pysam gives, wherever reads are read, and damage is an error."""

from __future__ import annotations

import array
import json
import random
from pathlib import Path

import pysam
import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ParseError
from deepbio_torch.transforms import OneHotEncoder

COMPLEMENT = str.maketrans("ACGTRYKMN", "TGCAYRMKN")


def write_bam(path: Path, count: int = 300, seed: int = 1, is_aligned: bool = True) -> Path:
    """Reads of two groups: both strands, secondary and supplementary, some without qualities."""
    rng = random.Random(seed)
    head = {"HD": {"VN": "1.6"}, "RG": [{"ID": "a"}, {"ID": "b"}]}
    if is_aligned:
        head["SQ"] = [{"SN": "chr1", "LN": 100_000}]
    with pysam.AlignmentFile(str(path), "wb", header=head) as file:
        for i in range(count):
            read = pysam.AlignedSegment(file.header)
            size = rng.randrange(1, 200)
            read.query_name = f"r{i}"
            read.query_sequence = "".join(rng.choices("ACGTRYKMN", k=size))
            read.flag = 4
            if is_aligned:
                read.flag = rng.choice((0, 16, 16, 256, 2048, 16 | 2048, 1024))
                read.reference_id, read.reference_start = 0, rng.randrange(90_000)
                read.cigartuples = [(0, size)]
            if i % 7:
                read.query_qualities = array.array("B", rng.choices(range(94), k=size))
            read.set_tag("MM", "C+m,1;")
            read.set_tag("ML", array.array("B", [1, 2, 3]))
            if i % 3:
                read.set_tag("RG", rng.choice("ab"))
            file.write(read)
    return path


def expected(path: Path) -> list[tuple[str, str, bytes, bytes | None]]:
    out = []
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        for read in file:
            if read.is_secondary or read.is_supplementary:
                continue
            letters, scores = read.query_sequence, read.query_qualities
            quality = None if scores is None else bytes(score + 33 for score in scores)
            if read.is_reverse:
                letters = letters.translate(COMPLEMENT)[::-1]
                quality = quality and quality[::-1]
            group = f"RG:Z:{read.get_tag('RG')}" if read.has_tag("RG") else ""
            out.append((read.query_name, group, letters.encode(), quality))
    return out


@pytest.fixture(scope="module")
def aligned(tmp_path_factory) -> Path:
    return write_bam(tmp_path_factory.mktemp("bam") / "aligned.bam")


def test_reads_are_those_of_pysam(aligned, tmp_path):
    for path in (aligned, write_bam(tmp_path / "unaligned.bam", is_aligned=False)):
        for num_threads in (1, 2):
            reader = db.SequenceReader(path, num_threads=num_threads)
            assert [tuple(record) for record in reader] == expected(path)
            assert (reader.format, reader.container) == ("bam", "bgzf")


def test_alignments_that_repeat_a_read_are_left_out_and_counted(aligned):
    left_out = 300 - len(expected(aligned))
    assert left_out > 50
    said = f"left out {left_out} secondary or supplementary alignments, which repeat a read"
    reader = db.SequenceReader(aligned)
    assert sum(1 for _ in reader) == 300 - left_out
    assert reader.report["warnings"] == [said] and reader.report["num_skipped"] == 0
    for options in ({}, {"memory_limit_bytes": 0}):
        assert said in db.SequenceDataset(aligned, **options).report["warnings"][0]


def test_batches_of_records_hold_the_same(aligned):
    reads = expected(aligned)
    for batch in db.SequenceReader(aligned).batches(50):
        part, reads = reads[: len(batch)], reads[len(batch) :]
        assert batch.ids == [name for name, *_ in part]
        assert bytes(batch.sequences.numpy()) == b"".join(letters for _, _, letters, _ in part)
        assert batch.qualities is None  # some read has none
    assert not reads


@pytest.mark.parametrize("options", [{}, {"memory_limit_bytes": 0}])
def test_datasets_and_streams_encode_the_same_reads(aligned, options):
    reads = expected(aligned)
    encoder = OneHotEncoder()
    data = db.SequenceDataset(aligned, transform=encoder, **options)
    assert len(data) == len(reads)
    stream = db.StreamingSequenceDataset(aligned, transform=encoder)
    loader = torch.utils.data.DataLoader(data, batch_size=64, num_workers=2, collate_fn=db.collate)
    batches = list(loader)
    ids = [name for batch in batches for name in batch.ids]
    assert ids == [name for name, *_ in reads] == [sample["id"] for sample in stream]
    for i in (0, 5, len(reads) - 1):
        wanted = encoder.encode(reads[i][2])
        assert torch.equal(data[i]["sequence"], wanted)
        assert torch.equal(batches[i // 64]["sequences"][i % 64, : len(wanted)], wanted)
    raw = db.SequenceDataset(aligned, **options)
    assert [raw[i]["quality"] for i in range(20)] == [quality for *_, quality in reads[:20]]


def test_the_command_reads_bam(aligned, tmp_path, deepbio):
    reads = expected(aligned)
    stats = json.loads(deepbio("stats", "--json", "--quiet", aligned, check=True).stdout)["files"][
        0
    ]
    assert (stats["format"], stats["records"]) == ("bam", len(reads))
    assert stats["bases"] == sum(len(letters) for _, _, letters, _ in reads)
    assert "left out" in stats["warnings"][0]
    row = deepbio("validate", aligned, check=True).stdout.split("\t")
    assert row[1:4] == ["ok", "bam", "bgzf"]
    assert "BAM" in deepbio("info", aligned, check=True).stdout
    deepbio(
        "encode",
        aligned,
        "-o",
        tmp_path / "shards",
        "--encoding",
        "kmer",
        "--k",
        "2",
        "--unknown",
        "zero",
        check=True,
    )
    cached = db.Cache.load(tmp_path / "shards")
    assert len(cached) == len(reads)


def test_damage_is_one_line_with_record_and_byte(aligned, tmp_path, deepbio):
    cut = tmp_path / "cut.bam"
    cut.write_bytes(aligned.read_bytes()[:-300])
    with pytest.raises(ParseError, match=r"cut\.bam: byte \d+: expected the rest of a gzip member"):
        list(db.SequenceReader(cut))
    without_end = tmp_path / "noeof.bam"
    without_end.write_bytes(aligned.read_bytes()[:-28])
    reader = db.SequenceReader(without_end)
    assert [tuple(record) for record in reader] == expected(aligned)
    assert "no BGZF end block" in reader.report["warnings"][0]
    done = deepbio("stats", cut)
    assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1
    with pytest.raises(ArgumentError, match="quality_offset: expected 33 for BAM"):
        len(db.SequenceDataset(aligned, quality_offset=64))


def test_other_readers_say_what_bam_is(aligned):
    with pytest.raises(ParseError, match=r"reads \(BAM\); samtools fastq FILE"):
        db.read_metadata(aligned)
    with pytest.raises(ParseError, match=r"reads \(BAM\)"):
        db.FastaFile(aligned)
