"""What `deepbio stats` counts, beside a few plain lines."""

import gzip
import json
import statistics
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_stats_agree_with_values_counted_here(deepbio: Run, tmp_path: Path):
    reads = [("ACGTN", "IIIII"), ("GGcc", "!!!!"), ("", ""), ("A" * 20, "5" * 20), ("TTTn", "####")]
    path = tmp_path / "reads"
    text = "".join(
        f"@r{i} x\n{sequence}\n+\n{quality}\n" for i, (sequence, quality) in enumerate(reads)
    )
    path.write_bytes(gzip.compress(text.encode()))
    row = json.loads(deepbio("stats", "--json", path, check=True).stdout)["files"][0]
    lengths = [len(sequence) for sequence, _ in reads]
    bases = "".join(sequence for sequence, _ in reads).upper()
    qualities = [byte - 33 for _, quality in reads for byte in quality.encode()]
    assert (row["path"], row["format"], row["container"]) == (str(path), "fastq", "gzip")
    assert (row["records"], row["bases"]) == (5, 33)
    assert (row["min_length_bp"], row["max_length_bp"]) == (0, 20)
    assert row["mean_length_bp"] == pytest.approx(statistics.mean(lengths))
    assert row["median_length_bp"] == statistics.median(lengths)
    assert row["n50_bp"] == 20  # the longest read alone holds more than half of all bases
    assert row["gc_share"] == pytest.approx((bases.count("G") + bases.count("C")) / 33)
    assert row["n_share"] == pytest.approx(bases.count("N") / 33)
    assert row["mean_quality"] == pytest.approx(statistics.mean(qualities))
    assert row["quality_offset"] == 33


@pytest.mark.parametrize(
    "path", ["valid/synthetic/illumina_150.fastq", "valid/synthetic/fasta_w60.fa"]
)
def test_stats_of_a_corpus_file_agree_with_a_few_plain_lines(deepbio: Run, shared: Path, path: str):
    lines = (shared / "sequences" / path).read_text().splitlines()
    if lines[0].startswith("@"):
        reads, qualities = (
            lines[1::4],
            [ord(letter) - 33 for line in lines[3::4] for letter in line],
        )
    else:
        reads = [
            block.partition("\n")[2].replace("\n", "") for block in "\n".join(lines).split(">")[1:]
        ]
        qualities = []
    lengths, bases = [len(read) for read in reads], "".join(reads).upper()
    row = json.loads(deepbio("stats", "--json", shared / "sequences" / path, check=True).stdout)[
        "files"
    ][0]
    assert (row["records"], row["bases"]) == (len(reads), len(bases))
    assert (row["min_length_bp"], row["max_length_bp"]) == (min(lengths), max(lengths))
    assert row["mean_length_bp"] == pytest.approx(statistics.mean(lengths))
    assert row["median_length_bp"] == statistics.median(lengths)
    assert row["gc_share"] == pytest.approx(
        (bases.count("G") + bases.count("C") + bases.count("S")) / len(bases)
    )
    assert row["n_share"] == pytest.approx(bases.count("N") / len(bases))
    assert ("mean_quality" in row) == bool(qualities)
    if qualities:
        assert row["mean_quality"] == pytest.approx(statistics.mean(qualities))


def test_n50_is_the_length_at_which_half_of_the_bases_is_reached(deepbio: Run, tmp_path: Path):
    # 2+2+2+3+3+4+8+8 = 32 bases: 8+8 reach 16.
    path = tmp_path / "contigs.fa"
    path.write_text(
        "".join(f">c{i}\n{'A' * length}\n" for i, length in enumerate([2, 8, 2, 3, 4, 8, 3, 2]))
    )
    row = json.loads(deepbio("stats", "--json", path, check=True).stdout)["files"][0]
    assert row["n50_bp"] == 8
    assert "mean_quality" not in row


def test_the_quality_offset_is_told_by_the_bytes(deepbio: Run, shared: Path):
    folder = shared / "sequences/valid/biopython/Quality"
    for name, offset in [
        ("sanger_93.fastq", 33),
        ("illumina_faked.fastq", 64),
        ("solexa_faked.fastq", 64),
    ]:
        row = json.loads(deepbio("stats", "--json", folder / name, check=True).stdout)["files"][0]
        assert row["quality_offset"] == offset, name


def test_the_table_of_stats_has_a_header_and_a_row_per_file(deepbio: Run, tmp_path: Path):
    (tmp_path / "a.fa").write_text(">x\nACGT\n")
    (tmp_path / "b.fq").write_text("@x\nAC\n+\nII\n")
    lines = deepbio("stats", tmp_path / "a.fa", tmp_path / "b.fq", check=True).stdout.splitlines()
    assert len(lines) == 3
    rows = [dict(zip(lines[0].split("\t"), line.split("\t"), strict=True)) for line in lines[1:]]
    assert [(row["format"], row["records"], row["bases"]) for row in rows] == [
        ("fasta", "1", "4"),
        ("fastq", "1", "2"),
    ]
