"""Presets of tokenizers follow their published rules, and ids go from one numbering to another."""

import pickle
import random

import pytest
import torch
from random_dna import dna

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError
from deepbio_torch.tokenizers import Tokenizer, remap_ids, remap_table


@pytest.mark.parametrize("k", [3, 4, 5, 6])
def test_dnabert_follows_its_rule(k: int):
    tok = Tokenizer.from_preset(f"dnabert-{k}")
    letters = "ATCG"
    kmers = [""]
    for _ in range(k):
        kmers = [kmer + letter for kmer in kmers for letter in letters]
    vocabulary = {kmer: 5 + i for i, kmer in enumerate(kmers)}
    assert tok.vocab_size == len(kmers) + 5
    rng = random.Random(k)
    for text in [
        *(dna(rng, rng.randint(0, 300), "ACGT" * 9 + "Na") for _ in range(100)),
        dna(rng, 9000),
    ]:
        words = [text[i : i + k] for i in range(len(text) - k + 1)]
        assert tok.encode(text) == [2, *(vocabulary.get(word, 1) for word in words), 3]
    text = dna(rng, 50)
    assert tok.decode(tok.encode(text), skip_special_tokens=True) == text
    assert Tokenizer.from_preset(f"dnabert-{k}", upper_case=True).encode(
        text.lower()
    ) == tok.encode(text)


@pytest.mark.parametrize("version", [1, 2])
def test_nucleotide_transformer_follows_its_rule(version: int):
    tok = Tokenizer.from_preset(f"nucleotide-transformer-v{version}")
    first = 4 if version == 1 else 6
    singles = {letter: first + 4096 + i for i, letter in enumerate("ATCGN")}
    assert tok.vocab_size == 4107 and tok.pad_token_id == 1 and tok.cls_token_id == 3
    assert (tok.eos_token_id, tok.bos_token_id) == ((4105, 4106) if version == 1 else (4, 5))

    def plain(text: str) -> list[int]:
        ids = [3]
        for i, part in enumerate(text.split("N")):
            ids += [singles["N"]] if i else []
            whole = len(part) // 6 * 6
            for start in range(0, whole, 6):
                digits = ["ATCG".find(letter) for letter in part[start : start + 6]]
                ids.append(first + int("".join(map(str, digits)), 4) if min(digits) >= 0 else 0)
            ids += [singles.get(letter, 0) for letter in part[whole:]]
        return ids

    rng = random.Random(version)
    for text in [
        "",
        "ATCGAATNGG",
        "NN",
        *(dna(rng, rng.randint(0, 80), "ACGT" * 8 + "NR") for _ in range(200)),
    ]:
        assert tok.encode(text) == plain(text)
    assert tok.tokenize("ATCGAATNGG") == ["ATCGAA", "T", "N", "G", "G"]


def test_letter_presets_have_their_published_ids():
    assert Tokenizer.from_preset("caduceus").encode("acgtn") == [7, 8, 9, 10, 11, 1]
    assert Tokenizer.from_preset("hyenadna").encode("acN") == [6, 6, 11, 1]
    assert Tokenizer.from_preset("evo").encode("ACGTN") == [65, 67, 71, 84, 78]
    esm = Tokenizer.from_preset("esm2")
    assert (
        esm.encode("MKJ") == [0, 20, 15, 3, 2] and esm.mask_token_id == 32 and esm.vocab_size == 33
    )
    assert esm.encode("LAGVSERTIDPKQNFYMHWCXBUZO.-", add_special_tokens=False) == list(range(4, 31))
    assert Tokenizer.from_preset("aam").encode("ACGTN") == [5, 1, 2, 3, 4, 0]
    assert Tokenizer.from_preset("deepbio-dna").encode("acgux") == [1, 5, 6, 7, 8, 4, 2]
    assert Tokenizer.from_preset("deepbio-protein").vocab_size == 25
    swapped = Tokenizer.from_preset("caduceus").complement_map()
    assert swapped.tolist() == [0, 1, 2, 3, 4, 5, 6, 10, 9, 8, 7, 11]


@pytest.mark.parametrize("name", db.tokenizers.presets())
def test_every_preset_pads_pickles_and_comes_back(name: str):
    tok = pickle.loads(pickle.dumps(Tokenizer.from_preset(name, padding_side="left")))
    assert tok.padding_side == "left" and name in repr(tok)
    text = "MKLA" if name in ("esm2", "deepbio-protein") else "ACGGACGG"
    batch = tok([text, text[:-1]], padding=True, return_tensors="pt")
    assert batch.attention_mask.sum(1).tolist() == [
        len(tok.encode(text)),
        len(tok.encode(text[:-1])),
    ]
    assert (batch.input_ids[batch.attention_mask == 0] == tok.pad_token_id).all()
    if name not in ("evo", "aam"):
        assert tok.decode(batch.input_ids[0], skip_special_tokens=True) == text


def test_presets_with_a_trained_vocabulary_say_so_and_others_name_the_nearest():
    with pytest.raises(ArgumentError, match="dnabert-2.*download the model's tokenizer.json"):
        Tokenizer.from_preset("dnabert-2")
    with pytest.raises(ArgumentError, match="did you mean dnabert-6"):
        Tokenizer.from_preset("dnabert6")


def test_ids_go_from_one_numbering_to_another():
    integers = db.transforms.IntegerEncoder().encode_batch([b"ACGT", b"A"])
    assert remap_ids(integers, {-1: 0, 0: 5, 1: 6, 2: 7, 3: 8}).tolist() == [
        [5, 6, 7, 8],
        [5, 0, 0, 0],
    ]
    old, new = Tokenizer.from_preset("hyenadna"), Tokenizer.from_preset("deepbio-dna")
    ids = torch.tensor(old.encode("ACGTN"))
    assert remap_ids(ids, remap_table(old, new)).tolist() == [5, 6, 7, 8, 4, 2]
    with pytest.raises(ArgumentError, match="got 9"):
        remap_ids(torch.tensor([9]), {0: 1})
