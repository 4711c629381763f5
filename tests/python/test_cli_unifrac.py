"""`deepbio unifrac`: matrices as ssu computes them, in every format."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

Run = Callable[..., object]

UNIFRAC = {
    "unweighted": "unweighted",
    "weighted_normalized": "weighted_normalized",
    "weighted_unnormalized": "weighted_unnormalized",
    "generalized_0.0": "generalized --alpha 0",
    "generalized_0.5": "generalized --alpha 0.5",
    "generalized_1.0": "generalized",
    "unweighted_vaw": "unweighted --variance-adjusted",
    "weighted_normalized_vaw": "weighted_normalized --variance-adjusted",
    "weighted_unnormalized_vaw": "weighted_unnormalized --variance-adjusted",
    "generalized_0.5_vaw": "generalized --alpha 0.5 --variance-adjusted",
}


@pytest.mark.parametrize("metric", UNIFRAC)
def test_unifrac_equals_the_expected_matrix(
    deepbio: Run, moving_pictures: Path, tmp_path: Path, metric: str
) -> None:
    files = ("--table", moving_pictures / "table.biom", "--tree", moving_pictures / "tree.nwk")
    done = deepbio(
        "unifrac",
        *files,
        "--metric",
        *UNIFRAC[metric].split(),
        "-o",
        tmp_path / "D.npy",
        check=True,
    )
    assert done.stdout == ""
    got = np.load(tmp_path / "D.npy")
    expected = np.load(moving_pictures / "expected" / f"{metric}.npy")
    order = (moving_pictures / "expected" / "samples.txt").read_text().split()
    ids = (tmp_path / "D.ids.txt").read_text().split()
    rows = [ids.index(name) for name in order]
    assert got.dtype == np.float64 and np.abs(got[np.ix_(rows, rows)] - expected).max() <= 1e-10


def test_alpha_belongs_to_generalized(deepbio: Run, moving_pictures: Path, tmp_path: Path) -> None:
    files = ("--table", moving_pictures / "table.biom", "--tree", moving_pictures / "tree.nwk")
    done = deepbio("unifrac", *files, "--alpha", 0.5, "-o", tmp_path / "D.npy")
    assert (
        done.returncode == 1
        and "--metric generalized" in done.stderr
        and not (tmp_path / "D.npy").exists()
    )


def test_unifrac_writes_the_same_matrix_in_every_format(
    deepbio: Run, moving_pictures: Path, tmp_path: Path
) -> None:
    files = (
        "--table",
        moving_pictures / "table.tsv",
        "--tree",
        moving_pictures / "tree.nwk",
        "--quiet",
    )
    for name in ("D.npy", "D.tsv", "D.h5"):
        deepbio("unifrac", *files, "-o", tmp_path / name, check=True)
    npy = np.load(tmp_path / "D.npy")
    ids = (tmp_path / "D.ids.txt").read_text().splitlines()
    rows = [line.split("\t") for line in (tmp_path / "D.tsv").read_text().splitlines()]
    assert rows[0][1:] == [row[0] for row in rows[1:]] == ids
    assert np.array_equal(np.array([row[1:] for row in rows[1:]], dtype=float), npy)
    with h5py.File(tmp_path / "D.h5") as file:
        assert [name.decode() for name in file["order"][:]] == ids and np.array_equal(
            file["matrix"][:], npy
        )
    to_stdout = deepbio("unifrac", *files, "-o", "-", check=True)
    assert to_stdout.stdout == (tmp_path / "D.tsv").read_text()
    deepbio("unifrac", *files, "--precision", "float", "-o", tmp_path / "F.npy", check=True)
    single = np.load(tmp_path / "F.npy")
    assert single.dtype == np.float32 and np.abs(single - npy).max() <= 5e-6


def test_features_outside_the_tree_are_an_error_or_dropped_with_a_report(
    deepbio: Run, shared: Path, tmp_path: Path
) -> None:
    folder = shared / "microbiome" / "sleep_apnea_10422"
    files = ("--table", folder / "table.biom", "--tree", folder / "tree.nwk")
    refused = deepbio("faith-pd", *files, "-o", tmp_path / "F.tsv")
    assert refused.returncode == 1 and not (tmp_path / "F.tsv").exists()
    assert "39 of 2916" in refused.stderr and "--missing-features drop" in refused.stderr
    done = deepbio(
        "faith-pd", *files, "-o", tmp_path / "F.tsv", "--missing-features", "drop", check=True
    )
    assert "left out 39 of 2916 features" in done.stderr and "% of the reads" in done.stderr
    assert done.stderr.split("for example")[1].split("(")[0].count("'") == 6
    header, *rows = [line.split("\t") for line in (tmp_path / "F.tsv").read_text().splitlines()]
    assert header == ["sample_id", "faith_pd"]
    expected = dict(
        line.split("\t")
        for line in (folder / "expected" / "faith_pd.tsv").read_text().splitlines()[1:]
    )
    for name, value in rows:
        if name in expected:
            assert float(value) == pytest.approx(float(expected[name]), rel=1e-9)
    assert len(expected) > 600 and len(rows) == 655


def test_unifrac_can_rarefy_first(deepbio: Run, moving_pictures: Path, tmp_path: Path) -> None:
    table, tree = moving_pictures / "table.biom", moving_pictures / "tree.nwk"
    deepbio(
        "rarefy",
        "--table",
        table,
        "--depth",
        1000,
        "--seed",
        3,
        "-o",
        tmp_path / "r.biom",
        check=True,
    )
    deepbio(
        "unifrac",
        "--table",
        tmp_path / "r.biom",
        "--tree",
        tree,
        "-o",
        tmp_path / "a.npy",
        check=True,
    )
    deepbio(
        "unifrac",
        "--table",
        table,
        "--tree",
        tree,
        "--rarefy-depth",
        1000,
        "--seed",
        3,
        "-o",
        tmp_path / "b.npy",
        check=True,
    )
    assert np.array_equal(np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy"))
