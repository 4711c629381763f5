"""Windows of a genome are what pysam reads, in every loader, with labels, splits and negatives."""

import copy
import gc
import pickle
import weakref
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest
import torch
from genome_files import one_hot, random_intervals, window_of, write_bed, write_genome

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ParseError, RecordIndexError, WrongTypeError
from deepbio_torch.transforms import Compose, IntegerEncoder, KmerEncoder, OneHotEncoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("genome")
    write_genome(path / "g.fa")
    write_bed(path / "all.bed", random_intervals(pysam.FastaFile(str(path / "g.fa")), 400, 2))
    return path


@pytest.fixture(scope="module")
def genome(folder) -> pysam.FastaFile:
    return pysam.FastaFile(str(folder / "g.fa"))


def windows(folder, bed="all.bed", **options) -> db.GenomeDataset:
    return db.GenomeDataset(folder / "g.fa", folder / bed, **{"window": 114, **options})


def test_windows_are_what_pysam_reads_at_ends_over_n_and_on_both_strands(folder, genome):
    for window in (1, 114, 2000):
        data = windows(folder, window=window, jitter=50)
        batch = data.batch(range(len(data)))
        assert batch.sequences.shape == (400, 4, window)
        for row, about in enumerate(batch.metadata):
            letters = window_of(
                genome, *(about[k] for k in ("chromosome", "start", "end", "strand"))
            )
            assert np.array_equal(batch.sequences[row].numpy(), one_hot(letters)), about
    starts = batch.starts.numpy()
    assert (starts < 0).sum() > 20 and {about["strand"] for about in batch.metadata} == {"+", "-"}


def test_windows_lie_around_the_middle_and_turn_with_their_interval(folder, genome):
    data = windows(folder, reverse_complement=0)
    expected = random_intervals(genome, 400, 2)
    batch = data.batch(range(400))
    for (name, start, end, strand), about, window_id in zip(
        expected, batch.metadata, batch.ids, strict=True
    ):
        first = (start + end) // 2 - 57
        strand = "-" if strand == "-" else "+"
        assert (about["chromosome"], about["start"], about["strand"]) == (name, first, strand)
        assert window_id == f"{name}:{first}-{first + 114}({strand})"
    unstranded = windows(folder, reverse_complement=0, strand=False)
    assert not unstranded.batch(range(400)).reversed.any()


@pytest.mark.parametrize("intervals", ["frame", "polars", "tuples", "gzip"])
def test_intervals_come_as_a_frame_as_tuples_or_compressed(folder, tmp_path, intervals):
    rows = random_intervals(pysam.FastaFile(str(folder / "g.fa")), 400, 2)
    given = rows
    if intervals == "frame":
        given = pd.DataFrame(rows, columns=["chrom", "start", "end", "strand"])
    elif intervals == "polars":
        polars = pytest.importorskip("polars")
        given = polars.DataFrame(
            rows, schema=["chromosome", "start", "end", "strand"], orient="row"
        )
    elif intervals == "gzip":
        given = tmp_path / "a.bed.gz"
        pysam.tabix_compress(str(folder / "all.bed"), str(given))
    data = db.GenomeDataset(folder / "g.fa", given, window=114, reverse_complement=0)
    expected = windows(folder, reverse_complement=0).batch(range(400))
    assert data.batch(range(400)).sequences.equal(expected.sequences)


def test_other_transforms_see_the_letters_of_the_same_windows(folder):
    plain = windows(folder, seed=3)
    plain.set_epoch(1)
    letters = windows(folder, seed=3, transform=None)
    letters.set_epoch(1)
    batch = plain.batch(range(40))
    raw = [letters[i]["sequence"] for i in range(40)]
    assert all(len(each) == 114 and each.isupper() for each in raw)
    assert np.array_equal(batch.sequences.numpy(), np.stack([one_hot(each) for each in raw]))
    for encoder in (
        OneHotEncoder(channels_first=True, unknown="iupac"),
        IntegerEncoder(unknown="zero"),
        KmerEncoder(3, unknown="zero"),
    ):
        native = windows(folder, seed=3, transform=encoder)
        stepwise = windows(folder, seed=3, transform=Compose([lambda sample: sample, encoder]))
        for data in (native, stepwise):
            data.set_epoch(1)
        expected = encoder.encode_batch(raw)
        assert native.batch(range(40)).sequences.equal(expected)
        assert db.collate([stepwise[i] for i in range(40)]).sequences.equal(expected)
    last = windows(folder, seed=3, transform=OneHotEncoder())
    last.set_epoch(1)
    assert last.batch(range(40)).sequences.transpose(1, 2).equal(batch.sequences)


def test_lower_case_is_ignored_kept_or_a_channel(folder, genome):
    lower = windows(folder, transform=None, soft_mask="lower", reverse_complement=0, strand=False)
    channel = windows(folder, soft_mask="channel", reverse_complement=0, strand=False)
    batch, seen = channel.batch(range(400)), 0
    for i, about in enumerate(batch.metadata):
        letters = window_of(genome, about["chromosome"], about["start"], about["end"], "+")
        assert lower[i]["sequence"] == letters
        mask = np.frombuffer(letters, np.uint8) >= ord("a")
        assert np.array_equal(batch.sequences[i, 4].numpy(), mask)
        assert np.array_equal(batch.sequences[i, :4].numpy(), one_hot(letters))
        seen += mask.sum()
    assert seen > 1000


def test_our_2bit_is_read_by_py2bit_and_given_as_it_is(folder, genome):
    py2bit = pytest.importorskip("py2bit")
    windows(folder)
    packed = folder / "g.fa.dbx.2bit"
    file = py2bit.open(str(packed), True)
    assert file.chroms() == dict(zip(genome.references, genome.lengths, strict=True))
    for name in genome.references:
        # py2bit writes N in upper case.
        assert file.sequence(name) == genome.fetch(name).replace("n", "N")
    direct = db.GenomeDataset(packed, folder / "all.bed", window=114, reverse_complement=0)
    expected = windows(folder, reverse_complement=0)
    assert direct.batch(range(400)).sequences.equal(expected.batch(range(400)).sequences)


def test_labels_are_numbers_or_classes_of_a_column(folder, tmp_path, genome):
    scores = windows(folder, label="score")
    assert scores.batch([3, 5]).labels.tolist() == [1.5, 2.5] and scores.classes is None
    assert scores[7]["label"] == 3.5
    names = windows(folder, label="name")
    assert names.classes == sorted(f"peak{i}" for i in range(400))
    assert [names.classes[i] for i in names.batch([9, 2]).labels.tolist()] == ["peak9", "peak2"]
    classes = windows(folder, label="score", classifier=True)
    assert classes.batch([3]).labels.dtype == torch.int64 and classes.classes[:2] == ["0.0", "0.5"]
    frame = pd.DataFrame(
        {"chrom": ["chr1"] * 3, "start": [5, 9, 8], "end": [7, 19, 28], "y": [2, 0, 1]}
    )
    given = db.GenomeDataset(folder / "g.fa", frame, window=10, label="y")
    assert given.batch([2, 0]).labels.tolist() == [1, 2]
    gtf = tmp_path / "a.gtf"
    gtf.write_text(
        'chr2\tx\tgene\t11\t20\t.\t-\t.\tgene_id "G1"; gene_type "x";\n'
        'chr2\tx\texon\t11\t15\t.\t-\t.\tgene_id "G1"; gene_type "x";\n'
        'chr1\tx\tgene\t31\t40\t.\t+\t.\tgene_id "G2"; gene_type "a";\n'
    )
    genes = db.GenomeDataset(
        folder / "g.fa", gtf, window=4, feature="gene", label="gene_type", placement="start"
    )
    assert genes.labels.tolist() == [1, 0] and genes.classes == ["a", "x"]
    assert [about["start"] for about in genes.batch([0, 1]).metadata] == [17, 28]


def test_chromosomes_split_and_blacklists_leave_out_what_brute_force_does(folder, genome):
    rows = random_intervals(genome, 400, 2)
    black = [
        (name, start, start + 300, ".") for name, start, _, _ in random_intervals(genome, 30, 5)
    ]
    black = [(n, s, min(e, genome.get_reference_length(n)), d) for n, s, e, d in black]
    data = windows(folder, exclude=black, chromosomes=["chr1", "chr8"])
    kept = []
    for i, (name, start, end, _) in enumerate(rows):
        first = (start + end) // 2 - 57
        touches = any(name == n and s < first + 114 and first < e for n, s, e, _ in black)
        if name != "chr2" and not touches:
            kept.append(i)
    assert data.interval_index.tolist() == kept and 50 < len(kept) < 300
    assert data.notes[0].endswith("windows touch an excluded interval and are left out")
    other = data.select_chromosomes(["chr2"])
    assert {about["chromosome"] for about in other.batch(range(len(other))).metadata} == {"chr2"}
    assert len(data) == len(kept)
    write_bed(folder / "black.bed", black)
    assert len(
        windows(folder, exclude=[folder / "black.bed"], chromosomes=["chr1", "chr8"])
    ) == len(kept)


def test_negatives_are_labelled_and_like_the_windows_they_are_drawn_for(folder):
    write_bed(folder / "few.bed", [("chr1", s, s + 20, ".") for s in range(500, 20_000, 1000)])
    data = windows(folder, bed="few.bed", negatives=2)
    assert len(data) == 60 and data.labels.tolist() == [1] * 20 + [0] * 40
    gc = data.gc_shares.numpy()
    assert abs(gc[:20].mean() - gc[20:].mean()) < 0.01
    assert (data.interval_index[20:] == -1).all()
    starts = data.batch(range(60)).starts
    assert ((starts[20:, None] - starts[None, :20]).abs() >= 114).all()


@pytest.mark.parametrize("num_workers", [0, 2])
def test_loaders_of_torch_and_ours_give_the_same_windows_and_resume(folder, num_workers):
    data = windows(folder, jitter=20)
    loader = db.DataLoader(data, batch_size=16, shuffle=True, seed=4, num_workers=num_workers)
    first = [batch.sequences for batch in loader]
    second = [batch.sequences for batch in loader]
    assert len(first) == 25 and not first[0].equal(second[0]) and data.epoch is None
    stopped = db.DataLoader(data, batch_size=16, shuffle=True, seed=4)
    iterator = iter(stopped)
    for _ in range(7):
        next(iterator)
    resumed = db.DataLoader(data, batch_size=16, shuffle=True, seed=0, num_workers=num_workers)
    resumed.load_state_dict(stopped.state_dict())
    assert all(a.sequences.equal(b) for a, b in zip(resumed, first[7:], strict=True))
    data.set_epoch(0)
    order = [data.batch(indices).sequences for indices in loader._order(0)]
    assert all(a.equal(b) for a, b in zip(order, first, strict=True))
    torchs = torch.utils.data.DataLoader(data, batch_size=16, num_workers=num_workers)
    plain = db.DataLoader(data, batch_size=16)
    assert all(a.sequences.equal(b.sequences) for a, b in zip(torchs, plain, strict=True))


def test_a_batch_leaves_memory_as_soon_as_nobody_holds_it(folder):
    gc.disable()
    try:
        batch = windows(folder).batch(range(10))
        assert len(batch.ids) == 10
        letters = weakref.ref(batch.sequences)
        del batch
        assert letters() is None
    finally:
        gc.enable()


def test_ranks_share_the_windows(folder):
    data = windows(folder)
    parts = [
        [
            i
            for batch in db.DataLoader(data, 7, True, rank=r, world_size=3, seed=1)
            for i in batch.index.tolist()
        ]
        for r in range(3)
    ]
    assert sorted(set(sum(parts, []))) == list(range(400)) and len({len(p) for p in parts}) == 1


def test_a_dataset_is_copied_and_pickled_with_its_windows(folder):
    data = windows(folder, label="score", reverse_complement=0)
    expected = data.batch([5, 6])
    for other in (pickle.loads(pickle.dumps(data)), copy.deepcopy(data)):
        assert other.batch([5, 6]).sequences.equal(expected.sequences)
        assert other.batch([5, 6]).labels.equal(expected.labels)
    assert "400 windows of 114" in repr(data)


def test_what_does_not_fit_is_one_line(folder, tmp_path):
    def message(kind, rows="chr1\t5\t10\n", **options):
        (tmp_path / "a.bed").write_text(rows)
        with pytest.raises(kind) as caught:
            db.GenomeDataset(folder / "g.fa", tmp_path / "a.bed", **{"window": 4, **options})
        assert "\n" not in str(caught.value)
        return str(caught.value).replace(str(tmp_path / "a.bed"), "a.bed")

    assert "line 1: expected an end of at most 30007, the length of 'chr1', got 40000" in message(
        ParseError, "chr1\t5\t40000\n"
    )
    assert message(ParseError, "1\t5\t10\n").endswith(
        "chromosome_names=\"match\" takes it for 'chr1'"
    )
    assert message(ParseError, "chr1\t9\t9\n").endswith("expected start < end, got start 9, end 9")
    assert "no column 'scor'" in message(ArgumentError, "chr1\t5\t10\tx\t1\t+\n", label="scor")
    assert message(ArgumentError, window=0) == "window: expected at least 1, got 0"
    assert "expected names of" in message(ArgumentError, chromosomes=["chr9"])
    assert "placement: expected center" in message(ArgumentError, placement="middle")
    assert "none beside negatives" in message(ArgumentError, label="x", negatives=1)
    words = "chr1\t5\t10\tx\t1\t+\nchr1\t5\t10\tx\t.\t+\n"
    assert "expected a number in column 'score'" in message(ParseError, words, label="score")
    assert "classifier=True takes them" in message(ParseError, words, label="score")
    frame = {"chrom": ["chr1"] * 2, "start": [5, 9], "end": [7, 19], "strand": ["+", "-"]}
    for column, values, said in (
        ("strand", ["+", None], r"record 1: expected a strand \(\+, - or \.\), got None|nan"),
        ("end", [7, 19.5], "record 1: expected a whole end, got 19.5"),
        ("start", [5, "nine"], "record 1: expected a whole start, got 'nine'"),
        ("y", [1.0, float("nan")], "record 1: expected a label in 'y', got nan"),
        ("y", ["a", 2], "expected text for all records or numbers for all"),
    ):
        given = pd.DataFrame({**frame, "y": [1, 2], column: values}, dtype=object)
        with pytest.raises(ArgumentError, match=said):
            db.GenomeDataset(folder / "g.fa", given, window=4, label="y")
    with pytest.raises(ArgumentError, match="intervals: record 0: expected a whole start, got 5.5"):
        db.GenomeDataset(folder / "g.fa", [("chr1", 5.5, 9)], window=4)
    with pytest.raises(ParseError, match="exclude: record 0: expected 0 <= start < end"):
        windows(folder, exclude=[("chr1", 5, 5)])
    with pytest.raises(RecordIndexError, match="window index: expected -400 to 399, got 400"):
        windows(folder)[400]
    with pytest.raises(WrongTypeError, match="epoch: expected a whole number, got 'x'"):
        windows(folder).set_epoch("x")
    with pytest.raises(WrongTypeError, match="chromosomes: expected a list of names, got int"):
        windows(folder, chromosomes=3)
    with pytest.raises(WrongTypeError, match="cache_dir: expected a path"):
        windows(folder, cache_dir=3)
    with pytest.raises(WrongTypeError, match="window index: expected a whole number, got 'a'"):
        windows(folder)["a"]
    matched = db.GenomeDataset(folder / "g.fa", [("1", 5, 10)], window=4, chromosome_names="match")
    assert "1 chromosomes of intervals are matched" in matched.notes[0]
