"""A small study and small models for tests of training, and what a refusal looks like."""

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import deepbio_torch as db

Run = Callable[..., subprocess.CompletedProcess[str]]
SMALL = ("--max-bp 60 --embedding-dim 16 --attention-heads 2 --attention-layers 1 --batch-size 8 "
         "--rarefy-depth 200 "
         "--threads 1 --epochs 2").split()  # fmt: skip
TINY = {
    "embedding_dim": 16, "max_bp": 60, "asv_num_layers": 1, "sample_num_layers": 1,
    "encoder_num_layers": 1, "count_num_layers": 1, "target_num_layers": 1, "asv_num_heads": 2,
    "sample_num_heads": 2, "encoder_num_heads": 2, "count_num_heads": 2, "target_num_heads": 2,
}  # fmt: skip


def study(folder: Path, column: str = "age") -> list[object]:
    return [
        "--table",
        folder / "table.biom",
        "--metadata",
        folder / "metadata.tsv",
        "--metadata-column",
        column,
    ]


def refused(done: subprocess.CompletedProcess[str], run: Path, *words: str, code: int = 1) -> None:
    """One line that holds the words, and nothing written."""
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("deepbio: error: ") and done.stderr.count("\n") == 1, done.stderr
    assert all(word in done.stderr for word in words), done.stderr
    assert not run.exists()


def write_study(
    folder: Path, labels: dict[str, str], header: str = "sample-id\ty", asvs: int = 6
) -> list[object]:
    """A table of random counts of 40-letter ASVs, and metadata with one column."""
    rng = random.Random(5)
    dna = ["".join(rng.choices("ACGT", k=40)) for _ in range(asvs)]
    rows = [f + "\t" + "\t".join(str(rng.randint(40, 60)) for _ in labels) for f in dna]
    (folder / "t.tsv").write_text("\n".join(["#OTU ID\t" + "\t".join(labels), *rows]) + "\n")
    (folder / "m.tsv").write_text(
        header + "\n" + "".join(f"{name}\t{label}\n" for name, label in labels.items())
    )
    return [
        "--table",
        folder / "t.tsv",
        "--metadata",
        folder / "m.tsv",
        "--metadata-column",
        "y",
        *SMALL,
    ]


def samples(folder: Path, **options: object) -> db.SampleDataset:
    about = {
        "metadata": folder / "metadata.tsv",
        "target": "age",
        "rarefy_depth": 200,
        "max_bp": 60,
    } | options
    return db.SampleDataset(folder / "table.biom", **about)


def samples_with_tree(folder: Path) -> db.SampleDataset:
    """The same, with distances to learn."""
    return samples(folder, tree=folder / "tree.nwk")
