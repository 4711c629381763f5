"""A small run of the command for tests, and what its files hold."""

import csv
import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., subprocess.CompletedProcess[str]]
TINY = (
    "--embedding-dim 16 --attention-heads 2 --attention-layers 1 "
    "--batch-size 8 --seed 1 --threads 1"
).split()


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def lines(path: Path) -> list[str]:
    return path.read_text().split()


def study(community: Path, column: str = "age") -> list[object]:
    return [
        "--table", community / "table.biom", "--metadata", community / "metadata.tsv",
        "--metadata-column", column,
    ]  # fmt: skip
