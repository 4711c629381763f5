"""summary() and validate(): all records, by share and with examples."""

import math
import time

import numpy as np
import pytest
import torch

import deepbio_torch as db
from deepbio_torch.transforms import (
    Compose,
    IntegerEncoder,
    KmerEncoder,
    LengthFilter,
    Mutator,
    OneHotEncoder,
    ReverseComplement,
    Sampler,
    TokenEncoder,
)


def test_summary_and_validation_look_at_every_record(tmp_path):
    path = tmp_path / "reads.fa"
    path.write_text(">a\nACGT\n>b\nACNN\n>c\nGG\n")
    data = db.SequenceDataset(path, transform=OneHotEncoder(), target="file")
    about = data.summary()
    lengths = np.array([4, 4, 2])
    assert about["num_samples"] == 3 and about["sequence_lengths"]["median"] == 4
    assert (
        about["sequence_lengths"]["std"] == pytest.approx(lengths.std())
        and not about["has_quality"]
    )
    assert about["classes"] == {0: {"count": 3, "percent": 100.0}}
    checked = data.validate()
    assert (
        checked["is_valid"]
        and "'b' (1)" in checked["warnings"][0]
        and "33.3 %" in checked["warnings"][0]
    )
    failing = db.SequenceDataset(path, transform=IntegerEncoder()).validate()
    assert not failing["is_valid"] and "position 3" in failing["errors"][0]


def test_the_summary_equals_numpy(tmp_path):
    rng = np.random.default_rng(1)
    reads = [
        "".join(rng.choice(list("ACGTacgtNS"), int(size))) for size in rng.integers(1, 60, 300)
    ]
    scores = [rng.integers(0, 94, len(read)) for read in reads]
    text = "".join(
        f"@r{i}\n{read}\n+\n{bytes((q + 33).astype(np.uint8)).decode()}\n"
        for i, (read, q) in enumerate(zip(reads, scores, strict=True))
    )
    (tmp_path / "reads.fq").write_text(text)
    data = db.SequenceDataset(
        tmp_path / "reads.fq", target=lambda record: "ab"[len(record.sequence) % 2]
    )
    about = data.summary()
    gc = [sum(letter in "GCSgcs" for letter in read) / len(read) for read in reads]
    for key, values in {
        "sequence_lengths": [len(read) for read in reads],
        "gc_content": gc,
        "quality": [q.mean() for q in scores],
    }.items():
        expected = {
            name: getattr(np, name)(values) for name in ("min", "max", "mean", "median", "std")
        }
        assert about[key] == pytest.approx(expected, rel=1e-6), key
    assert (
        about["num_samples"] == 300
        and about["total_letters"] == sum(map(len, reads))
        and about["has_quality"]
    )
    odd = sum(len(read) % 2 for read in reads)
    assert about["classes"] == {
        "a": {"count": 300 - odd, "percent": pytest.approx((300 - odd) / 3)},
        "b": {"count": odd, "percent": pytest.approx(odd / 3)},
    }
    assert 2 * about["total_letters"] < about["memory_bytes"] < 20 * about["total_letters"]


def test_pairs_fasta_and_nothing_at_all(tmp_path):
    (tmp_path / "pairs.fa").write_text(">a/1\nACGT\n>a/2\nAC\n")
    about = db.SequenceDataset(tmp_path / "pairs.fa", mates="interleaved").summary()
    assert (
        about["sequence_lengths"]["max"] == 4
        and about["mate_lengths"]["max"] == 2
        and about["quality"] is None
    )
    none = db.SequenceDataset(
        tmp_path / "pairs.fa", transform=Compose([LengthFilter(99), OneHotEncoder()])
    )
    assert none.summary()["num_samples"] == 0 and math.isnan(none.summary()["gc_content"]["mean"])
    checked = none.validate()
    assert not checked["is_valid"] and "filters" in checked["errors"][0]


def test_validation_names_share_and_examples_and_reports_progress(tmp_path):
    path = tmp_path / "reads.fa"
    path.write_text(
        "".join(f">r{i}\n{'ACGU' if i % 4 else 'ACXN'}\n" for i in range(2500)) + ">strange\nXX\n"
    )
    seen = []
    data = db.SequenceDataset(path, transform=OneHotEncoder())
    checked = data.validate(num_examples=2, progress=lambda done, total: seen.append((done, total)))
    assert checked["is_valid"] and seen[-1] == (2501, 2501) and len(seen) == 3
    outside, nothing = checked["warnings"]
    assert outside.startswith(
        "626 of 2501 records (25 %) have letters outside of the dna alphabet: 'r0' (0), 'r4' (4)"
    )
    assert nothing.startswith("1 of 2501") and "'strange' (2500)" in nothing
    seen.clear()
    raw = db.SequenceDataset(path).validate(progress=lambda done, total: seen.append((done, total)))
    assert raw["warnings"] and seen == [(2501, 2501)]


def test_skipped_records_and_mixed_qualities_are_warnings(tmp_path):
    bad, plain = tmp_path / "bad.fq", tmp_path / "plain.fa"
    bad.write_text("@a\nACGT\n+\nII\n@b\nACGT\n+\nIIII\n")
    plain.write_text(">c\nACGT\n")
    warnings = db.SequenceDataset([bad, plain], on_bad_record="skip").validate()["warnings"]
    assert any("1 bad records were skipped" in text for text in warnings)
    assert any("have no qualities" in text and "'c'" in text for text in warnings)


def test_labels_that_are_no_numbers_and_empty_records_are_errors(tmp_path):
    path = tmp_path / "reads.fa"
    path.write_text(">a\nACGT\n>b\n\n>c\nAC\n")
    data = db.SequenceDataset(
        path, target=lambda record: math.log(len(record.sequence) or math.nan)
    )
    errors = data.validate()["errors"]
    assert any("are empty: 'b' (1)" in text for text in errors)
    assert any("1 of 3 labels are NaN or infinite: [1]" in text for text in errors)


@pytest.mark.parametrize(
    "encoder",
    [
        OneHotEncoder(unknown="iupac"),
        IntegerEncoder(unknown="zero"),
        IntegerEncoder(unknown="zero", dtype=torch.uint8),
        IntegerEncoder(unknown="zero", dtype=torch.float32),
        KmerEncoder(2, unknown="zero"),
        KmerEncoder(2, unknown="zero", output="ids"),
        TokenEncoder(db.tokenizers.Tokenizer.from_preset("deepbio-dna")),
    ],
    ids=lambda encoder: type(encoder).__name__,
)
def test_what_encoders_make_is_in_range_and_what_is_not_is_found(tmp_path, monkeypatch, encoder):
    path = tmp_path / "reads.fq"
    path.write_text("@a\nACGTN\n+\nIIIII\n@b\nAC\n+\nII\n")
    data = db.SequenceDataset(path, transform=encoder)
    assert data.validate()["is_valid"]
    native = data.native()
    key = "input_ids" if isinstance(encoder, TokenEncoder) else "sequences"
    made = native.batch([0, 1])
    wrong = made[key].clone()
    wrong[1].fill_(math.nan if wrong.is_floating_point() else 99)
    if wrong.dtype == torch.uint8:
        return  # every byte is in range
    monkeypatch.setattr(type(data), "batch", lambda self, indices: {key: wrong})
    errors = data.validate()["errors"]
    assert len(errors) == 1 and "1 of 2 encoded records" in errors[0] and "[1]" in errors[0]


def test_ten_thousand_reads_are_looked_at_in_a_second_and_augmented_in_another(tmp_path):
    """The least that DeepBioP's criteria SC-005 and SC-006 ask for.

    Benchmarks/loader.py has the figures.
    """
    rng = np.random.default_rng(1)
    letters = np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, (10_000, 150))]
    path = tmp_path / "reads.fq"
    path.write_bytes(
        b"".join(
            b"@r%d\n%b\n+\n%b\n" % (i, row.tobytes(), b"I" * 150) for i, row in enumerate(letters)
        )
    )
    steps = Compose(
        [Sampler(100, seed=1), Mutator(0.1, 2), ReverseComplement(0.5, seed=3), OneHotEncoder()]
    )
    start = time.perf_counter()
    data = db.SequenceDataset(path, transform=steps)
    assert data.summary()["num_samples"] == 10_000 and data.validate()["is_valid"]
    looked = time.perf_counter()
    assert (
        sum(
            len(batch.lengths)
            for batch in db.DataLoader(data, batch_size=256, shuffle=True, seed=1)
        )
        == 10_000
    )
    assert looked - start < 1 and time.perf_counter() - looked < 1
