"""Errors: what is wrong, where, what was expected, what was found. C++ raises these classes too."""

from __future__ import annotations


class DeepBioError(Exception):
    """Base of everything the library raises on purpose. The message is one line."""


class ParseError(DeepBioError, ValueError):
    """Bad bytes in a file.

    Attributes:
        path: the file. record: 0-based, line: 1-based, offset_bytes: 0-based; None where it does not apply.
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
    """A path that does not exist or cannot be opened as a file. Attribute: path."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message, path)
        self.path = path

    def __str__(self) -> str:
        return str(self.args[0])


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
    "MissingFileError",
    "ParseError",
    "RecordIndexError",
    "ShapeError",
    "WriteError",
    "WrongTypeError",
]
