"""k-mers of reads: how often each stands in one, or their numbers in order."""

from __future__ import annotations

import functools
import math
from typing import Any

import torch

from .. import _C
from .._arguments import whole
from .._batches.batch import Layout, Sample
from ..errors import ArgumentError
from .augment import bytes_of, draw_key
from .encoders import ALPHABET_SIZES, NativeEncoder


@functools.lru_cache(maxsize=32, typed=True)
def _kmer_encoder(names: tuple[str, ...], values: tuple[Any, ...]) -> _C.ReadEncoder:
    return _C.ReadEncoder.kmers(**dict(zip(names, values, strict=True)))


class KmerEncoder(NativeEncoder):
    """k-mers of a sequence: how often each stands in it, [A^k], or their numbers, int64 [W].

    The number of a k-mer is its place in alphabet order: AAA is 0, AAC 1, ..., TTT 63. Windows
    overlap. A read shorter than k gives zeros, or no ids.

    Args:
        k: letters of a window; A^k is at most 2^24 for counts, 2^62 for ids.
        canonical: a k-mer and its reverse complement are both the smaller of the two numbers; the
            width A^k stays.
        sequence_type: "dna", "rna" or "protein".
        output: "counts" or "ids".
        overlap: ids only: False takes windows side by side and drops what is left over.
        unknown: a letter outside the alphabet is an error ("error"), leaves out every window that
            has it ("zero"; ids: -1), or is drawn anew in each epoch ("random").
        pad_to: ids only: windows of every result, padded with -1; None pads a batch to its longest.
        max_length: letters read of each sequence; None reads all.
        dtype: of counts: torch.float32, or torch.uint8 or torch.uint16, which take less memory.
        seed: of the draws of "random"; None takes one from torch's generator.

    Raises:
        ArgumentError: k out of range (at once); an unknown letter under "error", with letter and
            1-based position; a k-mer that stands in a read more often than ``dtype`` can count.
    """

    encoding = "kmer"
    _unknown = ("error", "zero", "random")

    def __init__(
        self,
        k: int = 3,
        canonical: bool = False,
        sequence_type: str = "dna",
        *,
        output: str = "counts",
        overlap: bool = True,
        unknown: str = "error",
        pad_to: int | None = None,
        max_length: int | None = None,
        dtype: torch.dtype = torch.float32,
        seed: int | None = 0,
    ) -> None:
        """Checks the options."""
        super().__init__(
            sequence_type, unknown, pad_to=pad_to, max_length=max_length, quality=None, seed=seed
        )
        self.k, self.canonical, self.output, self.overlap = (
            whole(k, "k"),
            bool(canonical),
            output,
            bool(overlap),
        )
        if output == "counts" and (pad_to is not None or not overlap):
            raise ArgumentError(
                "KmerEncoder: pad_to and overlap=False need output='ids': counts have a fixed width"
            )
        if dtype not in (torch.float32, torch.uint8, torch.uint16):
            raise ArgumentError(
                f"dtype: expected torch.float32, torch.uint8 or torch.uint16, got {dtype}"
            )
        self.dtype = dtype
        self._native()

    def _native(self) -> _C.ReadEncoder:
        options = self.options()
        return _kmer_encoder(tuple(options), tuple(options.values()))

    def options(self) -> dict[str, Any]:
        """The options under their C++ names, where 0 stands for None."""
        kmers = {
            "k": self.k,
            "canonical": self.canonical,
            "output": self.output,
            "overlap": self.overlap,
            "dtype": str(self.dtype).removeprefix("torch."),
        }
        return {**super().options(), **kmers}

    def read_encoding(self) -> dict[str, Any]:
        """All that C++ needs to make whole batches."""
        return {"sequence_type": self.sequence_type, "encoder": self._native()}

    def layout(self) -> Layout:
        """How a row of a batch becomes a sample."""
        if self.output == "counts":
            return Layout(axis=None)
        return Layout(is_fixed=bool(self.pad_to), window=self.k, step=1 if self.overlap else self.k)

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest number of what this encoder gives."""
        return (
            (0, math.inf)
            if self.output == "counts"
            else (-1, ALPHABET_SIZES[self.sequence_type] ** self.k - 1)
        )

    def __call__(self, sample: Sample) -> Sample:
        """The sample with ``sequence`` encoded; ``quality`` belongs to letters and becomes None."""
        record, epoch = draw_key(sample)
        values, lengths = self._encode([bytes_of(sample, type(self).__name__)], [record], epoch, [])
        out = Sample(sample, sequence=values[0], quality=None)
        out.letters = int(lengths[0])
        return out
