"""What DeepBioP's interface promises to refuse, and what it said last: each a ValueError that
quotes the value."""

import pytest
import torch

import deepbio_torch as db
from deepbio_torch.transforms import (
    Compose,
    IntegerEncoder,
    KmerEncoder,
    Mutator,
    OneHotEncoder,
    QualityFilter,
    ReverseComplement,
    Sampler,
)

HOT = torch.zeros(3, 4)


def items(*shapes):
    return [{"sequence": torch.zeros(shape)} for shape in shapes]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        # vocabulary: types of sequences, letters
        (lambda: OneHotEncoder("dnaa"), "dna.*rna.*protein.*'dnaa'"),
        (lambda: IntegerEncoder("peptide"), "dna.*rna.*protein.*'peptide'"),
        (lambda: KmerEncoder(3, sequence_type="x"), "dna.*rna.*protein.*'x'"),
        (lambda: db.SequenceDataset("a.fq", sequence_type="DNS"), "dna.*rna.*protein.*'DNS'"),
        (lambda: IntegerEncoder().encode(b"ACGTN"), "position 5.*'N'"),
        (lambda: IntegerEncoder("protein").encode(b"ACDB"), "position 4.*'B'"),
        (lambda: OneHotEncoder(unknown="error").encode(b"xCGT"), "position 1.*'x'"),
        (lambda: IntegerEncoder().encode_batch([b"ACGT", b"AC-T"]), "position 3.*'-'"),
        (lambda: KmerEncoder(2).encode(b"ACRT"), "position 3.*'R'"),
        # encoders
        (lambda: OneHotEncoder(unknown="skip"), "'skip'"),
        (lambda: IntegerEncoder(unknown="mask"), "'mask'"),
        (lambda: KmerEncoder(0), "got 0"),
        (lambda: KmerEncoder(-2), "got -2"),
        (lambda: KmerEncoder(40), "got 40"),
        # transforms
        (lambda: OneHotEncoder()({"quality": b"I"}), "sequence.*quality"),
        (lambda: Compose([]), "none"),
        (lambda: Compose([3]), "3"),
        (lambda: Mutator(1.01), "1.01"),
        (lambda: Mutator(-0.5), "-0.5"),
        (lambda: Mutator(float("nan")), "nan"),
        (lambda: Sampler(0), "0"),
        (lambda: Sampler(-1), "-1"),
        (lambda: Sampler(3, "middle"), "'middle'"),
        (lambda: Sampler(9).apply(b"ACGT"), "9.*4"),
        (lambda: ReverseComplement(1.5), "1.5"),
        (lambda: QualityFilter(20).passes(b"ACG", b"II"), "3.*2|2.*3"),
        # datasets
        (lambda: db.SequenceDataset([]), "none"),
        (lambda: db.SequenceDataset("a.fq", mates=["b.fq", "c.fq"]), "1.*2"),
        (lambda: db.SequenceDataset("a.fq", target=7), "7"),
        (lambda: db.SequenceDataset("a.fq", on_bad_record="drop", lazy=False), "'drop'"),
        # loaders
        (lambda: db.DataLoader([HOT], batch_size=0), "got 0"),
        (lambda: db.DataLoader([HOT], batch_size=-4), "got -4"),
        (lambda: db.DataLoader([HOT], num_workers=-1), "got -1"),
        (lambda: db.StreamingSequenceDataset("a.fq", shuffle_buffer=-1), "got -1"),
        # collating
        (lambda: db.collate([]), "none"),
        (lambda: db.collate([{"quality": b"I"}]), "quality"),
        (lambda: db.collate(items((3, 4), (3, 5))), r"\(3, 4\), \(3, 5\)"),
        (lambda: db.pad_collate(pad_to=2)(items((3, 4))), "pad_to=2.*3"),
        (lambda: db.pad_collate(pad_to=0), "got 0"),
        (lambda: db.truncate_collate(0), "got 0"),
    ],
)
def test_a_bad_value_is_a_value_error_that_quotes_it(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_indices_paths_and_files_have_their_own_kinds_of_error(fastq, tmp_path):
    data = db.SequenceDataset(fastq, transform=OneHotEncoder())
    for index in (520, -521):
        with pytest.raises(IndexError, match=f"-520 to 519, got {index}"):
            data[index]
        with pytest.raises(IndexError, match=f"-520 to 519, got {index}"):
            data.batch([0, index])
    with pytest.raises(FileNotFoundError, match=r"none\.fq: cannot be opened: No such file"):
        db.SequenceDataset(tmp_path / "none.fq", lazy=False)
    bad = tmp_path / "bad.fq"
    bad.write_text("@a\nACGT\n+\nIIII\n@b\nACGT\n+\nIII\n")
    with pytest.raises(ValueError, match=r"bad\.fq: record 1, line 8"):
        db.SequenceDataset(bad, lazy=False)
    odd = tmp_path / "odd.fq"
    odd.write_text("@a\nACGT\n+\nIIII\n@b\nACXT\n+\nIIII\n")
    with pytest.raises(ValueError, match="position 3.*'X'"):
        db.SequenceDataset(odd, transform=IntegerEncoder()).batch([0, 1])
    with (
        odd.open("rb") as file,
        pytest.raises(TypeError, match="expected a path.*; give the name of the file"),
    ):
        db.SequenceReader(file)
