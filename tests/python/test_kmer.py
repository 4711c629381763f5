"""k-mer counts and ids against a naive NumPy version; known answers; bounds.

The loader and the command.
"""

import json
import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError
from deepbio_torch.transforms import Compose, KmerEncoder, ReverseComplement

LETTERS = {"dna": "ACGT", "rna": "ACGU", "protein": "ACDEFGHIKLMNPQRSTVWY"}


def naive_ids(read: str, kind: str, k: int, canonical: bool) -> list[int]:
    """The number of each window; -1 for one with an unknown letter."""
    letters = LETTERS[kind]
    text = (
        read.upper().replace("U", "T").replace("T", letters[-1])
        if kind != "protein"
        else read.upper()
    )
    out = []
    for start in range(len(text) - k + 1):
        digits = [letters.find(letter) for letter in text[start : start + k]]
        if min(digits) < 0:
            out.append(-1)
            continue
        number = sum(digit * len(letters) ** (k - 1 - i) for i, digit in enumerate(digits))
        other = sum((3 - digit) * 4**i for i, digit in enumerate(digits))
        out.append(min(number, other) if canonical else number)
    return out


def naive_counts(read: str, kind: str, k: int, canonical: bool) -> np.ndarray:
    out = np.zeros(len(LETTERS[kind]) ** k, np.float32)
    np.add.at(out, [number for number in naive_ids(read, kind, k, canonical) if number >= 0], 1)
    return out


def random_reads(kind: str, count: int, longest: int, unknown: str = "") -> list[str]:
    rng = random.Random(4)
    letters = LETTERS[kind] * 3 + LETTERS[kind].lower() + unknown
    return ["".join(rng.choices(letters, k=rng.randint(0, longest))) for _ in range(count)]


@pytest.mark.parametrize(
    ("kind", "k"), [("dna", k) for k in range(1, 9)] + [("rna", 4), ("protein", 1), ("protein", 3)]
)
@pytest.mark.parametrize("canonical", [False, True])
def test_counts_equal_a_naive_version(kind: str, k: int, canonical: bool):
    if kind == "protein" and canonical:
        with pytest.raises(ArgumentError, match="canonical"):
            KmerEncoder(k, canonical, kind)
        return
    reads = random_reads(kind, 60, 40, "N*-" if kind != "protein" else "*-")
    counts = KmerEncoder(k, canonical, kind, unknown="zero").encode_batch(
        [read.encode() for read in reads]
    )
    assert counts.dtype == torch.float32 and counts.is_contiguous()
    assert np.array_equal(
        counts.numpy(), np.stack([naive_counts(read, kind, k, canonical) for read in reads])
    )


@pytest.mark.parametrize("k", [1, 2, 3, 6, 7, 8, 9, 11, 15, 16, 17, 24, 31])
@pytest.mark.parametrize("canonical", [False, True])
@pytest.mark.parametrize("overlap", [False, True])
def test_ids_equal_a_naive_version(k: int, canonical: bool, overlap: bool):
    reads = [*random_reads("dna", 40, 90, "NU"), "ACGTTGCA" * 1300 + "N" + "GATTACA" * 900]
    ids = KmerEncoder(k, canonical, output="ids", overlap=overlap, unknown="zero").encode_batch(
        [read.encode() for read in reads]
    )
    assert ids.dtype == torch.int64
    for row, read in zip(ids.tolist(), reads, strict=True):
        expected = naive_ids(read, "dna", k, canonical)[:: 1 if overlap else k]
        assert row[: len(expected)] == expected
        assert set(row[len(expected) :]) <= {-1}


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16])
def test_counts_as_small_integers_equal_those_in_floats(dtype: torch.dtype):
    rng = random.Random(4)
    reads = ["".join(rng.choices("ACGTacgtN", k=rng.randrange(120))) for _ in range(150)]
    for k in (1, 3, 6, 9):
        options = {"k": k, "canonical": k == 3, "unknown": "zero"}
        small = KmerEncoder(**options, dtype=dtype).encode_batch(reads)
        assert small.dtype == dtype
        assert torch.equal(small.float(), KmerEncoder(**options).encode_batch(reads))


def test_a_kmer_that_stands_too_often_for_the_dtype_is_refused_with_its_read():
    full = ["ACGT", "A" * 257]  # 255 windows of three
    assert KmerEncoder(3, dtype=torch.uint8).encode_batch(full)[1, 0] == 255
    with pytest.raises(ArgumentError, match=r"read 1: .*at most 255 times \(Byte\)"):
        KmerEncoder(3, dtype=torch.uint8).encode_batch(["ACGT", "A" * 258, "A" * 300])
    assert KmerEncoder(3, dtype=torch.uint16).encode_batch(["A" * 258])[0, 0] == 256
    with pytest.raises(ArgumentError, match="65535"):
        KmerEncoder(3, dtype=torch.uint16).encode("A" * 65538)
    with pytest.raises(ArgumentError, match=r"dtype: expected torch.float32, .*got torch.int64"):
        KmerEncoder(3, dtype=torch.int64)


def test_known_answers():
    counts = KmerEncoder(3).encode(b"ACGTACGT")
    assert counts.shape == (64,) and counts.sum() == 6
    assert [int(counts[i]) for i in (6, 27, 44, 49)] == [2, 2, 1, 1]
    classes = []
    for k in range(1, 7):
        every = KmerEncoder(k, True, output="ids", overlap=False)
        kmers = [
            np.base_repr(i, 4).zfill(k).translate(str.maketrans("0123", "ACGT"))
            for i in range(4**k)
        ]
        classes.append(len(set(every.encode("".join(kmers).encode()).tolist())))
    assert classes == [2, 10, 32, 136, 512, 2080]


def test_canonical_counts_are_those_of_the_other_strand_and_keep_the_width():
    read = b"GATTACAGATTACACCCGGGT"
    encoder = KmerEncoder(5, True)
    assert torch.equal(encoder.encode(read), encoder.encode(ReverseComplement().apply(read)))
    assert encoder.encode(read).shape == (1024,) and encoder.encode(read).sum() == len(read) - 4


def test_a_read_shorter_than_k_gives_zeros_and_no_reads_no_rows():
    assert KmerEncoder(4).encode_batch([b"", b"ACG"]).tolist() == [[0.0] * 256] * 2
    assert KmerEncoder(4).encode_batch([]).shape == (0, 256)
    assert KmerEncoder(4, output="ids").encode_batch([b"ACG"]).shape == (1, 0)
    assert KmerEncoder(4, output="ids", pad_to=2).encode_batch([b"ACGTA"]).tolist() == [[27, 108]]


def test_an_unknown_letter_is_refused_with_its_position_whatever_thread_meets_it():
    with pytest.raises(ArgumentError, match=r"position 3: expected one of ACGT \(dna\), got 'N'"):
        KmerEncoder(3).encode(b"ACNGT")
    reads = [b"ACGTACGT"] * 200 + [b"ACGTXACGT"] + [b"N" * 9] * 200
    with pytest.raises(ArgumentError, match="read 200, position 5"):
        KmerEncoder(3).encode_batch(reads)


def test_random_letters_depend_on_the_record_and_the_seed_only():
    encoder = KmerEncoder(2, output="ids", unknown="random", seed=5)
    long = b"ACN" * 3000
    first = encoder.encode_batch([long, long])
    assert first.min() >= 0 and first.max() < 16
    assert not torch.equal(first[0], first[1]) and torch.equal(
        first, encoder.encode_batch([long, long])
    )
    other = KmerEncoder(2, output="ids", unknown="random", seed=6).encode_batch([long, long])
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k: expected 1 to 12 .* got 0"),
        ({"k": 13}, "k: expected 1 to 12 .* got 13"),
        ({"k": 32, "output": "ids"}, "k: expected 1 to 31 .* got 32"),
        ({"k": 6, "sequence_type": "protein"}, "k: expected 1 to 5 .* got 6"),
        ({"unknown": "iupac"}, "unknown: expected one of"),
        ({"output": "table"}, "output: expected counts or ids, got 'table'"),
        ({"pad_to": 4}, "counts have a fixed width"),
        ({"max_length": 0}, "max_length"),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, object], message: str):
    with pytest.raises(ArgumentError, match=message):
        KmerEncoder(**options)


@pytest.fixture
def fastq(tmp_path: Path) -> tuple[Path, list[str]]:
    reads = [*random_reads("dna", 30, 30), "ACGTACGT" * 12]
    path = tmp_path / "reads.fastq"
    path.write_text(
        "".join(f"@r{i}\n{read}\n+\n{'I' * len(read)}\n" for i, read in enumerate(reads))
    )
    return path, reads


@pytest.mark.parametrize("output", ["counts", "ids"])
def test_whole_batches_items_and_both_loaders_agree(fastq: tuple[Path, list[str]], output: str):
    path, reads = fastq
    encoder = KmerEncoder(3, output=output)
    whole = db.SequenceDataset(path, transform=encoder, target="file")
    each = db.SequenceDataset(
        path, transform=Compose([encoder, lambda sample: sample]), target="file"
    )
    assert whole.is_native and not each.is_native
    batches = [
        whole.batch(range(len(reads))),
        db.collate([each[i] for i in range(len(reads))]),
        db.collate([whole[i] for i in range(len(reads))]),
        next(iter(torch.utils.data.DataLoader(whole, batch_size=len(reads)))),
        next(iter(db.DataLoader(whole, batch_size=len(reads), num_workers=2))),
    ]
    expected = encoder.encode_batch([read.encode() for read in reads])
    for batch in batches:
        assert torch.equal(batch.sequences, expected)
        assert batch.lengths.tolist() == [len(read) for read in reads]
        assert batch.labels.tolist() == [0] * len(reads)


def test_the_encoder_pickles_and_takes_str_too():
    encoder = KmerEncoder(4, True, unknown="zero")
    assert repr(pickle.loads(pickle.dumps(encoder))) == repr(encoder)
    assert torch.equal(encoder.encode("ACGTT"), encoder.encode(b"ACGTT"))  # type: ignore[arg-type]


def test_the_command_writes_the_same_counts(deepbio, fastq: tuple[Path, list[str]], tmp_path: Path):
    path, reads = fastq
    out = tmp_path / "out"
    deepbio("encode", path, "-o", out, "--encoding", "kmer", "--k", 4, "--canonical", check=True)
    expected = np.stack([naive_counts(read, "dna", 4, True) for read in reads])
    assert np.array_equal(load_file(out / "shard-00000.safetensors")["values"], expected)
    metadata = json.loads((out / "metadata.json").read_text())
    assert metadata["k"] == 4 and metadata["canonical"] is True
    refused = deepbio("encode", path, "-o", tmp_path / "no", "--encoding", "kmer", "--k", 40)
    assert refused.returncode == 1 and "k: expected 1 to 12" in refused.stderr
