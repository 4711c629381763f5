"""Names of DeepBioP and AAM, masks, records in memory."""

import pytest
import torch

import deepbio_torch as db
from deepbio_torch import compat
from deepbio_torch.errors import ArgumentError


def test_deepbiops_names_and_keywords_give_what_ours_give(fastq):
    encoder = compat.OneHotEncoder(encoding_type="dna", unknown_strategy="skip")
    pipeline = compat.Compose(
        [compat.Sampler(length=20, strategy="start"), compat.Mutator(mutation_rate=0.0), encoder]
    )
    data = compat.Dataset([fastq], sequence_type="dna", transform=pipeline)
    assert data.is_native and data.batch([0, 1]).sequences.shape == (2, 20, 4)
    batch = next(iter(compat.DataLoader(data, batch_size=4, collate_fn=compat.default_collate_fn)))
    assert batch.sequences.shape == (4, 20, 4)
    integers = compat.IntegerEncoder("dna").encode_batch([b"ACG", b"A"])
    assert integers.dtype == torch.float32 and integers.tolist() == [[0, 1, 2], [0, -1, -1]]
    assert compat.create_attention_mask(integers).tolist() == [[1, 1, 1], [1, 0, 0]]
    assert (
        compat.KmerEncoder(k=3, canonical=False, encoding_type="DNA").encode("ACGTACGT").sum() == 6
    )
    assert compat.ReverseComplement(is_rna=True).apply("ACGU") == b"ACGU"
    assert compat.Mutator.for_rna(1.0, 3).apply("AAAA").count(b"A") == 0
    with pytest.raises(ArgumentError, match="unknown_strategy"):
        compat.OneHotEncoder("dna", "drop")


def test_deepbiops_encoder_of_language_models():
    ids, mask = compat.TransformerEncoder("dna").encode_batch(
        ["ACGT", "AC"], add_cls=True, add_sep=True
    )
    assert ids.tolist() == [[1, 5, 6, 7, 8, 2], [1, 5, 6, 2, 0, 0]] and mask.sum().item() == 10
    plain, _ = compat.TransformerEncoder("dna").encode_batch(
        ["ACGT", "AC"], add_cls=False, add_sep=False
    )
    assert compat.add_special_tokens(plain).tolist() == ids.tolist()
    with pytest.raises(ArgumentError, match="both"):
        compat.TransformerEncoder().encode_batch(["A"], add_cls=False)


def test_aams_names(community_dir):
    table = compat.BIOMLoader().load_table(community_dir / "table.biom")
    tree = db.read_tree(community_dir / "tree.nwk")
    distances = compat.UniFracComputer().compute_unweighted(table, tree)
    assert torch.equal(distances.values, db.unifrac(table, tree).values)
    tokens = compat.SequenceTokenizer().tokenize("ACGT")
    assert tokens.tolist() == [5, 1, 2, 3, 4]
    assert compat.SequenceTokenizer().pad_sequences([tokens, tokens[:2]], 6).tolist()[1] == [
        5,
        1,
        0,
        0,
        0,
        0,
    ]
    assert compat.BIOMLoader().rarefy(table, 100).totals().tolist() == [100.0] * 24


def test_masks_are_true_where_something_is_real(community_dir):
    assert db.data.length_mask([2, 0, 3]).tolist() == [[True, True, False], [False] * 3, [True] * 3]
    assert db.data.length_mask(torch.tensor([1]), 3).tolist() == [[True, False, False]]
    causal = db.data.causal_mask([2], 3)[0]
    assert causal.tolist() == [[True, False, False], [True, True, False], [True, True, False]]
    assert torch.equal(compat.create_attention_mask([2], 3, causal=True)[0], causal)
    with pytest.raises(ArgumentError, match="at least 3"):
        db.data.length_mask([3], 2)
    samples = db.SampleDataset(community_dir / "table.biom", max_bp=60)
    tokens = db.data.padded_tokens(samples.batch([0, 1]))
    for row in range(2):
        item = samples[row]["tokens"]
        assert torch.equal(tokens[row, : len(item)], item) and tokens[row, len(item) :].sum() == 0
    with pytest.raises(ArgumentError, match="asv_tokens"):
        db.data.padded_tokens({"mask": 1})


def test_records_in_memory_are_a_dataset_like_any_other():
    ids, sequences = ["a", "b", "c"], ["ACGT", b"GG", bytearray(b"TTT")]
    encoder = db.transforms.IntegerEncoder()
    data = db.SequenceDataset.from_sequences(ids, sequences, ["x", "y", "x"], transform=encoder)
    assert data.classes == ["x", "y"] and data.labels.tolist() == [0, 1, 0]
    assert data.batch([1, 0]).sequences.tolist() == [[2, 2, -1, -1], [0, 1, 2, 3]]
    workers = torch.utils.data.DataLoader(data, batch_size=2, num_workers=1)
    assert [name for batch in workers for name in batch.ids] == ids
    scored = db.SequenceDataset.from_sequences([1, 2], ["AC", "G"], qualities=[b"I!", "5"])
    assert scored[0]["quality"] == b"I!" and scored[1]["id"] == "2"
    for wrong, message in (
        (
            lambda: db.SequenceDataset.from_sequences(["a"], ["A", "C"]),
            "one for each of 1 ids, got 2",
        ),
        (lambda: db.SequenceDataset.from_sequences(["a b"], ["A"]), "white space"),
        (
            lambda: db.SequenceDataset.from_sequences(["a", "a"], ["A", "C"], [1, 2]),
            "different ids",
        ),
        (lambda: db.SequenceDataset.from_sequences(["a"], [5]), "sequence 0"),
    ):
        with pytest.raises(ArgumentError, match=message):
            wrong()
