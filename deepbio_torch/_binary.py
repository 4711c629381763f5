"""The packaged C++ command: where it is, and how it finds torch."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

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
    """The environment for the command, which looks for torch beside this package.

    torch is elsewhere for an editable install and where an environment sees the packages of
    another one: then its libraries are named to the dynamic linker.
    """
    beside = BINARY.parents[2] / "torch" / "lib"
    found = None if beside.is_dir() else importlib.util.find_spec("torch")
    if found is None or not found.submodule_search_locations:
        return dict(os.environ)
    libraries = str(Path(found.submodule_search_locations[0]) / "lib")
    before = os.environ.get("LD_LIBRARY_PATH")
    return {**os.environ, "LD_LIBRARY_PATH": f"{libraries}:{before}" if before else libraries}
