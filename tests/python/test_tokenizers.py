"""Token ids against Hugging Face `tokenizers` and against plain Python versions of each preset's
rule."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from random_dna import dna
from safetensors.numpy import load_file
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers
from tokenizers import Tokenizer as HfTokenizer

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ConfigError, MissingFileError, ParseError
from deepbio_torch.tokenizers import Tokenizer
from deepbio_torch.transforms import Compose, ReverseComplement, TokenEncoder

SPECIALS = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]


def trained(vocab_size: int, letters: str = "ACGT", **options: Any) -> HfTokenizer:
    """A small BPE as genomic models have it; repeats in the text make long tokens."""
    rng = random.Random(vocab_size)
    repeats = [dna(rng, 30, letters) for _ in range(8)]
    texts = [
        "".join(rng.choice([dna(rng, 20, letters), rng.choice(repeats)]) for _ in range(20))
        for _ in range(300)
    ]
    made = HfTokenizer(
        models.BPE(
            unk_token=options.get("unk_token", "[UNK]"), fuse_unk=options.get("fuse_unk", False)
        )
    )
    if "normalizer" in options:
        made.normalizer = options["normalizer"]
    if "pre_tokenizer" in options:
        made.pre_tokenizer = options["pre_tokenizer"]
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=SPECIALS, show_progress=False, max_token_length=32
    )
    made.train_from_iterator(texts, trainer)
    made.post_processor = options.get(
        "processor",
        processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
        ),
    )
    return made


def both(hf: HfTokenizer, folder: Path) -> tuple[HfTokenizer, Tokenizer]:
    path = folder / "tokenizer.json"
    hf.save(str(path))
    return hf, Tokenizer.from_file(path)


def fuzz_texts() -> list[str]:
    rng = random.Random(9)
    texts = [
        "",
        " ",
        "A",
        "N",
        "acgt",
        "NNNN",
        "A" * 500,
        "ACGTN" * 40,
        "  ACGT ACGT\tTT\n",
        "[MASK]",
        "AC[MASK]GT[PAD]",
    ]
    texts += [
        "N" * 9 + "ACGT" + "N" * 12 + "GT" + "N" * 40,
        "AC-GT--A",
        "a'b's 12x_y!?",
        "[CLS",
        "AC[UNK ]",
    ]
    texts += [
        dna(rng, rng.randint(0, 200), rng.choice(["ACGT", "AC", "ACGTN", "ACGTacgtNRY -"]))
        for _ in range(300)
    ]
    return texts


VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "whitespace": {"pre_tokenizer": pre_tokenizers.Whitespace()},
    "no unknown token": {"unk_token": None},
    "fused unknown": {"fuse_unk": True},
    "lower-case letters": {"letters": "ACGTNacgt"},
    "gena": {
        "normalizer": normalizers.Sequence(
            [
                normalizers.Strip(),
                normalizers.Replace(Regex("N{10,}"), "-"),
                normalizers.Lowercase(),
            ]
        ),
        "pre_tokenizer": pre_tokenizers.Split("-", "isolated"),
        "letters": "acgtn",
    },
    "split by an expression": {
        "normalizer": normalizers.BertNormalizer(lowercase=False),
        "pre_tokenizer": pre_tokenizers.Sequence(
            [
                pre_tokenizers.WhitespaceSplit(),
                pre_tokenizers.Split(Regex("[^ACGT]+"), "merged_with_previous"),
            ]
        ),
    },
    "removed and inverted": {
        "pre_tokenizer": pre_tokenizers.Split(Regex("[ACGT]+"), "removed", invert=True)
    },
    "letters": {"pre_tokenizer": pre_tokenizers.Split("", "isolated")},
    "no letters": {"pre_tokenizer": pre_tokenizers.Split(Regex(""), "removed", invert=True)},
    "merged with next": {"pre_tokenizer": pre_tokenizers.Split("N", "merged_with_next")},
    "contiguous": {"pre_tokenizer": pre_tokenizers.Split("N", "contiguous")},
    "bert": {
        "normalizer": normalizers.BertNormalizer(),
        "pre_tokenizer": pre_tokenizers.BertPreTokenizer(),
        "letters": "acgt",
        "processor": processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1)),
    },
    "byte level": {
        "pre_tokenizer": pre_tokenizers.ByteLevel(add_prefix_space=True),
        "processor": processors.ByteLevel(),
    },
    "byte level without words": {
        "pre_tokenizer": pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    },
    "digits and punctuation": {
        "pre_tokenizer": pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.Punctuation("contiguous"),
            ]
        )
    },
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_ids_are_those_of_hugging_face(variant: str, tmp_path: Path):
    options = dict(VARIANTS[variant])
    hf, ours = both(trained(120, **options), tmp_path)
    for text in fuzz_texts():
        expected = hf.encode(text)
        assert ours.encode(text) == expected.ids, text
        assert (
            ours.encode(text.encode(), add_special_tokens=False)
            == hf.encode(text, add_special_tokens=False).ids
        )


@pytest.mark.parametrize("vocab_size", [10, 40, 300, 2000])
def test_bpe_is_the_same_for_any_size_of_vocabulary(vocab_size: int, tmp_path: Path):
    hf, ours = both(trained(vocab_size), tmp_path)
    assert ours.vocab_size == hf.get_vocab_size() and ours.get_vocab() == hf.get_vocab()
    rng = random.Random(1)
    texts = [dna(rng, rng.randint(0, 400)) for _ in range(200)] + [
        "A" * 3001,
        "AC" * 1500,
        dna(rng, 20_000),
    ]
    assert ours.encode_batch(texts) == [row.ids for row in hf.encode_batch(texts)]


def test_bpe_is_the_same_on_a_read_of_a_million_letters(tmp_path: Path):
    hf, ours = both(trained(300), tmp_path)
    text = dna(random.Random(2), 1_000_000)
    assert ours.encode(text) == hf.encode(text).ids


@pytest.mark.parametrize("model", ["WordLevel", "WordPiece"])
def test_word_models_are_the_same(model: str, tmp_path: Path):
    words = [*SPECIALS, "ACG", "CGT", "AC", "##GT", "##G", "A"]
    vocabulary = {word: i for i, word in enumerate(words)}
    made = HfTokenizer(getattr(models, model)(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.decoder = decoders.WordPiece()
    hf, ours = both(made, tmp_path)
    for text in ("ACG CGT", "ACGT A", "TTT ACG", "AC A NN", "A" * 200):
        assert ours.encode(text) == hf.encode(text).ids
    assert ours.decode(ours.encode("ACGT A")) == hf.decode(hf.encode("ACGT A").ids)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("max_length", [4, 16, None])
def test_padding_truncation_and_masks_are_the_same(
    side: str, max_length: int | None, tmp_path: Path
):
    hf, ours = both(trained(60), tmp_path)
    texts = [dna(random.Random(i), 7 * i) for i in range(12)]
    if max_length:
        hf.enable_truncation(max_length)
    hf.enable_padding(direction=side, pad_id=3, pad_token="[PAD]")
    expected = hf.encode_batch(texts)
    got = ours(
        texts,
        padding=True,
        padding_side=side,
        truncation=bool(max_length),
        max_length=max_length,
        return_tensors="pt",
    )
    assert got.input_ids.tolist() == [row.ids for row in expected]
    assert got.attention_mask.tolist() == [row.attention_mask for row in expected]
    assert got.input_ids.dtype == got.attention_mask.dtype == torch.int64


def damaged(change: Any, tmp_path: Path) -> Path:
    path = tmp_path / "tokenizer.json"
    trained(30).save(str(path))
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda j: j.pop("model"), 'expected a tokenizer.json with a "model"'),
        (lambda j: j["model"].update(type="Unigram"), "model: type 'Unigram' is not supported"),
        (lambda j: j["model"].update(dropout=0.1), "model: dropout is not supported"),
        (lambda j: j["model"].update(byte_fallback=True), "model: byte_fallback is not supported"),
        (
            lambda j: j["model"].update(end_of_word_suffix="</w>"),
            "model: end_of_word_suffix is not supported",
        ),
        (
            lambda j: j["model"].update(unk_token="[NO]"),
            r"model: '\[NO\]' is not in the vocabulary",
        ),
        (
            lambda j: j["model"]["merges"].insert(2, ["A"]),
            r"model: merges\[2\]: expected two tokens",
        ),
        (
            lambda j: j["model"]["merges"].insert(0, ["X", "A"]),
            r"model: merges\[0\]: 'X' is not in the vocabulary",
        ),
        (lambda j: j["model"]["vocab"].update(Z=-4), "model: id of 'Z': expected 0 to"),
        (lambda j: j["model"]["vocab"].update(Z="one"), "model: "),
        (
            lambda j: j.update(normalizer={"type": "Nmt"}),
            "normalizer: normalizer 'Nmt' is not supported",
        ),
        (
            lambda j: j.update(pre_tokenizer={"type": "Metaspace"}),
            "pre_tokenizer: pre-tokenizer 'Metaspace'",
        ),
        (
            lambda j: j.update(post_processor={"type": "Odd"}),
            "post_processor: 'Odd' is not supported",
        ),
        (lambda j: j.update(decoder={"type": "CTC"}), "decoder: 'CTC' is not supported"),
        (
            lambda j: j.update(
                pre_tokenizer={
                    "type": "Split",
                    "pattern": {"Regex": "(?=A)"},
                    "behavior": "Isolated",
                    "invert": False,
                }
            ),
            r"regular expression '\(\?=A\)'",
        ),
        (
            lambda j: j.update(
                normalizer={"type": "Replace", "pattern": {"String": ""}, "content": "x"}
            ),
            "normalizer: a pattern that matches the empty text is not supported",
        ),
        (
            lambda j: j.update(
                pre_tokenizer={"type": "Split", "pattern": {"Regex": "N*"}, "behavior": "Isolated"}
            ),
            "pre_tokenizer: a pattern that matches the empty text is not supported",
        ),
        (lambda j: j["added_tokens"][0].update(single_word=True), "single_word of"),
    ],
)
def test_what_is_damaged_or_not_supported_is_named_with_the_path(
    change: Any, message: str, tmp_path: Path
):
    path = damaged(change, tmp_path)
    with pytest.raises(ConfigError, match=message) as error:
        Tokenizer.from_file(path)
    assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)


def test_files_that_are_no_json_and_texts_that_are_no_ascii(tmp_path: Path):
    path = tmp_path / "tokenizer.json"
    with pytest.raises(MissingFileError, match="tokenizer.json"):
        Tokenizer.from_file(path)
    path.write_text('{"model": ')
    with pytest.raises(ParseError, match="tokenizer.json"):
        Tokenizer.from_file(path)
    path.write_bytes('{"model": "é"}'.encode("latin-1"))
    with pytest.raises(ParseError, match="line 1, byte 11: expected text in UTF-8.*Latin-1"):
        Tokenizer.from_file(path)
    _, ours = both(trained(30), tmp_path)
    with pytest.raises(ArgumentError, match="expected ASCII text.*position 3"):
        ours.encode("ACé")
    with pytest.raises(ArgumentError, match="mask_token: .* is not in the vocabulary"):
        Tokenizer.from_file(path, mask_token="<gap>")
    with pytest.raises(TypeError, match="unexpected keyword argument 'padd_token'"):
        Tokenizer.from_file(path, padd_token="x")


@pytest.fixture
def fastq(tmp_path: Path) -> tuple[Path, list[str]]:
    rng = random.Random(3)
    reads = [dna(rng, rng.randint(1, 60)) for _ in range(40)]
    path = tmp_path / "reads.fastq"
    path.write_text(
        "".join(f"@r{i}\n{read}\n+\n{'I' * len(read)}\n" for i, read in enumerate(reads))
    )
    return path, reads


@pytest.mark.parametrize("preset", ["dnabert-3", "caduceus"])
@pytest.mark.parametrize("context", [None, "fork", "spawn"])
def test_tokens_in_loaders(fastq: tuple[Path, list[str]], preset: str, context: str | None):
    path, reads = fastq
    tok = Tokenizer.from_preset(preset)
    encoder = TokenEncoder(tok, max_length=32)
    dataset = db.SequenceDataset(path, transform=encoder, target="file")
    assert dataset.is_native
    expected = tok(reads, padding=True, truncation=True, max_length=32, return_tensors="pt")
    workers = {"num_workers": 1, "multiprocessing_context": context} if context else {}
    batches = [
        next(iter(torch.utils.data.DataLoader(dataset, batch_size=len(reads), **workers))),
        next(iter(db.DataLoader(dataset, batch_size=len(reads), num_workers=2))),
        db.collate([dataset[i] for i in range(len(reads))]),
    ]
    if context is None:
        chain = db.SequenceDataset(
            path, transform=Compose([lambda sample: sample, encoder]), target="file"
        )
        batches.append(next(iter(torch.utils.data.DataLoader(chain, batch_size=len(reads)))))
    for batch in batches:
        assert torch.equal(batch.input_ids, expected.input_ids)
        assert torch.equal(batch.attention_mask, expected.attention_mask)
        assert batch.lengths.tolist() == [len(read) for read in reads]
        assert batch.labels.tolist() == [0] * len(reads)


def test_tokens_after_an_augmentation(fastq: tuple[Path, list[str]]):
    path, reads = fastq
    tok = Tokenizer.from_preset("deepbio-dna")
    dataset = db.SequenceDataset(path, transform=Compose([ReverseComplement(), TokenEncoder(tok)]))
    other = [ReverseComplement().apply(read.encode()) for read in reads]
    batch = db.collate([dataset[i] for i in range(len(reads))])
    assert torch.equal(batch.input_ids, tok(other, padding=True, return_tensors="pt").input_ids)


def test_the_command_writes_the_same_tokens(deepbio, fastq: tuple[Path, list[str]], tmp_path: Path):
    path, reads = fastq
    hf, _ = both(trained(50), tmp_path)
    hf.enable_padding(pad_id=3, pad_token="[PAD]")
    deepbio(
        "encode", path, "-o", tmp_path / "out", "--encoding", "tokens",
        "--tokenizer", tmp_path / "tokenizer.json", check=True,
    )  # fmt: skip
    shard = load_file(tmp_path / "out" / "shard-00000.safetensors")
    rows = hf.encode_batch(reads)
    assert shard["values"].tolist() == [row.ids for row in rows]
    assert shard["attention_mask"].tolist() == [row.attention_mask for row in rows]
    assert json.loads((tmp_path / "out" / "metadata.json").read_text())["padding"] == 3
    deepbio(
        "encode",
        path,
        "-o",
        tmp_path / "k",
        "--encoding",
        "tokens",
        "--tokenizer",
        "dnabert-4",
        check=True,
    )
    first = load_file(tmp_path / "k" / "shard-00000.safetensors")["values"][0].tolist()
    assert first[: len(reads[0]) - 1] == Tokenizer.from_preset("dnabert-4").encode(reads[0])
    refused = deepbio(
        "encode", path, "-o", tmp_path / "no", "--encoding", "tokens", "--tokenizer", "dnabert-2"
    )
    assert refused.returncode == 1 and "download" in refused.stderr
