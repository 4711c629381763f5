"""The order of an epoch: every index once, by (seed, epoch), in memory that does not grow with
the items."""

import itertools
import pickle
import tracemalloc

import pytest
import torch

import deepbio_torch as db
from deepbio_torch.data import ShuffledSampler
from deepbio_torch.errors import ArgumentError


class Numbers(torch.utils.data.Dataset):
    """Its own indices; knows nothing of deepbio."""

    def __init__(self, size):
        self.size = size

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        return index


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000, 5000])
def test_every_index_comes_once_in_the_order_of_the_loader(size):
    sampler = ShuffledSampler(Numbers(size), seed=3)
    orders = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
        assert sorted(orders[-1]) == list(range(size)) and len(sampler) == size
        loader = db.DataLoader(Numbers(size), batch_size=7, shuffle=True, seed=3, collate_fn=list)
        loader.set_epoch(epoch)
        assert sum(loader, []) == orders[-1]
        theirs = torch.utils.data.DataLoader(Numbers(size), batch_size=7, sampler=sampler)
        assert sum((batch.tolist() for batch in theirs), []) == orders[-1]
    if size > 10:
        assert len({tuple(order) for order in orders}) == 3
        assert (
            list(ShuffledSampler(size, seed=4))
            != orders[0]
            == list(pickle.loads(pickle.dumps(ShuffledSampler(size, seed=3))))
        )


def test_ranks_get_as_many_indices_and_together_all():
    parts = [list(ShuffledSampler(100, seed=1, rank=rank, world_size=3)) for rank in range(3)]
    assert {len(part) for part in parts} == {34} and len(
        ShuffledSampler(100, rank=2, world_size=3)
    ) == 34
    assert set(sum(parts, [])) == set(range(100))


def test_a_thousand_million_items_take_no_memory_and_resume_at_once():
    loader = db.DataLoader(
        Numbers(10**9),
        batch_size=4,
        shuffle=True,
        seed=1,
        num_workers=2,
        collate_fn=list,
        drop_last=True,
    )
    tracemalloc.start()
    first = list(itertools.islice(loader, 3))
    state = loader.state_dict()
    further = list(itertools.islice(ShuffledSampler(10**9, seed=1), 20))
    assert tracemalloc.get_traced_memory()[1] < 2 << 20
    tracemalloc.stop()
    assert sum(first, []) == further[:12] and len(set(further)) == 20 and max(further) < 10**9
    again = db.DataLoader(
        Numbers(10**9), batch_size=4, shuffle=True, collate_fn=list, drop_last=True
    )
    again.load_state_dict({**state, "given": 10**8})
    late = list(itertools.islice(again, 2))
    assert len(loader) == 25 * 10**7 and not set(sum(late, [])) & set(further)


def test_bad_sizes_are_refused_with_their_value():
    with pytest.raises(ArgumentError, match="at least 1 item, got 0"):
        ShuffledSampler([])
    with pytest.raises(ArgumentError, match="rank: expected 0 to 1, got 2"):
        ShuffledSampler(5, rank=2, world_size=2)
