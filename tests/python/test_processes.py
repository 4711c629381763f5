"""Several processes that train one model: torchrun with the command, torch with Trainer."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import deepbio_torch as db
from deepbio_torch.errors import WrongTypeError

OPTIONS = ["--batch-size", "5", "--threads", "1", "--seed", "3", "--lr", "0.003", "--dropout", "0"]
SHORT = ["--epochs", "3"]


def torchrun(processes: int, *words: object) -> list[str]:
    """A command line; the module is the installed package."""
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    return [*start, str(processes), *map(str, words)]


def run(processes: int, *words: object) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        torchrun(processes, *words), capture_output=True, text=True, timeout=300, env=environment
    )


def losses(folder: Path) -> list[tuple[float, float]]:
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [(line["train_loss"], line["val_loss"]) for line in map(json.loads, lines)]


@pytest.fixture(scope="module")
def pretraining(community_dir: Path) -> list[object]:
    """`deepbio pretrain` with what it reads; the folder of the run comes after."""
    table, tree = community_dir / "table.biom", community_dir / "tree.nwk"
    return ["pretrain", "--table", table, "--tree", tree, *OPTIONS, "--output-dir"]


@pytest.fixture(scope="module")
def alone(pretraining: list[object], deepbio, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of one process."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    deepbio(*pretraining, folder, *SHORT, check=True)
    return folder


def test_two_processes_train_what_one_trains(
    pretraining: list[object], alone: Path, deepbio, community_dir: Path, tmp_path: Path
):
    done = run(2, "-m", "deepbio_torch", *pretraining, tmp_path / "run", *SHORT)
    assert done.returncode == 0, done.stderr
    assert losses(tmp_path / "run") == [pytest.approx(pair, rel=1e-5) for pair in losses(alone)]
    # One process tells and writes.
    assert len(re.findall(r"^epoch 1", done.stderr, re.MULTILINE)) == 1, done.stderr
    assert done.stdout.count("best_epoch") == 1
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        path.name for path in alone.iterdir()
    }
    embeddings = tmp_path / "embeddings.tsv"
    deepbio(
        "embed", "--model", tmp_path / "run", "--table", community_dir / "table.biom",
        "-o", embeddings, check=True,
    )  # fmt: skip
    assert len(embeddings.read_text().splitlines()) == 25


def test_processes_share_a_table_that_they_predict(deepbio, community_dir: Path, tmp_path: Path):
    table, metadata = community_dir / "table.biom", community_dir / "metadata.tsv"
    deepbio(
        "train", "--table", table, "--metadata", metadata, "--metadata-column", "group",
        "--classifier", *OPTIONS, *SHORT, "--output-dir", tmp_path / "run", check=True,
    )  # fmt: skip
    for command in ("predict", "embed"):
        words = [command, "--model", tmp_path / "run", "--table", table, "-o"]
        deepbio(*words, tmp_path / "alone.tsv", check=True)
        done = run(3, "-m", "deepbio_torch", *words, tmp_path / "shared.tsv")
        assert done.returncode == 0, done.stderr
        alone, shared = (
            [line.split("\t") for line in (tmp_path / name).read_text().splitlines()]
            for name in ("alone.tsv", "shared.tsv")
        )
        assert len(alone) == len(shared) == 25 and alone[0] == shared[0]
        for a, b in zip(alone[1:], shared[1:], strict=True):
            assert a[0] == b[0]
            if command == "predict":
                assert a[1] == b[1]
            skipped = 2 if command == "predict" else 1
            assert list(map(float, a[skipped:])) == pytest.approx(
                list(map(float, b[skipped:])), abs=1e-5
            )
        (tmp_path / "alone.tsv").unlink()
        (tmp_path / "shared.tsv").unlink()


def test_a_killed_process_ends_the_others_and_any_number_goes_on(
    pretraining: list[object], deepbio, tmp_path: Path
):
    folder = tmp_path / "run"
    longer = ["--save-steps", "1", "--epochs", "30", "--patience", "0"]
    start = time.monotonic()
    training = subprocess.Popen(
        torchrun(2, "-m", "deepbio_torch", *pretraining, folder, *longer),
        stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    while not (folder / "last").exists() and time.monotonic() - start < 120:
        time.sleep(0.05)
    workers = [
        int(path.name)
        for path in Path("/proc").iterdir()
        if path.name.isdigit() and _is_worker(path, folder)
    ]
    assert len(workers) == 2
    os.kill(max(workers), signal.SIGKILL)
    killed = time.monotonic()
    _, told = training.communicate(timeout=60)
    assert training.returncode != 0 and time.monotonic() - killed < 60
    assert re.search(
        r"^deepbio: error: process \d of 2: another process of the training ended or cannot be "
        r"reached \(.*\)$",
        told,
        re.MULTILINE,
    ), told
    done = run(3, "-m", "deepbio_torch", *pretraining, folder, *longer, "--resume")
    assert done.returncode == 0, done.stderr
    deepbio(*pretraining, tmp_path / "unbroken", *longer, check=True)
    assert losses(folder) == [
        pytest.approx(pair, rel=1e-4) for pair in losses(tmp_path / "unbroken")
    ]


def _is_worker(process: Path, folder: Path) -> bool:
    """Whether it is one of torchrun's processes that trains in this folder."""
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return str(folder).encode() in words and b"torch.distributed.run" not in words


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stats", "reads.fq"], "`stats` is the work of one process"),
        (["pretrain", "--table", "no.biom", "--tree", "no.nwk", "--output-dir", "run"], "no.biom"),
    ],
)
def test_what_is_refused_is_one_line_and_writes_nothing(
    tmp_path: Path, words: list[str], said: str
):
    done = subprocess.run(
        torchrun(2, "-m", "deepbio_torch", *words),
        capture_output=True, text=True, timeout=120, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if line.startswith("deepbio: error:")]
    assert lines and all(said in line for line in lines), done.stderr
    assert list(tmp_path.iterdir()) == []


SCRIPT = """
import json, sys
import torch
import deepbio_torch as db

torch.distributed.init_process_group("gloo")
folder, run = sys.argv[1:]
files = {"metadata": f"{folder}/metadata.tsv", "target": "age"}
data = db.SampleDataset(f"{folder}/table.biom", max_bp=60, **files)
torch.manual_seed(1 + torch.distributed.get_rank())  # all take the weights of the first
small = {"embedding_dim": 16, "attention_heads": 2, "attention_layers": 1, "max_bp": 60}
model = db.models.SequencePredictor(dropout=0, **small)
trainer = db.Trainer(model, epochs=2, batch_size=6, seed=5, nuc_penalty=0)
history = trainer.fit(data, run_directory=run)
if torch.distributed.get_rank() == 0:
    print(json.dumps([[epoch["train_loss"], epoch["val_loss"]] for epoch in history.epochs]))
torch.distributed.destroy_process_group()
"""


def test_what_is_no_process_group_is_refused_by_name(community_dir: Path):
    data = db.SampleDataset(
        community_dir / "table.biom",
        metadata=community_dir / "metadata.tsv",
        target="age",
        max_bp=60,
    )
    model = db.models.SequencePredictor(embedding_dim=16, attention_heads=2, max_bp=60)
    for wrong in ("gloo", 5):
        with pytest.raises(WrongTypeError, match="process_group: expected a group of torch"):
            db.Trainer(model, epochs=1).fit(data, process_group=wrong)


def test_trainers_of_two_processes_train_one_model(community_dir: Path, deepbio, tmp_path: Path):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    curves = []
    for processes in (1, 2):
        done = run(processes, script, community_dir, tmp_path / f"run{processes}")
        assert done.returncode == 0, done.stderr
        curves.append(json.loads(done.stdout.splitlines()[-1]))
    assert curves[1] == [pytest.approx(pair, rel=1e-5) for pair in curves[0]]
    predicted = deepbio(
        "predict", "--model", tmp_path / "run2", "--table", community_dir / "table.biom", check=True
    )
    assert len(predicted.stdout.splitlines()) == 25
