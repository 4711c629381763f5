"""Random small studies: a run is whole or not there, and what is held back is not trained on.

DEEPBIO_STUDIES=N tries more of them than the test-suite does.
"""

import csv
import os
import random
from pathlib import Path
from typing import NamedTuple

import pytest

STUDIES = int(os.environ.get("DEEPBIO_STUDIES", "24"))
NAMES = ("s{}", "sample {}", "{}", "0{}", "1e{}", "Prøve-{}", "s.{}", "#s{}", "a,b{}", "NA{}")
WORDS = ("", "NA", "none", "missing", "not collected", "0", "-1", "1.5", "é", "a b", "True", "nan")


class Study(NamedTuple):
    """What is written of a study, and what is asked."""

    samples: list[str]
    values: list[str]
    words: list[str]


def write(folder: Path, rng: random.Random) -> Study:
    """table.tsv and metadata.tsv."""
    pattern = rng.choice(NAMES)
    samples = [pattern.format(i) for i in range(rng.randint(2, 60))]
    features = ["".join(rng.choices("ACGT", k=30)) for _ in range(rng.randint(1, 25))]
    with (folder / "table.tsv").open("w", newline="") as file:
        table = csv.writer(file, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None)
        table.writerow(["#OTU ID", *samples])
        for feature in features:
            table.writerow([feature, *(rng.choice((0, 0, 1, 7, 90)) for _ in samples)])
    is_number = rng.random() < 0.4
    classes = rng.sample(WORDS[1:], 3) + [f"class{i}" for i in range(5)]
    classes = classes[: rng.randint(1, 8)]
    missing = rng.choice((0.0, 0.0, 0.1, 0.6))
    values = []
    for _ in samples:
        value = f"{rng.gauss(0, rng.choice((0, 1, 1e6))):.3f}" if is_number else rng.choice(classes)
        values.append(rng.choice(("", "", "NA")) if rng.random() < missing else value)
    listed = [s for s in samples if rng.random() > rng.choice((0.0, 0.0, 0.3))]
    with (folder / "metadata.tsv").open("w", newline="") as file:
        lines = csv.writer(file, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None)
        lines.writerow(["sample_id", "column", "host"])
        for sample, value in zip(samples, values, strict=True):
            if sample in listed:
                lines.writerow([sample, value, f"host{rng.randrange(5)}"])
    words = ["--epochs", "1", "--threads", "1", "--seed", str(rng.randrange(100))]
    words += [] if is_number and rng.random() < 0.8 else ["--classifier"]
    words += ["--group-column", "host"] if rng.random() < 0.3 else []
    words += ["--missing-samples", "drop"] if rng.random() < 0.7 else []
    words += ["--missing-values", "NA"] if rng.random() < 0.3 else []
    words += ["--rarefy-depth", rng.choice(("0", "5", "auto"))]
    words += ["--test-size", rng.choice(("0.2", "0.5", "0.01"))]
    words += ["--batch-size", rng.choice(("1", "4", "64"))]
    words += ["--ensemble", "1", "--calibration-folds", rng.choice(("0", "2"))]
    return Study(samples, values, words)


@pytest.mark.parametrize("number", range(STUDIES))
def test_a_run_is_whole_or_not_there(number: int, deepbio, tmp_path: Path):
    study = write(tmp_path, random.Random(number))
    run, files = tmp_path / "run", ("--table", tmp_path / "table.tsv")
    about = ("--metadata", tmp_path / "metadata.tsv", "--metadata-column", "column")
    done = deepbio("train", *files, *about, "--output-dir", run, *study.words)
    if done.returncode != 0:
        assert done.returncode == 1, done.stderr
        errors = [line for line in done.stderr.splitlines() if line.startswith("deepbio: error: ")]
        assert len(errors) == 1 and "internal" not in done.stderr, done.stderr
        assert not run.exists()
        return
    train, held_back = (
        (run / name).read_text().splitlines() for name in ("train_samples.txt", "val_samples.txt")
    )
    assert train and not set(train) & set(held_back)
    assert set(train) | set(held_back) <= set(study.samples)
    known = dict(zip(study.samples, study.values, strict=True))
    assert "" not in {known[sample] for sample in [*train, *held_back]}
    predicted = tmp_path / "predicted.tsv"
    deepbio("predict", "--model", run, *files, "-o", predicted, check=True)
    with predicted.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert set(train) | set(held_back) <= {row["sample_id"] for row in rows}
    scored = {line.split("\t")[0] for line in _predictions_of(run)}
    assert scored == set(held_back)


def _predictions_of(run: Path) -> list[str]:
    path = run / "val_predictions.tsv"
    return path.read_text().splitlines()[1:] if path.exists() else []
