"""Tables, trees, metadata and distances as users have them: right values, or a refusal that says what to do."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ShapeError

LINE = torch.tensor([0.0, 1.0, 2.0, 9.0, 5.0, 6.0, 7.5, -3.0], dtype=torch.float64)


def on_a_line() -> db.DistanceMatrix:
    return db.DistanceMatrix([f"S{i}" for i in range(8)], (LINE[:, None] - LINE[None]).abs())


# --- distances ------------------------------------------------------------------------------------------


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
    for given in (square, square.astype(">f8"), square[::-1, ::-1], np.asfortranarray(square), square.tolist()):
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


# --- groups ---------------------------------------------------------------------------------------------

GROUPS = ["a", "a", "a", None, "b", "b", "b", None]


def test_a_sample_without_a_group_is_no_group_of_its_own():
    pandas = pytest.importorskip("pandas")
    matrix = on_a_line()
    holes = [None, math.nan, "", "  ", pandas.NA, pandas.NaT, np.nan]
    for hole in holes:
        labels = [hole if group is None else group for group in GROUPS]
        for groups in (labels, dict(zip(matrix.ids, labels, strict=True)), pandas.Series(labels, index=matrix.ids)):
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


# --- tables ---------------------------------------------------------------------------------------------


def test_swapped_axes_are_told_in_one_line_and_numpy_views_are_read():
    with pytest.raises(ShapeError, match=r"counts: expected \[2, 3\], samples in rows, got \[3, 2\]"):
        db.Table.from_arrays(["S1", "S2"], ["A", "B", "C"], np.ones((3, 2)))
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(ShapeError, match=r"expected \[2, 3\]"):
        db.Table.from_arrays(["S1", "S2"], ["A", "B", "C"], sparse.csr_matrix(np.ones((3, 2))))
    counts = np.arange(6).reshape(2, 3)
    for given in (counts[:, ::-1], counts.astype(">i4")[:, ::-1], np.asfortranarray(counts[:, ::-1])):
        table = db.Table.from_arrays(["S1", "S2"], ["A", "B", "C"], given)
        assert table.to_scipy().toarray().tolist() == [[2, 1, 0], [5, 4, 3]]


def test_the_median_of_an_even_number_of_samples_is_the_mean_of_the_middle_two():
    assert "3 / 6.5 / 10" in db.Table.from_arrays(["S1", "S2"], ["A"], np.array([[3.0], [10.0]]))._repr_html_()
