"""Files of each kind as users have them, written by a generator, and read by this library and by another tool."""

from __future__ import annotations

import csv
import gzip
import io
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import biom
import numpy as np
import pandas as pd
import pysam
import skbio

import deepbio_torch as db

IDS = (
    lambda rng: f"s{rng.randrange(10**6)}", lambda rng: f"{rng.randrange(3000)}.{rng.randrange(10**6):06}",
    lambda rng: "".join(rng.choices("ACGT", k=rng.randrange(8, 40))), lambda rng: f"Größe {rng.randrange(10**5)}",
    lambda rng: f"a'b_{rng.randrange(10**5)}", lambda rng: f"{rng.randrange(10**8):08x}",
    lambda rng: f"k__Bacteria; p__X{rng.randrange(10**5)}", lambda rng: f"1e{rng.randrange(10**4)}",
)  # fmt: skip

Compared = tuple[Any, Any]


def ids(rng: random.Random, count: int) -> list[str]:
    """Distinct ids of one style, or of mixed ones."""
    styles = [rng.choice(IDS)] if rng.random() < 0.7 else list(IDS)
    found: dict[str, None] = {}
    while len(found) < count:
        found[rng.choice(styles)(rng)] = None
    return list(found)


def as_lines(text: str, rng: random.Random) -> bytes:
    """The text with one kind of line end, with or without the last one, gzipped now and then."""
    text = text.replace("\n", rng.choice(("\n", "\n", "\r\n")))
    data = (text if rng.random() < 0.8 else text.rstrip("\r\n")).encode()
    return gzip.compress(data) if rng.random() < 0.2 else data


def table_file(rng: random.Random, path: Path) -> None:
    """A table as biom-format writes it: HDF5, JSON or text.

    With taxonomy, metadata, fractions and faults.
    """
    n, f = rng.randrange(1, 8), rng.randrange(1, 12)
    counts = np.array([[rng.choice((0, 0, 0, 1, 2, 17, 10**6)) for _ in range(n)] for _ in range(f)], dtype=float)
    if rng.random() < 0.2:
        counts *= rng.choice((0.5, 1e-7, 1 / 3))
    if rng.random() < 0.1:
        counts[rng.randrange(f), rng.randrange(n)] = rng.choice((-1.0, -0.5))
    lineage = None
    if rng.random() < 0.5:
        lineage = [{"taxonomy": ["k__Bacteria", f"p__{rng.choice('ABC')}", f"c__ü{i}"]} for i in range(f)]
    age = [{"age": str(i), "site": "gut"} for i in range(n)] if rng.random() < 0.3 else None
    table = biom.Table(counts, ids(rng, f), ids(rng, n), lineage, age, type="OTU table")
    kind = rng.choice(("hdf5", "json", "tsv"))
    if kind == "hdf5":
        import h5py

        with h5py.File(path, "w") as file:
            table.to_hdf5(file, "test", compress=rng.random() < 0.5)
        return
    if kind == "json":
        path.write_bytes(as_lines(table.to_json("test"), rng))
        return
    options = {"header_key": "taxonomy", "header_value": "taxonomy"} if lineage and rng.random() < 0.7 else {}
    options["metadata_formatter"] = "; ".join if options else None
    path.write_bytes(as_lines(table.to_tsv(**{k: v for k, v in options.items() if v is not None}) + "\n", rng))


def table_both(path: Path) -> Compared:
    """(ids, features, counts) by this library and by biom-format."""

    def ours() -> Any:
        table = db.read_table(path)
        return table.sample_ids, table.feature_ids, table.to_scipy().toarray().tolist(), table.taxonomy

    def theirs() -> Any:
        table = biom.load_table(str(path))
        rows = table.metadata(axis="observation")
        lineages = [row.get("taxonomy") if row else None for row in rows] if rows else None
        texts = None
        if lineages and any(lineages):
            texts = ["; ".join(each) if isinstance(each, list | tuple) else each for each in lineages]
        counts = table.matrix_data.toarray().T.tolist()
        return list(table.ids()), list(table.ids("observation")), counts, texts

    return ours, theirs


def tree_file(rng: random.Random, path: Path) -> None:
    """A tree of random shape: quotes, comments, blanks, exponents, polytomies, single children, labels inside."""
    names = ids(rng, rng.randrange(2, 15))
    quoted = ["'" + name.replace("'", "''") + "'" if re.search(r"[^\w.]", name) else name for name in names]
    nodes = [f"{name}{_length(rng)}" for name in quoted]
    while len(nodes) > 1:
        chosen = [nodes.pop(rng.randrange(len(nodes))) for _ in range(min(len(nodes), rng.choice((1, 2, 2, 2, 3))))]
        label = rng.choice(("", "", "0.95", "'in side'", "n1"))
        nodes.append(f"({rng.choice((',', ', ', ' ,'))[0:2].join(chosen)}){label}{_length(rng)}")
    text = nodes[0] if nodes[0].startswith("(") else f"({nodes[0]})"
    if rng.random() < 0.2:
        text = text.replace(",", ",[a comment]", 1)
    path.write_bytes(as_lines(text + ";\n", rng))


def _length(rng: random.Random) -> str:
    return ":" + rng.choice(("0", "1", "0.5", "1e-3", f"{rng.random()!r}", f"{rng.random():.6f}", "2E-05"))


def tree_both(path: Path) -> Compared:
    """Tips and the distances between them, by this library's own text and by scikit-bio."""

    def of(tree: skbio.TreeNode) -> Any:
        tips = sorted(tip.name for tip in tree.tips())
        matrix = tree.cophenet()
        return tips, np.round(matrix.filter(tips).data, 9).tolist()

    def ours() -> Any:
        tree = db.read_tree(path)
        again = skbio.TreeNode.read(io.StringIO(tree.to_newick()), format="newick", convert_underscores=False)
        found = of(again)
        assert found[0] == sorted(tree.tips)
        return found

    def theirs() -> Any:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
        return of(skbio.TreeNode.read(io.StringIO(text), format="newick", convert_underscores=False))

    return ours, theirs


def distances_file(rng: random.Random, path: Path) -> None:
    """A matrix as scikit-bio, pandas and R write it.

    Asymmetric or with a doubled id now and then.
    """
    n = rng.randrange(2, 9)
    points = np.array([[rng.gauss(0, 1) for _ in range(3)] for _ in range(n)])
    square = np.linalg.norm(points[:, None] - points[None], axis=2)
    square = (square + square.T) / 2
    names = ids(rng, n)
    if rng.random() < 0.1:
        square[0, 1] += 0.25
    frame = pd.DataFrame(square, index=names, columns=names)
    digits = rng.choice((None, None, "%.6f", "%.3e"))
    comma = rng.random() < 0.3 and not any("," in name for name in names)
    text = frame.to_csv(sep="," if comma else "\t", float_format=digits, lineterminator="\n", quoting=0)
    path.write_bytes(as_lines(text, rng))


def distances_both(path: Path) -> Compared:
    """Ids and values by this library and by pandas, symmetric as scikit-bio wants them."""

    def ours() -> Any:
        matrix = db.DistanceMatrix.read(path)
        return matrix.ids, matrix.values.tolist()

    def theirs() -> Any:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
        separator = "\t" if "\t" in text.splitlines()[0] else ","
        frame = pd.read_csv(io.StringIO(text), sep=separator, index_col=0, dtype={0: str}, float_precision="round_trip")
        frame.index = [str(name) for name in text_index(text, separator)]
        matrix = skbio.DistanceMatrix(np.ascontiguousarray(frame.to_numpy()), list(frame.index))
        return list(matrix.ids), matrix.data.tolist()

    return ours, theirs


def text_index(text: str, separator: str) -> list[str]:
    """First cells of the rows as text, which pandas would make numbers of."""
    return list(pd.read_csv(io.StringIO(text), sep=separator, usecols=[0], dtype=str, keep_default_na=False).iloc[:, 0])


def metadata_file(rng: random.Random, path: Path) -> None:
    """A mapping file: quotes, numbers, words that look like missing values, empty cells, comments."""
    names = [name.replace("#", "") for name in ids(rng, rng.randrange(1, 10))]
    words = ("gut", "NA", "none", "", "a b", "1.5", "01", "5e3", "ü", 'say "x"', "x, y", "Missing: Not provided", "-")
    columns = {f"c{k} x": [rng.choice(words) for _ in names] for k in range(rng.randrange(1, 5))}
    if rng.random() < 0.5:
        columns["age"] = [f"{rng.uniform(0, 90):.2f}" for _ in names]
    frame = pd.DataFrame(columns, index=names)
    header = rng.choice(("sample-id", "#SampleID", "sample_name", "id", "sampleid"))
    if rng.random() < 0.25:  # as most people write them: no quotes at all
        rows = [(header, *frame.columns), *((name, *cells) for name, cells in zip(names, _cells(frame), strict=True))]
        path.write_bytes(as_lines("".join("\t".join(row) + "\n" for row in rows), rng))
        return
    quoting = rng.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    path.write_bytes(as_lines(frame.to_csv(sep="\t", index_label=header, quoting=quoting, lineterminator="\n"), rng))


def _cells(frame: pd.DataFrame) -> list[list[str]]:
    return [[cell.replace('"', "") for cell in row] for row in frame.to_numpy().tolist()]


def metadata_both(path: Path) -> Compared:
    """Cells as text by this library and by pandas."""

    def ours() -> Any:
        metadata = db.read_metadata(path)
        return metadata.ids, metadata.columns, [
            [None if cell is None else str(cell) for cell in metadata.labels(column)] for column in metadata.columns
        ]  # fmt: skip

    def theirs() -> Any:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
        frame = pd.read_csv(io.StringIO(text), sep="\t", dtype=str, keep_default_na=False)
        names, columns = list(frame.iloc[:, 0]), list(frame.columns[1:])
        return names, columns, [[cell or None for cell in frame[column]] for column in columns]

    return ours, theirs


def reads_file(rng: random.Random, path: Path, is_fastq: bool) -> None:
    """Reads: wrapped, lower case, IUPAC letters, several members of gzip, BGZF, a record cut off now and then."""
    out = []
    for _ in range(rng.randrange(1, 30)):
        letters = "".join(rng.choices(rng.choice(("ACGT", "ACGTN", "acgtn", "ACGTRYKMSW")), k=rng.randrange(1, 90)))
        title = rng.choice((f"r{rng.randrange(10**6)}", f"r{rng.randrange(10**4)} a comment", "SRR1.1 1 length=9"))
        if is_fastq:
            quality = "".join(chr(rng.randrange(33, 74)) for _ in letters)
            out.append(f"@{title}\n{letters}\n+{rng.choice(('', title))}\n{quality}\n")
        else:
            width = rng.choice((1000, 60, 7))
            lines = "\n".join(letters[i : i + width] for i in range(0, len(letters), width))
            out.append(f">{title}\n{lines}\n" + ("\n" if rng.random() < 0.1 else ""))
    text = "".join(out)
    if rng.random() < 0.08:
        text = text[: rng.randrange(1, len(text))]
    packed = rng.random()
    if packed < 0.2:  # several members
        middle = rng.randrange(len(text) + 1)
        path.write_bytes(gzip.compress(text[:middle].encode()) + gzip.compress(text[middle:].encode()))
    elif packed < 0.4:
        plain = path.with_name("plain")
        plain.write_text(text)
        pysam.tabix_compress(str(plain), str(path), force=True)
    else:
        path.write_bytes(as_lines(text, rng))


def reads_both(path: Path) -> Compared:
    """Names, comments, letters and qualities by this library and by pysam."""

    def ours() -> Any:
        return [
            (r.name, r.description or None, r.sequence.decode(), r.quality.decode() if r.quality else None)
            for r in db.SequenceReader(path)
        ]

    def theirs() -> Any:
        with pysam.FastxFile(str(path)) as file:
            return [(r.name, r.comment or None, r.sequence, r.quality) for r in file]

    return ours, theirs


Kind = tuple[Callable[[random.Random, Path], None], Callable[[Path], Compared], str]
KINDS: dict[str, Kind] = {
    "tables": (table_file, table_both, "biom-format"),
    "trees": (tree_file, tree_both, "scikit-bio"),
    "distances": (distances_file, distances_both, "pandas, scikit-bio"),
    "metadata": (metadata_file, metadata_both, "pandas"),
    "fasta": (lambda rng, path: reads_file(rng, path, False), reads_both, "pysam"),
    "fastq": (lambda rng, path: reads_file(rng, path, True), reads_both, "pysam"),
}
