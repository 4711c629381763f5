"""Generated studies: metadata by QIIME 2's rules, tables with metadata, tables with trees."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import biom
import numpy as np
import pandas as pd
import skbio
from file_parts import as_lines, ids, text_of
from skbio.diversity import alpha_diversity, beta_diversity
from skbio.metadata import SampleMetadata

import deepbio_torch as db

Compared = tuple[Any, Any]

WORDS = (
    "gut",
    "NA",
    "none",
    "",
    "",
    "a b",
    "01",
    "ü",
    "x, y",
    "Not provided",
    "missing",
    "not collected",
    "-",
    "None",
)
NUMBERS = ("1", "1.5", "-3", "5e3", "01", "+2", "0.1", "", "1e-7", "12345678901")
HEADERS = (
    "sample-id",
    "sampleid",
    "id",
    "#SampleID",
    "#Sample ID",
    "sample id",
    "SAMPLE-ID",
    "sample_name",
    "#OTU ID",
)


def rules_file(rng: random.Random, path: Path) -> None:
    """Metadata with #q2:types, #q2:missing, comments, blank lines, numbers and words; with
    faults."""
    names = [name.replace("#", "").replace('"', "") for name in ids(rng, rng.randrange(1, 9))]
    columns = [f"c{k}" for k in range(rng.randrange(1, 5))]
    kinds = [rng.choice(("words", "numbers")) for _ in columns]
    lines = [[rng.choice(HEADERS), *columns]]
    if rng.random() < 0.5:
        declared = {
            "words": ("categorical", "", "Categorical"),
            "numbers": ("numeric", "", "categorical", "NUMERIC"),
        }
        lines.append(["#q2:types", *(rng.choice(declared[kind]) for kind in kinds)])
    if rng.random() < 0.4:
        schemes = ("blank", "", "INSDC:missing", "no-missing")
        lines.append(["#q2:missing", *rng.choices(schemes, (3, 3, 3, 1), k=len(columns))])
    for name in names:
        cells = [rng.choice(WORDS if kind == "words" else NUMBERS) for kind in kinds]
        lines.append([name, *cells])
        if rng.random() < 0.05:
            lines.append(
                rng.choice(
                    (
                        ["# a comment"],
                        [""],
                        [name, *cells],
                        ["  ", *cells],
                        [name + "x", *cells, "more"],
                    )
                )
            )
    if rng.random() < 0.05:
        lines[0][1] = rng.choice(("", "c1", lines[0][0]))
    blank = rng.choice(("", "", " "))
    text = "".join("\t".join(cell + blank for cell in line).rstrip("\t") + "\n" for line in lines)
    path.write_bytes(as_lines(text, rng))


def rules_both(path: Path) -> Compared:
    """Columns, kinds and values by this library and by QIIME 2's reader, which scikit-bio
    carries."""

    def ours() -> Any:
        data = db.read_metadata(path)
        return data.ids, {
            name: [None if np.isnan(x) else x for x in data.numbers(name).tolist()]
            if data.is_numeric(name)
            else data.labels(name)
            for name in data.columns
        }

    def theirs() -> Any:
        plain = path.with_name("plain.tsv")
        plain.write_text(text_of(path), newline="")
        frame = SampleMetadata.load(str(plain)).to_dataframe()
        columns = {name: [None if pd.isna(x) else x for x in frame[name]] for name in frame.columns}
        return list(frame.index), columns

    return ours, theirs


def insdc_in_any_case(ours: Any, theirs: Any) -> str | None:
    """Why the values differ, where they differ in nothing else."""

    def lowered(columns: Any) -> Any:
        insdc = {"not provided", "not collected", "missing", "not applicable", "restricted access"}
        return {
            name: [None if isinstance(x, str) and x.lower() in insdc else x for x in cells]
            for name, cells in columns.items()
        }

    if ours[0] == theirs[0] and lowered(ours[1]) == lowered(theirs[1]):
        return "INSDC's words are missing in any case; QIIME 2 knows them in lower case only"
    return None


def studies_file(rng: random.Random, path: Path) -> None:
    """A table of DNA features, and metadata beside it that know more, fewer or other samples."""
    n = rng.randrange(3, 10)
    features = ["".join(rng.choices("ACGT", k=40)) for _ in range(6)]
    names = ids(rng, n + 2)
    counts = np.array(
        [[rng.choice((0, 1, 5, 17)) for _ in range(n)] for _ in features], dtype=float
    )
    counts[0] += 1
    path.write_text(biom.Table(counts, features, names[:n]).to_json("test"))
    known = [name for name in names if rng.random() < 0.97]
    rng.shuffle(known)
    is_class = rng.random() < 0.5
    words = (
        ("gut", "skin", "NA", "none", "", "01", "1") if is_class else ("1", "2.5", "", "-3e2", "7")
    )
    rows = [f"{name}\t{rng.choice(words)}\t{rng.choice(('f', 'm', ''))}\n" for name in known]
    kind = "categorical" if is_class else "numeric"
    text = "sample-id\ttarget\tsex\n" + f"#q2:types\t{kind}\tcategorical\n" + "".join(rows)
    path.with_name(path.name + "_about").write_bytes(as_lines(text, rng))


def studies_both(path: Path) -> Compared:
    """Which samples stay, their targets, classes and covariates by this library, and by pandas
    and biom-format."""
    about = path.with_name(path.name + "_about")

    def ours() -> Any:
        is_class = not db.read_metadata(about).is_numeric("target")
        options = {
            "target": "target",
            "classifier": is_class,
            "target_transform": "none",
            "categorical": ["sex"],
        }
        data = db.SampleDataset(
            path, metadata=about, missing_samples="drop", redraw=False, **options
        )
        batch = data.batch(range(len(data)))
        targets = batch.targets.reshape(-1).tolist()
        depth = batch.counts.sum(1).tolist()
        return list(batch.sample_ids), targets, batch.categorical_ids["sex"].tolist(), depth

    def theirs() -> Any:
        frame = pd.read_csv(
            io.StringIO(text_of(about)), sep="\t", dtype=str, keep_default_na=False, index_col=0
        )
        is_class = frame.iloc[0, 0] == "categorical"
        frame = frame.iloc[1:]
        table = biom.load_table(str(path))
        kept = [name for name in table.ids() if name in frame.index and frame.loc[name, "target"]]
        targets = frame.loc[kept, "target"]
        values = (
            pd.Categorical(targets).codes.tolist() if is_class else targets.astype("f4").tolist()
        )
        order = sorted({sex for sex in frame.loc[kept, "sex"] if sex})
        if len(set(values)) < 2 or not order:
            raise ValueError("nothing to learn, or a covariate without a value")
        sexes = [order.index(sex) + 1 if sex else 0 for sex in frame.loc[kept, "sex"]]
        return kept, values, sexes, [float(table.data(name, dense=True).sum()) for name in kept]

    return ours, theirs


def rooted_file(rng: random.Random, path: Path) -> None:
    """A table, and beside it a rooted tree of its features and others; negative lengths and lost
    tips now and then."""
    tips = ids(rng, rng.randrange(3, 12))
    quoted = ["'" + name.replace("'", "''") + "'" for name in tips]
    nodes = [f"{name}:{rng.random():.4f}" for name in quoted]
    while len(nodes) > 2:
        chosen = [nodes.pop(rng.randrange(len(nodes))) for _ in range(2)]
        length = -0.01 if rng.random() < 0.01 else rng.choice((0.0, rng.random()))
        nodes.append(f"({chosen[0]},{chosen[1]}):{length:.5f}")
    path.with_name(path.name + "_tree").write_bytes(as_lines(f"({nodes[0]},{nodes[1]});\n", rng))
    features = [name for name in tips if rng.random() < 0.8] or tips[:2]
    if rng.random() < 0.05:
        features.append("lost")
    counts = np.array(
        [[rng.choice((0, 0, 1, 5, 17)) for _ in range(5)] for _ in features], dtype=float
    )
    counts[rng.randrange(len(features))] += 1
    path.write_text(biom.Table(counts, features, [f"s{i}" for i in range(5)]).to_json("test"))


class Numbers:
    """Lists of numbers that are equal when no two of them are further apart than 1e-10."""

    def __init__(self, lists: list[Any]) -> None:
        self.lists = [np.asarray(each) for each in lists]

    def __eq__(self, other: object) -> bool:
        pairs = zip(self.lists, getattr(other, "lists", []), strict=True)
        return all(a.shape == b.shape and np.abs(a - b).max() <= 1e-10 for a, b in pairs)

    def __repr__(self) -> str:
        return repr([each.tolist() for each in self.lists])


def rooted_both(path: Path) -> Compared:
    """UniFrac of three kinds and Faith's diversity by this library and by scikit-bio, to 1e-10."""
    tree = path.with_name(path.name + "_tree")

    def ours() -> Any:
        out = [db.faith_pd(path, tree).tolist()]
        for metric in ("unweighted", "weighted_normalized", "weighted_unnormalized"):
            out.append(db.unifrac(path, tree, metric=metric).values.double().flatten().tolist())
        return Numbers(out)

    def theirs() -> Any:
        table = biom.load_table(str(path))
        counts = table.matrix_data.toarray().T.astype(int)
        text = text_of(tree)
        root = skbio.TreeNode.read(io.StringIO(text), format="newick", convert_underscores=False)
        shared = {"tree": root, "taxa": list(table.ids("observation")), "validate": True}
        names = list(table.ids())
        out = [alpha_diversity("faith_pd", counts, names, **shared).tolist()]
        for metric, more in (
            ("unweighted_unifrac", {}),
            ("weighted_unifrac", {"normalized": True}),
            ("weighted_unifrac", {"normalized": False}),
        ):
            out.append(
                beta_diversity(metric, counts, names, **shared, **more).data.flatten().tolist()
            )
        return Numbers(out)

    return ours, theirs
