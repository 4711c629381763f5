"""Tables, trees and distances from Python, against SciPy and the command."""

import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ParseError


def small() -> db.Table:
    counts = np.array([[3, 0, 1], [0, 2, 2]])
    return db.Table.from_arrays(["s1", "s2"], ["A", "B", "C"], counts)


def test_a_table_crosses_to_scipy_and_torch_without_a_copy(community_dir: Path):
    table = db.read_table(community_dir / "table.biom")
    matrix = table.to_scipy()
    assert matrix.shape == table.shape == (24, 40)
    assert np.shares_memory(matrix.data, table.native.values.numpy())
    assert np.array_equal(table.to_torch().to_dense().numpy(), matrix.toarray())
    assert table.totals().tolist() == matrix.sum(1).ravel().tolist()[0] == [500.0] * 24


def test_tables_come_from_arrays_and_sparse_matrices_alike():
    sparse = scipy.sparse.coo_matrix(np.array([[3, 0, 1], [0, 2, 2]]))
    again = db.Table.from_arrays(["s1", "s2"], ["A", "B", "C"], sparse)
    assert np.array_equal(again.to_scipy().toarray(), small().to_scipy().toarray())
    with pytest.raises(ParseError, match="s1"):
        db.Table.from_arrays(["s1", "s1"], ["A", "B", "C"], sparse)


def test_filter_relative_rarefy_and_round_trip(tmp_path: Path):
    table = small()
    assert table.filter(samples=["s2"]).to_scipy().toarray().tolist() == [[0, 2, 2]]
    assert table.filter(features=lambda name: name != "C").feature_ids == ["A", "B"]
    assert torch.allclose(table.relative().totals(), torch.ones(2, dtype=torch.float64))
    assert table.rarefy(2, seed=1).totals().tolist() == [2.0, 2.0]
    for name in ("t.biom", "t.tsv"):
        table.write(tmp_path / name)
        assert np.array_equal(
            db.read_table(tmp_path / name).to_scipy().toarray(), table.to_scipy().toarray()
        )
    assert np.array_equal(
        pickle.loads(pickle.dumps(table)).to_scipy().toarray(), table.to_scipy().toarray()
    )
    with pytest.raises(ArgumentError, match="nobody"):
        table.filter(samples=["nobody"])


def test_unifrac_of_a_toy_tree_is_what_paper_and_pencil_give(tmp_path: Path):
    tree = db.Tree.from_newick("((A:1,B:2):1,C:4);")
    distances = db.unifrac(small(), tree)
    # s1 holds A, C: branches 1, 1, 4; s2 holds B, C: branches 2, 1, 4; only A's 1 and B's 2 are not
    # shared.
    assert distances.values[0, 1].item() == pytest.approx(3 / 8, abs=1e-15)
    # Shares of s1: A 3/4, C 1/4; of s2: B 1/2, C 1/2; differences times lengths over sums times
    # lengths.
    weighted = db.unifrac(small(), tree, metric="weighted_normalized").values[0, 1].item()
    assert weighted == pytest.approx(
        (0.75 + 2 * 0.5 + 0.25 + 4 * 0.25) / (0.75 + 2 * 0.5 + 1.25 + 4 * 0.75), abs=1e-15
    )
    assert db.faith_pd(small(), tree).tolist() == [6.0, 7.0]
    distances.write(tmp_path / "d.npy")
    again = db.DistanceMatrix.read(tmp_path / "d.npy")
    assert again.ids == ["s1", "s2"] and torch.equal(again.values, distances.values)
    assert db.unifrac(small(), tree).subset(["s2"]).values.tolist() == [[0.0]]


def test_real_distances_equal_the_expected_ones(shared: Path):
    folder = shared / "microbiome" / "moving_pictures"
    table, tree = db.read_table(folder / "table.biom"), db.read_tree(folder / "tree.nwk")
    ids = (folder / "expected" / "samples.txt").read_text().split()
    for metric in ("unweighted", "weighted_normalized", "weighted_unnormalized"):
        expected = np.load(folder / "expected" / f"{metric}.npy")
        got = (
            db.unifrac(table, tree, metric=metric, missing_features="drop")
            .subset(ids)
            .values.numpy()
        )
        assert np.abs(got - expected).max() <= 1e-10


def test_a_feature_outside_the_tree_is_named_with_the_way_out():
    tree = db.Tree.from_newick("(A:1,B:1);")
    with pytest.raises(ArgumentError, match="C"):
        db.unifrac(small(), tree)
    said = (
        r"left out 1 of 3 features that are not tips of .*'C' \(37\.5 % of the "
        r"reads; most in sample 's2'"
    )
    with pytest.warns(UserWarning, match=said):
        assert db.unifrac(small(), tree, missing_features="drop").values[0, 1] == 1.0
    with pytest.warns(UserWarning, match=said):
        db.faith_pd(small(), tree, missing_features="drop")
    with pytest.warns(UserWarning, match=said):
        db.UnifracBatch(small(), tree, missing_features="drop")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        db.unifrac(small(), db.Tree.from_newick("(A:1,B:1,C:1);"), missing_features="drop")


def test_an_id_given_twice_is_refused_and_an_empty_subset_is_empty():
    table = db.Table.from_arrays(["s1", "s2"], ["f"], np.ones((2, 1)))
    with pytest.raises(db.errors.ArgumentError, match="'s2' more than once"):
        table.filter(samples=["s2", "s1", "s2"])
    with pytest.raises(db.errors.ArgumentError, match="'a' more than once"):
        db.DistanceMatrix(["a", "a"], torch.zeros(2, 2))
    assert db.DistanceMatrix(["a", "b"], torch.zeros(2, 2)).subset([]).values.shape == (0, 0)


def test_trees_shear_write_and_pickle(tmp_path: Path):
    tree = db.Tree.from_newick("((A:1,B:2):1,C:4);")
    assert sorted(tree.shear(["A", "C"]).tips) == ["A", "C"]
    tree.write(tmp_path / "t.nwk")
    assert (
        db.read_tree(tmp_path / "t.nwk").tips == tree.tips == pickle.loads(pickle.dumps(tree)).tips
    )


def test_tables_and_distances_cross_to_pandas_and_biom(tmp_path: Path):
    biom = pytest.importorskip("biom")
    table = small()
    theirs = table.to_biom()
    assert list(theirs.ids("sample")) == ["s1", "s2"]
    assert theirs.get_value_by_ids("C", "s2") == 2
    again = db.Table.from_biom(theirs)
    assert np.array_equal(again.to_scipy().toarray(), table.to_scipy().toarray())
    assert again.sample_ids == table.sample_ids and again.feature_ids == table.feature_ids
    for name in ("t.biom", "t.tsv"):
        table.write(tmp_path / name)
        written = biom.load_table(str(tmp_path / name))
        assert np.array_equal(written.matrix_data.toarray().T, table.to_scipy().toarray())
        assert list(written.ids("observation")) == table.feature_ids


def test_frames_keep_ids_as_text():
    frame = db.Table.from_arrays(["1.0", "2538.1000101"], ["A"], np.ones((2, 1))).to_pandas()
    assert list(frame.index) == ["1.0", "2538.1000101"] and frame.loc["1.0", "A"] == 1
    matrix = db.DistanceMatrix(["a", "b"], torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    frame = matrix.to_pandas()
    assert frame.loc["a", "b"] == 1 and np.shares_memory(frame.to_numpy(), matrix.values.numpy())


def test_distances_align_to_a_table_as_aam_does():
    matrix = db.DistanceMatrix(["c", "a", "b"], torch.tensor([[0.0, 1, 2], [1, 0, 3], [2, 3, 0]]))
    same, report = matrix.align(["a", "b", "c"])
    assert same.ids == ["a", "b", "c"] and same.values[0, 2] == 1 and report == ""
    shared, report = matrix.align(["x", "c", "y", "b", "z", "w"])
    assert shared.ids == ["b", "c"] and shared.values[0, 1] == 2
    assert (
        "4 samples only in the given ids ('x', 'y', 'z', ...)" in report
        and "1 only in the distances ('a')" in report
    )
    with pytest.raises(ArgumentError, match="in common"):
        matrix.align(["x"])


def test_features_outside_the_tree_are_counted_with_their_reads():
    tree = db.Tree.from_newick("(A:1,B:1);")
    assert small().features_outside(tree) == (["C"], 3 / 8)
    for compute in (db.unifrac, db.faith_pd):
        with pytest.raises(ArgumentError, match=r"1 of 3 features.*'C'.*37\.5% of the reads"):
            compute(small(), tree)


def test_metadata_keeps_ids_as_text_and_types_columns(tmp_path: Path):
    path = tmp_path / "m.tsv"
    text = "\ufeff#SampleID\tage\tsite\tcode\r\n#q2:types\t\t\tcategorical\r\n"
    text += '2538.1000101\t1.50\t"gut\tleft"\t007\r\n'
    path.write_text(text + "s2\tnot applicable\tMissing: Not provided\t8\r\n", newline="")
    metadata = db.read_metadata(path, missing_values="INSDC")
    assert metadata.ids == ["2538.1000101", "s2"] and metadata.columns == ["age", "site", "code"]
    assert [metadata.is_numeric(name) for name in metadata.columns] == [True, False, False]
    assert metadata.numbers("age")[0] == 1.5 and metadata.numbers("age")[1].isnan()
    assert metadata.labels("site") == ["gut\tleft", None] and metadata.labels("code") == [
        "007",
        "8",
    ]
    frame = metadata.to_pandas()
    assert list(frame.index) == metadata.ids and frame["age"].dtype == np.float64
    assert frame["site"].isna().tolist() == [False, True] and frame["code"].tolist() == ["007", "8"]
    samples, rows, report = metadata.compare(["s2", "s3", "s4"])
    assert (
        samples == ["s3", "s4"]
        and rows == ["2538.1000101"]
        and "'s3', 's4'" in report
        and "m.tsv" in report
    )
    with pytest.raises(ParseError, match="line 3"):
        metadata.numbers("site")
    again = pickle.loads(pickle.dumps(metadata))
    assert again.ids == metadata.ids and again.missing == metadata.missing


def test_a_notebook_shows_what_is_in_a_table_a_tree_and_a_matrix(tmp_path: Path):
    table, tree = small(), db.Tree.from_newick("((A:1,B:2):1,C:4);")
    shown = table._repr_html_()
    assert (
        "2 (s1, s2)" in shown
        and "3 (A, B, C)" in shown
        and "4 (66.67%)" in shown
        and "4 / 4 / 4" in shown
    )
    assert "none" in table.filter(samples=[])._repr_html_()
    assert "<td>3 (A, B, C)</td>" in tree._repr_html_()
    matrix = db.unifrac(table, tree)._repr_html_()
    assert "<th>s2</th><td>0.3750</td><td>0.0000</td>" in matrix and "2 samples" in matrix
    assert "&lt;b&gt;" in db.DistanceMatrix(["<b>"], torch.zeros(1, 1))._repr_html_()
    (tmp_path / "m.tsv").write_text("sample_id\tage\tsite\ns1\t3\tgut\n")
    metadata = db.read_metadata(tmp_path / "m.tsv")._repr_html_()
    assert "<th>age</th><td>numbers</td>" in metadata and "<th>site</th><td>words</td>" in metadata


def test_threads_of_a_call_are_its_own_and_change_no_value(community_dir: Path):
    table, tree = community_dir / "table.biom", community_dir / "tree.nwk"
    before = torch.get_num_threads()
    one = db.unifrac(table, tree, metric="generalized", alpha=0.5, num_threads=1).values
    assert torch.equal(
        one, db.unifrac(table, tree, metric="generalized", alpha=0.5, num_threads=3).values
    )
    with pytest.raises(ArgumentError, match="num_threads: expected at least 1, got 0"):
        db.unifrac(table, tree, num_threads=0)
    with pytest.raises(ArgumentError, match="metric"):
        db.unifrac(table, tree, metric="no such", num_threads=before + 1)
    assert torch.get_num_threads() == before
