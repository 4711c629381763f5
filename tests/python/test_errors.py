"""Errors cross from C++ as Python's own kinds, one line each, with the place as attributes."""

import inspect
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
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
    assert error.offset_bytes is not None and bad.read_bytes()[error.offset_bytes :].startswith(
        b"II"
    )
    again = pickle.loads(pickle.dumps(error))
    assert again.line == 8 and str(again) == str(error)


def test_a_missing_file_is_pythons_own_too(tmp_path: Path):
    for read in (
        db.SequenceReader,
        db.read_table,
        db.read_tree,
        db.DistanceMatrix.read,
        _C.load_tensors,
    ):
        with pytest.raises(FileNotFoundError, match="none.xyz") as caught:
            read(str(tmp_path / "none.xyz"))
        assert isinstance(caught.value, errors.MissingFileError) and caught.value.path.endswith(
            "none.xyz"
        )


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


def test_missing_files_carry_what_open_would_say(tmp_path):
    for path, kind in ((tmp_path / "none.fq", FileNotFoundError), (tmp_path, IsADirectoryError)):
        with pytest.raises(errors.MissingFileError) as caught:
            list(db.SequenceReader(path))
        with pytest.raises(kind) as builtin:
            open(path)
        assert isinstance(caught.value, kind)
        assert (caught.value.errno, caught.value.strerror) == (
            builtin.value.errno,
            builtin.value.strerror,
        )
        assert caught.value.filename == str(path)
        again = pickle.loads(pickle.dumps(caught.value))
        assert (
            type(again) is type(caught.value)
            and again.errno == caught.value.errno
            and str(again) == str(caught.value)
        )
    denied = errors.MissingFileError("x.fq: cannot be opened: Permission denied", "x.fq")
    assert isinstance(denied, PermissionError) and denied.errno == 13 and denied.filename == "x.fq"


@pytest.mark.parametrize(
    "make",
    [
        lambda t: t.Mutator("much"),
        lambda t: t.Mutator(None),
        lambda t: t.Mutator(0.1, sequence_type=3),
        lambda t: t.Sampler("9"),
        lambda t: t.Sampler(9, 5),
        lambda t: t.ReverseComplement("x"),
        lambda t: t.EndTrimmer("q"),
        lambda t: t.WindowTrimmer(20, None),
        lambda t: t.AdapterTrimmer(7),
        lambda t: t.QualityMasker(b"x"),
        lambda t: t.LengthFilter("a"),
        lambda t: t.QualityFilter("a"),
        lambda t: t.Subsampler("a"),
        lambda t: t.Deduplicator(3),
        lambda t: t.QualitySimulator("normal", mean="a"),
        lambda t: t.KmerEncoder("3"),
        lambda t: t.OneHotEncoder(pad_to="x"),
        lambda t: t.OneHotEncoder().encode(5),
        lambda t: t.OneHotEncoder().encode_batch("ACGT"),
        lambda t: t.IntegerEncoder().encode_batch([1]),
        lambda t: t.KmerEncoder(2).encode(["A"]),
        lambda t: t.TokenEncoder("esm2"),
        lambda t: t.Mutator(0.1).apply(5),
        lambda t: t.Mutator(0.1).apply_batch("ACGT"),
        lambda t: t.LengthFilter(3).passes(None),
        lambda t: t.Mutator(0.1).apply("ACGT", record="x"),
        lambda t: t.Deduplicator().passes(3),
        lambda t: t.ReverseComplement().apply_batch(b"AC"),
        lambda t: db.DataLoader([1], "2"),
        lambda t: db.tokenizers.Tokenizer.from_preset("esm2")([1, 2]),
    ],
)
def test_wrong_types_are_told_in_one_line_of_ours(make):
    with pytest.raises(errors.ArgumentError) as caught:
        make(db.transforms)
    assert "incompatible" not in str(caught.value) and "\n" not in str(caught.value)


def test_text_bytes_and_bytearray_are_all_sequences():
    t, letters = db.transforms, (b"ACGT", "ACGT", bytearray(b"ACGT"), memoryview(b"ACGT"))
    for encoder in (
        t.OneHotEncoder(),
        t.IntegerEncoder(),
        t.KmerEncoder(2),
        t.KmerEncoder(2, output="ids"),
    ):
        first, *others = [encoder.encode(sequence) for sequence in letters]
        assert all(first.equal(other) for other in others)
        assert encoder.encode_batch(list(letters)).shape[0] == 4
    for step in (t.Mutator(0.5), t.ReverseComplement(), t.Sampler(2)):
        assert len({step.apply(sequence) for sequence in letters}) == 1
        assert step({"sequence": "ACGT"}) == step({"sequence": b"ACGT"})
    assert all(t.LengthFilter(4).passes(sequence) for sequence in letters)
    with pytest.raises(errors.ArgumentError, match="position 3: expected ASCII, got 'é'"):
        t.OneHotEncoder().encode("ACé")


def test_proteins_refuse_what_only_nucleotides_have(tmp_path):
    path, t = tmp_path / "p.fa", db.transforms
    path.write_text(">a\nMKV\n")

    def dataset(step):
        return db.SequenceDataset(
            path, sequence_type="protein", transform=t.Compose([step, t.OneHotEncoder("protein")])
        )

    for step in (
        t.ReverseComplement(),
        t.QualityMasker(),
        t.AdapterTrimmer("ACG"),
        t.Mutator(0.5),
        t.Sampler(5, short="pad"),
    ):
        with pytest.raises(errors.ArgumentError, match=type(step).__name__):
            dataset(step)
    mutated = dataset(t.Mutator(1.0, sequence_type="protein")).batch([0]).sequences
    assert mutated.sum() == 3
    padded = (
        dataset(t.Sampler(5, "start", short="pad", sequence_type="protein")).batch([0]).sequences[0]
    )
    assert padded[:3].sum() == 3 and padded[3:].sum() == 0  # X, not N, which is asparagine


def test_an_index_is_a_whole_number_whatever_its_library_calls_it(tmp_path: Path):
    path = tmp_path / "reads.fa"
    path.write_text("".join(f">r{k}\nACGT\n" for k in range(5)))
    reads = db.SequenceDataset(path, transform=db.transforms.OneHotEncoder())
    db.Cache.save(reads, tmp_path / "cache")
    table = db.Table.from_arrays(list("abcde"), [base * 30 for base in "ACGT"], torch.ones(5, 4))
    for dataset in (
        reads,
        db.Cache.load(tmp_path / "cache"),
        db.SampleDataset(table, max_bp=30, rarefy_depth=4),
    ):
        name = "sample_id" if isinstance(dataset, db.SampleDataset) else "id"
        assert dataset[-1][name] == dataset[torch.tensor(4)][name] == dataset[np.int32(4)][name]
        for several in (slice(0, 2), [0, 1], torch.tensor([0, 1])):
            with pytest.raises(errors.WrongTypeError, match=r"expected one number, got .*Subset"):
                dataset[several]
        for wrong in ("a", None, 1.5, True):
            with pytest.raises(errors.WrongTypeError, match="expected a whole number"):
                dataset[wrong]
        with pytest.raises(IndexError, match="expected -5 to 4, got 5"):
            dataset[5]
        assert list(dataset.batch([-1, 0])[f"{name}s"]) == [dataset[4][name], dataset[0][name]]
