"""What the default model is worth: real sets, fixed folds and seeds, every figure through the
public command.

    python benchmarks/science/science.py baselines [SET ...]  # scikit-learn on the folds of
    `deepbio study` python benchmarks/science/science.py studies  [SET ...]   # deepbio study: five
    folds python benchmarks/science/science.py unseen   [SET ...]   # 30 % of the ASVs missing from
    the training tables python benchmarks/science/science.py curves   [SET ...]   # 25, 50, 100, 200
    labels python benchmarks/science/science.py grouped              # oral age, whole source
    studies held back python benchmarks/science/science.py joint                # frozen encoder
    against joint fine-tuning python benchmarks/science/science.py table                #
    results/science.json as Markdown

Needs ../shared/data and scikit-learn. Results are merged into benchmarks/results/science.json part
by part, so that one part can be run again alone. Nothing is chosen by looking at a test fold.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from results import DATA, keep, print_table

import deepbio_torch as db
from deepbio_torch._model.baselines import BASELINES, Answer
from deepbio_torch._model.fold_model import read_answer
from deepbio_torch._model.folds import make_folds
from deepbio_torch._model.study import Study

SEED, FOLDS, HIDDEN_SHARE = 0, 5, 0.3
COMMAND = [sys.executable, "-m", "deepbio_torch"]


class Set(NamedTuple):
    """A data set: the column, its groups, and which samples are asked."""

    column: str
    group: str | None
    is_classifier: bool
    table: str = "table.biom"
    least_reads: int = 0
    where: tuple[str, str] | None = None
    sequences: str | None = None
    tree: str = "tree.nwk"


SETS = {
    "oral_age_2550": Set("age", None, False),
    "ecam_10249": Set("day_of_life", "host_subject_id", False, where=("mom_child", "C")),
    "ibd_2538": Set("ibd", "host_subject_id", True, least_reads=1000, tree="tree.sheared.nwk"),
    "sleep_apnea_10422": Set("exposure_type", "host_subject_id", True, least_reads=1000),
    "cfs_150nt": Set("Subject", None, True),
    "moving_pictures": Set("BodySite", None, True, least_reads=1000, sequences="rep-seqs.fasta"),
}
JUDGED = list(SETS)[:4]  # those with a goal


def chosen_table(name: str) -> db.Table:
    """The samples of a set that are asked, in the order of the file."""
    about = SETS[name]
    table = db.read_table(DATA / name / about.table)
    totals = table.totals().tolist()
    keep = [
        sample
        for sample, reads in zip(table.sample_ids, totals, strict=True)
        if reads >= about.least_reads
    ]
    if about.where:
        metadata = db.read_metadata(DATA / name / "metadata.tsv")
        value = dict(zip(metadata.ids, metadata.labels(about.where[0]), strict=True))
        keep = [sample for sample in keep if value.get(sample) == about.where[1]]
    return table.filter(samples=keep)


def words_of(name: str, table: Path) -> list[str]:
    """The options that say what the data are, and no other."""
    about = SETS[name]
    words = [
        "--table",
        str(table),
        "--metadata",
        str(DATA / name / "metadata.tsv"),
        "--metadata-column",
        about.column,
    ]
    words += ["--sequences", str(DATA / name / about.sequences)] if about.sequences else []
    return words


def run(*words: str) -> str:
    """Standard output of the command; its error ends the benchmark."""
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}\n{done.stderr}")
    return done.stdout


def studies(name: str, folder: Path) -> dict[str, Any]:
    """`deepbio study` with no option but the columns.

    The slow baselines are a part of their own.
    """
    chosen_table(name).write(folder / "table.biom")
    words = words_of(name, folder / "table.biom") + [
        "-o",
        str(folder / "study"),
        "--seed",
        str(SEED),
        "--json",
    ]
    words += ["--group-column", SETS[name].group] if SETS[name].group else []
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = json.loads(
        run("study", *words, "--threads", "1", "--candidates", "0", "--baselines", "constant")
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found["peak_memory_gib"] = after.ru_maxrss / 2**20
    # On a machine that others use, too: reading, folds, training, prediction and the page, a fold's
    # part of it.
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found["cpu_seconds_per_fold"] = spent / FOLDS
    return found


def grouped(folder: Path) -> dict[str, Any]:
    """Oral age again, whole source studies held back (the prefix of a sample's name): does
    anything generalise?"""
    name = "oral_age_2550"
    table = chosen_table(name)
    table.write(folder / "table.biom")
    ages = db.read_metadata(DATA / name / "metadata.tsv")
    age = dict(zip(ages.ids, ages.labels("age"), strict=True))
    rows = [f"{sample}\t{age[sample]}\t{sample.split('.')[0]}\n" for sample in table.sample_ids]
    (folder / "metadata.tsv").write_text("sample-id\tage\tsource\n" + "".join(rows))
    words = [
        "--table",
        str(folder / "table.biom"),
        "--metadata",
        str(folder / "metadata.tsv"),
        "--seed",
        str(SEED),
    ]
    words += [
        "--metadata-column",
        "age",
        "--group-column",
        "source",
        "-o",
        str(folder / "study"),
        "--json",
    ]
    words += ["--threads", "1", "--candidates", "0", "--baselines", "constant,forest_presence"]
    found: dict[str, Any] = json.loads(run("study", *words))
    return found


def baselines(name: str, folder: Path) -> dict[str, Any]:
    """The baselines of `deepbio study` on its folds: scores of each fold, pooled scores,
    seconds."""
    study = _study(name)
    folds = make_folds(study.targets, FOLDS, groups=study.groups, seed=SEED)
    out: dict[str, Any] = {}
    for method, answer_of in BASELINES.items():
        answers, seconds = [], []
        for fold in folds:
            begin = time.monotonic()
            answers.append(answer_of(study.problem(fold, SEED)))
            seconds.append(time.monotonic() - begin)
        single = [
            study.score(fold.test, answer) for fold, answer in zip(folds, answers, strict=True)
        ]
        pooled = study.score_pooled(folds, answers)
        out[method] = {
            score: {"folds": [each[score] for each in single], "pooled": pooled[score]}
            for score in pooled
        }
        out[method]["seconds"] = seconds
    return out


def _trained(
    name: str, train: db.Table, test: db.Table, folder: Path, classes: list[str], *more: str
) -> Answer:
    """The answer of `deepbio train` and `predict`."""
    about = SETS[name]
    train.write(folder / "train.biom", overwrite=True)
    test.write(folder / "test.biom", overwrite=True)
    words = words_of(name, folder / "train.biom") + (
        ["--classifier"] if about.is_classifier else []
    )
    words += ["--group-column", about.group] if about.group else []
    words += [
        "--seed",
        str(SEED),
        "--threads",
        "1",
        "--quiet",
        "--overwrite",
        "--output-dir",
        str(folder / "run"),
    ]
    run("train", *words, *more)
    words = [
        "--model",
        str(folder / "run"),
        "--table",
        str(folder / "test.biom"),
        "-o",
        str(folder / "said.tsv"),
    ]
    words += ["--sequences", str(DATA / name / about.sequences)] if about.sequences else []
    run("predict", *words, "--quiet", "--overwrite")
    return read_answer(folder / "said.tsv", test.sample_ids, classes)


def _study(name: str) -> Study:
    about = SETS[name]
    metadata = DATA / name / "metadata.tsv"
    return Study(chosen_table(name), metadata, about.column, about.group, about.is_classifier)


def _part(table: db.Table, rows: np.ndarray) -> db.Table:
    ids = table.sample_ids
    return table.filter(samples=[ids[i] for i in rows])


def _pooled(study: Study, rows: list[np.ndarray], answers: list[Answer]) -> dict[str, float]:
    folds = [type("Rows", (), {"test": each})() for each in rows]
    return study.score_pooled(folds, answers)


def unseen(name: str, folder: Path) -> dict[str, Any]:
    """Training tables without 30 % of the ASVs (all reads of them), test tables whole."""
    study = _study(name)
    folds = make_folds(study.targets, FOLDS, groups=study.groups, seed=SEED)
    ids = study.table.feature_ids
    hidden = np.random.default_rng(SEED).random(len(ids)) < HIDDEN_SHARE
    known = {feature for feature, is_hidden in zip(ids, hidden, strict=True) if not is_hidden}
    answers: dict[str, list[Answer]] = {}
    for fold in folds:
        whole, test = _part(study.table, fold.train), _part(study.table, fold.test)
        part = whole.filter(features=lambda feature: feature in known)
        for label, table in (("whole", whole), ("hidden", part)):
            answers.setdefault(f"model, {label}", []).append(
                _trained(name, table, test, folder, study.classes)
            )
            seen = np.ones(len(ids), bool) if label == "whole" else ~hidden
            problem = study.problem(fold, SEED)
            problem = problem._replace(train=problem.train.multiply(seen[None]).tocsr())
            for method in ("forest_abundance", "forest_presence", "extra_trees_presence"):
                answers.setdefault(f"{method}, {label}", []).append(BASELINES[method](problem))
    return {label: study.score_pooled(folds, each) for label, each in answers.items()}


def curves(name: str, folder: Path) -> dict[str, Any]:
    """Few labels: the first fold's training samples, drawn once per number of labels.

    The test fold whole.
    """
    study = _study(name)
    folds = make_folds(study.targets, FOLDS, groups=study.groups, seed=SEED)
    out: dict[str, Any] = {}
    for size in (25, 50, 100, 200):
        rows, answers = [], {"model": [], "forest_presence": [], "extra_trees_presence": []}
        for number, fold in enumerate(folds):
            if size > len(fold.train):
                continue
            drawn = np.sort(
                np.random.default_rng([SEED, size, number]).permutation(fold.train)[:size]
            )
            if study.classes and len(set(study.numbers[drawn])) < study.num_classes:
                continue
            problem = study.problem(fold._replace(train=drawn), SEED)
            test = _part(study.table, fold.test)
            rows.append(fold.test)
            answers["model"].append(
                _trained(name, _part(study.table, drawn), test, folder, study.classes)
            )
            for method in ("forest_presence", "extra_trees_presence"):
                answers[method].append(BASELINES[method](problem))
        if rows:
            out[str(size)] = {
                method: _pooled(study, rows, each) for method, each in answers.items()
            }
    return out


def joint(folder: Path) -> dict[str, Any]:
    """R2 of the simulated demo over five seeds: encoder frozen, and trained jointly."""
    out: dict[str, Any] = {"frozen": [], "joint": []}
    for seed in range(5):
        data = folder / f"sim_{seed}"
        run("simulate", "-o", str(data), "--samples", "200", "--features", "120",
            "--length-bp", "60", "--depth", "3000", "--reads-per-sample", "0", "--seed", str(seed),
            "--quiet")  # fmt: skip
        table = db.read_table(data / "table.biom")
        table.filter(samples=table.sample_ids[:160]).write(data / "known.biom")
        table.filter(samples=table.sample_ids[160:]).write(data / "unseen.biom")
        common = [
            "--table",
            str(data / "known.biom"),
            "--max-bp",
            "60",
            "--seed",
            str(seed),
            "--threads",
            "1",
        ]
        run("pretrain", *common, "--tree", str(data / "tree.nwk"), "--epochs", "3",
            "--output-dir", str(data / "pre"), "--quiet")  # fmt: skip
        target = ["--metadata", str(data / "metadata.tsv"), "--metadata-column", "age", "--quiet"]
        for label, more in (("frozen", ["--freeze-base"]), ("joint", ["--no-freeze-base"])):
            words = [
                *common,
                *target,
                "--pretrained",
                str(data / "pre"),
                *more,
                "--output-dir",
                str(data / label),
            ]
            run("train", *words)
            run("predict", "--model", str(data / label), "--table", str(data / "unseen.biom"), "-o",
                str(data / f"{label}.tsv"), "--quiet")  # fmt: skip
            study = Study(data / "unseen.biom", data / "metadata.tsv", "age")
            answer = read_answer(data / f"{label}.tsv", study.table.sample_ids, [])
            out[label].append(study.score(np.arange(len(study.targets)), answer)["r2"])
    return out


PARTS: dict[str, Callable[[str, Path], dict[str, Any]]] = {
    "baselines": baselines,
    "studies": studies,
    "unseen": unseen,
    "curves": curves,
}
WHOLE: dict[str, tuple[list[str], Callable[[Path], dict[str, Any]]]] = {
    "grouped": (["oral_age_2550"], grouped),
    "joint": (["demo"], joint),
}


def main() -> None:
    """Runs the parts that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=[*PARTS, *WHOLE, "table"])
    parser.add_argument(
        "sets",
        nargs="*",
        help=f"some of {', '.join(SETS)} (default: all; unseen, curves: {JUDGED})",
    )
    given = parser.parse_args()
    if given.part == "table":
        print_table()
        return
    names = given.sets or (list(SETS) if given.part in ("baselines", "studies") else JUDGED)
    if given.part in WHOLE:
        names = WHOLE[given.part][0]
    for name in names:
        begin = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="deepbio_science_") as folder:
            whole = WHOLE.get(given.part)
            found = (
                PARTS[given.part](name, Path(folder)) if whole is None else whole[1](Path(folder))
            )
        keep(given.part, name, found)
        print(f"{given.part} {name}: {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
