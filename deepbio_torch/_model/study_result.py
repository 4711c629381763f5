"""What a study found: scores, predictions and importances, as tables, JSON and a page."""

from __future__ import annotations

import html
import json
import math
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .._version import __version__
from ..errors import WriteError
from .baselines import Answer
from .folds import Fold
from .importance import Importances
from .scores import HIGHER_IS_BETTER, compare, main_score, summarize
from .study import Study

Scores = dict[str, dict[str, Any]]


class StudyResult:
    """The outcome of :func:`deepbio_torch.cross_validate`.

    Attributes:
        study: the samples, targets and groups. folds: train and test indices.
        scores: by method (``model``, then the baselines) and score: ``folds`` (one value each),
            ``mean``, ``sd`` and ``pooled`` (of all out-of-fold predictions at once).
        paired: by baseline: model minus baseline in the main score: ``mean``, ``sd``,
            ``folds_better``.
        predictions: a dict per sample: sample_id, fold, group, actual, prediction, for numbers
            prediction_mean where the model gives it, for classes a probability per class, and the
            prediction of each baseline.
        importances: ASVs and clades, largest first; ``[]`` when none were asked for.
        notes: what a reader must know, a sentence each: samples left out, groups that are
            confounded.
        seconds: by method, per fold.
    """

    def __init__(
        self,
        study: Study,
        folds: Sequence[Fold],
        answers: Mapping[str, Sequence[Answer]],
        seconds: Mapping[str, Sequence[float]],
        importances: Importances,
        notes: Sequence[str],
    ) -> None:
        """Scores the answers."""
        self.study, self.folds, self.importances = study, list(folds), importances
        self.notes, self.seconds = list(notes), {name: list(each) for name, each in seconds.items()}
        self._answers = answers
        self.scores = {name: self._score(each) for name, each in answers.items()}
        score = self.main_score
        ours = self.scores["model"][score]["folds"]
        self.paired = {
            name: compare(ours, self.scores[name][score]["folds"], score)
            for name in answers
            if name != "model"
        }
        self.predictions = self._predictions()

    @property
    def main_score(self) -> str:
        """``mae`` for numbers, ``balanced_accuracy`` for classes."""
        return main_score(self.study.num_classes)

    @property
    def baselines(self) -> Scores:
        """The scores of the baselines alone."""
        return {name: each for name, each in self.scores.items() if name != "model"}

    @property
    def best_baseline(self) -> str | None:
        """The baseline with the best mean of the main score; None without baselines."""
        sign = -1 if HIGHER_IS_BETTER[self.main_score] else 1
        return min(
            self.baselines,
            key=lambda n: sign * self.scores[n][self.main_score]["mean"],
            default=None,
        )

    def _score(self, answers: Sequence[Answer]) -> dict[str, Any]:
        single = [
            self.study.score(fold.test, answer)
            for fold, answer in zip(self.folds, answers, strict=True)
        ]
        pooled = self.study.score_pooled(self.folds, answers)
        scores = {}
        for name, whole in pooled.items():
            values = [each[name] for each in single]
            scores[name] = {"folds": values, **summarize(values), "pooled": whole}
        return scores

    def _predictions(self) -> list[dict[str, Any]]:
        study = self.study
        rows: dict[int, dict[str, Any]] = {}
        for number, fold in enumerate(self.folds):
            for place, i in enumerate(fold.test.tolist()):
                row: dict[str, Any] = {"sample_id": study.table.sample_ids[i], "fold": number}
                if study.groups is not None:
                    row["group"] = study.groups[i]
                row["actual"] = study.targets[i]
                for name, answers in self._answers.items():
                    row |= _cells(name, answers[number], place, study.classes)
                rows[i] = row
        return [rows[i] for i in sorted(rows)]

    def to_dict(self) -> dict[str, Any]:
        """All but the predictions, as JSON-ready values."""
        study = self.study
        return {
            "format": "deepbio study",
            "version": __version__,
            "column": study.column,
            "group_column": study.group_column,
            "classes": study.classes,
            "num_samples": len(study.targets),
            "num_groups": None if study.groups is None else len(set(study.groups)),
            "num_features": study.table.shape[1],
            "main_score": self.main_score,
            "scores": self.scores,
            "paired": self.paired,
            "best_baseline": self.best_baseline,
            "seconds": self.seconds,
            "notes": self.notes,
            "importances": [each._asdict() for each in self.importances],
        }

    def to_table(self) -> list[list[str]]:
        """Header and a row for each method and score: folds, mean, sd, pooled."""
        folds = [f"fold_{k}" for k in range(len(self.folds))]
        rows = [["method", "score", *folds, "mean", "sd", "pooled"]]
        for method, scores in self.scores.items():
            for score, each in scores.items():
                values = [*each["folds"], each["mean"], each["sd"], each["pooled"]]
                rows.append([method, score, *(f"{value:.6g}" for value in values)])
        return rows

    def write(self, directory: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Writes scores.tsv, predictions.tsv, importances.tsv, study.json and study.html.

        All or none.

        Returns:
            The path of the page.

        Raises:
            WriteError: a file exists and ``overwrite`` is False, or cannot be written.
            ConfigError: matplotlib is not installed.
        """
        from .study_page import render

        files = {
            "scores.tsv": _tsv(self.to_table()),
            "predictions.tsv": _tsv(_as_rows(self.predictions)),
            "study.json": json.dumps(_without_nan(self.to_dict()), indent=1) + "\n",
            "study.html": render(self),
        }
        if self.importances:
            files["importances.tsv"] = _tsv(importance_rows(self.importances))
        home = Path(directory)
        there = [name for name in files if (home / name).exists()]
        if there and not overwrite:
            raise WriteError(f"{home / there[0]}: exists; overwrite=True replaces it")
        try:
            home.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=home, prefix=".study_") as scratch:
                for name, text in files.items():
                    (Path(scratch) / name).write_text(text, encoding="utf-8")
                for name in files:
                    shutil.move(Path(scratch) / name, home / name)
        except OSError as error:
            raise WriteError(f"{home}: cannot be written: {error.strerror}") from None
        return home / "study.html"

    def __repr__(self) -> str:
        ours = self.scores["model"][self.main_score]
        shown = f"{self.main_score} {ours['mean']:.4g} ± {ours['sd']:.2g}"
        best = self.best_baseline
        beside = (
            "" if best is None else f", {best} {self.scores[best][self.main_score]['mean']:.4g}"
        )
        return f"StudyResult({self.study.column!r}, {len(self.folds)} folds, {shown}{beside})"

    def _repr_html_(self) -> str:
        names = list(self.scores["model"])
        head = "".join(f"<th>{name}</th>" for name in ("method", *names))
        body = ""
        for method, scores in self.scores.items():
            cells = "".join(
                f"<td>{scores[n]['mean']:.4g} ± {scores[n]['sd']:.2g}</td>" for n in names
            )
            body += f"<tr><th>{html.escape(method)}</th>{cells}</tr>"
        return f"<table><tr>{head}</tr>{body}</table>"


def _cells(name: str, answer: Answer, place: int, classes: Sequence[str]) -> dict[str, Any]:
    label = "prediction" if name == "model" else name
    if not answer.is_there[place]:
        return {label: None}
    if answer.values is not None:
        out: dict[str, Any] = {label: float(answer.values[place])}
        if name == "model" and answer.means is not None:
            out["prediction_mean"] = float(answer.means[place])
        return out
    assert answer.probabilities is not None
    chances = answer.probabilities[place]
    out = {label: classes[int(chances.argmax() if answer.chosen is None else answer.chosen[place])]}
    if name == "model":
        out |= {
            f"probability_{each}": float(chance)
            for each, chance in zip(classes, chances, strict=True)
        }
    return out


def importance_rows(importances: Importances) -> list[list[str]]:
    """Header and a row for each ASV and clade."""
    rows = [
        ["kind", "id", "num_asvs", "name", "importance", "sd", "direction", "prevalence", "members"]
    ]
    for each in importances:
        numbers = (each.importance, each.sd, each.direction, each.prevalence)
        shown = [f"{value:.6g}" for value in numbers]
        rows.append(
            [each.kind, each.id, str(len(each.members)), each.name, *shown, ",".join(each.members)]
        )
    return rows


def _as_rows(records: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    columns = list(dict.fromkeys(name for record in records for name in record))
    return [columns, *([_text(record.get(name)) for name in columns] for record in records)]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _tsv(rows: Sequence[Sequence[str]]) -> str:
    return "".join("\t".join(row) + "\n" for row in rows)


def _without_nan(value: Any) -> Any:
    """JSON has no NaN: null stands for it."""
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value
