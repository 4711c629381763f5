"""The packaged C++ command: where it is, and how it finds torch."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from ._library import torch_is_beside
from .errors import DeepBioError

BINARY = Path(__file__).parent / "bin" / "deepbio"


def binary() -> str:
    """The path of the command.

    Raises:
        DeepBioError: the package is a source tree that nobody built.
    """
    if not BINARY.is_file():
        raise DeepBioError(f"{BINARY} is missing: install the package")
    return os.fspath(BINARY)


def binary_environment() -> dict[str, str]:
    """The environment for the command: the dynamic linker is told of a torch that is elsewhere."""
    found = None if torch_is_beside() else importlib.util.find_spec("torch")
    if found is None or not found.submodule_search_locations:
        return dict(os.environ)
    libraries = str(Path(found.submodule_search_locations[0]) / "lib")
    before = os.environ.get("LD_LIBRARY_PATH")
    return {**os.environ, "LD_LIBRARY_PATH": f"{libraries}:{before}" if before else libraries}
