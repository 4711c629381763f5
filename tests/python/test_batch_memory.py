"""Memory of batches: used again, bounded, given back when asked for, good after a fork."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from random_dna import dna

import deepbio_torch as db
from deepbio_torch import _C


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.fixture
def fastq(tmp_path: Path) -> Path:
    rng = random.Random(3)
    path = tmp_path / "reads.fastq"
    lengths = [rng.randrange(100, 301) for _ in range(2000)]
    path.write_text("".join(f"@r{i}\n{dna(rng, n)}\n+\n{'I' * n}\n" for i, n in enumerate(lengths)))
    return path


def test_a_hundred_thousand_batches_take_no_more_memory_than_some():
    rng = random.Random(1)
    encoder = db.transforms.OneHotEncoder()
    sizes = [[dna(rng, n).encode()] * 16 for n in (140, 300, 470)]
    for turn in range(3000):
        encoder.encode_batch(sizes[turn % 3])
    before, counts = resident_bytes(), _C.block_counts()
    for turn in range(100_000):
        encoder.encode_batch(sizes[turn % 3])
    after = _C.block_counts()
    assert resident_bytes() - before < 4 << 20
    assert after["num_fresh"] - counts["num_fresh"] < 10
    assert after["num_reused"] - counts["num_reused"] > 99_000


def test_what_waits_is_given_back_when_it_is_asked_for():
    held = [db.transforms.OneHotEncoder().encode_batch([b"ACGT" * 250] * 2000) for _ in range(2)]
    held.pop()
    assert _C.block_counts()["waiting_bytes"] >= 2000 * 1000 * 16
    before = resident_bytes()
    assert db.data.release_memory() >= 2000 * 1000 * 16
    assert before - resident_bytes() > 20 << 20
    assert _C.block_counts()["waiting_bytes"] == 0
    assert held[0].sum() == 2000 * 1000  # what is held is not touched


def test_batches_that_are_kept_stay_what_they_were(fastq: Path):
    data = db.StreamingSequenceDataset(fastq, transform=db.transforms.OneHotEncoder())
    kept = list(db.DataLoader(data, batch_size=64, num_workers=2))
    again = list(db.DataLoader(data, batch_size=64, num_workers=0))
    assert len(kept) == 32
    for one, other in zip(kept, again, strict=True):
        assert torch.equal(one.sequences, other.sequences)
        assert torch.equal(one.quality, other.quality)
        assert one.ids == other.ids


SCRIPT = """
import sys, threading
import torch
import deepbio_torch as db

def main():
    path, method = sys.argv[1:]
    encoder = db.transforms.OneHotEncoder()
    data = db.StreamingSequenceDataset(path, transform=encoder)
    plain = [batch.sequences for batch in db.DataLoader(data, batch_size=64)]
    over = threading.Event()
    def busy():  # takes and gives blocks while the workers start
        while not over.is_set():
            encoder.encode_batch([b"ACGT" * 50] * 64)
    thread = threading.Thread(target=busy)
    thread.start()
    try:
        loader = torch.utils.data.DataLoader(data, batch_size=64, num_workers=1,
                                             multiprocessing_context=method, timeout=50)
        for epoch in range(3 if method == "fork" else 1):
            given = [batch["sequences"] for batch in loader]
            assert len(given) == len(plain)
            assert all(map(torch.equal, given, plain)), epoch
    finally:
        over.set()
        thread.join()
    print("same")

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_started_while_blocks_go_round_give_the_same_batches(
    fastq: Path, tmp_path: Path, method: str
):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, script, fastq, method],
        capture_output=True,
        text=True,
        timeout=100,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "same\n"


def test_a_batch_freed_at_exit_or_by_another_thread_is_no_fault(tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text(
        "import atexit, threading\n"
        "import deepbio_torch as db\n"
        "reads = [b'ACGT' * 50] * 64\n"
        "made = [db.transforms.OneHotEncoder().encode_batch(reads) for _ in range(9)]\n"
        "thread = threading.Thread(target=made.pop)\n"
        "thread.start(), thread.join()\n"
        "atexit.register(made.pop)\n"
        "import builtins\n"
        "builtins.kept = made\n"
        "print(float(made[0].sum()))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "12800.0\n", "")
