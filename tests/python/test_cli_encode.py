"""`deepbio encode`: the values in the shards, against a plain loop; ids.

Replacing an earlier result.
"""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

READS = [("r1", "ACGTN"), ("r2", "gg"), ("r3", ""), ("r4", "TTTTTTT")]


@pytest.fixture
def reads(tmp_path: Path) -> Path:
    path = tmp_path / "reads.fastq.gz"
    text = "".join(f"@{name} lane 1\n{bases}\n+\n{'I' * len(bases)}\n" for name, bases in READS)
    path.write_bytes(gzip.compress(text.encode()))
    return path


def shards(folder: Path) -> dict[str, np.ndarray]:
    parts = [load_file(path) for path in sorted(folder.glob("shard-*.safetensors"))]
    return {key: np.concatenate([part[key] for part in parts]) for key in ("values", "lengths")}


def test_one_hot_shards_hold_what_a_plain_loop_gives(deepbio, reads: Path, tmp_path: Path):
    deepbio("encode", reads, "-o", tmp_path / "out", check=True)
    expected = np.zeros((4, 7, 4), np.float32)
    for row, (_, bases) in enumerate(READS):
        for place, base in enumerate(bases.upper()):
            if base != "N":
                expected[row, place, "ACGT".index(base)] = 1
    got = shards(tmp_path / "out")
    assert np.array_equal(got["values"], expected)
    assert got["lengths"].tolist() == [5, 2, 0, 7]
    assert (tmp_path / "out" / "ids.txt").read_text().split() == ["r1", "r2", "r3", "r4"]


def test_integers_pad_with_minus_one_and_max_length_cuts(deepbio, reads: Path, tmp_path: Path):
    deepbio(
        "encode",
        reads,
        "-o",
        tmp_path / "out",
        "--encoding",
        "integer",
        "--max-length",
        4,
        check=True,
    )
    got = shards(tmp_path / "out")
    assert got["values"].tolist() == [[0, 1, 2, 3], [2, 2, -1, -1], [-1] * 4, [3, 3, 3, 3]]
    metadata = json.loads((tmp_path / "out" / "metadata.json").read_text())
    assert metadata["num_records"] == 4 and metadata["sources"][0]["num_bases"] == 14


def test_tokens_start_with_start_and_pad_with_zero(deepbio, reads: Path, tmp_path: Path):
    deepbio("encode", reads, "-o", tmp_path / "out", "--encoding", "tokens", check=True)
    assert shards(tmp_path / "out")["values"][1].tolist() == [5, 3, 3, 0, 0, 0, 0, 0]


def test_a_letter_that_has_no_number_is_refused_with_its_place(
    deepbio, reads: Path, tmp_path: Path
):
    done = deepbio("encode", reads, "-o", tmp_path / "out", "--encoding", "integer")
    assert done.returncode == 1
    assert "record 0" in done.stderr and "'N'" in done.stderr and "position 5" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["reads.fastq.gz"]


@pytest.mark.parametrize("words", ["--k 4", "--canonical", "--canonical --encoding integer"])
def test_options_of_kmers_without_kmers_are_refused(
    deepbio, reads: Path, tmp_path: Path, words: str
):
    done = deepbio("encode", reads, "-o", tmp_path / "out", *words.split())
    assert (
        done.returncode == 1 and f"{words.split()[0]}: has no effect with --encoding" in done.stderr
    )
    assert not (tmp_path / "out").exists()


def test_overwrite_replaces_an_earlier_result_and_nothing_else(
    deepbio, reads: Path, tmp_path: Path
):
    out = tmp_path / "out"
    deepbio("encode", reads, "-o", out, check=True)
    again = deepbio("encode", reads, "-o", out, "--encoding", "tokens")
    assert again.returncode == 1 and "--overwrite" in again.stderr
    deepbio("encode", reads, "-o", out, "--encoding", "tokens", "--overwrite", check=True)
    assert shards(out)["values"].dtype == np.int64
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("mine")
    assert deepbio("encode", reads, "-o", precious, "--overwrite").returncode == 1
    assert (precious / "thesis.txt").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "precious", "reads.fastq.gz"]


def test_a_file_that_may_be_cut_and_an_empty_one_among_others_are_told(
    deepbio, reads: Path, tmp_path: Path, shared: Path
):
    cut, empty = shared.parent / "cases/sequences/half.bgz", tmp_path / "empty.fq"
    empty.touch()
    done = deepbio("encode", reads, cut, empty, "-o", tmp_path / "out", check=True)
    assert f"warning: {cut}: no BGZF end block" in done.stderr
    assert f"warning: {empty}: no records" in done.stderr and "6 reads" in done.stderr
    sources = json.loads((tmp_path / "out/metadata.json").read_text())["sources"]
    assert ["warnings" in source for source in sources] == [False, True, True]
    alone = deepbio("encode", empty, "-o", tmp_path / "alone")
    assert alone.returncode == 1 and "no data" in alone.stderr
