"""The page of a study: scores beside baselines, confusion or scatter, important ASVs.

One file that needs nothing.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any, TypeAlias

from .report_parts import STYLE, figure_of, image
from .report_scores import render_confusion
from .scores import HIGHER_IS_BETTER

StudyResult: TypeAlias = (
    Any  # of _study_result, which renders with this module: no import from below
)

_MOST_IMPORTANT = 25  # rows of the table of importances
_LONGEST_ID = 28  # letters of an id that are shown
_MORE_STYLE = (
    ".note{background:#fff6df;padding:.3rem .8rem;margin:.3rem 0}.ours{font-weight:bold}"
    "small{color:#666}"
)


def render(result: StudyResult) -> str:
    """The page as HTML text.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    study = result.study
    title = f"{study.column}: {len(study.targets)} samples, {len(result.folds)} folds"
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(title)}</title>"
    ]
    parts.append(f"<style>{STYLE}{_MORE_STYLE}</style><h1>{html.escape(title)}</h1>")
    parts.append(f"<p>{_verdict(result)}</p>")
    parts += [f'<p class="note">{html.escape(note)}</p>' for note in result.notes]
    parts += ["<h2>Scores on samples that training never saw</h2>", _scores(result)]
    parts += [
        "<h2>By fold</h2>",
        _folds(result),
        "<h2>Paired with the baselines</h2>",
        _paired(result),
    ]
    parts += _predictions(result)
    parts.append(_importances(result))
    return "\n".join([*parts, "</html>\n"])


def _verdict(result: StudyResult) -> str:
    score, best = result.main_score, result.best_baseline
    ours = result.scores["model"][score]
    said = (
        f"The model has {_named(score)} {ours['mean']:.4g} ± {ours['sd']:.2g} "
        "(mean and sd over folds)"
    )
    if best is None:
        return said + "."
    theirs, pair = result.scores[best][score], result.paired[best]
    said += (
        f"; the best baseline, {html.escape(best)}, has {theirs['mean']:.4g} ± "
        f"{theirs['sd']:.2g}. Fold by fold "
    )
    said += f"the model is better in {pair['folds_better']} of {pair['num_folds']}, by "
    gain = pair["mean"] if HIGHER_IS_BETTER[score] else -pair["mean"]
    return said + f"{gain:.3g} ± {pair['sd']:.2g} on average."


def _named(score: str) -> str:
    return score.replace("_", " ").replace("mae", "mean absolute error")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], ours: str = "model") -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in header)
    body = ""
    for row in rows:
        mark = ' class="ours"' if row[0] == ours else ""
        body += f"<tr{mark}>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
    return f"<table><tr>{head}</tr>{body}</table>"


def _scores(result: StudyResult) -> str:
    names = list(result.scores["model"])
    header = [
        "method",
        *(name for name in names),
        *(f"pooled {name}" for name in names),
        "seconds a fold",
    ]
    rows = []
    for method, scores in result.scores.items():
        spread = [f"{scores[name]['mean']:.4g} ± {scores[name]['sd']:.2g}" for name in names]
        pooled = [f"{scores[name]['pooled']:.4g}" for name in names]
        times = result.seconds[method]
        rows.append([method, *spread, *pooled, f"{sum(times) / len(times):.1f}"])
    return _table(header, rows)


def _folds(result: StudyResult) -> str:
    header = [f"{result.main_score}", *(f"fold {k}" for k in range(len(result.folds)))]
    rows = [
        [method, *(f"{value:.4g}" for value in scores[result.main_score]["folds"])]
        for method, scores in result.scores.items()
    ]
    sizes = ["test samples", *(str(len(fold.test)) for fold in result.folds)]
    return _table(header, [*rows, sizes])


def _paired(result: StudyResult) -> str:
    rows = [
        [
            name,
            f"{pair['mean']:+.4g} ± {pair['sd']:.2g}",
            f"{pair['folds_better']} of {pair['num_folds']}",
        ]
        for name, pair in result.paired.items()
    ]
    header = [
        "baseline",
        f"{result.main_score}: model minus baseline",
        "folds where the model is better",
    ]
    return (
        _table(header, rows)
        + "<p><small>Few folds are weak statistics: a difference below its sd is none.</small></p>"
    )


def _predictions(result: StudyResult) -> list[str]:
    known = [row for row in result.predictions if row["prediction"] is not None]
    if result.study.classes:
        shown = render_confusion(
            [row["prediction"] for row in known], [row["actual"] for row in known]
        )
        return ["<h2>Confusion</h2>", shown]
    return ["<h2>Predicted against actual</h2>", _scatter(known, result.study.column)]


def _scatter(rows: Sequence[dict[str, Any]], column: str) -> str:
    figure = figure_of(5, 5)
    axes = figure.subplots()
    actual, predicted = [row["actual"] for row in rows], [row["prediction"] for row in rows]
    axes.scatter(actual, predicted, s=12, alpha=0.5)
    ends = [min(actual + predicted), max(actual + predicted)]
    axes.plot(ends, ends, color="0.6", linestyle=":")
    axes.set(
        xlabel=f"actual {column}", ylabel=f"predicted {column}", title="Out-of-fold predictions"
    )
    return image(figure, "out-of-fold predictions against actual values")


def _importances(result: StudyResult) -> str:
    if not result.importances:
        return ""
    loss = (
        "log loss"
        if result.study.classes
        else f"mean absolute error, in units of {result.study.column}"
    )
    said = (
        "<p>Shuffled between test samples, an ASV (or all ASVs of a clade together) raises the "
        f"{html.escape(loss)} by this much. The direction is the rank correlation of its abundance "
        "with the prediction.</p>"
    )
    header = ["", "ASV or clade", "name", "importance", "direction", "prevalence"]
    rows = [
        [
            each.kind,
            _short(each.members[0])
            + ("" if each.kind == "asv" else f" and {len(each.members) - 1} more"),
            each.name,
            f"{each.importance:.3g} ± {each.sd:.2g}",
            f"{each.direction:+.2f}",
            f"{each.prevalence:.0%}",
        ]
        for each in result.importances[:_MOST_IMPORTANT]
    ]
    return "<h2>Important ASVs and clades</h2>" + said + _table(header, rows)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_ID else name[:_LONGEST_ID] + "…"
