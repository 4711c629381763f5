"""Covariates in training: numbered, trained and predicted as the command does."""

import json
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from training_arguments import TINY, samples_with_tree

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ConfigError

Run = Callable[..., subprocess.CompletedProcess[str]]

COVARIATES = ("site", "group")


def with_covariates(folder: Path, **options: object) -> db.SampleDataset:
    about = folder / "metadata.tsv"
    return db.SampleDataset(
        folder / "table.biom",
        metadata=about,
        target="age",
        max_bp=60,
        categorical=COVARIATES,
        **options,
    )


@pytest.mark.parametrize("fusion", ["concat", "perceiver"])
def test_covariates_train_as_those_of_the_command_do(
    deepbio: Run, community_dir: Path, tmp_path: Path, fusion: str
):
    run, table, about = (
        tmp_path / "run",
        community_dir / "table.biom",
        community_dir / "metadata.tsv",
    )
    deepbio(
        "train", "--table", table, "--metadata", about, "--metadata-column", "age",
        "--output-dir", run, "--epochs", 2, "--embedding-dim", 16, "--max-bp", 60, "--seed", 3,
        "--categorical-columns", ",".join(COVARIATES), "--preset", "aam",
        "--target-transform", "zscore", "--attention-heads", 2, "--attention-layers", 1,
        "--threads", 1, "--categorical-fusion", fusion, "--rarefy-depth", 0, "--nuc-penalty", 0,
        check=True,
    )  # fmt: skip
    stored = json.loads((run / "config.json").read_text())
    sampling = stored["data"]["asv_sampling"]
    dataset = with_covariates(community_dir, asv_sampling=sampling)
    order = {name: i for i, name in enumerate(dataset.sample_ids)}
    names = {part: (run / f"{part}_samples.txt").read_text().split() for part in ("train", "val")}
    train, val = dataset.split(stored["training"]["resolved"].get("test_size", 0.2), seed=3)
    assert (train.sample_ids, val.sample_ids) == (names["train"], names["val"]) and len(order) == 24
    assert (
        json.loads(train.categories) == stored["categories"] and train.categories == val.categories
    )
    assert train.categorical_cardinalities == stored["model"]["categorical_cardinalities"]

    model = db.models.SequencePredictor(db.models.ModelConfig.from_dict(stored["model"]))
    model.reset_parameters(3)
    db.training.calibrate(model, train, scale_asvs=False)
    mine = tmp_path / "mine"
    db.Trainer(model, stored["training"]["resolved"]).fit(train, val, run_directory=mine)
    epochs = [
        [json.loads(line) for line in (r / "metrics.jsonl").read_text().splitlines()]
        for r in (run, mine)
    ]
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
    rows = deepbio(
        "predict", "--model", mine, "--table", table, "--metadata", other, check=True
    ).stdout.splitlines()
    assert [f"{value:.9g}" for value in predicted.values[:, 0].tolist()] == [
        row.split("\t")[1] for row in rows[1:]
    ]
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
    assert json.loads(dataset.categories) == {
        "site": values
    } and dataset.categorical_cardinalities == {"site": 4}
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
    with pytest.raises(
        ArgumentError, match=r"categorical_cardinalities \{'group': 4.*the model \{\}"
    ):
        db.Trainer(db.models.SequencePredictor(**TINY), epochs=1).fit(train, val)
    fitting = db.models.SequencePredictor(
        **TINY, categorical_cardinalities=train.categorical_cardinalities
    )
    plain = samples_with_tree(community_dir).split(0.3)
    with pytest.raises(ArgumentError, match="numbered differently"):
        db.Trainer(fitting, epochs=1).fit(train, db.SampleDataset(
            table, metadata=about, target="age", codec=train.codec, max_bp=60))  # fmt: skip
    with pytest.raises(ArgumentError, match="categorical_cardinalities {}, the model"):
        db.Trainer(fitting, epochs=1).fit(*plain)
