"""db.DataLoader in the place of torch's: positions, keywords, samplers, other datasets."""

import inspect
import warnings

import pytest
import torch
from torch.utils.data import BatchSampler, IterableDataset, SequentialSampler

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError
from deepbio_torch.transforms import OneHotEncoder


class Numbers(IterableDataset):
    def __iter__(self):
        return iter(range(7))


def test_arguments_have_torchs_order_and_names():
    torchs = inspect.signature(torch.utils.data.DataLoader.__init__).parameters
    ours = inspect.signature(db.DataLoader.__init__).parameters
    by_place = [name for name, p in torchs.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [name for name, p in ours.items() if p.kind is p.POSITIONAL_OR_KEYWORD] == by_place
    assert set(torchs) <= set(ours)
    for name in (
        "batch_size",
        "shuffle",
        "drop_last",
        "num_workers",
        "prefetch_factor",
        "persistent_workers",
    ):
        assert ours[name].default == torchs[name].default, name


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 3}, {"batch_size": 3, "drop_last": True}, {"batch_size": None},
        {"sampler": [4, 0, 2]}, {"batch_sampler": [[1, 0], [3]]},
        {"batch_sampler": BatchSampler(SequentialSampler(range(7)), 2, False)},
        {"batch_size": 2, "collate_fn": sum},
        {"batch_size": 2, "persistent_workers": True, "num_workers": 1},
        {"batch_size": 2, "num_workers": 1, "prefetch_factor": 3, "in_order": False},
    ],
)  # fmt: skip
def test_plain_datasets_give_what_torchs_loader_gives(options):
    data = [torch.tensor(float(i)) for i in range(7)]
    theirs = list(torch.utils.data.DataLoader(data, **{**options, "num_workers": 0,
                                                       "persistent_workers": False,
                                                       "prefetch_factor": None,
                                                       "in_order": True}))  # fmt: skip
    ours = db.DataLoader(data, **options)
    assert len(ours) == len(theirs)
    for _ in range(2):
        assert [torch.as_tensor(batch).tolist() for batch in ours] == [
            torch.as_tensor(b).tolist() for b in theirs
        ]


@pytest.mark.parametrize(
    "options", [{"batch_size": 3}, {"batch_size": 3, "drop_last": True}, {"batch_size": None}]
)
def test_iterable_datasets_give_what_torchs_loader_gives(options):
    theirs = [
        torch.as_tensor(batch).tolist()
        for batch in torch.utils.data.DataLoader(Numbers(), **options)
    ]
    ours = db.DataLoader(Numbers(), **options)
    assert [torch.as_tensor(batch).tolist() for batch in ours] == theirs
    epoch = iter(ours)
    next(epoch)
    again = db.DataLoader(Numbers(), **options)
    again.load_state_dict(ours.state_dict())
    assert [torch.as_tensor(batch).tolist() for batch in again] == theirs[1:]


def test_native_batches_come_in_the_order_of_a_batch_sampler(fastq):
    data = db.SequenceDataset(fastq, transform=OneHotEncoder())
    loader = db.DataLoader(data, batch_sampler=[[5, 1], [7], [0, 2, 3]], num_workers=2)
    assert [batch.ids for batch in loader] == [["r5", "r1"], ["r7"], ["r0", "r2", "r3"]]
    assert [
        batch.index.tolist() for batch in db.DataLoader(data, 200, True, seed=1, drop_last=True)
    ][0][:3] != [
        0,
        1,
        2,
    ]


def test_a_generator_gives_the_seed_and_options_of_processes_are_told(fastq):
    data = db.SequenceDataset(fastq, transform=OneHotEncoder())
    seeds = {db.DataLoader(data, generator=torch.Generator().manual_seed(3)).seed for _ in range(2)}
    assert len(seeds) == 1
    with pytest.warns(UserWarning, match="worker_init_fn not used"):
        db.DataLoader(data, worker_init_fn=print)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        db.DataLoader(data, 4, timeout=0, persistent_workers=True, prefetch_factor=4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": "4"}, "batch_size: expected a whole number, got '4'"),
        ({"batch_size": 0}, "got 0"),
        ({"batch_sampler": [[0]], "shuffle": True}, "batch_sampler"),
        ({"batch_size": None, "drop_last": True}, "drop_last"),
        ({"prefetch_factor": 0}, "prefetch_factor"),
        ({"seed": "x"}, "seed"),
        ({"rank": 2, "world_size": 2}, "rank"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(options, message):
    with pytest.raises(ArgumentError, match=message):
        db.DataLoader([1, 2], **options)


def test_the_tuning_of_threads_changes_no_batch(fastq):
    data = db.SequenceDataset(fastq, transform=OneHotEncoder())
    plain = [batch.ids for batch in db.DataLoader(data, 16, True, seed=2)]
    assert [
        batch.ids
        for batch in db.DataLoader(data, 16, True, seed=2, num_workers=2, prefetch_factor=5)
    ] == plain
