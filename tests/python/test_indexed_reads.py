"""Large files: records by number instead of in memory, random blocks of compressed files, mates
of streams."""

import gzip
import json
import pickle
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ParseError
from deepbio_torch.transforms import (
    Compose,
    Deduplicator,
    LengthFilter,
    Mutator,
    OneHotEncoder,
    Sampler,
    Subsampler,
)

CHAIN = Compose(
    [LengthFilter(24), Deduplicator(), Sampler(20, seed=1), Mutator(0.1, 2), OneHotEncoder()]
)


def text_of(count: int, mate: int = 0) -> str:
    rng = np.random.default_rng(5 + mate)
    parts = []
    for i in range(count):
        size = int(rng.integers(20, 60))
        name = f"@r{i}/{mate}" if mate else f"@r{i} class={'xyz'[i % 3]}"
        quality = "".join(map(chr, rng.integers(35, 70, size)))
        parts.append(f"{name}\n{''.join(rng.choice(list('ACGT'), size))}\n+\n{quality}\n")
    return "".join(parts)


@pytest.fixture(params=["plain", "gzip", "bgzf"])
def fastq(request, tmp_path: Path) -> Path:
    path = tmp_path / "reads.fq.gz"
    if request.param == "bgzf":
        # Members of at most 64 KiB with their size in the header, as bgzip writes them.
        path.write_bytes(bgzf(text_of(2500).encode()))
    else:
        text = text_of(2500).encode()
        path.write_bytes(gzip.compress(text) if request.param == "gzip" else text)
    return path


def bgzf(data: bytes, size: int = 20_000) -> bytes:
    out = b""
    for begin in range(0, len(data) + size, size):
        block = data[begin : begin + size]
        deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        body = deflate.compress(block) + deflate.flush()
        head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" + (len(body) + 25).to_bytes(
            2, "little"
        )
        out += (
            head + body + zlib.crc32(block).to_bytes(4, "little") + len(block).to_bytes(4, "little")
        )
    return out


def same(one, other) -> bool:
    assert one.keys() == other.keys()
    return all(
        torch.equal(value, other[key]) if torch.is_tensor(value) else value == other[key]
        for key, value in one.items()
    )


@pytest.mark.parametrize(
    "transform", [CHAIN, OneHotEncoder(), None, Compose([lambda s: s, OneHotEncoder()])]
)
def test_items_and_batches_by_number_equal_those_in_memory(fastq: Path, transform):
    options = {"transform": transform, "target": db.targets.from_header(key="class")}
    held = db.SequenceDataset(fastq, lazy=False, **options)
    indexed = db.SequenceDataset(fastq, memory_limit_bytes=0, **options)
    for data in (held, indexed):
        data.set_epoch(0)  # without an epoch each batch has draws of its own
    assert (
        len(held) == len(indexed)
        and held.report == indexed.report
        and held.classes == indexed.classes
    )
    assert (fastq.parent / "reads.fq.gz.dbx").exists()
    indices = [7, 1900, 3, 3, -1, 800]
    assert same(db.collate([indexed[i] for i in indices]), db.collate([held[i] for i in indices]))
    assert same(db.collate(indexed.__getitems__(indices)), db.collate(held.__getitems__(indices)))
    assert indexed.record(-1).sequence == held.record(-1).sequence and torch.equal(
        indexed.lengths, held.lengths
    )
    if transform is CHAIN:
        for threads in (0, 2):
            options = {"batch_size": 64, "shuffle": True, "seed": 2, "num_workers": threads}
            loaders = (db.DataLoader(data, **options) for data in (held, indexed))
            assert all(same(a, b) for a, b in zip(*loaders, strict=True))
        assert {k: v for k, v in indexed.summary().items() if k != "memory_bytes"} == {
            k: v for k, v in held.summary().items() if k != "memory_bytes"
        }
        assert indexed.validate()["is_valid"] and same(
            pickle.loads(pickle.dumps(indexed)).batch([5]), held.batch([5])
        )


def test_workers_read_by_number_too_and_see_that_a_file_changed(fastq: Path):
    data = db.SequenceDataset(fastq, transform=OneHotEncoder(), memory_limit_bytes=0)
    expected = [batch.ids for batch in torch.utils.data.DataLoader(data, batch_size=500)]
    for method in ("fork", "spawn"):
        loader = torch.utils.data.DataLoader(
            data, batch_size=500, num_workers=2, multiprocessing_context=method
        )
        assert [batch.ids for batch in loader] == expected
    fastq.write_bytes(fastq.read_bytes() + b"@")
    with pytest.raises(ParseError, match="written to|was opened"):
        data.batch([0])


def test_mates_by_number(tmp_path: Path):
    paths = [tmp_path / "1.fq", tmp_path / "2.fq"]
    for mate, path in enumerate(paths, 1):
        path.write_text(text_of(200, mate))
    held = db.SequenceDataset(paths[0], mates=paths[1], transform=CHAIN, lazy=False)
    indexed = db.SequenceDataset(paths[0], mates=paths[1], transform=CHAIN, memory_limit_bytes=0)
    for data in (held, indexed):
        data.set_epoch(0)
    assert len(held) == len(indexed) and "mate_sequences" in indexed.batch([0])
    assert same(indexed.batch(range(len(held))), held.batch(range(len(held))))
    paths[1].write_text(text_of(199, 2))
    with pytest.raises(ParseError, match="200 records, as many as"):
        len(db.SequenceDataset(paths[0], mates=paths[1], memory_limit_bytes=0))


MEMORY = """
import sys
import deepbio_torch as db
encoder = db.transforms.IntegerEncoder(quality=None)
def anonymous():
    lines = [line.split() for line in open("/proc/self/status")]
    return next(int(words[1]) for words in lines if words[0] == "RssAnon:") / 1024
def read(**options):
    data = db.SequenceDataset(sys.argv[1], transform=encoder, **options)
    batches = 0
    for batch in db.DataLoader(data, batch_size=256, shuffle=True, seed=1):
        batches += 1
    assert batches == -(-len(data) // 256)
    return data
small = read(memory_limit_bytes=0)
before = anonymous()
by_number = read(memory_limit_bytes=0)
after = anonymous()
held = read(lazy=False)
print(after - before, anonymous() - after)
"""


def test_memory_by_number_does_not_grow_with_the_file(tmp_path: Path):
    path = tmp_path / "many.fq"
    block = text_of(2000)
    path.write_text("".join(block for _ in range(100)))
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, path], capture_output=True, text=True, check=True
    )
    by_number, held = map(float, done.stdout.split())
    assert path.stat().st_size > 18 << 20 and by_number < 4 and held > 12


def stream(path: Path, **options) -> db.StreamingSequenceDataset:
    return db.StreamingSequenceDataset(
        path,
        **{"transform": CHAIN, "shuffle_buffer": 256, "block_records": 32, "seed": 4, **options},
    )


def test_random_blocks_give_every_record_once_in_an_order_over_all_the_file(fastq: Path):
    data = db.SequenceDataset(fastq, transform=CHAIN, lazy=False)
    whole = [batch.index.tolist() for batch in db.DataLoader(stream(fastq), batch_size=16)]
    order = sum(whole, [])
    assert sorted(order) == list(range(len(data)))
    spread = max(order[:256]) - min(order[:256])
    near = db.DataLoader(stream(fastq, block_records=0), batch_size=16)
    assert (
        spread
        > 1200
        > max(sum((batch.index.tolist() for batch, _ in zip(near, range(16), strict=False)), []))
    )
    data.set_epoch(0)
    drawn = stream(fastq)
    drawn.set_epoch(0)
    for batch in db.DataLoader(drawn, batch_size=64, num_workers=2):
        assert torch.equal(batch.sequences, data.batch(batch.index.tolist()).sequences)
    first = db.DataLoader(stream(fastq), batch_size=16)
    for border, _ in zip(range(1, 60), first, strict=False):
        if border in (1, 16, 17, 59):
            second = db.DataLoader(stream(fastq), batch_size=16)
            second.load_state_dict(json.loads(json.dumps(first.state_dict())))
            assert [batch.index.tolist() for batch in second] == whole[border:]
    shares = [
        [s["metadata"]["index"] for s in stream(fastq, rank=r, world_size=3, drop_uneven=True)]
        for r in range(3)
    ]
    assert (
        len({len(share) for share in shares}) == 1
        and len(set(sum(shares, []))) == len(data) // 3 * 3
    )


@pytest.mark.parametrize("options", [{"mates": "interleaved"}, {}])
@pytest.mark.parametrize("block_records", [0, 16])
@pytest.mark.parametrize("is_native", [True, False])
def test_mates_of_a_stream_are_those_of_the_dataset(
    tmp_path: Path, options, block_records, is_native
):
    first, second = text_of(300, 1), text_of(300, 2)
    (tmp_path / "1.fq").write_text(first)
    (tmp_path / "2.fq").write_text(second)
    lines = [text.splitlines(keepends=True) for text in (first, second)]
    both = (text for i in range(0, 1200, 4) for text in lines[0][i : i + 4] + lines[1][i : i + 4])
    (tmp_path / "both.fq").write_text("".join(both))
    chain = CHAIN if is_native else Compose([LengthFilter(24), lambda s: s, OneHotEncoder()])
    data = db.SequenceDataset(tmp_path / "1.fq", mates=tmp_path / "2.fq", transform=chain)
    path = tmp_path / ("both.fq" if options else "1.fq")
    mates = options or {"mates": tmp_path / "2.fq"}
    found = stream(path, transform=chain, block_records=block_records, shuffle_buffer=64, **mates)
    for each in (data, found):
        each.set_epoch(0)
    seen = []
    for batch in db.DataLoader(found, batch_size=32):
        seen += batch.index.tolist()
        expected = db.collate(data.__getitems__(batch.index.tolist()))
        for key in (
            "sequences",
            "lengths",
            "quality",
            "mate_sequences",
            "mate_lengths",
            "mate_quality",
        ):
            assert torch.equal(batch[key], expected[key]), key
    assert sorted(seen) == list(range(len(data)))
    samples = list(
        stream(path, transform=chain, block_records=block_records, shuffle_buffer=64, **mates)
    )
    assert len(samples) == len(data) and all("mate_sequence" in sample for sample in samples)


def test_options_that_do_not_fit_are_refused(tmp_path: Path):
    path = tmp_path / "a.fq"
    path.write_text("@a/1\nACGT\n+\nIIII\n")
    for options, message in (
        ({"shuffle_buffer": 0}, "shuffle_buffer that holds several blocks"),
        ({"block_records": -1}, "block_records: expected 0 or more, got -1"),
        ({"on_bad_record": "skip"}, "got skip"),
        ({"mates": [path, path]}, "mates: expected one file for each of 1, got 2"),
    ):
        with pytest.raises(ArgumentError, match=message):
            stream(path, **options)
    with pytest.raises(ArgumentError, match="memory_limit_bytes: expected 0 or more, got -5"):
        db.SequenceDataset(path, memory_limit_bytes=-5)
    skipping = db.SequenceDataset(
        path, on_bad_record="skip", memory_limit_bytes=0, transform=Subsampler(first_n=1)
    )
    assert len(skipping) == 1  # skipping needs all records in memory
