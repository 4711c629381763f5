"""ANOSIM, PERMDISP, Mantel, adonis, procrustes, biplots: against scikit-bio, SciPy, and vegan's
values in a file."""

from __future__ import annotations

import importlib.util
import json
import math
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.spatial import procrustes as scipy_procrustes

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError

Run = Callable[..., subprocess.CompletedProcess[str]]
VEGAN = Path(__file__).parents[1] / "data" / "vegan"
NAMES = ("moving_pictures", "cfs_150nt", "ibd_2538")


@pytest.fixture(scope="module", params=NAMES)
def case(request: pytest.FixtureRequest, shared: Path) -> SimpleNamespace:
    """A real set with two distances, its columns, and what vegan says."""
    spec = importlib.util.spec_from_file_location("vegan_sets", VEGAN / "sets.py")
    assert spec and spec.loader
    sets = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sets)
    table, columns = sets.read(shared / "microbiome", request.param)
    vegan = json.loads((VEGAN / "vegan.json").read_text())[request.param]
    bray, jaccard = db.beta_diversity(table), db.beta_diversity(table, "jaccard")
    return SimpleNamespace(table=table, columns=columns, vegan=vegan, bray=bray, jaccard=jaccard)


def test_adonis_is_vegan_s(case: SimpleNamespace):
    for key, formula, by in (
        ("terms", "group + factor + number", "terms"),
        ("interaction", "factor * number", "terms"),
        ("margin", "group + factor + number", "margin"),
    ):
        rows = db.adonis(case.bray, case.columns, formula, by=by, permutations=9)
        found = (
            [row.degrees for row in rows]
            + [row.sum_of_squares for row in rows]
            + [row.pseudo_f for row in rows]
        )
        expected = [math.nan if value is None else value for value in case.vegan[key]]
        assert found == pytest.approx(expected, rel=1e-10, nan_ok=True), key
    assert db.permanova(case.bray, case.columns["group"]).pseudo_f == pytest.approx(
        case.vegan["permanova_f"], rel=1e-10
    )


def test_p_within_strata_and_of_margins_is_vegan_s(case: SimpleNamespace):
    within = db.adonis(
        case.bray, case.columns, "number", permutations=9999, seed=2, strata="strata"
    )
    margin = db.adonis(
        case.bray, case.columns, "factor + number", by="margin", permutations=9999, seed=2
    )
    spread = db.permdisp(
        case.bray, case.columns["group"], centre="centroid", permutations=9999, seed=2
    )
    found = [within[0].p_value, margin[0].p_value, margin[1].p_value, spread.p_value]
    expected = [case.vegan["p_strata"], *case.vegan["p_margin"], case.vegan["p_permdisp"]]
    for ours, theirs in zip(found, expected, strict=True):
        assert (
            abs(ours - theirs)
            < 5 * math.sqrt(theirs * (1 - theirs) * (1 / 9999 + 1 / 99999)) + 2e-4
        )


def test_anosim_is_that_of_vegan_and_scikit_bio(case: SimpleNamespace):
    distance = pytest.importorskip("skbio.stats.distance")
    ours = db.anosim(case.bray, case.columns["group"], permutations=4999)
    theirs = distance.anosim(case.bray.to_skbio(), case.columns["group"], permutations=499, seed=1)
    assert ours.r == pytest.approx(case.vegan["anosim_r"], rel=1e-10)
    assert ours.r == pytest.approx(theirs["test statistic"], rel=1e-10)
    share = ours.p_value
    assert (
        abs(share - theirs["p-value"])
        < 5 * math.sqrt(share * (1 - share) * (1 / 4999 + 1 / 499)) + 2e-3
    )


def test_permdisp_is_vegan_s_and_without_imaginary_axes_scikit_bio_s(case: SimpleNamespace):
    distance = pytest.importorskip("skbio.stats.distance")
    groups = case.columns["group"]
    centroid = db.permdisp(case.bray, groups, centre="centroid", permutations=9)
    assert centroid.f == pytest.approx(case.vegan["permdisp_centroid_f"], rel=1e-10)
    assert list(centroid.to_centre.values()) == pytest.approx(
        case.vegan["permdisp_centroid"], rel=1e-10
    )
    # vegan's search for the median (nlm) ends earlier; that ours is the least is a test in C++.
    median = db.permdisp(case.bray, groups, permutations=9)
    assert median.f == pytest.approx(case.vegan["permdisp_median_f"], rel=1e-3)
    everything = {"dimensions": len(groups), "permutations": 0, "warn_neg_eigval": False}
    for centre, precision in (("centroid", 1e-10), ("median", 1e-5)):
        theirs = distance.permdisp(case.bray.to_skbio(), groups, test=centre, **everything)
        ours = db.permdisp(case.bray, groups, centre=centre, imaginary="drop", permutations=9)
        assert ours.f == pytest.approx(theirs["test statistic"], rel=precision)


def test_mantel_is_that_of_vegan_and_scikit_bio(case: SimpleNamespace):
    distance = pytest.importorskip("skbio.stats.distance")
    other = case.jaccard.subset(case.jaccard.ids[::-1])
    for method in ("pearson", "spearman"):
        ours = db.mantel(case.bray, other, method=method, permutations=19)
        theirs = distance.mantel(
            case.bray.to_skbio(), case.jaccard.to_skbio(), method=method, permutations=0
        )
        assert ours.r == pytest.approx(case.vegan[f"mantel_{method}"], rel=1e-10)
        assert ours.r == pytest.approx(theirs[0], rel=1e-10)


def test_procrustes_is_that_of_vegan_and_scipy(case: SimpleNamespace):
    a, b = db.pcoa(case.bray, 3), db.pcoa(case.jaccard.subset(case.jaccard.ids[::-1]), 3)
    found = db.procrustes(a, b, permutations=99)
    back = b.coordinates.flip(0).numpy()
    first, second, disparity = scipy_procrustes(a.coordinates.numpy(), back)
    assert found.disparity == pytest.approx(disparity, rel=1e-10)
    assert found.disparity == pytest.approx(case.vegan["procrustes"], rel=1e-10)
    assert np.abs(found.reference.numpy() - first).max() < 1e-12
    assert np.abs(found.fitted.numpy() - second).max() < 1e-10
    assert found.p_value == 0.01 and found.correlation == pytest.approx(
        math.sqrt(1 - disparity), rel=1e-12
    )


def test_biplots_are_those_of_scikit_bio_and_are_read_by_it(case: SimpleNamespace, tmp_path: Path):
    skbio = pytest.importorskip("skbio")
    from skbio.stats.ordination import pcoa, pcoa_biplot

    shares = case.table.relative()
    ours = db.pcoa(case.bray, 5).biplot(shares.filter(samples=shares.sample_ids[::-1]))
    theirs = pcoa(case.bray.to_skbio(), dimensions=5, warn_neg_eigval=False)
    features = shares.to_pandas().sparse.to_dense()
    expected = pcoa_biplot(theirs, features).features.to_numpy()
    signs = np.sign((ours.coordinates.numpy() * theirs.samples.to_numpy()).sum(0))
    assert ours.features is not None
    assert np.abs(ours.features.numpy() - expected * signs).max() < 1e-10
    ours.write(tmp_path / "b.txt")
    again = skbio.OrdinationResults.read(str(tmp_path / "b.txt"))
    assert list(again.features.index) == ours.feature_ids
    assert np.array_equal(again.features.to_numpy(), ours.features.numpy())


def test_distances_of_compositions_are_those_of_vegan_and_of_scikit_bio(case: SimpleNamespace):
    composition = pytest.importorskip("skbio.stats.composition")
    for metric in ("robust_aitchison", "hellinger"):
        row = db.beta_diversity(case.table, metric).values[0].tolist()
        assert row == pytest.approx(case.vegan[metric], rel=1e-10, abs=1e-12), metric
    counts = case.table.to_scipy().toarray()
    assert (
        np.abs(db.clr(case.table, pseudocount=0.5).numpy() - composition.clr(counts + 0.5)).max()
        < 1e-10
    )
    rclr = db.rclr(case.table).numpy()
    assert np.abs(np.nan_to_num(rclr - composition.rclr(counts))).max() < 1e-10
    assert np.array_equal(np.isnan(rclr), counts == 0)
    lengths = np.linalg.norm(counts[:, None, :50] - counts[None, :, :50], axis=2)
    few = case.table.filter(features=set(case.table.feature_ids[:50]).__contains__)
    assert np.abs(db.beta_diversity(few, "euclidean").values.numpy() - lengths).max() < 1e-8


def test_rarefaction_curves_have_the_means_of_vegan_s_rarefy(case: SimpleNamespace):
    depth = int(case.table.totals().min())
    curve = db.rarefaction_curve(case.table, depths=[depth, 1], draws=50, seed=4)
    assert curve.depths == [1, depth] and curve.mean[0].eq(1).all()
    error = (curve.spread[1] / math.sqrt(50)).numpy()
    assert (np.abs(curve.mean[1].numpy() - case.vegan["rarefy"]) < 5.5 * error + 1e-9).all()
    frame = curve.to_pandas()
    assert list(frame.columns) == case.table.sample_ids and frame.index.name == "depth"


def test_metadata_of_any_kind_gives_the_same_rows(tmp_path: Path):
    x = np.array([1.0, 2, 4, 7, 7.5, 9])
    ids = [f"s{i}" for i in range(6)]
    matrix = db.DistanceMatrix(ids, np.abs(x[:, None] - x[None]))
    columns = {"site": ["a", "b", "a", "b", "b", "a"], "age": [3.0, 1.0, 4.0, 1.0, 5.0, 9.0]}
    frame = pd.DataFrame(columns, index=ids)
    frame.iloc[::-1].rename_axis("sample-id").to_csv(tmp_path / "m.tsv", sep="\t")
    rows = [
        repr(db.adonis(matrix, metadata, "site + age", permutations=99))
        for metadata in (columns, frame, frame.iloc[::-1], db.read_metadata(tmp_path / "m.tsv"))
    ]
    assert len(set(rows)) == 1 and "'Residual', degrees=3" in rows[0]
    with pytest.raises(ArgumentError, match="no column 'sites'"):
        db.adonis(matrix, columns, "sites")
    with pytest.raises(ArgumentError, match="1 of 6 samples have no value of 'site' .s2"):
        db.adonis(matrix, frame.assign(site=["a", "b", None, "b", "b", "a"]), "site")
    with pytest.raises(ArgumentError, match="different samples"):
        db.procrustes(db.pcoa(matrix, 2), db.pcoa(matrix.subset(ids[:5]), 2))
    with pytest.raises(ArgumentError, match="1 samples are in one matrix only .s5"):
        db.mantel(matrix, matrix.subset(ids[:5]))
    with pytest.raises(ArgumentError, match="1 samples are not in the table"):
        db.pcoa(matrix, 2).biplot(db.Table.from_arrays(ids[:5], ["f"], np.ones((5, 1))))
    with pytest.warns(UserWarning, match="anosim: 2 of 6 samples have no group"):
        left = db.anosim(
            matrix, ["a", "b", "a", None, "b", ""], missing_groups="drop", strata=list("uuuuuu")
        )
    assert left.num_samples == 4


def test_commands_say_what_python_does(tmp_path: Path, deepbio: Run):
    x = np.array([1.0, 2, 4, 7, 7.5, 9, 3, 5])
    ids = [f"s{i}" for i in range(8)]
    matrix = db.DistanceMatrix(ids, np.abs(x[:, None] - x[None]))
    other = db.DistanceMatrix(ids[::-1], np.abs(x[::-1][:, None] ** 2 - x[::-1][None] ** 2))
    matrix.write(tmp_path / "d.tsv")
    other.write(tmp_path / "o.tsv")
    columns = {
        "site": list("abababab"),
        "host": list("uuuuvvvv"),
        "age": [3.0, 1, 4, 1, 5, 9, 2, 6],
    }
    pd.DataFrame(columns, index=ids).rename_axis("sample-id").to_csv(tmp_path / "m.tsv", sep="\t")
    options = (
        "--distances",
        tmp_path / "d.tsv",
        "--metadata",
        tmp_path / "m.tsv",
        "--json",
        "--seed",
        3,
    )
    grouped = (*options, "--metadata-column", "site", "--strata", "host")

    def run(*args: object) -> dict | list:
        return json.loads(deepbio(*args, check=True).stdout)

    settings = {"strata": columns["host"], "seed": 3}
    found = db.permanova(matrix, columns["site"], **settings)
    assert run("permanova", *grouped)["p_value"] == found.p_value
    found = db.anosim(matrix, columns["site"], **settings)
    assert (run("anosim", *grouped)["r"], run("anosim", *grouped)["p_value"]) == (
        found.r,
        found.p_value,
    )
    spread = db.permdisp(matrix, columns["site"], centre="centroid", **settings)
    said = run("permdisp", *grouped, "--centre", "centroid")
    assert (said["f"], said["p_value"], said["spread"]) == (spread.f, spread.p_value, spread.spread)
    rows = db.adonis(matrix, columns, "site * age", by="margin", seed=3, strata="host")
    said = run("adonis", *options, "--formula", "site * age", "--by", "margin", "--strata", "host")
    assert [row["sum_of_squares"] for row in said] == [row.sum_of_squares for row in rows]
    assert said[0]["p_value"] == rows[0].p_value and said[-1]["p_value"] is None
    mantel = db.mantel(matrix, other, method="spearman", alternative="greater", seed=3)
    both = ("--distances", tmp_path / "d.tsv", "--other", tmp_path / "o.tsv", "--json", "--seed", 3)
    said = run("mantel", *both, "--method", "spearman", "--alternative", "greater")
    assert (said["r"], said["p_value"]) == (mantel.r, mantel.p_value)
    done = deepbio("adonis", *options, "--formula", "sites")
    assert done.returncode == 1 and "did you mean 'site'" in done.stderr
