"""A user's own script passes mypy --strict against the installed package."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
from pathlib import Path

import torch

import deepbio_torch as db
from deepbio_torch.transforms import Compose, LengthFilter, OneHotEncoder


def one_hot(paths: list[Path]) -> torch.Tensor:
    steps = Compose([LengthFilter(3), OneHotEncoder()])
    reads = db.SequenceDataset(paths, transform=steps, target="file")
    total = torch.zeros(())
    for batch in db.DataLoader(reads, batch_size=8, shuffle=True, num_workers=1, seed=1):
        total = total + batch.sequences.sum()
    return total


def first_name(path: Path) -> str:
    for record in db.SequenceReader(path):
        return record.name
    raise ValueError("no record")


def phenotype(table: Path, metadata: Path, run: Path) -> list[str]:
    samples = db.SampleDataset(table, metadata=metadata, target="age", rarefy_depth=100, max_bp=60)
    train, held_back = samples.split(0.2, seed=1)
    model = db.models.SequencePredictor(embedding_dim=16, max_bp=60)
    history = db.Trainer(model, epochs=1).fit(train, held_back, run_directory=run)
    db.export.pt2(model, run / "model.pt2", overwrite=True)
    best: float = history.best_loss
    predictions = db.predict(run, table)
    values: torch.Tensor = predictions.values
    pairs = zip(predictions.sample_ids, values[:, 0].tolist())
    return [f"{name} {value:.1f} {best}" for name, value in pairs]


def distances(table: Path, tree: Path) -> db.DistanceMatrix:
    matrix = db.unifrac(table, tree, metric="weighted_normalized")
    return matrix.subset(matrix.ids[:2])


def ids(texts: list[str]) -> torch.Tensor:
    tokenizer = db.tokenizers.Tokenizer.from_preset("deepbio-dna")
    encoded: torch.Tensor = tokenizer(texts, padding=True, return_tensors="pt").input_ids
    return encoded


def line_of(error: db.errors.ParseError) -> int:
    return -1 if error.line is None else error.line
"""


def checked(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    (folder / "user.py").write_text(script)
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--follow-imports=silent",
        "--config-file=",
        "user.py",
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_a_users_script_is_typed_and_its_mistakes_are_seen(tmp_path: Path):
    pytest.importorskip("mypy", reason="mypy is not installed")
    done = checked(tmp_path, SCRIPT)
    assert done.returncode == 0, done.stdout
    wrong = SCRIPT.replace("return record.name", "return record.sequence").replace(
        "seed=1)", 'seed="one")'
    )
    done = checked(tmp_path, wrong)
    assert done.returncode == 1 and done.stdout.count("error:") == 3, done.stdout
    assert (
        'got "bytes", expected "str"' in done.stdout
        and 'has incompatible type "str"' in done.stdout
    ), done.stdout
