"""A study judges a model on samples that its training never saw, beside baselines on the same
folds."""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import deepbio_torch as db
from deepbio_torch._model import baselines as _baselines
from deepbio_torch._model import folds as _folds
from deepbio_torch._model import scores as _scores
from deepbio_torch.errors import ArgumentError, ConfigError, DeepBioError, ParseError

Run = Callable[..., subprocess.CompletedProcess[str]]
sklearn = pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

QUICK = {"epochs": 2, "embedding_dim": 16, "max_bp": 60}
FEW = ["constant", "forest_presence"]


@pytest.fixture(scope="module")
def grouped(community_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The metadata of the small community with a column `host`: 8 hosts of 3 samples."""
    path = tmp_path_factory.mktemp("grouped") / "metadata.tsv"
    lines = (community_dir / "metadata.tsv").read_text().splitlines()
    out, number = [lines[0] + "\thost"], 0
    for line in lines[1:]:
        if line.startswith("#"):
            out.append(line + "\tcategorical")
        else:
            out.append(f"{line}\thost{number // 3}")
            number += 1
    path.write_text("\n".join(out) + "\n")
    return path


@pytest.fixture(scope="module")
def numbers(community_dir: Path, grouped: Path) -> db.StudyResult:
    """A study of numbers with groups."""
    return db.cross_validate(
        community_dir / "table.biom",
        grouped,
        "age",
        group_column="host",
        folds=3,
        tree=community_dir / "tree.nwk",
        baselines=FEW,
        candidates=4,
        options=QUICK,
    )


def test_each_sample_is_tested_once_and_no_group_stands_on_both_sides(numbers: db.StudyResult):
    study = numbers.study
    tested = np.concatenate([fold.test for fold in numbers.folds])
    assert sorted(tested.tolist()) == list(range(len(study.targets)))
    for fold in numbers.folds:
        hosts = [{study.groups[i] for i in rows} for rows in (fold.train, fold.test)]
        assert not hosts[0] & hosts[1]


def test_scores_follow_from_the_out_of_fold_predictions(numbers: db.StudyResult):
    rows = numbers.predictions
    actual = np.array([row["actual"] for row in rows])
    predicted = np.array([row["prediction"] for row in rows])
    pooled = numbers.scores["model"]["mae"]["pooled"]
    assert pooled == pytest.approx(np.abs(actual - predicted).mean())
    first = np.array([row["fold"] for row in rows]) == 0
    assert numbers.scores["model"]["mae"]["folds"][0] == pytest.approx(
        np.abs(actual - predicted)[first].mean()
    )
    assert numbers.paired["constant"]["mean"] == pytest.approx(
        np.mean(numbers.scores["model"]["mae"]["folds"])
        - np.mean(numbers.scores["constant"]["mae"]["folds"])
    )


def test_the_constant_answers_the_mean_of_the_training_samples(numbers: db.StudyResult):
    values = np.array(numbers.study.targets)
    for row in numbers.predictions:
        train = numbers.folds[row["fold"]].train
        assert row["constant"] == pytest.approx(values[train].mean())


def test_a_model_of_a_fold_is_what_the_command_trains_on_the_training_samples_alone(
    community_dir: Path, deepbio: Run, tmp_path: Path
):
    table = db.read_table(community_dir / "table.biom")
    result = db.cross_validate(
        table,
        community_dir / "metadata.tsv",
        "age",
        folds=2,
        baselines=[],
        candidates=0,
        options=QUICK,
        seed=3,
    )
    fold = result.folds[1]
    ids = table.sample_ids
    table.filter(samples=[ids[i] for i in fold.train]).write(tmp_path / "train.biom")
    table.filter(samples=[ids[i] for i in fold.test]).write(tmp_path / "test.biom")
    # The command holds back at least one sample: that is the first one here.
    (tmp_path / "val.txt").write_text(ids[fold.train[0]] + "\n")
    (tmp_path / "train.txt").write_text("".join(ids[i] + "\n" for i in fold.train[1:]))
    lists = ["--train-samples", tmp_path / "train.txt", "--val-samples", tmp_path / "val.txt"]
    shape = ["--epochs", 2, "--embedding-dim", 16, "--max-bp", 60, "--seed", 3]
    target = ["--metadata", community_dir / "metadata.tsv", "--metadata-column", "age"]
    inputs = ["--table", tmp_path / "train.biom", *target, *lists]
    deepbio("train", *inputs, *shape, "--output-dir", tmp_path / "run", check=True)
    said = deepbio(
        "predict",
        "--model",
        tmp_path / "run",
        "--table",
        tmp_path / "test.biom",
        "-o",
        "-",
        check=True,
    )
    lines = [line.split("\t") for line in said.stdout.splitlines()[1:]]
    expected = {line[0]: float(line[1]) for line in lines}
    ours = {row["sample_id"]: row["prediction"] for row in result.predictions if row["fold"] == 1}
    assert ours == pytest.approx(expected)


def test_the_command_writes_tables_json_and_a_page_of_its_own(community_dir: Path, tmp_path: Path):
    def study(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deepbio_torch", "study", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=600)

    inputs = ["--table", community_dir / "table.biom", "--metadata", community_dir / "metadata.tsv"]
    inputs += [
        "--metadata-column",
        "group",
        "--folds",
        2,
        "--baselines",
        ",".join(FEW),
        "--candidates",
        3,
    ]
    quick = ["--epochs", 2, "--embedding-dim=16", "--max-bp", 60]
    out = tmp_path / "out"
    done = study(*inputs, *quick, "-o", out, "--quiet")
    assert done.returncode == 0, done.stderr
    with open(out / "predictions.tsv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) == 24 and {row["actual"] for row in rows} == {"low", "middle", "high"}
    for row in rows:
        assert sum(
            float(row[f"probability_{name}"]) for name in ("low", "middle", "high")
        ) == pytest.approx(1, abs=1e-4)
    found = json.loads((out / "study.json").read_text())
    assert found["classes"] == ["high", "low", "middle"] and set(found["scores"]) == {"model", *FEW}
    assert found["scores"]["constant"]["balanced_accuracy"]["folds"] == pytest.approx(
        [1 / 3, 1 / 3]
    )
    page = (out / "study.html").read_text()
    table = page.split("Rows actual, columns predicted.")[1].split("</table>")[0]
    assert sum(int(cell) for cell in re.findall(r"<td>(\d+)</td>", table)) == 24
    assert "http" not in page and "<script" not in page and "Important ASVs" in page
    assert done.stdout.startswith("method\tscore\tfold_0\tfold_1\tmean\tsd\tpooled\n")

    again = study(*inputs, *quick, "-o", out)
    assert (
        again.returncode == 1
        and "--overwrite" in again.stderr
        and len(again.stderr.splitlines()) == 1
    )
    wrong = study(*inputs, "--epochz", 2, "-o", tmp_path / "other")
    assert wrong.returncode == 1 and "--epochs" in wrong.stderr, wrong.stderr
    assert not (tmp_path / "other").exists()


def test_groups_that_tell_the_target_are_called_confounded(community_dir: Path, tmp_path: Path):
    lines = (community_dir / "metadata.tsv").read_text().splitlines()
    site = lines[0].split("\t").index("site")  # it means nothing
    years = {"north": 20.0, "east": 40.0, "south": 60.0}
    out = ["sample-id\tyears\tsurvey"]
    out += [
        f"{cells[0]}\t{years[cells[site]] + i % 2}\t{cells[site]}"
        for i, cells in enumerate(
            line.split("\t") for line in lines[1:] if not line.startswith("#")
        )
    ]
    (tmp_path / "metadata.tsv").write_text("\n".join(out) + "\n")
    result = db.cross_validate(
        community_dir / "table.biom",
        tmp_path / "metadata.tsv",
        "years",
        group_column="survey",
        folds=3,
        baselines=[],
        candidates=0,
        options=QUICK,
    )
    text = " ".join(result.notes)
    assert "confounded" in text and "random folds" in text
    assert (
        "nothing here generalises" in text
    )  # each survey has an age of its own that no other survey knows


def test_confounding_is_the_share_that_the_group_explains():
    assert _folds.confounding([1.0, 1.0, 5.0, 5.0], ["a", "a", "b", "b"]) == pytest.approx(1)
    assert _folds.confounding([1.0, 5.0, 1.0, 5.0], ["a", "a", "b", "b"]) == pytest.approx(0)
    assert _folds.confounding([0.0, 2.0, 4.0, 6.0], ["a", "a", "b", "b"]) == pytest.approx(
        1 - 4 / 20
    )
    assert _folds.confounding(["x", "x", "y", "y"], ["a", "a", "b", "b"]) == pytest.approx(1)
    assert _folds.confounding(["x", "y", "x", "y"], ["a", "a", "b", "b"]) == pytest.approx(0)


def test_scores_are_those_of_scikit_learn():
    from sklearn import metrics

    random = np.random.default_rng(1)
    actual, predicted = random.normal(size=50), random.normal(size=50)
    found = _scores.score_numbers(actual, predicted)
    assert found["r2"] == pytest.approx(metrics.r2_score(actual, predicted))
    assert found["rmse"] == pytest.approx(metrics.mean_squared_error(actual, predicted) ** 0.5)
    chances = random.dirichlet([1, 1, 1], size=60)
    labels = random.integers(0, 3, size=60)
    found = _scores.score_classes(labels, chances.argmax(1), chances)
    assert found["balanced_accuracy"] == pytest.approx(
        metrics.balanced_accuracy_score(labels, chances.argmax(1))
    )
    assert found["auc"] == pytest.approx(metrics.roc_auc_score(labels, chances, multi_class="ovr"))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(labels, chances))


def test_every_baseline_answers_numbers_and_classes_and_learns_what_can_be_learned():
    import scipy.sparse

    random = np.random.default_rng(0)
    counts = random.poisson(20, size=(90, 30)) * (random.random((90, 30)) < 0.5)
    target = (counts[:, 3] > 0) * 4.0 + (counts[:, 7] > 0) + 0.05 * random.normal(size=90)
    rows = scipy.sparse.csr_matrix(counts)
    for num_classes, values in ((0, target), (2, (counts[:, 3] > 0).astype(float))):
        problem = _baselines.Problem(rows[:60], rows[60:], values[:60], num_classes, None, 0)
        for name, answer_of in _baselines.BASELINES.items():
            answer = answer_of(problem)
            assert answer.is_there.all() and len(answer.is_there) == 30
            if name == "constant":
                continue
            if num_classes:
                assert np.allclose(answer.probabilities.sum(1), 1)
                assert ((answer.probabilities.argmax(1) == values[60:]).mean()) > 0.7, name
            else:
                mean_error = np.abs(target[60:] - target.mean()).mean()
                assert np.abs(answer.values - target[60:]).mean() < 0.8 * mean_error, name


def test_what_cannot_be_studied_is_said_in_one_line(community_dir: Path, grouped: Path):
    def study(column: str = "age", **options: object) -> None:
        db.cross_validate(
            community_dir / "table.biom", grouped, column, **{"baselines": [], **options}
        )

    with pytest.raises(ArgumentError, match="9 folds need as many groups, got 8"):
        study(group_column="host", folds=9)
    with pytest.raises(ArgumentError, match="at least 2, got 1"):
        study(folds=1)
    with pytest.raises(
        ArgumentError, match="9 folds need as many samples of each class, 'low' has 8"
    ):
        study("group", folds=9)
    with pytest.raises(ConfigError, match="forest_presence"):
        study(baselines=["forrest"])
    with pytest.raises(ConfigError, match="agee"):
        study("agee")
    with pytest.raises(DeepBioError, match="--epochs"):
        study(options={"epochz": 3})


def test_a_class_that_training_lacks_is_named():
    folds = [
        _folds.Fold(np.array([0, 1]), np.array([2, 3])),
        _folds.Fold(np.array([2, 3]), np.array([0, 1])),
    ]
    problems = _folds.describe_problems(folds, ["x", "x", "y", "x"])
    assert (
        problems[0].startswith("fold 0: no training sample is y")
        and "fold 1: all test samples are x" in problems[-1]
    )


def test_names_of_asvs_come_from_tables_and_artifacts_and_bad_ones_are_refused(tmp_path: Path):
    import zipfile

    from deepbio_torch._model.importance import name_of, read_taxonomy

    text = "Feature ID\tTaxon\tConfidence\na\tk__B; p__F; g__X\t0.9\nb\tk__B; p__F; g__Y\t0.8\n"
    (tmp_path / "taxonomy.tsv").write_text(text)
    names = read_taxonomy(tmp_path / "taxonomy.tsv")
    with zipfile.ZipFile(tmp_path / "taxonomy.qza", "w") as archive:
        archive.writestr("0000/metadata.yaml", "uuid: 0000\ntype: FeatureData[Taxonomy]\n")
        archive.writestr("0000/data/taxonomy.tsv", text)
    assert read_taxonomy(tmp_path / "taxonomy.qza") == names
    assert (
        name_of(["a"], names) == "k__B; p__F; g__X"
        and name_of(["a", "b", "c"], names) == "k__B; p__F"
    )
    assert name_of(["c"], names) == ""
    (tmp_path / "bad.tsv").write_text("what\never\n")
    with pytest.raises(ParseError, match="line 1: expected a header whose first column"):
        read_taxonomy(tmp_path / "bad.tsv")
