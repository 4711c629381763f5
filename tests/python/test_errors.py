"""Errors cross from C++ as Python's own kinds, one line each, with the place as attributes."""

import inspect
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import deepbio_torch as db
from deepbio_torch import _C, errors


def test_a_bad_record_has_its_place(tmp_path: Path):
    bad = tmp_path / "bad.fastq"
    bad.write_text("@a\nACGT\n+\nIIII\n@b\nACGT\n+\nII\n")
    with pytest.raises(errors.ParseError) as caught:
        list(db.SequenceReader(bad))
    error = caught.value
    assert (error.path, error.record, error.line, error.kind) == (str(bad), 1, 8, "length")
    assert isinstance(error, ValueError) and error.expected and error.got and str(bad) in str(error)
    assert error.offset_bytes is not None and bad.read_bytes()[error.offset_bytes :].startswith(b"II")
    again = pickle.loads(pickle.dumps(error))
    assert again.line == 8 and str(again) == str(error)


def test_a_missing_file_is_pythons_own_too(tmp_path: Path):
    for read in (db.SequenceReader, db.read_table, db.read_tree, db.DistanceMatrix.read, _C.load_tensors):
        with pytest.raises(FileNotFoundError, match="none.xyz") as caught:
            read(str(tmp_path / "none.xyz"))
        assert isinstance(caught.value, errors.MissingFileError) and caught.value.path.endswith("none.xyz")


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda: db.DataLoader([], batch_size=0), "ArgumentError"),
        (lambda: db.transforms.IntegerEncoder().encode(b"N"), "ArgumentError"),
        (lambda: db.DistanceMatrix(["a"], torch.zeros(2, 2)), "ShapeError"),
        (lambda: db.models.SequenceEncoder(embedding_dims=3), "ConfigError"),
        (lambda: _C.training_options({"epochz": 1}), "ConfigError"),
        (lambda: _C.write_distances("d.npy", ["a"], torch.zeros(2, 2)), "ShapeError"),
        (lambda: db.Table.from_arrays(["s"], ["f", "f"], torch.ones(1, 2)), "ParseError"),
    ],
)
def test_bad_arguments_are_value_errors_of_one_line(call: Callable[[], object], kind: str):
    with pytest.raises(ValueError) as caught:
        call()
    assert type(caught.value).__name__ == kind and isinstance(caught.value, errors.DeepBioError)
    assert "\n" not in str(caught.value)


def test_an_index_is_an_index_error_so_that_loops_end(tmp_path: Path):
    (tmp_path / "a.fa").write_text(">a\nACGT\n>b\nAC\n")
    data = db.SequenceDataset(tmp_path / "a.fa")
    with pytest.raises(IndexError):
        data[2]
    assert [sample["sequence"] for sample in data] == [b"ACGT", b"AC"]


def test_existing_files_are_an_os_error(tmp_path: Path):
    table = db.Table.from_arrays(["s"], ["f"], torch.ones(1, 1))
    table.write(tmp_path / "t.biom")
    with pytest.raises(OSError, match="t.biom"):
        table.write(tmp_path / "t.biom")
    table.write(tmp_path / "t.biom", overwrite=True)


def test_every_class_is_listed_and_has_the_common_base():
    classes = {name: kind for name, kind in inspect.getmembers(errors, inspect.isclass)}
    assert sorted(classes) == sorted(errors.__all__)
    assert all(issubclass(kind, errors.DeepBioError) for kind in classes.values())
