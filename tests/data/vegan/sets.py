"""The three real sets as R and the tests take them: counts, two factors, a number, strata."""

from __future__ import annotations

import sys
from pathlib import Path

import deepbio_torch as db

# Name -> columns: group, second factor, number, strata; how many samples, evenly spaced.
SETS = {
    "moving_pictures": ("BodySite", "Subject", "DaysSinceExperimentStart", "Subject", 34),
    "cfs_150nt": ("Subject", "Sex", "Age", "Sex", 60),
    "ibd_2538": ("surgery_and_ibd", "sex", "age", "sex", 60),
}


def read(folder: Path, name: str) -> tuple[db.Table, dict[str, list]]:
    """The table and its columns `group`, `factor`, `number`, `strata`, in the order of the
    samples."""
    group, factor, number, strata, count = SETS[name]
    table = db.read_table(folder / name / "table.biom")
    metadata = db.read_metadata(
        folder / name / "metadata.tsv", missing_values=["NA", "Missing: Not provided"]
    )
    rows = metadata.to_pandas().reindex(table.sample_ids)
    complete = rows[[group, factor, number, strata]].notna().all(axis=1)
    ids = [sample for sample in table.sample_ids if complete[sample]]
    ids = ids[:: max(1, len(ids) // count)][:count]
    columns = {
        name: rows.loc[ids, column].tolist()
        for name, column in (
            ("group", group),
            ("factor", factor),
            ("number", number),
            ("strata", strata),
        )
    }
    return table.filter(samples=ids), columns


def write(folder: Path, out: Path) -> None:
    """Counts and columns of each set as R's read.delim takes them."""
    for name in SETS:
        table, columns = read(folder, name)
        table.to_pandas().sparse.to_dense().to_csv(out / f"{name}.counts.tsv", sep="\t")
        lines = [
            "\t".join(columns),
            *("\t".join(map(str, row)) for row in zip(*columns.values(), strict=True)),
        ]
        (out / f"{name}.columns.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
