"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import pathlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .errors import DeepBioError, WriteError


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """A name beside ``path`` to write to.

    The file takes its place when the block ends, and is gone when it fails.

    Raises:
        WriteError: no such folder, no permission, no room.
    """
    target = pathlib.Path(path)
    temporary = target.with_name(f".{target.stem}-{uuid.uuid4().hex[:12]}{target.suffix}")
    try:
        yield temporary
        temporary.replace(target)
    except OSError as problem:
        if isinstance(problem, DeepBioError):
            raise
        raise WriteError(f"{target}: cannot be written: {problem.strerror or problem}") from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes a text file whole, to the disk itself."""
    with written_whole(path) as temporary, open(temporary, "x", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
