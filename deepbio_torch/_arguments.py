"""Arguments of users as C++ takes them.

Converted where the meaning is clear, else one line that names them.
"""

from __future__ import annotations

import operator
import os
from typing import Any

import torch

from .errors import ArgumentError, RecordIndexError, WrongTypeError

SEQUENCE_TYPES = ("dna", "rna", "protein")
AUTO_DEPTH = -1  # of C++


def whole(value: Any, name: str) -> int:
    """A whole number; also one of NumPy or torch.

    Raises:
        WrongTypeError: something else, as True, 1.5 or "1".
    """
    try:
        if not isinstance(value, bool):
            return operator.index(value)
    except TypeError:
        pass
    raise WrongTypeError(f"{name}: expected a whole number, got {value!r:.80}")


def of_kind(value: Any, kinds: Any, name: str, expected: str) -> Any:
    """A value of one of some classes.

    Raises:
        WrongTypeError: of another.
    """
    if isinstance(value, kinds):
        return value
    raise WrongTypeError(f"{name}: expected {expected}, got {type(value).__name__}")


def path_text(path: Any, name: str = "path") -> str:
    """A path as text.

    Raises:
        WrongTypeError: no path, as a number or an open file.
    """
    hint = "; give the name of the file" if hasattr(path, "read") else ""
    kinds = (str, bytes, os.PathLike)
    text: str = os.fspath(of_kind(path, kinds, name, f"a path, str or os.PathLike{hint}"))
    return text


def place_of(index: Any, size: int, item: str) -> int:
    """Where an item of ``size`` stands, 0 to size - 1; negative indices count from the end.

    Raises:
        RecordIndexError: out of range. WrongTypeError: something else, as a slice or a list.
    """
    if type(index) is not int:
        if isinstance(index, slice | list | tuple | torch.Tensor) and getattr(index, "ndim", 1) > 0:
            raise WrongTypeError(
                f"{item} index: expected one number, got {type(index).__name__}; batch([...]) or "
                "torch.utils.data.Subset takes several"
            )
        index = whole(index, f"{item} index")
    if not -size <= index < size:
        raise RecordIndexError(f"{item} index: expected {-size} to {size - 1}, got {index}")
    return int(index % size)


def number(value: Any, name: str) -> float:
    """A number; also one of NumPy or torch.

    Raises:
        WrongTypeError: something else, as text.
    """
    if not isinstance(value, str | bytes | bool):
        try:
            return float(value)
        except (TypeError, ValueError, RuntimeError):
            pass
    raise WrongTypeError(f"{name}: expected a number, got {value!r:.80}")


def homes_of(value: Any) -> set[str]:
    """The packages that its class and the classes above it come from.

    None of them is imported for it.
    """
    return {each.__module__.partition(".")[0] for each in type(value).__mro__}


def of_home(value: Any, package: str, attribute: str, name: str, expected: str) -> None:
    """Refuses what does not come from a package, or is another class of it.

    Raises:
        WrongTypeError: naming what was expected.
    """
    if package not in homes_of(value) or not hasattr(value, attribute):
        raise WrongTypeError(f"{name}: expected {expected}, got {type(value).__name__}")


def policy_of(on_bad_record: str) -> str:
    """What becomes of bad records: "raise" or "skip"; anything else is an ArgumentError."""
    if on_bad_record not in ("raise", "skip"):
        raise ArgumentError(f"on_bad_record: expected raise or skip, got {on_bad_record!r}")
    return on_bad_record


def word(value: Any, name: str) -> str:
    """A word, as of a list of choices.

    Raises:
        WrongTypeError: no str.
    """
    if isinstance(value, str):
        return value
    raise WrongTypeError(f"{name}: expected text, got {value!r:.80}")


def sequence_type_of(value: Any) -> str:
    """The name of an alphabet.

    Raises:
        ArgumentError: another one.
    """
    if value in SEQUENCE_TYPES:
        return str(value)
    raise ArgumentError(f"sequence_type: expected dna, rna or protein, got {value!r}")


def letters(sequence: Any, who: str) -> bytes:
    """A sequence given as str (ASCII), bytes, bytearray or memoryview.

    Raises:
        ArgumentError: text with another letter, with its position. WrongTypeError: something else.
    """
    if isinstance(sequence, bytes):
        return sequence
    if isinstance(sequence, str):
        try:
            return sequence.encode("ascii")
        except UnicodeEncodeError as problem:
            wrong = sequence[problem.start]
            raise ArgumentError(
                f"{who}: position {problem.start + 1}: expected ASCII, got {wrong!r}"
            ) from None
    if isinstance(sequence, bytearray | memoryview):
        return bytes(sequence)
    raise WrongTypeError(
        f"{who}: expected a sequence as str or bytes, got {type(sequence).__name__}"
    )


def seed_of(seed: Any, name: str = "seed") -> int:
    """A seed; None draws one from torch's default generator.

    Raises:
        ArgumentError: no whole number from 0 to 2^64 - 1.
    """
    if seed is None:
        return int(torch.randint(1 << 62, (), device="cpu"))
    value = whole(seed, name)
    if not 0 <= value < 1 << 64:
        raise ArgumentError(f"{name}: expected 0 to 2^64 - 1 or None, got {value}")
    return value


def absolute_paths(**given: Any) -> dict[str, str]:
    """The arguments that are paths, by name; they may be read again from another folder."""
    return {
        name: os.path.abspath(os.fspath(v))
        for name, v in given.items()
        if isinstance(v, str | os.PathLike)
    }


def depth_of(rarefy_depth: int | str | None) -> int:
    """Reads to draw of each sample as C++ takes them: 0 for None, ``AUTO_DEPTH`` for "auto"."""
    if rarefy_depth == "auto":
        return AUTO_DEPTH
    if rarefy_depth is None:
        return 0
    if isinstance(rarefy_depth, bool) or not isinstance(rarefy_depth, int) or rarefy_depth < 0:
        raise ArgumentError(
            f"rarefy_depth: expected a number of reads, 'auto' or None, got {rarefy_depth!r}"
        )
    return rarefy_depth
