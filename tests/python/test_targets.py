"""Labels of reads: from titles, tables, files and the reads themselves.

Weights, samplers, splits.
"""

import json
import pickle

import numpy as np
import pytest
import torch

import deepbio_torch as db
from deepbio_torch import targets
from deepbio_torch.errors import ArgumentError, MissingFileError, ParseError
from deepbio_torch.transforms import OneHotEncoder


def test_labels_come_from_titles_tables_and_the_read_itself(fastq, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("read_id,label\n" + "".join(f"r{i},{i / 2}\n" for i in range(520)))
    several = {
        "class": db.targets.classes(["z", "y", "x"], db.targets.from_header(r"class=(\w)")),
        "half": db.targets.from_file(table),
        "length": db.targets.from_sequence("length"),
        "quality": db.targets.from_quality("median"),
    }
    data = db.SequenceDataset(fastq, transform=OneHotEncoder(), target=several)
    labels = data.batch([0, 4]).labels
    assert labels["class"].tolist() == [2, 1] and labels["half"].tolist() == [0.0, 2.0]
    assert labels["length"].tolist() == data.batch([0, 4]).lengths.tolist() and labels[
        "quality"
    ].tolist() == [40, 40]
    assert data[4]["label"]["half"] == 2.0
    with pytest.raises(ArgumentError, match="class=x"):
        len(db.SequenceDataset(fastq, target=db.targets.from_header(key="kind")))


def test_classes_are_weighted_balanced_and_split():
    labels = torch.tensor([0] * 90 + [1] * 10)
    assert torch.allclose(db.targets.class_weights(labels), torch.tensor([100 / 180, 100 / 20]))
    sampler = db.targets.balanced_sampler(labels, 2000, seed=1)
    first = list(sampler)
    assert 900 < sum(labels[first]) < 1100 and first == list(sampler)
    sampler.set_epoch(1)
    assert first != list(sampler)
    train, test = db.targets.stratified_split(labels, 0.2, seed=1)
    assert sorted(train + test) == list(range(100)) and labels[test].sum() == 2 and len(test) == 20


def record(name="r1", description="", sequence=b"ACGT", quality=b"IIII"):
    return db.Record(name, description, sequence, quality)


@pytest.mark.parametrize(
    ("title", "options", "expected"),
    [
        ("r1 class=abc len=7", {"pattern": r"class=(\w+)"}, "abc"),
        ("r1|class:abc|len:7", {"key": "class"}, "abc"),
        ("r1 score = 0.5", {"key": "score", "converter": float}, 0.5),
        ("class=abc", {"key": "class"}, "abc"),
        ("r1 subclass=no class=yes", {"key": "class"}, "yes"),
        ("r1;a.b=1,2", {"key": "a.b", "converter": int}, 1),
    ],
)
def test_titles(title, options, expected):
    assert targets.from_header(**options)(record(*[*title.split(" ", 1), ""][:2])) == expected


def test_numbers_of_the_read_itself_are_those_of_numpy():
    sequence, scores = b"ACGTNSacgg", np.array([0, 5, 10, 40, 41, 2, 2, 30, 31, 93])
    read = record(sequence=sequence, quality=bytes(scores.astype(np.uint8) + 33))
    for statistic in ("mean", "median", "min", "max", "std"):
        assert targets.from_quality(statistic)(read) == pytest.approx(
            getattr(np, statistic)(scores)
        )
    assert targets.from_quality()(record(quality=b"IIII")) == 40
    assert targets.from_quality()(record(sequence=b"", quality=b"")) == 0
    assert targets.from_sequence()(read) == 0.6 and targets.from_sequence("length")(read) == 10
    _, counts = np.unique(list(sequence.upper()), return_counts=True)
    share = counts / counts.sum()
    assert targets.from_sequence("complexity")(read) == pytest.approx(
        -(share * np.log2(share)).sum()
    )
    assert targets.from_sequence("complexity")(record(sequence=b"AAAA")) == 0
    assert targets.from_sequence()(record(sequence=b"", quality=b"")) == 0
    assert targets.constant(3)(read) == 3


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.csv", "read_id,label\nr0,1\nr1,0\n", [1, 0]),
        ("a.tsv", "\ufeffid\tother\tlabel\n@r0 text\tx\t1.5\nr1\ty\t2\n", [1.5, 2.0]),
        ("a.csv", 'name,label\r\nr0,"two\nlines"\r\nr1,b\r\n', ["two\nlines", "b"]),
        ("a.json", json.dumps([{"id": "r0", "label": 3}, {"id": "r1", "label": 4}]), [3, 4]),
        ("a.json", json.dumps({"r0": "low", "r1": "high"}), ["low", "high"]),
        ("unknown", "sample,label\nr0,1e3\nr1,2\n", [1000.0, 2.0]),
    ],
)
def test_companion_tables_of_every_kind(tmp_path, name, text, expected):
    path = tmp_path / name
    path.write_bytes(text.encode())
    extract = pickle.loads(pickle.dumps(targets.from_file(path)))
    labels = [extract(record(read)) for read in ("r0", "r1")]
    assert labels == expected and [type(label) for label in labels] == [
        type(label) for label in expected
    ]
    with pytest.raises(ArgumentError, match="'r2'"):
        extract(record("r2"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,label\nr0,1\nr1\n", "line 3: expected a value of 'label'"),
        ("id,label\n,1\n", "line 2: expected a value of 'id'"),
        ("id,label\nr0,1\nr0,2\n", "line 3: expected one label for 'r0', got '1' and '2'"),
        ('[{"id": "r0", "label": null}]', "entry 1: expected a value of 'label'"),
        ('[{"id": "r0", ', "line 1: expected JSON"),
        ("[1, 2]", "list of objects"),
        (
            "id,label\nr\udcff,1\n",
            r"line 2, byte 10: expected text in UTF-8.*Latin-1 or Windows-1252",
        ),
        ("\udcff\udcfei\0d\0,\0", "line 1, byte 0: expected text in UTF-8, got UTF-16 text"),
    ],
)
def test_tables_that_are_damaged_are_parse_errors_that_name_the_row(tmp_path, text, message):
    path = tmp_path / "labels"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ParseError, match=message):
        targets.from_file(path)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda path: targets.from_file(path, label_column="kind"),
            "column 'kind', got 'id', 'label'",
        ),
        (lambda path: targets.from_file(path, id_column="read"), "column 'read'"),
        (lambda path: targets.from_header(), "got pattern=None, key=None"),
        (lambda path: targets.from_header("a", key="b"), "pattern='a', key='b'"),
        (lambda path: targets.from_header("class="), "group"),
        (lambda path: targets.from_header("(class"), "regular expression"),
        (lambda path: targets.from_quality("mode"), "'mode'"),
        (lambda path: targets.from_sequence("gc"), "'gc'"),
        (lambda path: targets.from_quality()(db.Record("r", "", b"A", None)), "FASTA"),
        (lambda path: targets.classes(["a"], targets.constant("b"))(record()), r"\['a'\], got 'b'"),
        (lambda path: targets.class_weights([0.5, 1.0]), "float32"),
        (lambda path: targets.class_weights(torch.zeros(0, dtype=torch.int64)), r"\[0\]"),
        (lambda path: targets.balanced_sampler([0, 1], 0), "got 0"),
        (lambda path: targets.weighted_sampler([0.0, 0.0]), "not all 0"),
        (lambda path: targets.weighted_sampler([1.0, -1.0]), "0 or more"),
        (lambda path: targets.stratified_split([0, 1], 1.5), "1.5"),
        (lambda path: targets.stratified_split(["a", "b"]), r"class ids \[N\], got \['a', 'b'\]"),
        (lambda path: targets.class_weights([0, -1]), "0 or more, got -1"),
        (lambda path: targets.balanced_sampler(None), "got None"),
        (lambda path: targets.weighted_sampler("abc"), "numbers .* got 'abc'"),
        (lambda path: db.SequenceDataset(path, target={}), "target"),
        (lambda path: db.SequenceDataset(path, target={"a": "file"}), "target"),
    ],
)
def test_bad_arguments_are_value_errors_that_quote_the_value(tmp_path, build, message):
    path = tmp_path / "labels.csv"
    path.write_text("id,label\nr0,1\n")
    with pytest.raises(ValueError, match=message):
        build(path)
    with pytest.raises(MissingFileError, match="none.csv: cannot be opened: No such file"):
        targets.from_file(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        (lambda i: None if i == 7 else 1, "for 'r7', got None"),
        (lambda i: [1, 2], r"for 'r0', got \[1, 2\]"),
        (lambda i: "x" if i else 0.5, "'x' for 'r1' and 0.5 for 'r0'"),
        (lambda i: 1 if i < 519 else "last", "'last' for 'r519' and 1 for 'r0'"),
        (lambda i: 2**63, "for 'r0', got 9223372036854775808"),
        (lambda i: torch.zeros(2), "for 'r0', got tensor"),
        (lambda i: 1j, "for 'r0', got 1j"),
        (lambda i: b"text", "for 'r0', got b'text'"),
    ],
)
@pytest.mark.parametrize("name", [None, "kind"])
def test_a_target_that_gives_no_label_is_an_argument_error_that_names_the_record(
    fastq, label, shown, name
):
    def extract(record):
        return label(int(record.name[1:]))

    data = db.SequenceDataset(fastq, target={name: extract} if name else extract)
    with pytest.raises(ArgumentError, match=shown) as caught:
        len(data)
    assert "\n" not in str(caught.value) and ("'kind'" in str(caught.value)) == bool(name)


def test_numbers_of_numpy_and_torch_are_labels(fastq):
    kinds = {
        "whole": lambda record: np.int32(3),
        "yes": lambda record: np.bool_(len(record.sequence) > 30),
        "part": lambda record: np.float32(0.5),
        "tensor": lambda record: torch.tensor(4),
    }
    labels = db.SequenceDataset(fastq, target=kinds).labels
    assert {name: values.dtype for name, values in labels.items()} == {
        "whole": torch.int64, "yes": torch.int64, "part": torch.float32, "tensor": torch.int64,
    }  # fmt: skip
    assert (
        labels["yes"].unique().tolist() == [0, 1]
        and labels["tensor"][5] == 4
        and labels["part"][5] == 0.5
    )


def test_a_class_per_file_and_text_as_classes(tmp_path):
    for name in ("b", "a"):
        (tmp_path / f"{name}.fa").write_text(f">{name}1\nACGT\n>{name}2 x\nAC\n")
    paths = [tmp_path / "b.fa", tmp_path / "a.fa"]
    assert db.SequenceDataset(paths, target="file").labels.tolist() == [0, 0, 1, 1]
    text = db.SequenceDataset(paths, target=lambda record: record.name[0])
    assert text.classes == ["a", "b"] and text.labels.tolist() == [1, 1, 0, 0]
    several = db.SequenceDataset(
        paths,
        target={"letter": lambda record: record.name[0], "size": targets.from_sequence("length")},
    )
    assert several.classes == {"letter": ["a", "b"]} and several.labels["size"].tolist() == [
        4,
        2,
        4,
        2,
    ]
    assert several.summary()["classes"]["letter"]["a"] == {"count": 2, "percent": 50.0}


def test_weights_of_a_sampler_are_kept_by_both_loaders(fastq):
    data = db.SequenceDataset(
        fastq, transform=OneHotEncoder(), target=targets.from_header(key="class")
    )
    weights = torch.where(data.labels == 2, 8.0, 1.0)
    weights[:100] = 0
    sampler = targets.weighted_sampler(weights, 4000, seed=5)
    ours = torch.cat(
        [
            batch.index
            for batch in db.DataLoader(data, batch_size=64, sampler=sampler, num_workers=2)
        ]
    )
    sampler.set_epoch(0)
    theirs = torch.cat(
        [batch.index for batch in torch.utils.data.DataLoader(data, batch_size=64, sampler=sampler)]
    )
    assert torch.equal(ours, theirs) and ours.min() >= 100
    share = (data.labels[ours] == 2).float().mean().item()
    assert abs(share - 8 / 10) < 0.03
    balanced = db.DataLoader(
        data, batch_size=64, sampler=targets.balanced_sampler(data, 3000), seed=1
    )
    first, second = (torch.cat([batch.labels for batch in balanced]) for _ in range(2))
    assert not torch.equal(first, second) and torch.bincount(first).min() > 900


def test_a_split_keeps_shares_and_puts_each_record_on_one_side(fastq):
    labels = torch.cat(
        [torch.zeros(97), torch.ones(11), torch.full((2,), 2), torch.full((1,), 3)]
    ).long()
    train, test = targets.stratified_split(labels[torch.randperm(len(labels))], 0.25, seed=3)
    assert sorted(train + test) == list(range(len(labels)))
    data = db.SequenceDataset(
        fastq, transform=OneHotEncoder(), target=targets.from_header(key="class")
    )
    train, test = targets.stratified_split(data, 0.1, seed=3)
    assert torch.bincount(data.labels[test]).tolist() == [17, 17, 17]
    assert (
        targets.stratified_split(data, 0.1, seed=3)
        == (train, test)
        != targets.stratified_split(data, 0.1, seed=4)
    )


def test_a_label_that_cannot_be_converted_is_named_with_its_record(fastq, tmp_path):
    by_title = targets.from_header(key="class", converter=float)
    with pytest.raises(ArgumentError, match="got 'x' in 'r0 class=x'"):
        db.SequenceDataset(fastq, transform=OneHotEncoder(), target=by_title).batch([0])
    (tmp_path / "labels.csv").write_text("id,label\nr0,1\nr1,many\n")
    with pytest.raises(
        ParseError, match="labels.csv: expected a label to convert, got 'many' of 'r1'"
    ):
        targets.from_file(tmp_path / "labels.csv", converter=int)


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        (["1.1", "1.10"], ["1.1", "1.10"]), (["06", "6"], ["06", "6"]),
        (["1", "1.0"], ["1", "1.0"]), (["1e3", "1000"], ["1000", "1e3"]),
        (["007", "8"], ["007", "8"]), (["E. coli, K-12", "E. coli"], None),
    ],
)  # fmt: skip
def test_labels_of_a_table_keep_their_text(tmp_path, cells, classes):
    (tmp_path / "r.fa").write_text(">a\nAC\n>b\nAC\n")
    (tmp_path / "labels.csv").write_text(
        "id,label\n" + "".join(f'{i},"{c}"\n' for i, c in zip("ab", cells, strict=True))
    )
    data = db.SequenceDataset(tmp_path / "r.fa", target=targets.from_file(tmp_path / "labels.csv"))
    assert data.classes == (classes or sorted(cells)) and data.labels.dtype == torch.int64
    assert [data.classes[i] for i in data.labels.tolist()] == cells
    if classes and classes[0][0].isdigit():
        as_numbers = targets.from_file(tmp_path / "labels.csv", converter=float)
        assert (
            db.SequenceDataset(tmp_path / "r.fa", target=as_numbers).labels.dtype == torch.float32
        )


def test_rows_with_more_or_fewer_cells_than_the_header_are_errors(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("id,label\na,E. coli, K-12\nb,E. coli\n")
    with pytest.raises(
        ParseError, match="line 2: expected 2 cells as in the header, got 3; .* in quotes"
    ):
        targets.from_file(path)
    path.write_text("id,label,lane\na,x,1\nb,y\n")
    with pytest.raises(ParseError, match="line 3: expected 3 cells as in the header, got 2"):
        targets.from_file(path)


def test_keys_of_uniprot_and_sam_tags_are_read_whole(tmp_path):
    (tmp_path / "u.fa").write_text(
        ">sp|P1|A_RABIT Aspartate aminotransferase OS=Oryctolagus cuniculus "
        "OX=9986 GN=GOT2 PE=1 SV=2\nMK\n"
        ">sp|P2|B_HUMAN Protein OS=Homo sapiens OX=9606 SV=1\nMA\n>sp|P3|C OS=Homo sapiens\nMA\n"
    )
    by_species = db.SequenceDataset(
        tmp_path / "u.fa", sequence_type="protein", target=targets.from_header(key="OS")
    )
    assert by_species.classes == [
        "Homo sapiens",
        "Oryctolagus cuniculus",
    ] and by_species.labels.tolist() == [1, 0, 0]
    (tmp_path / "t.fq").write_text(
        "@a\tqs:f:20.9\tRG:Z:run sup_bc01\n+\n\n\n".replace("\n+\n\n\n", "\nAC\n+\nII\n")
    )
    assert db.SequenceDataset(tmp_path / "t.fq", target=targets.from_header(key="RG")).classes == [
        "run sup_bc01"
    ]
    score = targets.from_header(key="qs", converter=float)
    assert db.SequenceDataset(tmp_path / "t.fq", target=score).labels.tolist() == pytest.approx(
        [20.9]
    )


def test_labels_of_a_stream_have_one_type_in_all_batches(tmp_path):
    path = tmp_path / "r.fa"
    path.write_text("".join(f">r{i}\n{'ACGT'[: i % 4 + 1]}\n" for i in range(8)))

    def batches(target):
        stream = db.StreamingSequenceDataset(path, transform=OneHotEncoder(), target=target)
        return [batch.labels.dtype for batch in stream.batches(2)]

    assert batches(lambda record: len(record.sequence) / 2) == [torch.float32] * 4
    assert batches(lambda record: 0.5 if record.name == "r0" else 1) == [torch.float32] * 4
    with pytest.raises(ArgumentError, match="got 0.5 for 'r5'"):
        batches(lambda record: 0.5 if record.name == "r5" else 1)
