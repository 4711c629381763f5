"""Does pretraining pay with few labels? Encoders that learned distances without labels, then 25 to
200 labels.

    python benchmarks/science/pretraining.py [SET ...]

For each set: the encoder of the same table (all its samples, no label: the most that pretraining
can be given) and of another set, each under `deepbio train --pretrained` with the labelled samples
of `science.py curves`, whose model and forests are what they are compared with. Encoders are kept
in build/science, so that a second run starts with them. Results go to
benchmarks/results/science.json.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import science
from results import DATA, ROOT, keep

from deepbio_torch._model.baselines import Answer
from deepbio_torch._model.folds import make_folds

ENCODERS = ROOT / "build/science"
EPOCHS, SIZES = 5, (25, 50, 100, 200)
# ECAM's own table has numbers for ids; the encoder needs the DNA.
TABLES = {"ecam_10249": ("table.dna.biom", "tree.dna.nwk")}
OTHER = {"oral_age_2550": "ecam_10249"}  # of all others: oral age, the largest


def encoder(name: str) -> Path:
    """The run of `deepbio pretrain` on a set, made once."""
    run = ENCODERS / name
    if (run / "val_samples.txt").exists() and (run / "model.safetensors").exists():
        return run
    about = science.SETS[name]
    table, tree = TABLES.get(name, (about.table, about.tree))
    words = ["--table", str(DATA / name / table), "--tree", str(DATA / name / tree)]
    words += [
        "--missing-features",
        "drop",
        "--epochs",
        str(EPOCHS),
        "--seed",
        str(science.SEED),
        "--threads",
        "1",
    ]
    science.run("pretrain", *words, "--output-dir", str(run), "--overwrite", "--quiet")
    return run


def few_labels(name: str, folder: Path) -> dict[str, Any]:
    """Pooled scores over the folds by number of labels and encoder."""
    if name in TABLES:
        science.SETS[name] = science.SETS[name]._replace(table=TABLES[name][0])
    study = science._study(name)
    folds = make_folds(study.targets, science.FOLDS, groups=study.groups, seed=science.SEED)
    encoders = {
        "same table": encoder(name),
        "another set": encoder(OTHER.get(name, "oral_age_2550")),
    }
    out: dict[str, Any] = {}
    for size in SIZES:
        rows: list[np.ndarray] = []
        answers: dict[str, list[Answer]] = {label: [] for label in ("none", *encoders)}
        for number, fold in enumerate(folds):
            drawn = np.sort(
                np.random.default_rng([science.SEED, size, number]).permutation(fold.train)[:size]
            )
            too_few = study.classes and len(set(study.numbers[drawn])) < study.num_classes
            if size > len(fold.train) or too_few:
                continue
            train, test = science._part(study.table, drawn), science._part(study.table, fold.test)
            rows.append(fold.test)
            for label in answers:
                more = ["--pretrained", str(encoders[label])] if label in encoders else []
                answers[label].append(
                    science._trained(name, train, test, folder, study.classes, *more)
                )
        if rows:
            out[str(size)] = {
                label: science._pooled(study, rows, each) for label, each in answers.items()
            }
    return out


def main() -> None:
    """Runs the sets that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "sets", nargs="*", default=["sleep_apnea_10422", "ecam_10249", "oral_age_2550"]
    )
    for name in parser.parse_args().sets:
        begin = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="deepbio_science_") as folder:
            found = few_labels(name, Path(folder))
        keep("pretraining", name, found)
        print(f"pretraining {name}: {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
