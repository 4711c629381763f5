"""Distances without a tree, PCoA, PERMANOVA: against SciPy, plain NumPy and, where installed,
scikit-bio."""

import itertools
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist, squareform

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, WrongTypeError

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def table(shared: Path) -> db.Table:
    return db.read_table(shared / "microbiome" / "moving_pictures" / "table.biom")


def plain_pcoa(distances: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = len(distances)
    centring = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(centring @ (-0.5 * distances**2) @ centring)
    values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
    positive = np.clip(values, 0, None)
    total = np.clip(np.linalg.eigvalsh(centring @ (-0.5 * distances**2) @ centring), 0, None).sum()
    return positive, vectors * np.sqrt(positive), positive / total


def test_distances_without_a_tree_are_those_of_scipy(table: db.Table):
    counts = table.to_scipy().toarray()
    logs = np.log(counts + 0.5)
    expected = {
        "braycurtis": pdist(counts, "braycurtis"),
        "jaccard": pdist(counts > 0, "jaccard"),
        "aitchison": pdist(logs - logs.mean(1, keepdims=True)),
    }
    for metric, values in expected.items():
        got = db.beta_diversity(table, metric, pseudocount=0.5)
        assert got.ids == table.sample_ids
        assert np.abs(got.values.numpy() - squareform(values)).max() < 1e-11, metric
    assert torch.equal(
        db.beta_diversity(table, "bray_curtis").values,
        db.beta_diversity(table, "braycurtis").values,
    )
    with pytest.raises(ArgumentError, match="braycurtis"):
        db.beta_diversity(table, "braycurtiss")


def test_coordinates_equal_the_plain_formula_and_the_randomised_ones_the_exact(table: db.Table):
    distances = db.beta_diversity(table)
    eigenvalues, coordinates, shares = plain_pcoa(distances.values.numpy(), 5)
    exact = db.pcoa(distances, 5)
    assert np.allclose(exact.eigenvalues, eigenvalues, atol=1e-12)
    assert np.allclose(exact.coordinates.abs(), np.abs(coordinates), atol=1e-9)
    assert np.allclose(exact.proportion_explained, shares, atol=1e-12)
    random = db.pcoa(distances, 5, method="randomised", seed=3)
    assert np.allclose(random.eigenvalues, eigenvalues, rtol=1e-6)
    assert torch.equal(
        random.coordinates, db.pcoa(distances, 5, method="randomised", seed=3).coordinates
    )
    assert db.pcoa(distances, 0).coordinates.shape == (34, 34)
    with pytest.raises(ArgumentError, match="fast"):
        db.pcoa(distances, method="fast")


def test_pseudo_f_equals_the_plain_formula_and_p_the_share_of_all_orders():
    values = np.abs(np.subtract.outer([1.0, 2, 4, 7, 7.5, 9], [1.0, 2, 4, 7, 7.5, 9]))
    matrix = db.DistanceMatrix(list("abcdef"), torch.from_numpy(values))
    groups = ["x", "y", "x", "y", "y", "x"]

    def pseudo_f(labels: tuple[str, ...]) -> float:
        squared = np.triu(values**2)
        within = sum(
            squared[np.ix_(rows, rows)].sum() / len(rows)
            for rows in ([i for i, label in enumerate(labels) if label == group] for group in "xy")
        )
        return float((squared.sum() / 6 - within) / (within / 4))

    result = db.permanova(matrix, groups, permutations=9999, seed=2)
    assert result.pseudo_f == pytest.approx(pseudo_f(tuple(groups)), rel=1e-12)
    all_orders = [pseudo_f(labels) for labels in itertools.permutations(groups)]
    expected = np.mean(np.array(all_orders) >= result.pseudo_f - 1e-9)
    assert abs(result.p_value - expected) < 5 * np.sqrt(expected * (1 - expected) / 9999) + 1e-4
    by_id = {name: group for name, group in zip("fedcba?", [*groups[::-1], "x"], strict=True)}
    assert db.permanova(matrix, by_id, permutations=9999, seed=2) == result
    with pytest.raises(ArgumentError, match="1 of 6 samples have no group"):
        db.permanova(matrix, {name: "x" for name in "abcde"})


def test_the_command_writes_coordinates_and_distances_without_a_tree(
    deepbio: Run, community_dir: Path, tmp_path: Path
):
    base = ("unifrac", "--table", community_dir / "table.biom")
    deepbio(
        *base,
        "--metric",
        "braycurtis",
        "-o",
        tmp_path / "b.tsv",
        "--pcoa",
        tmp_path / "p.tsv",
        check=True,
    )
    matrix = db.DistanceMatrix.read(tmp_path / "b.tsv")
    assert torch.equal(matrix.values, db.beta_diversity(community_dir / "table.biom").values)
    shares, header, *rows = [
        line.split("\t") for line in (tmp_path / "p.tsv").read_text().splitlines()
    ]
    expected = db.pcoa(matrix)
    assert (
        header == ["sample_id", *(f"PC{k}" for k in range(1, 11))]
        and [row[0] for row in rows] == matrix.ids
    )
    assert np.allclose(np.array([row[1:] for row in rows], float), expected.coordinates, atol=1e-12)
    assert np.allclose(np.array(shares[1:], float), expected.proportion_explained, atol=1e-12)
    tree = ("--tree", community_dir / "tree.nwk")
    for wrong, word in (
        (("--metric", "braycurtis", *tree), "--tree"),
        (("--metric", "jaccard", "--alpha", 0.5), "--alpha"),
        (("--metric", "jaccard", "--pseudocount", 2), "--pseudocount"),
        ((), "--metric unweighted needs --tree"),
    ):
        done = deepbio(*base, *wrong, "-o", tmp_path / "x.tsv")
        assert done.returncode == 1 and word in done.stderr and not (tmp_path / "x.tsv").exists()


def test_validate_says_what_is_wrong_with_a_matrix_in_hdf5(deepbio: Run, tmp_path: Path):
    path = tmp_path / "d.h5"
    with h5py.File(path, "w") as file:
        file["matrix"] = np.array([[0.0, np.nan], [np.nan, 0.0]])
        file["order"] = ["a", "b"]
    done = deepbio("validate", path)
    assert done.returncode == 1 and "a distance between 'a' and 'b'" in done.stdout
    path.write_bytes(path.read_bytes()[:900])
    done = deepbio("validate", path)
    assert (
        done.returncode == 1
        and "whole HDF5 file" in done.stdout
        and "observation" not in done.stdout
    )


def test_scikit_bio_gives_the_same_and_reads_the_ordination(table: db.Table, tmp_path: Path):
    skbio = pytest.importorskip("skbio")
    from skbio.stats.distance import permanova
    from skbio.stats.ordination import pcoa

    counts = table.to_scipy().toarray().astype(int)
    distances = db.beta_diversity(table)
    theirs = skbio.diversity.beta_diversity("braycurtis", counts, table.sample_ids)
    assert np.abs(theirs.data - distances.values.numpy()).max() < 1e-14
    expected, got = pcoa(theirs), db.pcoa(distances, 5)
    assert np.allclose(got.eigenvalues, expected.eigvals[:5], atol=1e-12)
    assert np.allclose(got.proportion_explained, expected.proportion_explained[:5], atol=1e-12)
    assert np.allclose(got.coordinates.abs(), np.abs(expected.samples.to_numpy()[:, :5]), atol=1e-9)
    got.write(tmp_path / "ordination.txt")
    again = skbio.OrdinationResults.read(tmp_path / "ordination.txt")
    assert np.array_equal(again.samples.to_numpy(), got.coordinates.numpy())
    assert list(again.samples.index) == table.sample_ids
    groups = [str(i % 3) for i in range(len(table.sample_ids))]
    statistic = permanova(theirs, groups, permutations=9)["test statistic"]
    assert db.permanova(distances, groups).pseudo_f == pytest.approx(statistic)
    assert np.array_equal(distances.to_skbio().data, distances.values.numpy())


def test_unifrac_of_scikit_bio_is_the_same(table: db.Table, shared: Path):
    skbio = pytest.importorskip("skbio")
    tree = shared / "microbiome" / "moving_pictures" / "tree.nwk"
    their_tree = skbio.TreeNode.read(str(tree), convert_underscores=False)
    names = table.sample_ids[:8]
    counts = table.filter(samples=names).to_scipy().toarray().astype(int)
    for metric, name, options in (
        ("unweighted", "unweighted_unifrac", {}),
        ("weighted_normalized", "weighted_unifrac", {"normalized": True}),
        ("weighted_unnormalized", "weighted_unifrac", {}),
    ):
        expected = skbio.diversity.beta_diversity(
            name, counts, names, taxa=table.feature_ids, tree=their_tree, validate=False, **options
        )
        got = db.unifrac(table, tree, metric=metric).subset(names).values.numpy()
        assert np.abs(got - expected.data).max() < 1e-10, metric


@pytest.mark.skipif(shutil.which("ssu") is None, reason="unifrac-tools are not installed")
@pytest.mark.parametrize(
    "metric", ["unweighted", "weighted_normalized", "weighted_unnormalized", "generalized"]
)
def test_unifrac_binaries_give_the_same(deepbio: Run, shared: Path, tmp_path: Path, metric: str):
    folder = shared / "microbiome" / "moving_pictures"
    table, tree, alpha = (
        folder / "table.biom",
        folder / "tree.nwk",
        ("0.5",) if metric == "generalized" else (),
    )
    extra = [part for value in alpha for part in ("-a", value)]
    command = [
        "ssu",
        "-i",
        table,
        "-t",
        tree,
        "-m",
        f"{metric}_fp64",
        "-o",
        tmp_path / "ssu.tsv",
        *extra,
    ]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    expected = db.DistanceMatrix.read(tmp_path / "ssu.tsv")
    options = {"alpha": 0.5} if alpha else {}
    got = db.unifrac(table, tree, metric=metric, **options).subset(expected.ids)
    # ssu keeps branch lengths in 32 bits.
    assert (got.values - expected.values).abs().max().item() < 1e-7


def test_distances_are_no_coordinates():
    near = db.DistanceMatrix(["a", "b"], [[0.0, 1.0], [1.0, 0.0]])
    with pytest.raises(WrongTypeError, match="got DistanceMatrix; pcoa makes coordinates"):
        db.procrustes(near, near)
