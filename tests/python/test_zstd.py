"""Reads in zstd, as pyarrow writes it, are those of the text."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow
import pytest

import deepbio_torch as db
from deepbio_torch.errors import ParseError


@pytest.fixture(scope="module")
def text() -> bytes:
    rng = random.Random(2)
    reads = ("".join(rng.choices("ACGT", k=rng.randrange(1, 300))) for _ in range(2000))
    return "".join(f"@r{i}\n{x}\n+\n{'I' * len(x)}\n" for i, x in enumerate(reads)).encode()


@pytest.fixture
def files(text, tmp_path) -> tuple[Path, Path]:
    plain, packed = tmp_path / "plain.fq", tmp_path / "packed.fq.zst"
    plain.write_bytes(text)
    middle = len(text) // 2
    parts = (
        pyarrow.compress(part, "zstd", asbytes=True) for part in (text[:middle], text[middle:])
    )
    packed.write_bytes(b"".join(parts))
    return plain, packed


def test_readers_streams_and_datasets_give_the_records_of_the_text(files):
    plain, packed = files
    expected = [tuple(record) for record in db.SequenceReader(plain)]
    for num_threads in (1, 2):
        reader = db.SequenceReader(packed, num_threads=num_threads)
        assert [tuple(record) for record in reader] == expected
        assert (reader.format, reader.container) == ("fastq", "zstd")
    assert [each["id"] for each in db.StreamingSequenceDataset(packed)] == [
        name for name, *_ in expected
    ]


def test_damage_and_access_at_random_are_one_line(files, tmp_path):
    _, packed = files
    cut = tmp_path / "cut.zst"
    cut.write_bytes(packed.read_bytes()[:-100])
    with pytest.raises(ParseError, match=r"cut\.zst: byte \d+: expected the rest of a zstd frame"):
        list(db.SequenceReader(cut))
    with pytest.raises(ParseError, match="for random access, got zstd data; recompress it first"):
        len(db.SequenceDataset(packed, memory_limit_bytes=0))
