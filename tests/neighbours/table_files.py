"""Generated tables, trees and distance matrices, and how they are read here and elsewhere."""

from __future__ import annotations

import io
import random
import re
from pathlib import Path
from typing import Any

import biom
import numpy as np
import pandas as pd
import skbio
from file_parts import as_lines, ids, text_of

import deepbio_torch as db

Compared = tuple[Any, Any]


def table_file(rng: random.Random, path: Path) -> None:
    """A table as biom-format writes it: HDF5, JSON or text; with taxonomy, metadata, fractions
    and faults."""
    n, f = rng.randrange(1, 8), rng.randrange(1, 12)
    counts = np.array(
        [[rng.choice((0, 0, 0, 1, 2, 17, 10**6)) for _ in range(n)] for _ in range(f)], dtype=float
    )
    if rng.random() < 0.2:
        counts *= rng.choice((0.5, 1e-7, 1 / 3))
    if rng.random() < 0.1:
        counts[rng.randrange(f), rng.randrange(n)] = rng.choice((-1.0, -0.5))
    lineage = None
    if rng.random() < 0.5:
        lineage = [
            {"taxonomy": ["k__Bacteria", f"p__{rng.choice('ABC')}", f"c__ü{i}"]} for i in range(f)
        ]
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
    options = (
        {"header_key": "taxonomy", "header_value": "taxonomy"}
        if lineage and rng.random() < 0.7
        else {}
    )
    options["metadata_formatter"] = "; ".join if options else None
    path.write_bytes(
        as_lines(table.to_tsv(**{k: v for k, v in options.items() if v is not None}) + "\n", rng)
    )


def table_both(path: Path) -> Compared:
    """(ids, features, counts) by this library and by biom-format."""

    def ours() -> Any:
        table = db.read_table(path)
        return (
            table.sample_ids,
            table.feature_ids,
            table.to_scipy().toarray().tolist(),
            table.taxonomy,
        )

    def theirs() -> Any:
        table = biom.load_table(str(path))
        rows = table.metadata(axis="observation")
        lineages = [row.get("taxonomy") if row else None for row in rows] if rows else None
        texts = None
        if lineages and any(lineages):
            texts = [
                "; ".join(each) if isinstance(each, list | tuple) else each for each in lineages
            ]
        counts = table.matrix_data.toarray().T.tolist()
        return list(table.ids()), list(table.ids("observation")), counts, texts

    return ours, theirs


def tree_file(rng: random.Random, path: Path) -> None:
    """A tree of random shape: quotes, comments, blanks, exponents, polytomies, single children,
    labels inside."""
    names = ids(rng, rng.randrange(2, 15))
    quoted = [
        "'" + name.replace("'", "''") + "'" if re.search(r"[^\w.]", name) else name
        for name in names
    ]
    nodes = [f"{name}{_length(rng)}" for name in quoted]
    while len(nodes) > 1:
        chosen = [
            nodes.pop(rng.randrange(len(nodes)))
            for _ in range(min(len(nodes), rng.choice((1, 2, 2, 2, 3))))
        ]
        label = rng.choice(("", "", "0.95", "'in side'", "n1"))
        nodes.append(f"({rng.choice((',', ', ', ' ,'))[0:2].join(chosen)}){label}{_length(rng)}")
    text = nodes[0] if nodes[0].startswith("(") else f"({nodes[0]})"
    if rng.random() < 0.2:
        text = text.replace(",", ",[a comment]", 1)
    path.write_bytes(as_lines(text + ";\n", rng))


def _length(rng: random.Random) -> str:
    return ":" + rng.choice(
        ("0", "1", "0.5", "1e-3", f"{rng.random()!r}", f"{rng.random():.6f}", "2E-05")
    )


def tree_both(path: Path) -> Compared:
    """Tips and the distances between them, by this library's own text and by scikit-bio."""

    def of(tree: skbio.TreeNode) -> Any:
        tips = sorted(tip.name for tip in tree.tips())
        matrix = tree.cophenet()
        return tips, np.round(matrix.filter(tips).data, 9).tolist()

    def ours() -> Any:
        tree = db.read_tree(path)
        again = skbio.TreeNode.read(
            io.StringIO(tree.to_newick()), format="newick", convert_underscores=False
        )
        found = of(again)
        assert found[0] == sorted(tree.tips)
        return found

    def theirs() -> Any:
        text = text_of(path)
        return of(
            skbio.TreeNode.read(io.StringIO(text), format="newick", convert_underscores=False)
        )

    return ours, theirs


def distances_file(rng: random.Random, path: Path) -> None:
    """A matrix as scikit-bio, pandas and R write it; asymmetric or with a doubled id now and
    then."""
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
    text = frame.to_csv(
        sep="," if comma else "\t", float_format=digits, lineterminator="\n", quoting=0
    )
    path.write_bytes(as_lines(text, rng))


def distances_both(path: Path) -> Compared:
    """Ids and values by this library and by pandas, symmetric as scikit-bio wants them."""

    def ours() -> Any:
        matrix = db.DistanceMatrix.read(path)
        return matrix.ids, matrix.values.tolist()

    def theirs() -> Any:
        text = text_of(path)
        separator = "\t" if "\t" in text.splitlines()[0] else ","
        frame = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            index_col=0,
            dtype={0: str},
            float_precision="round_trip",
        )
        frame.index = [str(name) for name in text_index(text, separator)]
        matrix = skbio.DistanceMatrix(np.ascontiguousarray(frame.to_numpy()), list(frame.index))
        return list(matrix.ids), matrix.data.tolist()

    return ours, theirs


def text_index(text: str, separator: str) -> list[str]:
    """First cells of the rows as text, which pandas would make numbers of."""
    return list(
        pd.read_csv(
            io.StringIO(text), sep=separator, usecols=[0], dtype=str, keep_default_na=False
        ).iloc[:, 0]
    )
