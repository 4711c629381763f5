"""Reads as a dataset and through both loaders: every record, in order, the same for any number of threads."""

import gzip
import json
import pickle
from pathlib import Path

import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ConfigError, MissingFileError, ParseError, RecordIndexError

READS = [("r%d" % i, "ACGTN"[i % 5] * (i % 7 + 1)) for i in range(53)]


@pytest.fixture
def fastq(tmp_path: Path) -> Path:
    text = "".join(f"@{name} lane {i}\n{dna}\n+\n{'I' * len(dna)}\n" for i, (name, dna) in enumerate(READS))
    path = tmp_path / "reads.fastq.gz"
    path.write_bytes(gzip.compress(text.encode()))
    return path


def test_the_reader_gives_every_record_with_its_parts(fastq: Path):
    reader = db.SequenceReader(fastq)
    records = list(reader)
    assert [(r.name, r.sequence.decode()) for r in records] == READS
    assert records[3].description == "lane 3" and records[3].quality == b"IIII"
    assert reader.report["num_records"] == 53 and reader.format == "fastq"


def test_errors_carry_their_place_as_attributes(tmp_path: Path):
    bad = tmp_path / "bad.fastq"
    bad.write_text("@a\nACGT\n+\nIIII\n@b\nACGT\n+\nII\n")
    with pytest.raises(ParseError) as caught:
        list(db.SequenceReader(bad))
    error = caught.value
    assert (error.path, error.record, error.line, error.kind) == (str(bad), 1, 8, "length")
    assert isinstance(error, ValueError) and "\n" not in str(error)
    with pytest.raises(MissingFileError) as missing:
        db.SequenceReader(tmp_path / "none.fastq")
    assert isinstance(missing.value, FileNotFoundError) and missing.value.path.endswith("none.fastq")
    assert pickle.loads(pickle.dumps(error)).line == 8


def test_skipped_records_are_counted(tmp_path: Path):
    bad = tmp_path / "bad.fastq"
    bad.write_text("@a\nACGT\n+\nIIII\n@b\nACGT\n+\nII\n@c\nAC\n+\nII\n")
    reader = db.SequenceReader(bad, on_bad_record="skip")
    assert [record.name for record in reader] == ["a", "c"]
    assert reader.report["num_skipped"] == 1 and len(reader.report["examples"]) == 1


def test_the_dataset_has_an_exact_length_and_takes_negative_indices(fastq: Path):
    data = db.SequenceDataset(fastq)
    assert len(data) == 53 and data[-1]["id"] == "r52" and data[0]["sequence"] == b"A"
    assert data[1]["metadata"]["description"] == "lane 1" and data[1]["label"] is None
    with pytest.raises(RecordIndexError, match="53"):
        data[53]
    with pytest.raises(IndexError):
        data[-54]


def test_labels_come_from_files_or_from_a_callable(fastq: Path, tmp_path: Path):
    other = tmp_path / "other.fa"
    other.write_text(">x\nACGT\n>y\nAC\n")
    by_file = db.SequenceDataset([fastq, other], target="file")
    assert by_file[52]["label"] == 0 and by_file[53]["label"] == 1
    by_length = db.SequenceDataset(fastq, target=lambda record: len(record.sequence), transform=db.transforms.OneHotEncoder())
    batch = by_length.__getitems__([0, 5, 6])
    assert batch.labels.tolist() == [1, 6, 7] == batch.lengths.tolist()
    with pytest.raises(ArgumentError):
        db.SequenceDataset(fastq, target="header")


def test_one_call_for_a_batch_equals_item_by_item(fastq: Path):
    data = db.SequenceDataset(fastq, transform=db.transforms.OneHotEncoder())
    indices = [3, 50, 7, 7]
    whole = data.__getitems__(indices)
    single = db.collate([data[i] for i in indices])
    assert torch.equal(whole.sequences, single.sequences) and torch.equal(whole.quality, single.quality)
    assert whole.ids == single.ids and torch.equal(whole.lengths, single.lengths)


def loader(path: Path, **options: object) -> db.DataLoader:
    data = db.SequenceDataset(path, transform=db.transforms.OneHotEncoder(pad_to=8))
    return db.DataLoader(data, batch_size=8, shuffle=True, seed=5, **options)


def epoch(batches: db.DataLoader) -> list[list[str]]:
    return [batch.ids for batch in batches]


def test_any_number_of_threads_gives_the_same_batches(fastq: Path):
    one = loader(fastq)
    expected = [epoch(one), epoch(one)]
    for threads in (1, 2, 4):
        many = loader(fastq, num_workers=threads)
        assert [epoch(many), epoch(many)] == expected
    assert sorted(sum(expected[0], [])) == sorted(name for name, _ in READS)
    assert expected[0] != expected[1]


def test_a_python_transform_gets_the_same_order(fastq: Path):
    def keep(sample: dict) -> dict:
        return sample

    data = db.SequenceDataset(fastq, transform=db.transforms.Compose([keep, db.transforms.OneHotEncoder(pad_to=8)]))
    for threads in (0, 3):
        python = db.DataLoader(data, batch_size=8, shuffle=True, seed=5, num_workers=threads)
        assert epoch(python) == epoch(loader(fastq))


@pytest.mark.parametrize("threads", [0, 2])
def test_a_loader_resumes_at_every_batch_border_through_json(fastq: Path, threads: int):
    whole = epoch(loader(fastq, num_workers=threads))
    for border in range(len(whole)):
        first = loader(fastq, num_workers=threads)
        given = [batch.ids for batch, _ in zip(first, range(border), strict=False)] if border else []
        state = json.loads(json.dumps(first.state_dict()))
        second = loader(fastq, num_workers=threads)
        second.load_state_dict(state)
        rest = epoch(second)
        assert given + rest == whole
        assert second.state_dict()["epoch"] == 1


def test_a_state_of_another_order_is_refused(fastq: Path):
    state = loader(fastq).state_dict()
    state["batch_size"] = 9
    with pytest.raises(ConfigError, match="batch_size"):
        loader(fastq).load_state_dict(state)


def test_ranks_share_the_records_in_equal_numbers_of_batches(fastq: Path):
    parts = [epoch(loader(fastq, rank=rank, world_size=3)) for rank in range(3)]
    assert len({len(part) for part in parts}) == 1 == len({len(loader(fastq, rank=r, world_size=3)) - len(parts[r]) for r in range(3)})
    assert {name for part in parts for ids in part for name in ids} == {name for name, _ in READS}


def test_collate_pads_to_a_width_or_cuts(fastq: Path):
    data = db.SequenceDataset(fastq, transform=db.transforms.IntegerEncoder(unknown="zero"))
    samples = [data[0], data[6]]
    assert db.pad_collate(pad_to=9)(samples).sequences.shape == (2, 9)
    assert db.pad_collate(padding_value=7)(samples).sequences[0].tolist() == [0, 7, 7, 7, 7, 7, 7]
    assert db.truncate_collate(3)(samples).lengths.tolist() == [1, 3]
    with pytest.raises(ArgumentError, match="truncate_collate"):
        db.pad_collate(pad_to=2)(samples)


def test_a_batch_shows_its_shapes_and_moves(fastq: Path):
    batch = next(iter(loader(fastq)))
    assert "sequences=float32[8, 8, 4]" in repr(batch)
    assert batch.to("cpu").ids == batch.ids and pickle.loads(pickle.dumps(batch)).ids == batch.ids
    with pytest.raises(AttributeError, match="lengths"):
        batch.nothing  # noqa: B018


def test_a_sample_dataset_gives_each_distinct_asv_once(community_dir: Path):
    samples = db.SampleDataset(
        community_dir / "table.biom", tree=community_dir / "tree.nwk", metadata=community_dir / "metadata.tsv",
        target="age", rarefy_depth=200, max_bp=60,
    )  # fmt: skip
    batch = samples.batch([0, 5, 7])
    assert batch.asv_features.unique().numel() == batch.asv_features.numel() == batch.asv_tokens.shape[0]
    assert batch.counts.sum(1).tolist() == [200.0] * 3 and torch.equal(batch.counts > 0, batch.mask)
    assert torch.equal(batch.distances, batch.distances.T) and batch.targets.shape == (3, 1)
    assert not torch.equal(batch.counts, _at_epoch(samples, 1).counts)
    item = samples[5]
    assert item["sample_id"] == batch.sample_ids[1] and item["counts"].sum() == 200


def _at_epoch(samples: db.SampleDataset, number: int) -> db.Batch:
    samples.set_epoch(number)
    batch = samples.batch([0, 5, 7])
    samples.set_epoch(0)
    return batch


def test_samples_load_the_same_with_any_number_of_threads(community_dir: Path):
    samples = db.SampleDataset(community_dir / "table.biom", rarefy_depth=100, max_bp=60)
    runs = []
    for threads in (0, 2):
        batches = db.DataLoader(samples, batch_size=5, shuffle=True, seed=1, num_workers=threads)
        runs.append([(b.sample_ids, b.counts.sum(0).tolist()) for _ in range(2) for b in batches])
    assert runs[0] == runs[1] and len(runs[0]) == 10
