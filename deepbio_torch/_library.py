"""The C++ library: importing ``deepbio_torch._C`` makes ``torch.ops.deepbio`` exist."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType


def torch_is_beside() -> bool:
    """Whether torch is where the packaged libraries look for it: in the same folder of packages.

    It is elsewhere for an editable install and where an environment sees the packages of another
    one.
    """
    return (Path(__file__).parents[1] / "torch" / "lib").is_dir()


def extension() -> ModuleType:
    """The module ``deepbio_torch._C``.

    Raises:
        ImportError: the package is a source tree that nobody built.
    """
    if not torch_is_beside():
        importlib.import_module("torch")  # its libraries are in the process then
    try:
        return importlib.import_module("deepbio_torch._C")
    except ModuleNotFoundError as error:
        if error.name != "deepbio_torch._C":
            raise
        raise ImportError(
            "deepbio_torch: the C++ library is missing: install the package "
            "(pip install --no-build-isolation .) and import it from outside of the source tree"
        ) from None


def load() -> None:
    """Makes ``torch.ops.deepbio`` available; does nothing the second time."""
    extension()
