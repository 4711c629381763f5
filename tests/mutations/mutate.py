"""Damaged files of every format through the readers of Python: nothing but our own errors may come
out.

    python tests/mutations/mutate.py [--count 10000] [--seed 1] [FORMAT...]

Each file starts as a sound one; one to three of these happen to it: bits flip, it is cut, a piece
is left out, repeated, exchanged or overwritten, its text is written in another encoding or with
other line ends. A reader may take the result or raise a DeepBioError; any other exception (and a
crash) is a fault. It prints a row for each format and exits with 1 when there was a fault. A fault
is repeated by its format, seed and number.
"""

from __future__ import annotations

import argparse
import collections
import gzip
import json
import random
import struct
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pyBigWig
import pysam.bcftools
from readers import READERS

import deepbio_torch as db
from deepbio_torch.errors import DeepBioError

TEXT = {
    "fasta", "indexed.fasta", "fastq", "labels.csv", "labels.json", "tokenizer.json", "biom1.json",
    "table.tsv", "tree.nwk", "metadata.tsv", "distances.tsv", "distances.phy", "variants.vcf",
    "intervals.bed", "intervals.gtf",
}  # fmt: skip


def _reads(rng: random.Random, is_fastq: bool) -> str:
    out = []
    for i in range(12):
        letters = "".join(rng.choices("ACGTN", k=rng.randrange(1, 60)))
        out.append(
            f"@r{i} x={i}\n{letters}\n+\n{'I' * len(letters)}\n"
            if is_fastq
            else f">r{i} x={i}\n{letters}\n"
        )
    return "".join(out)


def seeds(folder: Path) -> dict[str, bytes]:
    """A sound file of each format."""
    rng = random.Random(7)
    fasta, fastq = _reads(rng, False).encode(), _reads(rng, True).encode()
    counts = np.array([[rng.randrange(0, 5) for _ in range(8)] for _ in range(6)], dtype=float)
    counts[:, 0] += 1
    samples, features = [f"s{i}" for i in range(6)], [f"f{i}" for i in range(8)]
    table = db.Table.from_arrays(samples, features, counts)
    table.write(folder / "t.biom", overwrite=True)
    table.write(folder / "t.tsv", overwrite=True)
    x = np.arange(6.0) ** 2
    square = np.abs(x[:, None] - x[None])
    matrix = db.DistanceMatrix(samples, square)
    for ending in ("tsv", "npy", "h5"):
        matrix.write(folder / f"d.{ending}", overwrite=True)
    np.savez_compressed(folder / "d.npz", distances=square)
    phylip = "6\n" + "".join(
        f"{n} {' '.join(map(str, square[i, :i]))}\n" for i, n in enumerate(samples)
    )
    out = {
        "fasta": fasta, "fastq": fastq, "fastq.gz": gzip.compress(fastq), "indexed.fasta": fasta,
        "biom1.json": table.to_biom().to_json("test").encode(), "distances.phy": phylip.encode(),
        "biom2.hdf5": (folder / "t.biom").read_bytes(),
        "table.tsv": (folder / "t.tsv").read_bytes(),
        "table.qza": _artifact(folder, (folder / "t.biom").read_bytes()),
        "tree.nwk": b"((s0:0.1,'s 1':0.2)n1:0.3,(s2:1e-3,[c]s3:2)n2:0.1,s4:1,s5:0);",
        "metadata.tsv": b'sample-id\tage\tsite\n#q2:types\tnumeric\tcategorical\n'
                        b's0\t3.5\tgut\ns1\t\t"a\tb"\n',
        **{f"distances.{ending}": (folder / f"d.{ending}").read_bytes()
           for ending in ("tsv", "npy", "npz", "h5")},
    }  # fmt: skip
    out["fastq.bgz"] = _bgzf_of(fastq)
    out["reads.bam"] = _bam_of(fastq)
    (folder / "genome.fa").write_text(">c1\nACGTACGTACGTACGTACGT\n>c2\nTTTTGGGGCCCCAAAA\n")
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts0"
    rows = ("c1\t3\trs1\tG\tT,*\t5\tPASS\tX=1\tGT\t0|1", "c1\t5\t.\tACG\tA\t.\t.\t.\tGT\t1|1",
            "c2\t4\t.\tT\tTGA,<DEL>\t.\tq10\t.\tGT\t.")  # fmt: skip
    out["variants.vcf"] = "\n".join(["##fileformat=VCFv4.3", columns, *rows, ""]).encode()
    out["variants.bcf"] = _bcf_of(out["variants.vcf"], folder)
    out |= _intervals_and_tracks(folder)
    out["labels.csv"] = b'id,label,group\nr0,1.5,a\nr1,2,"b, c"\nr2,3,d\n'
    out["labels.json"] = b'{"r0": {"label": 1.5}, "r1": {"label": 2}, "r2": {"label": -3e2}}'
    model = {
        "type": "BPE",
        "unk_token": "<unk>",
        "vocab": {"<unk>": 0, "A": 1, "C": 2, "G": 3, "T": 4, "AC": 5},
    }
    vocabulary = {"version": "1.0", "added_tokens": [], "model": {**model, "merges": [["A", "C"]]}}
    out["tokenizer.json"] = json.dumps(vocabulary).encode()
    (folder / "cached.fq").write_bytes(fastq)
    encoder = db.transforms.IntegerEncoder(unknown="zero")
    db.Cache.save(db.SequenceDataset(folder / "cached.fq", transform=encoder), folder / "cache")
    out["cache.safetensors"] = next((folder / "cache").rglob("*.safetensors")).read_bytes()
    return out


def _bcf_of(vcf: bytes, folder: Path) -> bytes:
    """The same variants, as bcftools writes them without compression."""
    lines = [b"##contig=<ID=c1>", b"##contig=<ID=c2>", b"##FILTER=<ID=q10,Description=x>",
             b"##INFO=<ID=X,Number=1,Type=Integer,Description=x>",
             b"##FORMAT=<ID=GT,Number=1,Type=String,Description=x>"]  # fmt: skip
    first, rest = vcf.split(b"\n", 1)
    text, packed = folder / "v.vcf", folder / "v.bcf"
    text.write_bytes(b"\n".join([first, *lines, rest]))
    pysam.bcftools.view("-Ou", "-o", str(packed), str(text), catch_stdout=False)
    return packed.read_bytes()


def _intervals_and_tracks(folder: Path) -> dict[str, bytes]:
    """Files about the genome of the variants."""
    places = (("c1", 2, 9, "+"), ("c1", 5, 20, "-"), ("c2", 0, 4, "."))
    bed = "".join(f"{c}\t{a}\t{b}\tp{a}\t{a / 2}\t{strand}\n" for c, a, b, strand in places)
    gtf = "".join(
        f'{c}\tx\texon\t{a + 1}\t{b}\t{a}\t{strand}\t.\tgene_id "g{a}"; level {b};\n'
        for c, a, b, strand in places
    )
    (folder / "sound.bed").write_text(bed)
    track = pyBigWig.open(str(folder / "sound.bw"), "w")
    track.addHeader([("c1", 20), ("c2", 16)])
    track.addEntries(["c1", "c1", "c2"], [1, 6, 3], ends=[4, 18, 9], values=[0.5, -1.0, 2.0])
    track.close()
    db.GenomeDataset(folder / "genome.fa", folder / "sound.bed", window=8)  # packs the genome
    packed = (folder / "genome.fa.dbx.2bit").read_bytes()
    return {"intervals.bed": bed.encode(), "intervals.gtf": gtf.encode(), "genome.2bit": packed,
            "track.bw": (folder / "sound.bw").read_bytes()}  # fmt: skip


def _bam_of(fastq: bytes) -> bytes:
    """Unaligned reads, two of them of one read group and one without qualities."""
    out = b"BAM\1" + bytes(8)
    for i, record in enumerate(fastq.decode().split("@r")[1:]):
        title, letters = record.splitlines()[:2]
        codes = ["=ACMGRSVTWYHKDBN".index(letter) for letter in letters] + [0]
        name = f"r{title.split()[0]}".encode() + b"\0"
        body = struct.pack("<iiBBHHHiiii", -1, -1, len(name), 0, 0, 0, 4, len(letters), -1, -1, 0)
        body += name + bytes(a << 4 | b for a, b in zip(codes[:-1:2], codes[1::2], strict=False))
        body += (b"\xff" if i == 1 else b"\x1e") * len(letters)
        body += b"RGZlane\0NMi\1\0\0\0" if i < 2 else b""
        out += struct.pack("<i", len(body)) + body
    return _bgzf_of(out)


def _bgzf_of(data: bytes) -> bytes:
    """Blocks of 300 bytes as bgzip writes them, and the empty one at the end."""
    import zlib

    out = b""
    for first in range(0, len(data) + 300, 300):
        piece = data[first : first + 300]
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        packed = packer.compress(piece) + packer.flush()
        header = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" + (len(packed) + 25).to_bytes(
            2, "little"
        )
        out += (
            header
            + packed
            + zlib.crc32(piece).to_bytes(4, "little")
            + len(piece).to_bytes(4, "little")
        )
    return out


def _artifact(folder: Path, table: bytes) -> bytes:
    import zipfile

    root = "00000000-0000-4000-8000-000000000000"
    with zipfile.ZipFile(folder / "t.qza", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(f"{root}/VERSION", "QIIME 2\narchive: 5\nframework: 2019.10.0\n")
        kind = "uuid: " + root + "\ntype: FeatureTable[Frequency]\nformat: BIOMV210DirFmt\n"
        file.writestr(f"{root}/metadata.yaml", kind)
        file.writestr(f"{root}/data/feature-table.biom", table)
    return (folder / "t.qza").read_bytes()


def mutated(data: bytes, rng: random.Random, is_text: bool) -> bytes:
    """The same bytes after one to three accidents."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        data = rng.choice(TEXT_ACCIDENTS if is_text and rng.random() < 0.25 else ACCIDENTS)(
            data, rng
        )
    return data


def _flip(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randrange(1, 9)):
        if out:
            out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def _piece(data: bytes, rng: random.Random) -> tuple[int, int]:
    first = rng.randrange(len(data) + 1)
    return first, min(
        len(data), first + rng.randrange(1, 1 + max(1, len(data) // rng.choice((2, 8, 64))))
    )


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _leave_out(data: bytes, rng: random.Random) -> bytes:
    first, last = _piece(data, rng)
    return data[:first] + data[last:]


def _repeat(data: bytes, rng: random.Random) -> bytes:
    first, last = _piece(data, rng)
    return data[:last] + data[first:last] * rng.randrange(1, 4) + data[last:]


def _exchange(data: bytes, rng: random.Random) -> bytes:
    (a, b), (c, d) = sorted((_piece(data, rng), _piece(data, rng)))
    return data if b > c else data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def _overwrite(data: bytes, rng: random.Random) -> bytes:
    first, last = _piece(data, rng)
    filling = rng.choice((b"\0", b"\xff", b"\n", b"\t", b"9", b" ", bytes([rng.randrange(256)])))
    return data[:first] + filling * (last - first) + data[last:]


def _random_bytes(data: bytes, rng: random.Random) -> bytes:
    first = rng.randrange(len(data) + 1)
    return data[:first] + rng.randbytes(rng.randrange(1, 12)) + data[first:]


def _encode(data: bytes, rng: random.Random) -> bytes:
    text = data.decode("latin-1")
    return rng.choice(
        (text.encode("utf-16"), text.encode("utf-16-be"), text.encode("utf-32"),
         b"\xef\xbb\xbf" + data, text.replace("s", "\xe9").encode("latin-1"),
         text.replace("s", "\xe9").encode("utf-8"))
    )  # fmt: skip


def _line_ends(data: bytes, rng: random.Random) -> bytes:
    return data.replace(
        b"\n", rng.choice((b"\r\n", b"\r", b"\n\n", b"\n\r", b"\x0b", b"\xe2\x80\xa8"))
    )


def _words(data: bytes, rng: random.Random) -> bytes:
    first = rng.randrange(len(data) + 1)
    word = rng.choice(
        (
            b"NaN",
            b"-1",
            b"1e999",
            b"inf",
            b'"',
            b"'",
            b"#",
            b"\t",
            b",",
            b"[",
            b"]",
            b"{",
            b"null",
            b"(",
            b":",
        )
    )
    return data[:first] + word + data[first:]


ACCIDENTS = (_flip, _flip, _cut, _leave_out, _repeat, _exchange, _overwrite, _random_bytes)
TEXT_ACCIDENTS = (_encode, _line_ends, _words, _words)


def _damaged(name: str, data: bytes, rng: random.Random) -> bytes:
    """A damaged file; what is compressed is damaged before or after it is compressed."""
    if name in ("fastq.gz", "fastq.bgz") and rng.random() < 0.5:
        inner = mutated(gzip.decompress(data), rng, True)
        return gzip.compress(inner) if name == "fastq.gz" else _bgzf_of(inner)
    return mutated(data, rng, name in TEXT)


def run(
    name: str, data: bytes, count: int, seed: int, folder: Path
) -> tuple[collections.Counter[str], list[str]]:
    """How many files were taken and refused, and every fault."""
    path, counter, faults = folder / name, collections.Counter[str](), []
    for number in range(count):
        rng = random.Random(f"{name} {seed} {number}")
        for left in folder.glob(f"{name}.*"):  # an index of the file before
            left.unlink()
        path.write_bytes(_damaged(name, data, rng))
        try:
            READERS[name](path)
            counter["read"] += 1
        except DeepBioError as error:
            counter["refused"] += 1
            if "\n" in str(error):
                faults.append(
                    f"{name} seed {seed} number {number}: a message of several lines: {error}"
                )
        except BaseException as error:  # noqa: BLE001 - whatever comes is what is looked for
            faults.append(f"{name} seed {seed} number {number}: {type(error).__name__}: {error}")
    return counter, faults


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10000, help="files of each format")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("formats", nargs="*", help=", ".join(READERS))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    faults = []
    print("| format | files | read | refused | other errors |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sound = seeds(folder)
        for kind in options.formats or READERS:
            counter, found = run(kind, sound[kind], options.count, options.seed, folder)
            faults += found
            print(
                f"| {kind} | {options.count} | {counter['read']} | {counter['refused']} | "
                f"{len(found)} |",
                flush=True,
            )
    print("\n".join(faults[:50]), file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
