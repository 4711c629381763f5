"""Tables, trees, metadata and distances as users have them: right values, or a refusal that says
what to do."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ParseError, ShapeError

Run = Callable[..., object]
LINE = torch.tensor([0.0, 1.0, 2.0, 9.0, 5.0, 6.0, 7.5, -3.0], dtype=torch.float64)


def on_a_line() -> db.DistanceMatrix:
    return db.DistanceMatrix([f"S{i}" for i in range(8)], (LINE[:, None] - LINE[None]).abs())


# --- distances
# ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -1.0, 0.7])
def test_no_constructor_and_no_statistic_takes_what_is_no_distance(bad: float):
    matrix = on_a_line()
    values = matrix.values.clone()
    values[3, 6] = bad
    other = on_a_line()
    other.values[3, 6] = bad  # behind the back of the constructor
    for call in (
        lambda: db.DistanceMatrix(matrix.ids, values),
        lambda: db.DistanceMatrix(matrix.ids, values.float()),
        lambda: db.DistanceMatrix(matrix.ids, values.numpy()),
        lambda: other.with_ids(matrix.ids),
        lambda: db.pcoa(other, 2),
        lambda: db.permanova(other, list("abababab")),
    ):
        with pytest.raises(ArgumentError, match="'S3' and 'S6'"):
            call()


def test_rounding_is_mended_by_the_constructor_and_left_out_of_the_callers_tensor():
    values = on_a_line().values.clone()
    values[0, 0], values[1, 2] = 1e-17, values[1, 2] + 1e-9
    before = values.clone()
    matrix = db.DistanceMatrix(on_a_line().ids, values)
    assert torch.equal(values, before)
    assert torch.equal(matrix.values, matrix.values.T) and not matrix.values.diagonal().any()
    with pytest.raises(ArgumentError, match=r"0 between 'S0' and 'S0', got 1e-05"):
        values[0, 0] = 1e-5
        db.DistanceMatrix(on_a_line().ids, values)


def test_distances_of_numpy_and_lists_are_converted_whatever_their_layout():
    square = np.array([[0, 1, 2], [1, 0, 3], [2, 3, 0]])
    for given in (
        square,
        square.astype(">f8"),
        square[::-1, ::-1],
        np.asfortranarray(square),
        square.tolist(),
    ):
        matrix = db.DistanceMatrix(["a", "b", "c"], given)
        assert matrix.values.dtype == torch.float64
        assert db.pcoa(matrix, 2).coordinates.shape == (3, 2)
        assert matrix.subset(["a"]).values.tolist() == [[0.0]]
        assert db.permanova(matrix, ["x", "y", "y"], permutations=9).num_groups == 2
    assert db.DistanceMatrix(["a", "b", "c"], square.astype("f4")).values.dtype == torch.float32
    with pytest.raises(ShapeError, match=r"expected \[2, 2\]"):
        db.DistanceMatrix(["a", "b"], square)
    with pytest.raises(ArgumentError, match="expected numbers"):
        db.DistanceMatrix(["a"], np.array([["x"]]))


# --- groups
# ---------------------------------------------------------------------------------------------

GROUPS = ["a", "a", "a", None, "b", "b", "b", None]


def test_a_sample_without_a_group_is_no_group_of_its_own():
    pandas = pytest.importorskip("pandas")
    matrix = on_a_line()
    holes = [None, math.nan, "", "  ", pandas.NA, pandas.NaT, np.nan]
    for hole in holes:
        labels = [hole if group is None else group for group in GROUPS]
        for groups in (
            labels,
            dict(zip(matrix.ids, labels, strict=True)),
            pandas.Series(labels, index=matrix.ids),
        ):
            with pytest.raises(ArgumentError, match=r"2 of 8 samples have no group \(S3, S7\)"):
                db.permanova(matrix, groups)
    # By scikit-bio: permanova(DistanceMatrix(...).filter(...), ...)["test statistic"].
    with pytest.warns(UserWarning, match="2 of 8 samples have no group"):
        found = db.permanova(matrix, GROUPS, missing_groups="drop")
    assert found.pseudo_f == pytest.approx(31.0, abs=1e-12)
    assert (found.num_groups, found.num_samples) == (2, 6)
    with pytest.raises(ArgumentError, match="error or drop"):
        db.permanova(matrix, GROUPS, missing_groups="keep")
    with pytest.raises(ArgumentError, match="one for each of 8 samples, got 3"):
        db.permanova(matrix, ["a", "b", "b"])


# --- metadata
# -------------------------------------------------------------------------------------------


def test_none_and_na_are_values_unless_the_caller_says_otherwise(tmp_path: Path):
    path = tmp_path / "m.tsv"
    path.write_text(
        "sample-id\ttreatment\tcountry\tage\nS1\tnone\tNA\t\nS2\tdrug\tDE\tnot "
        "provided\nS3\t\tNA\t3\n"
    )
    plain = db.read_metadata(path)
    assert plain.labels("treatment") == ["none", "drug", None]
    assert plain.labels("country") == ["NA", "DE", "NA"]
    assert plain.missing == {"treatment": {"": 1}, "age": {"": 1}}
    assert not plain.is_numeric("age")
    with pytest.raises(ParseError, match=r"line 3: .*'not provided'; .*missing_values"):
        plain.numbers("age")
    told = db.read_metadata(path, missing_values=["NA", "INSDC"])
    assert told.labels("country") == [None, "DE", None]
    assert told.numbers("age").isnan().tolist() == [True, True, False]
    assert told.missing["country"] == {"NA": 2} and told.missing["age"] == {
        "": 1,
        "not provided": 1,
    }
    assert db.read_metadata(path, missing_values="NA").labels("country") == [None, "DE", None]


# --- text
# -----------------------------------------------------------------------------------------------

LATIN = {
    "table.tsv": b"#OTU ID\t\xd6ch1\tS2\notu1\t10\t2\n",
    "meta.tsv": b"sample-id\tname\nS1\tM\xfcller\n",
    "tree.nwk": b"(\xd6:1,b:2);",
    "d.tsv": b"\t\xd6\tb\n\xd6\t0\t1\nb\t1\t0\n",
    "old.biom": b'{"id": null, "format": "1.0.0", "type": "OTU table", "matrix_type": "sparse",\n'
    b'"rows": [{"id": "\xd6", "metadata": null}], "columns": [{"id": "s", "metadata": null}],\n'
    b'"matrix_element_type": "int", "shape": [1, 1], "data": [[0, 0, 5]]}',
}


def test_text_that_is_not_utf8_is_a_parse_error_in_every_reader_and_never_written_on(
    tmp_path: Path, deepbio: Run
):
    readers = {"table.tsv": db.read_table, "meta.tsv": db.read_metadata, "tree.nwk": db.read_tree}
    readers["old.biom"] = db.read_table
    for name, content in LATIN.items():
        path = tmp_path / name
        wide = content.decode("latin-1").encode("utf-16")
        for encoded, said in ((content, "Latin-1"), (wide, "UTF-16")):
            path.write_bytes(encoded)
            with pytest.raises(ParseError, match=said) as caught:
                readers.get(name, db.DistanceMatrix.read)(path)
            assert caught.value.path == str(path) and caught.value.line >= 1
            done = deepbio("validate", path)
            assert done.returncode == 1 and said in done.stdout
        path.write_text(content.decode("latin-1"), encoding="utf-8")
        readers.get(name, db.DistanceMatrix.read)(path)
    (tmp_path / "table.tsv").write_bytes(LATIN["table.tsv"])
    done = deepbio(
        "rarefy", "--table", tmp_path / "table.tsv", "--depth", 1, "-o", tmp_path / "x.biom"
    )
    assert done.returncode == 1 and not (tmp_path / "x.biom").exists()


def test_carriage_returns_alone_end_lines(tmp_path: Path, deepbio: Run):
    path = tmp_path / "mac.tsv"
    path.write_bytes(b"#OTU ID\tS1\tS2\rA\t11\t12\rB\t13\t14")
    table = db.read_table(path)
    assert (table.sample_ids, table.feature_ids) == (["S1", "S2"], ["A", "B"])
    # |11 - 12| + |13 - 14| over 50 reads
    assert db.beta_diversity(table, "bray_curtis").values[0, 1].item() == pytest.approx(
        0.04, abs=1e-15
    )
    done = deepbio("unifrac", "--table", path, "--metric", "Bray-Curtis", "-o", "-", check=True)
    assert done.stdout.splitlines()[0] == "\tS1\tS2"


# --- tables
# ---------------------------------------------------------------------------------------------


def test_a_table_that_text_cannot_hold_is_not_written(tmp_path: Path):
    counts = np.array([[1.0, 2], [3, 4]])
    for samples, features in (
        (["S1", "taxonomy"], ["A", "B"]),
        (["S1", "S2"], ["#1", "B"]),
        (["S\t1", "S2"], ["A", "B"]),
    ):
        table = db.Table.from_arrays(samples, features, counts)
        with pytest.raises(ArgumentError, match="cannot hold"):
            table.write(tmp_path / "t.tsv")
        assert not (tmp_path / "t.tsv").exists()
        table.write(tmp_path / "t.biom", overwrite=True)
        again = db.read_table(tmp_path / "t.biom")
        assert (again.sample_ids, again.feature_ids) == (samples, features)
    with pytest.raises(ArgumentError, match="an id for every sample, got an empty one"):
        db.DistanceMatrix(["", "b"], torch.zeros(2, 2))  # no reader would take the file


def test_swapped_axes_are_told_in_one_line_and_numpy_views_are_read():
    with pytest.raises(
        ShapeError, match=r"counts: expected \[2, 3\], samples in rows, got \[3, 2\]"
    ):
        db.Table.from_arrays(["S1", "S2"], ["A", "B", "C"], np.ones((3, 2)))
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(ShapeError, match=r"expected \[2, 3\]"):
        db.Table.from_arrays(["S1", "S2"], ["A", "B", "C"], sparse.csr_matrix(np.ones((3, 2))))
    counts = np.arange(6).reshape(2, 3)
    for given in (
        counts[:, ::-1],
        counts.astype(">i4")[:, ::-1],
        np.asfortranarray(counts[:, ::-1]),
    ):
        table = db.Table.from_arrays(["S1", "S2"], ["A", "B", "C"], given)
        assert table.to_scipy().toarray().tolist() == [[2, 1, 0], [5, 4, 3]]


def test_medians_are_those_of_numpy(tmp_path: Path, deepbio: Run):
    path = tmp_path / "t.tsv"
    path.write_text("#OTU ID\tS1\tS2\nA\t3\t10\n")
    facts = json.loads(deepbio("info", path, "--json", check=True).stdout)
    assert facts["median_depth_reads"] == 6.5
    done = deepbio("rarefy", "--table", path, "--depth", 50, "-o", tmp_path / "x.biom")
    assert done.returncode == 1 and "the deepest has 10, the median 6.5" in done.stderr
    assert "3 / 6.5 / 10" in db.read_table(path)._repr_html_()


def test_a_depth_of_nothing_is_refused_in_plain_words(tmp_path: Path, deepbio: Run):
    for depth in ("0", "-3", "2.5", "many"):
        done = deepbio(
            "rarefy", "--table", tmp_path / "t.tsv", f"--depth={depth}", "-o", tmp_path / "x.biom"
        )
        assert (
            done.returncode == 2 and f"whole number of reads from 1, got '{depth}'" in done.stderr
        )


def test_lineages_survive_and_what_is_left_behind_is_said(
    tmp_path: Path, deepbio: Run, shared: Path
):
    rich = shared / "microbiome/formats/rich_sparse_otu_table.v21.biom"
    table = db.read_table(rich)
    lineages = dict(zip(table.feature_ids, table.taxonomy, strict=True))
    done = deepbio("rarefy", "--table", rich, "--depth", 3, "-o", tmp_path / "x.biom", check=True)
    assert "left behind: " in done.stderr and "metadata of samples" in done.stderr
    drawn = db.read_table(tmp_path / "x.biom")
    assert drawn.taxonomy == [lineages[name] for name in drawn.feature_ids]
    biom = pytest.importorskip("biom")
    theirs = biom.load_table(str(tmp_path / "x.biom"))
    for name in drawn.feature_ids:
        assert (
            "; ".join(theirs.metadata(name, "observation")["taxonomy"]).rstrip("; ")
            == lineages[name]
        )


def test_not_a_number_in_metadata_that_is_passed_over_is_no_fault(tmp_path: Path):
    text = """{"id": null, "format": "Biological Observation Matrix 1.0.0", "matrix_type": "sparse",
      "shape": [2, 2], "data": [[0,0,1.0],[0,1,2.0],[1,0,3.0],[1,1,4.0]],
      "rows": [{"id": "A", "metadata": null},
               {"id": "B", "metadata": {"x": [-Infinity, Infinity]}}],
      "columns": [{"id": "S1", "metadata": {"age": NaN}}, {"id": "S2"}]}"""
    path = tmp_path / "t.biom"
    path.write_text(text)
    assert db.read_table(path).to_scipy().toarray().tolist() == [[1, 3], [2, 4]]
    path.write_text(text.replace("[1,1,4.0]", "[1,1,NaN]"))
    with pytest.raises(ParseError, match="NaN"):
        db.read_table(path)


# --- trees
# ----------------------------------------------------------------------------------------------


def test_an_unrooted_tree_is_refused_or_rooted_at_its_midpoint(
    tmp_path: Path, deepbio: Run, shared: Path
):
    case = shared.parent / "cases/communities"
    table, tree = case / "11_table.tsv", case / "11_unrooted.qza"
    with pytest.raises(ArgumentError, match="unrooted.*root_at_midpoint") as caught:
        db.faith_pd(table, tree)
    assert "--" not in str(caught.value)
    rooted = db.read_tree(tree).root_at_midpoint()
    assert rooted.is_rooted and not db.read_tree(tree).is_rooted
    # By scikit-bio on its own root_at_midpoint of the same tree.
    assert db.faith_pd(table, rooted).tolist() == [2.0, 4.0]
    done = deepbio("faith-pd", "--table", table, "--tree", tree)
    assert done.returncode == 1 and "--root midpoint" in done.stderr
    done = deepbio("faith-pd", "--table", table, "--tree", tree, "--root", "midpoint", check=True)
    assert (
        done.stdout.splitlines()[1:] == ["S1\t2", "S2\t4"]
        and "rooted at its midpoint" in done.stderr
    )


def test_a_negative_length_is_shown_as_it_is_with_the_way_out(tmp_path: Path, deepbio: Run):
    (tmp_path / "t.tsv").write_text("#OTU ID\tS1\tS2\nA\t1\t2\nB\t3\t4\nC\t5\t6\n")
    (tmp_path / "t.nwk").write_text("((A:1,B:-3.2e-9):0.5,C:1);")
    command = ("faith-pd", "--table", tmp_path / "t.tsv", "--tree", tmp_path / "t.nwk")
    with pytest.raises(ArgumentError, match=r"; Tree.with_lengths_from_zero\(\) takes them for 0"):
        db.faith_pd(tmp_path / "t.tsv", tmp_path / "t.nwk")
    done = deepbio(*command)
    assert (
        done.returncode == 1
        and "-3.2e-09" in done.stderr
        and "--negative-lengths zero" in done.stderr
    )
    done = deepbio(*command, "--negative-lengths", "zero", check=True)
    assert done.stdout.splitlines()[1:] == ["S1\t2.5", "S2\t2.5"]
    assert "1 negative branch lengths taken for 0" in done.stderr


def test_weighted_alone_is_answered_by_its_two_meanings(tmp_path: Path, deepbio: Run):
    done = deepbio("unifrac", "--table", "t", "--tree", "t", "--metric", "weighted", "-o", "-")
    assert done.returncode == 2
    assert "weighted_unnormalized" in done.stderr and "weighted_normalized" in done.stderr


# --- the doors agree
# ------------------------------------------------------------------------------------
