"""Transforms: callables on a sample dict, with direct methods for bytes.

Random choices depend on (seed, epoch, record index) only; a SequenceDataset puts the last two into
``sample["metadata"]``. Lower case reads as upper case. docs/reads.md has the alphabets.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from . import _C
from ._batch import Batch, Sample
from .errors import ArgumentError
from .tokenizers import Tokenizer

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

    def native_options(self) -> dict[str, Any]:
        """What the C++ dataset takes to run this encoder for whole batches."""
        return {"encoding": self.encoding, **self.options()}

    def row(self, batch: Batch, index: int) -> Sample:
        """Sample ``index`` of a batch that was made whole: the encoded part, with its lengths."""
        axis = int(self.channels_first)
        length = int(batch["lengths"][index])
        values, quality = batch["sequences"][index], batch.get("quality")
        width = values.shape[axis] if self.pad_to else length
        sample = Sample(
            sequence=values.narrow(axis, 0, width), quality=None if quality is None else quality[index, :width]
        )
        sample.length_axis, sample.length = axis, length
        return sample

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
        seed: of the draws of "random".

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
        seed: int = 0,
    ) -> None:
        """Checks the options."""
        super().__init__(sequence_type, unknown, pad_to=pad_to, max_length=max_length, seed=seed)
        self.k, self.canonical, self.output, self.overlap = k, canonical, output, overlap
        if output == "counts" and (pad_to is not None or not overlap):
            raise ArgumentError("KmerEncoder: pad_to and overlap=False are for output='ids'; counts have a fixed width")
        _C.ReadEncoder.kmers(**self.options())

    def options(self) -> dict[str, Any]:
        """The options under their C++ names, where 0 stands for None."""
        kmers = {"k": self.k, "canonical": self.canonical, "output": self.output, "overlap": self.overlap}
        return {**super().options(), **kmers}

    def native_options(self) -> dict[str, Any]:
        """What the C++ dataset takes to run this encoder for whole batches."""
        return {"sequence_type": self.sequence_type, "encoder": _C.ReadEncoder.kmers(**self.options())}

    def _encode(self, sequences: Sequence[bytes], records: Sequence[int], epoch: int) -> tuple[Tensor, Tensor]:
        return _C.encode_kmers(sequences, **self.options(), record_indices=records, epoch=epoch)

    def __call__(self, sample: Sample) -> Sample:
        """The sample with ``sequence`` encoded; ``quality`` belongs to letters and becomes None."""
        metadata = sample.get("metadata") or {}
        values, lengths = self._encode([sample["sequence"]], [metadata.get("index", 0)], metadata.get("epoch", 0))
        out = Sample(sample, sequence=values[0], quality=None)
        out.letters = int(lengths[0])
        return out

    def row(self, batch: Batch, index: int) -> Sample:
        """Sample ``index`` of a batch that was made whole."""
        values, letters = batch["sequences"][index], int(batch["lengths"][index])
        if self.output == "ids" and not self.pad_to:
            windows = (letters - self.k + 1) if self.overlap else letters // self.k
            values = values[: max(0, windows)]
        sample = Sample(sequence=values, quality=None)
        sample.letters = letters
        return sample


class TokenEncoder(_Encoder):
    """Token ids of a language model: ``input_ids`` and ``attention_mask`` (1 = real), int64 [L].

    Args:
        tokenizer: a :class:`~deepbio_torch.tokenizers.Tokenizer`.
        max_length: tokens kept of each sequence, special tokens included; None keeps all.
        pad_to: tokens of every result; None pads a batch to its longest.
        pad_to_multiple_of: round the width of a batch up.
        add_special_tokens: put the model's special tokens around each sequence.
        sequence_type: "dna", "rna" or "protein": of the dataset it is used in.

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
        sequence_type: str = "dna",
    ) -> None:
        """Checks the options."""
        super().__init__(sequence_type, "zero", pad_to=pad_to, max_length=max_length, seed=0)
        if pad_to_multiple_of is not None and pad_to_multiple_of < 1:
            raise ArgumentError(f"pad_to_multiple_of: expected at least 1 or None, got {pad_to_multiple_of}")
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

    def native_options(self) -> dict[str, Any]:
        """What the C++ dataset takes to run this encoder for whole batches."""
        encoder = _C.ReadEncoder.tokens(
            self.tokenizer.native(), **self.options(), padding_side=self.tokenizer.padding_side
        )
        return {"sequence_type": self.sequence_type, "encoder": encoder}

    def _encode(self, sequences: Sequence[bytes], records: Sequence[int], epoch: int) -> tuple[Tensor, Tensor]:
        ids, mask, _ = self.tokenizer.native().encode_batch(
            sequences, **self.options(), truncation_side="right", padding_side=self.tokenizer.padding_side
        )
        return ids, mask

    def __call__(self, sample: Sample) -> Sample:
        """The sample with ``input_ids`` and ``attention_mask`` in place of ``sequence`` and ``quality``."""
        ids, mask = self._encode([sample["sequence"]], [], 0)
        return self._sample(ids[0], mask[0], len(sample["sequence"]), sample)

    def row(self, batch: Batch, index: int) -> Sample:
        """Sample ``index`` of a batch that was made whole, without the padding of that batch."""
        ids, mask = batch["input_ids"][index], batch["attention_mask"][index]
        if not self.pad_to:
            size = int(mask.sum())
            size += -size % (self.pad_to_multiple_of or 1)
            first = ids.shape[0] - size if self.tokenizer.padding_side == "left" else 0
            ids, mask = ids[first : first + size], mask[first : first + size]
        return self._sample(ids, mask, int(batch["lengths"][index]), {})

    def _sample(self, ids: Tensor, mask: Tensor, letters: int, rest: dict[str, Any]) -> Sample:
        sample = Sample({k: v for k, v in rest.items() if k not in ("sequence", "quality")})
        sample["input_ids"], sample["attention_mask"] = ids, mask
        sample.letters = letters
        sample.pad_id = self.tokenizer.pad_token_id or 0
        sample.pads_left = self.tokenizer.padding_side == "left"
        return sample

    def __repr__(self) -> str:
        shown = ", ".join(f"{key}={value!r}" for key, value in self.options().items())
        return f"TokenEncoder({self.tokenizer!r}, {shown})"


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
    if type(transform) in (OneHotEncoder, KmerEncoder, TokenEncoder):
        return cast(_Encoder, transform)
    if type(transform) is IntegerEncoder and transform.dtype == torch.int64:
        return transform
    return None


__all__ = ["Compose", "IntegerEncoder", "KmerEncoder", "OneHotEncoder", "ReverseComplement", "TokenEncoder"]
