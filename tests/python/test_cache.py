"""Caches of encoded reads, and exports of them to other formats."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

import deepbio_torch as db
from deepbio_torch._batches.fingerprint import fingerprint
from deepbio_torch.errors import ArgumentError, MissingFileError, ParseError, WriteError
from deepbio_torch.transforms import (
    Compose,
    IntegerEncoder,
    KmerEncoder,
    LengthFilter,
    Mutator,
    OneHotEncoder,
    ReverseComplement,
    Sampler,
    TokenEncoder,
)

CHAIN = Compose([LengthFilter(25), Sampler(20, seed=1), Mutator(0.1, 2), OneHotEncoder()])


def test_a_cache_gives_the_same_batches_and_knows_when_it_is_stale(fastq, tmp_path):
    encode = Compose([LengthFilter(25), OneHotEncoder(channels_first=True)])
    target = db.targets.from_header(key="class")
    data = db.SequenceDataset(fastq, transform=encode, target=target)
    folder = db.Cache.save(data, tmp_path / "cache")
    cached = db.Cache.load(folder)
    assert len(cached) == len(data) and cached.classes == ["x", "y", "z"]
    for whole, other in zip(
        db.DataLoader(data, batch_size=99), db.DataLoader(cached, batch_size=99), strict=True
    ):
        assert (
            whole.keys() == other.keys()
            and whole.ids == other.ids
            and whole.metadata == other.metadata
        )
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


@pytest.fixture
def even(tmp_path, monkeypatch):
    """400 reads of one length as a dataset, and its cache of four files."""
    monkeypatch.setattr("deepbio_torch.cache._SHARD_RECORDS", 100)
    path, rng = tmp_path / "even.fq", np.random.default_rng(5)
    lines = ["".join(rng.choice(list("ACGTN"), 150)) for _ in range(400)]
    path.write_text(
        "".join(f"@r{i} n={i}\n{line}\n+\n{'I' * 150}\n" for i, line in enumerate(lines))
    )
    data = db.SequenceDataset(
        path, transform=OneHotEncoder(), target=lambda record: len(record.name)
    )
    return data, db.Cache.save(data, tmp_path / "cache")


def mapped_files(folder):
    with open("/proc/self/maps") as maps:
        return sum(str(folder) in line and " rw-p " in line for line in maps)


def test_batches_of_records_side_by_side_are_mapped_and_private(even):
    data, folder = even
    cached = db.Cache.load(folder)
    before = mapped_files(folder)
    batch = cached.batch(range(8, 72))
    assert mapped_files(folder) == before + 2  # sequences and qualities
    files = {path: path.read_bytes() for path in (data_folder(folder)).iterdir()}
    for key in ("sequences", "quality", "labels", "lengths", "index"):
        assert batch[key].is_contiguous()
        batch[key].fill_(-7)
    again = cached.batch(list(range(8, 72)))
    for key in ("sequences", "quality", "labels", "lengths", "index"):
        assert torch.equal(again[key], data.batch(range(8, 72))[key]) and bool(
            (batch[key] == -7).all()
        )
    assert files == {path: path.read_bytes() for path in files}
    kept = batch.quality
    del batch, again
    assert mapped_files(folder) == before + 1
    del cached
    assert bool((kept == -7).all()) and kept.add_(1).max() == -6
    del kept
    assert mapped_files(folder) == before


def data_folder(folder):
    return next(Path(folder).glob("data-*"))


@pytest.mark.parametrize("open_files", [0, 64])
def test_a_cache_that_is_replaced_or_removed_still_gives_its_batches(even, monkeypatch, open_files):
    monkeypatch.setattr("deepbio_torch._reads.cached._OPEN_FILES", open_files)
    data, folder = even
    cached = db.Cache.load(folder)
    expected = {
        begin: data.batch(range(begin, begin + 60)) for begin in (0, 70)
    }  # 70: from two files
    held = cached.batch(range(0, 60))
    for change in (lambda: db.Cache.save(data, folder), lambda: db.Cache.invalidate(folder)):
        change()
        for begin, whole in expected.items():
            batch = cached.batch(range(begin, begin + 60))
            assert all(
                torch.equal(batch[key], whole[key])
                for key in ("sequences", "quality", "labels", "lengths")
            )
            assert batch.ids == whole.ids and batch.metadata == whole.metadata
    assert torch.equal(held.sequences, expected[0].sequences)


@pytest.mark.parametrize(
    "ask", [range(0, 60), range(70, 130), [3, 1], [5]], ids=["run", "two files", "any", "one"]
)
def test_a_cache_file_that_is_cut_short_is_an_error_and_no_crash(even, ask):
    _, folder = even
    cached = db.Cache.load(folder)
    batch = cached.batch(range(90, 92))
    for path in data_folder(folder).iterdir():
        os.truncate(path, 5000)
    for look in (
        lambda: cached.batch(ask),
        lambda: batch.ids,
        lambda: batch.metadata,
        lambda: cached.labels,
    ):
        with pytest.raises(ParseError, match="written to since, now of 5000 bytes"):
            look()


@pytest.mark.parametrize(
    ("encoder", "expected"),
    [
        (OneHotEncoder(), [True, False]),
        (OneHotEncoder(pad_to=60), [True, True]),
        (KmerEncoder(3), [True, True]),
        (KmerEncoder(3, output="ids", overlap=False), [True, False]),
        (TokenEncoder(db.tokenizers.Tokenizer.from_preset("deepbio-dna")), [True, False]),
        (
            TokenEncoder(db.tokenizers.Tokenizer.from_preset("deepbio-dna"), pad_to_multiple_of=40),
            [True, True],
        ),
    ],
)
def test_a_cache_knows_the_files_whose_rows_are_all_as_wide(
    tmp_path, monkeypatch, encoder, expected
):
    monkeypatch.setattr("deepbio_torch.cache._SHARD_RECORDS", 3)
    path = tmp_path / "reads.fa"
    path.write_text("".join(f">r{i}\n{'ACGTAC' * 4}{'A' * (5 * (i == 4))}\n" for i in range(6)))
    data = db.SequenceDataset(path, transform=encoder)
    folder = db.Cache.save(data, tmp_path / "cache")
    about = json.loads((tmp_path / "cache" / "metadata.json").read_text())
    assert [shard["is_even"] for shard in about["shards"]] == expected
    for indices in ([0, 1], [3], [4, 5], [3, 4], [2, 3], [5, 0]):
        key = "input_ids" if "input_ids" in data.batch([0]) else "sequences"
        assert torch.equal(db.Cache.load(folder).batch(indices)[key], data.batch(indices)[key])


def test_a_cache_needs_no_open_file_per_shard(fastq, tmp_path, monkeypatch):
    monkeypatch.setattr("deepbio_torch.cache._SHARD_RECORDS", 2)
    cached = db.Cache.load(
        db.Cache.save(
            db.SequenceDataset(fastq, transform=OneHotEncoder(pad_to=3000)), tmp_path / "cache"
        )
    )
    held = [cached.batch([i, i + 1]) for i in range(0, 200, 2)]
    assert len(os.listdir("/proc/self/fd")) < 100 and len(held) == 100


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
    assert db.Cache.is_valid(folder, dataset(by(30))) and not db.Cache.is_valid(
        folder, dataset(by(31))
    )
    assert not db.Cache.is_valid(folder, dataset(lambda record: len(record.sequence) > 30 or 0))


def test_a_cache_is_valid_in_another_process_and_for_another_version_it_is_not(fastq, tmp_path):
    script = """
import sys
import deepbio_torch as db

def label(record):
    return len(record.sequence) % 2

if __name__ == "__main__":
    tokens = db.transforms.TokenEncoder(db.tokenizers.Tokenizer.from_preset("dnabert-3"))
    target = {"odd": label, "gc": db.targets.from_sequence()}
    data = db.SequenceDataset(sys.argv[1], transform=tokens, target=target)
    was_valid = db.Cache.is_valid(sys.argv[2], data)
    db.Cache.save(data, sys.argv[2])
    print(was_valid, db.Cache.is_valid(sys.argv[2], data))
"""
    path, folder = tmp_path / "script.py", tmp_path / "cache"
    path.write_text(script)
    command = [sys.executable, path, fastq, folder]
    said = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        for _ in range(2)
    ]
    assert said == ["False True", "True True"]
    about = json.loads((folder / "metadata.json").read_text())
    (folder / "metadata.json").write_text(json.dumps({**about, "versions": {"deepbio": "0"}}))
    assert not db.Cache.is_valid(folder, fastq)


def test_a_dataset_makes_its_cache_once_and_anew_when_it_is_stale(fastq, tmp_path):
    def dataset(encoder):
        return db.SequenceDataset(fastq, transform=encoder, cache_dir=tmp_path / "cache")

    plain = db.SequenceDataset(fastq, transform=OneHotEncoder())
    assert torch.equal(
        dataset(OneHotEncoder()).batch([3, 1]).sequences, plain.batch([3, 1]).sequences
    )
    written = {path.name for path in (tmp_path / "cache").glob("data-*")}
    again = dataset(OneHotEncoder())
    assert torch.equal(again[7]["sequence"], plain[7]["sequence"]) and len(again) == 520
    assert again._native is None  # the reads themselves were not read
    assert {path.name for path in (tmp_path / "cache").glob("data-*")} == written
    assert dataset(OneHotEncoder(pad_to=60)).batch([0]).sequences.shape == (1, 60, 4)
    assert {path.name for path in (tmp_path / "cache").glob("data-*")}.isdisjoint(written)
    loader = torch.utils.data.DataLoader(
        again, batch_size=100, num_workers=1, multiprocessing_context="spawn"
    )
    assert [len(batch.ids) for batch in loader] == [100] * 5 + [20]


def test_what_cannot_be_a_cache_is_said(fastq, tmp_path):
    data = db.SequenceDataset(fastq, transform=OneHotEncoder())
    with pytest.raises(ArgumentError, match="ends with an encoder"):
        db.Cache.save(db.SequenceDataset(fastq), tmp_path / "cache")
    with pytest.raises(ArgumentError, match="chance"):
        db.Cache.save(
            db.SequenceDataset(fastq, transform=IntegerEncoder(unknown="random")),
            tmp_path / "cache",
        )
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
        about.write_text(
            "{"
            if damage == "metadata"
            else about.read_text().replace('"deepbio-encoded-reads"', "2")
        )
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


def test_a_cache_that_is_interrupted_leaves_the_old_one(even):
    data, folder = even

    def interrupt(done, total):
        if done == 300:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        db.Cache.save(data, folder, progress=interrupt)
    assert torch.equal(db.Cache.load(folder).batch([399]).sequences, data.batch([399]).sequences)
    assert sorted(path.name.split("-")[0] for path in Path(folder).iterdir()) == [
        ".lock",
        "data",
        "metadata.json",
    ]


FULL = """
import resource, sys
import deepbio_torch as db

data = db.SequenceDataset(sys.argv[1], transform=db.transforms.OneHotEncoder())
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))  # as a disk without room
try:
    write = db.Cache.save if sys.argv[2].endswith("cache") else db.cache.export_reads
    write(data, sys.argv[2])
except db.errors.WriteError as problem:
    print(problem)
"""


@pytest.mark.parametrize("name", ["out.npz", "out.h5", "out.parquet", "cache"])
def test_a_full_disk_is_a_write_error_that_leaves_nothing(fastq, tmp_path, name):
    command = [sys.executable, "-c", FULL, fastq, tmp_path / name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (
        name in done.stdout and "File too large" in done.stdout and done.stdout.count("\n") == 1
    ), done.stderr
    assert done.stderr == ""
    assert [
        path.name for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"
    ] == ["reads.fq"]


def test_caches_made_before_modules_moved_are_known_again():
    # What version 0.1 of 2026-11-29 wrote into a cache: modules lay in no folders then.
    written = "3c20af38f39051d5", "50fb419a15f08aa4", "0f3376289a4ab084"
    made = [
        fingerprint(part)[:16] for part in (OneHotEncoder(), KmerEncoder(k=3), ReverseComplement())
    ]
    assert made == list(written)
