"""Sizes that make a reader's life easy: files of at most 400 lines, lines of at most 100 columns,
and a command that only declares and shows."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KINDS = ("*.cpp", "*.h", "*.inl", "*.py", "*.pyi", "*.cmake")
GENERATED = {
    "deepbio_torch/_C.pyi",
    "deepbio_torch/_model/config.pyi",
}  # compared with the code by tests
MOST_LINES = 400
MOST_COLUMNS = 100
MOST_LINES_OF_THE_COMMAND = 2400
# A checker reads these from the line they are about, whatever its length.
PRAGMA = re.compile(r"#\s*(noqa|type: ignore)")


def num_lines(path: Path) -> int:
    """Lines of a file."""
    return path.read_text().count("\n")


@pytest.mark.parametrize(
    "folder", ["csrc", "deepbio_torch", "tests", "benchmarks", "examples", "docs", "cmake"]
)
def test_no_file_is_longer_than_a_reader_bears(folder: str):
    files = [path for kind in KINDS for path in (ROOT / folder).rglob(kind)]
    long = {
        str(path.relative_to(ROOT)): num_lines(path)
        for path in files
        if num_lines(path) > MOST_LINES
    }
    assert files and not long.keys() - GENERATED, long


def test_no_line_is_wider_than_a_reader_bears():
    folders = ["csrc", "deepbio_torch", "tests", "benchmarks", "examples", "docs"]
    kinds = ("*.py", "*.pyi", "*.cpp", "*.h", "*.inl")
    files = [p for folder in folders for kind in kinds for p in (ROOT / folder).rglob(kind)]
    pages = [*ROOT.glob("*.md"), ROOT / "csrc/README.md", *(ROOT / "docs").rglob("*.md")]
    wide = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in [*files, *pages]
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > MOST_COLUMNS and not PRAGMA.search(line)
    ]
    assert len(files) > 700 and len(pages) > 20 and not wide, wide


def test_the_command_declares_and_shows_and_decides_nothing():
    # Rules of samples, presets, runs, encoders live in the library, where Python and C++ reach them
    # too.
    files = list((ROOT / "csrc/tools").iterdir())
    assert len(files) > 20 and sum(map(num_lines, files)) <= MOST_LINES_OF_THE_COMMAND
