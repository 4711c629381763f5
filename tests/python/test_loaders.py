"""The same batches from both loaders for any workers, threads and start method; resuming.

What goes wrong.
"""

import json
import os
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ConfigError, ParseError
from deepbio_torch.transforms import (
    Compose,
    IntegerEncoder,
    KmerEncoder,
    LengthFilter,
    Mutator,
    OneHotEncoder,
    Sampler,
)

SCRIPT = """
import sys
import torch
import deepbio_torch as db
from deepbio_torch.transforms import *

def keep(sample):
    return sample

def main():
    path, method = sys.argv[1:3]
    steps = [LengthFilter(12), Sampler(10, seed=1), ReverseComplement(0.5, seed=2), Mutator(0.2, 3)]
    last = {"onehot": OneHotEncoder(), "kmers": KmerEncoder(3)}
    last["tokens"] = TokenEncoder(db.tokenizers.Tokenizer.from_preset("caduceus"))
    for name, encoder in last.items():
        native = db.SequenceDataset(path, transform=Compose([*steps, encoder]), target="file")
        python = db.SequenceDataset(path, transform=Compose([*steps, keep, encoder]), target="file")
        assert native.is_native and not python.is_native
        same = dict(batch_size=16, shuffle=True, seed=5)
        ours = [db.DataLoader(native, num_workers=n, **same) for n in (0, 1, 2, 4)]
        ours.append(db.DataLoader(python, batch_size=16, shuffle=True, seed=5, num_workers=2))
        for epoch in (0, 3):
            for loader in ours:
                loader.set_epoch(epoch)
            expected = list(ours[0])
            order = [batch.index.tolist() for batch in expected]
            for loader in ours[1:]:
                assert_same(expected, list(loader), name, epoch, loader)
            for data in (native, python):
                data.set_epoch(epoch)
                # A spawned worker takes seconds to start: these see one epoch, and Python steps
                # with one encoder.
                is_seen = method == "fork" or (epoch == 3 and (data is native or name == "onehot"))
                for workers in (0, 2) if is_seen else (0,):
                    context = {"multiprocessing_context": method, "timeout": 50} if workers else {}
                    loader = torch.utils.data.DataLoader(
                        data, batch_sampler=order, num_workers=workers, **context
                    )
                    assert_same(expected, list(loader), name, epoch, loader)
    print("same", len(expected))

def assert_same(expected, found, *about):
    assert len(expected) == len(found), about
    for one, other in zip(expected, found):
        assert one.keys() == other.keys(), (about, one, other)
        for key, value in one.items():
            same = torch.equal(value, other[key]) if torch.is_tensor(value) else value == other[key]
            assert same, (about, key, value, other[key])

if __name__ == "__main__":
    main()
"""


@pytest.fixture
def fastq(tmp_path):
    rng = np.random.default_rng(11)
    path = tmp_path / "reads.fq"
    sizes = rng.integers(8, 40, 420)
    text = (
        f"@r{i} n\n{''.join(rng.choice(list('ACGT'), n))}\n+\n{'I' * n}\n"
        for i, n in enumerate(sizes)
    )
    path.write_text("".join(text))
    return path


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_threads_and_start_methods_give_the_same_batches(fastq, tmp_path, method):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, script, fastq, method],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("same 2")


CHAIN = Compose([Sampler(8, seed=1), Mutator(0.1, 2), OneHotEncoder()])


def contents(batch):
    return batch.ids, batch.sequences.tolist()


@pytest.mark.parametrize("threads", [0, 3])
@pytest.mark.parametrize("more", [{}, {"length_buckets": [16, 24], "max_tokens": 250}])
def test_resuming_at_any_of_fifty_borders_gives_what_was_left(fastq, threads, more):
    data = db.SequenceDataset(fastq, transform=CHAIN)

    def loader():
        return db.DataLoader(data, batch_size=8, shuffle=True, seed=9, num_workers=threads, **more)

    running = loader()
    running.set_epoch(4)
    states, whole = [json.dumps(running.state_dict())], []
    for batch in running:
        whole.append(contents(batch))
        states.append(json.dumps(running.state_dict()))
    assert len(whole) > 50
    for border in range(51):
        again = loader()
        again.load_state_dict(json.loads(states[border]))
        assert [contents(batch) for batch in again] == whole[border:], border
    again = loader()
    again.load_state_dict(json.loads(states[20]))
    assert again.epoch == 4
    for _ in again:
        pass
    assert (
        contents(next(iter(again))) == contents(next(iter(running)))
        and again.epoch == running.epoch == 5
    )


def test_epochs_differ_and_come_back(fastq):
    data = db.SequenceDataset(fastq, transform=CHAIN)
    loader = db.DataLoader(data, batch_size=32, shuffle=True, seed=3)
    first, second = ([contents(batch) for batch in loader] for _ in range(2))
    assert first != second
    assert sorted(name for names, _ in first for name in names) == sorted(
        f"r{i}" for i in range(420)
    )
    loader.set_epoch(0)
    assert [contents(batch) for batch in loader] == first
    other = db.DataLoader(data, batch_size=32, shuffle=True, seed=4)
    assert [contents(batch) for batch in other] != first
    plain = db.DataLoader(data, batch_size=32)
    assert [name for batch in plain for name in batch.ids] == [f"r{i}" for i in range(420)]
    assert [contents(batch) for batch in db.DataLoader(data, batch_size=32)] != [
        contents(batch) for batch in plain
    ]


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("batch_size", [1, 7, 420, 500])
def test_the_number_of_batches_is_known(fastq, batch_size, drop_last):
    loader = db.DataLoader(
        db.SequenceDataset(fastq, transform=CHAIN),
        batch_size=batch_size,
        drop_last=drop_last,
        num_workers=1,
    )
    expected = 420 // batch_size if drop_last else -(-420 // batch_size)
    assert len(loader) == expected == len(list(loader))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size: expected at least 1, got 0"),
        ({"batch_size": -3}, "got -3"),
        ({"num_workers": -1}, "num_workers: expected 0 or more, got -1"),
        ({"rank": 2, "world_size": 2}, "rank: expected 0 to 1, got 2"),
        ({"max_tokens": 0}, "max_tokens: expected at least 1, got 0"),
        ({"max_tokens": 5}, "max_tokens: expected at least the longest read, got 5"),
        ({"length_buckets": [20, 10]}, "rising"),
        ({"sampler": [1, 2], "shuffle": True}, "shuffle=False"),
        ({"sampler": [1, 2], "length_buckets": [10]}, "no sampler"),
        ({"sampler": [1, 420]}, "got 420"),
        ({"sampler": [-421]}, "got -421"),
    ],
)
@pytest.mark.parametrize("is_native", [True, False])
def test_bad_options_are_value_errors_that_quote_the_value(fastq, options, message, is_native):
    transform = CHAIN if is_native else Compose([lambda sample: sample, CHAIN])
    with pytest.raises((ArgumentError, IndexError), match=message):
        list(db.DataLoader(db.SequenceDataset(fastq, transform=transform), **options))


def test_a_state_of_another_order_names_what_differs(fastq):
    data = db.SequenceDataset(fastq, transform=CHAIN)
    state = db.DataLoader(data, batch_size=8, shuffle=True, seed=1).state_dict()
    for options, name in (
        ({"batch_size": 4}, "batch_size"),
        ({"shuffle": False}, "shuffle"),
        ({"max_tokens": 900}, "length_buckets|max_tokens"),
    ):
        with pytest.raises(ConfigError, match=name):
            db.DataLoader(data, **{"batch_size": 8, "shuffle": True, **options}).load_state_dict(
                state
            )


class Mine(torch.utils.data.Dataset):
    """A dataset of the user's own."""

    def __len__(self):
        return 10

    def __getitem__(self, index):
        if index == 7:
            raise KeyError("seven")
        return {"sequence": torch.full((index + 1,), float(index))}


@pytest.mark.parametrize("threads", [0, 2])
def test_other_datasets_and_collate_functions_go_through_the_loader_and_errors_keep_their_place(
    threads,
):
    sizes = []
    with pytest.raises(KeyError, match="seven"):
        for batch in db.DataLoader(Mine(), batch_size=2, num_workers=threads):
            sizes.append(list(batch.sequences.shape))
    assert sizes == [[2, 2], [2, 4], [2, 6]]
    loader = db.DataLoader(
        Mine(), batch_size=3, num_workers=threads, collate_fn=len, sampler=[1, 2, 3, 4]
    )
    assert list(loader) == [3, 1]


@pytest.mark.parametrize("threads", [0, 2])
def test_an_error_in_a_batch_comes_in_its_place(tmp_path, threads):
    path = tmp_path / "reads.fa"
    path.write_text("".join(f">r{i}\n{'ACXG' if i == 9 else 'ACGT'}\n" for i in range(16)))
    loader = db.DataLoader(
        db.SequenceDataset(path, transform=IntegerEncoder()), batch_size=4, num_workers=threads
    )
    batches = iter(loader)
    assert [len(next(batches).ids) for _ in range(2)] == [4, 4]
    with pytest.raises(ArgumentError, match="read 9, position 3: expected one of ACGT .*'X'"):
        next(batches)
    short = db.SequenceDataset(path, transform=Compose([Sampler(9), IntegerEncoder()]))
    with pytest.raises(ArgumentError, match="at least 9 letters, record 0 has 4"):
        next(iter(db.DataLoader(short, num_workers=threads)))
    with pytest.raises(ArgumentError, match="read 0 has 4 letters, pad_to is 3"):
        next(
            iter(
                db.DataLoader(
                    db.SequenceDataset(path, transform=OneHotEncoder(pad_to=3)), num_workers=threads
                )
            )
        )


def test_a_loader_left_in_the_middle_ends_its_threads(fastq):
    data = db.SequenceDataset(fastq, transform=CHAIN)

    def num_threads():
        return len(os.listdir("/proc/self/task"))

    list(db.DataLoader(data, batch_size=4, num_workers=4))
    before = num_threads()
    for _ in range(5):
        batches = iter(db.DataLoader(data, batch_size=4, num_workers=4))
        next(batches)
        batches.close()
        del batches
    assert num_threads() == before


KILLED = """
import os, signal, sys
import torch
import deepbio_torch as db

# A batch still in the queue would be torn down with its worker.
all_fetched = torch.multiprocessing.Event()

def fall(sample):
    if sample["id"] == "r200" and os.environ.get("DEADLY"):
        all_fetched.wait(50)
        os.kill(os.getpid(), signal.SIGKILL)
    return sample

if __name__ == "__main__":
    encode = db.transforms.Compose([fall, db.transforms.OneHotEncoder()])
    data = db.SequenceDataset(sys.argv[1], transform=encode)
    os.environ["DEADLY"] = "1"
    loader = torch.utils.data.DataLoader(data, batch_size=50, num_workers=2, timeout=50)
    try:
        for number, batch in enumerate(loader):
            print(len(batch.ids), flush=True)
            if number == 3:
                all_fetched.set()
    except RuntimeError as error:
        print("error", "exited unexpectedly" in str(error) or "killed" in str(error))
    del os.environ["DEADLY"]
    loader = torch.utils.data.DataLoader(data, batch_size=50, num_workers=2)
    print(sum(len(batch.ids) for batch in loader))
"""


def test_a_worker_that_is_killed_is_an_error_and_the_next_epoch_works(fastq, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(KILLED)
    done = subprocess.run(
        [sys.executable, script, fastq], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split("\n")
    assert "error True" in lines and lines[-2] == "420" and lines[0] == "50"


def test_a_process_that_is_killed_while_threads_work_goes_at_once(fastq):
    script = (
        "import sys, deepbio_torch as db\n"
        "data = db.SequenceDataset(sys.argv[1], transform=db.transforms.KmerEncoder(8))\n"
        "while True:\n"
        "    for batch in db.DataLoader(data, batch_size=50, num_workers=2): "
        "print('.', flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, fastq], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b".\n"
        process.send_signal(signal.SIGINT)
        process.stdout.close()
        assert process.wait(timeout=20) != 0


def test_a_file_that_changes_after_it_was_opened_is_an_error_in_workers(fastq):
    data = db.SequenceDataset(fastq, transform=KmerEncoder(3))
    loader = torch.utils.data.DataLoader(
        data, batch_size=210, num_workers=1, multiprocessing_context="spawn"
    )
    assert [len(batch.ids) for batch in loader] == [210, 210]
    text = fastq.read_text()
    fastq.write_text(text[: len(text) // 2].rpartition("@")[0])
    with pytest.raises(
        ParseError, match=r"reads\.fq: expected the file as it was .* got one that was written to"
    ):
        list(loader)
    assert [len(batch.ids) for batch in db.DataLoader(data, batch_size=210)] == [
        210,
        210,
    ]  # in memory
    fresh = db.SequenceDataset(fastq, transform=Compose([LengthFilter(1), KmerEncoder(3)]))
    assert 150 < len(fresh) < 420


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("is_native", [False, True])
def test_pinning_is_left_out_with_a_warning_where_there_is_no_accelerator(
    fastq, is_stream, is_native
):
    kind = db.StreamingSequenceDataset if is_stream else db.SequenceDataset
    data = kind(
        fastq, transform=CHAIN if is_native else Compose([lambda sample: sample, OneHotEncoder()])
    )
    loaders = [
        db.DataLoader(data, batch_size=64, pin_memory=True),
        torch.utils.data.DataLoader(data, pin_memory=True),
    ]
    if torch.accelerator.is_available():
        assert all(
            batch.sequences.is_pinned() and batch.lengths.is_pinned() for batch in loaders[0]
        )
        return
    for loader in loaders:
        with pytest.warns(
            UserWarning, match="pin_memory.* is set as true but no accelerator is found"
        ):
            batches = list(loader)
        assert len(batches) > 5 and not batches[0].sequences.is_pinned()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list(db.DataLoader(data, batch_size=64))) > 5
