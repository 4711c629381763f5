"""Transforms: callables on a sample dict, with direct methods for bytes.

Random choices depend on (seed, epoch, record index) only; a SequenceDataset puts the last two into
``sample["metadata"]``. Lower case reads as upper case. docs/reads.md has the alphabets.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import torch  # noqa: F401  (its libraries are loaded before the extension)

from . import _C
from ._batches.batch import Batch, Sample
from ._reads.augment import (
    AdapterTrimmer,
    EndTrimmer,
    Mutator,
    NativeTransform,
    QualityMasker,
    QualitySimulator,
    ReverseComplement,
    Sampler,
    WindowTrimmer,
)
from ._reads.encoders import IntegerEncoder, NativeEncoder, OneHotEncoder
from ._reads.filters import Deduplicator, LengthFilter, QualityFilter, Subsampler
from ._reads.kmer_encoder import KmerEncoder
from ._reads.token_encoder import TokenEncoder
from .errors import ArgumentError


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
        head: native steps at the beginning; the filters among them choose records when files are
            opened.
        encoder: the encoder at the end when all before it is native: C++ then makes whole batches.
            Else None.
        is_random: whether samples may come out another way in each epoch; of Python callables that
            is not known.
        steps: what is left to call for each sample when it does not: everything but the filters.
    """

    def __init__(self, transform: Callable[[Any], Any] | None) -> None:
        """Takes the transform apart.

        Raises:
            ArgumentError: a filter behind a random step or a Python callable.
        """
        flat = _flat(transform)
        self.encoder: NativeEncoder | None = (
            flat[-1] if flat and type(flat[-1]) in _ENCODERS else None
        )
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
                    f"{step!r}: expected filters before random steps and Python callables, it "
                    f"follows {seen!r}; the number of records would depend on it"
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
            if (
                isinstance(step, NativeEncoder)
                and not step.fits_all
                and step.sequence_type != sequence_type
            ):
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
            return _C.ReadEncoding(
                encoding="integer", sequence_type=sequence_type, transforms=natives
            )
        return _C.ReadEncoding(
            **{**self.encoder.read_encoding(), "sequence_type": sequence_type}, transforms=natives
        )


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
