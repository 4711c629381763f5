"""Every dataset under Lightning, accelerate, torchdata and two processes: records once, other
draws, exact resume."""

import json
import socket
import subprocess
import sys
import warnings
from itertools import islice
from pathlib import Path

import pytest
import torch
from test_chance import RECORDS, dataset, drawn, transform
from torch.utils.data import ConcatDataset, Subset
from torch.utils.data import DataLoader as TorchLoader

import deepbio_torch as db

MAPS = ["native", "python", "memory", "samples", "windows", "variants"]
STREAMS = ["stream native", "stream python"]


@pytest.fixture(scope="module")
def reads(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("frameworks") / "reads.fq"
    path.write_text("".join(f"@r{i}\n{'ACGT' * 10}\n+\n{'I' * 40}\n" for i in range(RECORDS)))
    return path


def ours(data, shuffle=True):
    is_stream = isinstance(data, db.StreamingSequenceDataset)
    return db.DataLoader(data, 8, shuffle=shuffle and not is_stream, seed=4, num_workers=1)


def stateful(data, shuffle=True, **options):
    loaders = pytest.importorskip(
        "torchdata.stateful_dataloader", reason="torchdata is not installed"
    )
    is_stream = isinstance(data, db.StreamingSequenceDataset)
    return loaders.StatefulDataLoader(
        data, batch_size=8, shuffle=shuffle and not is_stream, **options
    )


def fitted(loader, epochs, every=None, resume=None, limit=None):
    """The batches that a Lightning trainer gives to its module.

    ``every`` steps a checkpoint, ``resume`` from one.
    """
    lightning = pytest.importorskip(
        "pytorch_lightning", reason="pytorch-lightning is not installed"
    )
    seen = []

    class Model(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(()))

        def training_step(self, batch, _):
            seen.append(drawn(batch))
            return self.weight * len(seen[-1])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    callbacks = []
    if every is not None:
        folder, steps = every
        callbacks = [
            lightning.callbacks.ModelCheckpoint(folder, every_n_train_steps=steps, save_top_k=-1)
        ]
    quiet = {
        "logger": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "accelerator": "cpu",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(
            max_epochs=epochs,
            callbacks=callbacks,
            enable_checkpointing=bool(callbacks),
            limit_train_batches=limit,
            **quiet,
        )
        trainer.fit(Model(), loader, ckpt_path=resume)
    return seen


def flat(batches):
    return [pair for batch in batches for pair in batch]


def check_epochs(first, second, size):
    """Both have every record once, and nearly all with other draws."""
    old, new = dict(first), dict(second)
    assert len(first) == len(second) == len(old) == len(new) == size and old.keys() == new.keys()
    assert sum(old[name] == new[name] for name in old) <= size // 10


@pytest.mark.parametrize("kind", MAPS + STREAMS)
def test_lightning_sees_every_record_once_with_other_draws_in_each_epoch(
    reads, community_dir, kind
):
    size = 24 if kind == "samples" else RECORDS
    for make in (lambda data: TorchLoader(data, batch_size=8), ours):
        torch.manual_seed(2)
        pairs = flat(fitted(make(dataset(kind, reads, community_dir)), 2))
        check_epochs(pairs[:size], pairs[size:], size)
        torch.manual_seed(2)
        assert flat(fitted(make(dataset(kind, reads, community_dir)), 2)) == pairs


@pytest.mark.parametrize("kind", MAPS + STREAMS)
def test_lightning_resumes_in_mid_epoch_with_the_same_batches(reads, community_dir, tmp_path, kind):
    # Lightning takes a batch in advance of a loader without a length, and its checkpoint counts
    # that batch as done.
    limit = RECORDS // 8 if kind.startswith("stream") else None
    torch.manual_seed(1)
    whole = fitted(ours(dataset(kind, reads, community_dir)), 2, every=(tmp_path, 2), limit=limit)
    checkpoint = next(path for path in tmp_path.iterdir() if path.name.endswith("step=2.ckpt"))
    torch.manual_seed(55)
    assert (
        fitted(ours(dataset(kind, reads, community_dir)), 2, resume=checkpoint, limit=limit)
        == whole[2:]
    )


@pytest.mark.parametrize("kind", MAPS)
def test_lightning_resumes_torchdatas_loader_too(reads, community_dir, tmp_path, kind):
    data = dataset(kind, reads, community_dir)
    data.set_epoch(0)
    torch.manual_seed(1)
    whole = fitted(stateful(data), 2, every=(tmp_path, 2))
    checkpoint = next(path for path in tmp_path.iterdir() if path.name.endswith("step=2.ckpt"))
    torch.manual_seed(55)
    assert fitted(stateful(data), 2, resume=checkpoint) == whole[2:]


WRAPPED = {
    "alone": lambda data: data,
    "subset": lambda data: Subset(data, range(len(data))),
    "concatenated": lambda data: ConcatDataset(
        [Subset(data, range(10)), Subset(data, range(10, len(data)))]
    ),
}


@pytest.mark.parametrize("wrapper", WRAPPED)
@pytest.mark.parametrize("kind", MAPS)
def test_wrapped_datasets_resume_exactly_in_a_set_epoch(reads, community_dir, kind, wrapper):
    if (kind, wrapper) == ("samples", "concatenated"):
        pytest.skip(
            "samples of a ConcatDataset come one by one, and ASVs of a batch are found together"
        )
    data = dataset(kind, reads, community_dir)
    data.set_epoch(3)
    for make in (
        ours,
        stateful,
        lambda data: stateful(data, num_workers=2, persistent_workers=True),
    ):
        torch.manual_seed(1)
        unbroken = make(WRAPPED[wrapper](data))
        epoch = iter(unbroken)
        next(epoch), next(epoch)
        state = unbroken.state_dict()
        rest = [drawn(batch) for batch in epoch]
        torch.manual_seed(9)
        resumed = make(WRAPPED[wrapper](data))
        resumed.load_state_dict(state)
        assert [drawn(batch) for batch in resumed] == rest and rest


@pytest.mark.parametrize("kind", MAPS + STREAMS)
def test_accelerate_draws_anew_and_goes_on_after_the_batches_it_skips(reads, community_dir, kind):
    accelerate = pytest.importorskip("accelerate", reason="accelerate is not installed")
    accelerator = accelerate.Accelerator(cpu=True)
    size = 24 if kind == "samples" else RECORDS

    def loader():
        is_stream = kind.startswith("stream")
        torch.manual_seed(3)
        data = dataset(kind, reads, community_dir)
        return accelerator.prepare(TorchLoader(data, batch_size=8, shuffle=not is_stream))

    unbroken = loader()
    first, second = ([drawn(batch) for batch in unbroken] for _ in range(2))
    check_epochs(flat(first), flat(second), size)

    resumed = loader()
    assert [drawn(batch) for batch in islice(resumed, 1)] == first[:1]
    resumed = loader()
    assert [drawn(batch) for batch in accelerator.skip_first_batches(resumed, 2)] == first[2:]


RANKS = """
import json, os, sys
import torch
import torch.distributed as dist
from torch.utils.data import ConcatDataset, DataLoader, DistributedSampler, Subset
import deepbio_torch as db
from deepbio_torch.transforms import Compose, IntegerEncoder, Mutator

def pairs(batch):
    if "sample_ids" not in batch:
        return [(name, row.tolist()) for name, row in zip(batch.ids, batch.sequences)]
    features = batch.asv_features[batch.asv_index]
    kept = [sorted(zip(f[m].tolist(), c[m].tolist()))
            for f, m, c in zip(features, batch.mask, batch.counts)]
    return list(zip(batch.sample_ids, kept))

class Distributed:
    # torch's own loader and sampler, as a loop under torchrun has them
    def __init__(self, data, **options):
        self.sampler = DistributedSampler(data, seed=1)
        self.loader = DataLoader(data, batch_size=8, sampler=self.sampler, **options)
        self.epoch = 0
    def __iter__(self):
        self.sampler.set_epoch(self.epoch)
        self.epoch += 1
        return iter(self.loader)

def main():
    rank, port, path, table = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
    transform = Compose([Mutator(0.5), IntegerEncoder()])
    before = db.StreamingSequenceDataset(path, transform=transform, shuffle_buffer=10)
    native = db.SequenceDataset(path, transform=transform)
    steps = [lambda sample: sample, Mutator(0.5), IntegerEncoder()]
    python = db.SequenceDataset(path, transform=Compose(steps))
    samples = db.SampleDataset(table, rarefy_depth=100, max_bp=60)
    loader = db.DataLoader(native, batch_size=8, shuffle=True, seed=1)
    dist.init_process_group("gloo", rank=rank, world_size=2)
    torch.manual_seed(100 + rank)  # ranks that are not seeded alike
    options = {"batch_size": 8, "num_workers": 2}
    spawn = {"multiprocessing_context": "spawn", "persistent_workers": True}
    loaders = {
        "stream": before,
        "fork": DataLoader(before, multiprocessing_context="fork", **options),
        "spawn": DataLoader(before, **spawn, **options),
        "ours": loader,
        "ours samples": db.DataLoader(samples, batch_size=4, shuffle=True, seed=1),
        "native": Distributed(native, num_workers=1),
        "python": Distributed(python),
        "subset": Distributed(Subset(native, range(len(native)))),
        "concatenated": Distributed(ConcatDataset([native])),
        "samples": Distributed(samples, num_workers=1, persistent_workers=True),
    }
    out = {}
    for name, batches in loaders.items():
        out[name] = [[(s["id"], s["sequence"].tolist()) for s in batches] if name == "stream" else
                     [pair for batch in batches for pair in pairs(batch)] for _ in range(2)]
    # The third epoch, left in its middle by one process and ended by another.
    for name in ("ours", "ours samples"):
        unbroken, epoch = loaders[name], iter(loaders[name])
        next(epoch)
        state = json.loads(json.dumps(unbroken.state_dict()))
        rest = [pairs(batch) for batch in epoch]
        size = unbroken.batch_size
        again = db.DataLoader(unbroken.dataset, batch_size=size, shuffle=True, seed=1)
        again.load_state_dict(state)
        assert rest and [pairs(batch) for batch in again] == rest, name
    dist.destroy_process_group()
    print(json.dumps(out))

if __name__ == "__main__":
    main()
"""


def test_two_processes_share_the_records_draw_anew_and_resume(reads, community_dir, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = tmp_path / "ranks.py"
    script.write_text(RANKS)
    command = [sys.executable, script]
    ranks = [
        subprocess.Popen(
            [*command, str(r), str(port), reads, community_dir / "table.biom"],
            stdout=subprocess.PIPE,
        )
        for r in range(2)
    ]
    printed = [rank.communicate(timeout=300)[0] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0]
    outputs = [json.loads(text.splitlines()[-1]) for text in printed]
    for name in outputs[0]:
        first, second = (
            [pair for output in outputs for pair in output[name][epoch]] for epoch in range(2)
        )
        check_epochs(first, second, 24 if "samples" in name else RECORDS)


def test_lightning_takes_the_number_of_samples_for_the_batch_size(community_dir):
    lightning = pytest.importorskip(
        "pytorch_lightning", reason="pytorch-lightning is not installed"
    )
    data = db.SampleDataset(community_dir / "table.biom", rarefy_depth=200, max_bp=60)
    sizes = []

    class Model(lightning.LightningModule):
        def validation_step(self, batch, _):
            sizes.append(len(batch.sample_ids))
            self.log("size", float(sizes[-1]))

    quiet = {
        "logger": False,
        "enable_progress_bar": False,
        "enable_checkpointing": False,
        "accelerator": "cpu",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(enable_model_summary=False, **quiet)
        found = trainer.validate(Model(), TorchLoader(data, batch_size=10), verbose=False)
    assert sizes == [10, 10, 4] and found[0]["size"] == pytest.approx((100 + 100 + 16) / 24)


def test_records_in_order_need_no_state_at_all(reads):
    data = db.SequenceDataset(reads, transform=transform(True))
    data.set_epoch(7)
    whole = [drawn(batch) for batch in TorchLoader(data, batch_size=8)]
    rest = Subset(data, range(16, RECORDS))
    assert [drawn(batch) for batch in TorchLoader(rest, batch_size=8)] == whole[2:]
