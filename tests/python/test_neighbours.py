"""Tables, distances and metadata from and to NumPy, pandas and scikit-bio."""

import pickle

import numpy as np
import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ParseError

pandas = pytest.importorskip("pandas", reason="pandas is not installed")


def distances():
    points = torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]], dtype=torch.float64)
    return db.DistanceMatrix(["a", "b", "c"], torch.cdist(points, points))


def test_distances_are_an_array_to_numpy():
    matrix = distances()
    values = np.asarray(matrix)
    assert values.tolist() == [[0, 5, 10], [5, 0, 5], [10, 5, 0]] and values.dtype == np.float64
    assert np.shares_memory(values, matrix.values.numpy())
    assert not np.shares_memory(np.array(matrix), matrix.values.numpy())
    assert (
        np.asarray(matrix, dtype=np.float32).dtype == np.float32 and np.asarray(matrix).sum() == 40
    )


def test_distances_come_back_from_pandas_and_scikit_bio():
    matrix = distances()
    frame = matrix.to_pandas()
    again = db.DistanceMatrix.from_pandas(frame)
    assert again.ids == matrix.ids and torch.equal(again.values, matrix.values)
    with pytest.raises(ArgumentError, match="same ids of rows and columns, got 'a' and 'c'"):
        db.DistanceMatrix.from_pandas(frame[["c", "b", "a"]])
    with pytest.raises(ArgumentError, match="got 3 and 2"):
        db.DistanceMatrix.from_pandas(frame[["a", "b"]])
    frame = frame.copy()
    frame.loc["a", "b"] = np.nan
    with pytest.raises(ArgumentError, match="a.*b|b.*a"):
        db.DistanceMatrix.from_pandas(frame)
    skbio = pytest.importorskip("skbio", reason="scikit-bio is not installed")
    theirs = skbio.DistanceMatrix(matrix.values.numpy().copy(), matrix.ids)
    ours = db.DistanceMatrix.from_skbio(theirs)
    assert ours.ids == ["a", "b", "c"] and torch.equal(ours.values, matrix.values)
    assert (ours.to_skbio().data == theirs.data).all()


def frame_of(community_dir):
    frame = db.read_metadata(community_dir / "metadata.tsv").to_pandas()
    frame["code"] = [f"{i % 3}.10" for i in range(len(frame))]  # words that look like numbers
    return frame


def test_metadata_of_a_frame_is_that_of_a_file(community_dir):
    frame = frame_of(community_dir)
    frame.iloc[2, frame.columns.get_loc("age")] = np.nan
    frame.iloc[3, frame.columns.get_loc("group")] = None
    metadata = db.Metadata.from_pandas(frame)
    file = db.read_metadata(community_dir / "metadata.tsv")
    assert metadata.ids == file.ids and metadata.columns == [*file.columns, "code"]
    ages, expected = metadata.numbers("age"), file.numbers("age")
    assert (
        torch.isnan(ages[2])
        and torch.equal(ages[3:], expected[3:])
        and torch.equal(ages[:2], expected[:2])
    )
    assert (
        metadata.labels("group")[3] is None
        and metadata.labels("group")[4:] == file.labels("group")[4:]
    )
    assert not metadata.is_numeric("code") and metadata.labels("code")[0] == "0.10"
    again = pickle.loads(pickle.dumps(metadata))
    assert again.ids == metadata.ids and again.labels("code") == metadata.labels("code")
    with pytest.raises(ArgumentError, match=r"without tabs and line ends, got 'a\\tb'"):
        db.Metadata.from_pandas(frame.assign(group="a\tb"))
    with pytest.raises(ParseError, match="sample_01"):
        db.Metadata.from_pandas(pandas.concat([frame, frame.iloc[:1]]))


@pytest.mark.parametrize("kind", ["frame", "metadata"])
def test_samples_take_their_targets_from_a_frame_or_from_metadata(community_dir, kind):
    path, table = community_dir / "metadata.tsv", community_dir / "table.biom"
    given = frame_of(community_dir) if kind == "frame" else db.read_metadata(path)
    options = {"target": "age", "categorical": ["group"], "max_bp": 60, "redraw": False}
    ours = db.SampleDataset(table, metadata=given, **options)
    expected = db.SampleDataset(table, metadata=path, **options)
    assert ours.codec == expected.codec and ours.categories == expected.categories
    assert torch.equal(ours.batch(range(24)).targets, expected.batch(range(24)).targets)
    for one, other in zip(
        ours.split(0.25, group="site"), expected.split(0.25, group="site"), strict=True
    ):
        assert one.sample_ids == other.sample_ids
    again = pickle.loads(pickle.dumps(ours))
    assert torch.equal(again.batch([1, 5]).targets, ours.batch([1, 5]).targets)
    assert "metadata" not in ours.describe() and "metadata" in expected.describe()
    if kind == "metadata":
        with pytest.raises(ArgumentError, match="missing_values"):
            db.SampleDataset(table, metadata=given, missing_values="NA", **options)


def test_tables_come_from_sparse_tensors_and_numbered_ids():
    counts = torch.tensor([[0.0, 2, 0], [3, 0, 4]], dtype=torch.float64)
    table = db.Table.from_arrays([7, 8], np.arange(3), counts)
    assert table.sample_ids == ["7", "8"] and table.feature_ids == ["0", "1", "2"]
    again = db.Table.from_arrays(table.sample_ids, table.feature_ids, table.to_torch())
    assert torch.equal(again.to_torch().to_dense(), counts)
    held = torch.sparse_coo_tensor(
        [[1, 0, 1, 1], [2, 1, 0, 2]], [3.0, 2, 3, 1], (2, 3)
    )  # one place twice
    assert torch.equal(
        db.Table.from_arrays([7, 8], list("abc"), held).to_torch().to_dense(), counts
    )
    zero = torch.sparse_coo_tensor([[0, 1], [0, 1]], [0.0, 5], (2, 2))
    assert db.Table.from_arrays([7, 8], ["a", "b"], zero).native.values.tolist() == [5]
    with pytest.raises(ArgumentError):
        db.Table.from_arrays("ab", ["x", "y"], np.eye(2))
