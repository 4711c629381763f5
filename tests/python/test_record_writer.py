"""`SequenceWriter`: what it writes is what dnaio, Biopython, pysam and gzip read.

A failure leaves nothing behind.
"""

import gzip
import os
import pickle
import random
import threading

import numpy as np
import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, WriteError, WrongTypeError

SUFFIXES = ["", ".gz", ".bgz"]


def some_records(count: int = 700) -> list[db.Record]:
    rng = random.Random(5)
    out = []
    for i in range(count):
        size = rng.choice([0, 1, 50, 151, 3000])
        letters, quality = (
            bytes(rng.choices(b"ACGTNacgtn", k=size)),
            bytes(rng.choices(range(33, 127), k=size)),
        )
        out.append(db.Record(f"read{i}", f"1:N:0 lane {i}" if i % 3 else "", letters, quality))
    return out


def titles(records: list[db.Record]) -> list[str]:
    return [f"{record.name} {record.description}".strip() for record in records]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("how", ["one by one", "all at once", "batches"])
def test_dnaio_and_our_reader_read_the_same_records_back(tmp_path, suffix, how):
    dnaio = pytest.importorskip("dnaio", reason="dnaio is not installed: no independent reader")
    records, path = some_records(), tmp_path / f"reads.fastq{suffix}"
    with db.SequenceWriter(path) as out:
        if how == "one by one":
            for record in records:
                out.write(record)
        elif how == "all at once":
            columns = list(zip(*records, strict=True))
            out.write_all(columns[0], columns[2], columns[3], descriptions=columns[1])
        else:
            with db.SequenceWriter(tmp_path / "first.fastq") as first:
                first.write_all([r.name for r in records], [r.sequence for r in records],
                                [r.quality for r in records],
                                descriptions=[r.description for r in records])  # fmt: skip
            for batch in db.SequenceReader(tmp_path / "first.fastq").batches(64):
                out.write_batch(batch)
        assert out.num_records == len(records) and not path.exists()
    assert list(db.SequenceReader(path)) == records
    with (
        gzip.open(path) if suffix else open(path, "rb") as file,
        dnaio.open(file, fileformat="fastq") as reader,
    ):
        theirs = [(r.name, r.sequence.encode(), r.qualities.encode()) for r in reader]
    assert theirs == [
        (title, r.sequence, r.quality) for title, r in zip(titles(records), records, strict=True)
    ]


@pytest.mark.parametrize("width", [0, 60])
def test_biopython_reads_fasta_of_any_width(tmp_path, width):
    seq_io = pytest.importorskip(
        "Bio.SeqIO", reason="Biopython is not installed: no independent reader"
    )
    records = some_records(100)
    with db.SequenceWriter(tmp_path / "a.fa", width=width) as out:
        for record in records:
            out.write(record)  # qualities are left out
    theirs = list(seq_io.parse(tmp_path / "a.fa", "fasta"))
    assert [str(r.seq).encode() for r in theirs] == [r.sequence for r in records]
    assert [r.description for r in theirs] == titles(records)
    longest = max(
        len(line) for line in (tmp_path / "a.fa").read_text().splitlines() if line[:1] != ">"
    )
    assert longest == (width or max(len(record.sequence) for record in records))


def test_htslib_fetches_from_a_bgzf_file_by_its_block_index(tmp_path):
    pysam = pytest.importorskip("pysam", reason="pysam is not installed: no htslib to compare with")
    records = [
        record for record in some_records() if record.sequence
    ]  # faidx takes no record without letters
    path = tmp_path / "genome.fa.bgz"
    with db.SequenceWriter(path, width=80, block_index=True) as out:
        for record in records:
            out.write(record)
    assert (tmp_path / "genome.fa.bgz.gzi").stat().st_size > 8  # more than one block
    with pysam.FastaFile(str(path)) as theirs:
        for record in records[::97]:
            assert theirs.fetch(record.name).encode() == record.sequence


def test_items_of_datasets_names_with_text_and_str_are_taken(fastq, tmp_path):
    data = db.SequenceDataset(fastq)
    with db.SequenceWriter(tmp_path / "out.fq") as out:
        for item in data:
            out.write(item)
        out.write("last", "ACGT", "IIII", description="by hand")
        out.write(b"caf\xe9", bytearray(b"AC"), b"I#")
    back = list(db.SequenceReader(tmp_path / "out.fq"))
    assert back[:-2] == list(db.SequenceReader(fastq))
    assert back[-2] == ("last", "by hand", b"ACGT", b"IIII")
    assert back[-1].name.encode("utf-8", "surrogateescape") == b"caf\xe9"
    with db.SequenceWriter(tmp_path / "again.fq") as out:
        out.write(back[-1])
    assert list(db.SequenceReader(tmp_path / "again.fq")) == back[-1:]


def test_what_would_not_read_back_is_refused_and_names_its_record(tmp_path):
    for name, arguments, message in (
        ("a.fq", ("x", "ACGT", "III"), "record 1: expected 4 quality bytes, got 3"),
        ("a.fq", ("x", "ACGT"), "record 1: expected qualities, which FASTQ needs, got none"),
        ("a.fq", ("x", "AC", "I\x7f"), "record 1: expected quality bytes from '!' to '~'"),
        ("a.fa", ("x y", "ACGT"), "record 1: expected a name without white space"),
        ("a.fa", ("x", "AC GT"), "record 1: expected a sequence of letters"),
        ("a.fa", ("x", "AC\n>y"), "record 1: expected a sequence of letters"),
    ):
        with db.SequenceWriter(tmp_path / name, overwrite=True) as out:
            out.write("good", "A", "I")
            with pytest.raises(ArgumentError, match=message) as caught:
                out.write(*arguments)
            assert "\n" not in str(caught.value)
            out.write("also", "CC", "II")
        assert [record.name for record in db.SequenceReader(tmp_path / name)] == ["good", "also"]
    with db.SequenceWriter(tmp_path / "b.fa") as out:
        with pytest.raises(ArgumentError, match="description without line ends"):
            out.write("x", "ACGT", description="1\n2")
        with pytest.raises(ArgumentError, match="sequences: expected one for each of 2 ids, got 1"):
            out.write_all(["a", "b"], ["ACGT"])
        for wrong in (3, ["a", "ACGT"], {"id": "a"}, None):
            with pytest.raises(TypeError, match="write: expected a Record"):
                out.write(wrong)
        with pytest.raises(TypeError, match="sequence: expected bytes or str, got int"):
            out.write("x", 5)
        bare = next(db.SequenceReader(tmp_path / "a.fa").batches(titles=False))
        with pytest.raises(ArgumentError, match="titles=False"):
            out.write_batch(bare)
        with pytest.raises(TypeError, match="RecordBatch"):
            out.write_batch([1])


def test_format_and_container_are_told_by_the_name_or_said(tmp_path):
    for name, options, told in (
        ("a.FASTQ.GZ", {}, ("fastq", "gzip")),
        ("a.fna.bgz", {}, ("fasta", "bgzf")),
        ("a.fq.gz", {"container": "bgzf"}, ("fastq", "bgzf")),
        ("a.fa", {"format": "fastq", "container": "gzip"}, ("fastq", "gzip")),
        ("a.txt", {"format": "fasta"}, ("fasta", "plain")),
    ):
        with db.SequenceWriter(tmp_path / name, **options) as out:
            out.write("r", "ACGT", "IIII")
            assert (out.format, out.container) == told and told[0] in repr(out)
        reader = db.SequenceReader(tmp_path / name)
        assert (reader.format, reader.container) == told and out.closed and "closed" in repr(out)
    for name, options, message in (
        ("reads", {}, "format: expected fasta or fastq, or a name that tells"),
        ("b.fq", {"format": "bam"}, "format: expected fasta or fastq, got 'bam'"),
        ("b.fq", {"container": "zstd"}, "container: expected plain, gzip or bgzf, got 'zstd'"),
        ("b.fq", {"level": 10}, "level 0..9, got 10"),
        ("b.fa", {"width": -1}, "width 0 or more"),
        ("b.fa", {"block_index": True}, "needs container bgzf"),
    ):
        with pytest.raises(ArgumentError, match=message):
            db.SequenceWriter(tmp_path / name, **options)
    assert not list(tmp_path.glob("*b.f*"))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_is_whole_or_not_there(tmp_path, suffix):
    path = tmp_path / f"a.fq{suffix}"
    with pytest.raises(KeyboardInterrupt), db.SequenceWriter(path) as out:
        out.write_all(["r"] * 50_000, ["ACGT" * 30] * 50_000, ["IIII" * 30] * 50_000)
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    out = db.SequenceWriter(path)
    out.write("r", "A", "I")
    out.discard()
    out.close()
    out = db.SequenceWriter(path)
    del out
    assert list(tmp_path.iterdir()) == []
    out = db.SequenceWriter(path)
    out.write("r", "A", "I")
    out.close()
    before = path.read_bytes()
    with pytest.raises(ArgumentError, match="the file is closed"):
        out.write("s", "A", "I")
    with pytest.raises(WriteError, match="exists"):
        db.SequenceWriter(path)
    with db.SequenceWriter(path, overwrite=True) as out:
        out.write("s", "A", "I")
        assert path.read_bytes() == before
    assert [record.name for record in db.SequenceReader(path)] == ["s"]
    with pytest.raises(WriteError, match="No such file"):
        db.SequenceWriter(tmp_path / "none" / "a.fq")
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(out)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_forked_child_that_ends_leaves_its_parents_file_alone(tmp_path):
    out = db.SequenceWriter(tmp_path / "a.fa")
    out.write("r", "ACGT")
    child = os.fork()
    if child == 0:
        del out
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    out.close()
    assert list(db.SequenceReader(tmp_path / "a.fa")) == [("r", "", b"ACGT", None)]


def test_a_full_device_is_a_write_error():
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full here")
    with (
        pytest.raises(WriteError, match="No space left"),
        db.SequenceWriter("/dev/full", format="fasta") as out,
    ):
        out.write("r", "ACGT" * 100_000)


def test_another_thread_runs_while_a_batch_is_packed_and_may_not_write(tmp_path):
    ids, letters = ["r"] * 40_000, ["ACGT" * 50] * 40_000
    out, errors, turns = db.SequenceWriter(tmp_path / "a.fa.gz", level=9), [], 0
    thread = threading.Thread(target=lambda: out.write_all(ids, letters))
    thread.start()
    while thread.is_alive():
        turns += 1
        try:
            if out.num_records:
                out.write("second", "A")
        except ArgumentError as error:
            errors.append(str(error))
    thread.join()
    out.close()
    assert turns > 5 and set(errors) == {
        "SequenceWriter: expected one thread at a time, got a second one"
    }


def test_lists_may_be_arrays_and_generators_but_not_one_text(tmp_path):
    path = tmp_path / "a.fa"
    with db.SequenceWriter(path) as out:
        out.write_all((f"r{k}" for k in range(2)), np.array(["ACGT", "GG"]))
        for ids, sequences in (("ab", ["A", "C"]), (["a"], "A"), (3, ["A"])):
            with pytest.raises(WrongTypeError, match="expected a list, got"):
                out.write_all(ids, sequences)
        with pytest.raises(WrongTypeError, match="got Tensor$"):
            out.write(torch.zeros(3, 3))
    assert path.read_text() == ">r0\nACGT\n>r1\nGG\n"
