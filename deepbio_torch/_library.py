"""Loads the C++ library once, so that ``torch.ops.deepbio`` exists.

The path in the environment variable ``DEEPBIO_LIBRARY`` (a build folder, while developing) wins;
then come the extension module ``deepbio_torch._C`` (an installed package) and
``lib/libdeepbio.so`` beside this file.
"""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import importlib
import os
from pathlib import Path
from types import ModuleType

import torch

_loaded = False


def extension() -> ModuleType | None:
    """The module ``deepbio_torch._C``, or None where only the operator library is there."""
    try:
        return importlib.import_module("deepbio_torch._C")
    except ModuleNotFoundError as error:
        if error.name != "deepbio_torch._C":
            raise
        return None


def load() -> None:
    """Makes ``torch.ops.deepbio`` available; does nothing the second time.

    Raises:
        ImportError: no library was found; the message names the places that were tried.
    """
    global _loaded
    if _loaded:
        return
    chosen = os.environ.get("DEEPBIO_LIBRARY")
    beside = Path(__file__).parent / "lib" / "libdeepbio.so"
    if chosen:
        torch.ops.load_library(chosen)
    elif extension() is None:
        if not beside.exists():
            raise ImportError(
                "deepbio_torch: the C++ library is missing: expected the module "
                f"deepbio_torch._C or {beside}; "
                "install the package, or set DEEPBIO_LIBRARY to a built libdeepbio.so"
            )
        torch.ops.load_library(str(beside))
    _loaded = True
