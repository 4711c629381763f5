"""One read at a time gives what a batch of it gives; options that change are seen."""

import pickle
import random
from pathlib import Path

import pytest
import torch
from random_dna import dna

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, WrongTypeError
from deepbio_torch.transforms import IntegerEncoder, KmerEncoder, OneHotEncoder

ENCODERS = [
    OneHotEncoder(),
    OneHotEncoder(quality=None, channels_first=True),
    OneHotEncoder(quality="channel", unknown="iupac"),
    OneHotEncoder(quality="integer", pad_to=200, max_length=150),
    OneHotEncoder("protein", quality="probability"),
    IntegerEncoder(unknown="zero"),
    IntegerEncoder(unknown="random", seed=5, dtype=torch.uint8, pad_to=250),
    KmerEncoder(3, unknown="zero"),
    KmerEncoder(4, output="ids", unknown="random", pad_to=250),
]


@pytest.mark.parametrize("encoder", ENCODERS, ids=repr)
def test_one_read_is_the_row_of_a_batch_of_it(encoder: OneHotEncoder):
    rng = random.Random(2)
    for length in (0, 1, 63, 64, 150):
        read = dna(rng, length, "ACGTNacgtR")
        row = encoder.encode_batch([read])[0]
        for given in (read, read.encode(), bytearray(read.encode())):
            one = encoder.encode(given)
            assert torch.equal(one, row) and one.dtype == row.dtype and one.is_contiguous()
    with pytest.raises(WrongTypeError, match=type(encoder).__name__):
        encoder.encode(7)


@pytest.mark.parametrize("encoder", ENCODERS[:7], ids=repr)
def test_items_are_the_rows_of_their_batch(encoder: OneHotEncoder, tmp_path: Path):
    rng = random.Random(6)
    path = tmp_path / "reads.fastq"
    lengths = [0, 1, 90, 120, 7]
    scores = ["".join(chr(rng.randrange(33, 74)) for _ in range(n)) for n in lengths]
    path.write_text(
        "".join(
            f"@r{i} t{i}\n{dna(rng, n)}\n+\n{q}\n"
            for i, (n, q) in enumerate(zip(lengths, scores, strict=True))
        )
    )
    data = db.SequenceDataset(
        path, sequence_type=encoder.sequence_type, transform=encoder, target="file"
    )
    data.set_epoch(3)
    rows = data.__getitems__(range(5))
    for i, row in enumerate(rows):
        item = data[i]
        assert item.keys() == row.keys()
        for key, value in row.items():
            same = torch.equal(item[key], value) if torch.is_tensor(value) else item[key] == value
            assert same, key
        assert vars(item) == vars(row)


def test_an_option_that_changes_is_seen_and_pickles_hold_the_options_only():
    encoder = OneHotEncoder()
    assert encoder.encode("ACGT").shape == (4, 4)
    encoder.pad_to = 9
    assert encoder.encode("ACGT").shape == (9, 4)
    again = pickle.loads(pickle.dumps(encoder))
    assert again.encode("ACGT").shape == (9, 4)
    assert repr(again) == repr(encoder)


def test_a_class_of_a_user_is_asked_for_its_own_batches():
    class Twice(OneHotEncoder):
        def encode_batch(self, sequences):
            return 2 * super().encode_batch(sequences)

    assert Twice().encode("ACGT").sum() == 8


def test_a_quality_channel_of_another_length_is_refused():
    sample = db.Sample(sequence=b"ACGT", quality=b"II", id="a", metadata={"index": 3})
    with pytest.raises(ArgumentError, match="expected 4 qualities, got 2"):
        OneHotEncoder(quality="channel")(sample)
