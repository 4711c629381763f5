"""Options of `deepbio train`, presets, and runs that go on or are extended."""

import json
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from command_runs import TINY, Run, lines, rows, study


def test_an_interrupted_run_resumes_to_the_same_bits(
    deepbio: Run, binary: str, community_dir: Path, tmp_path: Path
):
    options = [
        *study(community_dir),
        *TINY,
        "--epochs",
        6,
        "--dropout",
        0.1,
        "--no-freeze-base",
        "--average-from",
        0.4,
    ]
    options += ["--transformer-branch", "--calibration-folds", 2]
    deepbio("train", *options, "--output-dir", tmp_path / "whole", check=True)
    command = [binary, "train", *options, "--output-dir", tmp_path / "cut"]
    process = subprocess.Popen([str(part) for part in command], stderr=subprocess.PIPE, text=True)
    deadline = time.time() + 120
    while not (tmp_path / "cut" / "last" / "state.json").exists() and time.time() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    assert process.communicate()[1] and process.returncode == 130
    finished = len((tmp_path / "cut" / "metrics.jsonl").read_text().splitlines())
    assert 1 <= finished < 6
    deepbio("train", "--resume", "--output-dir", tmp_path / "cut", "--threads", 1, check=True)
    for name in ("model", "last/model", "last/optimizer", "last/average"):
        name += ".safetensors"
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes()
    whole, cut = (
        rows(tmp_path / "whole" / "val_predictions.tsv"),
        rows(tmp_path / "cut" / "val_predictions.tsv"),
    )
    assert whole == cut


def test_options_come_from_a_file_and_the_command_line_wins(
    deepbio: Run, community_dir: Path, tmp_path: Path
):
    config = {
        "table": str(community_dir / "table.biom"),
        "embedding_dim": 8,
        "epochs": 1,
        "dropout": 0,
    }
    config |= {"attention-heads": 1, "attention-layers": 1, "count-embedding": False}
    (tmp_path / "c.json").write_text(json.dumps(config))
    deepbio(
        "train", "--config", tmp_path / "c.json", *study(community_dir)[2:], "--embedding-dim", 16,
        "--output-dir", tmp_path / "run", check=True,
    )  # fmt: skip
    stored = json.loads((tmp_path / "run" / "config.json").read_text())
    assert stored["model"]["embedding_dim"] == 16 and stored["model"]["asv_num_heads"] == 1
    assert stored["model"]["count_embedding"] is False
    (tmp_path / "c.json").write_text('{"epoch": 3}')
    done = deepbio(
        "train", "--config", tmp_path / "c.json", *study(community_dir), "--output-dir", "x"
    )
    assert done.returncode == 2 and "epochs" in done.stderr


def test_the_aam_preset_is_aams_architecture(deepbio: Run, community_dir: Path, tmp_path: Path):
    deepbio(
        "train", *study(community_dir), "--preset", "aam", "--epochs", 1, "--embedding-dim", 16,
        "--max-bp", 60, "--attention-layers", 1, "--output-dir", tmp_path / "run", check=True,
    )  # fmt: skip
    stored = json.loads((tmp_path / "run" / "config.json").read_text())
    assert stored["preset"] == "aam" and stored["data"]["asv_sampling"] == "first"
    assert stored["model"]["count_embedding"] is False and stored["model"]["predict_nucleotides"]
    assert stored["training"]["resolved"]["count_target"] == "minmax"
    assert stored["training"]["setup"]["target_transform"] == "minmax"


def test_every_head_and_loss_trains(deepbio: Run, community_dir: Path, tmp_path: Path):
    variants = {
        "mlp": "--regressor-hidden-dims 8,4 --residual-regression-head --regressor-dropout 0.1 "
        "--learnable-output-scale --no-target-layer-norm --loss-type mse --nuc-penalty 0.5 "
        "--nuc-mask-strategy span --max-grad-norm 0 --gradient-accumulation-steps 2",
        "quantile": "--loss-type quantile --quantiles 0.2,0.5,0.8 --no-count-prediction "
        "--scheduler constant --best-metric mae --target-transform minmax",
        "bounded": "--bounded-targets --target-transform log-minmax --loss-type asymmetric "
        "--over-penalty 2 --count-embedding-method concat --asv-sampling random --token-limit 10",
        "softplus": "--output-activation softplus --target-transform none --rarefy-depth 0 "
        "--no-count-embedding --test-size 0.5 --num-workers 0 --warmup-steps 1 --weight-decay 0",
    }
    for name, options in variants.items():
        run = tmp_path / name
        args = [*study(community_dir), *TINY, *options.split(), "--epochs", 1, "--output-dir", run]
        deepbio("train", *args, check=True)
        (epoch,) = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        assert epoch["val"]["mae"] > 0, name


def test_a_run_is_extended_whatever_the_presets_say_by_then(
    deepbio: Run, community_dir: Path, tmp_path: Path
):
    run = tmp_path / "run"
    deepbio("train", *study(community_dir), "--output-dir", run, "--quiet", check=True)
    epochs = len((run / "metrics.jsonl").read_text().splitlines())
    # As if another version had chosen another rate.
    for path in (run / "config.json", run / "last" / "state.json"):
        text = path.read_text()
        changed = re.sub(r'"lr": ?0\.001,', '"lr": 0.002,', text)
        assert changed != text
        path.write_text(changed)
    resume = ["train", "--resume", "--output-dir", run, "--quiet"]
    deepbio(*resume, "--epochs", epochs + 3, check=True)
    assert len((run / "metrics.jsonl").read_text().splitlines()) == epochs + 3
    done = deepbio(*resume, "--lr", 0.5)
    assert done.returncode == 1 and "lr was 0.002, now it is 0.5" in done.stderr


def test_training_starts_at_the_mean_and_stays_sane(deepbio: Run, tmp_path: Path):
    """150 samples that share 12 ASVs, the target a log ratio of two: their pooled embeddings
    hardly differ."""
    generator = torch.Generator().manual_seed(5)
    reads = torch.distributions.Dirichlet(torch.full((12,), 2.0))
    torch.manual_seed(5)
    counts = torch.round(reads.sample((150,)) * 5000) + 1
    letters = torch.randint(0, 4, (12, 60), generator=generator)
    names = ["".join("ACGT"[i] for i in row) for row in letters.tolist()]
    samples = [f"s{i}" for i in range(150)]
    table = ["#OTU ID\t" + "\t".join(samples)]
    table += [
        f"{name}\t" + "\t".join(str(int(n)) for n in counts[:, k]) for k, name in enumerate(names)
    ]
    target = (counts[:, 0] / counts[:, 1]).log()
    (tmp_path / "t.tsv").write_text("\n".join(table) + "\n")
    about = [f"{name}\t{value:.6f}" for name, value in zip(samples, target.tolist(), strict=True)]
    (tmp_path / "m.tsv").write_text("sample-id\tratio\n" + "\n".join(about) + "\n")
    args = [
        "train",
        "--table",
        tmp_path / "t.tsv",
        "--metadata",
        tmp_path / "m.tsv",
        "--metadata-column",
        "ratio",
    ]
    deepbio(*args, "--threads", 1, "--output-dir", tmp_path / "run", check=True)
    epochs = [
        json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    ]
    held_back = set(lines(tmp_path / "run" / "val_samples.txt"))
    val = torch.tensor(
        [value for name, value in zip(samples, target.tolist(), strict=True) if name in held_back]
    )
    rest = torch.tensor(
        [
            value
            for name, value in zip(samples, target.tolist(), strict=True)
            if name not in held_back
        ]
    )
    mean_error = (val - rest.mean()).abs().mean().item()
    assert len(epochs) * 4 >= 200, "120 samples are 4 batches"
    assert all(epoch["val"]["mae"] < 1.1 * mean_error for epoch in epochs)
    assert all(epoch["val_loss"] < 1.1 * epochs[0]["val_loss"] for epoch in epochs)
    assert epochs[-1]["val"]["r2"] > 0.5
    # AAM's own architecture starts at the mean too.
    deepbio(*args, "--preset", "aam", "--epochs", 1, "--attention-layers", 1, "--embedding-dim", 16,
            "--nuc-penalty", 0, "--batch-size", 150, "--lr", 1e-9, "--output-dir", tmp_path / "aam",
            check=True)  # fmt: skip
    (epoch,) = [
        json.loads(line) for line in (tmp_path / "aam" / "metrics.jsonl").read_text().splitlines()
    ]
    scaled = (rest - rest.min()) / (rest.max() - rest.min())
    of_the_mean = torch.nn.functional.smooth_l1_loss(scaled, scaled.mean().expand_as(scaled)).item()
    assert epoch["train"]["target_loss"] == pytest.approx(of_the_mean, rel=0.01)
