"""Arguments of users as C++ takes them: converted where the meaning is clear, else one line that names them."""

from __future__ import annotations

import operator
from typing import Any

import torch

from .errors import ArgumentError, WrongTypeError

SEQUENCE_TYPES = ("dna", "rna", "protein")


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
            raise ArgumentError(f"{who}: position {problem.start + 1}: expected ASCII, got {wrong!r}") from None
    if isinstance(sequence, bytearray | memoryview):
        return bytes(sequence)
    raise WrongTypeError(f"{who}: expected a sequence as str or bytes, got {type(sequence).__name__}")


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
