"""The C++ trainer on a Python module, runs shared with the command, predictions equal to the
last bit."""

import copy
import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from training_arguments import TINY, samples_with_tree

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ConfigError, WriteError

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def trained(deepbio: Run, community_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "age"
    deepbio(
        "train", "--table", community_dir / "table.biom",
        "--metadata", community_dir / "metadata.tsv", "--metadata-column", "age",
        "--output-dir", run, "--epochs", 2, "--embedding-dim", 16, "--max-bp", 60, "--seed", 3,
        "--preset", "aam", "--attention-layers", 1, check=True,
    )  # fmt: skip
    return run


def test_the_trainer_changes_the_modules_own_tensors_and_learns(community_dir: Path):
    torch.manual_seed(0)
    model = db.models.SequencePredictor(count_embedding=True, **TINY)
    before = model.target_head.weight.clone()
    address = model.target_head.weight.data_ptr()
    epochs = []

    history = db.Trainer(model, epochs=8, batch_size=6, lr=3e-3, seed=1, patience=0).fit(
        samples_with_tree(community_dir), on_epoch=lambda report: epochs.append(report["epoch"])
    )

    assert model.target_head.weight.data_ptr() == address and not torch.equal(
        model.target_head.weight, before
    )
    assert epochs == list(range(8)) == [epoch["epoch"] for epoch in history.epochs]
    assert history.epochs[-1]["train_loss"] < history.epochs[0]["train_loss"]
    assert "8 epochs" in repr(history) and "<table>" in history._repr_html_()


def test_a_callback_stops_training_and_a_bad_option_is_named(community_dir: Path):
    model = db.models.SequencePredictor(**TINY)
    history = db.Trainer(model, epochs=50, batch_size=12).fit(
        samples_with_tree(community_dir), on_epoch=lambda report: False
    )
    assert len(history.epochs) == 1 and history.interrupted
    with pytest.raises(ConfigError, match="epochs"):
        db.Trainer(model, epochz=3)
    with pytest.raises(ArgumentError, match="float32"):
        db.Trainer(db.models.SequencePredictor(**TINY).double()).fit(
            samples_with_tree(community_dir)
        )


def test_a_frozen_part_stays_and_the_step_callback_sees_every_batch(community_dir: Path):
    model = db.models.SequencePredictor(**TINY)
    model.base_model.requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    steps = []

    db.Trainer(model, epochs=1, batch_size=10, lr=1e-2, warmup_steps=1, patience=0).fit(
        *samples_with_tree(community_dir).split(0.25),
        on_step=lambda report: steps.append((report["step"], report["num_steps"])),
    )

    assert steps == [(0, 2), (1, 2)]
    changed = {
        name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])
    }
    assert changed and not any(name.startswith("base_model.") for name in changed)


def test_an_error_of_a_callback_arrives_as_it_is(community_dir: Path):
    def fail(report: dict) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        db.Trainer(db.models.SequencePredictor(**TINY), epochs=1).fit(
            samples_with_tree(community_dir), on_step=fail
        )


def test_what_does_not_fit_is_said_before_training(community_dir: Path):
    train, val = samples_with_tree(community_dir).split(0.25)
    trainer = db.Trainer(db.models.SequencePredictor(**TINY), epochs=1)
    with pytest.raises(ArgumentError, match="codec"):
        trainer.fit(train, samples_with_tree(community_dir))
    wide = db.SampleDataset(community_dir / "table.biom", max_bp=61)
    with pytest.raises(ArgumentError, match="max_bp=61"):
        trainer.fit(wide)
    with pytest.raises(ArgumentError, match="targets"):
        trainer.fit(db.SampleDataset(community_dir / "table.biom", max_bp=60))
    assert val.codec == train.codec


def test_a_run_of_python_is_a_run_of_the_command(deepbio: Run, community_dir: Path, tmp_path: Path):
    torch.manual_seed(4)
    model, run = db.models.SequencePredictor(**TINY), tmp_path / "run"
    options = {"epochs": 4, "batch_size": 8, "lr": 1e-3, "patience": 0}
    whole = db.Trainer(model, options).fit(samples_with_tree(community_dir), run_directory=run)
    predicted = db.predict(run, community_dir / "table.biom")

    rows = deepbio(
        "predict", "--model", run, "--table", community_dir / "table.biom", check=True
    ).stdout.splitlines()[1:]
    assert [f"{value:.9g}" for value in predicted.values[:, 0].tolist()] == [
        row.split("\t")[1] for row in rows
    ]
    loaded = db.models.from_pretrained(run).state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in model.state_dict().items())
    ids, embeddings = db.embed(run, community_dir / "table.biom")
    assert ids == predicted.sample_ids and embeddings.shape == (24, 16)
    with pytest.raises(WriteError, match="not empty"):
        db.Trainer(model, options).fit(samples_with_tree(community_dir), run_directory=run)
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 4 == len(whole.epochs)


def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(community_dir: Path, tmp_path: Path):
    options = {"epochs": 4, "batch_size": 8, "lr": 1e-3, "patience": 0, "num_workers": 1}
    torch.manual_seed(7)
    first = db.models.SequencePredictor(**TINY)
    second = copy.deepcopy(first)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        whole = db.Trainer(first, options).fit(
            samples_with_tree(community_dir), run_directory=tmp_path / "whole"
        )
        stopped = db.Trainer(second, options).fit(
            samples_with_tree(community_dir),
            run_directory=tmp_path / "part",
            on_epoch=lambda report: report["epoch"] < 1,
        )
        rest = db.Trainer(db.models.SequencePredictor(**TINY), options).fit(
            samples_with_tree(community_dir), run_directory=tmp_path / "part", resume=True
        )
    finally:
        torch.set_num_threads(threads)
    assert stopped.interrupted and len(stopped.epochs) == 2
    assert [e["val_loss"] for e in rest.epochs] == [e["val_loss"] for e in whole.epochs]


def test_command_and_python_predict_the_same_numbers(
    deepbio: Run, trained: Path, community_dir: Path, tmp_path: Path
):
    out = tmp_path / "p.tsv"
    deepbio(
        "predict",
        "--model",
        trained,
        "--table",
        community_dir / "table.biom",
        "-o",
        out,
        check=True,
    )
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
    first = deepbio(
        "predict", "--model", trained, "--table", table, "-o", "-", check=True
    ).stdout.splitlines()[1:]
    second = deepbio(
        "predict", "--model", copy, "--table", table, "-o", "-", check=True
    ).stdout.splitlines()[1:]
    target = json.loads((trained / "config.json").read_text())["target"]
    moved = [
        float(b.split("\t")[1]) - float(a.split("\t")[1])
        for a, b in zip(first, second, strict=True)
    ]
    assert moved == pytest.approx([1.5 * target["scale"]] * len(moved), rel=1e-4)


def test_the_python_shell_gives_the_bits_of_the_cpp_shell(trained: Path, community_dir: Path):
    model = db.models.from_pretrained(trained)
    batch = samples_with_tree(community_dir).batch([0, 3, 9])
    with torch.no_grad():
        python = model(batch)["target_prediction"]
    inputs = {key: batch[key] for key in ("asv_tokens", "asv_index", "mask", "counts")}
    cpp = db._C.model_forward(json.dumps(model.config.to_dict()), dict(model.state_dict()), inputs)
    assert torch.equal(python, cpp["target_prediction"])


def test_a_model_of_members_learns_in_python_as_in_the_command(
    deepbio: Run, community_dir: Path, tmp_path: Path
):
    run, table = tmp_path / "run", community_dir / "table.biom"
    deepbio(
        "train", "--table", table, "--metadata", community_dir / "metadata.tsv",
        "--metadata-column", "age", "--output-dir", run, "--epochs", 3, "--max-bp", 60, "--seed", 3,
        "--threads", 1, "--ensemble", 2, "--sequence-branch", "--calibration-folds", 3, check=True,
    )  # fmt: skip
    stored = json.loads((run / "config.json").read_text())
    whole = db.SampleDataset(
        table,
        metadata=community_dir / "metadata.tsv",
        target="age",
        max_bp=60,
        least_thinning=0.3,
        seed=3,
    )
    train, val = whole.split(0.2, seed=3)
    assert train.sample_ids == (run / "train_samples.txt").read_text().split()
    options = stored["training"]["resolved"]
    config = db.training.fit_config(db.models.ModelConfig.from_dict(stored["model"]), train, 2)
    assert config.to_dict() == stored["model"] and config.num_known_asvs > 0
    model = db.models.SequencePredictor(config)
    model.reset_parameters(3)
    db.training.calibrate(model, train, 2)
    mine, folds = tmp_path / "mine", set()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        db.Trainer(model, options).fit(
            train, val, run_directory=mine, on_step=lambda step: folds.add(step["inner_fold"])
        )
    finally:
        torch.set_num_threads(threads)
    assert folds == {0, 1, 2, 3}
    epochs = [
        [json.loads(line) for line in (r / "metrics.jsonl").read_text().splitlines()]
        for r in (run, mine)
    ]
    for theirs, ours in zip(*epochs, strict=True):
        assert ours["val_loss"] == pytest.approx(theirs["val_loss"], rel=1e-4)
    both = [db.predict(r, table) for r in (run, mine)]
    torch.testing.assert_close(both[1].values, both[0].values, rtol=1e-3, atol=1e-2)
    one = both[0]
    assert one.levels == [0.05, 0.95] and one.means.shape == one.values[:, 0].shape
    low, high = one.quantiles.unbind(1)
    assert (low <= one.values[:, 0]).all() and (one.values[:, 0] <= high).all()
    ages = [float(line.split("\t")[1]) for line in deepbio(
        "predict", "--model", run, "--table", table,
        check=True).stdout.splitlines()[1:]]  # fmt: skip
    assert ages == pytest.approx(one.values[:, 0].tolist(), rel=1e-8)
    # The same table under other ids and in another order: ASVs are known by their sequence.
    loaded = db.models.from_pretrained(run)
    batch = whole.batch([0, 5])
    with torch.no_grad():
        answer = loaded(batch)["target_prediction"]
        order = torch.randperm(len(batch["asv_tokens"]))
        moved = {
            "asv_tokens": batch["asv_tokens"][order],
            "asv_index": order.argsort()[batch["asv_index"]], "mask": batch["mask"],
            "counts": batch["counts"],
        }  # fmt: skip
        torch.testing.assert_close(loaded(moved)["target_prediction"], answer)


def test_groups_of_another_length_are_refused(community_dir: Path):
    trainer = db.Trainer(db.models.SequencePredictor(**TINY), epochs=1)
    with pytest.raises(ArgumentError, match="groups: expected one for each of 19"):
        trainer.fit(samples_with_tree(community_dir), groups=["a", "b"])


def test_a_run_that_is_none_is_said_to_be_none(tmp_path: Path, community_dir: Path):
    with pytest.raises((db.errors.MissingFileError, ConfigError), match="run directory"):
        db.predict(tmp_path, community_dir / "table.biom")


def test_calibration_is_that_of_the_command(community_dir: Path):
    dataset = samples_with_tree(community_dir)
    model = db.models.SequencePredictor(**TINY, abundance_pooling=True).eval()
    db.training.calibrate(model, dataset)
    with torch.no_grad():
        tokens = dataset.batch(range(len(dataset)))["asv_tokens"]
        embeddings = model.encode_asvs(tokens)
    assert embeddings.mean(0).abs().max() < 1e-4
    assert (embeddings.std(0, unbiased=False) - 1).abs().max() < 1e-3
    positions = model.base_model.sample_encoder.sample_position_embedding.position_embedding.weight
    assert not positions.count_nonzero()


def test_models_of_cpp_leave_the_default_generator_alone(community_dir: Path, tmp_path: Path):
    model = db.models.SequencePredictor(**TINY)
    config, state = json.dumps(model.config.to_dict()), dict(model.state_dict())
    batch = samples_with_tree(community_dir).batch([0, 3])
    inputs = {key: batch[key] for key in ("asv_tokens", "asv_index", "mask", "counts")}
    before = torch.get_rng_state()
    db._C.model_forward(config, state, inputs)
    db._C.parameter_names(config, True)
    db._C.write_torchscript(str(tmp_path / "model.pt"), config, state)
    assert torch.equal(torch.get_rng_state(), before)
