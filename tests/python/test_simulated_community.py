"""A community whose answer is known: the target must be found again on samples that were held back."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_the_regression_target_is_recovered_better_than_by_the_mean(deepbio: Run, tmp_path: Path):
    data, pretrained, run = tmp_path / "data", tmp_path / "pretrained", tmp_path / "run"
    deepbio(
        "simulate",
        "-o",
        data,
        *"--samples 160 --features 120 --length-bp 60 --depth 3000 --seed 11".split(),
        check=True,
    )
    table = ["--table", data / "table.biom"]
    deepbio(
        "pretrain",
        *table,
        "--tree",
        data / "tree.nwk",
        "--output-dir",
        pretrained,
        "--epochs",
        4,
        "--seed",
        1,
        check=True,
    )

    deepbio(
        "train", *table, "--metadata", data / "metadata.tsv", "--metadata-column", "age", "--pretrained", pretrained,
        "--output-dir", run, "--epochs", 25, "--seed", 1, check=True,
    )  # fmt: skip

    done = deepbio(
        "evaluate", "--model", run, *table, "--metadata", data / "metadata.tsv", "--samples", run / "val_samples.txt",
        "--json", check=True,
    )  # fmt: skip
    scores = json.loads(done.stdout)
    assert scores["num_samples"] == 32
    print(f"model R2 {scores['r2']:.3f}, baseline (mean of the training samples) R2 {scores['baseline']['r2']:.3f}")
    assert scores["r2"] > 0.5
    assert scores["mae"] < scores["baseline"]["mae"], "the mean of the training samples is the baseline to beat"
