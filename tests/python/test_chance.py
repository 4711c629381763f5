"""Random draws move from epoch to epoch in every loader, repeat with torch's seed, and stay when
an epoch is set."""

from pathlib import Path

import pytest
import torch
from torch.utils.data import ConcatDataset, Subset, random_split
from torch.utils.data import DataLoader as TorchLoader

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError
from deepbio_torch.transforms import Compose, IntegerEncoder, Mutator

RECORDS = 48


@pytest.fixture(scope="module")
def reads(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("chance") / "reads.fq"
    path.write_text("".join(f"@r{i}\n{'ACGT' * 10}\n+\n{'I' * 40}\n" for i in range(RECORDS)))
    return path


def transform(is_native):
    steps = [Mutator(0.5), IntegerEncoder()]
    return Compose(steps if is_native else [lambda sample: sample, *steps])


def dataset(kind, reads, community_dir):
    if kind == "samples":
        return db.SampleDataset(community_dir / "table.biom", rarefy_depth=100, max_bp=60)
    if kind == "windows":
        genome = reads.with_name("genome.fa")
        if not genome.exists():
            genome.write_text(">c\n" + "ACGTTGCA" * 200 + "\n")
        places = [("c", 20 * i, 20 * i + 40) for i in range(RECORDS)]
        return db.GenomeDataset(genome, places, window=40, jitter=300)
    if kind == "variants":
        genome = reads.with_name("variants.fa")
        if not genome.exists():
            genome.write_text(">c\n" + "ACGTTGCA" * 200 + "\n")
        rows = [("c", 8 * i + 41, "A", "G") for i in range(RECORDS)]
        return db.VariantDataset(genome, rows, window=40, transform=transform(True))
    if kind.startswith("stream"):
        return db.StreamingSequenceDataset(
            reads, transform=transform("native" in kind), shuffle_buffer=10
        )
    if kind == "memory":
        ids = [f"r{i}" for i in range(RECORDS)]
        return db.SequenceDataset.from_sequences(
            ids, ["ACGT" * 10] * RECORDS, transform=transform(True)
        )
    return db.SequenceDataset(reads, transform=transform("native" in kind))


def drawn(batch):
    """What was drawn, by record."""
    if "sample_ids" in batch:
        counts = [dict(zip(batch.asv_features[i].tolist(), c.tolist(), strict=True)) for i, c in
                  ((index[mask], count[mask]) for index, mask, count in
                   zip(batch.asv_index, batch.mask, batch.counts, strict=True))]  # fmt: skip
        return [
            (name, tuple(sorted(count.items())))
            for name, count in zip(batch.sample_ids, counts, strict=True)
        ]
    if "strand" in batch.metadata[0]:
        return list(zip(batch.index.tolist(), batch.ids, strict=True))  # ids tell place and strand
    return [
        (name, tuple(row.tolist())) for name, row in zip(batch.ids, batch.sequences, strict=True)
    ]


def accelerated(data):
    accelerate = pytest.importorskip("accelerate")
    return accelerate.Accelerator(cpu=True).prepare(TorchLoader(data, batch_size=8))


def stateful(data):
    loaders = pytest.importorskip("torchdata.stateful_dataloader")
    return loaders.StatefulDataLoader(data, batch_size=8, num_workers=2)


LOADERS = {
    "torch": lambda data: TorchLoader(data, batch_size=8),
    "shuffled": lambda data: TorchLoader(data, batch_size=8, shuffle=True),
    "workers": lambda data: TorchLoader(data, batch_size=8, num_workers=2),
    "persistent": lambda data: TorchLoader(
        data, batch_size=8, num_workers=2, persistent_workers=True
    ),
    "subset": lambda data: TorchLoader(Subset(data, range(len(data))), batch_size=8),
    "concatenated": lambda data: TorchLoader(ConcatDataset([data]), batch_size=8, num_workers=1),
    "split": lambda data: TorchLoader(random_split(data, [1.0])[0], batch_size=8),
    "sampler": lambda data: TorchLoader(data, batch_size=8, sampler=db.data.ShuffledSampler(data)),
    "stateful": stateful,
    "accelerate": accelerated,
    "ours": lambda data: db.DataLoader(data, batch_size=8, num_workers=2),
    "ours subset": lambda data: db.DataLoader(
        Subset(data, range(len(data))), batch_size=8, num_workers=2
    ),
}
STREAMED = ("torch", "workers", "persistent", "stateful", "accelerate", "ours")
MAPPED = ("native", "python", "memory", "samples", "windows", "variants")
CASES = [(kind, loader) for kind in MAPPED for loader in LOADERS]
CASES = [case for case in CASES if case != ("samples", "concatenated")]  # its items are no batch
CASES += [(f"stream {kind}", loader) for kind in ("native", "python") for loader in STREAMED]


@pytest.mark.parametrize(("kind", "loader"), CASES)
def test_every_epoch_draws_anew_and_torchs_seed_repeats_a_run(reads, community_dir, kind, loader):
    def run(seed):
        torch.manual_seed(seed)
        batches = LOADERS[loader](dataset(kind, reads, community_dir))
        return [[pair for batch in batches for pair in drawn(batch)] for _ in range(3)]

    first = run(5)
    names = sorted(name for name, _ in first[0])
    assert len(set(names)) == len(names) == (24 if kind == "samples" else RECORDS)
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert sorted(name for name, _ in first[other]) == names
        old = dict(first[one])
        assert sum(old[name] == value for name, value in first[other]) <= len(names) // 10
    assert run(5) == first
    sets_epochs = (
        loader.startswith("ours")
        or loader == "accelerate"
        or (kind.startswith("stream") and loader == "torch")
    )
    if not sets_epochs:  # accelerate calls set_epoch: its epochs are 0, 1, 2, whatever the seed
        assert run(6) != first


@pytest.mark.parametrize("loader", ["torch", "workers", "persistent", "subset"])
@pytest.mark.parametrize(
    "kind", ["native", "python", "samples", "windows", "variants", "stream native"]
)
def test_a_set_epoch_is_an_exact_repeat_also_for_workers_that_run_already(
    reads, community_dir, kind, loader
):
    data = dataset(kind, reads, community_dir)
    if kind.startswith("stream") and loader == "subset":
        pytest.skip("a stream has no subsets")
    batches = LOADERS[loader](data)

    def epoch(number):
        data.set_epoch(number)
        return sorted(pair for batch in batches for pair in drawn(batch))

    zero, one = epoch(0), epoch(1)
    assert zero != one and epoch(0) == zero and epoch(1) == one
    assert (
        sorted(pair for batch in db.DataLoader(data, batch_size=8) for pair in drawn(batch)) == zero
    )
    if not kind.startswith("stream"):
        data.set_epoch(None)
        assert sorted(pair for batch in batches for pair in drawn(batch)) not in (zero, one)


@pytest.mark.parametrize("is_persistent", [False, True])
@pytest.mark.parametrize(
    "kind", ["native", "samples", "windows", "variants", "stream native", "stream python"]
)
@pytest.mark.parametrize("given", [1, 3, 5])
def test_torchdatas_loader_resumes_with_the_same_records_and_draws(
    reads, community_dir, kind, is_persistent, given
):
    loaders = pytest.importorskip("torchdata.stateful_dataloader")
    options = {"batch_size": 4, "num_workers": 2, "persistent_workers": is_persistent}

    def loader():
        return loaders.StatefulDataLoader(dataset(kind, reads, community_dir), **options)

    torch.manual_seed(1)
    unbroken = loader()
    epoch = iter(unbroken)
    for _ in range(given):
        next(epoch)
    state = unbroken.state_dict()
    rest = [drawn(batch) for batch in epoch]
    after = sorted(pair for batch in unbroken for pair in drawn(batch))
    torch.manual_seed(99)
    resumed = loader()
    resumed.load_state_dict(state)
    assert [drawn(batch) for batch in resumed] == rest
    following = sorted(pair for batch in resumed for pair in drawn(batch))
    assert [name for name, _ in following] == [name for name, _ in after]
    assert len({name for name, _ in following}) == len(following)
    if is_persistent and kind.startswith("stream"):
        assert following == after


def test_a_stream_resumes_at_its_end_in_some_workers(reads):
    loaders = pytest.importorskip("torchdata.stateful_dataloader")

    def loader():
        stream = db.StreamingSequenceDataset(reads, transform=transform(True), shuffle_buffer=10)
        return loaders.StatefulDataLoader(
            stream, batch_size=16, num_workers=2, persistent_workers=True
        )

    first = loader()
    epoch = iter(first)
    got = [name for _ in range(3) for name in next(epoch).ids]
    second = loader()
    second.load_state_dict(first.state_dict())
    rest = [name for batch in second for name in batch.ids]
    assert sorted(got + rest) == sorted(f"r{i}" for i in range(RECORDS))
    following = [name for batch in second for name in batch.ids]
    assert sorted(following) == sorted(f"r{i}" for i in range(RECORDS))


def test_a_seed_of_none_is_drawn_from_torch(reads):
    def letters(seed):
        torch.manual_seed(seed)
        return Mutator(0.5, seed=None).apply(b"ACGT" * 20)

    assert letters(1) == letters(1) != letters(2)
    for make in (
        lambda: db.transforms.Sampler(3, seed=None),
        lambda: db.transforms.ReverseComplement(0.5, seed=None),
        lambda: db.transforms.QualitySimulator(seed=None),
        lambda: db.transforms.Subsampler(0.5, seed=None),
        lambda: db.transforms.OneHotEncoder(unknown="random", seed=None),
        lambda: db.data.ShuffledSampler(5, seed=None),
        lambda: db.StreamingSequenceDataset(reads, seed=None),
        lambda: db.targets.weighted_sampler([1.0], seed=None),
    ):  # fmt: skip
        assert "seed=None" not in repr(make())
    with pytest.raises(ArgumentError, match="seed: expected a whole number, got 'a'"):
        Mutator(0.1, seed="a")


def test_samplers_without_a_seed_move_by_themselves_until_an_epoch_is_set():
    for sampler in (
        db.data.ShuffledSampler(50, seed=None),
        db.targets.weighted_sampler([1.0] * 50, seed=None),
    ):
        first, second = list(sampler), list(sampler)
        assert first != second
        sampler.set_epoch(0)
        assert list(sampler) == first == list(sampler)


def test_the_draws_of_a_loader_of_ours_are_those_of_its_epoch_inside_of_a_subset(reads):
    data = db.SequenceDataset(reads, transform=transform(True))
    for threads in (0, 3):
        direct = db.DataLoader(data, batch_size=8, num_workers=threads)
        wrapped = db.DataLoader(Subset(data, range(RECORDS)), batch_size=8, num_workers=threads)
        for _ in range(2):
            assert [drawn(batch) for batch in direct] == [drawn(batch) for batch in wrapped]
    assert data.epoch is None
