"""Transforms: callables on a sample dict, with direct methods for bytes.

Random choices depend on (seed, epoch, record index) only; a SequenceDataset puts the last two into
``sample["metadata"]``. Lower case reads as upper case. docs/reads.md has the alphabets.
"""

from __future__ import annotations

import functools
import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from . import _C
from ._arguments import letters, seed_of, sequence_type_of, whole
from ._augment import (
    AdapterTrimmer,
    Deduplicator,
    EndTrimmer,
    LengthFilter,
    Letters,
    Mutator,
    NativeTransform,
    QualityFilter,
    QualityMasker,
    QualitySimulator,
    ReverseComplement,
    Sampler,
    Subsampler,
    WindowTrimmer,
    bytes_of,
    draw_key,
)
from ._batch import Batch, Layout, Sample, mark_padding
from .errors import ArgumentError, WrongTypeError
from .tokenizers import Tokenizer

_SIZES = {"dna": 4, "rna": 4, "protein": 20}  # letters of the alphabets


class _Encoder(ABC):
    """What native encoders share: their options, as the C++ dataset takes them too."""

    encoding: str  # the name of the encoding in C++
    fits_all: bool = False  # whether it does not ask what the alphabet of the data is
    _unknown: tuple[str, ...]
    _qualities: tuple[str | None, ...] = ("phred", "probability", "integer", None)

    def __init__(self, sequence_type: str, unknown: str, **options: Any) -> None:
        sequence_type_of(sequence_type)
        if unknown not in self._unknown:
            raise ArgumentError(f"unknown: expected one of {', '.join(self._unknown)}, got {unknown!r}")
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
                f"quality: expected one of {', '.join(map(str, self._qualities))}, got {self.quality!r}"
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
        return self.encode_batch([letters(sequence, type(self).__name__)])[0]

    def encode_batch(self, sequences: Sequence[Letters]) -> Tensor:
        """Sequences to one tensor, padded on the right to the longest or to ``pad_to``."""
        return self._encode(sequences, [], 0, [])[0]

    @abstractmethod
    def _encode(
        self, sequences: Sequence[Letters], records: Sequence[int], epoch: int, qualities: Sequence[bytes]
    ) -> tuple[Tensor, Tensor]: ...

    def __call__(self, sample: Sample) -> Sample:
        """The sample with ``sequence`` encoded and ``quality`` [L] in the form asked for."""
        record, epoch = draw_key(sample)
        quality: Any = sample.get("quality")
        has_quality = isinstance(quality, bytes)
        if self.quality == "channel" and not has_quality:
            raise ArgumentError(f"quality channel: expected qualities, record {record} has none (FASTA?)")
        channel = [quality] if has_quality and self.quality == "channel" else []
        values, lengths = self._encode([bytes_of(sample, type(self).__name__)], [record], epoch, channel)
        out = Sample(sample, sequence=values[0])
        out.length_axis, out.length = int(self.channels_first), int(lengths[0])
        if has_quality and self.quality in ("phred", "probability", "integer"):
            width = values.shape[out.length_axis + 1]
            out["quality"] = _C.encode_quality([quality[:width]], width, self.quality)[0]
        elif "quality" in out:
            out["quality"] = None
        return out

    def __repr__(self) -> str:
        shown = {**self.options(), "pad_to": self.pad_to, "max_length": self.max_length, "quality": self.quality}
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
        quality: what becomes of qualities: "phred" scores or "probability" of an error (float32), "integer" scores
            (int64, padding -1), a last column of error probabilities ("channel": A + 1 columns), or None.
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

    def _encode(
        self, sequences: Sequence[Letters], records: Sequence[int], epoch: int, qualities: Sequence[bytes]
    ) -> tuple[Tensor, Tensor]:
        return _C.encode_one_hot(sequences, **self.options(), record_indices=records, epoch=epoch, qualities=qualities)


class IntegerEncoder(_Encoder):
    """Letters as integers: int64 [L] (DNA: A 0, C 1, G 2, T 3), padding -1.

    Args:
        sequence_type: "dna", "rna" or "protein".
        unknown: a letter outside the alphabet is an error ("error"), -1 ("zero") or drawn anew in
            each epoch ("random").
        pad_to: width L of every result; None pads a batch to its longest.
        max_length: longer reads lose their tail.
        dtype: of the result: torch.int64, torch.float32 (as in DeepBioP) or torch.uint8, where 255 stands for -1.
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
        super().__init__(sequence_type, unknown, pad_to=pad_to, max_length=max_length, quality=quality, seed=seed)
        if dtype not in (torch.int64, torch.float32, torch.uint8):
            raise ArgumentError(f"dtype: expected torch.int64, torch.float32 or torch.uint8, got {dtype}")
        self.dtype = dtype

    def options(self) -> dict[str, Any]:
        """The options under their C++ names, where 0 stands for None."""
        return {**super().options(), "dtype": str(self.dtype).removeprefix("torch.")}

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest number of what this encoder gives."""
        return (0, 255) if self.dtype == torch.uint8 else (-1, _SIZES[self.sequence_type] - 1)

    def _encode(
        self, sequences: Sequence[Letters], records: Sequence[int], epoch: int, qualities: Sequence[bytes]
    ) -> tuple[Tensor, Tensor]:
        return _C.encode_integers(sequences, **self.options(), record_indices=records, epoch=epoch)


@functools.lru_cache(maxsize=32, typed=True)
def _kmer_encoder(names: tuple[str, ...], values: tuple[Any, ...]) -> _C.ReadEncoder:
    return _C.ReadEncoder.kmers(**dict(zip(names, values, strict=True)))


class KmerEncoder(_Encoder):
    """k-mers of a sequence: how often each stands in it, float32 [A^k], or their numbers, int64 [W].

    The number of a k-mer is its place in alphabet order: AAA is 0, AAC 1, ..., TTT 63. Windows overlap. A read shorter
    than k gives zeros, or no ids.

    Args:
        k: letters of a window; A^k is at most 2^24 for counts, 2^62 for ids.
        canonical: a k-mer and its reverse complement are both the smaller of the two numbers; the width A^k stays.
        sequence_type: "dna", "rna" or "protein".
        output: "counts" or "ids".
        overlap: ids only: False takes windows side by side and drops what is left over.
        unknown: a letter outside the alphabet is an error ("error"), leaves out every window that has it ("zero"; ids:
            -1), or is drawn anew in each epoch ("random").
        pad_to: ids only: windows of every result, padded with -1; None pads a batch to its longest.
        max_length: letters read of each sequence; None reads all.
        seed: of the draws of "random"; None takes one from torch's generator.

    Raises:
        ArgumentError: k out of range (at once); an unknown letter under "error", with letter and 1-based position.
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
        seed: int | None = 0,
    ) -> None:
        """Checks the options."""
        super().__init__(sequence_type, unknown, pad_to=pad_to, max_length=max_length, quality=None, seed=seed)
        self.k, self.canonical, self.output, self.overlap = whole(k, "k"), bool(canonical), output, bool(overlap)
        if output == "counts" and (pad_to is not None or not overlap):
            raise ArgumentError("KmerEncoder: pad_to and overlap=False are for output='ids'; counts have a fixed width")
        self._native()

    def _native(self) -> _C.ReadEncoder:
        options = self.options()
        return _kmer_encoder(tuple(options), tuple(options.values()))

    def options(self) -> dict[str, Any]:
        """The options under their C++ names, where 0 stands for None."""
        kmers = {"k": self.k, "canonical": self.canonical, "output": self.output, "overlap": self.overlap}
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
        return (0, math.inf) if self.output == "counts" else (-1, _SIZES[self.sequence_type] ** self.k - 1)

    def _encode(
        self, sequences: Sequence[Letters], records: Sequence[int], epoch: int, qualities: Sequence[bytes]
    ) -> tuple[Tensor, Tensor]:
        return self._native().encode_kmers(sequences, records, epoch)

    def __call__(self, sample: Sample) -> Sample:
        """The sample with ``sequence`` encoded; ``quality`` belongs to letters and becomes None."""
        record, epoch = draw_key(sample)
        values, lengths = self._encode([bytes_of(sample, type(self).__name__)], [record], epoch, [])
        out = Sample(sample, sequence=values[0], quality=None)
        out.letters = int(lengths[0])
        return out


class TokenEncoder(_Encoder):
    """Token ids of a language model: ``input_ids`` and ``attention_mask`` (1 = real), int64 [L].

    Args:
        tokenizer: a :class:`~deepbio_torch.tokenizers.Tokenizer`.
        max_length: tokens kept of each sequence, special tokens included; None keeps all.
        pad_to: tokens of every result; None pads a batch to its longest.
        pad_to_multiple_of: round the width of a batch up.
        add_special_tokens: put the model's special tokens around each sequence.
        sequence_type: of the dataset it is used in; None fits all.

    Raises (when encoding):
        ArgumentError: texts differ in length and the tokenizer has no padding token; more than ``pad_to`` tokens.
    """

    encoding = "tokens"
    _unknown = ("zero",)

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        max_length: int | None = None,
        pad_to: int | None = None,
        pad_to_multiple_of: int | None = None,
        add_special_tokens: bool = True,
        sequence_type: str | None = None,
    ) -> None:
        """Checks the options."""
        super().__init__(sequence_type or "dna", "zero", pad_to=pad_to, max_length=max_length, quality=None, seed=0)
        if pad_to_multiple_of is not None and pad_to_multiple_of < 1:
            raise ArgumentError(f"pad_to_multiple_of: expected at least 1 or None, got {pad_to_multiple_of}")
        if not isinstance(tokenizer, Tokenizer):
            raise WrongTypeError(f"tokenizer: expected a Tokenizer of deepbio_torch.tokenizers, got {tokenizer!r:.80}")
        self.fits_all = sequence_type is None
        self.tokenizer, self.add_special_tokens = tokenizer, add_special_tokens
        self.pad_to_multiple_of = pad_to_multiple_of

    def options(self) -> dict[str, Any]:
        """The options of C++'s tokenizer, where 0 stands for None."""
        return {
            "add_special_tokens": self.add_special_tokens,
            "max_length": self.max_length or 0,
            "pad_to": self.pad_to or 0,
            "pad_to_multiple": self.pad_to_multiple_of or 0,
        }

    def read_encoding(self) -> dict[str, Any]:
        """All that C++ needs to make whole batches."""
        encoder = _C.ReadEncoder.tokens(
            self.tokenizer.native(), **self.options(), padding_side=self.tokenizer.padding_side
        )
        return {"sequence_type": self.sequence_type, "encoder": encoder}

    def layout(self) -> Layout:
        """How a row of a batch becomes a sample."""
        return Layout(
            is_fixed=bool(self.pad_to),
            is_tokens=True,
            multiple=self.pad_to_multiple_of or 1,
            pad_id=self.tokenizer.pad_token_id or 0,
            pads_left=self.tokenizer.padding_side == "left",
        )

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest number of what this encoder gives."""
        return 0, len(self.tokenizer) - 1

    def _encode(
        self, sequences: Sequence[Letters], records: Sequence[int], epoch: int, qualities: Sequence[bytes]
    ) -> tuple[Tensor, Tensor]:
        ids, mask, _ = self.tokenizer.native().encode_batch(
            sequences, **self.options(), truncation_side="right", padding_side=self.tokenizer.padding_side
        )
        self.tokenizer.watch(ids, mask)
        return ids, mask

    def __call__(self, sample: Sample) -> Sample:
        """The sample with ``input_ids`` and ``attention_mask`` in place of ``sequence`` and ``quality``."""
        read = bytes_of(sample, type(self).__name__)
        ids, mask = self._encode([read], [], 0, [])
        out = Sample({key: value for key, value in sample.items() if key not in ("sequence", "quality")})
        layout = self.layout()
        out["input_ids"], out["attention_mask"] = mark_padding(ids[0], layout.pad_id, layout.pads_left), mask[0]
        out.letters = len(read)
        out.pad_id, out.pads_left = layout.pad_id, layout.pads_left
        return out

    def __repr__(self) -> str:
        shown = ", ".join(f"{key}={value!r}" for key, value in self.options().items())
        return f"TokenEncoder({self.tokenizer!r}, {shown})"


class Compose:
    """Transforms one after another; any callable from sample to sample may stand among them.

    A filter that refuses a sample ends the chain: the result is None.

    Raises:
        ArgumentError: no transforms, or something that cannot be called.
    """

    def __init__(self, transforms: Iterable[Callable[[Any], Any]]) -> None:
        """Keeps the transforms in order."""
        self.transforms = list(transforms)
        if not self.transforms:
            raise ArgumentError("Compose: expected at least one transform, got none")
        for transform in self.transforms:
            if not callable(transform):
                raise ArgumentError(f"Compose: expected callables, got {transform!r}")

    def __call__(self, sample: Sample) -> Any:
        """The sample through all of them."""
        return run_steps(self.transforms, sample)

    def __repr__(self) -> str:
        return f"Compose([{', '.join(map(repr, self.transforms))}])"


def run_steps(steps: Iterable[Callable[[Any], Any]], sample: Any) -> Any:
    """A sample through callables, until one gives None."""
    for step in steps:
        if sample is None:
            return None
        before, sample = sample, step(sample)
        if type(sample) is dict and isinstance(before, Sample):
            sample = before.replaced_by(sample)
    return sample


class Plan:
    """What of a transform runs in C++.

    Attributes:
        head: native steps at the beginning; the filters among them choose records when files are opened.
        encoder: the encoder at the end when all before it is native: C++ then makes whole batches. Else None.
        is_random: whether samples may come out another way in each epoch; of Python callables that is not known.
        steps: what is left to call for each sample when it does not: everything but the filters.
    """

    def __init__(self, transform: Callable[[Any], Any] | None) -> None:
        """Takes the transform apart.

        Raises:
            ArgumentError: a filter behind a random step or a Python callable.
        """
        flat = _flat(transform)
        self.encoder: _Encoder | None = flat[-1] if flat and type(flat[-1]) in _ENCODERS else None
        before = flat[:-1] if self.encoder else flat
        self.head: list[NativeTransform] = list(itertools.takewhile(_is_native, before))
        if len(self.head) < len(before):
            self.encoder = None
        self.steps = [step for step in flat if not _is_filter(step)]
        self.is_random = any(_may_draw(step) for step in self.steps)
        seen: Any = None  # the first step no filter may follow
        for step in flat:
            if _is_filter(step) and seen is not None:
                raise ArgumentError(
                    f"{step!r}: expected filters before random steps and Python callables, it follows {seen!r}; the "
                    "number of records would depend on it"
                )
            if seen is None and not (_is_native(step) and not step.native.is_random):
                seen = step

    def check_data(self, sequence_type: str) -> None:
        """Refuses data that the transforms do not fit.

        Raises:
            ArgumentError: another alphabet than a transform's, proteins for what only DNA has.
        """
        for step in self.steps:
            if isinstance(step, NativeTransform):
                step.check_data(sequence_type)
            if isinstance(step, _Encoder) and not step.fits_all and step.sequence_type != sequence_type:
                raise ArgumentError(
                    f"sequence_type={sequence_type!r}, but the transform encodes "
                    f"{step.sequence_type!r}: give both the same"
                )

    def watch(self, batch: Batch) -> None:
        """Lets the tokenizer see whether it knows the letters of a batch that C++ made."""
        if isinstance(self.encoder, TokenEncoder):
            self.encoder.tokenizer.watch(batch["input_ids"], batch["attention_mask"])

    def encoding(self, sequence_type: str) -> _C.ReadEncoding:
        """The plan as C++ takes it."""
        natives = [step.native for step in self.head]
        if self.encoder is None:
            return _C.ReadEncoding(encoding="integer", sequence_type=sequence_type, transforms=natives)
        return _C.ReadEncoding(**{**self.encoder.read_encoding(), "sequence_type": sequence_type}, transforms=natives)


def _flat(transform: Any) -> list[Any]:
    if transform is None:
        return []
    if isinstance(transform, Compose):
        return [step for part in transform.transforms for step in _flat(part)]
    return [transform]


# Only these classes themselves run in C++: a subclass may do something else.
_ENCODERS = (OneHotEncoder, IntegerEncoder, KmerEncoder, TokenEncoder)
_AUGMENTATIONS = (
    AdapterTrimmer,
    EndTrimmer,
    Mutator,
    QualityMasker,
    QualitySimulator,
    ReverseComplement,
    Sampler,
    WindowTrimmer,
)
_FILTERS = (Deduplicator, LengthFilter, QualityFilter, Subsampler)


def _is_filter(step: Any) -> bool:
    return type(step) in _FILTERS


def _may_draw(step: Any) -> bool:
    if type(step) in _ENCODERS:
        return bool(step.unknown == "random")
    return not _is_native(step) or step.native.is_random


def _is_native(step: Any) -> bool:
    return type(step) in _AUGMENTATIONS or _is_filter(step)


__all__ = [
    "AdapterTrimmer",
    "Compose",
    "Deduplicator",
    "EndTrimmer",
    "IntegerEncoder",
    "KmerEncoder",
    "LengthFilter",
    "Mutator",
    "OneHotEncoder",
    "QualityFilter",
    "QualityMasker",
    "QualitySimulator",
    "ReverseComplement",
    "Sampler",
    "Subsampler",
    "TokenEncoder",
    "WindowTrimmer",
]
