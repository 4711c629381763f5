"""Batches: rows, joining, types; collating what others made of samples."""

import numpy as np
import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError
from deepbio_torch.transforms import Compose, IntegerEncoder, OneHotEncoder, TokenEncoder

READS = [("a", "MKV"), ("b", "MKVLAGG"), ("c", "MA"), ("d", "MKVLAGGHR")]


@pytest.fixture
def proteins(tmp_path):
    path = tmp_path / "proteins.fa"
    path.write_text("".join(f">{name}\n{letters}\n" for name, letters in READS))
    tokenizer = db.tokenizers.Tokenizer.from_preset("esm2")
    return db.SequenceDataset(path, sequence_type="protein", transform=TokenEncoder(tokenizer))


def same(batch, expected):
    assert batch.keys() == expected.keys()
    for key, value in expected.items():
        assert (
            torch.equal(batch[key], value)
            if isinstance(value, torch.Tensor)
            else batch[key] == value
        ), key


def test_plain_dicts_of_tokens_are_padded_as_their_tokenizer_pads(proteins):
    rows = [proteins[0], proteins[1]]
    expected = db.collate(rows)
    assert expected.input_ids[0].tolist() == [0, 20, 15, 7, 2, 1, 1, 1, 1]
    kept = [{key: value for key, value in row.items() if key != "metadata"} for row in rows]
    for collate in (db.collate, db.pad_collate()):
        assert torch.equal(collate(kept).input_ids, expected.input_ids)
        assert torch.equal(collate(kept).attention_mask, expected.attention_mask)
    strangers = [{"input_ids": row["input_ids"].tolist()} for row in rows]
    with pytest.raises(ArgumentError, match="pad_token_id"):
        db.collate(strangers)
    named = db.pad_collate(proteins.transform.tokenizer.pad_token_id)(strangers)
    assert torch.equal(named.input_ids, expected.input_ids)
    assert torch.equal(named.attention_mask, expected.attention_mask)


def test_pad_collate_pads_integers_with_what_is_no_base_and_zero_when_asked(tmp_path):
    (tmp_path / "r.fa").write_text(">a\nACGT\n>b\nGGG\n")
    data = db.SequenceDataset(tmp_path / "r.fa", transform=IntegerEncoder())
    rows = [data[0], data[1]]
    assert db.pad_collate()(rows).sequences[1].tolist() == [2, 2, 2, -1]
    assert db.pad_collate(0)(rows).sequences[1].tolist() == [2, 2, 2, 0]
    assert db.pad_collate(pad_to=6)(rows).sequences[1].tolist() == [2, 2, 2, -1, -1, -1]


def test_a_dtype_changes_floats_only():
    more = {"mask": torch.tensor([True]), "y": torch.ones(2)}
    batch = db.Batch(labels=torch.tensor([257]), x=torch.ones(1), more=more)
    half = batch.to(torch.bfloat16)
    assert half.labels.item() == 257 and half.labels.dtype == torch.int64
    assert (
        half.x.dtype == half.more["y"].dtype == torch.bfloat16
        and half.more["mask"].dtype == torch.bool
    )
    assert batch.to("cpu", torch.float64, non_blocking=True).x.dtype == torch.float64


@pytest.mark.parametrize(
    "encoder", [OneHotEncoder(), OneHotEncoder(channels_first=True), IntegerEncoder()]
)
def test_rows_of_a_batch_and_batches_of_rows(fastq, encoder):
    data = db.SequenceDataset(fastq, transform=encoder, target="file")
    whole = data.batch(range(12))
    assert whole.num_rows == 12
    for rows in (
        slice(2, 5),
        [2, 3, 4],
        torch.tensor([False] * 2 + [True] * 3 + [False] * 7),
        np.arange(2, 5),
    ):
        part = whole[rows]
        assert part.ids == whole.ids[2:5] and torch.equal(part.lengths, whole.lengths[2:5])
        assert (
            torch.equal(part.sequences, whole.sequences[2:5])
            and part.metadata == whole.metadata[2:5]
        )
    assert whole[3].ids == [whole.ids[3]]
    same(db.Batch.cat([data.batch(range(5)), data.batch(range(5, 12))]), whole)
    with pytest.raises(ArgumentError, match="rows"):
        whole[{"x": 1}]
    with pytest.raises(ArgumentError, match="keys"):
        db.Batch.cat([whole, db.Batch(ids=["x"])])


def test_joined_tokens_are_padded_with_their_own_padding(proteins):
    joined = db.Batch.cat([proteins.batch([0, 1]), proteins.batch([2, 3])])
    same(joined, proteins.batch(range(4)))
    with pytest.raises(ArgumentError, match="padded with"):
        db.Batch.cat([proteins.batch([0]), proteins.batch([1])])


def test_rows_of_samples_keep_the_asvs_they_have(community_dir):
    samples = db.SampleDataset(
        community_dir / "table.biom", tree=community_dir / "tree.nwk", max_bp=60
    )
    whole = samples.batch(range(6))
    assert (
        next(iter(whole.values())).shape[0] == 6
    )  # Lightning and accelerate take the first tensor's size for B
    part, expected = whole[[4, 1]], samples.batch([4, 1])
    assert part.sample_ids == expected.sample_ids and torch.allclose(
        part.distances, expected.distances, atol=1e-6
    )
    assert torch.equal(part.asv_features, expected.asv_features)
    width = expected.mask.shape[1]
    assert (
        torch.equal(part.asv_index[:, :width], expected.asv_index)
        and not part.mask[:, width:].any()
    )
    pieces = [samples.batch([0, 1, 2]), samples.batch([3, 4, 5])]
    joined, known = db.Batch.cat(pieces), whole.pop("distances")
    distances = joined.pop("distances")
    same(joined, whole)
    for rows in (slice(0, 3), slice(3, 6)):  # known within a batch, not between two
        assert torch.allclose(distances[rows, rows], known[rows, rows], atol=1e-6)
    assert distances[:3, 3:].isnan().all() and distances[3:, :3].isnan().all()
    with pytest.raises(ArgumentError, match="distances: expected finite"):
        db.losses.unifrac_loss(torch.zeros(6, 4), distances)


def test_a_python_filter_may_drop_all_of_a_batch(fastq):
    keep = Compose(
        [OneHotEncoder(), lambda sample: sample if sample["id"] in ("r3", "r9") else None]
    )
    data = db.SequenceDataset(fastq, transform=keep)
    ours = db.DataLoader(torch.utils.data.Subset(data, range(16)), batch_size=4, num_workers=1)
    assert [batch.ids for batch in ours] == [["r3"], ["r9"]]
    state = None
    for batch in ours:
        state = ours.state_dict() if batch.ids == ["r3"] else state
    again = db.DataLoader(torch.utils.data.Subset(data, range(16)), batch_size=4)
    again.load_state_dict(state)
    assert [batch.ids for batch in again] == [["r9"]]
    loader = torch.utils.data.DataLoader(torch.utils.data.Subset(data, range(16)), batch_size=4)
    with pytest.warns(UserWarning, match="num_rows == 0.*db.DataLoader leaves it out"):
        theirs = list(loader)
    assert [batch.ids for batch in theirs] == [["r3"], [], ["r9"], []] and theirs[
        1
    ].lengths.shape == (0,)
