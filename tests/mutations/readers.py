"""Readers of each format that mutate.py damages: all of a file, through the public Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import deepbio_torch as db

Reader = Callable[[Path], object]


def _everything(path: Path) -> object:
    """All records of a file of sequences, as records and as a dataset."""
    for record in db.SequenceReader(path):
        _ = record.sequence, record.quality
    return len(db.SequenceDataset(path, lazy=False))


def _table(path: Path) -> object:
    table = db.read_table(path)
    return table.shape, table.sample_ids, table.feature_ids, table.taxonomy, table.totals()


def _tree(path: Path) -> object:
    tree = db.read_tree(path)
    return tree.tips, tree.to_newick()


def _metadata(path: Path) -> object:
    metadata = db.read_metadata(path)
    return [metadata.labels(column) for column in metadata.columns], metadata.ids


def _distances(path: Path) -> object:
    return db.DistanceMatrix.read(path).ids


def _fasta_file(path: Path) -> object:
    file = db.FastaFile(path)
    return [file.fetch(name) for name in file]


def _labels(path: Path) -> object:
    return db.targets.from_file(path)


def _tokenizer(path: Path) -> object:
    return db.tokenizers.Tokenizer.from_file(path)(["ACGT", "TTGCA"])


def _cache(path: Path) -> object:
    """The shard of a cache, exchanged for the damaged one."""
    folder = path.parent / "cache"
    next(folder.rglob("*.safetensors")).write_bytes(path.read_bytes())
    return db.Cache.load(folder)[0]


def _variants(path: Path) -> object:
    """Pairs of windows, and the copies of the sample."""
    genome, options = path.with_name("genome.fa"), {"window": 8, "reference_mismatch": "skip"}
    data = db.VariantDataset(genome, path, **options)
    copies = db.GenomeDataset(genome, [("c1", 0, 8)], haplotypes=path, **options)
    return data.batch(range(len(data))), data.notes, copies.batch([0, 1]), copies.notes


def _windows(path: Path, **options: object) -> object:
    """Windows of the sound genome around sound intervals, but for what is given."""
    about = {
        "genome": path.with_name("genome.fa"),
        "intervals": path.with_name("sound.bed"),
    } | options
    data = db.GenomeDataset(**about, window=8, bin=2)
    return data.batch(range(len(data))), data.notes


def _intervals(path: Path) -> object:
    return _windows(path, intervals=path, label="score")


def _track(path: Path) -> object:
    return _windows(path, targets=path), _windows(path, targets=path, tracks_in_memory=True)


def _genome(path: Path) -> object:
    return _windows(path, genome=path)


READERS: dict[str, Reader] = {
    "fasta": _everything, "fastq": _everything, "fastq.gz": _everything, "fastq.bgz": _everything,
    "reads.bam": _everything, "variants.vcf": _variants, "variants.bcf": _variants,
    "intervals.bed": _intervals, "intervals.gtf": _intervals, "track.bw": _track,
    "genome.2bit": _genome,
    "biom1.json": _table, "biom2.hdf5": _table, "table.tsv": _table, "table.qza": _table,
    "tree.nwk": _tree, "metadata.tsv": _metadata,
    "distances.tsv": _distances, "distances.npy": _distances, "distances.npz": _distances,
    "distances.h5": _distances, "distances.phy": _distances, "indexed.fasta": _fasta_file,
    "labels.csv": _labels, "labels.json": _labels, "tokenizer.json": _tokenizer,
    "cache.safetensors": _cache,
}  # fmt: skip
