"""What the samples held back say of a run.

Scores beside an answer that looks at no ASV, and pictures.

Parts of the page of :func:`deepbio_torch.report.write_report`.
"""

from __future__ import annotations

import csv
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from ..metrics import METRICS, classification_metrics, regression_metrics
from .report_parts import figure_of, image, number_text
from .scores import HIGHER_IS_BETTER, main_score

Array = npt.NDArray[np.float64]
_MOST_CURVES = 8  # classes whose curves one picture holds
_BINS = 10


class HeldBack(NamedTuple):
    """The rows of ``val_predictions.tsv``.

    Attributes:
        column: the target. classes: names, empty for numbers.
        actual, predicted: float64 [M]; of classes their ids. A class that the run lacks has id C.
        chances: float64 [M, C] of classes, or None where an older run did not keep them.
        interval: float64 [M, 2], the lowest and highest quantile, or None.
    """

    column: str
    classes: list[str]
    actual: Array
    predicted: Array
    chances: Array | None
    interval: Array | None


def read_held_back(run: Path, config: dict[str, Any]) -> HeldBack | None:
    """What is kept of the samples held back; None when there is nothing."""
    path = run / "val_predictions.tsv"
    if not path.is_file():
        return None
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    if not rows:
        return None
    target = config["target"]
    names = list(rows[0])
    if not target["is_classifier"]:
        quantiles = sorted(
            (name for name in names if name.startswith("quantile_")), key=lambda n: float(n[9:])
        )
        ends = [quantiles[0], quantiles[-1]] if len(quantiles) > 1 else []
        actual, predicted = _column(rows, "actual"), _column(rows, "prediction")
        interval = np.stack([_column(rows, end) for end in ends], 1) if ends else None
        return HeldBack(target["column"], [], actual, predicted, None, interval)
    classes = list(target["classes"])
    place = {name: float(i) for i, name in enumerate(classes)}
    columns = [f"probability_{name}" for name in classes]
    known = all(column in names for column in columns)
    return HeldBack(
        target["column"],
        classes,
        np.array([place.get(row["actual"], float(len(classes))) for row in rows]),
        np.array([place[row["prediction"]] for row in rows]),
        np.stack([_column(rows, column) for column in columns], 1) if known else None,
        None,
    )


def _column(rows: Sequence[dict[str, str]], name: str) -> Array:
    return np.array([float(row[name]) for row in rows])


def scores_of(
    held: HeldBack, baseline: dict[str, Any]
) -> tuple[list[tuple[str, float, float]], bool]:
    """(metric, of the model, of an answer without ASVs), and whether the model is better.

    The answer without ASVs is the mean of the training samples, or their class rates.
    """
    if not held.classes:
        ours = regression_metrics(torch.from_numpy(held.predicted), torch.from_numpy(held.actual))
        same = np.full_like(held.actual, float(baseline.get("mean", held.actual.mean())))
        theirs = regression_metrics(torch.from_numpy(same), torch.from_numpy(held.actual))
    else:
        inside = held.actual < len(held.classes)
        actual = torch.from_numpy(held.actual[inside]).long()
        if not len(actual):
            return [], False
        counts = np.array(
            [float((baseline.get("class_counts") or {}).get(name, 1)) for name in held.classes]
        )
        rates = torch.from_numpy(np.tile(counts / counts.sum(), (len(actual), 1)))
        chances = None if held.chances is None else torch.from_numpy(held.chances[inside])
        predicted = torch.from_numpy(held.predicted[inside]).long()
        count = len(held.classes)
        ours = classification_metrics(predicted, actual, num_classes=count, probabilities=chances)
        theirs = classification_metrics(
            rates.argmax(-1), actual, num_classes=count, probabilities=rates
        )
    names = [metric.name for metric in METRICS if metric.name in ours and metric.name in theirs]
    score = main_score(len(held.classes))
    is_better = (
        bool(ours[score] > theirs[score])
        if HIGHER_IS_BETTER[score]
        else bool(ours[score] < theirs[score])
    )
    return [(name, float(ours[name]), float(theirs[name])) for name in names], is_better


def render_scores(held: HeldBack, baseline: dict[str, Any]) -> str:
    """The verdict and the table of metrics."""
    rows, is_better = scores_of(held, baseline)
    without = "its class rates" if held.classes else "its mean"
    said = (
        f"{len(held.actual)} samples held back; beside the model, an answer that looks at no "
        f"ASV: {without}."
    )
    if not is_better:
        said = (
            "<b>On these samples the model is no better than an answer that looks at no "
            f"ASV.</b> {said}"
        )
    head = "<tr><th></th><th>model</th><th>without ASVs</th></tr>"
    body = "".join(
        f"<tr><th>{name}</th><td>{number_text(ours)}</td><td>{number_text(theirs)}</td></tr>"
        for name, ours, theirs in rows
    )
    return f"<h2>Scores on samples held back</h2><p>{said}</p><table>{head}{body}</table>"


def render_predictions(held: HeldBack) -> str:
    """Scatter and residuals of numbers.

    Confusion, classes, ROC, precision and calibration of classes.
    """
    if not held.classes:
        return "<h2>Predicted against actual</h2>" + _scatter(held) + _residuals(held)
    names = [*held.classes, "another class"]
    actual = [names[int(i)] for i in held.actual]
    parts = ["<h2>Confusion on validation samples</h2>"]
    parts.append(render_confusion([names[int(i)] for i in held.predicted], actual))
    parts.append(_class_table(held))
    if held.chances is not None:
        parts += [_threshold_curves(held), _calibration(held)]
    return "".join(parts)


def render_confusion(predicted: Sequence[str], actual: Sequence[str]) -> str:
    """Counts by actual (rows) and predicted class."""
    names = sorted({*predicted, *actual})
    pairs = list(zip(actual, predicted, strict=True))
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    body = ""
    for row in names:
        cells = "".join(f"<td>{pairs.count((row, column))}</td>" for column in names)
        body += f"<tr><th>{html.escape(row)}</th>{cells}</tr>"
    return f"<p>Rows actual, columns predicted.</p><table><tr><th></th>{head}</tr>{body}</table>"


def _class_table(held: HeldBack) -> str:
    body = ""
    for i, name in enumerate(held.classes):
        is_it, said = held.actual == i, held.predicted == i
        hits = float((is_it & said).sum())
        cells = [f"{int(is_it.sum())}"]
        cells.append(number_text(hits / is_it.sum()) if is_it.any() else "none held back")
        cells.append(number_text(hits / said.sum()) if said.any() else "never predicted")
        body += (
            f"<tr><th>{html.escape(name)}</th>"
            + "".join(f"<td>{cell}</td>" for cell in cells)
            + "</tr>"
        )
    head = "<tr><th></th><th>samples</th><th>recall</th><th>precision</th></tr>"
    return f"<h3>By class</h3><table>{head}{body}</table>"


def _scatter(held: HeldBack) -> str:
    figure = figure_of(5, 5)
    axes = figure.subplots()
    if held.interval is not None:
        low = np.maximum(held.predicted - held.interval[:, 0], 0)
        high = np.maximum(held.interval[:, 1] - held.predicted, 0)
        axes.errorbar(
            held.actual, held.predicted, yerr=[low, high], fmt="none", ecolor="0.8", zorder=0
        )
    axes.scatter(held.actual, held.predicted, s=16, alpha=0.7)
    ends = [
        min(held.actual.min(), held.predicted.min()),
        max(held.actual.max(), held.predicted.max()),
    ]
    axes.plot(ends, ends, color="0.6", linestyle=":")
    axes.set(
        xlabel=f"actual {held.column}",
        ylabel=f"predicted {held.column}",
        title="Validation samples",
    )
    found = image(figure, "predicted against actual values")
    if held.interval is None:
        return found
    inside = (held.interval[:, 0] <= held.actual) & (held.actual <= held.interval[:, 1])
    return (
        found
        + f"<p>{inside.mean():.0%} of the actual values lie within the bars (lowest to highest "
        "quantile).</p>"
    )


def _residuals(held: HeldBack) -> str:
    figure = figure_of(8, 3.5)
    left, right = figure.subplots(1, 2)
    residuals = held.predicted - held.actual
    left.scatter(held.predicted, residuals, s=16, alpha=0.7)
    left.axhline(0, color="0.6", linestyle=":")
    left.set(xlabel=f"predicted {held.column}", ylabel="predicted minus actual")
    right.hist(residuals, bins=min(30, max(5, len(residuals) // 4)))
    right.set(xlabel="predicted minus actual", ylabel="samples")
    return "<h3>Residuals</h3>" + image(figure, "residuals by prediction and their distribution")


def rates_by_threshold(is_it: npt.NDArray[np.bool_], chance: Array) -> tuple[Array, Array, Array]:
    """False and true positive rate and precision at each threshold, highest first.

    Samples of one chance are taken together; the first point is that of no sample.
    """
    order = np.argsort(-chance, kind="stable")
    hits, chance = np.cumsum(is_it[order]), chance[order]
    ends = np.flatnonzero(np.append(np.diff(chance) != 0, True))
    taken = ends + 1.0
    true = np.append(0, hits[ends])
    false = np.append(0, taken - hits[ends])
    precision = np.append(1, hits[ends] / taken)
    return false / max(1, (~is_it).sum()), true / max(1, is_it.sum()), precision


def _shown_classes(held: HeldBack) -> list[int]:
    """Of two classes the second; else those that both occur and do not make up all."""
    if len(held.classes) == 2:
        return [1]
    occurring = [
        i for i in range(len(held.classes)) if 0 < (held.actual == i).sum() < len(held.actual)
    ]
    return occurring[:_MOST_CURVES]


def _threshold_curves(held: HeldBack) -> str:
    assert held.chances is not None
    figure = figure_of(9, 4)
    left, right = figure.subplots(1, 2)
    for i in _shown_classes(held):
        is_it = held.actual == i
        if not 0 < is_it.sum() < len(is_it):
            continue
        false, true, precision = rates_by_threshold(is_it, held.chances[:, i])
        area = float((np.diff(false) * (true[1:] + true[:-1]) / 2).sum())
        left.plot(false, true, label=f"{held.classes[i]} (AUC {area:.3f})")
        right.plot(true, precision, label=f"{held.classes[i]} ({is_it.mean():.0%} of the samples)")
    left.plot([0, 1], [0, 1], color="0.6", linestyle=":")
    left.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC")
    right.set(xlabel="recall", ylabel="precision", title="Precision and recall", ylim=(0, 1.05))
    for axes in (left, right):
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
    return "<h3>By threshold</h3>" + image(figure, "ROC and precision against recall")


def calibration_points(
    is_it: npt.NDArray[np.bool_], chance: Array, bins: int = _BINS
) -> list[tuple[float, float, int]]:
    """(mean chance, share that is it, samples) of bins of equal numbers of samples."""
    order = np.argsort(chance, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return [(float(chance[part].mean()), float(is_it[part].mean()), len(part)) for part in parts]


def _calibration(held: HeldBack) -> str:
    assert held.chances is not None
    figure = figure_of(5, 5)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.6", linestyle=":")
    for i in _shown_classes(held):
        points = calibration_points(
            held.actual == i, held.chances[:, i], min(_BINS, max(2, len(held.actual) // 10))
        )
        axes.plot([p[0] for p in points], [p[1] for p in points], marker="o", label=held.classes[i])
    axes.set(xlabel="predicted probability", ylabel="share of the samples", title="Calibration")
    if axes.get_legend_handles_labels()[0]:
        axes.legend()
    said = (
        "<p>Bins of equal numbers of samples; probabilities are right where the "
        "points lie on the line.</p>"
    )
    return "<h3>Calibration</h3>" + image(figure, "calibration of the probabilities") + said
