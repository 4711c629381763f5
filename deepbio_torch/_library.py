"""The C++ library: importing ``deepbio_torch._C`` makes ``torch.ops.deepbio`` exist."""

from __future__ import annotations

import importlib
from types import ModuleType


def extension() -> ModuleType:
    """The module ``deepbio_torch._C``.

    Raises:
        ImportError: the package is a source tree that nobody built.
    """
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
