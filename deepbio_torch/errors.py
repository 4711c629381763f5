"""Errors: what is wrong, where, what was expected, what was found. C++ raises these classes too."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


class DeepBioError(Exception):
    """Base of everything the library raises on purpose. The message is one line."""


class ParseError(DeepBioError, ValueError):
    """Bad bytes in a file.

    Attributes:
        path: the file. record: 0-based, line: 1-based, offset_bytes: 0-based; None where it does
            not apply.
        expected, got: what the format asks for and what stands there.
        kind: "structure", "length", "alphabet", "container", "resource" or "other".
    """

    def __init__(
        self,
        message: str,
        path: str = "",
        record: int | None = None,
        line: int | None = None,
        offset_bytes: int | None = None,
        expected: str = "",
        got: str = "",
        kind: str = "other",
    ) -> None:
        super().__init__(message, path, record, line, offset_bytes, expected, got, kind)
        self.path, self.record, self.line, self.offset_bytes = path, record, line, offset_bytes
        self.expected, self.got, self.kind = expected, got, kind

    def __str__(self) -> str:
        return str(self.args[0])


class MissingFileError(DeepBioError, FileNotFoundError):
    """A path that does not exist or cannot be opened as a file.

    One that may not be read is a :class:`PermissionError` too, a folder an
    :class:`IsADirectoryError`.

    Attributes:
        path: the file. errno, filename, strerror: as the builtin ``open`` sets them.
    """

    def __new__(cls, message: str, path: str = "") -> MissingFileError:
        """The class of the reason that the message gives."""
        kind = _KINDS.get(_errno_of(str(message)), cls) if cls is MissingFileError else cls
        return super().__new__(kind, message, path)

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message, path)
        self.path = self.filename = path
        self.errno = _errno_of(str(message))
        self.strerror = os.strerror(self.errno)

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.path)


class UnreadableFileError(MissingFileError, PermissionError):
    """A file that may not be read."""


class DirectoryPathError(MissingFileError, IsADirectoryError):
    """A folder where a file was expected."""


_KINDS: dict[int, type[MissingFileError]] = {
    errno.EACCES: UnreadableFileError,
    errno.EPERM: UnreadableFileError,
    errno.EISDIR: DirectoryPathError,
}


def _errno_of(message: str) -> int:
    """The system's number of the reason in a message."""
    known = (
        *_KINDS,
        errno.ENOTDIR,
        errno.EMFILE,
        errno.ENFILE,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.EIO,
        errno.ENXIO,
    )
    for code in known:
        if os.strerror(code) in message:
            return code
    return errno.EISDIR if "got a directory" in message else errno.ENOENT


class WriteError(DeepBioError, OSError):
    """A file could not be written: full disk, existing output, no permission."""


class ArgumentError(DeepBioError, ValueError):
    """A bad argument; the message quotes the value."""


class WrongTypeError(ArgumentError, TypeError):
    """An argument of a type that cannot be converted; the message names the type."""


class ShapeError(DeepBioError, ValueError):
    """A tensor of the wrong shape; the message gives both shapes."""


class ConfigError(DeepBioError, ValueError):
    """A bad option; the message names it, the value and the nearest known name."""


class RecordIndexError(ArgumentError, IndexError):
    """An index outside a dataset."""


__all__ = [
    "ArgumentError",
    "ConfigError",
    "DeepBioError",
    "DirectoryPathError",
    "MissingFileError",
    "ParseError",
    "RecordIndexError",
    "ShapeError",
    "UnreadableFileError",
    "WriteError",
    "WrongTypeError",
]
