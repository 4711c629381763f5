"""Arguments of the commands that run in Python.

One line and exit code 2 for what is typed wrong.
"""

from __future__ import annotations

import argparse
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """As argparse, with the words and the exit code of ``deepbio``."""

    def error(self, message: str) -> NoReturn:
        """Ends the program with code 2."""
        self.exit(2, f"deepbio: error: {message} (see: {self.prog} --help)\n")
