"""A community whose answer is known: the target must be found again on samples that were held
back."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import deepbio_torch as db

Run = Callable[..., subprocess.CompletedProcess[str]]


SIMULATE = "--samples 200 --features 120 --length-bp 60 --depth 3000 --reads-per-sample 0 --seed 11"


def test_the_regression_target_is_recovered_better_than_by_the_mean(deepbio: Run, tmp_path: Path):
    data, pretrained, run = tmp_path / "data", tmp_path / "pretrained", tmp_path / "run"
    deepbio("simulate", "-o", data, *SIMULATE.split(), check=True)
    table = db.read_table(data / "table.biom")
    table.filter(samples=table.sample_ids[:160]).write(data / "known.biom")
    table.filter(samples=table.sample_ids[160:]).write(data / "held_back.biom")
    known = ["--table", data / "known.biom"]
    shape = ["--max-bp", 60, "--seed", 1]
    deepbio(
        "pretrain",
        *known,
        "--tree",
        data / "tree.nwk",
        "--output-dir",
        pretrained,
        "--epochs",
        3,
        *shape,
        check=True,
    )
    target = ["--metadata", data / "metadata.tsv", "--metadata-column", "age"]

    frozen = ["--pretrained", pretrained, "--freeze-base", "--epochs", 40]
    deepbio("train", *known, *target, *frozen, "--output-dir", run, *shape, check=True)

    unseen = ["--model", run, "--table", data / "held_back.biom"]
    done = deepbio("evaluate", *unseen, "--metadata", data / "metadata.tsv", "--json", check=True)
    scores = json.loads(done.stdout)
    assert scores["num_samples"] == 40
    print(
        f"model R2 {scores['r2']:.3f}, baseline (mean of the training samples) R2 "
        f"{scores['baseline']['r2']:.3f}"
    )
    assert scores["r2"] > 0.5
    assert scores["mae"] < scores["baseline"]["mae"], (
        "the mean of the training samples is the baseline to beat"
    )
