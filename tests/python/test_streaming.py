"""Streams of reads, caches, targets, summaries: the parts of a dataset around its batches."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import deepbio_torch as db
from deepbio_torch.cache import export_reads
from deepbio_torch.errors import ArgumentError, ParseError
from deepbio_torch.transforms import Compose, IntegerEncoder, LengthFilter, Mutator, OneHotEncoder, Sampler

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


def stream(path, **options):
    return db.StreamingSequenceDataset(path, transform=CHAIN, **{"shuffle_buffer": 64, "seed": 4, **options})


def contents(batches):
    return [(batch.index.tolist(), batch.sequences.sum((0, 1)).tolist()) for batch in batches]


def test_a_stream_gives_the_batches_of_the_dataset_in_another_order(fastq):
    data = db.SequenceDataset(fastq, transform=CHAIN)
    seen = []
    for batch in db.DataLoader(stream(fastq), batch_size=16):
        assert torch.equal(batch.sequences, data.batch(batch.index.tolist()).sequences)
        seen += batch.index.tolist()
    assert sorted(seen) == list(range(len(data))) and seen != sorted(seen)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_any_number_of_threads_gives_the_same_stream_in_every_epoch(fastq, threads):
    plain, many = (db.DataLoader(stream(fastq), batch_size=16, num_workers=n) for n in (0, threads))
    first = contents(plain)
    assert contents(many) == first
    second = contents(plain)
    assert contents(many) == second != first


def test_a_stream_resumes_at_any_of_fifty_batch_borders_through_json(fastq):
    whole = contents(db.DataLoader(stream(fastq), batch_size=7))
    for border in range(50):
        first = db.DataLoader(stream(fastq), batch_size=7)
        for _, _ in zip(range(border), first, strict=False):
            pass
        second = db.DataLoader(stream(fastq), batch_size=7)
        second.load_state_dict(json.loads(json.dumps(first.state_dict())))
        assert contents(second) == whole[border:]


def test_samples_of_a_stream_resume_and_ranks_share_them(fastq):
    whole = [sample["metadata"]["index"] for sample in stream(fastq)]
    first = stream(fastq)
    given = [sample["metadata"]["index"] for _, sample in zip(range(300), first, strict=False)]
    second = stream(fastq)
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert given + [sample["metadata"]["index"] for sample in second] == whole
    parts = [stream(fastq, rank=rank, world_size=3, drop_uneven=True) for rank in range(3)]
    shares = [[sample["metadata"]["index"] for sample in part] for part in parts]
    assert len({len(share) for share in shares}) == 1 and len(set(sum(shares, []))) == len(whole) // 3 * 3


def test_workers_of_torch_share_a_stream(fastq):
    loader = torch.utils.data.DataLoader(stream(fastq), batch_size=8, num_workers=2)
    seen = sum((batch.index.tolist() for batch in loader), [])
    assert len(seen) == len(set(seen)) == len(db.SequenceDataset(fastq, transform=CHAIN))


def test_a_file_that_changes_under_a_running_epoch_is_an_error(fastq):
    batches = iter(db.DataLoader(stream(fastq, shuffle_buffer=0), batch_size=8))
    next(batches)
    with open(fastq, "a") as file:
        file.write("@late\nACGT\n+\nIIII\n")
    with pytest.raises(ParseError, match="written to"):
        list(batches)


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


def test_labels_come_from_titles_tables_and_the_read_itself(fastq, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("read_id,label\n" + "".join(f"r{i},{i / 2}\n" for i in range(520)))
    several = {
        "class": db.targets.classes(["z", "y", "x"], db.targets.from_header(r"class=(\w)")),
        "half": db.targets.from_file(table),
        "length": db.targets.from_sequence("length"),
        "quality": db.targets.from_quality("median"),
    }
    data = db.SequenceDataset(fastq, transform=OneHotEncoder(), target=several)
    labels = data.batch([0, 4]).labels
    assert labels["class"].tolist() == [2, 1] and labels["half"].tolist() == [0.0, 2.0]
    assert labels["length"].tolist() == data.batch([0, 4]).lengths.tolist() and labels["quality"].tolist() == [40, 40]
    assert data[4]["label"]["half"] == 2.0
    with pytest.raises(ArgumentError, match="class=x"):
        len(db.SequenceDataset(fastq, target=db.targets.from_header(key="kind")))


def test_classes_are_weighted_balanced_and_split():
    labels = torch.tensor([0] * 90 + [1] * 10)
    assert torch.allclose(db.targets.class_weights(labels), torch.tensor([100 / 180, 100 / 20]))
    sampler = db.targets.balanced_sampler(labels, 2000, seed=1)
    first = list(sampler)
    assert 900 < sum(labels[first]) < 1100 and first == list(sampler)
    sampler.set_epoch(1)
    assert first != list(sampler)
    train, test = db.targets.stratified_split(labels, 0.2, seed=1)
    assert sorted(train + test) == list(range(100)) and labels[test].sum() == 2 and len(test) == 20


def test_batches_of_similar_length_stay_under_a_token_budget(fastq):
    data = db.SequenceDataset(fastq, transform=OneHotEncoder())
    loader = db.DataLoader(data, batch_size=32, shuffle=True, seed=2, length_buckets=[30, 40], max_tokens=900)
    seen = []
    for batch in loader:
        bounds = {int(torch.bucketize(length, torch.tensor([30, 40]))) for length in batch.lengths}
        assert len(bounds) == 1 and batch.sequences.shape[0] * batch.sequences.shape[1] <= 900
        seen += batch.index.tolist()
    assert sorted(seen) == list(range(520))


def test_summary_and_validation_look_at_every_record(tmp_path):
    path = tmp_path / "reads.fa"
    path.write_text(">a\nACGT\n>b\nACNN\n>c\nGG\n")
    data = db.SequenceDataset(path, transform=OneHotEncoder(), target="file")
    about = data.summary()
    lengths = np.array([4, 4, 2])
    assert about["num_samples"] == 3 and about["sequence_lengths"]["median"] == 4
    assert about["sequence_lengths"]["std"] == pytest.approx(lengths.std()) and not about["has_quality"]
    assert about["classes"] == {0: {"count": 3, "percent": 100.0}}
    checked = data.validate()
    assert checked["is_valid"] and "'b' (1)" in checked["warnings"][0] and "33.3 %" in checked["warnings"][0]
    failing = db.SequenceDataset(path, transform=IntegerEncoder()).validate()
    assert not failing["is_valid"] and "position 3" in failing["errors"][0]


def test_a_thousand_epochs_take_no_more_memory(fastq):
    data = db.SequenceDataset(fastq, transform=CHAIN)
    loader = db.DataLoader(data, batch_size=128, shuffle=True, seed=1, num_workers=2)

    def resident() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    for _ in range(100):
        for _ in loader:
            pass
    before = resident()
    for _ in range(900):
        for _ in loader:
            pass
    assert resident() - before < 16 << 20
