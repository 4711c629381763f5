"""What a user of DeepBioP's PyTorch design counts on: known answers, shapes, types, models that
train."""

import logging
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, MissingFileError, ParseError
from deepbio_torch.transforms import (
    Compose,
    IntegerEncoder,
    KmerEncoder,
    Mutator,
    OneHotEncoder,
    Sampler,
    TokenEncoder,
)


@pytest.fixture
def test_fastq(shared, tmp_path):
    """DeepBioP's test.fastq: its 25 reads 40 times."""
    path = tmp_path / "test.fastq"
    path.write_bytes(40 * (shared / "sequences/valid/DeepBioP/test.fastq").read_bytes())
    return path


def test_known_answers_of_a_thousand_real_reads(test_fastq):
    assert test_fastq.stat().st_size == 1_363_600
    data = db.SequenceDataset(test_fastq, transform=OneHotEncoder())
    about = data.summary()
    lengths = about["sequence_lengths"]
    assert (len(data), lengths["min"], lengths["max"], lengths["median"]) == (1000, 517, 1000, 654)
    assert lengths["mean"] == pytest.approx(660.8) and about["total_letters"] == 660_800
    assert 2 * about["total_letters"] == 1_321_600  # sequences and qualities
    quality = torch.cat([data[i]["quality"] for i in range(25)])
    assert (
        quality.min() == 1
        and quality.max() == 50
        and quality.mean().item() == pytest.approx(27.126, abs=5e-4)
    )
    gc = data.batch(range(25)).sequences[:, :, 1:3].sum().item() / 16520
    assert gc == pytest.approx(0.4019, abs=5e-5)
    assert data.validate() == {"is_valid": True, "errors": [], "warnings": []}
    loader = db.DataLoader(data, batch_size=5)
    assert len(loader) == 200 == sum(1 for _ in loader)
    assert len({data.record(i).sequence for i in range(1000)}) == 25
    once = db.SequenceDataset(
        test_fastq, transform=Compose([db.transforms.Deduplicator(), OneHotEncoder()])
    )
    assert len(once) == 25 and once.report["num_filtered"] == 975


@pytest.mark.parametrize(
    ("name", "count", "bases"),
    [
        ("test.fastq.gz", 25, 16520),
        ("test.fastqbgz.gz", 25, 16520),
        ("test.fa", 14, 10472),
        ("test.fa.gz", 14, 10472),
        ("one_record.fq", 1, 1349),
    ],
)
def test_every_container_of_the_real_files(shared, name, count, bases):
    data = db.SequenceDataset(shared / "sequences/valid/DeepBioP" / name)
    assert len(data) == count and int(data.lengths.sum()) == bases
    assert (data[0]["quality"] is None) == (count == 14)


def test_known_answers_of_collating_and_unknown_letters():
    reads = [
        {"sequence": OneHotEncoder().encode(read), "label": i}
        for i, read in enumerate((b"AC", b"ACG", b"T"))
    ]
    batch = db.collate(reads)
    assert batch.sequences.shape == (3, 3, 4) and batch.lengths.tolist() == [2, 3, 1]
    assert batch.sequences.dtype == torch.float32 and batch.labels.tolist() == [0, 1, 2]
    assert batch.sequences[2].sum() == 1 and batch.sequences.is_contiguous()
    assert db.pad_collate(0.5, pad_to=4)(reads).sequences[2, 3].tolist() == [0.5] * 4
    assert db.truncate_collate(2)(reads).lengths.tolist() == [2, 2, 1]
    rows = OneHotEncoder().encode(b"ACNGTNNACGT")
    assert (rows.sum(1) == 0).sum() == 3 and rows.shape == (11, 4)


@pytest.mark.parametrize(
    ("kind", "letters"), [("dna", b"ACGT"), ("rna", b"ACGU"), ("protein", b"ACDEFGHIKLMNPQRSTVWY")]
)
def test_the_order_of_letters_and_what_padding_is(kind, letters):
    assert IntegerEncoder(kind).encode(letters).tolist() == list(range(len(letters)))
    assert IntegerEncoder(kind).encode(letters.lower()).tolist() == list(range(len(letters)))
    floats = IntegerEncoder(kind, dtype=torch.float32).encode_batch([letters, letters[:2]])
    assert floats.dtype == torch.float32 and floats[1].tolist() == [0, 1] + [-1] * (
        len(letters) - 2
    )
    assert torch.equal(OneHotEncoder(kind).encode(letters), torch.eye(len(letters)))
    for encoder in (OneHotEncoder(kind), IntegerEncoder(kind), KmerEncoder(2, sequence_type=kind)):
        assert encoder.encode_batch([]).shape[0] == 0
    with pytest.raises(ArgumentError, match="position 2"):
        IntegerEncoder(kind).encode(letters[:1] + b"*")


def test_arrays_are_contiguous_and_share_their_memory_with_numpy():
    for encoder in (
        OneHotEncoder(),
        OneHotEncoder(channels_first=True),
        KmerEncoder(3),
        IntegerEncoder(),
    ):
        tensor = encoder.encode_batch([b"ACGT", b"ACG"])
        array = tensor.numpy()
        assert tensor.is_contiguous() and array.ctypes.data == tensor.data_ptr()
        assert torch.from_numpy(array).data_ptr() == tensor.data_ptr()
        again = encoder.encode_batch([b"ACGT", b"ACG"])
        assert again.data_ptr() != tensor.data_ptr() and torch.equal(again, tensor)
    assert OneHotEncoder().encode(b"ACGT").half().dtype == torch.float16


def test_several_iterators_and_slices_of_one_dataset(test_fastq):
    data = db.SequenceDataset(test_fastq)
    first, second = iter(data), iter(data)
    assert [next(first)["id"] for _ in range(3)] == [next(second)["id"] for _ in range(3)]
    assert next(first)["id"] == data[3]["id"] == next(second)["id"]
    joined = torch.utils.data.ConcatDataset([data, torch.utils.data.Subset(data, [5, 6])])
    assert len(joined) == 1002 and joined[1001]["id"] == data[6]["id"]
    sample = data[0]
    changed = Compose([Mutator(0.5, 1), OneHotEncoder()])(sample)
    assert (
        isinstance(sample["sequence"], bytes)
        and changed["id"] == sample["id"]
        and sample is not changed
    )


def test_lazy_and_eager_types_and_paths(tmp_path):
    path = tmp_path / "reads.fa"
    for lazy in (True, False):
        with pytest.raises(MissingFileError, match=r"reads\.fa"):
            db.SequenceDataset(path, lazy=lazy)
    path.write_text("no record\n")
    lazy = db.SequenceDataset(path, sequence_type="protein", transform=IntegerEncoder("protein"))
    for call in (lambda: db.SequenceDataset(path, lazy=False), lambda: len(lazy), lambda: lazy[0]):
        with pytest.raises(ParseError, match=r"reads\.fa"):
            call()
    path.write_text(">p\nMKV\n")
    assert lazy[0]["sequence"].tolist() == [10, 8, 17] and len(lazy) == 1
    both = db.SequenceDataset([str(path), path], sequence_type="protein", lazy=False)
    assert len(both) == 2 and "2 records" in repr(both)
    again = pickle.loads(pickle.dumps(lazy))
    assert again[0]["sequence"].tolist() == [10, 8, 17] and again.sequence_type == "protein"
    with pytest.raises(ArgumentError, match="'dnaa'"):
        db.SequenceDataset(path, sequence_type="dnaa")


MODELS = {
    "cnn": (
        OneHotEncoder(channels_first=True),
        nn.Sequential(nn.Conv1d(4, 8, 5), nn.AdaptiveMaxPool1d(1), nn.Flatten()),
    ),
    "mlp": (KmerEncoder(5, canonical=True), nn.Linear(1024, 8)),
    "lstm": (OneHotEncoder(max_length=50), nn.LSTM(4, 8, batch_first=True)),
}


@pytest.mark.parametrize("name", MODELS)
def test_batches_train_stock_models_with_stock_losses(test_fastq, name):
    encoder, body = MODELS[name]
    data = db.SequenceDataset(
        test_fastq, transform=encoder, target=db.targets.from_sequence("gc_content")
    )
    head = nn.Linear(8, 1)
    batch = next(iter(db.DataLoader(data, batch_size=8)))
    whole = torch.cat([batch.sequences, batch.sequences[:2]])
    assert whole.shape[0] == 10 and whole[3:5, ...].shape[0] == 2
    hidden = body(batch.sequences)
    hidden = hidden[0].mean(1) if isinstance(hidden, tuple) else hidden
    loss = nn.functional.mse_loss(head(hidden).squeeze(1), batch.labels)
    loss.backward()
    assert all(
        p.grad.isfinite().all() and p.grad.abs().sum() > 0
        for p in body.parameters()
        if p.grad is not None
    )
    values = batch.sequences.clone().requires_grad_()
    (values * 2).sum().backward()
    assert torch.equal(values.grad, torch.full_like(values, 2))


def test_transformer_tokens_with_cls_sep_and_masks():
    tokens = TokenEncoder(db.tokenizers.Tokenizer.from_preset("deepbio-dna"))
    batch = db.collate([tokens({"sequence": read}) for read in (b"ACGT", b"AC")])
    assert (
        batch.input_ids.tolist() == [[1, 5, 6, 7, 8, 2], [1, 5, 6, 2, 0, 0]]
        and batch.input_ids.dtype == torch.int64
    )
    assert batch.attention_mask.tolist() == [
        [1] * 6,
        [1] * 4 + [0] * 2,
    ] and batch.lengths.tolist() == [4, 2]
    plain = TokenEncoder(
        db.tokenizers.Tokenizer.from_preset("deepbio-dna"), add_special_tokens=False
    )
    assert (
        db.collate([plain({"sequence": read}) for read in (b"ACGT", b"AC")]).attention_mask.sum()
        == 6
    )
    integers = IntegerEncoder().encode_batch([b"ACGT", b"AC"])
    assert (integers != -1).long().tolist() == [[1] * 4, [1, 1, 0, 0]]
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    out = layer(nn.Embedding(9, 8)(batch.input_ids), src_key_padding_mask=batch.attention_mask == 0)
    assert out.shape == (2, 6, 8) and out.isfinite().all()


def test_five_lines_from_a_file_to_batches(test_fastq):
    data = db.SequenceDataset(
        test_fastq, transform=Compose([Sampler(500, seed=1), OneHotEncoder()])
    )
    for batch in db.DataLoader(data, batch_size=32, shuffle=True, seed=1, num_workers=2):
        assert (
            batch.sequences.shape[1:] == (500, 4)
            and batch.quality.shape == batch.sequences.shape[:2]
        )
    assert batch.sequences.shape[0] == 8


def test_quality_stays_with_its_window(test_fastq):
    data = db.SequenceDataset(
        test_fastq, transform=Compose([Sampler(100, seed=9), IntegerEncoder(quality="integer")])
    )
    for i in range(50):
        sample, raw = data[i], data.record(i)
        letters = bytes(b"ACGT"[code] for code in sample["sequence"].tolist())
        scores = bytes(int(score) + 33 for score in sample["quality"].tolist())
        places = [p for p in range(len(raw.sequence) - 99) if raw.sequence[p : p + 100] == letters]
        assert any(raw.quality[p : p + 100] == scores for p in places)


def test_the_log_is_silent_unless_it_is_asked_for(test_fastq, tmp_path):
    script = (
        "import sys, deepbio_torch as db\n"
        "data = db.SequenceDataset(sys.argv[1], transform=db.transforms.KmerEncoder(3), "
        "cache_dir=sys.argv[2])\n"
        "data.batch([0])\n"
    )
    command = [sys.executable, "-c", script, test_fastq, tmp_path / "cache"]
    said = [
        subprocess.run(
            command, capture_output=True, text=True, check=True, env={**os.environ, **more}
        )
        for more in ({}, {"DEEPBIO_LOG": "debug"})
    ]
    assert said[0].stderr == "" and said[0].stdout == said[1].stdout == ""
    assert "cache" in said[1].stderr and "deepbio_torch" in said[1].stderr
    assert logging.getLogger("deepbio_torch").level == logging.NOTSET


def test_integers_and_one_hot_agree_with_numpy_on_random_reads_of_every_length():
    rng = np.random.default_rng(0)
    for kind, letters in (("dna", "ACGTNacgtRU"), ("protein", "ACDEFGHIKLMNPQRSTVWYXacx")):
        order = "ACGT" if kind == "dna" else "ACDEFGHIKLMNPQRSTVWY"
        table = np.full(256, -1)
        for i, letter in enumerate(order):
            table[ord(letter)] = table[ord(letter.lower())] = i
        if kind == "dna":
            table[ord("U")] = table[ord("u")] = 3
        reads = ["".join(rng.choice(list(letters), size)).encode() for size in range(150)]
        codes = np.full((150, 149), -1)
        for row, read in zip(codes, reads, strict=True):
            row[: len(read)] = table[np.frombuffer(read, np.uint8)]
        encoded = IntegerEncoder(kind, unknown="zero").encode_batch(reads)
        assert np.array_equal(encoded.numpy(), codes)
        one_hot = (codes[:, :, None] == np.arange(len(order))).astype(np.float32)
        assert np.array_equal(OneHotEncoder(kind).encode_batch(reads).numpy(), one_hot)
        turned = OneHotEncoder(kind, channels_first=True).encode_batch(reads).numpy()
        assert np.array_equal(turned, one_hot.transpose(0, 2, 1))
