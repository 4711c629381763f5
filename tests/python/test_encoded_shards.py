"""What `deepbio encode` wrote, as a dataset: the records as the encoder of Python gives them."""

import json
import pickle
import shutil

import pytest
import torch

import deepbio_torch as db
from deepbio_torch.cache import Cache
from deepbio_torch.errors import ParseError
from deepbio_torch.tokenizers import Tokenizer
from deepbio_torch.transforms import (
    IntegerEncoder,
    KmerEncoder,
    OneHotEncoder,
    TokenEncoder,
)


@pytest.mark.parametrize(
    ("options", "encoder"),
    [
        ([], OneHotEncoder(quality=None)),
        (
            ["--encoding", "integer", "--max-length", "30"],
            IntegerEncoder(max_length=30, quality=None),
        ),
        (["--encoding", "kmer", "--k", "2", "--canonical"], KmerEncoder(2, True)),
        (["--encoding", "tokens"], TokenEncoder(Tokenizer.from_preset("aam"))),
        (
            ["--encoding", "tokens", "--tokenizer", "hyenadna"],
            TokenEncoder(Tokenizer.from_preset("hyenadna")),
        ),
        (
            ["--encoding", "tokens", "--tokenizer", "dnabert-3"],
            TokenEncoder(Tokenizer.from_preset("dnabert-3")),
        ),
    ],
)
def test_what_the_command_encoded_is_read_as_a_cache(deepbio, fastq, tmp_path, options, encoder):
    other = tmp_path / "other.fa"
    other.write_text(">x\nACGTTTGACA\n>y\nACGTAC\n")
    deepbio("encode", fastq, other, "-o", tmp_path / "encoded", *options, check=True)
    read = Cache.load(tmp_path / "encoded")
    data = db.SequenceDataset([fastq, other], transform=encoder)
    assert len(read) == len(data) == 522
    for indices in (range(3, 9), [521, 4, 4, -2], range(519, 522)):
        got, expected = read.batch(indices), data.batch(indices)
        for key in ("sequences", "input_ids", "attention_mask", "lengths", "index"):
            assert (key in got) == (key in expected), key
            assert key not in got or torch.equal(got[key], expected[key]), key
        assert got.ids == expected.ids
        assert [m["path"] for m in got.metadata] == [m["path"] for m in expected.metadata]
    assert torch.equal(pickle.loads(pickle.dumps(read)).batch([5]).index, torch.tensor([5]))
    assert read[7]["id"] == "r7" and len(list(db.DataLoader(read, 100))) == 6
    assert not Cache.is_valid(tmp_path / "encoded", data)
    (tmp_path / "encoded" / "ids.txt").write_text("r0\n")
    with pytest.raises(ParseError, match="encoded"):
        Cache.load(tmp_path / "encoded")


def test_shards_of_the_version_before_are_read(deepbio, fastq, tmp_path):
    from safetensors.numpy import load_file, save_file

    new, old = tmp_path / "new", tmp_path / "old"
    deepbio("encode", fastq, "-o", new, "--encoding", "tokens", check=True)
    shutil.copytree(new, old)
    about = json.loads((old / "metadata.json").read_text())
    assert about["format_version"] == 3
    (old / "metadata.json").write_text(json.dumps({**about, "format_version": 1}))
    for path in old.glob("shard-*"):  # AAM's tokens without a mask, lengths with START
        tensors = load_file(path)
        save_file({"values": tensors["values"], "lengths": tensors["lengths"] + 1}, path)
    got, expected = Cache.load(old).batch([3, 500, 7]), Cache.load(new).batch([3, 500, 7])
    assert torch.equal(got.input_ids, expected.input_ids) and torch.equal(
        got.attention_mask, expected.attention_mask
    )
