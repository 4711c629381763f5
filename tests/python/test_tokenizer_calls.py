"""How tokenizers are called, and what they say about texts and files that are none of theirs."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from deepbio_torch.errors import ArgumentError, ConfigError
from deepbio_torch.tokenizers import Tokenizer


def test_the_calling_convention():
    tok = Tokenizer.from_preset("hyenadna")
    assert tok("ACG")["input_ids"] == [7, 8, 9, 1] and tok(["A"])["input_ids"] == [[7, 1]]
    batch = tok(["ACGT", "A"], padding="max_length", max_length=6, return_tensors="np")
    assert isinstance(batch["input_ids"], np.ndarray)
    assert batch["input_ids"].tolist() == [[4, 7, 8, 9, 10, 1], [4, 4, 4, 4, 7, 1]]
    assert tok(
        ["ACG"], padding=True, pad_to_multiple_of=8, return_tensors="pt"
    ).input_ids.shape == (1, 8)
    assert tok(["ACGTACGT"], truncation=True, max_length=3, truncation_side="left").input_ids == [
        [9, 10, 1]
    ]
    assert (tok.pad_token, tok.pad_token_id, tok.unk_token_id, tok.eos_token_id) == (
        "[PAD]",
        4,
        6,
        1,
    )
    assert len(tok) == tok.vocab_size == 12 and tok.num_special_tokens == 1
    assert tok.convert_tokens_to_ids(["A", "Z"]) == [7, 6] and tok.convert_ids_to_tokens(
        [7, 4]
    ) == ["A", "[PAD]"]
    assert tok.tokenize("AC") == ["A", "C"]
    with pytest.raises(ArgumentError, match="padding=True"):
        tok(["A", "AC"], return_tensors="pt")
    with pytest.raises(ArgumentError, match="max_length: hyenadna knows none"):
        tok(["A"], truncation=True)
    with pytest.raises(ArgumentError, match="max_length: expected at least 1"):
        tok(["A"], truncation=True, max_length=0)
    with pytest.raises(TypeError, match="expected bytes or str, got int"):
        tok([7])


def test_many_unknown_tokens_are_told_once_and_few_are_not():
    with pytest.warns(UserWarning, match="esm2: 100 % of the tokens are unknown"):
        tok = Tokenizer.from_preset("esm2")
        tok("mkvlaggh" * 3, add_special_tokens=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tok("mkvlaggh")  # told already
        Tokenizer.from_preset("esm2", upper_case=True)("mkvlaggh")
        Tokenizer.from_preset("hyenadna")(["ACGT" * 30, "ACGT" * 30 + "R"])
        Tokenizer.from_preset("hyenadna")("ACGTR")  # one letter of one read says nothing


def test_a_unigram_model_is_refused_by_its_type_whatever_its_vocabulary_looks_like(tmp_path: Path):
    # Its vocabulary is a list of pairs, and it has no merges: what is said first is still the type.
    path = tmp_path / "unigram.json"
    path.write_text('{"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0.0]]}}')
    with pytest.raises(ConfigError) as error:
        Tokenizer.from_file(path)
    expected = "model: type 'Unigram' is not supported; expected BPE, WordPiece or WordLevel"
    assert str(error.value) == f"{path}: {expected}"
