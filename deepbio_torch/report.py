"""A run directory as one self-contained HTML page: curves, predicted against actual, options."""

from __future__ import annotations

import argparse
import base64
import csv
import html
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import ConfigError, DeepBioError, MissingFileError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse}td,th{padding:.15rem .8rem .15rem 0;text-align:left}img{max-width:100%}"
)


def _figure(width: float = 7, height: float = 4) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigError("the report needs matplotlib: run  pip install matplotlib") from None
    return Figure(figsize=(width, height), layout="constrained")


def _image(figure: Figure, caption: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<figure><img alt="{html.escape(caption)}" src="data:image/png;base64,{data}"></figure>'


def _table(rows: list[tuple[str, Any]]) -> str:
    cells = (f"<tr><th>{html.escape(k)}</th><td>{html.escape(_text(v))}</td></tr>" for k, v in rows)
    return f"<table>{''.join(cells)}</table>"


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value)


def _curves(epochs: list[dict[str, Any]]) -> str:
    figure = _figure()
    axes = figure.subplots()
    numbers = [epoch["epoch"] for epoch in epochs]
    for key, label in (("train_loss", "training"), ("val_loss", "validation")):
        axes.plot(numbers, [epoch[key] for epoch in epochs], marker=".", label=label)
    best = [epoch["epoch"] for epoch in epochs if epoch.get("is_best")]
    if best:
        axes.axvline(best[-1], color="0.6", linestyle=":", label="best epoch")
    axes.set(xlabel="epoch", ylabel="loss", title="Loss")
    axes.legend()
    return _image(figure, "loss of training and validation by epoch")


def _scatter(predicted: list[float], actual: list[float], name: str) -> str:
    figure = _figure(5, 5)
    axes = figure.subplots()
    axes.scatter(actual, predicted, s=16, alpha=0.7)
    ends = [min(actual + predicted), max(actual + predicted)]
    axes.plot(ends, ends, color="0.6", linestyle=":")
    axes.set(xlabel=f"actual {name}", ylabel=f"predicted {name}", title="Validation samples")
    return _image(figure, "predicted against actual values")


def _confusion(predicted: list[str], actual: list[str]) -> str:
    names = sorted({*predicted, *actual})
    pairs = list(zip(actual, predicted, strict=True))
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    rows = "".join(
        f"<tr><th>{html.escape(row)}</th>{''.join(f'<td>{pairs.count((row, column))}</td>' for column in names)}</tr>"
        for row in names
    )
    return f"<p>Rows actual, columns predicted.</p><table><tr><th></th>{head}</tr>{rows}</table>"


def _predictions(run: Path, config: dict[str, Any]) -> str:
    path = run / "val_predictions.tsv"
    if not path.is_file():
        return ""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    target = config.get("target") or {}
    predicted, actual = [row["prediction"] for row in rows], [row["actual"] for row in rows]
    if target.get("is_classifier"):
        return "<h2>Confusion on validation samples</h2>" + _confusion(predicted, actual)
    name = str(target.get("column", "target"))
    return "<h2>Predicted against actual</h2>" + _scatter([*map(float, predicted)], [*map(float, actual)], name)


def _last_metrics(epochs: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    best = next((epoch for epoch in reversed(epochs) if epoch.get("is_best")), epochs[-1])
    return [("epoch", best["epoch"]), *sorted(best.get("val_terms", best.get("val", {})).items())]


def write_report(run: str | os.PathLike[str]) -> Path:
    """Writes ``RUN/report.html``, whole or not at all, and returns its path.

    Raises:
        MissingFileError: not a run directory. ConfigError: matplotlib is not installed.
    """
    run = Path(run)
    for name in ("config.json", "metrics.jsonl"):
        if not (run / name).is_file():
            raise MissingFileError(f"{run / name}: expected a run directory with config.json and metrics.jsonl", str(run))
    config = json.loads((run / "config.json").read_text())
    epochs = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines() if line.strip()]
    title = html.escape(f"{config.get('kind', 'run')}: {run.name}")
    parts = [f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>"]
    if epochs:
        parts += [_curves(epochs), "<h2>Best epoch</h2>", _table(_last_metrics(epochs))]
    parts += [_predictions(run, config), "<h2>Model</h2>", _table(sorted(config.get("model", {}).items()))]
    training = config.get("training") or {}
    parts += ["<h2>Training</h2>", _table(sorted((training.get("resolved") or training).items()))]
    parts += ["<h2>Versions</h2>", _table(sorted((config.get("versions") or {}).items())), "</html>\n"]
    path = run / "report.html"
    with tempfile.NamedTemporaryFile("w", dir=run, suffix=".tmp", delete=False) as file:
        file.write("\n".join(parts))
        file.flush()
        os.fsync(file.fileno())
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)
    return path


def main(arguments: list[str]) -> int:
    """The command ``deepbio report RUN``; returns the exit code."""
    parser = argparse.ArgumentParser(prog="deepbio report", description="Write RUN/report.html.")
    parser.add_argument("run", metavar="RUN", help="run directory of deepbio train or pretrain")
    parser.add_argument("--quiet", action="store_true", help="do not print the path")
    options = parser.parse_args(arguments)
    try:
        path = write_report(options.run)
    except DeepBioError as error:
        print(f"deepbio: error: {error}", file=sys.stderr)
        return 1
    if not options.quiet:
        print(path)
    return 0
