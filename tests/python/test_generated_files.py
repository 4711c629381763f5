"""A part of tests/mutations and tests/neighbours, which are run whole by hand
(docs/real-files.md)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

import deepbio_torch as db

TESTS = Path(__file__).parents[1]


def script(name: str) -> ModuleType:
    folder = str((TESTS / name).parent)
    if folder not in sys.path:  # as when it is run by hand, for the modules beside it
        sys.path.append(folder)
    spec = importlib.util.spec_from_file_location(f"script_{name}", TESTS / name)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings("ignore")
def test_damaged_files_of_every_format_raise_nothing_but_our_errors(tmp_path: Path):
    mutate = script("mutations/mutate.py")
    sound = mutate.seeds(tmp_path)
    for name, read in mutate.READERS.items():
        (tmp_path / name).write_bytes(sound[name])
        read(tmp_path / name)
        counter, faults = mutate.run(name, sound[name], 150, 2, tmp_path)
        assert faults == [] and counter["refused"] > 30, name


def test_a_reader_that_raises_anything_else_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    mutate = script("mutations/mutate.py")
    monkeypatch.setitem(
        mutate.READERS, "fasta", lambda path: path.read_text(encoding="ascii").index(">")
    )
    _, faults = mutate.run("fasta", b">r\xc3\xa9\nACGT\n", 20, 2, tmp_path)
    assert faults and "fasta seed 2 number" in faults[0]


KINDS = (
    "tables", "trees", "rooted", "distances", "matrices", "metadata", "rules", "studies",
    "fasta", "fastq", "pairs", "interleaved", "offsets", "foreign",
)  # fmt: skip
TOOLS = ("biom", "skbio", "pysam", "pandas", "dnaio", "Bio", "h5py")


@pytest.fixture
def neighbours() -> ModuleType:
    for tool in TOOLS:
        pytest.importorskip(tool)
    found = script("neighbours/neighbours.py")
    assert tuple(found.KINDS) == KINDS
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_generated_files_are_read_as_independent_tools_read_them(
    tmp_path: Path, neighbours: ModuleType, kind: str
):
    counter, differences = neighbours.run(kind, 40, 2, tmp_path)
    assert differences == [] and counter["same"] > 25


def test_a_value_that_differs_is_found(
    tmp_path: Path, neighbours: ModuleType, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(db.Metadata, "labels", lambda *_: ["another"])
    assert neighbours.run("metadata", 5, 2, tmp_path)[1]
