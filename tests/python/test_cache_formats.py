"""What a cache is on disk: every encoder comes back, shards are the command's, older formats are
read."""

import json
from pathlib import Path

import pytest
import torch

import deepbio_torch as db
from deepbio_torch.transforms import (
    Compose,
    IntegerEncoder,
    KmerEncoder,
    LengthFilter,
    OneHotEncoder,
    TokenEncoder,
)


def tokens(preset, **options):
    return TokenEncoder(db.tokenizers.Tokenizer.from_preset(preset), **options)


ENCODERS = [
    OneHotEncoder(channels_first=True, quality="channel"),
    OneHotEncoder(pad_to=60),
    IntegerEncoder(dtype=torch.uint8, quality="integer"),
    IntegerEncoder(dtype=torch.float32, quality=None),
    KmerEncoder(3),
    KmerEncoder(4, output="ids"),
    KmerEncoder(3, output="ids", overlap=False, pad_to=20),
    tokens("deepbio-dna"),
    tokens("deepbio-dna", pad_to=64),
    tokens("caduceus", pad_to_multiple_of=8),  # pads on the left
]


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda e: f"{type(e).__name__}-{e.pad_to}")
@pytest.mark.parametrize("has_mates", [False, True])
def test_every_encoder_comes_back_from_a_cache(fastq, tmp_path, monkeypatch, encoder, has_mates):
    monkeypatch.setattr(
        "deepbio_torch.cache._SHARD_RECORDS", 100
    )  # several shards of different widths
    mate = tmp_path / "mates.fq"  # the same names, other reads
    lines = fastq.read_text().splitlines()
    mate.write_text(
        "\n".join(line[: 22 + i // 4 % 7] if i % 2 else line for i, line in enumerate(lines)) + "\n"
    )
    data = db.SequenceDataset(
        fastq, transform=Compose([LengthFilter(22, 45), encoder]), mates=mate if has_mates else None
    )
    cached = db.Cache.load(db.Cache.save(data, tmp_path / "cache"))
    assert len(list((tmp_path / "cache").glob("data-*/*"))) == -(-len(data) // 100) > 1
    assert torch.equal(cached.lengths, data.batch(range(len(data))).lengths)
    indices = [0, 150, 99, 100, 31, -1]
    whole, other = data.batch(indices), cached.batch(indices)
    assert whole.keys() == other.keys() and ("mate_lengths" in whole) == has_mates
    for key, value in whole.items():
        same = torch.equal(value, other[key]) if torch.is_tensor(value) else value == other[key]
        assert same, key
    for one, again in zip(data.__getitems__(indices), cached.__getitems__(indices), strict=True):
        assert one.keys() == again.keys() and vars(one) == vars(again)
        for key, value in one.items():
            assert (
                torch.equal(value, again[key]) if torch.is_tensor(value) else value == again[key]
            ), key


@pytest.mark.parametrize(
    "encoder", [OneHotEncoder(), TokenEncoder(db.tokenizers.Tokenizer.from_preset("deepbio-dna"))]
)
def test_a_cache_is_shards_as_the_command_writes_them(
    deepbio, fastq, tmp_path, monkeypatch, encoder
):
    safetensors = pytest.importorskip("safetensors.torch")
    monkeypatch.setattr("deepbio_torch.cache._SHARD_RECORDS", 300)
    data = db.SequenceDataset(fastq, transform=encoder)
    folder = Path(db.Cache.save(data, tmp_path / "cache"))
    about = json.loads((folder / "metadata.json").read_text())
    deepbio("encode", fastq, "-o", tmp_path / "encoded", "--encoding", encoder.encoding, check=True)
    of_command = json.loads((tmp_path / "encoded" / "metadata.json").read_text())
    for key in ("format", "format_version", "versions", "encoding", "num_records"):
        assert about[key] == of_command[key], key
    assert [source["path"] for source in about["sources"]] == [
        source["path"] for source in of_command["sources"]
    ]

    whole, key = (
        data.batch(range(len(data))),
        "input_ids" if "tokens" in encoder.encoding else "sequences",
    )
    for shard, rows in zip(about["shards"], (range(300), range(300, 520)), strict=True):
        tensors = safetensors.load_file(folder / shard["file"])
        assert list(tensors["values"].shape) == shard["shape"] and shard["num_records"] == len(rows)
        width = shard["shape"][1]
        assert torch.equal(tensors["values"], whole[key][rows.start : rows.stop, :width])
        assert torch.equal(tensors["lengths"], whole.lengths[rows.start : rows.stop])


def test_a_cache_of_the_version_before_is_read(fastq, tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    data = db.SequenceDataset(fastq, transform=OneHotEncoder())
    folder = Path(db.Cache.save(data, tmp_path / "cache"))
    about = json.loads((folder / "metadata.json").read_text())
    (shard,) = about["shards"]
    inside, name = shard["file"].split("/")
    old = {
        **about["cache"],
        "format": 3,
        "version": db.__version__,
        "folder": inside,
        "sources": about["sources"],
    }
    old["shards"] = [{"file": name, "records": shard["num_records"], "is_even": shard["is_even"]}]
    (folder / "metadata.json").write_text(json.dumps(old))
    tensors = safetensors.load_file(folder / shard["file"])
    tensors["sequences"] = tensors.pop("values")
    safetensors.save_file(tensors, folder / shard["file"])

    batch, whole = db.Cache.load(folder).batch([519, 3]), data.batch([519, 3])
    assert torch.equal(batch.sequences, whole.sequences) and batch.ids == whole.ids
    assert not db.Cache.is_valid(folder, data)  # made anew when a dataset wants it
