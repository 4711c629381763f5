"""Sizes that make a reader's life easy: no file over 400 lines, a command that only declares and shows."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KINDS = ("*.cpp", "*.h", "*.inl", "*.py", "*.pyi", "*.cmake")
GENERATED = {
    "deepbio_torch/_C.pyi",
    "deepbio_torch/_model/config.pyi",
}  # compared with the code by tests
MOST_LINES = 400
MOST_LINES_OF_THE_COMMAND = 2400


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


def test_the_command_declares_and_shows_and_decides_nothing():
    # Rules of samples, presets, runs, encoders live in the library, where Python and C++ reach them
    # too.
    files = list((ROOT / "csrc/tools").iterdir())
    assert len(files) > 20 and sum(map(num_lines, files)) <= MOST_LINES_OF_THE_COMMAND
