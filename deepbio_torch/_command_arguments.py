"""Arguments of the commands that run in Python.

One line and exit code 2 for what is typed wrong.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from .errors import WriteError


class Parser(argparse.ArgumentParser):
    """As argparse, with the words and the exit code of ``deepbio``."""

    def error(self, message: str) -> NoReturn:
        """Ends the program with code 2."""
        self.exit(2, f"deepbio: error: {message} (see: {self.prog} --help)\n")


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """A type of an argument: a whole number of a range, both ends included."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = lowest - 1
        if lowest <= value <= highest:
            return value
        raise argparse.ArgumentTypeError(
            f"expected a whole number from {lowest} to {highest}, got {text!r}"
        )

    return parse


def add_threads(parser: argparse.ArgumentParser) -> None:
    """``--threads``, with the range that it has in the binary."""
    threads = whole_number(0, 1024)
    parser.add_argument(
        "--threads", type=threads, default=0, metavar="INT", help="threads (default: all cores)"
    )


def add_seed(parser: argparse.ArgumentParser, bits: int = 64) -> None:
    """``--seed`` of so many bits."""
    seed = whole_number(0, (1 << bits) - 1)
    parser.add_argument(
        "--seed", type=seed, default=0, metavar="INT", help="of everything random (default 0)"
    )


def refuse_existing(given: argparse.Namespace) -> None:
    """Before anything is computed: an output is replaced only where ``--overwrite`` says so.

    Raises:
        WriteError: it is there.
    """
    if given.output and Path(given.output).exists() and not given.overwrite:
        raise WriteError(f"{given.output}: exists; --overwrite replaces it")
