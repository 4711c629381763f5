"""Reads as a dataset and through both loaders: every record, in order, the same for any number
of threads."""

import gzip
import json
import pickle
from pathlib import Path

import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ConfigError, ParseError, RecordIndexError

READS = [(f"r{i}", "ACGTN"[i % 5] * (i % 7 + 1)) for i in range(53)]


@pytest.fixture
def fastq(tmp_path: Path) -> Path:
    text = "".join(
        f"@{name} lane {i}\n{dna}\n+\n{'I' * len(dna)}\n" for i, (name, dna) in enumerate(READS)
    )
    path = tmp_path / "reads.fastq.gz"
    path.write_bytes(gzip.compress(text.encode()))
    return path


def test_the_reader_gives_every_record_with_its_parts(fastq: Path):
    reader = db.SequenceReader(fastq)
    records = list(reader)
    assert [(r.name, r.sequence.decode()) for r in records] == READS
    assert records[3].description == "lane 3" and records[3].quality == b"IIII"
    assert reader.report["num_records"] == 53 and reader.format == "fastq"


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
    by_length = db.SequenceDataset(
        fastq, target=lambda record: len(record.sequence), transform=db.transforms.OneHotEncoder()
    )
    batch = by_length.batch([0, 5, 6])
    assert (
        batch.labels.tolist() == [1, 6, 7] == batch.lengths.tolist()
        and batch.labels.dtype == torch.int64
    )
    as_value = db.SequenceDataset(fastq, target=lambda record: len(record.sequence) / 2)
    assert as_value[6]["label"] == 3.5
    with pytest.raises(ArgumentError):
        db.SequenceDataset(fastq, target="header")


@pytest.mark.parametrize(
    "options", [{}, {"channels_first": True}, {"pad_to": 9}, {"max_length": 3}]
)
def test_one_call_for_a_batch_equals_item_by_item(fastq: Path, options: dict):
    encoder = db.transforms.OneHotEncoder(**options)
    data = db.SequenceDataset(fastq, transform=encoder, target="file")
    indices = [3, 50, 7, 7, -1]
    data.set_epoch(0)
    whole = data.batch(indices)
    python = db.SequenceDataset(
        fastq, transform=db.transforms.Compose([lambda s: s, encoder]), target="file"
    )
    python.set_epoch(
        0
    )  # a callable may draw, so that without it each sample has a number of its own
    for single in (
        db.collate([data[i] for i in indices]),
        db.collate([python[i] for i in indices]),
    ):
        assert single.keys() == whole.keys()
        assert torch.equal(whole.sequences, single.sequences) and torch.equal(
            whole.quality, single.quality
        )
        assert whole.ids == single.ids and torch.equal(whole.lengths, single.lengths)
        assert whole.metadata == single.metadata and torch.equal(whole.labels, single.labels)
    assert whole.sequences.shape[1 + ("channels_first" in options)] == options.get(
        "pad_to", whole.lengths.max()
    )


def test_torchs_own_loader_needs_no_collate_function(fastq: Path):
    data = db.SequenceDataset(fastq, transform=db.transforms.OneHotEncoder(), target="file")
    batches = list(
        torch.utils.data.DataLoader(torch.utils.data.Subset(data, range(10)), batch_size=4)
    )
    assert [type(batch) for batch in batches] == [db.Batch] * 3
    assert [name for batch in batches for name in batch.ids] == [name for name, _ in READS[:10]]
    assert torch.equal(batches[1].sequences, data.batch([4, 5, 6, 7]).sequences)
    raw = next(iter(torch.utils.data.DataLoader(db.SequenceDataset(fastq), batch_size=2)))
    assert raw.sequences == [b"A", b"CC"] and raw.lengths.tolist() == [1, 2]


def test_good_records_come_before_the_bad_one(tmp_path: Path):
    bad = tmp_path / "bad.fastq"
    bad.write_text("@a\nACGT\n+\nIIII\n@b\nACGT\n+\nII\n")
    reader = db.SequenceReader(bad)
    assert next(reader).name == "a"
    with pytest.raises(ParseError):
        next(reader)


def test_a_dataset_pickles_by_its_paths_and_reads_again(fastq: Path):
    data = db.SequenceDataset(fastq, transform=db.transforms.OneHotEncoder(), target="file")
    len(data)
    text = pickle.dumps(data)
    assert len(text) < 2000
    assert torch.equal(pickle.loads(text).batch([5, 1]).sequences, data.batch([5, 1]).sequences)
    assert len(pickle.loads(pickle.dumps(db.SequenceReader(fastq))).__next__().sequence) == 1
    with pytest.raises(ArgumentError, match="protein"):
        db.SequenceDataset(fastq, sequence_type="protein", transform=db.transforms.OneHotEncoder())


def test_unknown_letters_drawn_at_random_change_with_the_epoch_and_not_with_the_batch(fastq: Path):
    encoder = db.transforms.OneHotEncoder(unknown="random", seed=4)
    data = db.SequenceDataset(fastq, transform=encoder)
    data.set_epoch(0)
    native = data.batch([4, 34]).sequences
    assert torch.equal(data.batch([34]).sequences[0], native[1]) and torch.equal(
        data[34]["sequence"], native[1]
    )
    python = db.SequenceDataset(fastq, transform=db.transforms.Compose([lambda s: s, encoder]))
    python.set_epoch(0)
    assert torch.equal(python[34]["sequence"], native[1])
    assert native[1].sum() == 7  # N is a letter now
    data.set_epoch(1)
    python.set_epoch(1)
    assert not torch.equal(data[34]["sequence"], native[1])
    assert torch.equal(python[34]["sequence"], data[34]["sequence"])


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

    data = db.SequenceDataset(
        fastq, transform=db.transforms.Compose([keep, db.transforms.OneHotEncoder(pad_to=8)])
    )
    for threads in (0, 3):
        python = db.DataLoader(data, batch_size=8, shuffle=True, seed=5, num_workers=threads)
        assert epoch(python) == epoch(loader(fastq))


@pytest.mark.parametrize("threads", [0, 2])
def test_a_loader_resumes_at_every_batch_border_through_json(fastq: Path, threads: int):
    whole = epoch(loader(fastq, num_workers=threads))
    for border in range(len(whole)):
        first = loader(fastq, num_workers=threads)
        given = [batch.ids for _, batch in zip(range(border), first, strict=False)]
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


def test_an_iteration_left_early_is_over(fastq: Path):
    batches = loader(fastq)
    whole = [epoch(batches) for _ in range(2)]
    batches.set_epoch(0)
    next(iter(batches))
    assert epoch(batches) == whole[1]


def test_ranks_share_the_records_in_equal_numbers_of_batches(fastq: Path):
    loaders = [loader(fastq, rank=rank, world_size=3) for rank in range(3)]
    parts = [epoch(batches) for batches in loaders]
    assert [len(part) for part in parts] == [3, 3, 3] == [len(batches) for batches in loaders]
    given = [name for part in parts for ids in part for name in ids]
    assert set(given) == {name for name, _ in READS} and len(given) == 54


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
        community_dir / "table.biom", tree=community_dir / "tree.nwk",
        metadata=community_dir / "metadata.tsv", target="age", rarefy_depth=200, max_bp=60,
    )  # fmt: skip
    batch = samples.batch([0, 5, 7])
    assert (
        batch.asv_features.unique().numel()
        == batch.asv_features.numel()
        == batch.asv_tokens.shape[0]
    )
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


def test_items_of_a_sample_dataset_go_through_torchs_loader(community_dir: Path):
    samples = db.SampleDataset(
        community_dir / "table.biom", tree=community_dir / "tree.nwk", rarefy_depth=100, max_bp=60
    )
    samples.set_epoch(0)
    (first, *_) = torch.utils.data.DataLoader(samples, batch_size=5)
    expected = samples.batch(range(5))
    assert first.sample_ids == samples.sample_ids[:5] and torch.equal(
        first.distances, expected.distances
    )
    with pytest.raises(ArgumentError, match="dataset.batch"):
        db.collate([samples[0], samples[1]])
    assert torch.equal(
        pickle.loads(pickle.dumps(samples)).batch([3, 1]).counts, samples.batch([3, 1]).counts
    )
    with pytest.raises(RecordIndexError, match="24"):
        samples[24]


def test_distances_of_a_matrix_are_those_of_the_table(community_dir: Path):
    table = db.read_table(community_dir / "table.biom")
    matrix = db.unifrac(table, community_dir / "tree.nwk")
    samples = db.SampleDataset(table, distances=matrix.subset(matrix.ids[::-1]), max_bp=60)
    assert torch.equal(samples.batch([2, 9]).distances, matrix.values[[2, 9]][:, [2, 9]].float())
    with pytest.raises(ArgumentError, match="both"):
        db.SampleDataset(table, tree=community_dir / "tree.nwk", distances=matrix)


def test_targets_are_scaled_by_the_training_samples_alone(community_dir: Path):
    ages = {}
    for line in (community_dir / "metadata.tsv").read_text().splitlines()[2:]:
        ages[line.split("\t")[0]] = float(line.split("\t")[1])
    whole = db.SampleDataset(
        community_dir / "table.biom",
        metadata=community_dir / "metadata.tsv",
        target="age",
        max_bp=60,
    )
    train, held_back = whole.split(0.25, seed=3)

    assert (
        sorted(train.sample_ids + held_back.sample_ids) == sorted(whole.sample_ids)
        and len(held_back) == 6
    )
    values = torch.tensor([ages[name] for name in train.sample_ids], dtype=torch.float64)
    mean, sd = values.mean(), values.std(unbiased=False)
    expected = (
        torch.tensor([[ages[name]] for name in held_back.sample_ids], dtype=torch.float64) - mean
    ) / sd
    assert torch.allclose(held_back.batch(range(6)).targets.double(), expected, atol=1e-6)
    assert not held_back.options["redraw_each_epoch"] and train.options["redraw_each_epoch"]
    assert whole.split(0.25, seed=3)[0].sample_ids == train.sample_ids


def test_classes_are_sorted_and_samples_without_a_value_are_left_out(
    community_dir: Path, tmp_path: Path
):
    lines = (community_dir / "metadata.tsv").read_text().splitlines()
    header = lines[0].split("\t")
    rows = [line.split("\t") for line in lines if not line.startswith(("#q2:types", "sample-id"))]
    rows[0][header.index("group")] = ""
    (tmp_path / "m.tsv").write_text(
        "\n".join("\t".join(row) for row in [header, *rows[:-1]]) + "\n"
    )
    options = {"metadata": tmp_path / "m.tsv", "target": "group", "classifier": True, "max_bp": 60}
    with pytest.raises(ArgumentError, match=rows[-1][0]):
        db.SampleDataset(community_dir / "table.biom", **options)
    samples = db.SampleDataset(community_dir / "table.biom", missing_samples="drop", **options)
    assert sorted(samples.left_out) == sorted([rows[0][0], rows[-1][0]])
    classes = sorted({row[header.index("group")] for row in rows[1:-1]})
    expected = [classes.index(row[header.index("group")]) for row in rows[1:-1]]
    assert samples.batch(range(len(samples))).targets.tolist() == expected


def test_shallow_samples_are_left_out_by_name():
    table = db.Table.from_arrays(
        ["deep", "shallow"], ["A" * 20, "C" * 20], torch.tensor([[30, 70], [1, 2]])
    )
    samples = db.SampleDataset(table, rarefy_depth=50)
    assert samples.sample_ids == ["deep"] and samples.left_out == ["shallow"]
    with pytest.raises(ArgumentError, match="the deepest has 100"):
        db.SampleDataset(table, rarefy_depth=101)


def test_samples_load_the_same_with_any_number_of_threads(community_dir: Path):
    samples = db.SampleDataset(community_dir / "table.biom", rarefy_depth=100, max_bp=60)
    runs = []
    for threads in (0, 2):
        batches = db.DataLoader(samples, batch_size=5, shuffle=True, seed=1, num_workers=threads)
        runs.append([(b.sample_ids, b.counts.sum(0).tolist()) for _ in range(2) for b in batches])
    assert runs[0] == runs[1] and len(runs[0]) == 10


def test_names_that_are_not_utf8_come_through_datasets_streams_and_loaders(tmp_path: Path):
    path = tmp_path / b"r\xe9ads.fastq".decode("utf-8", "surrogateescape")
    path.write_bytes(b"@caf\xe9 \xff lane\nACGT\n+\nIIII\n@plain n\xc3\xa9\nAC\n+\nII\n")
    names = [b"caf\xe9".decode("utf-8", "surrogateescape"), "plain"]
    titles = [b"\xff lane".decode("utf-8", "surrogateescape"), "né"]

    def seen(batches) -> tuple[list[str], list[str]]:
        found = [
            (name, each)
            for batch in batches
            for name, each in zip(batch.ids, batch.metadata, strict=True)
        ]
        assert {each["path"] for _, each in found} == {str(path)}
        return [name for name, _ in found], [each["description"] for _, each in found]

    encoder = db.transforms.OneHotEncoder()
    data = db.SequenceDataset(
        path, transform=encoder, target=lambda record: names.index(record.name)
    )
    assert seen([data.batch([0, 1])]) == (names, titles)
    assert data.batch([1, 0]).labels.tolist() == [1, 0] and data.record(0).name == names[0]
    assert data[0]["id"] == names[0] and data[0]["metadata"]["description"] == titles[0]
    assert db.SequenceDataset(path)[0]["id"] == names[0]
    assert pickle.loads(pickle.dumps(data.batch([0]))).ids == names[:1]
    for threads in (0, 2):
        assert seen(db.DataLoader(data, num_workers=threads)) == (names, titles)
        stream = db.StreamingSequenceDataset(
            path, transform=encoder, target=lambda record: len(record.name)
        )
        assert seen(db.DataLoader(stream, num_workers=threads)) == (names, titles)
    assert [sample["id"] for sample in db.StreamingSequenceDataset(path)] == names
    path.write_bytes(path.read_bytes() + b"@\xe9 last\nACGT\n+\nII\n")
    with pytest.raises(ParseError) as caught:
        len(db.SequenceDataset(path))
    assert caught.value.path == str(path) and caught.value.record == 2
    skipping = db.SequenceDataset(path, on_bad_record="skip").report
    assert skipping["num_skipped"] == 1 and str(path) in skipping["examples"][0]
