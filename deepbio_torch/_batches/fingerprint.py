"""A text that says what a transform or target does.

Equal in every process, another one when an option is another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import CodeType, FunctionType
from typing import Any

import torch


def fingerprint(value: Any) -> str:
    """SHA-256 of what ``value`` is made of: options of our own objects, the code of functions."""
    return hashlib.sha256(_text(value, ()).encode()).hexdigest()


def _text(value: Any, above: tuple[int, ...]) -> str:
    if value is None or isinstance(value, bool | int | float | str | bytes | torch.dtype):
        return repr(value)
    if id(value) in above:
        return "..."
    above = (*above, id(value))

    def parts(many: Any) -> str:
        return ",".join(_text(each, above) for each in many)

    if isinstance(value, Mapping):
        return (
            "{"
            + ",".join(f"{_text(key, above)}:{_text(item, above)}" for key, item in value.items())
            + "}"
        )
    if isinstance(value, list | tuple):
        return f"[{parts(value)}]"
    if isinstance(value, type):
        return f"{_module_of(value)}.{value.__qualname__}"
    if isinstance(value, CodeType):
        names = parts([value.co_consts, value.co_names, value.co_varnames])
        return f"code({value.co_code.hex()},{names})"
    if isinstance(value, FunctionType):
        held = [cell.cell_contents for cell in value.__closure__ or ()]
        made_of = [value.__code__, value.__defaults__, value.__kwdefaults__, held]
        return f"def {value.__qualname__}({parts(made_of)})"
    return f"{_text(type(value), above)}({_text(_state(value), above)})"


def _is_ours(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == __package__.partition(".")[0]


# Where the classes of a module were when the first caches were made.
_ONCE_IN = {"kmer_encoder": "encoders"}


def _module_of(kind: type) -> str:
    """The module of a class, ours without its private folder: as caches of version 0.1 name it."""
    if not _is_ours(kind):
        return kind.__module__
    package, *folders, name = kind.__module__.split(".")
    return f"{package}.{'_' if folders else ''}{_ONCE_IN.get(name, name)}"


def _state(value: Any) -> Any:
    """What an object was built from, as far as it says so; else its repr."""
    if hasattr(value, "__getstate__") and _is_ours(type(value)):
        reduced = value.__reduce_ex__(2)
        return [part for part in reduced[1:3] if part is not None]
    return getattr(value, "__dict__", None) or repr(value)
