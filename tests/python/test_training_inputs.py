"""Training on studies and models that are out of the ordinary."""

import csv
import io
import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from training_arguments import SMALL, TINY, Run, samples, study, write_study

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError


def test_other_data_behind_the_same_path_are_refused_and_moved_data_resume(
    deepbio: Run, community_dir: Path, tmp_path: Path
):
    data, moved = tmp_path / "data", tmp_path / "moved"
    data.mkdir()
    for name in ("table.biom", "metadata.tsv"):
        shutil.copy(community_dir / name, data)
    deepbio("train", *study(data), *SMALL, "--quiet", "--output-dir", data / "run", check=True)
    table = db.read_table(data / "table.biom")
    counts = table.to_torch().to_dense()
    shuffled = counts[torch.randperm(len(counts), generator=torch.Generator().manual_seed(0))]
    db.Table.from_arrays(table.sample_ids, table.feature_ids, shuffled.numpy()).write(
        data / "table.biom", overwrite=True
    )
    resume = ["train", "--resume", "--threads", 1, "--quiet", "--epochs", 3, "--output-dir"]
    done = deepbio(*resume, data / "run")
    assert done.returncode == 1 and "cannot resume" in done.stderr and "the counts" in done.stderr
    shutil.copy(community_dir / "table.biom", data)
    data.rename(moved)
    # From another folder, with the data where they are now.
    deepbio(
        *resume,
        moved / "run",
        "--table",
        moved / "table.biom",
        "--metadata",
        moved / "metadata.tsv",
        check=True,
    )
    assert len((moved / "run" / "metrics.jsonl").read_text().splitlines()) == 3, (
        "a finished run is extended"
    )
    deepbio(
        *resume, moved / "run", check=True, cwd=tmp_path
    )  # config.json knows the new place, and three epochs
    about = (moved / "metadata.tsv").read_text().splitlines()
    about[5] = about[5].replace(about[5].split("\t")[1], "99", 1)
    (moved / "metadata.tsv").write_text("\n".join(about) + "\n")
    done = deepbio(*resume, moved / "run")
    assert done.returncode == 1 and "the targets" in done.stderr


def test_more_validation_than_training_samples_train(community_dir: Path):
    big, small = samples(community_dir).split(0.2, seed=1)
    history = db.Trainer(db.models.SequencePredictor(**TINY), epochs=1, batch_size=8).fit(
        small, big
    )
    assert len(history.epochs) == 1 and history.epochs[0]["val"]["mae"] > 0


def test_a_model_that_was_changed_in_python_is_not_trained_as_the_stock_one(community_dir: Path):
    train, val = samples(community_dir).split(0.2, seed=1)

    class Mine(db.models.SequencePredictor):
        def forward(self, *args: object, **options: object) -> object:
            return super().forward(*args, **options)

    class Head(torch.nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(x)

    class Named(db.models.SequencePredictor):
        """Nothing of its own."""

    hooked, extra, other_head, patched = (db.models.SequencePredictor(**TINY) for _ in range(4))
    hooked.target_head.register_forward_hook(lambda *_: None)
    extra.mine = torch.nn.Parameter(torch.zeros(3))
    other_head.target_head = Head(16, 1)
    patched.forward = lambda *args, **options: None
    for model, words in ((Mine(**TINY), "forward of its own"), (hooked, "hook"), (extra, "'mine'"),
                         (other_head, "target_head.*of its own"),
                         (patched, "forward of its own")):  # fmt: skip
        with pytest.raises(ArgumentError, match=words):
            db.Trainer(model, epochs=1).fit(train, val)
    db.Trainer(Named(**TINY), epochs=1).fit(train, val)


def test_quantiles_are_columns_and_the_median_is_the_prediction(
    deepbio: Run, community_dir: Path, tmp_path: Path
):
    run, table = tmp_path / "q", community_dir / "table.biom"
    options = [
        "--loss-type",
        "quantile",
        "--quantiles",
        "0.05,0.5,0.95",
        "--quiet",
        "--output-dir",
        run,
    ]
    deepbio("train", *study(community_dir), *SMALL, *options, check=True)
    found = list(csv.DictReader(io.StringIO(deepbio("predict", "--model", run, "--table", table,
                                                    check=True).stdout),
                                delimiter="\t"))  # fmt: skip
    levels = ["quantile_0.05", "quantile_0.5", "quantile_0.95"]
    assert set(levels) <= set(found[0])
    assert all(row["prediction"] == row["quantile_0.5"] for row in found)
    assert any(row["quantile_0.05"] != row["quantile_0.95"] for row in found)
    told = json.loads(
        deepbio("predict", "--model", run, "--table", table, "--json", check=True).stdout
    )
    assert told["predictions"][0]["quantiles"]["0.95"] == pytest.approx(
        float(found[0]["quantile_0.95"]), rel=1e-8
    )
    python = db.predict(run, table)
    assert python.levels == [0.05, 0.5, 0.95] and python.quantiles is not None
    assert [f"{value:.9g}" for value in python.quantiles[:, 0].tolist()] == [
        row["quantile_0.05"] for row in found
    ]
    ids, values, labels, left_out = python
    assert (
        torch.equal(values[:, 0], python.quantiles[:, 1])
        and len(ids) == 24
        and not labels
        and not left_out
    )


def test_labels_with_tabs_and_quotes_are_written_as_they_were_read(deepbio: Run, tmp_path: Path):
    cells = {f"s{i}": '"a\tb ""x"""' if i % 2 else "c" for i in range(18)}
    args = write_study(tmp_path, cells)
    run = tmp_path / "run"
    deepbio(
        "train",
        *args,
        "--classifier",
        "--rarefy-depth",
        50,
        "--quiet",
        "--output-dir",
        run,
        check=True,
    )
    text = deepbio("predict", "--model", run, "--table", tmp_path / "t.tsv", check=True).stdout
    for found in (text, (run / "val_predictions.tsv").read_text()):
        rows = list(csv.reader(io.StringIO(found), delimiter="\t"))
        assert len({len(row) for row in rows}) == 1
        assert {row[1] for row in rows[1:]} <= {'a\tb "x"', "c"}
    header = next(csv.reader(io.StringIO(text), delimiter="\t"))
    assert 'probability_a\tb "x"' in header and "probability_c" in header


def test_sequences_that_are_cut_are_said(deepbio: Run, community_dir: Path, tmp_path: Path):
    done = deepbio(
        "train",
        *study(community_dir),
        *SMALL,
        "--max-bp",
        30,
        "--output-dir",
        tmp_path / "run",
        check=True,
    )
    assert "longer than --max-bp 30 (up to 60 bases)" in done.stderr


def test_paths_of_a_run_are_whole(deepbio: Run, community_dir: Path, tmp_path: Path):
    args = [
        "--table",
        community_dir.name + "/table.biom",
        "--metadata",
        community_dir.name + "/metadata.tsv",
    ]
    deepbio("train", *args, "--metadata-column", "age", *SMALL, "--output-dir", tmp_path / "run",
            check=True, cwd=community_dir.parent)  # fmt: skip
    stored = json.loads((tmp_path / "run" / "config.json").read_text())
    assert all(os.path.isabs(stored["trained_on"][name]) for name in ("table", "metadata"))
    assert os.path.isabs(stored["training"]["options"]["table"])
