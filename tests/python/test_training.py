"""The C++ trainer on a Python module, runs shared with the command, predictions equal to the last bit."""

import copy
import csv
import json
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ConfigError, WriteError

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
        "--metadata-column", "age", "--output-dir", run, "--epochs", 2, "--embedding-dim", 16, "--max-bp", 60,
        "--seed", 3, "--preset", "aam", "--attention-layers", 1, check=True,
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


def test_a_frozen_part_stays_and_the_step_callback_sees_every_batch(community_dir: Path):
    model = db.models.SequencePredictor(**TINY)
    model.base_model.requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    steps = []

    db.Trainer(model, epochs=1, batch_size=10, lr=1e-2, warmup_steps=1, patience=0).fit(
        *samples_of(community_dir).split(0.25),
        on_step=lambda report: steps.append((report["step"], report["num_steps"])),
    )

    assert steps == [(0, 2), (1, 2)]
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed and not any(name.startswith("base_model.") for name in changed)


def test_an_error_of_a_callback_arrives_as_it_is(community_dir: Path):
    def fail(report: dict) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        db.Trainer(db.models.SequencePredictor(**TINY), epochs=1).fit(samples_of(community_dir), on_step=fail)


def test_what_does_not_fit_is_said_before_training(community_dir: Path):
    train, val = samples_of(community_dir).split(0.25)
    trainer = db.Trainer(db.models.SequencePredictor(**TINY), epochs=1)
    with pytest.raises(ArgumentError, match="codec"):
        trainer.fit(train, samples_of(community_dir))
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
    whole = db.Trainer(model, options).fit(samples_of(community_dir), run_directory=run)
    predicted = db.predict(run, community_dir / "table.biom")

    rows = deepbio("predict", "--model", run, "--table", community_dir / "table.biom", check=True).stdout.splitlines()[
        1:
    ]
    assert [f"{value:.9g}" for value in predicted.values[:, 0].tolist()] == [row.split("\t")[1] for row in rows]
    loaded = db.models.from_pretrained(run).state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in model.state_dict().items())
    ids, embeddings = db.embed(run, community_dir / "table.biom")
    assert ids == predicted.sample_ids and embeddings.shape == (24, 16)
    with pytest.raises(WriteError, match="not empty"):
        db.Trainer(model, options).fit(samples_of(community_dir), run_directory=run)
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 4 == len(whole.epochs)


def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(community_dir: Path, tmp_path: Path):
    options = {"epochs": 4, "batch_size": 8, "lr": 1e-3, "patience": 0, "num_workers": 1}
    torch.manual_seed(7)
    first = db.models.SequencePredictor(**TINY)
    second = copy.deepcopy(first)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        whole = db.Trainer(first, options).fit(samples_of(community_dir), run_directory=tmp_path / "whole")
        stopped = db.Trainer(second, options).fit(
            samples_of(community_dir), run_directory=tmp_path / "part", on_epoch=lambda report: report["epoch"] < 1
        )
        rest = db.Trainer(db.models.SequencePredictor(**TINY), options).fit(
            samples_of(community_dir), run_directory=tmp_path / "part", resume=True
        )
    finally:
        torch.set_num_threads(threads)
    assert stopped.interrupted and len(stopped.epochs) == 2
    assert [e["val_loss"] for e in rest.epochs] == [e["val_loss"] for e in whole.epochs]


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


def test_a_model_of_members_learns_in_python_as_in_the_command(deepbio: Run, community_dir: Path, tmp_path: Path):
    run, table = tmp_path / "run", community_dir / "table.biom"
    deepbio(
        "train", "--table", table, "--metadata", community_dir / "metadata.tsv", "--metadata-column", "age",
        "--output-dir", run, "--epochs", 3, "--max-bp", 60, "--seed", 3, "--threads", 1, "--ensemble", 2,
        "--sequence-branch", "--calibration-folds", 3, check=True,
    )  # fmt: skip
    stored = json.loads((run / "config.json").read_text())
    whole = db.SampleDataset(
        table, metadata=community_dir / "metadata.tsv", target="age", max_bp=60, least_thinning=0.3, seed=3
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
    epochs = [[json.loads(line) for line in (r / "metrics.jsonl").read_text().splitlines()] for r in (run, mine)]
    for theirs, ours in zip(*epochs, strict=True):
        assert ours["val_loss"] == pytest.approx(theirs["val_loss"], rel=1e-4)
    both = [db.predict(r, table) for r in (run, mine)]
    torch.testing.assert_close(both[1].values, both[0].values, rtol=1e-3, atol=1e-2)
    one = both[0]
    assert one.levels == [0.05, 0.95] and one.means.shape == one.values[:, 0].shape
    low, high = one.quantiles.unbind(1)
    assert (low <= one.values[:, 0]).all() and (one.values[:, 0] <= high).all()
    ages = [float(line.split("\t")[1]) for line in deepbio(
        "predict", "--model", run, "--table", table, check=True).stdout.splitlines()[1:]]  # fmt: skip
    assert ages == pytest.approx(one.values[:, 0].tolist(), rel=1e-8)
    # The same table under other ids and in another order: ASVs are known by their sequence.
    loaded = db.models.from_pretrained(run)
    batch = whole.batch([0, 5])
    with torch.no_grad():
        answer = loaded(batch)["target_prediction"]
        order = torch.randperm(len(batch["asv_tokens"]))
        moved = {
            "asv_tokens": batch["asv_tokens"][order], "asv_index": order.argsort()[batch["asv_index"]],
            "mask": batch["mask"], "counts": batch["counts"],
        }  # fmt: skip
        torch.testing.assert_close(loaded(moved)["target_prediction"], answer)


def test_groups_of_another_length_are_refused(community_dir: Path):
    trainer = db.Trainer(db.models.SequencePredictor(**TINY), epochs=1)
    with pytest.raises(ArgumentError, match="groups: expected one for each of 19"):
        trainer.fit(samples_of(community_dir), groups=["a", "b"])


def test_a_run_that_is_none_is_said_to_be_none(tmp_path: Path, community_dir: Path):
    with pytest.raises((db.errors.MissingFileError, ConfigError), match="run directory"):
        db.predict(tmp_path, community_dir / "table.biom")


def test_calibration_is_that_of_the_command(community_dir: Path):
    dataset = samples_of(community_dir)
    model = db.models.SequencePredictor(**TINY, abundance_pooling=True).eval()
    db.training.calibrate(model, dataset)
    with torch.no_grad():
        tokens = dataset.batch(range(len(dataset)))["asv_tokens"]
        embeddings = model.encode_asvs(tokens)
    assert embeddings.mean(0).abs().max() < 1e-4
    assert (embeddings.std(0, unbiased=False) - 1).abs().max() < 1e-3
    positions = model.base_model.sample_encoder.sample_position_embedding.position_embedding.weight
    assert not positions.count_nonzero()


COVARIATES = ("site", "group")


def with_covariates(folder: Path, **options: object) -> db.SampleDataset:
    about = folder / "metadata.tsv"
    return db.SampleDataset(
        folder / "table.biom", metadata=about, target="age", max_bp=60, categorical=COVARIATES, **options
    )


@pytest.mark.parametrize("fusion", ["concat", "perceiver"])
def test_covariates_train_as_those_of_the_command_do(deepbio: Run, community_dir: Path, tmp_path: Path, fusion: str):
    run, table, about = tmp_path / "run", community_dir / "table.biom", community_dir / "metadata.tsv"
    deepbio(
        "train", "--table", table, "--metadata", about, "--metadata-column", "age", "--output-dir", run, "--epochs", 2,
        "--embedding-dim", 16, "--max-bp", 60, "--seed", 3, "--categorical-columns", ",".join(COVARIATES), "--preset",
        "aam", "--target-transform", "zscore", "--attention-heads", 2, "--attention-layers", 1, "--threads", 1,
        "--categorical-fusion", fusion, "--rarefy-depth", 0, "--nuc-penalty", 0, check=True,
    )  # fmt: skip
    stored = json.loads((run / "config.json").read_text())
    sampling = stored["data"]["asv_sampling"]
    dataset = with_covariates(community_dir, asv_sampling=sampling)
    order = {name: i for i, name in enumerate(dataset.sample_ids)}
    names = {part: (run / f"{part}_samples.txt").read_text().split() for part in ("train", "val")}
    train, val = dataset.split(stored["training"]["resolved"].get("test_size", 0.2), seed=3)
    assert (train.sample_ids, val.sample_ids) == (names["train"], names["val"]) and len(order) == 24
    assert json.loads(train.categories) == stored["categories"] and train.categories == val.categories
    assert train.categorical_cardinalities == stored["model"]["categorical_cardinalities"]

    model = db.models.SequencePredictor(db.models.ModelConfig.from_dict(stored["model"]))
    model.reset_parameters(3)
    db.training.calibrate(model, train, scale_asvs=False)
    mine = tmp_path / "mine"
    db.Trainer(model, stored["training"]["resolved"]).fit(train, val, run_directory=mine)
    epochs = [[json.loads(line) for line in (r / "metrics.jsonl").read_text().splitlines()] for r in (run, mine)]
    assert len(epochs[0]) == len(epochs[1]) == 2
    for theirs, ours in zip(*epochs, strict=True):
        for part in ("train_loss", "val_loss"):
            assert ours[part] == pytest.approx(theirs[part], rel=1e-5)
    both = [db.predict(r, table, metadata=about).values for r in (run, mine)]
    torch.testing.assert_close(both[1], both[0], rtol=1e-4, atol=1e-4)
    # A value that training did not see is unknown to both.
    other = tmp_path / "other.tsv"
    other.write_text(about.read_text().replace("\tnorth", "\telsewhere"))
    predicted = db.predict(mine, table, metadata=other)
    rows = deepbio("predict", "--model", mine, "--table", table, "--metadata", other, check=True).stdout.splitlines()
    assert [f"{value:.9g}" for value in predicted.values[:, 0].tolist()] == [row.split("\t")[1] for row in rows[1:]]
    options = {"categorical": COVARIATES, "categories": train.categories, "asv_sampling": sampling}
    again = db.SampleDataset(table, metadata=other, max_bp=60, **options)
    batch = again.batch(range(24))
    assert 0 in batch.categorical_ids["site"]
    scaled = model.eval()(batch)["target_prediction"].flatten().double()
    scale = json.loads(train.codec)
    expected = scaled.detach() * scale["scale"] + scale["shift"]
    torch.testing.assert_close(predicted.values[:, 0], expected, rtol=1e-4, atol=1e-4)


def test_covariates_are_numbered_by_the_samples_that_have_them(community_dir: Path, tmp_path: Path):
    lines = (community_dir / "metadata.tsv").read_text().splitlines()
    rows = dict(line.split("\t", 1) for line in lines[2:])
    first, last = sorted(rows)[0], sorted(rows)[-1]
    about = tmp_path / "metadata.tsv"
    sites = {name: "only here" if name == first else "" if name == last else "b" if i % 2 else "a"
             for i, name in enumerate(sorted(rows))}  # fmt: skip
    about.write_text("sample-id\tage\tsite\n" + "".join(f"{name}\t{i}\t{site}\n"
                     for i, (name, site) in enumerate(sites.items())))  # fmt: skip
    table = community_dir / "table.biom"
    dataset = db.SampleDataset(table, metadata=about, target="age", max_bp=60, categorical=["site"])
    values = ["a", "b", "only here"]
    assert json.loads(dataset.categories) == {"site": values} and dataset.categorical_cardinalities == {"site": 4}
    expected = [values.index(sites[name]) + 1 if sites[name] else 0 for name in dataset.sample_ids]
    assert dataset.batch(range(len(dataset))).categorical_ids["site"].tolist() == expected
    assert [int(dataset[i]["categorical_ids"]["site"]) for i in range(len(dataset))] == expected
    moved = pickle.loads(pickle.dumps(dataset)).batch([3, 1]).to("cpu")
    assert moved.categorical_ids["site"].tolist() == [expected[3], expected[1]]
    loaded = next(iter(db.DataLoader(dataset, batch_size=len(dataset))))
    assert loaded.categorical_ids["site"].tolist() == expected
    # A value of held-back samples alone is unknown after the split.
    for seed in range(40):
        train, val = dataset.split(0.3, seed=seed)
        if first in val.sample_ids:
            break
    assert json.loads(train.categories) == json.loads(val.categories) == {"site": ["a", "b"]}
    at = val.sample_ids.index(first)
    assert val.batch([at]).categorical_ids["site"].tolist() == [0]
    assert train.batch(range(len(train))).categorical_ids["site"].max() == 2


def test_covariates_that_do_not_fit_are_named(community_dir: Path):
    table, about = community_dir / "table.biom", community_dir / "metadata.tsv"
    with pytest.raises(ArgumentError, match="need metadata=PATH"):
        db.SampleDataset(table, categorical=["site"])
    with pytest.raises(ArgumentError, match="expected a list of columns, got 'site'"):
        db.SampleDataset(table, metadata=about, categorical="site")
    with pytest.raises(ConfigError, match="sight.*site"):
        db.SampleDataset(table, metadata=about, categorical=["sight"])
    dataset = with_covariates(community_dir)
    with pytest.raises(ArgumentError, match="expected those of site, got group, site"):
        db.SampleDataset(table, metadata=about, categorical=["site"], categories=dataset.categories)
    train, val = dataset.split(0.3)
    with pytest.raises(ArgumentError, match=r"categorical_cardinalities \{'group': 4.*the model \{\}"):
        db.Trainer(db.models.SequencePredictor(**TINY), epochs=1).fit(train, val)
    fitting = db.models.SequencePredictor(**TINY, categorical_cardinalities=train.categorical_cardinalities)
    plain = samples_of(community_dir).split(0.3)
    with pytest.raises(ArgumentError, match="numbered differently"):
        db.Trainer(fitting, epochs=1).fit(train, db.SampleDataset(
            table, metadata=about, target="age", codec=train.codec, max_bp=60))  # fmt: skip
    with pytest.raises(ArgumentError, match="categorical_cardinalities {}, the model"):
        db.Trainer(fitting, epochs=1).fit(*plain)


def test_models_of_cpp_leave_the_default_generator_alone(community_dir: Path, tmp_path: Path):
    model = db.models.SequencePredictor(**TINY)
    config, state = json.dumps(model.config.to_dict()), dict(model.state_dict())
    batch = samples_of(community_dir).batch([0, 3])
    inputs = {key: batch[key] for key in ("asv_tokens", "asv_index", "mask", "counts")}
    before = torch.get_rng_state()
    db._C.model_forward(config, state, inputs)
    db._C.parameter_names(config, True)
    db._C.write_torchscript(str(tmp_path / "model.pt"), config, state)
    assert torch.equal(torch.get_rng_state(), before)
