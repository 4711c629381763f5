"""The options of the library as Python sees them.

Names, defaults and docstrings come from the rows of C++.

An option is declared once, in C++ (``csrc/deepbio/base/options.h``).
"""

from __future__ import annotations

import inspect
import textwrap
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from . import _C


@dataclass(frozen=True)
class Row:
    """An option.

    Attributes:
        name: its keyword. type: of its value, as in an annotation. help: what it means.
        values: which are allowed, "" for all. choices: all of them, where they are names.
        default: its value when it is not given.
        sets: options that all get this value. other_names: of AAM. old_names: of the version
            before.
        of_predictor: does nothing without a target. on_command: an option of the command as well.
    """

    name: str
    type: str
    help: str
    values: str
    choices: list[str]
    default: Any
    sets: list[str]
    other_names: list[str]
    old_names: list[str]
    of_predictor: bool
    on_command: bool


@cache
def rows(kind: str) -> tuple[Row, ...]:
    """The options of ``model``, ``training``, ``loss``, ``study`` or ``encoder``, in order."""
    return tuple(Row(**row) for row in _C.option_rows(kind))


def renamed(
    options: Iterable[Row], given: Mapping[str, Any], stacklevel: int = 3
) -> dict[str, Any]:
    """What was given, old names replaced by new ones with a FutureWarning."""
    new = {old: row.name for row in options for old in row.old_names}
    for name in given:
        if name in new:
            warnings.warn(
                f"{name}= is now {new[name]}=; the old name goes with the next version",
                FutureWarning,
                stacklevel=stacklevel,
            )
    return {new.get(name, name): value for name, value in given.items()}


def explained(options: Iterable[Row]) -> str:
    """A line for each option, as in the Args of a docstring: name, meaning, values, default."""
    lines = []
    for row in options:
        values = f" ({row.values})" if row.values else ""
        default = "" if row.sets else f" Default: {row.default!r}."
        lines.append(
            textwrap.fill(f"{row.name}: {row.help}{values}.{default}", 96, subsequent_indent="    ")
        )
    return "\n".join(lines)


def document(cls: type, *kinds: str) -> None:
    """Gives a class that takes options as keywords a docstring and a signature that list them."""
    options = [row for kind in kinds for row in rows(kind)]
    about = inspect.cleandoc(cls.__doc__ or "")
    text = f"{about}\n\nOptions:\n{textwrap.indent(explained(options), '    ')}\n"
    named = [p for p in inspect.signature(cls).parameters.values() if p.kind is not p.VAR_KEYWORD]
    keywords = [
        inspect.Parameter(
            row.name, inspect.Parameter.KEYWORD_ONLY, default=None if row.sets else row.default
        )
        for row in options
    ]
    cls.__doc__ = text
    cls.__signature__ = inspect.Signature(named + keywords)  # type: ignore[attr-defined]


__all__ = ["Row", "document", "explained", "renamed", "rows"]
