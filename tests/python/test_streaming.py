"""Streams of reads: order, resuming, ranks, files that change, memory that stays."""

import json
import os

import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ParseError
from deepbio_torch.transforms import Compose, LengthFilter, Mutator, OneHotEncoder, Sampler

CHAIN = Compose([LengthFilter(25), Sampler(20, seed=1), Mutator(0.1, 2), OneHotEncoder()])


def stream(path, **options):
    return db.StreamingSequenceDataset(
        path, transform=CHAIN, **{"shuffle_buffer": 64, "seed": 4, **options}
    )


def contents(batches):
    return [(batch.index.tolist(), batch.sequences.sum((0, 1)).tolist()) for batch in batches]


def test_a_stream_gives_the_batches_of_the_dataset_in_another_order(fastq):
    data = db.SequenceDataset(fastq, transform=CHAIN)
    data.set_epoch(0)
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
    assert (
        len({len(share) for share in shares}) == 1
        and len(set(sum(shares, []))) == len(whole) // 3 * 3
    )


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


def test_batches_of_similar_length_stay_under_a_token_budget(fastq):
    data = db.SequenceDataset(fastq, transform=OneHotEncoder())
    loader = db.DataLoader(
        data, batch_size=32, shuffle=True, seed=2, length_buckets=[30, 40], max_tokens=900
    )
    seen = []
    for batch in loader:
        bounds = {int(torch.bucketize(length, torch.tensor([30, 40]))) for length in batch.lengths}
        assert len(bounds) == 1 and batch.sequences.shape[0] * batch.sequences.shape[1] <= 900
        seen += batch.index.tolist()
    assert sorted(seen) == list(range(520))


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
