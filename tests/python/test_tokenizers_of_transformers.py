"""Tokenizers beside those of transformers: blanks, collators, padding, masks, folders."""

import json

import pytest
import torch

from deepbio_torch.errors import ArgumentError, MissingFileError
from deepbio_torch.tokenizers import Tokenizer


def test_special_tokens_and_blanks_in_a_text_are_read_as_transformers_reads_them(tmp_path):
    transformers = pytest.importorskip("transformers")
    tok = Tokenizer.from_preset("esm2")
    (tmp_path / "vocab.txt").write_text("\n".join(tok.native().tokens))
    esm = transformers.EsmTokenizer(str(tmp_path / "vocab.txt"))
    for text in (
        "MK<mask>V",
        "M K V",
        "<mask>",
        "MK <mask> V",
        "MKV",
        "A\tC\nD",
        "<mask><mask>M",
        "<cls>M",
        "MKZU.-",
    ):
        assert tok(text).input_ids == esm(text)["input_ids"], text
    assert tok("MK<mask>V").input_ids == [0, 20, 15, 32, 7, 2]
    dna = Tokenizer.from_preset("deepbio-dna")
    assert dna("A[MASK]C", add_special_tokens=False).input_ids == [5, 3, 6]
    assert Tokenizer.from_preset("evo")("<pad>").input_ids == list(b"<pad>")


@pytest.mark.parametrize("preset", ["dnabert-4", "esm2", "hyenadna", "deepbio-protein"])
def test_transformers_collators_take_a_tokenizer(preset):
    transformers = pytest.importorskip("transformers")
    tok = Tokenizer.from_preset(preset)
    rows = [tok("ACGTACGTAA"), tok("ACGTAC")]
    padded = transformers.DataCollatorWithPadding(tok)(rows)
    expected = tok(["ACGTACGTAA", "ACGTAC"], padding=True, return_tensors="pt")
    assert torch.equal(padded["input_ids"], expected.input_ids)
    assert torch.equal(padded["attention_mask"], expected.attention_mask)
    torch.manual_seed(1)
    masked = transformers.DataCollatorForLanguageModeling(tok, mlm_probability=0.9)(rows)
    chosen = masked["labels"] != -100
    assert 0 < chosen.sum() and torch.equal(masked["labels"][chosen], expected.input_ids[chosen])
    specials = torch.isin(expected.input_ids, torch.tensor(tok.all_special_ids))
    assert not (chosen & specials).any()


def test_pad_takes_what_transformers_takes():
    tok = Tokenizer.from_preset("deepbio-dna")
    rows = [
        {"input_ids": [1, 5, 2], "label": 1, "name": "a"},
        {"input_ids": [1, 2], "label": 0, "name": "b"},
    ]
    batch = tok.pad(rows, return_tensors="pt", pad_to_multiple_of=4)
    assert batch.input_ids.tolist() == [[1, 5, 2, 0], [1, 2, 0, 0]] and batch.label.tolist() == [
        1,
        0,
    ]
    assert batch.attention_mask.tolist() == [[1, 1, 1, 0], [1, 1, 0, 0]] and batch.name == [
        "a",
        "b",
    ]
    columns = {"input_ids": [[1, 5, 2], [1, 2]], "special_tokens_mask": [[1, 0, 1], [1, 1]]}
    left = tok.pad(columns, padding_side="left", return_attention_mask=False)
    assert left.input_ids == [[1, 5, 2], [0, 1, 2]] and left.special_tokens_mask == [
        [1, 0, 1],
        [1, 1, 1],
    ]
    assert "attention_mask" not in left
    assert tok.pad({"input_ids": [1, 2]}, "max_length", 4).input_ids == [1, 2, 0, 0]
    for wrong, message in (
        ([], "list of dicts"),
        ([{"x": 1}], "input_ids"),
        ("ACGT", "list of dicts"),
    ):
        with pytest.raises(ArgumentError, match=message):
            tok.pad(wrong)
    with pytest.raises(ArgumentError, match="padding=True"):
        tok.pad(rows, padding=False, return_tensors="pt")


def test_masks_of_special_tokens():
    tok = Tokenizer.from_preset("esm2")
    row = tok("MK", return_special_tokens_mask=True)
    assert row.special_tokens_mask == [1, 0, 0, 1] == tok.get_special_tokens_mask([20, 15])
    assert tok.get_special_tokens_mask(row.input_ids, already_has_special_tokens=True) == [
        1,
        0,
        0,
        1,
    ]
    both = tok(["MK", "M"], padding=True, return_tensors="pt", return_special_tokens_mask=True)
    assert both.special_tokens_mask.tolist() == [[1, 0, 0, 1], [1, 0, 1, 1]]
    assert tok.convert_ids_to_tokens([0, 20, 2], skip_special_tokens=True) == ["M"]
    assert (
        tok.convert_tokens_to_string(["M", "K"]) == "MK"
        and tok.special_tokens_map["mask_token"] == "<mask>"
    )
    assert not hasattr(tok, "mask") and not hasattr(tok, "deprecation_warnings")


def test_what_is_saved_comes_back(tmp_path):
    preset = Tokenizer.from_preset("dnabert-3", upper_case=True, padding_side="left")
    preset.model_max_length = 77
    preset.save_pretrained(tmp_path / "preset")
    again = Tokenizer.from_pretrained(tmp_path / "preset")
    assert again("acgtn").input_ids == preset("acgtn").input_ids and again.padding_side == "left"
    assert again.model_max_length == 77
    assert (tmp_path / "preset" / "vocab.txt").read_text().split()[:3] == [
        "[PAD]",
        "[UNK]",
        "[CLS]",
    ]
    words = {"type": "WordLevel", "vocab": {"[UNK]": 0, "A": 1, "<p>": 2}, "unk_token": "[UNK]"}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": words}))
    read = Tokenizer.from_file(tmp_path / "tokenizer.json", pad_token="<p>")
    read.save_pretrained(tmp_path / "json")
    assert Tokenizer.from_pretrained(tmp_path / "json").pad_token_id == 2
    with pytest.raises(MissingFileError):
        Tokenizer.from_pretrained(tmp_path / "none")
