"""DeepBioP's names and keywords over this package; :mod:`deepbio_torch.compat` gives them out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from . import targets as _targets
from . import transforms as _transforms
from ._arguments import word
from ._batches.collate import collate, pad_collate, truncate_collate
from ._batches.streaming import StreamingSequenceDataset
from ._reads.masks import causal_mask, length_mask, tensor_of
from ._reads.sequences import SequenceDataset
from .errors import ArgumentError, WrongTypeError
from .tokenizers import Tokenizer

_STRATEGIES = {"skip": "zero", "mask": "zero", "zero": "zero", "error": "error", "random": "random"}


def _type_of(encoding_type: str | None, sequence_type: str | None, is_rna: bool = False) -> str:
    given = [each for each in (encoding_type, sequence_type) if each is not None]
    chosen = given[0] if given else "rna" if is_rna else "dna"
    return word(chosen, "encoding_type").lower()


def _unknown_of(strategy: str) -> str:
    if strategy not in _STRATEGIES:
        raise ArgumentError(
            f"unknown_strategy: expected {', '.join(_STRATEGIES)}, got {strategy!r}"
        )
    return _STRATEGIES[strategy]


class OneHotEncoder(_transforms.OneHotEncoder):
    """DeepBioP's: ``encoding_type``, ``unknown_strategy``, ``seed``.

    The strategies "skip", "mask" and "zero" give a row of zeros.
    """

    def __new__(
        cls,
        encoding_type: str | None = None,
        unknown_strategy: str = "skip",
        seed: int | None = 0,
        *,
        ambiguous_strategy: str | None = None,
        **options: Any,
    ) -> Any:
        """The encoder of this package: C++ makes whole batches with that class itself only."""
        kind = _type_of(encoding_type, options.pop("sequence_type", None))
        options.setdefault("unknown", _unknown_of(ambiguous_strategy or unknown_strategy))
        return _transforms.OneHotEncoder(kind, seed=seed, **options)


class IntegerEncoder(_transforms.IntegerEncoder):
    """DeepBioP's: ``encoding_type``; float32 with padding -1, an error for another letter."""

    def __new__(cls, encoding_type: str | None = None, **options: Any) -> Any:
        """The encoder of this package."""
        kind = _type_of(encoding_type, options.pop("sequence_type", None))
        return _transforms.IntegerEncoder(kind, **{"dtype": torch.float32, **options})


class KmerEncoder(_transforms.KmerEncoder):
    """DeepBioP's: ``k``, ``canonical``, ``encoding_type``; counts. ``canonical`` really folds."""

    def __new__(
        cls, k: int = 3, canonical: bool = False, encoding_type: str | None = None, **options: Any
    ) -> Any:
        """The encoder of this package."""
        kind = _type_of(encoding_type, options.pop("sequence_type", None))
        return _transforms.KmerEncoder(k, canonical, kind, **options)


class ReverseComplement(_transforms.ReverseComplement):
    """DeepBioP's: ``is_rna``; always applied."""

    def __new__(cls, p: float = 1.0, *, is_rna: bool = False, **options: Any) -> Any:
        """The transform of this package."""
        return _transforms.ReverseComplement(
            p, sequence_type=_type_of(None, options.pop("sequence_type", None), is_rna), **options
        )

    @classmethod
    def for_rna(cls) -> Any:
        """Of RNA."""
        return cls(is_rna=True)


class Mutator(_transforms.Mutator):
    """DeepBioP's: ``mutation_rate``, ``seed`` (None: another one each time), ``is_rna``."""

    def __new__(
        cls,
        mutation_rate: float = 0.01,
        seed: int | None = None,
        *,
        is_rna: bool = False,
        **options: Any,
    ) -> Any:
        """The transform of this package."""
        kind = _type_of(None, options.pop("sequence_type", None), is_rna)
        return _transforms.Mutator(
            options.pop("rate", mutation_rate), seed, sequence_type=kind, **options
        )

    @classmethod
    def for_rna(cls, mutation_rate: float = 0.01, seed: int | None = None) -> Any:
        """Of RNA."""
        return cls(mutation_rate, seed, is_rna=True)


class Sampler(_transforms.Sampler):
    """DeepBioP's: ``length``, ``strategy``, ``seed``."""

    def __new__(
        cls, length: int, strategy: str = "random", seed: int | None = None, **options: Any
    ) -> Any:
        """The transform of this package."""
        return _transforms.Sampler(length, strategy, seed=seed, **options)


def Dataset(file_paths: Any, **options: Any) -> SequenceDataset:
    """DeepBioP's ``Dataset(file_paths, sequence_type=, transform=, cache_dir=, lazy=)``."""
    return SequenceDataset(file_paths, **options)


default_collate = default_collate_fn = collate
pad_collate_fn, truncate_collate_fn = pad_collate, truncate_collate


def create_padding_mask(lengths: Any, max_length: int | None = None) -> Tensor:
    """Bool [B, L], True = real: :func:`deepbio_torch.data.length_mask`."""
    return length_mask(lengths, max_length)


def create_attention_mask(
    values: Any, max_length: int | None = None, *, causal: bool = False
) -> Tensor:
    """int64 [B, L], 1 where an encoded batch [B, L] is not -1.

    Of lengths [B] bool [B, L], or [B, L, L] when causal.
    """
    given = tensor_of(values, "values")
    if given.dim() == 2:
        return (given != -1).long()
    return causal_mask(given, max_length) if causal else length_mask(given, max_length)


class TransformerEncoder:
    """DeepBioP's documented encoder for language models.

    Ids 5 + letter, PAD 0, CLS 1, SEP 2, MASK 3, UNK 4.
    """

    def __init__(
        self,
        encoding_type: str = "dna",
        *,
        add_special_tokens: bool = True,
        max_length: int | None = None,
    ) -> None:
        """Takes the preset ``deepbio-dna``, ``-rna`` or ``-protein``."""
        self.tokenizer = Tokenizer.from_preset(
            f"deepbio-{word(encoding_type, 'encoding_type').lower()}"
        )
        self.add_special_tokens, self.max_length = add_special_tokens, max_length

    def encode_batch(
        self,
        sequences: Sequence[Any],
        add_cls: bool = True,
        add_sep: bool = True,
        max_length: int | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Ids and mask, int64 [B, L].

        Raises:
            ArgumentError: one of CLS and SEP without the other.
        """
        if add_cls != add_sep:
            raise ArgumentError(
                "encode_batch: expected both of add_cls and add_sep or none, "
                f"got {add_cls} and {add_sep}"
            )
        limit = max_length or self.max_length
        batch = self.tokenizer(
            list(sequences),
            padding=True,
            truncation=limit is not None,
            max_length=limit,
            return_tensors="pt",
            add_special_tokens=self.add_special_tokens and add_cls,
        )
        return batch.input_ids, batch.attention_mask


def add_special_tokens(ids: Tensor, *, cls_id: int = 1, sep_id: int = 2, pad_id: int = 0) -> Tensor:
    """CLS before and SEP after each row of ids [B, L] padded with ``pad_id``: [B, L + 2]."""
    if not isinstance(ids, Tensor) or ids.dim() != 2:
        raise WrongTypeError(f"ids: expected a tensor [B, L], got {ids!r:.60}")
    sizes = (ids != pad_id).sum(1, keepdim=True)
    out = torch.nn.functional.pad(ids, (1, 1), value=pad_id)
    out[:, 0] = cls_id
    return out.scatter(1, sizes + 1, sep_id)


class QualityModel:
    """DeepBioP's models of qualities, for :class:`QualitySimulator`."""

    def __init__(self, name: str, **options: Any) -> None:
        """Made by the class methods."""
        self.name, self.options = name, options

    @classmethod
    def uniform(cls, min: int, max: int) -> QualityModel:
        """Whole numbers from ``min`` to ``max``."""
        return cls("uniform", low=min, high=max)

    @classmethod
    def normal(cls, mean: float, std: float) -> QualityModel:
        """Around ``mean``."""
        return cls("normal", mean=mean, sd=std)

    @classmethod
    def high_quality(cls) -> QualityModel:
        """Around 37, sd 2."""
        return cls("high")

    @classmethod
    def medium_quality(cls) -> QualityModel:
        """Around 28, sd 5."""
        return cls("medium")

    @classmethod
    def degrading(cls, start: float, end: float, std: float) -> QualityModel:
        """From ``start`` at the first letter to ``end``."""
        return cls("degrading", start=start, end=end, sd=std)


class QualitySimulator(_transforms.QualitySimulator):
    """DeepBioP's: a :class:`QualityModel` and a seed."""

    def __new__(cls, model: QualityModel, seed: int | None = None) -> Any:
        """The transform of this package."""
        if not isinstance(model, QualityModel):
            raise ArgumentError(f"QualitySimulator: expected a QualityModel, got {model!r}")
        return _transforms.QualitySimulator(model.name, **model.options, seed=seed)


class LengthFilter(_transforms.LengthFilter):
    """DeepBioP's: ``min_length``, ``max_length``."""

    def __new__(cls, min_length: int | None = None, max_length: int | None = None) -> Any:
        """The filter of this package."""
        return _transforms.LengthFilter(min_length, max_length)

    @classmethod
    def min_only(cls, min_length: int) -> Any:
        """Reads of at least so many letters."""
        return cls(min_length)

    @classmethod
    def max_only(cls, max_length: int) -> Any:
        """Reads of at most so many letters."""
        return cls(None, max_length)

    @classmethod
    def range(cls, min_length: int, max_length: int) -> Any:
        """Both, included."""
        return cls(min_length, max_length)


class QualityFilter(_transforms.QualityFilter):
    """DeepBioP's: ``min_mean_quality``, ``min_base_quality``; qualities are Phred + 33."""

    def __new__(
        cls,
        min_mean_quality: float | None = None,
        min_base_quality: int | None = None,
        quality_offset: int = 33,
    ) -> Any:
        """The filter of this package."""
        if quality_offset != 33:
            raise ArgumentError(
                f"quality_offset: expected 33, got {quality_offset!r}; "
                "SequenceDataset(quality_offset=64) converts"
            )
        return _transforms.QualityFilter(min_mean_quality, min_base_quality)

    @classmethod
    def mean_quality(cls, least: float) -> Any:
        """Reads with at least this mean."""
        return cls(least)

    @classmethod
    def base_quality(cls, least: int) -> Any:
        """Reads with no letter below."""
        return cls(None, least)


class TargetExtractor:
    """DeepBioP's labels: :mod:`deepbio_torch.targets`, or any function of a record."""

    def __new__(cls, function: Callable[[Any], Any]) -> Any:
        """The function itself, which is what a dataset takes."""
        if not callable(function):
            raise ArgumentError(
                f"TargetExtractor: expected a function of a record, got {function!r}"
            )
        return function

    @staticmethod
    def from_header(
        pattern: str | None = None,
        key: str | None = None,
        separator: str = "|",
        converter: Any = str,
    ) -> Any:
        """A label in the title; what parts its keys is found whatever ``separator`` says."""
        return _targets.from_header(pattern, key=None if pattern else key, converter=converter)

    @staticmethod
    def from_quality(stat: str = "mean") -> Any:
        """A statistic of the qualities."""
        return _targets.from_quality(stat)

    @staticmethod
    def from_sequence(feature: str = "gc_content") -> Any:
        """A number over the letters."""
        return _targets.from_sequence(feature)

    @staticmethod
    def from_file(
        filepath: Any, id_column: str = "id", label_column: str = "label", converter: Any = float
    ) -> Any:
        """A companion table."""
        return _targets.from_file(
            filepath, id_column=id_column, label_column=label_column, converter=converter
        )

    @staticmethod
    def constant(value: Any) -> Any:
        """One label for all."""
        return _targets.constant(value)


def create_classification_extractor(
    classes: Sequence[str], pattern: str | None = None, key: str | None = None
) -> Any:
    """Class ids in the order of ``classes``."""
    return _targets.classes(classes, TargetExtractor.from_header(pattern, key))


def get_builtin_extractor(name: str) -> Any:
    """``quality_mean`` and the like, ``gc_content``, ``length``, ``complexity``."""
    if isinstance(name, str) and name.startswith("quality_"):
        return _targets.from_quality(name.removeprefix("quality_"))
    return _targets.from_sequence(name)


def FastqDataset(path: str | os.PathLike[str], **options: Any) -> SequenceDataset:
    """DeepBioP's ``FastqDataset``, ``FastaDataset``: one file."""
    return SequenceDataset(path, **options)


def StreamingFastqDataset(
    path: str | os.PathLike[str], shuffle_buffer_size: int = 0, **options: Any
) -> StreamingSequenceDataset:
    """DeepBioP's streams of one file."""
    return StreamingSequenceDataset(path, shuffle_buffer=shuffle_buffer_size, **options)


FastaDataset, FastqStreamDataset, FastaStreamDataset = (
    FastqDataset,
    StreamingFastqDataset,
    StreamingFastqDataset,
)
