"""Native transforms: alone, in Compose, and inside of whole batches, with the same result."""

import pickle

import numpy as np
import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError
from deepbio_torch.transforms import (
    AdapterTrimmer,
    Compose,
    Deduplicator,
    EndTrimmer,
    IntegerEncoder,
    LengthFilter,
    Mutator,
    OneHotEncoder,
    QualityFilter,
    QualityMasker,
    QualitySimulator,
    ReverseComplement,
    Sampler,
    Subsampler,
    WindowTrimmer,
)

STEPS = [
    Sampler(4, seed=1),
    Sampler(9, "end", short="pad"),
    Mutator(0.4, 2),
    ReverseComplement(0.5, seed=3),
    QualitySimulator("degrading", seed=4),
    EndTrimmer(10),
    WindowTrimmer(12, 2),
    AdapterTrimmer("ACGT"),
    QualityMasker(8),
]


@pytest.fixture
def fastq(tmp_path):
    rng = np.random.default_rng(7)
    path = tmp_path / "reads.fq"
    text = ""
    for i in range(60):
        size = int(rng.integers(6, 40))
        dna = "".join(rng.choice(list("ACGTNacgt"), size))
        scores = "".join(chr(33 + int(q)) for q in rng.integers(2, 41, size))
        text += f"@r{i}\n{dna}\n+\n{scores}\n"
    path.write_text(text)
    return path


@pytest.mark.parametrize("step", STEPS, ids=repr)
@pytest.mark.parametrize(
    "encoder",
    [OneHotEncoder(), IntegerEncoder(unknown="zero", quality="integer")],
    ids=["hot", "int"],
)
def test_a_native_batch_equals_the_same_steps_called_one_by_one(fastq, step, encoder):
    native = db.SequenceDataset(fastq, transform=Compose([step, encoder]))
    python = db.SequenceDataset(fastq, transform=Compose([step, lambda sample: sample, encoder]))
    assert native.is_native and not python.is_native
    for epoch in (0, 1):
        native.set_epoch(epoch)
        python.set_epoch(epoch)
        whole, single = native.batch(range(60)), db.collate([python[i] for i in range(60)])
        assert torch.equal(whole.sequences, single.sequences) and torch.equal(
            whole.lengths, single.lengths
        )
        assert torch.equal(whole.quality, single.quality)


def test_the_quality_follows_its_letters():
    letters, scores = b"ACGTACGTAC", b"0123456789"
    sample = {"sequence": letters, "quality": scores, "id": "r"}
    for index in range(20):
        out = Sampler(4, seed=5)({**sample, "metadata": {"index": index}})
        begin = scores.index(out["quality"])
        assert out["sequence"] == letters[begin : begin + 4]
    assert sample["sequence"] == letters  # the sample given stays as it was


@pytest.mark.parametrize(
    "step",
    [*STEPS, LengthFilter(3), QualityFilter(20), Subsampler(0.5), Deduplicator("none")],
    ids=repr,
)
def test_transforms_pickle_as_what_they_are(step):
    assert repr(pickle.loads(pickle.dumps(step))) == repr(step)


def test_filters_choose_records_when_files_are_opened(fastq):
    whole = db.SequenceDataset(fastq)
    lengths = [len(sample["sequence"]) for sample in whole]
    long = db.SequenceDataset(fastq, transform=Compose([LengthFilter(20), OneHotEncoder()]))
    assert len(long) == sum(n >= 20 for n in lengths) and long.report["num_filtered"] == 60 - len(
        long
    )
    assert (
        db.SequenceDataset(fastq, transform=Compose([Subsampler(every_nth=7), lambda s: s]))[1][
            "id"
        ]
        == "r7"
    )
    assert len(db.SequenceDataset([fastq, fastq], transform=Deduplicator("none"))) == 0
    assert len(db.SequenceDataset([fastq, fastq], transform=Deduplicator())) == 60
    with pytest.raises(ArgumentError, match='; short="keep" or short="pad" takes it'):
        Sampler(9).apply(b"ACGT")
    with pytest.raises(ArgumentError, match="Mutator"):
        db.SequenceDataset(fastq, transform=Compose([Mutator(0.1), LengthFilter(3)]))
    assert Compose([LengthFilter(99), OneHotEncoder()])({"sequence": b"ACGT"}) is None


def test_direct_methods():
    assert LengthFilter(2, 4).passes(b"ACG") and not LengthFilter(2, 4).passes(b"ACGTA")
    assert QualityFilter(20).passes(b"AC", b"!I") and not QualityFilter(21).passes(b"AC", b"!I")
    seen = Deduplicator()
    assert [seen.passes(s) for s in (b"A", b"C", b"A")] == [
        True,
        True,
        False,
    ] and seen.unique_count == 2
    assert Deduplicator("none").filter([b"A", b"C", b"A"]) == [b"C"]
    assert len(QualitySimulator().generate(12)) == 12
    assert EndTrimmer(20).apply(b"ACGT", b"!II!") == (b"CG", b"II")
    mutated = Mutator(1.0).apply_batch([b"AAAA", b"AAAA"])
    assert b"A" not in mutated[0] and mutated[0] != mutated[1]


@pytest.mark.parametrize(
    ("build", "value"),
    [
        (lambda: Mutator(1.5), "1.5"),
        (lambda: Mutator(-0.1), "-0.1"),
        (lambda: Sampler(0), "0"),
        (lambda: Sampler(3, "middle"), "middle"),
        (lambda: Sampler(9).apply(b"ACG"), "has 3"),
        (lambda: ReverseComplement(2), "2"),
        (lambda: ReverseComplement(sequence_type="protein"), "protein"),
        (lambda: OneHotEncoder("dnaa"), "dnaa"),
        (lambda: OneHotEncoder(quality="x"), "x"),
        (lambda: IntegerEncoder(dtype=torch.int32), "int32"),
        (lambda: IntegerEncoder().encode(b"ACNT"), "position 3"),
        (lambda: LengthFilter(5, 4), "5 and 4"),
        (lambda: QualityFilter(20).passes(b"ACG", b"II"), "got 2"),
        (lambda: QualityFilter(20).passes(b"ACG"), "none"),
        (lambda: Subsampler(1.5), "1.5"),
        (lambda: Subsampler(every_nth=0), "0"),
        (lambda: QualitySimulator("best"), "best"),
        (lambda: Compose([]), "none"),
        (lambda: Mutator(0.1)({"quality": b"I"}), "quality"),
        (lambda: Mutator(0.1)({"sequence": 7}), "int"),
        (lambda: db.collate([]), "none"),
        (
            lambda: db.collate([{"sequence": torch.zeros(3, 4)}, {"sequence": torch.zeros(3, 5)}]),
            "5",
        ),
    ],
)
def test_bad_options_and_samples_are_value_errors_that_quote_the_value(build, value):
    with pytest.raises(ValueError, match=value):
        build()


def test_quality_forms(fastq):
    scores = np.frombuffer(db.SequenceDataset(fastq)[0]["quality"], np.uint8).astype(float) - 33
    for form, expected in (
        ("phred", scores),
        ("probability", 10 ** (-scores / 10)),
        ("integer", scores),
    ):
        batch = db.SequenceDataset(fastq, transform=OneHotEncoder(quality=form)).batch([0])
        assert np.allclose(batch.quality[0].numpy(), expected, rtol=1e-6)
    channel = db.SequenceDataset(
        fastq, transform=OneHotEncoder(quality="channel", channels_first=True)
    )
    batch = channel.batch([0, 1])
    assert batch.sequences.shape[1] == 5 and "quality" not in batch
    assert np.allclose(
        batch.sequences[0, 4, : len(scores)].numpy(), 10 ** (-scores / 10), rtol=1e-6
    )
    assert torch.equal(channel[0]["sequence"], batch.sequences[0, :, : len(scores)])
    assert "quality" not in db.SequenceDataset(fastq, transform=OneHotEncoder(quality=None)).batch(
        [0]
    )
