"""What a study may be: targets, missing values, groups and splits, refused alike by the command
and in Python."""

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from training_arguments import SMALL, TINY, Run, refused, samples, study, write_study

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ConfigError


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--best-metric", "accuracy"], ["--best-metric accuracy", "regression"]),
        (["--class-weights", "1,2"], ["--class-weights", "regression"]),
        (["--bounded-targets"], ["--bounded-targets", "--target-transform minmax"]),
        (
            ["--output-activation", "relu", "--target-transform", "zscore"],
            ["--output-activation relu"],
        ),
        (["--loss-type", "quantile", "--quantiles", "0.05,0.95"], ["--quantiles", "0.5"]),
        (["--over-penalty", "3"], ["--over-penalty", "no effect"]),
        (["--categorical-columns", "age"], ["age", "is the target"]),
        (["--group-column", "hots"], ["hots"]),
    ],
)
def test_what_cannot_be_right_is_refused_before_anything_is_written(
    deepbio: Run, community_dir: Path, tmp_path: Path, options: list[str], words: list[str]
):
    run = tmp_path / "run"
    refused(
        deepbio("train", *study(community_dir), *SMALL, *options, "--output-dir", run), run, *words
    )


def test_options_of_classes_are_checked_against_the_classes(
    deepbio: Run, community_dir: Path, tmp_path: Path
):
    run = tmp_path / "run"
    args = ["train", *study(community_dir, "group"), "--classifier", *SMALL, "--output-dir", run]
    refused(deepbio(*args, "--class-weights", "1,2"), run, "--class-weights", "3 classes, got 2")
    refused(deepbio(*args, "--best-metric", "mae"), run, "--best-metric mae")
    refused(deepbio(*args, "--categorical-columns", "site,group"), run, "'group' is the target")


def test_a_run_with_nothing_to_learn_is_refused(deepbio: Run, community_dir: Path, tmp_path: Path):
    run = tmp_path / "run"
    args = [
        "train",
        *study(community_dir),
        *SMALL,
        "--output-dir",
        run,
        "--preset",
        "aam",
        "--nuc-penalty",
        0,
    ]
    refused(
        deepbio(*args, "--count-penalty", 0, "--target-penalty", 0),
        run,
        "nothing to learn",
        "--target-penalty",
    )
    args = [
        "pretrain",
        "--table",
        community_dir / "table.biom",
        "--tree",
        community_dir / "tree.nwk",
        *SMALL,
    ]
    refused(
        deepbio(*args, "--batch-size", 1, "--output-dir", run), run, "--batch-size", "at least 2"
    )


def test_python_refuses_the_same_with_the_same_sentence(
    deepbio: Run, community_dir: Path, tmp_path: Path
):
    run = tmp_path / "run"
    model = db.models.SequencePredictor(**TINY)
    with pytest.raises(ConfigError) as caught:
        db.Trainer(model, epochs=1, best_metric="accuracy").fit(
            samples(community_dir), run_directory=run
        )
    shell = deepbio(
        "train", *study(community_dir), *SMALL, "--best-metric", "accuracy", "--output-dir", run
    ).stderr
    said = shell.removeprefix("deepbio: error: ").strip()
    assert said.replace("--best-metric accuracy", 'best_metric="accuracy"') == str(caught.value)
    bounded = db.models.SequencePredictor(**TINY, bounded_targets=True)
    with pytest.raises(ArgumentError, match='target_transform="minmax"'):
        db.Trainer(bounded, epochs=1).fit(samples(community_dir), run_directory=run)
    with pytest.raises(ArgumentError, match="'age' is the target"):
        samples(community_dir, categorical=["age"])
    assert not run.exists()


def test_constant_targets_and_large_distances_are_refused_by_both_doors(
    deepbio: Run, tmp_path: Path
):
    names = [f"s{i}" for i in range(12)]
    args = write_study(tmp_path, dict.fromkeys(names, "7"))
    shell = deepbio("train", *args, "--output-dir", tmp_path / "run")
    refused(shell, tmp_path / "run", "7.0 in all 12 samples")
    with pytest.raises(ArgumentError) as caught:
        db.SampleDataset(tmp_path / "t.tsv", metadata=tmp_path / "m.tsv", target="y", max_bp=60)
    assert shell.stderr == f"deepbio: error: {caught.value}\n"
    rng = random.Random(1)
    far = {(a, b): 5 * rng.random() for a in names for b in names if a < b}
    rows = [
        a + "\t" + "\t".join(str(far.get((min(a, b), max(a, b)), 0)) for b in names) for a in names
    ]
    (tmp_path / "d.tsv").write_text("\t" + "\t".join(names) + "\n" + "\n".join(rows) + "\n")
    shell = deepbio(
        "pretrain",
        *args[:2],
        *SMALL,
        "--distances",
        tmp_path / "d.tsv",
        "--output-dir",
        tmp_path / "run",
    )
    refused(shell, tmp_path / "run", "expected distances up to 1, got")
    dataset = db.SampleDataset(tmp_path / "t.tsv", distances=tmp_path / "d.tsv", max_bp=60)
    of_encoder = {
        name: value for name, value in TINY.items() if "count" not in name and "target" not in name
    }
    with pytest.raises(ArgumentError) as caught:
        db.Trainer(db.models.SequenceEncoder(**of_encoder), epochs=1).fit(dataset)
    assert (
        shell.stderr == f"deepbio: error: {caught.value}\n"
    )  # also where the dataset is a part of the matrix
    # Samples that the distances lack are dropped by both when they are told to.
    rows = [[a, *("0" if a == b else "0.5" for b in names[:11])] for a in names[:11]]
    lines = ["\t".join(row) + "\n" for row in [["", *names[:11]], *rows]]
    (tmp_path / "d11.tsv").write_text("".join(lines))
    dropped = db.SampleDataset(
        tmp_path / "t.tsv", distances=tmp_path / "d11.tsv", missing_samples="drop", max_bp=60
    )
    assert dropped.left_out == ["s11"] and len(dropped) == 11
    with pytest.raises(ArgumentError, match='missing_samples="drop"'):
        db.SampleDataset(tmp_path / "t.tsv", distances=tmp_path / "d11.tsv", max_bp=60)


def test_only_empty_cells_are_missing_unless_other_words_are_named(deepbio: Run, tmp_path: Path):
    cells = (
        ["None"] * 8 + ["6 months"] * 4 + ["Year"] * 4 + ["Missing: Not provided"] * 2 + ["NA", ""]
    )
    args = write_study(tmp_path, {f"s{i:02d}": cell for i, cell in enumerate(cells)})
    args += ["--classifier", "--rarefy-depth", 50, "--epochs", 1, "--output-dir"]

    def classes(run: Path) -> list[str]:
        return json.loads((run / "config.json").read_text())["target"]["classes"]

    done = deepbio("train", *args, tmp_path / "all", check=True)
    assert classes(tmp_path / "all") == ["6 months", "Missing: Not provided", "NA", "None", "Year"]
    assert (
        "left out 1 of 20 samples without a value of 'y'" in done.stderr
        and "1 empty" in done.stderr
    )
    done = deepbio("train", *args, tmp_path / "some", "--missing-values", "NA,INSDC", check=True)
    assert classes(tmp_path / "some") == ["6 months", "None", "Year"]
    assert "left out 4 of 20 samples" in done.stderr and "1 'NA'" in done.stderr
    assert "2 'Missing: Not provided'" in done.stderr
    dataset = db.SampleDataset(tmp_path / "t.tsv", metadata=tmp_path / "m.tsv", target="y",
                               classifier=True, missing_values=["NA", "INSDC"],
                               max_bp=60)  # fmt: skip
    assert (
        Counter(dataset._labels) == {"None": 8, "6 months": 4, "Year": 4}
        and len(dataset.left_out) == 4
    )
    # A number that is a word says which option names it.
    args = write_study(tmp_path, {f"s{i}": "not provided" if i == 3 else str(i) for i in range(12)})
    refused(
        deepbio("train", *args, "--output-dir", tmp_path / "no"),
        tmp_path / "no",
        "--missing-values",
    )
    deepbio(
        "train",
        *args,
        "--output-dir",
        tmp_path / "num",
        "--missing-values",
        "not provided",
        check=True,
    )


def test_a_rare_class_is_on_both_sides_of_the_split(deepbio: Run, tmp_path: Path):
    labels = {f"q{i:03d}": "Wasted" if i % 33 == 5 else "Normal" for i in range(100)}
    args = write_study(tmp_path, labels)
    for seed in range(2):
        run = tmp_path / f"r{seed}"
        deepbio("train", *args, "--classifier", "--epochs", 1, "--rarefy-depth", 0, "--seed", seed,
                "--output-dir", run, check=True)  # fmt: skip
        val = Counter(labels[name] for name in (run / "val_samples.txt").read_text().split())
        assert val == {"Normal": 19, "Wasted": 1}
    labels["q099"] = "Single"
    args = write_study(tmp_path, labels)
    run = tmp_path / "single"
    done = deepbio(
        "train",
        *args,
        "--classifier",
        "--epochs",
        1,
        "--rarefy-depth",
        0,
        "--output-dir",
        run,
        check=True,
    )
    assert "class 'Single' has no validation sample" in done.stderr
    assert "no validation sample" in (run / "training.log").read_text()


def test_samples_of_a_host_stay_together(deepbio: Run, tmp_path: Path):
    hosts = {f"s{i}": f"{i}\thost{i // 3}" for i in range(30)}
    args = write_study(tmp_path, hosts, header="sample-id\ty\thost_subject_id")
    host_of = {name: cells.split("\t")[1] for name, cells in hosts.items()}
    done = deepbio("train", *args, "--epochs", 1, "--output-dir", tmp_path / "plain", check=True)
    assert "samples on both sides" in done.stderr and "--group-column" in done.stderr
    run = tmp_path / "grouped"
    done = deepbio(
        "train",
        *args,
        "--epochs",
        1,
        "--group-column",
        "host_subject_id",
        "--output-dir",
        run,
        check=True,
    )
    assert "both sides" not in done.stderr
    sides = [
        {host_of[name] for name in (run / f"{part}_samples.txt").read_text().split()}
        for part in ("train", "val")
    ]
    assert not sides[0] & sides[1] and len(sides[1]) == 2
    dataset = db.SampleDataset(
        tmp_path / "t.tsv", metadata=tmp_path / "m.tsv", target="y", max_bp=60
    )
    train, val = dataset.split(0.2, seed=0, group="host_subject_id")
    assert val.sample_ids == (run / "val_samples.txt").read_text().split()
    assert (
        dataset.split(0.2, group=[host_of[name] for name in dataset.sample_ids])[1].sample_ids
        == val.sample_ids
    )
    assert train.notes == []
    with pytest.raises(ArgumentError, match="30 samples, got 2"):
        dataset.split(0.2, group=["a", "b"])
    # Resuming keeps the split.
    deepbio("train", "--resume", "--output-dir", run, "--epochs", 2, "--threads", 1, check=True)


def test_a_split_can_be_given_by_lists(deepbio: Run, tmp_path: Path):
    args = write_study(tmp_path, {f"s{i}": str(i) for i in range(12)})
    (tmp_path / "val.txt").write_text("s3\r\ns7\n")
    run = tmp_path / "run"
    deepbio("train", *args, "--val-samples", tmp_path / "val.txt", "--output-dir", run, check=True)
    assert (run / "val_samples.txt").read_text().split() == ["s3", "s7"]
    assert len((run / "train_samples.txt").read_text().split()) == 10
    (tmp_path / "other.txt").write_text("s3\nnobody\n")
    done = deepbio(
        "train", *args, "--val-samples", tmp_path / "other.txt", "--output-dir", tmp_path / "no"
    )
    refused(done, tmp_path / "no", "1 of 2 samples are absent from the table: nobody")
