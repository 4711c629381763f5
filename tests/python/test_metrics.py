"""Metrics beside those of scikit-learn."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

import deepbio_torch as db
from deepbio_torch._options import rows
from deepbio_torch.errors import ArgumentError
from deepbio_torch.metrics import METRICS, classification_metrics, regression_metrics

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_metrics_of_numbers_are_those_of_scikit_learn(count: int):
    generator = np.random.default_rng(count)
    actual = generator.normal(40, 15, count)
    prediction = actual + generator.normal(0, 5, count)
    found = regression_metrics(torch.from_numpy(prediction), list(actual))
    assert found["num_samples"] == count
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(actual, prediction))
    assert found["mse"] == pytest.approx(sk.mean_squared_error(actual, prediction))
    assert found["rmse"] == pytest.approx(np.sqrt(sk.mean_squared_error(actual, prediction)))
    assert found["median_ae"] == pytest.approx(sk.median_absolute_error(actual, prediction))
    if count > 1:
        assert found["r2"] == pytest.approx(sk.r2_score(actual, prediction))


@pytest.mark.filterwarnings("ignore:.*:sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_metrics_of_classes_are_those_of_scikit_learn(classes: int):
    generator = np.random.default_rng(classes)
    actual = np.concatenate([np.arange(classes), generator.integers(0, classes, 60)])
    scores = (
        generator.random((len(actual), classes)).round(1) + 0.05 + np.eye(classes)[actual] * 0.3
    )  # with ties
    probabilities = scores / scores.sum(1, keepdims=True)
    predicted = probabilities.argmax(1)
    found = classification_metrics(torch.from_numpy(probabilities), torch.from_numpy(actual))
    precision, recall, f1, _ = sk.precision_recall_fscore_support(
        actual, predicted, average="weighted"
    )
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(actual, predicted))
    assert found["balanced_accuracy"] == pytest.approx(
        sk.balanced_accuracy_score(actual, predicted)
    )
    assert (found["precision"], found["recall"], found["f1"]) == pytest.approx(
        (precision, recall, f1)
    )
    assert found["confusion"] == sk.confusion_matrix(actual, predicted).tolist()
    of_second = probabilities[:, 1] if classes == 2 else probabilities
    auc = sk.roc_auc_score(actual, of_second, multi_class="ovr", average="macro")
    assert found["auc"] == pytest.approx(auc)


def test_what_has_no_meaning_is_left_out():
    assert "auc" not in classification_metrics([0, 1], [0, 1])
    assert "auc" not in classification_metrics(torch.tensor([[0.5, 0.5], [0.1, 0.9]]), [1, 1])


@pytest.mark.parametrize(
    ("prediction", "actual"), [([], []), ([1.0], [1.0, 2.0]), ("ab", [1.0]), (None, [1.0])]
)
def test_metrics_refuse_in_one_line(prediction: object, actual: list[float]):
    with pytest.raises(ArgumentError) as caught:
        regression_metrics(prediction, actual)
    assert "\n" not in str(caught.value)


def test_the_choices_of_best_metric_are_the_table():
    (best,) = (row for row in rows("training") if row.name == "best_metric")
    assert best.choices == ["val_loss", "last", *(metric.name for metric in METRICS)]
    assert db.metrics.METRICS is METRICS


STUDY = {"scores.py"}  # which of them a study shows
# Files in which the word is another thing's name, or which measure that metric themselves.
ALSO = {
    "mae": {"losses.cpp", "study_page.py"} | STUDY,  # the loss
    "mse": {"losses.cpp"},
    "rmse": STUDY,
    "r2": {"cmd_tests.cpp", "test_results.cpp", "diversity.cpp"}
    | STUDY,  # the share of a term in adonis
    "auc": STUDY,
    "accuracy": STUDY,
    "log_loss": {"baselines.py"} | STUDY,  # scikit-learn's loss
    "balanced_accuracy": {"baselines.py", "study.py"} | STUDY,
    # Of floating-point numbers, and the axes of a curve by threshold.
    "precision": {"community.cpp", "unifrac_batch.cpp", "report_scores.py"},
    "recall": {"report_scores.py"},
    "nuc_accuracy": {"masked_bases.cpp"},
}


@pytest.mark.parametrize("name", [metric.name for metric in METRICS])
def test_no_metric_has_a_name_in_any_file_but_its_table(name: str):
    files = [
        *(ROOT / "csrc").rglob("*.cpp"),
        *(ROOT / "csrc").rglob("*.h"),
        *(ROOT / "deepbio_torch").rglob("*.py"),
    ]
    naming = {file.name for file in files if re.search(rf"[\"']{name}[\"']", file.read_text())}
    assert "metrics.cpp" in naming and naming <= {"metrics.cpp"} | ALSO.get(name, set())


# Files that a loss may be named in beside its table: the default of a signature.
NAMES_OF_LOSSES = {"huber": {"losses.h", "losses.py"}}


@pytest.mark.parametrize(
    "name", [name for row in rows("loss") if row.name == "loss_type" for name in row.choices]
)
def test_no_loss_has_a_name_in_any_file_but_its_table(name: str):
    files = [
        *(ROOT / "csrc").rglob("*.cpp"),
        *(ROOT / "csrc").rglob("*.h"),
        *(ROOT / "deepbio_torch").rglob("*.py"),
    ]
    naming = {file.name for file in files if re.search(rf"[\"'=]{name}[\"'`]", file.read_text())}
    of_metrics = (
        {"metrics.cpp"} | ALSO[name] if name in {metric.name for metric in METRICS} else set()
    )
    assert (
        "losses.cpp" in naming
        and naming <= {"losses.cpp"} | NAMES_OF_LOSSES.get(name, set()) | of_metrics
    )
