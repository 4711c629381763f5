"""Encoders and augmentations against plain NumPy and Python."""

import pickle
import random

import numpy as np
import pytest

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError
from deepbio_torch.transforms import (
    Compose,
    IntegerEncoder,
    KmerEncoder,
    Mutator,
    OneHotEncoder,
    QualityMasker,
    ReverseComplement,
    Sampler,
)

LETTERS = {"dna": "ACGT", "rna": "ACGU", "protein": "ACDEFGHIKLMNPQRSTVWY"}


def naive_one_hot(reads: list[bytes], letters: str) -> np.ndarray:
    out = np.zeros((len(reads), max(map(len, reads)), len(letters)), np.float32)
    for row, read in zip(out, reads, strict=True):
        for position, letter in enumerate(read.decode().upper()):
            if letter in letters:
                row[position, letters.index(letter)] = 1
    return out


@pytest.mark.parametrize("kind", ["dna", "rna", "protein"])
def test_one_hot_equals_a_plain_loop(kind: str):
    rng = random.Random(1)
    alphabet = LETTERS[kind] + LETTERS[kind].lower() + "*-"
    reads = ["".join(rng.choices(alphabet, k=rng.randint(0, 60))).encode() for _ in range(50)] + [
        b"A" * 61
    ]

    assert np.array_equal(
        OneHotEncoder(kind).encode_batch(reads).numpy(), naive_one_hot(reads, LETTERS[kind])
    )
    first = OneHotEncoder(kind, channels_first=True).encode_batch(reads)
    assert np.array_equal(first.numpy(), naive_one_hot(reads, LETTERS[kind]).transpose(0, 2, 1))


def test_iupac_letters_become_equal_fractions():
    encoded = OneHotEncoder(unknown="iupac").encode(b"NRA")
    assert encoded.tolist() == [[0.25] * 4, [0.5, 0, 0.5, 0], [1, 0, 0, 0]]


def test_an_unknown_letter_is_refused_with_its_position():
    with pytest.raises(ArgumentError, match=r"position 3: expected one of ACGT \(dna\), got 'N'"):
        IntegerEncoder().encode(b"ACNT")


def test_integers_pad_with_minus_one_and_width_can_be_fixed_or_cut():
    assert IntegerEncoder(pad_to=6).encode_batch([b"ACGT"]).tolist() == [[0, 1, 2, 3, -1, -1]]
    assert IntegerEncoder(max_length=2).encode_batch([b"ACGT", b"T"]).tolist() == [[0, 1], [3, -1]]
    with pytest.raises(ArgumentError, match="pad_to"):
        IntegerEncoder(pad_to=3).encode(b"ACGT")


def test_reverse_complement_turns_the_quality_with_the_sequence():
    sample = {"sequence": b"AACGTN", "quality": b"123456", "id": "r"}
    turned = ReverseComplement()(sample)
    assert turned["sequence"] == b"NACGTT" and turned["quality"] == b"654321"
    assert ReverseComplement().apply(ReverseComplement().apply(b"ACGTRYacgt")) == b"ACGTRYacgt"


def test_reverse_complement_with_half_chance_is_about_half_and_always_the_same():
    samples = [{"sequence": b"AAAC", "quality": None, "metadata": {"index": i}} for i in range(400)]
    transform = ReverseComplement(0.5, seed=3)
    turned = [transform(sample)["sequence"] != b"AAAC" for sample in samples]
    assert 150 < sum(turned) < 250
    assert turned == [transform(sample)["sequence"] != b"AAAC" for sample in samples]
    later = [
        transform({**sample, "metadata": {**sample["metadata"], "epoch": 1}})["sequence"]
        for sample in samples
    ]
    assert turned != [sequence != b"AAAC" for sequence in later]


def test_a_callable_of_the_user_may_stand_in_compose():
    chain = Compose([ReverseComplement(), lambda sample: {**sample, "seen": True}, OneHotEncoder()])
    out = chain({"sequence": b"AC", "quality": b"II", "id": "r"})
    assert out["seen"] and out["sequence"].tolist() == [[0, 0, 1, 0], [0, 0, 0, 1]]
    assert out["quality"].tolist() == [40.0, 40.0]


@pytest.mark.parametrize(
    "transform", [OneHotEncoder(pad_to=9), IntegerEncoder("rna"), ReverseComplement(0.2)]
)
def test_transforms_pickle_and_say_what_they_are(transform: object):
    assert repr(pickle.loads(pickle.dumps(transform))) == repr(transform)


def test_lengths_are_right_after_a_callable_that_returns_a_plain_dict():
    encode = db.transforms.OneHotEncoder(channels_first=True)
    plain = db.transforms.Compose([encode, lambda sample: dict(sample)])
    samples = [{"sequence": b"ACGTACG"}, {"sequence": b"ACG"}]
    batch = db.collate([plain(db.data.Sample(sample)) for sample in samples])
    assert batch.sequences.shape == (2, 4, 7)
    assert batch.lengths.tolist() == [7, 3]


def test_bad_options_are_refused_at_once():
    for build in (
        lambda: OneHotEncoder("dnaa"),
        lambda: OneHotEncoder(unknown="?"),
        lambda: ReverseComplement(2),
    ):
        with pytest.raises(ArgumentError):
            build()
    assert issubclass(db.errors.ArgumentError, ValueError)


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (ReverseComplement(), "ReverseComplement: expected DNA or RNA, got a dataset of proteins"),
        (Mutator(1.0), "sequence_type='protein', but Mutator works on 'dna'"),
        (Sampler(15, "start", short="pad"), r"but Sampler\(short='pad'\) pads 'dna'"),
        (QualityMasker(), "QualityMasker: expected DNA or RNA"),
        (KmerEncoder(3), "but the transform encodes 'dna'"),
    ],
)
def test_what_only_nucleotides_have_is_refused_for_proteins(tmp_path, transform, message):
    # N is asparagine among amino acids (IUPAC): nothing may be padded or masked with it.
    (tmp_path / "prot.fa").write_text(">a\nMKVLAGGHRWY\n")
    steps = (
        [transform] if transform.__class__ is KmerEncoder else [transform, OneHotEncoder("protein")]
    )
    for make in (db.SequenceDataset, db.StreamingSequenceDataset):
        with pytest.raises(ArgumentError, match=message):
            list(make(tmp_path / "prot.fa", sequence_type="protein", transform=Compose(steps)))
    kept = db.SequenceDataset(
        tmp_path / "prot.fa",
        sequence_type="protein",
        transform=Compose([Sampler(5, "start"), OneHotEncoder("protein")]),
    )
    letters = kept[0]["sequence"].argmax(1)
    assert "".join(LETTERS["protein"][i] for i in letters) == "MKVLA"
