"""How well a target can be predicted from a table, judged on samples that training never saw.

:func:`cross_validate` is ``deepbio study``, :func:`importance` is ``deepbio importance``. The model
of each fold is trained by ``deepbio train`` with its defaults, on the training samples of the fold
alone; baselines answer on the same folds.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ._arguments import whole
from ._community.tables import Metadata, Table, Tree
from ._community.trees import tree_of
from ._model.attribution import Attributions, integrated_gradients
from ._model.baselines import BASELINES, Answer, check_names
from ._model.fold_model import FoldModel, Trained
from ._model.folds import Fold, confounding, describe_problems, make_folds
from ._model.importance import Importance, Importances, importance, merge_importances
from ._model.study import Study
from ._model.study_result import StudyResult
from .errors import ArgumentError

PathLike = str | os.PathLike[str]
Progress = Callable[[str], None]

_REPEATS = 3  # shuffles of each ASV in each fold; the spread comes from the folds
_CONFOUNDED = 0.5  # from here on the group tells more about the target than all else together
_PROBE = "forest_presence"  # the baseline that is also judged on folds without groups


def cross_validate(
    table: Table | PathLike,
    metadata: Metadata | PathLike,
    metadata_column: str,
    *,
    group_column: str | None = None,
    folds: int = 5,
    classifier: bool | None = None,
    stratify: bool = False,
    tree: Tree | PathLike | None = None,
    sequences: PathLike | None = None,
    taxonomy: PathLike | None = None,
    baselines: Sequence[str] = tuple(BASELINES),
    candidates: int = 30,
    runs_dir: PathLike | None = None,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> StudyResult:
    """Judges the default model and baselines on folds of the labelled samples.

    Args:
        table: a Table or the path of one.
        metadata: Metadata or the path of a metadata file.
        metadata_column: the target. Samples without a value are left out and counted.
        group_column: samples of one group (host, study) are never on both sides of a fold.
        folds: how many; each labelled sample is tested once.
        classifier: the column holds classes; None: when it is not numeric.
        stratify: with groups, balance the classes over the folds as far as groups allow.
        tree: a Tree or its path: importance also by clade.
        sequences: a FASTA with the DNA of features whose ids are not DNA.
        taxonomy: names of ASVs: TSV (``Feature ID``, ``Taxon``) or a QIIME 2 artifact.
        baselines: names out of ``constant``, ``forest_abundance``, ``forest_presence``,
            ``extra_trees_abundance``, ``extra_trees_presence``, ``boosting``, ``elastic_net_clr``.
        candidates: how many ASVs, and how many clades, are shuffled in each fold for the
            importances; 0: none.
        runs_dir: a folder that keeps the run directory of each fold, ``fold_0``, ...; None: they
            are removed.
        seed: of folds, models and baselines.
        options: options of ``deepbio train`` by name, for another model than the default one.
        progress: called with a line of text as the study goes on.

    Raises:
        ArgumentError, ConfigError: what cannot be studied. ParseError: a bad file. DeepBioError:
            what ``deepbio train`` or ``predict`` said.
    """
    check_names(baselines)
    if not 0 <= whole(seed, "seed") < 1 << 32:  # as scikit-learn takes them
        raise ArgumentError(f"seed: expected 0 to 2^32 - 1, got {seed}")
    say: Progress = progress or (lambda line: None)
    grown = None if tree is None else tree_of(tree)
    study = Study(table, metadata, metadata_column, group_column, classifier)
    parts = make_folds(study.targets, folds, groups=study.groups, stratify=stratify, seed=seed)
    notes = [*study.notes, *describe_problems(parts, study.targets)]
    say(f"{study.describe()}, {folds} folds")

    with tempfile.TemporaryDirectory(prefix="deepbio_study_") as scratch:
        home = Path(scratch if runs_dir is None else runs_dir)
        model = FoldModel(study, home, sequences, seed, dict(options or {}))
        trained = []
        for number, part in enumerate(parts):
            trained.append(model.run(number, part))
            say(
                f"fold {number}: {_shown(study.score(part.test, trained[-1].answer))}, "
                f"{trained[-1].seconds:.1f} s"
            )
        found: Importances = []
        if candidates:
            found = _importances(
                study, parts, trained, grown, taxonomy, sequences, candidates, seed
            )
            say(f"importances: {len(found)} ASVs and clades")

    answers: dict[str, list[Answer]] = {"model": [each.answer for each in trained]}
    seconds: dict[str, list[float]] = {"model": [each.seconds for each in trained]}
    for name in baselines:
        answers[name], seconds[name] = _answers_of(name, study, parts, seed)
        say(
            f"{name}: {_shown(study.score_pooled(parts, answers[name]))}, "
            f"{sum(seconds[name]):.1f} s"
        )
    result = StudyResult(study, parts, answers, seconds, found, notes)
    result.notes += _left_out(study, parts, answers["model"]) + _about_groups(result, folds, seed)
    return result


def _answers_of(
    name: str, study: Study, parts: Sequence[Fold], seed: int
) -> tuple[list[Answer], list[float]]:
    answers, seconds = [], []
    for part in parts:
        begin = time.monotonic()
        answers.append(BASELINES[name](study.problem(part, seed)))
        seconds.append(time.monotonic() - begin)
    return answers, seconds


def _importances(
    study: Study,
    parts: Sequence[Fold],
    trained: Sequence[Trained],
    tree: Tree | None,
    taxonomy: PathLike | None,
    sequences: PathLike | None,
    candidates: int,
    seed: int,
) -> Importances:
    """Each fold's model on its own test samples; what a fold did not test counts 0 there."""
    ids = study.table.sample_ids
    lists = [
        importance(
            each.run,
            study.table,
            study.metadata,
            tree=tree,
            taxonomy=taxonomy,
            sequences=sequences,
            samples=[ids[i] for i in part.test],
            candidates=candidates,
            repeats=_REPEATS,
            seed=seed,
        )
        for part, each in zip(parts, trained, strict=True)
    ]
    return merge_importances(lists)


def _left_out(study: Study, parts: Sequence[Fold], answers: Sequence[Answer]) -> list[str]:
    missing = sum(int((~answer.is_there).sum()) for answer in answers)
    if not missing:
        return []
    answered, asked = len(study.targets) - missing, len(study.targets)
    return [
        f"the model answered {answered} of {asked} samples: the others have too few reads for it"
    ]


def _about_groups(result: StudyResult, folds: int, seed: int) -> list[str]:
    """What the groups mean for the scores.

    How far they tell the target, and what folds without them would show.
    """
    study = result.study
    if study.groups is None:
        return []
    share = confounding(study.targets, study.groups)
    notes = []
    if share >= _CONFOUNDED:
        what = (
            "of the variance of the target lies between groups"
            if not study.classes
            else "of the classes follow"
        )
        tail = "" if not study.classes else " from the group alone"
        notes.append(
            f"{study.group_column!r} and {study.column!r} are confounded: {share:.0%} "
            f"{what}{tail}. Only folds by group can be trusted, and they ask for what new groups "
            "have in common with known ones."
        )
    mixed = make_folds(study.targets, folds, seed=seed)
    answers, _ = _answers_of(_PROBE, study, mixed, seed)
    score = result.main_score
    apart = result.scores.get(_PROBE) or _scores_of(study, result.folds, seed)
    loose = study.score_pooled(mixed, answers)[score]
    notes.append(
        f"a forest on presence has {score} {apart[score]['pooled']:.4g} on folds by group and "
        f"{loose:.4g} on random folds, where samples of a group stand on both sides: the "
        "difference is what recognising the group is worth"
    )
    ours, known = result.scores["model"], _scores_of_constant(study, result.folds, seed)[score]
    better = (
        ours[score]["pooled"] > known
        if score == "balanced_accuracy"
        else ours[score]["pooled"] < known
    )
    if not better:
        notes.append(
            f"on new groups the model is no better than an answer that looks at nothing ({score} "
            f"{ours[score]['pooled']:.4g} against {known:.4g}): nothing here "
            "generalises to new groups"
        )
    return notes


def _scores_of(study: Study, parts: Sequence[Fold], seed: int) -> dict[str, dict[str, float]]:
    answers, _ = _answers_of(_PROBE, study, parts, seed)
    return {name: {"pooled": value} for name, value in study.score_pooled(parts, answers).items()}


def _scores_of_constant(study: Study, parts: Sequence[Fold], seed: int) -> dict[str, float]:
    return study.score_pooled(parts, _answers_of("constant", study, parts, seed)[0])


def _shown(scores: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in scores.items())


__all__ = [
    "BASELINES",
    "Attributions",
    "Importance",
    "Importances",
    "StudyResult",
    "cross_validate",
    "importance",
    "integrated_gradients",
]
