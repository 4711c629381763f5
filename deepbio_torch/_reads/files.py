"""Files that a dataset reads: as paths, and as they were when they were read."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from .._arguments import of_kind, path_text
from ..errors import ArgumentError, MissingFileError, ParseError
from .records import Path

FileMark: TypeAlias = tuple[int, int]  # size, time of the last change in ns


def mark_of(path: str) -> FileMark:
    """Size and time of a file; (-1, 0) for what has none, such as a pipe."""
    try:
        status = os.stat(path)
    except OSError:
        return (-1, 0)
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else (-1, 0)


def held_bytes(path: str, size: int) -> int:
    """About how much a file of `size` bytes on disk takes in memory.

    What a gzip file unpacks to, others as they are.

    A gzip member ends with its unpacked size modulo 4 GiB; of a file of many members (BGZF) that is
    only the last, so that at least four times the packed size is counted, which DNA with qualities
    comes to.
    """
    if size < 18:
        return max(size, 0)
    with open(path, "rb") as file:
        if file.read(2) != b"\x1f\x8b":
            return size
        file.seek(-4, os.SEEK_END)
        return max(int.from_bytes(file.read(4), "little"), 4 * size)


def check_unchanged(marks: Sequence[tuple[str, FileMark]]) -> None:
    """Refuses files that changed since they were first read.

    Raises:
        ParseError: naming the file.
    """
    for path, mark in marks:
        if mark_of(path) != tuple(mark):
            expected, got = (
                "the file as it was when the dataset was opened",
                "one that was written to or removed",
            )
            raise ParseError(
                f"{path}: expected {expected}, got {got}", path, expected=expected, got=got
            )


def check_no_pipe(paths: Sequence[str], num_readers: int) -> None:
    """Refuses what can be read only once where several readers each take their part.

    Raises:
        ArgumentError: naming the pipe.
    """
    for path in paths:
        if os.path.exists(path) and stat.S_ISFIFO(os.stat(path).st_mode):
            raise ArgumentError(
                f"{path}: expected a file, got a pipe, which {num_readers} workers cannot share; "
                "use num_workers=0 or 1"
            )


def path_list(paths: Path | Sequence[Path]) -> list[str]:
    """One or many paths as text."""
    several = (
        [paths] if isinstance(paths, str | bytes | os.PathLike) or hasattr(paths, "read") else paths
    )
    several = of_kind(several, Iterable, "paths", "a path or several of them")
    out = [os.fsdecode(path_text(path, "paths")) for path in several]
    if not out:
        raise ArgumentError("paths: expected at least one file, got none")
    return out


def check_readable(paths: Sequence[str]) -> None:
    """Refuses files that are not there or may not be read, without opening them.

    A pipe can be read once only.

    Raises:
        MissingFileError: as the builtin ``open`` would, with errno and filename.
    """
    for path in paths:
        if path == "-":
            continue
        try:
            is_folder, may_read = stat.S_ISDIR(os.stat(path).st_mode), os.access(path, os.R_OK)
            code = errno.EISDIR if is_folder else 0 if may_read else errno.EACCES
        except OSError as problem:
            code = problem.errno or errno.ENOENT
        if code:
            raise MissingFileError(f"{path}: cannot be opened: {os.strerror(code)}", path)


def native_paths(paths: Sequence[str]) -> list[bytes]:
    """Paths for C++, also those whose bytes are no UTF-8."""
    return [os.fsencode(path) for path in paths]
