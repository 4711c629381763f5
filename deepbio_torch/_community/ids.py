"""Ids and short lists of them, in messages and notebooks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from html import escape

from ..errors import ArgumentError

Path = str | os.PathLike[str]


def html_table(rows: Iterable[tuple[str, object]], note: str = "") -> str:
    """What a notebook shows: a row for each name and value."""
    cells = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in rows
    )
    return f"<table>{cells}</table>{escape(note)}"


def some_of(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def require_distinct(what: str, ids: Sequence[str]) -> None:
    if len(set(ids)) == len(ids):
        return
    twice = next(name for i, name in enumerate(ids) if name in ids[:i])
    raise ArgumentError(f"{what}: expected each id once, got {twice!r} more than once")
