"""Exports of encoded reads: .npz, .h5 and .parquet hold what batches hold, and a failure leaves
nothing."""

import json
import os

import numpy as np
import pytest
import torch

import deepbio_torch as db
from deepbio_torch.cache import export_reads
from deepbio_torch.errors import ArgumentError, WriteError
from deepbio_torch.transforms import (
    KmerEncoder,
    OneHotEncoder,
    TokenEncoder,
)


def tokens(preset, **options):
    return TokenEncoder(db.tokenizers.Tokenizer.from_preset(preset), **options)


def test_exports_hold_what_batches_hold(fastq, tmp_path):
    import h5py

    data = db.SequenceDataset(
        fastq, transform=OneHotEncoder(), target=db.targets.from_sequence("gc_content")
    )
    whole = data.batch(range(len(data)))
    with np.load(export_reads(data, tmp_path / "reads.npz")) as arrays:
        assert (
            np.array_equal(arrays["sequences"], whole.sequences.numpy())
            and list(arrays["ids"]) == whole.ids
        )
    with h5py.File(export_reads(data, tmp_path / "reads.h5")) as file:
        assert np.array_equal(file["sequences"], whole.sequences.numpy())
        assert np.allclose(file["labels"], whole.labels.numpy())
    with pytest.raises(ArgumentError, match="csv"):
        export_reads(data, tmp_path / "reads.csv")


@pytest.mark.parametrize(
    "encoder",
    [OneHotEncoder(channels_first=True, pad_to=60), KmerEncoder(3), tokens("caduceus", pad_to=64)],
)
def test_parquet_holds_records_without_padding(fastq, tmp_path, monkeypatch, encoder):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    monkeypatch.setattr("deepbio_torch._reads.exports._CHUNK", 200)
    several = {"gc": db.targets.from_sequence(), "kind": db.targets.from_header(key="class")}
    data = db.SequenceDataset(fastq, transform=encoder, target=several)
    read = parquet.read_table(export_reads(data, tmp_path / "reads.parquet"))
    assert json.loads(read.schema.metadata[b"classes"]) == {"kind": ["x", "y", "z"]}
    table = read.to_pydict()
    assert table["id"] == [f"r{i}" for i in range(520)]
    for i in (0, 250, 519):
        sample = data[i]
        key = "input_ids" if "input_ids" in sample else "sequence"
        size = len(db.SequenceDataset(fastq)[i]["sequence"])
        if isinstance(encoder, KmerEncoder):
            kept = sample[key]
        elif key == "input_ids":
            kept = sample[key][-size - 1 :]  # padded on the left; one token behind the letters
        else:
            kept = sample[key][:, :size]
        assert table[key][i] == kept.flatten().tolist()
        assert table["length"][i] == size
        assert table["label_kind"][i] == sample["label"]["kind"] == "xyz".index("xyz"[i % 3])


def test_exports_of_tokens_and_k_mers_hold_whole_arrays(fastq, tmp_path):
    data = db.SequenceDataset(
        fastq, transform=tokens("deepbio-dna"), target=db.targets.from_header(key="class")
    )
    whole = data.batch(range(520))
    with np.load(export_reads(data, tmp_path / "tokens.npz")) as arrays:
        for key in ("input_ids", "attention_mask", "lengths", "labels"):
            assert np.array_equal(arrays[key], whole[key].numpy()), key
        assert list(arrays["classes"]) == ["x", "y", "z"]
    data = db.SequenceDataset(fastq, transform=KmerEncoder(3))
    with np.load(export_reads(data, tmp_path / "kmers.npz")) as arrays:
        assert np.array_equal(arrays["sequences"], data.batch(range(520)).sequences.numpy())


def test_npy_and_pt_hold_what_batches_hold(fastq, tmp_path):
    several = {"gc": db.targets.from_sequence(), "kind": db.targets.from_header(key="class")}
    data = db.SequenceDataset(fastq, transform=OneHotEncoder(), target=several)
    whole = data.batch(range(520))
    mapped = np.load(export_reads(data, tmp_path / "reads.npy"), mmap_mode="r")
    assert mapped.dtype == np.float32 and np.array_equal(mapped, whole.sequences.numpy())
    loaded = torch.load(export_reads(data, tmp_path / "reads.pt"), weights_only=True)
    assert torch.equal(loaded["sequences"], whole.sequences) and torch.equal(
        loaded["lengths"], whole.lengths
    )
    assert torch.equal(loaded["labels_kind"], whole.labels["kind"]) and torch.equal(
        loaded["quality"], whole.quality
    )
    assert loaded["ids"] == whole.ids and loaded["classes_kind"] == ["x", "y", "z"]
    ids = db.SequenceDataset(fastq, transform=tokens("deepbio-dna"))
    assert np.array_equal(
        np.load(export_reads(ids, tmp_path / "ids.npy")), ids.batch(range(520)).input_ids.numpy()
    )


def test_parquet_holds_reads_as_text_where_nothing_encodes_them(fastq, tmp_path, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    monkeypatch.setattr("deepbio_torch._reads.exports._CHUNK", 200)
    several = {"gc": db.targets.from_sequence(), "kind": db.targets.from_header(key="class")}
    records = list(db.SequenceReader(fastq))
    data = db.SequenceDataset(fastq, target=several)
    read = parquet.read_table(export_reads(data, tmp_path / "reads.parquet"))
    table = read.to_pydict()
    assert json.loads(read.schema.metadata[b"classes"]) == {"kind": ["x", "y", "z"]}
    rows = zip(table["id"], table["description"], table["sequence"], table["quality"], strict=True)
    assert [db.Record(i, d, s.encode(), q.encode()) for i, d, s, q in rows] == records
    assert table["length"] == [len(record.sequence) for record in records]
    assert table["label_kind"] == data.labels["kind"].tolist() and np.allclose(
        table["label_gc"], data.labels["gc"]
    )
    long = db.SequenceDataset(
        fastq, transform=db.transforms.Compose([db.transforms.LengthFilter(30), lambda s: s])
    )
    kept = parquet.read_table(export_reads(long, tmp_path / "long.parquet")).to_pydict()
    assert (
        kept["id"] == [record.name for record in records if len(record.sequence) >= 30]
        and len(kept["id"]) < 520
    )


def test_parquet_of_reads_has_mates_and_refuses_chance_and_other_values(fastq, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    first, second = tmp_path / "a.fa", tmp_path / "b.fa"
    first.write_text(">a\nACGT\n>b\nGG\n")
    second.write_text(">a\nTT\n>b\nC\n")
    pairs = parquet.read_table(
        export_reads(db.SequenceDataset(first, mates=second), tmp_path / "p.parquet")
    ).to_pydict()
    assert (
        pairs["sequence"] == ["ACGT", "GG"]
        and pairs["mate_sequence"] == ["TT", "C"]
        and "quality" not in pairs
    )
    with pytest.raises(ArgumentError, match="without chance, got .*Mutator"):
        export_reads(
            db.SequenceDataset(fastq, transform=db.transforms.Mutator(0.1)), tmp_path / "m.parquet"
        )
    numbers = db.SequenceDataset(
        fastq, transform=lambda sample: {**sample, "sequence": np.zeros(3)}
    )
    with pytest.raises(ArgumentError, match="record 0: sequence: expected letters, got ndarray"):
        export_reads(numbers, tmp_path / "n.parquet")
    with pytest.raises(ArgumentError, match="ends with an encoder"):
        export_reads(db.SequenceDataset(fastq), tmp_path / "n.npz")
    assert not {"m.parquet", "n.parquet", "n.npz"} & {path.name for path in tmp_path.iterdir()}


def test_parquet_of_reads_skips_what_a_step_drops_and_loses_no_qualities(
    fastq, tmp_path, monkeypatch
):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    monkeypatch.setattr("deepbio_torch._reads.exports._CHUNK", 2)
    fasta, last = tmp_path / "a.fa", ["r4", "r7"]
    fasta.write_text("".join(f">r{k}\nACGT\n" for k in range(9)))
    kept = db.SequenceDataset(
        fasta, transform=lambda sample: sample if sample["id"] in last else None
    )
    assert (
        parquet.read_table(export_reads(kept, tmp_path / "kept.parquet")).to_pydict()["id"] == last
    )
    for paths, message in (
        ([fasta, fastq], "record 9: expected no qualities"),
        ([fastq, fasta], "quality: expected"),
    ):
        with pytest.raises(ArgumentError, match=message):
            export_reads(db.SequenceDataset(paths), tmp_path / "both.parquet")
    assert not (tmp_path / "both.parquet").exists()


SUFFIXES = [".npz", ".npy", ".pt", ".h5", ".parquet"]


def test_an_export_that_fails_leaves_nothing(fastq, tmp_path):
    bad = db.SequenceDataset(fastq, transform=OneHotEncoder(pad_to=30))
    with pytest.raises(ArgumentError, match="pad_to is 30"):
        export_reads(bad, tmp_path / "out.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["reads.fq"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_export_that_is_interrupted_leaves_what_was_there(fastq, tmp_path, suffix):
    data, path = db.SequenceDataset(fastq, transform=OneHotEncoder()), tmp_path / f"out{suffix}"
    path.write_text("of old")

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_reads(data, path, progress=interrupt)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(["reads.fq", path.name])
    assert path.read_text() == "of old"
    export_reads(data, path)
    assert path.stat().st_size > 1000


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_export_that_cannot_be_written_is_a_write_error_in_one_line(fastq, tmp_path, suffix):
    data = db.SequenceDataset(fastq, transform=OneHotEncoder())
    (tmp_path / f"folder{suffix}").mkdir()
    for place, reason in [
        (f"none/out{suffix}", "No such file"),
        (f"reads.fq/out{suffix}", "Not a directory"),
        (f"folder{suffix}", "Is a directory"),
    ]:
        with pytest.raises(WriteError, match=rf"{place}: cannot be written: {reason}") as caught:
            export_reads(data, tmp_path / place)
        assert "\n" not in str(caught.value)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_without_permission_takes_no_export(fastq, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(WriteError, match="Permission denied"):
        export_reads(
            db.SequenceDataset(fastq, transform=OneHotEncoder()), tmp_path / "closed" / "out.npz"
        )


def test_titles_that_are_not_utf8_come_back_byte_for_byte(tmp_path):
    import h5py

    path = tmp_path / "latin.fq"
    path.write_bytes(b"@plain one\nACGT\n+\nIIII\n@caf\xe9 gr\xf6\xdfe\nAC\n+\nII\n")
    data = db.SequenceDataset(path, transform=OneHotEncoder())
    batch = db.Cache.load(db.Cache.save(data, tmp_path / "cache")).batch([0, 1])
    assert [name.encode("utf-8", "surrogateescape") for name in batch.ids] == [b"plain", b"caf\xe9"]
    title = batch.metadata[1]["description"].encode("utf-8", "surrogateescape")
    assert title == b"gr\xf6\xdfe" and batch.ids == data.batch([0, 1]).ids
    with np.load(export_reads(data, tmp_path / "reads.npz")) as arrays:
        assert arrays["ids"].tolist() == batch.ids
    with h5py.File(export_reads(data, tmp_path / "reads.h5")) as file:
        assert list(file["ids"]) == [b"plain", b"caf\xe9"]
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    with pytest.raises(ArgumentError, match=r"record 1: .*UTF-8.*caf\\udce9"):
        export_reads(data, tmp_path / "reads.parquet")
    assert not (tmp_path / "reads.parquet").exists()
