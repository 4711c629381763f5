"""What encoders of reads share, and those of single letters: one-hot and integers.

A sample in, its tensors out; the same options go to C++ for whole batches. docs/reads.md has the
alphabets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .. import _C
from .._arguments import letters, seed_of, sequence_type_of, whole
from .._batches.batch import Layout, Sample
from ..errors import ArgumentError
from .augment import (
    Letters,
    bytes_of,
    draw_key,
)

ALPHABET_SIZES = {"dna": 4, "rna": 4, "protein": 20}  # letters of the alphabets


class NativeEncoder:
    """What native encoders share: their options, as the C++ dataset takes them too."""

    encoding: str  # the name of the encoding in C++
    fits_all: bool = False  # whether it does not ask what the alphabet of the data is
    _unknown: tuple[str, ...]
    _qualities: tuple[str | None, ...] = ("phred", "probability", "integer", None)

    def __init__(self, sequence_type: str, unknown: str, **options: Any) -> None:
        sequence_type_of(sequence_type)
        if unknown not in self._unknown:
            raise ArgumentError(
                f"unknown: expected one of {', '.join(self._unknown)}, got {unknown!r}"
            )
        for name in ("pad_to", "max_length"):
            if options[name] is not None and whole(options[name], name) < 1:
                raise ArgumentError(f"{name}: expected at least 1 or None, got {options[name]}")
        self.sequence_type, self.unknown = sequence_type, unknown
        self.pad_to: int | None = options["pad_to"]
        self.max_length: int | None = options["max_length"]
        self.channels_first: bool = options.get("channels_first", False)
        self.seed: int = seed_of(options["seed"])
        self.quality: str | None = options["quality"]
        if self.quality not in self._qualities:
            raise ArgumentError(
                f"quality: expected one of {', '.join(map(str, self._qualities))}, got "
                f"{self.quality!r}"
            )

    def read_encoding(self) -> dict[str, Any]:
        """All that C++ needs to make whole batches."""
        return {**self.options(), "encoding": self.encoding, "quality": self.quality or "none"}

    def options(self) -> dict[str, Any]:
        """The options under their C++ names, where 0 stands for None."""
        return {
            "sequence_type": self.sequence_type,
            "unknown": self.unknown,
            "pad_to": self.pad_to or 0,
            "max_length": self.max_length or 0,
            "seed": self.seed,
        }

    def layout(self) -> Layout:
        """How a row of a batch becomes a sample."""
        return Layout(axis=int(self.channels_first), is_fixed=bool(self.pad_to))

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest number of what this encoder gives."""
        return 0, 1

    def encode(self, sequence: Letters) -> Tensor:
        """One sequence to a tensor: :meth:`encode_batch` without the axis B."""
        if not self._is_ours():  # a class of a user, who may have changed encode_batch
            return self.encode_batch([letters(sequence, type(self).__name__)])[0]
        read = letters(sequence, type(self).__name__)
        values, _, _ = self._natives()[0].encode_read(read, None, 0, 0)
        return values

    def encode_batch(self, sequences: Sequence[Letters]) -> Tensor:
        """Sequences to one tensor, padded on the right to the longest or to ``pad_to``."""
        return self._encode(sequences, [], 0, [])[0]

    def _encode(
        self,
        sequences: Sequence[Letters],
        records: Sequence[int],
        epoch: int,
        qualities: Sequence[bytes],
    ) -> tuple[Tensor, Tensor]:
        """Values and lengths of a batch; an encoder whose values are several has its own."""
        native = self._natives()[1 if qualities else 0]
        return native.encode_reads(sequences, records, epoch, qualities)

    def _is_ours(self) -> bool:
        return type(self).__module__.startswith(f"{__package__}.")

    def _natives(self) -> tuple[_C.ReadEncoder, _C.ReadEncoder]:
        """The encoder in C++, of letters alone and with qualities; made once for its options."""
        made: tuple[_C.ReadEncoder, _C.ReadEncoder] | None = self.__dict__.get("_made")
        if made is None:
            options = self.read_encoding()
            letters_alone = _C.ReadEncoding(**{**options, "quality": "none"})
            made = (letters_alone.encoder, _C.ReadEncoding(**options).encoder)
            self.__dict__["_made"] = made
        return made

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__.pop("_made", None)  # it was made for other options
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_made"}

    def __call__(self, sample: Sample) -> Sample:
        """The sample with ``sequence`` encoded and ``quality`` [L] in the form asked for."""
        record, epoch = draw_key(sample)
        quality: Any = sample.get("quality")
        has_quality = isinstance(quality, bytes)
        if self._is_ours() and self.quality != "channel":
            scores = quality if has_quality and self.quality is not None else None
            read = bytes_of(sample, type(self).__name__)
            values, length, scores = self._natives()[1].encode_read(read, scores, record, epoch)
            out = Sample(sample, sequence=values)
            out.length_axis, out.length = int(self.channels_first), length
            if "quality" in out:
                out["quality"] = scores
            return out
        if self.quality == "channel" and not has_quality:
            raise ArgumentError(
                f"quality channel: expected qualities, record {record} has none (FASTA?)"
            )
        channel = [quality] if has_quality and self.quality == "channel" else []
        values, lengths = self._encode(
            [bytes_of(sample, type(self).__name__)], [record], epoch, channel
        )
        out = Sample(sample, sequence=values[0])
        out.length_axis, out.length = int(self.channels_first), int(lengths[0])
        if has_quality and self.quality in ("phred", "probability", "integer"):
            width = values.shape[out.length_axis + 1]
            out["quality"] = _C.encode_quality([quality[:width]], width, self.quality)[0]
        elif "quality" in out:
            out["quality"] = None
        return out

    def __repr__(self) -> str:
        shown = {
            **self.options(),
            "pad_to": self.pad_to,
            "max_length": self.max_length,
            "quality": self.quality,
        }
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in shown.items())})"


class OneHotEncoder(NativeEncoder):
    """Letters as one-hot rows: float32 [L, A], A = 4 (DNA, RNA) or 20 (protein), alphabet order.

    Args:
        sequence_type: "dna", "rna" or "protein".
        unknown: a letter outside the alphabet becomes zeros ("zero"; its place is kept), an error
            ("error"), a letter drawn anew in each epoch ("random"), or the fractions its IUPAC code
            stands for ("iupac").
        pad_to: width L of every result; None pads a batch to its longest.
        max_length: longer reads lose their tail.
        channels_first: [A, L] instead of [L, A], as Conv1d wants it.
        quality: what becomes of qualities: "phred" scores or "probability" of an error (float32),
            "integer" scores (int64, padding -1), a last column of error probabilities ("channel": A
            + 1 columns), or None.
        seed: of the draws of "random"; None takes one from torch's generator.

    Raises (when encoding):
        ArgumentError: unknown letter under "error" (letter, 1-based position, alphabet); a read
            longer than ``pad_to``.
    """

    encoding = "onehot"
    _unknown = ("zero", "error", "random", "iupac")
    _qualities = ("phred", "probability", "integer", "channel", None)

    def __init__(
        self,
        sequence_type: str = "dna",
        *,
        unknown: str = "zero",
        pad_to: int | None = None,
        max_length: int | None = None,
        channels_first: bool = False,
        quality: str | None = "phred",
        seed: int | None = 0,
    ) -> None:
        """Checks the options."""
        super().__init__(
            sequence_type,
            unknown,
            pad_to=pad_to,
            max_length=max_length,
            channels_first=channels_first,
            quality=quality,
            seed=seed,
        )

    def options(self) -> dict[str, Any]:
        """The options under their C++ names, where 0 stands for None."""
        return {**super().options(), "channels_first": self.channels_first}


class IntegerEncoder(NativeEncoder):
    """Letters as integers: int64 [L] (DNA: A 0, C 1, G 2, T 3), padding -1.

    Args:
        sequence_type: "dna", "rna" or "protein".
        unknown: a letter outside the alphabet is an error ("error"), -1 ("zero") or drawn anew in
            each epoch ("random").
        pad_to: width L of every result; None pads a batch to its longest.
        max_length: longer reads lose their tail.
        dtype: of the result: torch.int64, torch.float32 (as in DeepBioP) or torch.uint8, where 255
            stands for -1.
        quality: "phred", "probability", "integer" or None, as :class:`OneHotEncoder`.
        seed: of the draws of "random"; None takes one from torch's generator.

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
        quality: str | None = "phred",
        seed: int | None = 0,
    ) -> None:
        """Checks the options."""
        super().__init__(
            sequence_type, unknown, pad_to=pad_to, max_length=max_length, quality=quality, seed=seed
        )
        if dtype not in (torch.int64, torch.float32, torch.uint8):
            raise ArgumentError(
                f"dtype: expected torch.int64, torch.float32 or torch.uint8, got {dtype}"
            )
        self.dtype = dtype

    def options(self) -> dict[str, Any]:
        """The options under their C++ names, where 0 stands for None."""
        return {**super().options(), "dtype": str(self.dtype).removeprefix("torch.")}

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest number of what this encoder gives."""
        return (
            (0, 255) if self.dtype == torch.uint8 else (-1, ALPHABET_SIZES[self.sequence_type] - 1)
        )
