"""Generated files of formats that are not read, each named by this library and by the tool that
wrote it."""

from __future__ import annotations

import array
import bz2
import gzip
import io
import lzma
import random
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pysam
from mate_files import record

import deepbio_torch as db
from deepbio_torch.errors import DeepBioError

Compared = tuple[Any, Any]

ALIGNMENTS = {"sam": "wh", "cram": "wc"}
# The word of our message that says what the file is.
WORDS = (
    ("CRAM", "CRAM"),
    ("SAM", r"\bSAM\b"),
    ("BCF", "BCF"),
    ("VCF", "VCF"),
    ("tar", "tar archive"),
    ("gzip in gzip", "gzip in gzip"),
    ("bzip2", "bzip2"),
    ("xz", r"\bxz\b"),
    ("zip", "zip"),
    ("UTF-16", "UTF-16"),
)


def _alignments(rng: random.Random, path: Path, mode: str) -> None:
    chromosomes = [{"SN": f"chr{i}", "LN": 1000} for i in range(rng.randrange(0, 3))]
    head: dict[str, Any] = {"HD": {"VN": "1.6"}, "SQ": chromosomes}
    if rng.random() < 0.5:
        head["RG"] = [{"ID": "a", "SM": "s"}]
    if mode == "wh" and not chromosomes and rng.random() < 0.5:
        del head["HD"]
        head["RG"] = [{"ID": "a"}]
    with pysam.AlignmentFile(str(path), mode, header=head) as file:
        for i in range(rng.randrange(1, 20)):
            read = pysam.AlignedSegment(file.header)
            read.query_name, read.flag = f"r{i}", 4
            read.query_sequence = "".join(rng.choices("ACGT", k=rng.randrange(5, 50)))
            read.query_qualities = array.array("B", [30] * len(read.query_sequence))
            file.write(read)


def _variants(path: Path, mode: str) -> None:
    header = pysam.VariantHeader()
    header.contigs.add("chr1", length=1000)
    with pysam.VariantFile(str(path), mode, header=header) as file:
        file.write(file.new_record(contig="chr1", start=3, stop=4, alleles=("A", "C")))


def _archive(rng: random.Random, path: Path, reads: bytes) -> None:
    mode = rng.choice(("w", "w:gz"))
    kind = rng.choice((tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))
    with tarfile.open(path, mode, format=kind) as file:
        for i in range(rng.randrange(1, 4)):
            about = tarfile.TarInfo(rng.choice(("", "run/")) + f"reads_{i}.fastq")
            about.size = len(reads)
            file.addfile(about, io.BytesIO(reads))


def foreign_file(rng: random.Random, path: Path) -> None:
    """A file of reads, alignments or variants in a wrapping or format that is not read here."""
    pysam.set_verbosity(0)  # CRAM without a reference, files without an index
    reads = "".join(record(rng, f"r{i}") for i in range(rng.randrange(1, 30))).encode()
    kind = rng.choice(
        (*ALIGNMENTS, "vcf", "vcf.gz", "bcf", "tar", "double", "bz2", "xz", "zip", "utf16")
    )
    if kind in ALIGNMENTS:
        _alignments(rng, path, ALIGNMENTS[kind])
    elif kind in ("vcf", "vcf.gz", "bcf"):
        _variants(path, {"vcf": "w", "vcf.gz": "wz", "bcf": "wb"}[kind])
    elif kind == "tar":
        _archive(rng, path, reads)
    elif kind == "zip":
        with zipfile.ZipFile(
            path, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
        ) as file:
            file.writestr("reads.fastq", reads)
    else:
        path.write_bytes(_wrapped(kind, reads, rng))


def _wrapped(kind: str, reads: bytes, rng: random.Random) -> bytes:
    if kind == "double":
        return gzip.compress(gzip.compress(reads))
    if kind == "utf16":
        text = reads.decode().encode(rng.choice(("utf-16", "utf-16-be", "utf-16-le")))
        return text if rng.random() < 0.7 else gzip.compress(text)
    return bz2.compress(reads) if kind == "bz2" else lzma.compress(reads)


def _readers(path: Path) -> dict[str, Any]:
    return {
        "SequenceReader": lambda: list(db.SequenceReader(path)),
        "SequenceDataset": lambda: len(db.SequenceDataset(path)),
        "by number": lambda: len(db.SequenceDataset(path, memory_limit_bytes=0)),
        "stream": lambda: list(db.StreamingSequenceDataset(path)),
        "FastaFile": lambda: db.FastaFile(path),
        "table": lambda: db.read_table(path),
        "metadata": lambda: db.read_metadata(path),
        "tree": lambda: db.read_tree(path),
        "distances": lambda: db.DistanceMatrix.read(path),
    }


def _named(message: str) -> str:
    return next((name for name, word in WORDS if re.search(word, message)), message[:200])


def foreign_both(path: Path) -> Compared:
    """The name that every reader of this library gives to the file, and its name by pysam and
    the standard library."""

    def ours() -> Any:
        found = {}
        for name, read in _readers(path).items():
            try:
                read()
                found[name] = "read"
            except DeepBioError as error:
                found[name] = _named(str(error))
        return found

    def theirs() -> Any:
        return dict.fromkeys(_readers(path), _name_of(path.read_bytes(), path))

    return ours, theirs


def _name_of(data: bytes, path: Path) -> str:
    if tarfile.is_tarfile(path):
        return "tar"
    if zipfile.is_zipfile(path):
        return "zip"
    for name, unpack in (("bzip2", bz2.decompress), ("xz", lzma.decompress)):
        try:
            unpack(data)
            return name
        except (OSError, lzma.LZMAError):
            pass
    inner = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    if inner[:2] == b"\x1f\x8b":
        return "gzip in gzip"
    if b"\0" in inner[:4] and inner[:3] != b"BCF":
        return "UTF-16"
    kind = (
        pysam.VariantFile
        if inner[:3] == b"BCF" or inner[:12] == b"##fileformat"
        else pysam.AlignmentFile
    )
    options = {} if kind is pysam.VariantFile else {"check_sq": False}
    with kind(str(path), **options) as file:
        return file.format
