"""Transforms: callables on a sample dict, with direct methods for bytes.

Random choices depend on (seed, epoch, record index) only; a SequenceDataset puts the last two into
``sample["metadata"]``. Lower case reads as upper case. docs/reads.md has the alphabets.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from . import _C
from ._batch import Sample
from .errors import ArgumentError

_TYPES = ("dna", "rna", "protein")


class _Encoder(ABC):
    """What native encoders share: their options, as the C++ dataset takes them too."""

    encoding: str  # the name of the encoding in C++
    _unknown: tuple[str, ...]

    def __init__(self, sequence_type: str, unknown: str, **options: Any) -> None:
        if sequence_type not in _TYPES:
            raise ArgumentError(f"sequence_type: expected dna, rna or protein, got {sequence_type!r}")
        if unknown not in self._unknown:
            raise ArgumentError(f"unknown: expected one of {', '.join(self._unknown)}, got {unknown!r}")
        for name in ("pad_to", "max_length"):
            if options[name] is not None and options[name] < 1:
                raise ArgumentError(f"{name}: expected at least 1 or None, got {options[name]}")
        self.sequence_type, self.unknown = sequence_type, unknown
        self.pad_to: int | None = options["pad_to"]
        self.max_length: int | None = options["max_length"]
        self.channels_first: bool = options.get("channels_first", False)
        self.seed: int = options["seed"]

    def options(self) -> dict[str, Any]:
        """The options under their C++ names, where 0 stands for None."""
        return {
            "sequence_type": self.sequence_type,
            "unknown": self.unknown,
            "pad_to": self.pad_to or 0,
            "max_length": self.max_length or 0,
            "seed": self.seed,
        }

    def encode(self, sequence: bytes) -> Tensor:
        """One sequence to a tensor: :meth:`encode_batch` without the axis B."""
        return self.encode_batch([sequence])[0]

    def encode_batch(self, sequences: Sequence[bytes]) -> Tensor:
        """Sequences to one tensor, padded on the right to the longest or to ``pad_to``."""
        return self._encode(sequences, [], 0)[0]

    @abstractmethod
    def _encode(self, sequences: Sequence[bytes], records: Sequence[int], epoch: int) -> tuple[Tensor, Tensor]: ...

    def __call__(self, sample: Sample) -> Sample:
        """The sample with ``sequence`` encoded and ``quality`` as float32 Phred scores [L]."""
        metadata = sample.get("metadata") or {}
        records = [metadata.get("index", 0)]
        values, lengths = self._encode([sample["sequence"]], records, metadata.get("epoch", 0))
        out = Sample(sample, sequence=values[0])
        out.length_axis, out.length = int(self.channels_first), int(lengths[0])
        quality = sample.get("quality")
        if isinstance(quality, bytes):
            width = values.shape[out.length_axis + 1]
            out["quality"] = _C.encode_quality([quality[:width]], width)[0]
        return out

    def __repr__(self) -> str:
        shown = {**self.options(), "pad_to": self.pad_to, "max_length": self.max_length}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in shown.items())})"


class OneHotEncoder(_Encoder):
    """Letters as one-hot rows: float32 [L, A], A = 4 (DNA, RNA) or 20 (protein), alphabet order.

    Args:
        sequence_type: "dna", "rna" or "protein".
        unknown: a letter outside the alphabet becomes zeros ("zero"; its place is kept), an error
            ("error"), a letter drawn anew in each epoch ("random"), or the fractions its IUPAC code
            stands for ("iupac").
        pad_to: width L of every result; None pads a batch to its longest.
        max_length: longer reads lose their tail.
        channels_first: [A, L] instead of [L, A], as Conv1d wants it.
        seed: of the draws of "random".

    Raises (when encoding):
        ArgumentError: unknown letter under "error" (letter, 1-based position, alphabet); a read
            longer than ``pad_to``.
    """

    encoding = "onehot"
    _unknown = ("zero", "error", "random", "iupac")

    def __init__(
        self,
        sequence_type: str = "dna",
        *,
        unknown: str = "zero",
        pad_to: int | None = None,
        max_length: int | None = None,
        channels_first: bool = False,
        seed: int = 0,
    ) -> None:
        """Checks the options."""
        super().__init__(
            sequence_type,
            unknown,
            pad_to=pad_to,
            max_length=max_length,
            channels_first=channels_first,
            seed=seed,
        )

    def options(self) -> dict[str, Any]:
        """The options under their C++ names, where 0 stands for None."""
        return {**super().options(), "channels_first": self.channels_first}

    def _encode(self, sequences: Sequence[bytes], records: Sequence[int], epoch: int) -> tuple[Tensor, Tensor]:
        return _C.encode_one_hot(sequences, **self.options(), record_indices=records, epoch=epoch)


class IntegerEncoder(_Encoder):
    """Letters as integers: int64 [L] (DNA: A 0, C 1, G 2, T 3), padding -1.

    Args:
        sequence_type: "dna", "rna" or "protein".
        unknown: a letter outside the alphabet is an error ("error"), -1 ("zero") or drawn anew in
            each epoch ("random").
        pad_to: width L of every result; None pads a batch to its longest.
        max_length: longer reads lose their tail.
        dtype: of the result; torch.float32 as in DeepBioP.
        seed: of the draws of "random".

    Raises (when encoding):
        ArgumentError: as :class:`OneHotEncoder`.
    """

    encoding = "integer"
    _unknown = ("error", "zero", "random")

    def __init__(
        self,
        sequence_type: str = "dna",
        *,
        unknown: str = "error",
        pad_to: int | None = None,
        max_length: int | None = None,
        dtype: torch.dtype = torch.int64,
        seed: int = 0,
    ) -> None:
        """Checks the options."""
        super().__init__(sequence_type, unknown, pad_to=pad_to, max_length=max_length, seed=seed)
        self.dtype = dtype

    def _encode(self, sequences: Sequence[bytes], records: Sequence[int], epoch: int) -> tuple[Tensor, Tensor]:
        values, lengths = _C.encode_integers(sequences, **self.options(), record_indices=records, epoch=epoch)
        return values.to(self.dtype), lengths


class ReverseComplement:
    """The other strand: bases paired and reversed, qualities reversed with them.

    Args:
        p: how many of the records are turned; which ones depends on (seed, epoch, record index).
        sequence_type: "dna" or "rna".
        seed: of the choice.
    """

    def __init__(self, p: float = 1.0, *, sequence_type: str = "dna", seed: int = 0) -> None:
        """Checks the options."""
        if not 0 <= p <= 1:
            raise ArgumentError(f"p: expected 0 to 1, got {p}")
        if sequence_type not in ("dna", "rna"):
            raise ArgumentError(f"sequence_type: expected dna or rna, got {sequence_type!r}")
        self.p, self.sequence_type, self.seed = p, sequence_type, seed

    def apply(self, sequence: bytes) -> bytes:
        """The other strand of one sequence, whatever ``p`` is; IUPAC codes and case are kept."""
        return _C.reverse_complement(sequence, self.sequence_type)

    def apply_batch(self, sequences: Iterable[bytes]) -> list[bytes]:
        """The other strand of each sequence."""
        return [self.apply(sequence) for sequence in sequences]

    def __call__(self, sample: Sample) -> Sample:
        """The sample turned, or as it was; it stands before an encoder in a Compose."""
        if not isinstance(sample["sequence"], bytes):
            raise ArgumentError("ReverseComplement: expected a sequence of bytes; put it before the encoder")
        metadata = sample.get("metadata") or {}
        key = self.seed, metadata.get("epoch", 0), metadata.get("index", 0)
        if self.p < 1 and _C.augmentation_draw(*key) >= self.p:
            return sample
        quality = sample.get("quality")
        return Sample(
            sample,
            sequence=self.apply(sample["sequence"]),
            quality=quality[::-1] if isinstance(quality, bytes) else quality,
        )

    def __repr__(self) -> str:
        return f"ReverseComplement(p={self.p}, sequence_type={self.sequence_type!r}, seed={self.seed})"


class Compose:
    """Transforms one after another; any callable from sample to sample may stand among them."""

    def __init__(self, transforms: Iterable[Callable[[Any], Any]]) -> None:
        """Keeps the transforms in order."""
        self.transforms = list(transforms)
        for transform in self.transforms:
            if not callable(transform):
                raise ArgumentError(f"Compose: expected callables, got {transform!r}")

    def __call__(self, sample: Sample) -> Any:
        """The sample through all of them."""
        result: Any = sample
        for transform in self.transforms:
            before, result = result, transform(result)
            if type(result) is dict and isinstance(before, Sample):
                result = before.replaced_by(result)
        return result

    def __repr__(self) -> str:
        return f"Compose([{', '.join(map(repr, self.transforms))}])"


def native_encoder(transform: Any) -> _Encoder | None:
    """The encoder that C++ can run for a whole batch at once, if ``transform`` is one."""
    if isinstance(transform, Compose) and len(transform.transforms) == 1:
        transform = transform.transforms[0]
    if type(transform) is OneHotEncoder:
        return transform
    if type(transform) is IntegerEncoder and transform.dtype == torch.int64:
        return transform
    return None


__all__ = ["Compose", "IntegerEncoder", "OneHotEncoder", "ReverseComplement"]
