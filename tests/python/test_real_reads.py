"""Reads as users have them: right values, or a refusal that says what to do."""

from __future__ import annotations

import gzip
import json
import os
import resource
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ParseError

Run = Callable[..., subprocess.CompletedProcess[str]]


def fastq(path: Path, reads: list[tuple[str, str, str]]) -> Path:
    path.write_text("".join(f"@{name}\n{bases}\n+\n{quality}\n" for name, bases, quality in reads))
    return path


@pytest.fixture
def cases(shared: Path) -> Path:
    return shared.parent / "cases/sequences"


def test_high_qualities_are_no_reason_to_guess_another_offset(
    cases: Path, tmp_path: Path, deepbio: Run
):
    def row(path: Path) -> dict:
        return json.loads(deepbio("stats", "--json", "--quiet", path, check=True).stdout)["files"][
            0
        ]

    hifi = row(cases / "hifi.fq")
    assert hifi["quality_offset"] == 33 and hifi["mean_quality"] == pytest.approx(84.4)
    assert hifi["warnings"] == []
    old = row(cases / "phred64.fq")
    assert old["quality_offset"] == 64 and "Phred+64" in old["warnings"][0]


def test_phred64_is_converted_on_request_in_readers_and_datasets(cases: Path, tmp_path: Path):
    path = cases / "phred64.fq"
    assert next(db.SequenceReader(path)).quality == b"BBhh"
    assert next(db.SequenceReader(path, quality_offset=64)).quality == b"##II"
    for limit in (0, 1 << 30):
        data = db.SequenceDataset(path, quality_offset=64, memory_limit_bytes=limit)
        assert data[0]["quality"] == b"##II"
    assert next(iter(db.StreamingSequenceDataset(path, quality_offset=64)))["quality"] == b"##II"
    fastq(tmp_path / "new.fq", [("r", "AC", "!I")])
    for read in (
        lambda: list(db.SequenceReader(tmp_path / "new.fq", quality_offset=64)),
        lambda: db.SequenceDataset(tmp_path / "new.fq", quality_offset=64)[0],
    ):
        with pytest.raises(ParseError, match="quality_offset 64"):
            read()
    with pytest.raises(ArgumentError, match="33 or 64"):
        db.SequenceDataset(path, quality_offset=59)


def test_a_file_cut_between_bgzf_blocks_is_told_by_every_reader(cases: Path):
    expected = "no BGZF end block"
    for data in (
        db.SequenceDataset(cases / "half.bgz"),
        db.SequenceDataset(cases / "half.bgz", memory_limit_bytes=0),
        db.SequenceDataset(cases / "half.bgz", mates="interleaved", check_mates=False),
    ):
        try:
            len(data)
        except ParseError:
            continue  # an odd number of reads is no pair
        assert [expected in warning for warning in data.report["warnings"]] == [True]


def test_mates_by_the_names_of_sra_are_pairs_and_the_check_can_be_left_out(
    cases: Path, tmp_path: Path
):
    first, second = cases / "sra_1.fq", cases / "sra_2.fq"
    for limit in (0, 1 << 30):
        data = db.SequenceDataset(first, mates=second, memory_limit_bytes=limit)
        assert len(data) == 1 and data[0]["mate_sequence"]
    for signs in ("-1 -2", "_R1 _R2", ".R1 .R2"):  # dnaio takes these for mates, too
        paths = [fastq(tmp_path / "m.fq" if k else tmp_path / "n.fq", [("r" + sign, "AC", "II")])
                 for k, sign in enumerate(signs.split())]  # fmt: skip
        assert len(db.SequenceDataset(paths[0], mates=paths[1])) == 1
    fastq(tmp_path / "a.fq", [("x", "AC", "II")])
    fastq(tmp_path / "b.fq", [("y", "GT", "II")])
    for limit in (0, 1 << 30):
        with pytest.raises(ParseError, match="two reads of one name"):
            db.SequenceDataset(
                tmp_path / "a.fq", mates=tmp_path / "b.fq", memory_limit_bytes=limit
            )[0]
        data = db.SequenceDataset(
            tmp_path / "a.fq", mates=tmp_path / "b.fq", check_mates=False, memory_limit_bytes=limit
        )
        assert data[0]["mate_sequence"] == b"GT"


def test_an_empty_file_among_many_is_a_note_and_alone_an_error(cases: Path):
    paths = [cases / "ok.fq", cases / "empty.fq.gz"]
    for how in ("raise", "skip"):
        for limit in (0, 1 << 30):
            data = db.SequenceDataset(paths, on_bad_record=how, memory_limit_bytes=limit)
            assert len(data) == 2
            assert any("empty.fq.gz: no records" in warning for warning in data.report["warnings"])
    assert len(list(db.StreamingSequenceDataset(paths))) == 2
    assert len(list(db.StreamingSequenceDataset(paths, block_records=1, shuffle_buffer=4))) == 2
    with pytest.raises(ParseError, match="no data"):
        len(db.SequenceDataset(cases / "empty.fq.gz"))
    assert len(db.SequenceDataset(cases / "empty.fq.gz", on_bad_record="skip")) == 0


def test_more_files_than_may_be_open_are_read(tmp_path: Path):
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
    try:
        paths = [fastq(tmp_path / f"f{i}.fq", [(f"r{i}", "ACGT", "IIII")]) for i in range(600)]
        data = db.SequenceDataset(paths, memory_limit_bytes=0)
        assert len(data) == 600 and [data[i]["id"] for i in (0, 299, 599)] == ["r0", "r299", "r599"]
        stream = db.StreamingSequenceDataset(paths, shuffle_buffer=100, block_records=10)
        assert sorted(sample["id"] for sample in stream) == sorted(f"r{i}" for i in range(600))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_memory_limit_counts_what_is_held_not_what_lies_on_disk(tmp_path: Path):
    text = "".join(f"@r{i}\n{'A' * 2000}\n+\n{'I' * 2000}\n" for i in range(100)).encode()
    path = tmp_path / "r.fq.gz"
    path.write_bytes(gzip.compress(text))
    assert path.stat().st_size < 10_000 < len(text)
    data = db.SequenceDataset(path, memory_limit_bytes=100_000)
    len(data)
    assert (tmp_path / "r.fq.gz.dbx").exists()  # read by number
    data = db.SequenceDataset(path, memory_limit_bytes=1_000_000)
    (tmp_path / "r.fq.gz.dbx").unlink()
    assert len(data) == 100 and not (tmp_path / "r.fq.gz.dbx").exists()


def test_a_record_above_256_mib_is_read_where_the_file_is_as_large(tmp_path: Path, deepbio: Run):
    path = tmp_path / "chr.fa"
    line = b"ACGTTGCAAC" * 8 + b"\n"
    with path.open("wb") as file:
        file.write(b">chr3B\n")
        for _ in range(3500):
            file.write(line * 1000)
    assert len(next(db.SequenceReader(path)).sequence) == 280_000_000
    with pytest.raises(ParseError, match="max_record_bytes"):
        next(db.SequenceReader(path, max_record_bytes=1 << 20))
    path.unlink()


def test_a_stale_fai_is_built_again_whatever_its_time(tmp_path: Path):
    path, bases = tmp_path / "g.fa", "ACGTTGCA" * 30

    def write(text: str) -> None:
        path.write_text(text)
        os.utime(path, (1_500_000_000,) * 2)  # as cp -p, rsync -a and tar leave it

    def wrapped(title: str, text: str) -> str:
        return f">{title}\n" + "".join(text[i : i + 60] + "\n" for i in range(0, len(text), 60))

    write(wrapped("chr1", bases))
    db.FastaFile(path)
    write(wrapped("chr1 v2", bases))
    assert db.FastaFile(path).fetch("chr1", 10, 20) == bases[10:20].encode()
    a, b = "ACGT" * 15, "GGCC" * 15
    write(wrapped("chr1", a) + wrapped("chr2", b))
    db.FastaFile(path)
    write(wrapped("chr2", b) + wrapped("chr1", a))
    assert db.FastaFile(path).fetch("chr1", 0, 8) == b"ACGTACGT"


def test_a_pipe_shared_by_workers_is_refused_before_it_is_read(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    data = db.StreamingSequenceDataset(pipe, transform=db.transforms.OneHotEncoder())
    with pytest.raises(Exception, match="pipe, which 2 workers cannot share"):
        next(iter(torch.utils.data.DataLoader(data, batch_size=2, num_workers=2)))
    writer = threading.Thread(target=lambda: pipe.write_text("@r\nAC\n+\nII\n"))
    writer.start()
    assert len(list(data)) == 1
    writer.join()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("double.fq.gz", "gzip in gzip"),
        ("tar.fq.gz", "tar archive"),
        ("sam.sam", "samtools fastq"),
    ],
)
def test_other_formats_are_named_by_every_reader(cases: Path, deepbio: Run, name: str, said: str):
    path = cases / name
    for read in (
        lambda: list(db.SequenceReader(path)),
        lambda: len(db.SequenceDataset(path)),
        lambda: len(db.SequenceDataset(path, memory_limit_bytes=0)),
        lambda: list(db.StreamingSequenceDataset(path)),
        lambda: db.FastaFile(path),
    ):
        with pytest.raises(ParseError, match=said):
            read()
    for command in ("stats", "validate"):
        done = deepbio(command, path)
        assert done.returncode == 1 and said in done.stdout + done.stderr
    assert said in deepbio("info", path, check=True).stdout
