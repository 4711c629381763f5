"""A run directory as one self-contained HTML page.

Curves, predictions, a map of the samples, options.
"""

from __future__ import annotations

import html
import json
import math
import os
from pathlib import Path
from typing import Any

from . import _C
from ._model.report_parts import STYLE, figure_of, image, table_of_pairs
from ._model.report_scores import read_held_back, render_predictions, render_scores
from ._model.run_files import require_files, run_config, run_path
from ._output import write_text
from .errors import ParseError, WriteError
from .metrics import METRICS

_MOST_CLASSES = 12  # with more the map has one colour


def write_report(
    run: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    table: str | os.PathLike[str] | None = None,
    overwrite: bool = True,
) -> Path:
    """Writes the page, whole or not at all, and returns its path.

    Args:
        run: a run directory.
        output: the page; None is ``RUN/report.html``.
        table: samples to place on the map; None takes the run's own table where that file still is.
        overwrite: replace an existing page.

    Raises:
        MissingFileError: not a run directory. ConfigError: matplotlib is not installed. WriteError:
            the page exists.
    """
    run = run_path(run)
    require_files(run, "config.json", "metrics.jsonl")
    path = run / "report.html" if output is None else Path(output)
    if path.exists() and not overwrite:
        raise WriteError(f"{path}: exists; overwrite=True replaces it")
    config = run_config(run)
    epochs = _epochs(run / "metrics.jsonl")
    title = html.escape(f"{config['kind']}: {run.name}")
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>"
        f"<title>{title}</title><style>{STYLE}</style>"
    ]
    parts += [f"<h1>{title}</h1>", _samples(config)]
    if epochs:
        parts += [
            _curves(epochs),
            _metric_curves(epochs),
            "<h2>Best epoch</h2>",
            table_of_pairs(_best(epochs)),
        ]
    held = read_held_back(run, config)
    if held is not None:
        baseline = (config["trained_on"] or {}).get("baseline") or {}
        parts += [render_scores(held, baseline), render_predictions(held)]
    parts.append(_map(run, config, table))
    about = {
        name: value
        for name, value in (config["trained_on"] or {}).items()
        if name not in ("left_out", "content")
    }
    for name, options in (
        ("Model", config["model"]),
        ("Data", {**config["data"], **about}),
        ("Training", (config["training"] or {}).get("resolved", {})),
        ("Versions", config["versions"] or {}),
    ):
        parts.append(
            f"<details><summary>{name}</summary>{table_of_pairs(sorted(options.items()))}</details>"
        )
    write_text(path, "\n".join([*parts, "</html>\n"]))
    return path


def _epochs(path: Path) -> list[dict[str, Any]]:
    """What ``metrics.jsonl`` says of each epoch.

    Raises:
        ParseError: with the line that is no such entry.
    """
    epochs = []
    for number, line in enumerate(_C.read_text(os.fspath(path)).splitlines(), 1):
        try:
            epoch = json.loads(line)
            _ = (
                epoch["epoch"],
                epoch["train_loss"],
                epoch["val_loss"],
                epoch["val"],
                epoch["is_best"],
            )
        except (ValueError, TypeError, KeyError):
            source = os.fspath(path)
            raise ParseError(
                f"{source}: line {number}: expected an epoch as JSON, got {line[:60]!r}",
                source,
                line=number,
            ) from None
        epochs.append(epoch)
    return epochs


def _samples(config: dict[str, Any]) -> str:
    """How many samples trained, how many of each class, and who was left out and why."""
    about = config["trained_on"] or {}
    rows: list[tuple[str, Any]] = []
    if config["target"]:
        rows.append(("target", config["target"]["column"]))
    for key, label in (
        ("num_train", "samples to train on"),
        ("num_val", "held back"),
        ("num_features", "ASVs"),
    ):
        if key in about:
            rows.append((label, about[key]))
    counts = (about.get("baseline") or {}).get("class_counts") or {}
    rows += [(f"training samples of {name}", count) for name, count in counts.items()]
    rows += [
        (f"left out {part['why']}", part["num_samples"]) for part in about.get("left_out") or []
    ]
    return "<h2>Samples</h2>" + table_of_pairs(rows) if rows else ""


def _curves(epochs: list[dict[str, Any]]) -> str:
    figure = figure_of()
    from matplotlib.ticker import MaxNLocator

    axes = figure.subplots()
    numbers = [_number(epoch) for epoch in epochs]
    for key, label in (("train_loss", "training"), ("val_loss", "validation")):
        axes.plot(numbers, [epoch[key] for epoch in epochs], marker=".", label=label)
    best = [_number(epoch) for epoch in epochs if epoch["is_best"]]
    if best:
        axes.axvline(best[-1], color="0.6", linestyle=":", label="best epoch")
    axes.set(xlabel="epoch", ylabel="loss", title="Loss")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
    return image(figure, "loss of training and validation by epoch")


def _metric_curves(epochs: list[dict[str, Any]]) -> str:
    """The metrics that the console shows, each on axes of its own: their units differ."""
    names = [m.name for m in METRICS if m.is_shown and m.name in epochs[-1]["val"]]
    if not names or len(epochs) < 2:
        return ""
    figure = figure_of(3.2 * len(names), 3)
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        axes.plot(
            [_number(epoch) for epoch in epochs], [epoch["val"].get(name) for epoch in epochs]
        )
        axes.set(xlabel="epoch", title=name)
    return image(figure, "metrics of the validation samples by epoch")


def _number(epoch: dict[str, Any]) -> int:
    """As the console counts: the first epoch is 1."""
    return int(epoch["epoch"]) + 1


def _best(epochs: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    best = next((epoch for epoch in reversed(epochs) if epoch["is_best"]), epochs[-1])
    return [("epoch", _number(best)), *sorted(best["val"].items())]


def _map(run: Path, config: dict[str, Any], table: str | os.PathLike[str] | None) -> str:
    """Embeddings of the samples on their first two principal axes, coloured by the target."""
    about = config["trained_on"] or {}
    given: Any = about.get("table") if table is None else os.fspath(table)
    if given is None or config["model"]["encoder_type"] != "unifrac":
        return ""
    if table is None and not Path(given).is_file():
        return (
            f"<h2>Map of the samples</h2><p>{html.escape(given)} is not there any more; "
            "--table FILE draws it.</p>"
        )
    import torch

    from .training import embed

    ids, embeddings = embed(run, given, sequences=about.get("sequences"))
    if len(ids) < 3:
        return (
            "<h2>Map of the samples</h2><p>A map needs at least 3 samples, "
            f"{html.escape(given)} has {len(ids)}.</p>"
        )
    centred = (embeddings - embeddings.mean(0)).double()
    axes_of, lengths, _ = torch.linalg.svd(centred, full_matrices=False)
    points = (axes_of * lengths)[:, :2]
    shares = lengths.square() / lengths.square().sum().clamp_min(1e-300)
    figure = figure_of(6, 5)
    axes = figure.subplots()
    is_classifier = bool(config["target"]) and config["target"]["is_classifier"]
    _draw_points(axes, figure, points, _target_values(config, ids), is_classifier)
    _ring_held_back(axes, points, [i for i, name in enumerate(ids) if name in _held_back(run)])
    axes.set(
        xlabel=f"axis 1 ({shares[0]:.1%})", ylabel=f"axis 2 ({shares[1]:.1%})", title="Samples"
    )
    return "<h2>Map of the samples</h2>" + image(
        figure, "embeddings on their first two principal axes"
    )


def _held_back(run: Path) -> frozenset[str]:
    path = run / "val_samples.txt"
    return (
        frozenset(path.read_text(encoding="utf-8").split("\n")) - {""}
        if path.is_file()
        else frozenset()
    )


def _ring_held_back(axes: Any, points: Any, rows: list[int]) -> None:
    if not rows:
        return
    label = f"held back ({len(rows)})"
    axes.scatter(
        points[rows, 0],
        points[rows, 1],
        s=48,
        facecolors="none",
        edgecolors="black",
        linewidths=0.8,
        label=label,
    )
    axes.legend()


def _target_values(config: dict[str, Any], ids: list[str]) -> list[str] | None:
    """The target of each sample, "" where it has none.

    None where the run's metadata file is not there any more.
    """
    path, target = (config["trained_on"] or {}).get("metadata"), config["target"]
    if not target or not path or not Path(path).is_file():
        return None
    metadata = _C.Metadata.read(path)
    values = dict(zip(metadata.ids, metadata.values(target["column"]), strict=True))
    return [_known(values.get(name, ""), target) for name in ids]


def _known(value: str, target: dict[str, Any]) -> str:
    """The cell, or "" where it holds no number, or no class of the run."""
    if target["is_classifier"]:
        return value if value in target["classes"] else ""
    try:
        return value if math.isfinite(float(value)) else ""
    except ValueError:
        return ""


def _draw_points(
    axes: Any, figure: Any, points: Any, values: list[str] | None, is_classifier: bool
) -> None:
    """Coloured by value or class; samples without one are grey."""
    names = sorted({*values} - {""}) if values is not None else []
    if values is None or not names or (is_classifier and len(names) > _MOST_CLASSES):
        axes.scatter(points[:, 0], points[:, 1], s=16, alpha=0.8)
        return
    without = [i for i, value in enumerate(values) if value == ""]
    if without:
        label = f"no value ({len(without)})"
        axes.scatter(
            points[without, 0], points[without, 1], s=16, alpha=0.8, color="0.7", label=label
        )
    if is_classifier:
        for name in names:
            rows = [i for i, value in enumerate(values) if value == name]
            axes.scatter(
                points[rows, 0], points[rows, 1], s=16, alpha=0.8, label=f"{name} ({len(rows)})"
            )
    else:
        rows = [i for i, value in enumerate(values) if value != ""]
        dots = axes.scatter(
            points[rows, 0], points[rows, 1], s=16, c=[float(values[i]) for i in rows]
        )
        figure.colorbar(dots)
    if is_classifier or without:
        axes.legend()


__all__ = ["write_report"]
