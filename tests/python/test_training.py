"""The C++ trainer on a Python module, runs shared with the command, predictions equal to the last bit."""

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ConfigError

Run = Callable[..., subprocess.CompletedProcess[str]]
TINY = {
    "embedding_dim": 16, "max_bp": 60, "asv_num_layers": 1, "sample_num_layers": 1, "encoder_num_layers": 1,
    "count_num_layers": 1, "target_num_layers": 1, "asv_num_heads": 2, "sample_num_heads": 2, "encoder_num_heads": 2,
    "count_num_heads": 2, "target_num_heads": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(deepbio: Run, community_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "age"
    deepbio(
        "train", "--table", community_dir / "table.biom", "--metadata", community_dir / "metadata.tsv",
        "--metadata-column", "age", "--output-dir", run, "--epochs", 2, "--embedding-dim", 16, "--max-bp", 60, "--seed", 3,
        check=True,
    )  # fmt: skip
    return run


def samples_of(folder: Path) -> db.SampleDataset:
    return db.SampleDataset(
        folder / "table.biom", tree=folder / "tree.nwk", metadata=folder / "metadata.tsv", target="age",
        rarefy_depth=200, max_bp=60,
    )  # fmt: skip


def test_the_trainer_changes_the_modules_own_tensors_and_learns(community_dir: Path):
    torch.manual_seed(0)
    model = db.models.SequencePredictor(count_embedding=True, **TINY)
    before = model.target_head.weight.clone()
    address = model.target_head.weight.data_ptr()
    epochs = []

    history = db.Trainer(model, epochs=8, batch_size=6, lr=3e-3, seed=1, patience=0).fit(
        samples_of(community_dir), on_epoch=lambda report: epochs.append(report["epoch"])
    )

    assert model.target_head.weight.data_ptr() == address and not torch.equal(model.target_head.weight, before)
    assert epochs == list(range(8)) == [epoch["epoch"] for epoch in history.epochs]
    assert history.epochs[-1]["train_loss"] < history.epochs[0]["train_loss"]
    assert "8 epochs" in repr(history) and "<table>" in history._repr_html_()


def test_a_callback_stops_training_and_a_bad_option_is_named(community_dir: Path):
    model = db.models.SequencePredictor(**TINY)
    history = db.Trainer(model, epochs=50, batch_size=12).fit(samples_of(community_dir), on_epoch=lambda report: False)
    assert len(history.epochs) == 1 and history.interrupted
    with pytest.raises(ConfigError, match="epochs"):
        db.Trainer(model, epochz=3)
    with pytest.raises(ArgumentError, match="float32"):
        db.Trainer(db.models.SequencePredictor(**TINY).double()).fit(samples_of(community_dir))


def test_command_and_python_predict_the_same_numbers(deepbio: Run, trained: Path, community_dir: Path, tmp_path: Path):
    out = tmp_path / "p.tsv"
    deepbio("predict", "--model", trained, "--table", community_dir / "table.biom", "-o", out, check=True)
    with open(out) as file:
        rows = {row["sample_id"]: row["prediction"] for row in csv.DictReader(file, delimiter="\t")}

    predictions = db.predict(trained, community_dir / "table.biom")

    assert predictions.sample_ids == list(rows)
    assert [f"{value:.9g}" for value in predictions.values[:, 0].tolist()] == list(rows.values())


def test_a_checkpoint_of_the_command_is_read_in_python_and_the_other_way(
    deepbio: Run, trained: Path, community_dir: Path, tmp_path: Path
):
    model = db.models.from_pretrained(trained)
    native = db._C.load_tensors(str(trained / "model.safetensors"))
    assert all(torch.equal(native[name], value) for name, value in model.state_dict().items())

    # Python changes the weights and writes them; the command predicts with them.
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "config.json").write_text((trained / "config.json").read_text())
    with torch.no_grad():
        model.target_head.bias += 1.5
    db._C.save_tensors(str(copy / "model.safetensors"), dict(model.state_dict()))
    table = community_dir / "table.biom"
    first = deepbio("predict", "--model", trained, "--table", table, "-o", "-", check=True).stdout.splitlines()[1:]
    second = deepbio("predict", "--model", copy, "--table", table, "-o", "-", check=True).stdout.splitlines()[1:]
    target = json.loads((trained / "config.json").read_text())["target"]
    moved = [float(b.split("\t")[1]) - float(a.split("\t")[1]) for a, b in zip(first, second, strict=True)]
    assert moved == pytest.approx([1.5 * target["scale"]] * len(moved), rel=1e-4)


def test_the_python_shell_gives_the_bits_of_the_cpp_shell(trained: Path, community_dir: Path):
    model = db.models.from_pretrained(trained)
    batch = samples_of(community_dir).batch([0, 3, 9])
    with torch.no_grad():
        python = model(batch)["target_prediction"]
    inputs = {key: batch[key] for key in ("asv_tokens", "asv_index", "mask", "counts")}
    cpp = db._C.model_forward(json.dumps(model.config.to_dict()), dict(model.state_dict()), inputs)
    assert torch.equal(python, cpp["target_prediction"])


def test_a_run_that_is_none_is_said_to_be_none(tmp_path: Path, community_dir: Path):
    with pytest.raises((db.errors.MissingFileError, ConfigError), match="run directory"):
        db.predict(tmp_path, community_dir / "table.biom")


def test_the_report_is_one_page_with_its_pictures(trained: Path, community_dir: Path):
    page = db.report.write_report(trained).read_text()
    assert page.count("data:image/png;base64,") == 2 and "embedding_dim" in page and "http" not in page
    with pytest.raises(db.errors.MissingFileError):
        db.report.write_report(community_dir)


def test_an_exported_model_runs_in_torch_alone(trained: Path, tmp_path: Path, community_dir: Path):
    model = db.models.from_pretrained(trained)
    db.export.torchscript(model, tmp_path / "model.ts")
    exported = torch.jit.load(tmp_path / "model.ts")
    batch = samples_of(community_dir).batch([1, 2, 4, 8])
    tokens = batch.asv_tokens[batch.asv_index] * batch.mask.unsqueeze(-1)
    with torch.no_grad():
        assert torch.allclose(exported(tokens, batch.counts), model(batch)["target_prediction"], atol=1e-6)
    assert "deepbio" not in str(exported.inlined_graph)
