"""pretrain, train, predict, evaluate, embed, export and info: the real command on small real
data."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import torch
from command_runs import TINY, Run, lines, rows, study

import deepbio_torch

RUN_FILES = {
    "config.json", "model.safetensors", "last", "last.old", "metrics.jsonl", "train_samples.txt",
    "val_samples.txt", "val_predictions.tsv", "training.log", "train_asvs.txt",
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
    assert all(epoch["val"]["unifrac_loss"] > 0 for epoch in epochs), (
        "--tree adds the distance loss"
    )
    train, val = lines(run / "train_samples.txt"), lines(run / "val_samples.txt")
    assert len(val) == 5 and not set(train) & set(val)
    assert set(train) | set(val) == {
        row["sample-id"] for row in rows(community_dir / "metadata.tsv")[1:]
    }


def test_validation_predictions_are_in_the_units_of_the_target(trained: Path, community_dir: Path):
    truth = {row["sample-id"]: row["age"] for row in rows(community_dir / "metadata.tsv")[1:]}
    found = rows(trained / "run" / "val_predictions.tsv")
    assert list(found[0])[:3] == ["sample_id", "prediction", "actual"]
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


def test_several_passes_add_their_spread(
    deepbio: Run, trained: Path, community_dir: Path, tmp_path: Path
):
    config = json.loads((trained / "run" / "config.json").read_text())
    shutil.copytree(trained / "run", tmp_path / "shallow")
    config["data"]["rarefy_depth"] = 100
    (tmp_path / "shallow" / "config.json").write_text(json.dumps(config))
    done = deepbio(
        "predict", "--model", tmp_path / "shallow", "--table", community_dir / "table.biom",
        "--passes", 3, check=True,
    )  # fmt: skip
    found = list(csv.DictReader(done.stdout.splitlines(), delimiter="\t"))
    columns = [
        "sample_id",
        "prediction",
        "prediction_mean",
        "quantile_0.05",
        "quantile_0.95",
        "prediction_std",
    ]
    assert list(found[0]) == columns
    assert sum(float(row["prediction_std"]) for row in found) > 0


def test_evaluate_agrees_with_metrics_computed_here(
    deepbio: Run, trained: Path, community_dir: Path
):
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


def test_embeddings_agree_between_formats(
    deepbio: Run, trained: Path, community_dir: Path, tmp_path: Path
):
    numpy, safetensors = pytest.importorskip("numpy"), pytest.importorskip("safetensors.torch")
    args = [
        "embed",
        "--model",
        trained / "pretrained",
        "--table",
        community_dir / "table.biom",
        "-o",
    ]
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


def test_an_exported_model_answers_like_the_run(
    deepbio: Run, trained: Path, community_dir: Path, tmp_path: Path
):
    deepbio("export", "--model", trained / "run", "-o", tmp_path / "m.pt", check=True)
    extra = {"deepbio.json": ""}
    module = torch.jit.load(tmp_path / "m.pt", _extra_files=extra)
    tokens = torch.randint(1, 5, (2, 3, 12))
    tokens[:, :, 0] = 5
    assert module(tokens, torch.ones(2, 3)).shape == (2, 1)
    assert json.loads(extra["deepbio.json"])["target"]["column"] == "age"


def test_info_says_what_a_run_and_a_file_are(deepbio: Run, trained: Path, community_dir: Path):
    facts = json.loads(deepbio("info", trained / "run", "--json", check=True).stdout)
    assert (
        facts["kind"] == "run of train"
        and facts["preset"] == "default"
        and facts["target"] == "age"
    )
    assert facts["trained_on"]["num_samples"] == 24 and facts["epochs_done"] == 2
    model = deepbio_torch.models.from_pretrained(trained / "run")
    assert facts["num_parameters"] == sum(parameter.numel() for parameter in model.parameters())
    kinds = {"table.biom": "feature table", "tree.nwk": "tree", "metadata.tsv": "sample metadata"}
    for name, kind in kinds.items():
        found = json.loads(deepbio("info", community_dir / name, "--json", check=True).stdout)
        assert found["kind"] == kind


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


def test_a_dry_run_estimates_and_writes_nothing(
    deepbio: Run, trained: Path, community_dir: Path, tmp_path: Path
):
    whole = [
        "--transformer-branch",
        "--no-freeze-base",
        "--count-prediction",
        "--known-min-samples",
        0,
    ]
    args = [
        "train",
        *study(community_dir),
        *TINY,
        *whole,
        "--epochs",
        4,
        "--dry-run",
        "--output-dir",
    ]
    table = dict(
        line.split("\t")
        for line in deepbio(*args, tmp_path / "run", check=True).stdout.splitlines()
    )
    found = json.loads(
        deepbio(*args, trained / "run", "--json", check=True).stdout
    )  # an existing run is left alone
    assert not (tmp_path / "run").exists() and set(table) == set(found)
    samples = len(lines(trained / "run" / "train_samples.txt"))
    assert found["steps_per_epoch"] == -(-samples // 8) and found["epochs"] == 4
    assert found["asv_length"] == 61 and 1 < found["asvs_per_sample"] <= found["distinct_asvs"]
    rate = found["gflop_per_second"]
    assert found["seconds_per_step"] == pytest.approx(found["gflop_per_step"] / rate, rel=1e-2)
    assert found["seconds"] == pytest.approx(4 * found["seconds_per_epoch"], rel=1e-2)
    # Multiplications and additions of one layer in each stack on what a step holds, forward and
    # backward.
    u, s, d = found["distinct_asvs"], found["asvs_per_sample"], 16
    asvs = u * 61 * (24 * d * d + 4 * 61 * d)
    at_least = 4 * 8 * s * (24 * d * d + 4 * s * d)
    assert asvs * 3 < found["gflop_per_step"] * 1e9 < 3 * (asvs + 1.5 * at_least)
    args[0:1] = ["pretrain"]
    args = [
        part
        for part in args
        if part
        not in ("--metadata", community_dir / "metadata.tsv", "--metadata-column", "age", *whole)
    ]
    args[-1:] = ["--tree", community_dir / "tree.nwk", "--output-dir"]
    assert json.loads(deepbio(*args, tmp_path / "run", "--json", check=True).stdout)["seconds"] > 0


def test_json_of_the_commands_that_write_files(
    deepbio: Run, trained: Path, community_dir: Path, tmp_path: Path
):
    args = ["--model", trained / "run", "--table", community_dir / "table.biom", "--json"]
    told = json.loads(deepbio("predict", *args, check=True).stdout)
    deepbio("predict", *args[:-1], "-o", tmp_path / "p.tsv", check=True)
    expected = [(row["sample_id"], float(row["prediction"])) for row in rows(tmp_path / "p.tsv")]
    assert [
        (row["sample_id"], pytest.approx(row["prediction"], rel=1e-8))
        for row in told["predictions"]
    ] == expected
    assert (
        told["num_samples"] == len(expected) and told["target"] == "age" and told["left_out"] == []
    )
    told = json.loads(deepbio("predict", *args, "-o", tmp_path / "q.tsv", check=True).stdout)
    assert told["output"] == str(tmp_path / "q.tsv") and "predictions" not in told
    assert (tmp_path / "q.tsv").read_bytes() == (tmp_path / "p.tsv").read_bytes()
    told = json.loads(deepbio("embed", *args, "-o", tmp_path / "e.npy", check=True).stdout)
    assert told["num_samples"] == len(expected) and told["embedding_dim"] == 16
    args = ["export", "--model", trained / "run", "-o", tmp_path / "m.ts", "--json"]
    assert json.loads(deepbio(*args, check=True).stdout) == {
        "output": str(tmp_path / "m.ts"),
        "format": "torchscript",
    }


def test_a_shorter_resume_is_refused_before_the_table_is_read(
    deepbio: Run, trained: Path, community_dir: Path, tmp_path: Path
):
    shutil.copytree(trained / "run", tmp_path / "run")
    path = tmp_path / "run" / "config.json"
    stored = json.loads(path.read_text())
    stored["training"]["options"]["table"] = str(tmp_path / "gone.biom")
    path.write_text(json.dumps(stored))
    done = deepbio(
        "train", "--resume", "--output-dir", tmp_path / "run", "--epochs", 1, "--threads", 1
    )
    assert done.returncode == 1 and "epochs was 2, now it is 1" in done.stderr


def test_a_frozen_base_keeps_the_pretrained_weights(
    deepbio: Run, trained: Path, community_dir: Path, tmp_path: Path
):
    safetensors = pytest.importorskip("safetensors.torch")
    args = ["train", *study(community_dir), "--freeze-base", "--epochs", 1, "--batch-size", 8]
    deepbio(
        *args, "--pretrained", trained / "pretrained", "--output-dir", tmp_path / "run", check=True
    )
    base = safetensors.load_file(trained / "pretrained" / "model.safetensors")
    model = safetensors.load_file(tmp_path / "run" / "model.safetensors")
    shared = [name for name in base if f"base_model.{name}" in model]
    assert len(shared) > 20
    assert all(torch.equal(base[name], model[f"base_model.{name}"]) for name in shared)
    done = deepbio(*args, "--transformer-branch", "--output-dir", tmp_path / "other")
    assert done.returncode == 1 and "--pretrained" in done.stderr
    done = deepbio(
        *args,
        "--pretrained",
        trained / "pretrained",
        "--embedding-dim",
        32,
        "--output-dir",
        tmp_path / "w",
    )
    assert done.returncode == 1 and "--embedding-dim" in done.stderr
