"""Importance on a community whose answer is known: the clades that carry the target are found."""

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import deepbio_torch as db
from deepbio_torch._model.importance import clade_columns
from deepbio_torch.errors import ArgumentError, MissingFileError

Run = Callable[..., subprocess.CompletedProcess[str]]
pytest.importorskip("scipy")

SIMULATE = "--samples 160 --features 80 --length-bp 60 --depth 3000 --reads-per-sample 0 --seed 4"


@pytest.fixture(scope="module")
def learned(deepbio: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated community, a run on its first 120 samples, and a list of the other 40."""
    home = tmp_path_factory.mktemp("importance")
    deepbio("simulate", "-o", home / "data", *SIMULATE.split(), check=True)
    table = db.read_table(home / "data/table.biom")
    table.filter(samples=table.sample_ids[:120]).write(home / "known.biom")
    (home / "unseen.txt").write_text("\n".join(table.sample_ids[120:]) + "\n")
    target = [
        "--metadata",
        home / "data/metadata.tsv",
        "--metadata-column",
        "age",
        "--max-bp",
        60,
        "--seed",
        1,
    ]
    deepbio(
        "train", "--table", home / "known.biom", *target, "--output-dir", home / "run", check=True
    )
    return home


def truth(home: Path) -> dict[str, float]:
    """Change of log abundance per unit of the gradient, by feature."""
    with open(home / "data/truth_features.tsv", newline="") as file:
        return {
            row["feature-id"]: float(row["effect"]) for row in csv.DictReader(file, delimiter="\t")
        }


def test_the_clades_that_carry_the_target_are_found_with_their_direction(learned: Path):
    effect = truth(learned)
    found = db.importance(
        learned / "run",
        learned / "data/table.biom",
        learned / "data/metadata.tsv",
        tree=learned / "data/tree.nwk",
        samples=(learned / "unseen.txt").read_text().split(),
        candidates=60,
        repeats=3,
    )
    # A large clade may hold both; those that carry the target with one sign, or not at all, have a
    # known answer.
    carries, empty = [], []
    for each in (one for one in found if one.kind == "clade"):
        signs = {np.sign(effect[member]) for member in each.members}
        if len(signs) == 1:
            (empty if signs == {0} else carries).append(each)
    assert len(carries) > 10 and len(empty) > 5
    assert carries[0].importance > 2 * carries[0].sd > 0
    # The largest of many that carry nothing is large by chance too, so the best and the means are
    # compared.
    assert carries[0].importance > empty[0].importance
    assert np.mean([each.importance for each in carries]) > 1.5 * np.mean(
        [each.importance for each in empty]
    )
    for each in carries[:3]:
        assert np.sign(effect[each.members[0]]) * each.direction > 0, each
    best = [each for each in found if each.kind == "asv"][:5]
    assert np.mean([effect[each.members[0]] != 0 for each in best]) >= 0.8


def test_only_asvs_that_samples_have_are_tested_and_the_largest_importance_comes_first(
    learned: Path,
):
    unseen = (learned / "unseen.txt").read_text().split()
    table, metadata = learned / "data/table.biom", learned / "data/metadata.tsv"
    found = db.importance(
        learned / "run", table, metadata, samples=unseen, candidates=80, repeats=1
    )
    prevalences = [each.prevalence for each in found]
    assert min(prevalences) > 0 and len(found) <= 80
    assert [each.importance for each in found] == sorted(
        (each.importance for each in found), reverse=True
    )


def test_the_command_prints_what_python_returns(learned: Path, tmp_path: Path):
    inputs = [learned / "data/table.biom", learned / "data/metadata.tsv"]
    options = {"candidates": 5, "repeats": 2, "seed": 7}
    (tmp_path / "few.txt").write_text("\n".join((learned / "unseen.txt").read_text().split()[:20]))
    expected = db.importance(
        learned / "run", *inputs, samples=(tmp_path / "few.txt").read_text().split(), **options
    )
    words = [
        "--model",
        learned / "run",
        "--table",
        inputs[0],
        "--metadata",
        inputs[1],
        "-o",
        tmp_path / "i.tsv",
    ]
    words += ["--samples", tmp_path / "few.txt"]
    words += [word for name, value in options.items() for word in (f"--{name}", value)]
    done = subprocess.run(
        [sys.executable, "-m", "deepbio_torch", "importance", *map(str, words)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    with open(tmp_path / "i.tsv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [row["id"] for row in rows] == [each.id for each in expected]
    assert [float(row["importance"]) for row in rows] == pytest.approx(
        [e.importance for e in expected], rel=1e-4
    )


def test_clades_are_the_inner_nodes_of_the_tree_each_set_once():
    tree = db.Tree.from_newick("(((a:1,b:1):1,(c:1)x:1)y:1,(d:1,(e:1,z:1):1):1,f:1,g:1,h:1);")
    found = {
        tuple(columns.tolist())
        for columns in clade_columns(tree, ["a", "b", "c", "d", "e", "f", "g", "h"])
    }
    assert found == {
        (0, 1),
        (0, 1, 2),
        (3, 4),
    }  # z is not in the table, the root has more than half


def test_what_is_no_run_and_what_is_no_sample_are_said(learned: Path):
    inputs = [learned / "data/table.biom", learned / "data/metadata.tsv"]
    with pytest.raises(MissingFileError, match="run directory"):
        db.importance(learned / "data", *inputs)
    with pytest.raises(ArgumentError, match="nobody"):
        db.importance(learned / "run", *inputs, samples=["nobody"])
