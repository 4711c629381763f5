"""`SequenceReader` as iterator, in batches and as context manager.

`FastaFile` beside samtools' own index.
"""

import gc
import gzip
import pickle
import random
import signal
import threading
import time
from pathlib import Path

import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ParseError

RECORDS = [
    (
        f"r{i}",
        f"lane {i // 3}" if i % 4 else "",
        b"ACGTN"[: i % 6] * (i % 50),
        bytes(33 + (i + j) % 94 for j in range(i)),
    )
    for i in range(1000)
]


def raw(values: torch.Tensor) -> bytes:
    return values.numpy().tobytes()


def fastq_text() -> bytes:
    rows = []
    for name, description, bases, quality in RECORDS:
        title = f"@{name} {description}".rstrip().encode()
        rows.append(b"%s\n%s\n+\n%s\n" % (title, bases, (quality * 300)[: len(bases)]))
    return b"".join(rows)


@pytest.fixture(params=["plain", "gzip"])
def fastq(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    text = fastq_text()
    path = tmp_path / "reads.fastq"
    path.write_bytes(text if request.param == "plain" else gzip.compress(text))
    return path


def test_a_record_unpacks_compares_hashes_pickles_and_cannot_be_changed():
    record = db.Record("r", "lane 1", b"AC", quality=b"I#")
    name, description, sequence, quality = record
    assert (
        (name, description, sequence, quality)
        == record
        == db.Record(*record)
        == ("r", "lane 1", b"AC", b"I#")
    )
    assert (
        record != db.Record("r", "lane 1", b"AC", None)
        and record != ["r"]
        and {record: 1}[db.Record(*record)] == 1
    )
    assert record < db.Record("s", "", b"", None) and len(record) == 4 and record[-1] == b"I#"
    assert pickle.loads(pickle.dumps(record)) == record
    assert repr(record) == "Record(name='r', description='lane 1', sequence=b'AC', quality=b'I#')"
    with pytest.raises(AttributeError):
        record.name = "x"
    with pytest.raises(IndexError):
        record[4]
    for wrong in (
        ("r", "", "AC", None),
        (b"r", "", b"AC", None),
        ("r", "", b"AC", "I"),
        ("r", "", b"AC"),
    ):
        with pytest.raises(TypeError):
            db.Record(*wrong)


def test_titles_and_qualities_can_be_left_out_and_are_checked_nevertheless(
    fastq: Path, tmp_path: Path
):
    reader = db.SequenceReader(fastq)
    bare = next(reader.batches(10, titles=False, qualities=False))
    assert bare.qualities is None and bare.names.shape == (0,) and len(bare) == 10
    assert raw(bare.sequences) == b"".join(row[2] for row in RECORDS[:10])
    with pytest.raises(ArgumentError, match="titles=False"):
        bare.ids  # noqa: B018
    with pytest.raises(ArgumentError, match="qualities"):
        bare.padded_qualities()
    whole = next(reader.batches(10))
    assert whole.ids == [row[0] for row in RECORDS[10:20]] and whole.qualities is not None
    assert next(reader)[:3] == RECORDS[20][:3]
    path = tmp_path / "bad.fastq"
    path.write_text("@a\nACGT\n+\nII\n")
    with pytest.raises(ParseError):
        next(db.SequenceReader(path).batches(titles=False, qualities=False))


def test_records_have_their_exact_fields(fastq: Path):
    reader = db.SequenceReader(fastq)
    records = list(reader)
    assert all(type(record) is db.Record for record in records)
    assert [record[:3] for record in records] == [row[:3] for row in RECORDS]
    assert [record.quality for record in records] == [(q * 300)[: len(s)] for _, _, s, q in RECORDS]
    assert records[1] == ("r1", "lane 0", b"A", b'"') and next(reader, None) is None
    assert reader.report["num_records"] == 1000


def test_fasta_has_no_quality_and_titles_may_hold_any_bytes(tmp_path: Path):
    path = tmp_path / "a.fa"
    path.write_bytes(b">caf\xe9\tx \xc3\xa9\nAC\nGT\n>\n>b  c d\n")
    first, second, third = db.SequenceReader(path)
    assert first == (b"caf\xe9".decode("utf-8", "surrogateescape"), "x é", b"ACGT", None)
    assert second == ("", "", b"", None) and third == ("b", " c d", b"", None)


def test_batches_hold_what_the_records_hold(fastq: Path):
    reader = db.SequenceReader(fastq)
    first = next(reader)
    batches = list(reader.batches(64))
    assert [len(batch) for batch in batches] == [64] * 15 + [39] and first.name == "r0"
    rows = iter(RECORDS[1:])
    for batch in batches:
        qualities = batch.qualities
        assert (
            batch.sequences.dtype == qualities.dtype == torch.uint8
            and batch.offsets.dtype == torch.int64
        )
        for i, name in enumerate(batch.ids):
            begin, end = batch.offsets[i].item(), batch.offsets[i + 1].item()
            wanted = next(rows)
            assert (name, raw(batch.sequences[begin:end])) == (wanted[0], wanted[2])
            assert raw(qualities[begin:end]) == (wanted[3] * 300)[: end - begin]
            begin, end = (
                batch.description_offsets[i].item(),
                batch.description_offsets[i + 1].item(),
            )
            assert raw(batch.descriptions[begin:end]).decode() == wanted[1]
    assert reader.report["num_records"] == 1000 and list(reader.batches()) == []


def test_a_batch_outlives_its_reader_and_is_a_view_of_equal_lengths(tmp_path: Path):
    path = tmp_path / "a.fa"
    path.write_text(">a\nACGT\n>b\nGGTT\n>c\nA\n")
    with db.SequenceReader(path) as reader:
        equal, short = reader.batches(2)
    del reader
    gc.collect()
    assert equal.padded().data_ptr() == equal.sequences.data_ptr()
    assert equal.padded().tolist() == [list(b"ACGT"), list(b"GGTT")]
    assert equal.padded(3).tolist() == [list(b"ACG"), list(b"GGT")]
    assert short.padded(3, padding_value=9).tolist() == [[65, 9, 9]] and equal.qualities is None
    with pytest.raises(ArgumentError, match="FASTA"):
        equal.padded_qualities()


def test_good_records_come_before_the_bad_one_in_batches_too(tmp_path: Path):
    path = tmp_path / "bad.fastq"
    path.write_text("@a\nACGT\n+\nIIII\n@b\nACGT\n+\nII\n")
    batches = db.SequenceReader(path).batches(10)
    assert next(batches).ids == ["a"]
    with pytest.raises(ParseError) as caught:
        next(batches)
    assert caught.value.record == 1
    reader = db.SequenceReader(path)
    assert next(reader).name == "a"
    for _ in range(2):  # said again, never taken for an end
        with pytest.raises(ParseError):
            next(reader)


def test_letters_outside_of_the_alphabet_are_bad_records(tmp_path: Path):
    path = tmp_path / "a.fa"
    path.write_text(">a\nACGN\n>b\nACGE\n>c\nac\n")
    assert len(list(db.SequenceReader(path))) == 3
    with pytest.raises(ParseError) as caught:
        list(db.SequenceReader(path, alphabet="dna"))
    assert (caught.value.record, caught.value.kind) == (1, "alphabet")
    skipping = db.SequenceReader(path, alphabet="dna", on_bad_record="skip")
    assert [record.name for record in skipping] == ["a", "c"] and skipping.report["reasons"] == {
        "alphabet": 1
    }
    with pytest.raises(ArgumentError, match="klingon"):
        db.SequenceReader(path, alphabet="klingon")


def test_a_closed_reader_says_so(fastq: Path):
    with db.SequenceReader(fastq) as reader:
        next(reader)
        assert not reader.closed
    assert reader.closed and "closed" in repr(reader)
    reader.close()
    for use in (lambda: next(reader), lambda: next(reader.batches()), lambda: reader.report):
        with pytest.raises(ArgumentError, match="closed"):
            use()


def test_a_reader_pickles_before_its_first_record_only(fastq: Path):
    reader = db.SequenceReader(fastq, alphabet="iupac")
    again = pickle.loads(pickle.dumps(reader))
    assert next(again).name == next(reader).name == "r0"
    with pytest.raises(TypeError, match="place"):
        pickle.dumps(reader)


@pytest.fixture(scope="module")
def long_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "reads.fastq"
    path.write_bytes(b"@r\n%s\n+\n%s\n" % (b"ACGT" * 40, b"I" * 160) * 400_000)
    return path


@pytest.mark.parametrize(
    "read", [lambda reader: sum(1 for _ in reader), lambda reader: list(reader.batches(100))]
)
def test_an_interrupt_stops_a_long_file(long_file: Path, read: object):
    reader = db.SequenceReader(long_file)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    try:
        with pytest.raises(KeyboardInterrupt):
            read(reader)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert 0 <= reader.report["num_records"] < 400_000


def test_another_thread_runs_while_records_are_read(long_file: Path):
    running, turns = threading.Event(), 0

    def read() -> None:
        running.set()
        for _ in db.SequenceReader(long_file).batches(400_000):
            pass

    thread = threading.Thread(target=read)
    thread.start()
    running.wait()
    while thread.is_alive():
        time.sleep(0.001)
        turns += 1
    assert turns > 5  # with the GIL held for the whole batch there would be one or two


def test_two_threads_on_one_reader_give_every_record_once_or_an_error(long_file: Path):
    reader, counts, errors = db.SequenceReader(long_file), [0, 0], []

    def read(which: int) -> None:
        try:
            for _ in reader:
                counts[which] += 1
        except ArgumentError as error:
            errors.append(error)

    threads = [threading.Thread(target=read, args=(which,)) for which in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == reader.report["num_records"] == 400_000 and len(errors) <= 1


def test_fasta_windows_by_name(tmp_path: Path):
    path = tmp_path / "genome.fa"
    rng = random.Random(3)
    dna = {
        f"chr{i}": "".join(rng.choices("ACGTacgtN", k=rng.randrange(1, 5000))) for i in range(20)
    }
    lines = {
        name: "\n".join(seq[at : at + 61] for at in range(0, len(seq), 61))
        for name, seq in dna.items()
    }
    path.write_text("".join(f">{name} some text\n{text}\n" for name, text in lines.items()))
    fasta = db.FastaFile(path)
    assert fasta.lengths == {name: len(seq) for name, seq in dna.items()} and list(fasta) == list(
        dna
    )
    for name, seq in dna.items():
        start, end = sorted(rng.choices(range(len(seq) + 1), k=2))
        assert (
            fasta.fetch(name, start, end) == seq[start:end].encode() and fasta[name] == seq.encode()
        )
    assert pickle.loads(pickle.dumps(fasta)).fetch("chr3", 0, 1) == dna["chr3"][:1].encode()
    assert (
        "chr3" in fasta
        and "chr99" not in fasta
        and len(fasta) == 20
        and "20 sequences" in repr(fasta)
    )
    with pytest.raises(KeyError):
        fasta["chr99"]
    with pytest.raises(ArgumentError, match="nearest name"):
        fasta.fetch("chr99")
    with pytest.raises(ArgumentError, match="start <= end"):
        fasta.fetch("chr1", 5, 4)


@pytest.mark.parametrize("is_bgzf", [False, True])
def test_fasta_windows_and_index_are_those_of_samtools(tmp_path: Path, is_bgzf: bool):
    pysam = pytest.importorskip(
        "pysam", reason="pysam is not installed: no samtools to compare with"
    )
    rng = random.Random(4)
    text = ""
    for i in range(30):
        seq, width = (
            "".join(rng.choices("ACGTNacgt", k=rng.randrange(1, 100_000))),
            rng.randrange(1, 200),
        )
        text += f">s{i}\tx\n" + "".join(
            seq[at : at + width] + "\n" for at in range(0, len(seq), width)
        )
    path, other = tmp_path / "ours.fa", tmp_path / "theirs.fa"
    for file in (path, other):
        if is_bgzf:
            with pysam.BGZFile(str(file), "wb") as out:
                out.write(text.encode())
        else:
            file.write_text(text)
    pysam.faidx(str(other))
    ours = db.FastaFile(path)
    assert Path(f"{path}.fai").read_text() == Path(f"{other}.fai").read_text()
    with pysam.FastaFile(str(other)) as theirs:
        for _ in range(300):
            name = rng.choice(theirs.references)
            start, end = sorted(rng.choices(range(theirs.get_reference_length(name) + 1), k=2))
            assert ours.fetch(name, start, end).decode() == theirs.fetch(name, start, end)
    assert db.FastaFile(other).lengths == ours.lengths  # samtools' own index is read
