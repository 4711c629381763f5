"""pretrain, train, predict, evaluate, embed, export and info: the real command on small real data."""

import csv
import json
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from command_runs import TINY, Run, lines, rows, study

import deepbio_torch

RUN_FILES = {
    "config.json", "model.safetensors", "last", "last.old", "metrics.jsonl", "train_samples.txt", "val_samples.txt",
    "val_predictions.tsv", "training.log", "train_asvs.txt",
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(deepbio: Run, community_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pretrained for an epoch, then trained for two on the simulated community's age."""
    folder = tmp_path_factory.mktemp("trained")
    tree = community_dir / "tree.nwk"
    deepbio(
        "pretrain", "--table", community_dir / "table.biom", "--tree", tree,
        "--output-dir", folder / "pretrained", "--epochs", 1, *TINY, check=True,
    )  # fmt: skip
    deepbio(
        "train", *study(community_dir), "--tree", tree, "--pretrained", folder / "pretrained",
        "--output-dir", folder / "run", "--epochs", 2, *TINY, check=True,
    )  # fmt: skip
    return folder


def test_a_run_directory_holds_what_is_promised(trained: Path, community_dir: Path):
    run = trained / "run"
    assert {path.name for path in run.iterdir()} == RUN_FILES
    assert {path.name for path in (run / "last").iterdir()} == {
        "model.safetensors", "optimizer.safetensors", "average.safetensors", "state.json",
    }  # fmt: skip
    epochs = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [epoch["epoch"] for epoch in epochs] == [0, 1]
    assert all(epoch["val"]["unifrac_loss"] > 0 for epoch in epochs), "--tree adds the distance loss"
    train, val = lines(run / "train_samples.txt"), lines(run / "val_samples.txt")
    assert len(val) == 5 and not set(train) & set(val)
    assert set(train) | set(val) == {row["sample-id"] for row in rows(community_dir / "metadata.tsv")[1:]}


def test_validation_predictions_are_in_the_units_of_the_target(trained: Path, community_dir: Path):
    truth = {row["sample-id"]: row["age"] for row in rows(community_dir / "metadata.tsv")[1:]}
    found = rows(trained / "run" / "val_predictions.tsv")
    assert list(found[0]) == ["sample_id", "prediction", "actual"]
    for row in found:
        assert float(row["actual"]) == pytest.approx(float(truth[row["sample_id"]]))
    ages = [float(age) for age in truth.values()]
    assert all(min(ages) - 50 < float(row["prediction"]) < max(ages) + 50 for row in found)


def test_predict_gives_the_predictions_that_training_wrote(
    deepbio: Run, trained: Path, community_dir: Path, tmp_path: Path
):
    deepbio(
        "predict", "--model", trained / "run", "--table", community_dir / "table.biom",
        "-o", tmp_path / "p.tsv", check=True,
    )  # fmt: skip
    predicted = {row["sample_id"]: float(row["prediction"]) for row in rows(tmp_path / "p.tsv")}
    assert len(predicted) == 24
    for row in rows(trained / "run" / "val_predictions.tsv"):
        assert predicted[row["sample_id"]] == pytest.approx(float(row["prediction"]), rel=1e-4)


def test_several_passes_add_their_spread(deepbio: Run, trained: Path, community_dir: Path, tmp_path: Path):
    config = json.loads((trained / "run" / "config.json").read_text())
    shutil.copytree(trained / "run", tmp_path / "shallow")
    config["data"]["rarefy_depth"] = 100
    (tmp_path / "shallow" / "config.json").write_text(json.dumps(config))
    done = deepbio(
        "predict", "--model", tmp_path / "shallow", "--table", community_dir / "table.biom",
        "--passes", 3, check=True,
    )  # fmt: skip
    found = list(csv.DictReader(done.stdout.splitlines(), delimiter="\t"))
    columns = ["sample_id", "prediction", "prediction_mean", "quantile_0.05", "quantile_0.95", "prediction_std"]
    assert list(found[0]) == columns
    assert sum(float(row["prediction_std"]) for row in found) > 0


def test_evaluate_agrees_with_metrics_computed_here(deepbio: Run, trained: Path, community_dir: Path):
    run = trained / "run"
    args = ["--model", run, "--table", community_dir / "table.biom"]
    args += ["--metadata", community_dir / "metadata.tsv", "--samples", run / "val_samples.txt"]
    scores = json.loads(deepbio("evaluate", *args, "--json", check=True).stdout)
    found = rows(run / "val_predictions.tsv")
    actual = torch.tensor([float(row["actual"]) for row in found], dtype=torch.float64)
    predicted = torch.tensor([float(row["prediction"]) for row in found], dtype=torch.float64)
    sse, sst = (predicted - actual).square().sum(), (actual - actual.mean()).square().sum()
    assert scores["num_samples"] == len(found)
    assert scores["r2"] == pytest.approx((1 - sse / sst).item(), abs=1e-3)
    assert scores["mae"] == pytest.approx((predicted - actual).abs().mean().item(), rel=1e-3)
    ages = {row["sample-id"]: float(row["age"]) for row in rows(community_dir / "metadata.tsv")[1:]}
    train = [ages[sample] for sample in lines(run / "train_samples.txt")]
    mean = sum(train) / len(train)
    baseline = (actual - mean).abs().mean().item()
    assert scores["baseline"]["mae"] == pytest.approx(baseline, rel=1e-6)
    table = deepbio("evaluate", *args, check=True).stdout.splitlines()
    assert table[0] == "metric\tmodel\tbaseline"


def test_embeddings_agree_between_formats(deepbio: Run, trained: Path, community_dir: Path, tmp_path: Path):
    numpy, safetensors = pytest.importorskip("numpy"), pytest.importorskip("safetensors.torch")
    args = ["embed", "--model", trained / "pretrained", "--table", community_dir / "table.biom", "-o"]
    for name in ("e.tsv", "e.npy", "e.safetensors"):
        deepbio(*args, tmp_path / name, check=True)
    array = numpy.load(tmp_path / "e.npy")
    assert array.shape == (24, 16) and array.dtype == numpy.float32 and array.std() > 0
    table = rows(tmp_path / "e.tsv")
    assert [row["sample_id"] for row in table] == lines(tmp_path / "e.ids.txt")
    text = numpy.array([[float(v) for k, v in row.items() if k != "sample_id"] for row in table])
    assert numpy.array_equal(text.astype(numpy.float32), array)
    tensors = safetensors.load_file(tmp_path / "e.safetensors")
    assert numpy.array_equal(tensors["embeddings"].numpy(), array)


def test_an_exported_model_answers_like_the_run(deepbio: Run, trained: Path, community_dir: Path, tmp_path: Path):
    deepbio("export", "--model", trained / "run", "-o", tmp_path / "m.pt", check=True)
    extra = {"deepbio.json": ""}
    module = torch.jit.load(tmp_path / "m.pt", _extra_files=extra)
    tokens = torch.randint(1, 5, (2, 3, 12))
    tokens[:, :, 0] = 5
    assert module(tokens, torch.ones(2, 3)).shape == (2, 1)
    assert json.loads(extra["deepbio.json"])["target"]["column"] == "age"


def test_info_says_what_a_run_and_a_file_are(deepbio: Run, trained: Path, community_dir: Path):
    facts = json.loads(deepbio("info", trained / "run", "--json", check=True).stdout)
    assert facts["kind"] == "run of train" and facts["preset"] == "default" and facts["target"] == "age"
    assert facts["trained_on"]["num_samples"] == 24 and facts["epochs_done"] == 2
    model = deepbio_torch.models.from_pretrained(trained / "run")
    assert facts["num_parameters"] == sum(parameter.numel() for parameter in model.parameters())
    kinds = {"table.biom": "feature table", "tree.nwk": "tree", "metadata.tsv": "sample metadata"}
    for name, kind in kinds.items():
        found = json.loads(deepbio("info", community_dir / name, "--json", check=True).stdout)
        assert found["kind"] == kind


def test_an_interrupted_run_resumes_to_the_same_bits(deepbio: Run, binary: str, community_dir: Path, tmp_path: Path):
    options = [*study(community_dir), *TINY, "--epochs", 6, "--dropout", 0.1, "--no-freeze-base", "--average-from", 0.4]
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
    whole, cut = rows(tmp_path / "whole" / "val_predictions.tsv"), rows(tmp_path / "cut" / "val_predictions.tsv")
    assert whole == cut


def test_an_existing_run_is_kept_unless_told_otherwise(
    deepbio: Run, trained: Path, community_dir: Path, tmp_path: Path
):
    before = (trained / "run" / "config.json").read_bytes()
    done = deepbio("train", *study(community_dir), "--output-dir", trained / "run", *TINY)
    assert done.returncode == 1 and "--overwrite" in done.stderr and "--resume" in done.stderr
    assert (trained / "run" / "config.json").read_bytes() == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    args = ["train", *study(community_dir), *TINY, "--epochs", 1, "--overwrite", "--output-dir"]
    done = deepbio(*args, tmp_path / "mine")
    assert done.returncode == 1 and "not a run directory" in done.stderr
    shutil.copytree(trained / "run", tmp_path / "old")
    (tmp_path / "old" / "thesis.txt").write_text("precious")
    deepbio(*args, tmp_path / "old", check=True)
    assert len((tmp_path / "old" / "metrics.jsonl").read_text().splitlines()) == 1
    assert (tmp_path / "old" / "thesis.txt").read_text() == "precious"


def test_options_come_from_a_file_and_the_command_line_wins(deepbio: Run, community_dir: Path, tmp_path: Path):
    config = {"table": str(community_dir / "table.biom"), "embedding_dim": 8, "epochs": 1, "dropout": 0}
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
    done = deepbio("train", "--config", tmp_path / "c.json", *study(community_dir), "--output-dir", "x")
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


def test_a_dry_run_estimates_and_writes_nothing(deepbio: Run, trained: Path, community_dir: Path, tmp_path: Path):
    whole = ["--transformer-branch", "--no-freeze-base", "--count-prediction", "--known-min-samples", 0]
    args = ["train", *study(community_dir), *TINY, *whole, "--epochs", 4, "--dry-run", "--output-dir"]
    table = dict(line.split("\t") for line in deepbio(*args, tmp_path / "run", check=True).stdout.splitlines())
    found = json.loads(deepbio(*args, trained / "run", "--json", check=True).stdout)  # an existing run is left alone
    assert not (tmp_path / "run").exists() and set(table) == set(found)
    samples = len(lines(trained / "run" / "train_samples.txt"))
    assert found["steps_per_epoch"] == -(-samples // 8) and found["epochs"] == 4
    assert found["asv_length"] == 61 and 1 < found["asvs_per_sample"] <= found["distinct_asvs"]
    rate = found["gflop_per_second"]
    assert found["seconds_per_step"] == pytest.approx(found["gflop_per_step"] / rate, rel=1e-2)
    assert found["seconds"] == pytest.approx(4 * found["seconds_per_epoch"], rel=1e-2)
    # Multiplications and additions of one layer in each stack on what a step holds, forward and backward.
    u, s, d = found["distinct_asvs"], found["asvs_per_sample"], 16
    asvs = u * 61 * (24 * d * d + 4 * 61 * d)
    at_least = 4 * 8 * s * (24 * d * d + 4 * s * d)
    assert asvs * 3 < found["gflop_per_step"] * 1e9 < 3 * (asvs + 1.5 * at_least)
    args[0:1] = ["pretrain"]
    args = [
        part
        for part in args
        if part not in ("--metadata", community_dir / "metadata.tsv", "--metadata-column", "age", *whole)
    ]
    args[-1:] = ["--tree", community_dir / "tree.nwk", "--output-dir"]
    assert json.loads(deepbio(*args, tmp_path / "run", "--json", check=True).stdout)["seconds"] > 0


def test_json_of_the_commands_that_write_files(deepbio: Run, trained: Path, community_dir: Path, tmp_path: Path):
    args = ["--model", trained / "run", "--table", community_dir / "table.biom", "--json"]
    told = json.loads(deepbio("predict", *args, check=True).stdout)
    deepbio("predict", *args[:-1], "-o", tmp_path / "p.tsv", check=True)
    expected = [(row["sample_id"], float(row["prediction"])) for row in rows(tmp_path / "p.tsv")]
    assert [(row["sample_id"], pytest.approx(row["prediction"], rel=1e-8)) for row in told["predictions"]] == expected
    assert told["num_samples"] == len(expected) and told["target"] == "age" and told["left_out"] == []
    told = json.loads(deepbio("predict", *args, "-o", tmp_path / "q.tsv", check=True).stdout)
    assert told["output"] == str(tmp_path / "q.tsv") and "predictions" not in told
    assert (tmp_path / "q.tsv").read_bytes() == (tmp_path / "p.tsv").read_bytes()
    told = json.loads(deepbio("embed", *args, "-o", tmp_path / "e.npy", check=True).stdout)
    assert told["num_samples"] == len(expected) and told["embedding_dim"] == 16
    args = ["export", "--model", trained / "run", "-o", tmp_path / "m.ts", "--json"]
    assert json.loads(deepbio(*args, check=True).stdout) == {"output": str(tmp_path / "m.ts"), "format": "torchscript"}


def test_a_shorter_resume_is_refused_before_the_table_is_read(
    deepbio: Run, trained: Path, community_dir: Path, tmp_path: Path
):
    shutil.copytree(trained / "run", tmp_path / "run")
    path = tmp_path / "run" / "config.json"
    stored = json.loads(path.read_text())
    stored["training"]["options"]["table"] = str(tmp_path / "gone.biom")
    path.write_text(json.dumps(stored))
    done = deepbio("train", "--resume", "--output-dir", tmp_path / "run", "--epochs", 1, "--threads", 1)
    assert done.returncode == 1 and "epochs was 2, now it is 1" in done.stderr


def test_a_frozen_base_keeps_the_pretrained_weights(deepbio: Run, trained: Path, community_dir: Path, tmp_path: Path):
    safetensors = pytest.importorskip("safetensors.torch")
    args = ["train", *study(community_dir), "--freeze-base", "--epochs", 1, "--batch-size", 8]
    deepbio(*args, "--pretrained", trained / "pretrained", "--output-dir", tmp_path / "run", check=True)
    base = safetensors.load_file(trained / "pretrained" / "model.safetensors")
    model = safetensors.load_file(tmp_path / "run" / "model.safetensors")
    shared = [name for name in base if f"base_model.{name}" in model]
    assert len(shared) > 20
    assert all(torch.equal(base[name], model[f"base_model.{name}"]) for name in shared)
    done = deepbio(*args, "--transformer-branch", "--output-dir", tmp_path / "other")
    assert done.returncode == 1 and "--pretrained" in done.stderr
    done = deepbio(*args, "--pretrained", trained / "pretrained", "--embedding-dim", 32, "--output-dir", tmp_path / "w")
    assert done.returncode == 1 and "--embedding-dim" in done.stderr


def test_a_run_is_extended_whatever_the_presets_say_by_then(deepbio: Run, community_dir: Path, tmp_path: Path):
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
    """150 samples that share 12 ASVs, the target a log ratio of two: their pooled embeddings hardly differ."""
    generator = torch.Generator().manual_seed(5)
    reads = torch.distributions.Dirichlet(torch.full((12,), 2.0))
    torch.manual_seed(5)
    counts = torch.round(reads.sample((150,)) * 5000) + 1
    letters = torch.randint(0, 4, (12, 60), generator=generator)
    names = ["".join("ACGT"[i] for i in row) for row in letters.tolist()]
    samples = [f"s{i}" for i in range(150)]
    table = ["#OTU ID\t" + "\t".join(samples)]
    table += [f"{name}\t" + "\t".join(str(int(n)) for n in counts[:, k]) for k, name in enumerate(names)]
    target = (counts[:, 0] / counts[:, 1]).log()
    (tmp_path / "t.tsv").write_text("\n".join(table) + "\n")
    about = [f"{name}\t{value:.6f}" for name, value in zip(samples, target.tolist(), strict=True)]
    (tmp_path / "m.tsv").write_text("sample-id\tratio\n" + "\n".join(about) + "\n")
    args = ["train", "--table", tmp_path / "t.tsv", "--metadata", tmp_path / "m.tsv", "--metadata-column", "ratio"]
    deepbio(*args, "--threads", 1, "--output-dir", tmp_path / "run", check=True)
    epochs = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    held_back = set(lines(tmp_path / "run" / "val_samples.txt"))
    val = torch.tensor([value for name, value in zip(samples, target.tolist(), strict=True) if name in held_back])
    rest = torch.tensor([value for name, value in zip(samples, target.tolist(), strict=True) if name not in held_back])
    mean_error = (val - rest.mean()).abs().mean().item()
    assert len(epochs) * 4 >= 200, "120 samples are 4 batches"
    assert all(epoch["val"]["mae"] < 1.1 * mean_error for epoch in epochs)
    assert all(epoch["val_loss"] < 1.1 * epochs[0]["val_loss"] for epoch in epochs)
    assert epochs[-1]["val"]["r2"] > 0.5
    # AAM's own architecture starts at the mean too.
    deepbio(*args, "--preset", "aam", "--epochs", 1, "--attention-layers", 1, "--embedding-dim", 16, "--nuc-penalty", 0,
            "--batch-size", 150, "--lr", 1e-9, "--output-dir", tmp_path / "aam", check=True)  # fmt: skip
    (epoch,) = [json.loads(line) for line in (tmp_path / "aam" / "metrics.jsonl").read_text().splitlines()]
    scaled = (rest - rest.min()) / (rest.max() - rest.min())
    of_the_mean = torch.nn.functional.smooth_l1_loss(scaled, scaled.mean().expand_as(scaled)).item()
    assert epoch["train"]["target_loss"] == pytest.approx(of_the_mean, rel=0.01)
