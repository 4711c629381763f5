"""What a page says of samples held back: against scikit-learn, and of a model that has learned
nothing."""

import json
from pathlib import Path

import numpy as np
import pytest

from deepbio_torch._model.report_scores import (
    HeldBack,
    calibration_points,
    rates_by_threshold,
    read_held_back,
    render_predictions,
    render_scores,
    scores_of,
)

metrics = pytest.importorskip("sklearn.metrics")


def numbers(
    actual: list[float], predicted: list[float], interval: np.ndarray | None = None
) -> HeldBack:
    return HeldBack("age", [], np.array(actual), np.array(predicted), None, interval)


def classes(actual: list[int], chances: list[list[float]]) -> HeldBack:
    held = np.array(chances)
    names = [f"c{i}" for i in range(held.shape[1])]
    return HeldBack(
        "kind", names, np.array(actual, float), held.argmax(1).astype(float), held, None
    )


@pytest.mark.parametrize("seed", range(5))
def test_thresholds_and_calibration_are_those_of_scikit_learn(seed: int):
    random = np.random.default_rng(seed)
    is_it = random.random(60) < 0.4
    chance = np.round(np.clip(random.random(60) * 0.5 + is_it * 0.3, 0, 1), 1)  # many ties
    false, true, precision = rates_by_threshold(is_it, chance)
    expected = metrics.roc_curve(is_it, chance, drop_intermediate=False)
    np.testing.assert_allclose(false, expected[0])
    np.testing.assert_allclose(true, expected[1])
    of_threshold, recall, _ = metrics.precision_recall_curve(is_it, chance, drop_intermediate=False)
    np.testing.assert_allclose(true, recall[::-1])
    np.testing.assert_allclose(precision, of_threshold[::-1])
    points = calibration_points(is_it, chance, 6)
    assert (
        sum(count for _, _, count in points) == 60 and len({count for _, _, count in points}) == 1
    )
    assert sum(share * count for _, share, count in points) == pytest.approx(is_it.sum())
    assert [mean for mean, _, _ in points] == sorted(mean for mean, _, _ in points)


def test_scores_stand_beside_an_answer_that_looks_at_no_asv():
    held = numbers([1, 2, 3, 4], [1.5, 2, 2.5, 4])
    rows, is_better = scores_of(held, {"mean": 2.0})
    found = {name: (ours, theirs) for name, ours, theirs in rows}
    assert found["mae"] == (pytest.approx(0.25), pytest.approx(1.0)) and is_better
    assert found["r2"][0] == pytest.approx(metrics.r2_score([1, 2, 3, 4], [1.5, 2, 2.5, 4]))
    held = classes([0, 0, 0, 1], [[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.3, 0.7]])
    rows, is_better = scores_of(held, {"class_counts": {"c0": 30, "c1": 10}})
    found = {name: (ours, theirs) for name, ours, theirs in rows}
    assert found["accuracy"] == (1, 0.75) and found["balanced_accuracy"] == (1, 0.5) and is_better
    assert found["log_loss"][1] == pytest.approx(metrics.log_loss([0, 0, 0, 1], [[0.75, 0.25]] * 4))


@pytest.mark.parametrize(
    ("held", "baseline"),
    [
        (numbers([1, 2, 3, 4], [4, 3, 2, 1]), {"mean": 2.5}),
        (classes([0, 0, 1, 1], [[0.9, 0.1]] * 4), {"class_counts": {"c0": 5, "c1": 5}}),
    ],
)
def test_a_model_that_has_learned_nothing_is_called_so(held: HeldBack, baseline: dict):
    assert "no better than an answer that looks at no ASV" in render_scores(held, baseline)


def test_a_model_that_has_learned_is_not():
    assert "no better" not in render_scores(numbers([1, 2, 3, 4], [1, 2, 3, 4.5]), {"mean": 2.5})


def test_classes_show_each_class_and_what_cannot_be_said_of_it():
    held = classes(
        [0, 0, 1, 1], [[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.3, 0.6, 0.1]]
    )
    page = render_predictions(held)
    assert "<tr><th>c0</th><td>2</td><td>0.5</td><td>1</td></tr>" in page
    assert "<tr><th>c1</th><td>2</td><td>1</td><td>0.666667</td></tr>" in page
    assert "<tr><th>c2</th><td>0</td><td>none held back</td><td>never predicted</td></tr>" in page
    assert "Calibration" in page and "ROC" in page


def test_bars_say_how_many_values_they_hold():
    interval = np.array([[0, 2], [1, 3], [5, 6], [3, 5]])
    assert "75% of the actual values lie within the bars" in render_predictions(
        numbers([1, 2, 3, 4], [1, 2, 5.5, 4], interval)
    )


def test_runs_of_earlier_versions_have_no_probabilities_and_still_a_page(tmp_path: Path):
    text = "sample_id\tprediction\tactual\na\tx\tx\nb\tx\ty\nc\ty\tz\n"
    (tmp_path / "val_predictions.tsv").write_text(text)
    config = {"target": {"column": "kind", "is_classifier": True, "classes": ["x", "y"]}}
    held = read_held_back(tmp_path, json.loads(json.dumps(config)))
    assert held is not None and held.chances is None and held.actual.tolist() == [0, 1, 2]
    page = render_predictions(held)
    assert "another class" in page and "ROC" not in page
    assert scores_of(held, {"class_counts": {"x": 2, "y": 2}})[0]
    (tmp_path / "val_predictions.tsv").write_text("sample_id\tprediction\tactual\n")
    assert read_held_back(tmp_path, config) is None
