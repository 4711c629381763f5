"""The product's own model inside of a study.

``deepbio train`` and ``deepbio predict`` on one fold.
"""

from __future__ import annotations

import csv
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .._binary import binary, binary_environment
from .._community.tables import Table
from ..errors import DeepBioError
from .baselines import Answer
from .folds import Fold, Indices
from .study import Study

_PREFIX = "deepbio: error: "
_SPLIT_OPTIONS = {
    "test_size",
    "train_samples",
    "val_samples",
}  # who gives one has a split of an own


class Trained(NamedTuple):
    """A model of one fold.

    Its run directory, its answer for the test samples, seconds to train and to predict.
    """

    run: Path
    answer: Answer
    seconds: float


class FoldModel:
    """Trains on the training samples of a fold alone.

    They are written to a table that holds nothing else.
    """

    def __init__(
        self,
        study: Study,
        home: Path,
        sequences: str | os.PathLike[str] | None,
        seed: int,
        options: Mapping[str, Any],
    ) -> None:
        """Keeps what every fold needs; ``options`` are those of ``deepbio train`` by name."""
        self.study, self.home, self.seed, self.options = study, home, seed, options
        self._fasta = [] if sequences is None else ["--sequences", os.fspath(sequences)]

    def train(self, rows: Indices | Sequence[int], run: Path) -> None:
        """A model of these samples of the study.

        Raises:
            DeepBioError: the words of the command.
        """
        study = self.study
        run.parent.mkdir(parents=True, exist_ok=True)
        table = run.with_name(run.name + "_train.biom")
        self._part(rows).write(table, overwrite=True)
        arguments = [
            "--table",
            table,
            "--metadata",
            study.metadata.native.path,
            "--metadata-column",
            study.column,
        ]
        arguments += ["--output-dir", run, "--seed", self.seed, "--quiet", *self._fasta]
        if study.classes:
            arguments.append("--classifier")
        if study.group_column is not None:
            arguments += ["--group-column", study.group_column]
        lists = (
            []
            if _SPLIT_OPTIONS & {name.replace("-", "_") for name in self.options}
            else self._lists(rows, run)
        )
        for option, path in zip(("--train-samples", "--val-samples"), lists, strict=False):
            arguments += [option, path]
        _run("train", *arguments, *_as_arguments(self.options))
        for path in (table, *lists):
            path.unlink()

    def run(self, number: int, fold: Fold) -> Trained:
        """Trains on ``fold.train`` and predicts ``fold.test``."""
        begin = time.monotonic()
        run = self.home / f"fold_{number}"
        self.train(fold.train, run)
        table, answers = run.with_name(run.name + "_test.biom"), run / "test_predictions.tsv"
        self._part(fold.test).write(table, overwrite=True)
        _run("predict", "--model", run, "--table", table, "-o", answers, "--quiet", *self._fasta)
        table.unlink()
        ids = self.study.table.sample_ids
        answer = read_answer(answers, [ids[i] for i in fold.test], self.study.classes)
        return Trained(run, answer, time.monotonic() - begin)

    def _lists(self, rows: Indices | Sequence[int], run: Path) -> list[Path]:
        """Files of the samples to learn from and to validate on: all but one, and that one.

        The fold's test samples judge the model, so that more held-back samples would only be missed
        in training. ``deepbio train`` wants at least one; it is one of the most frequent class,
        which misses it least.
        """
        ids, labels = self.study.table.sample_ids, [self.study.targets[i] for i in rows]
        held_back = (
            labels.index(max(dict.fromkeys(labels), key=labels.count)) if self.study.classes else 0
        )
        parts = (
            [ids[i] for place, i in enumerate(rows) if place != held_back],
            [ids[rows[held_back]]],
        )
        files = [run.with_name(f"{run.name}_{name}.txt") for name in ("train", "val")]
        for path, names in zip(files, parts, strict=True):
            path.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
        return files

    def _part(self, rows: Indices | Sequence[int]) -> Table:
        return Table(self.study.table.native.select_samples([int(i) for i in rows]))


def read_answer(path: Path, sample_ids: Sequence[str], classes: Sequence[str]) -> Answer:
    """The answer in a file of ``deepbio predict``; NaN for samples that are not in it."""
    with open(path, newline="", encoding="utf-8") as file:
        found = {row["sample_id"]: row for row in csv.DictReader(file, delimiter="\t")}
    place = {sample: i for i, sample in enumerate(sample_ids)}
    if not classes:
        values, means = np.full(len(place), np.nan), np.full(len(place), np.nan)
        for sample, row in found.items():
            values[place[sample]] = float(row["prediction"])
            means[place[sample]] = float(row.get("prediction_mean", "nan"))
        return Answer(values, None, None if np.isnan(means).all() else means)
    # A class that training never saw has no column and no chance.
    chances, chosen = (
        np.full((len(place), len(classes)), np.nan),
        np.zeros(len(place), dtype=np.int64),
    )
    for sample, row in found.items():
        chances[place[sample]] = [float(row.get(f"probability_{label}", 0)) for label in classes]
        chosen[place[sample]] = classes.index(row["prediction"])
    return Answer(None, chances, chosen=chosen)


def _as_arguments(options: Mapping[str, Any]) -> list[str]:
    out: list[str] = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            out.append(flag if value else flag.replace("--", "--no-", 1))
        else:
            out += [flag, str(value)]
    return out


def _run(command: str, *arguments: Any) -> str:
    """Standard output of the packaged command.

    Raises:
        DeepBioError: with the command's own line.
    """
    words = [binary(), command, *map(str, arguments)]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env=binary_environment()
    )
    if done.returncode == 0:
        return done.stdout
    lines = [line for line in done.stderr.splitlines() if line.startswith(_PREFIX)]
    said = (
        lines[-1].removeprefix(_PREFIX)
        if lines
        else f"ended with code {done.returncode}: {done.stderr[-300:]}"
    )
    raise DeepBioError(f"deepbio {command}: {said}")
