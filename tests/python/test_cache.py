"""Caches of encoded reads, and exports of them to other formats."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import deepbio_torch as db
from deepbio_torch.cache import export_reads
from deepbio_torch.errors import ArgumentError, MissingFileError, ParseError, WriteError
from deepbio_torch.transforms import (
    Compose,
    IntegerEncoder,
    KmerEncoder,
    LengthFilter,
    Mutator,
    OneHotEncoder,
    Sampler,
    TokenEncoder,
)

CHAIN = Compose([LengthFilter(25), Sampler(20, seed=1), Mutator(0.1, 2), OneHotEncoder()])


@pytest.fixture
def fastq(tmp_path):
    rng = np.random.default_rng(3)
    path = tmp_path / "reads.fq"
    text = ""
    for i in range(520):
        size = int(rng.integers(21, 50))
        text += f"@r{i} class={'xyz'[i % 3]}\n{''.join(rng.choice(list('ACGT'), size))}\n+\n{'I' * size}\n"
    path.write_text(text)
    return path


def test_a_cache_gives_the_same_batches_and_knows_when_it_is_stale(fastq, tmp_path):
    encode = Compose([LengthFilter(25), OneHotEncoder(channels_first=True)])
    target = db.targets.from_header(key="class")
    data = db.SequenceDataset(fastq, transform=encode, target=target)
    folder = db.Cache.save(data, tmp_path / "cache")
    cached = db.Cache.load(folder)
    assert len(cached) == len(data) and cached.classes == ["x", "y", "z"]
    for whole, other in zip(db.DataLoader(data, batch_size=99), db.DataLoader(cached, batch_size=99), strict=True):
        assert whole.keys() == other.keys() and whole.ids == other.ids and whole.metadata == other.metadata
        for key in ("sequences", "lengths", "quality", "labels", "index"):
            assert torch.equal(whole[key], other[key])
    assert db.Cache.is_valid(folder, data) and db.Cache.is_valid(folder, fastq)
    other = db.SequenceDataset(fastq, transform=OneHotEncoder(channels_first=True), target=target)
    assert not db.Cache.is_valid(folder, other)
    os.utime(fastq)
    assert db.Cache.is_valid(folder, data)  # the time is another, the content is not
    fastq.write_text(fastq.read_text().replace("A", "C"))
    assert not db.Cache.is_valid(folder, data)
    db.Cache.invalidate(folder)
    assert not db.Cache.is_valid(folder, fastq)
    with pytest.raises(ArgumentError, match="chance"):
        db.Cache.save(db.SequenceDataset(fastq, transform=CHAIN), tmp_path / "other")


def test_many_writers_of_one_cache_leave_a_good_one(fastq, tmp_path):
    def work(_):
        data = db.SequenceDataset(fastq, transform=IntegerEncoder(), cache_dir=tmp_path / "cache")
        db.Cache.save(data, tmp_path / "cache")
        return data.batch([5, 9]).sequences

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(work, range(8)))
    expected = db.SequenceDataset(fastq, transform=IntegerEncoder()).batch([5, 9]).sequences
    assert all(torch.equal(result, expected) for result in results)
    assert len(list((tmp_path / "cache").glob("data-*"))) == 1


def test_exports_hold_what_batches_hold(fastq, tmp_path):
    import h5py

    data = db.SequenceDataset(fastq, transform=OneHotEncoder(), target=db.targets.from_sequence("gc_content"))
    whole = data.batch(range(len(data)))
    with np.load(export_reads(data, tmp_path / "reads.npz")) as arrays:
        assert np.array_equal(arrays["sequences"], whole.sequences.numpy()) and list(arrays["ids"]) == whole.ids
    with h5py.File(export_reads(data, tmp_path / "reads.h5")) as file:
        assert np.array_equal(file["sequences"], whole.sequences.numpy())
        assert np.allclose(file["labels"], whole.labels.numpy())
    with pytest.raises(ArgumentError, match="csv"):
        export_reads(data, tmp_path / "reads.csv")


def tokens(preset, **options):
    return TokenEncoder(db.tokenizers.Tokenizer.from_preset(preset), **options)


ENCODERS = [
    OneHotEncoder(channels_first=True, quality="channel"),
    OneHotEncoder(pad_to=60),
    IntegerEncoder(dtype=torch.uint8, quality="integer"),
    IntegerEncoder(dtype=torch.float32, quality=None),
    KmerEncoder(3),
    KmerEncoder(4, output="ids"),
    KmerEncoder(3, output="ids", overlap=False, pad_to=20),
    tokens("deepbio-dna"),
    tokens("deepbio-dna", pad_to=64),
    tokens("caduceus", pad_to_multiple_of=8),  # pads on the left
]


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda e: f"{type(e).__name__}-{e.pad_to}")
@pytest.mark.parametrize("has_mates", [False, True])
def test_every_encoder_comes_back_from_a_cache(fastq, tmp_path, monkeypatch, encoder, has_mates):
    monkeypatch.setattr("deepbio_torch.cache._SHARD_RECORDS", 100)  # several shards of different widths
    mate = tmp_path / "mates.fq"  # the same names, other reads
    lines = fastq.read_text().splitlines()
    mate.write_text("\n".join(line[: 22 + i // 4 % 7] if i % 2 else line for i, line in enumerate(lines)) + "\n")
    data = db.SequenceDataset(
        fastq, transform=Compose([LengthFilter(22, 45), encoder]), mates=mate if has_mates else None
    )
    cached = db.Cache.load(db.Cache.save(data, tmp_path / "cache"))
    assert len(list((tmp_path / "cache").glob("data-*/*"))) == -(-len(data) // 100) > 1
    assert torch.equal(cached.lengths, data.batch(range(len(data))).lengths)
    indices = [0, 150, 99, 100, 31, -1]
    whole, other = data.batch(indices), cached.batch(indices)
    assert whole.keys() == other.keys() and ("mate_lengths" in whole) == has_mates
    for key, value in whole.items():
        same = torch.equal(value, other[key]) if torch.is_tensor(value) else value == other[key]
        assert same, key
    for one, again in zip(data.__getitems__(indices), cached.__getitems__(indices), strict=True):
        assert one.keys() == again.keys() and vars(one) == vars(again)
        for key, value in one.items():
            assert torch.equal(value, again[key]) if torch.is_tensor(value) else value == again[key], key


def test_a_cache_follows_tables_and_code_that_labels_come_from(fastq, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("id,label\n" + "".join(f"r{i},{i % 3}\n" for i in range(520)))

    def dataset(target):
        return db.SequenceDataset(fastq, transform=IntegerEncoder(), target=target)

    folder = db.Cache.save(dataset(db.targets.from_file(table)), tmp_path / "cache")
    assert db.Cache.is_valid(folder, dataset(db.targets.from_file(table)))
    table.write_text(table.read_text().replace("r7,1", "r7,2"))
    assert not db.Cache.is_valid(folder, dataset(db.targets.from_file(table)))

    def by(size):
        return lambda record: len(record.sequence) > size

    folder = db.Cache.save(dataset(by(30)), tmp_path / "other")
    assert db.Cache.is_valid(folder, dataset(by(30))) and not db.Cache.is_valid(folder, dataset(by(31)))
    assert not db.Cache.is_valid(folder, dataset(lambda record: len(record.sequence) > 30 or 0))


def test_a_cache_is_valid_in_another_process_and_for_another_version_it_is_not(fastq, tmp_path):
    script = """
import sys
import deepbio_torch as db

def label(record):
    return len(record.sequence) % 2

if __name__ == "__main__":
    tokens = db.transforms.TokenEncoder(db.tokenizers.Tokenizer.from_preset("dnabert-3"))
    data = db.SequenceDataset(sys.argv[1], transform=tokens, target={"odd": label, "gc": db.targets.from_sequence()})
    was_valid = db.Cache.is_valid(sys.argv[2], data)
    db.Cache.save(data, sys.argv[2])
    print(was_valid, db.Cache.is_valid(sys.argv[2], data))
"""
    path, folder = tmp_path / "script.py", tmp_path / "cache"
    path.write_text(script)
    command = [sys.executable, path, fastq, folder]
    said = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() for _ in range(2)]
    assert said == ["False True", "True True"]
    about = json.loads((folder / "metadata.json").read_text())
    (folder / "metadata.json").write_text(json.dumps({**about, "version": "0"}))
    assert not db.Cache.is_valid(folder, fastq)


def test_a_dataset_makes_its_cache_once_and_anew_when_it_is_stale(fastq, tmp_path):
    def dataset(encoder):
        return db.SequenceDataset(fastq, transform=encoder, cache_dir=tmp_path / "cache")

    plain = db.SequenceDataset(fastq, transform=OneHotEncoder())
    assert torch.equal(dataset(OneHotEncoder()).batch([3, 1]).sequences, plain.batch([3, 1]).sequences)
    written = {path.name for path in (tmp_path / "cache").glob("data-*")}
    again = dataset(OneHotEncoder())
    assert torch.equal(again[7]["sequence"], plain[7]["sequence"]) and len(again) == 520
    assert again._native is None  # the reads themselves were not read
    assert {path.name for path in (tmp_path / "cache").glob("data-*")} == written
    assert dataset(OneHotEncoder(pad_to=60)).batch([0]).sequences.shape == (1, 60, 4)
    assert {path.name for path in (tmp_path / "cache").glob("data-*")}.isdisjoint(written)
    loader = torch.utils.data.DataLoader(again, batch_size=100, num_workers=1, multiprocessing_context="spawn")
    assert [len(batch.ids) for batch in loader] == [100] * 5 + [20]


def test_what_cannot_be_a_cache_is_said(fastq, tmp_path):
    data = db.SequenceDataset(fastq, transform=OneHotEncoder())
    with pytest.raises(ArgumentError, match="ends with an encoder"):
        db.Cache.save(db.SequenceDataset(fastq), tmp_path / "cache")
    with pytest.raises(ArgumentError, match="chance"):
        db.Cache.save(db.SequenceDataset(fastq, transform=IntegerEncoder(unknown="random")), tmp_path / "cache")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    with pytest.raises(WriteError, match="other files"):
        db.Cache.save(data, tmp_path / "full")
    db.Cache.invalidate(tmp_path / "full")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
    with pytest.raises(MissingFileError, match=r"none/metadata\.json"):
        db.Cache.load(tmp_path / "none")
    with pytest.raises(WriteError):
        db.Cache.save(data, fastq / "below-a-file")
    with pytest.raises(IndexError, match="got 520"):
        db.Cache.load(db.Cache.save(data, tmp_path / "good")).batch([520])
    fastq.write_text(fastq.read_text() + "@new\nA\n+\nI\n")
    with pytest.raises(ParseError, match="written to"):
        db.Cache.save(data, tmp_path / "late")
    assert not list((tmp_path / "late").glob("*data*"))


@pytest.mark.parametrize("damage", ["cut", "empty", "header", "metadata", "format", "gone"])
def test_a_damaged_cache_is_a_parse_error(fastq, tmp_path, damage):
    folder = tmp_path / "cache"
    db.Cache.save(db.SequenceDataset(fastq, transform=OneHotEncoder()), folder)
    shard = next(folder.glob("data-*/*"))
    if damage in ("cut", "empty"):
        shard.write_bytes(shard.read_bytes()[: 5000 if damage == "cut" else 0])
    elif damage == "header":
        shard.write_bytes(b"\x08" + shard.read_bytes()[1:])
    elif damage == "gone":
        shard.unlink()
    else:
        about = folder / "metadata.json"
        about.write_text("{" if damage == "metadata" else about.read_text().replace('"format": 2', '"format": 1'))
    with pytest.raises(ParseError, match="cache"):
        db.Cache.load(folder)


def test_a_folder_that_may_not_be_written_is_a_permission_error(fastq, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="cannot be written"):
        db.Cache.save(db.SequenceDataset(fastq, transform=OneHotEncoder()), tmp_path / "cache")


def test_progress_counts_records(fastq, tmp_path, monkeypatch):
    monkeypatch.setattr("deepbio_torch.cache._SHARD_RECORDS", 300)
    seen = []
    data = db.SequenceDataset(fastq, transform=OneHotEncoder())
    db.Cache.save(data, tmp_path / "cache", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(300, 520), (520, 520)]


@pytest.mark.parametrize(
    "encoder", [OneHotEncoder(channels_first=True, pad_to=60), KmerEncoder(3), tokens("caduceus", pad_to=64)]
)
def test_parquet_holds_records_without_padding(fastq, tmp_path, monkeypatch, encoder):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    monkeypatch.setattr("deepbio_torch._exports._CHUNK", 200)
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
    data = db.SequenceDataset(fastq, transform=tokens("deepbio-dna"), target=db.targets.from_header(key="class"))
    whole = data.batch(range(520))
    with np.load(export_reads(data, tmp_path / "tokens.npz")) as arrays:
        for key in ("input_ids", "attention_mask", "lengths", "labels"):
            assert np.array_equal(arrays[key], whole[key].numpy()), key
        assert list(arrays["classes"]) == ["x", "y", "z"]
    data = db.SequenceDataset(fastq, transform=KmerEncoder(3))
    with np.load(export_reads(data, tmp_path / "kmers.npz")) as arrays:
        assert np.array_equal(arrays["sequences"], data.batch(range(520)).sequences.numpy())


def test_an_export_that_fails_leaves_nothing(fastq, tmp_path):
    bad = db.SequenceDataset(fastq, transform=OneHotEncoder(pad_to=30))
    with pytest.raises(ArgumentError, match="pad_to is 30"):
        export_reads(bad, tmp_path / "out.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["reads.fq"]
