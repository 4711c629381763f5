"""Names of other libraries over this one, for code that moves: DeepBioP's PyTorch API and AAM's PyTorch port.

Thin: each is a class or function of this package, or makes one from the other's keywords. docs/coming-from.md has the
tables. New code is better off with the names of this package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from . import transforms as _transforms
from ._batch import Batch
from ._collate import collate, pad_collate, truncate_collate
from ._loader import DataLoader
from ._masks import causal_mask, length_mask
from ._samples import SampleDataset
from ._sequences import SequenceDataset
from ._tables import Table, read_table
from .cache import Cache
from .community import unifrac
from .errors import ArgumentError
from .models import SequencePredictor
from .tokenizers import Tokenizer
from .transforms import Compose

_STRATEGIES = {"skip": "zero", "mask": "zero", "zero": "zero", "error": "error", "random": "random"}


def _type_of(encoding_type: str | None, sequence_type: str | None, is_rna: bool = False) -> str:
    chosen = encoding_type or sequence_type or ("rna" if is_rna else "dna")
    return chosen.lower()


def _unknown_of(strategy: str) -> str:
    if strategy not in _STRATEGIES:
        raise ArgumentError(f"unknown_strategy: expected {', '.join(_STRATEGIES)}, got {strategy!r}")
    return _STRATEGIES[strategy]


# --- DeepBioP


class OneHotEncoder(_transforms.OneHotEncoder):
    """DeepBioP's: ``encoding_type``, ``unknown_strategy`` ("skip", "mask" and "zero" give a row of zeros), ``seed``."""

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

    def __new__(cls, k: int = 3, canonical: bool = False, encoding_type: str | None = None, **options: Any) -> Any:
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
        cls, mutation_rate: float = 0.01, seed: int | None = None, *, is_rna: bool = False, **options: Any
    ) -> Any:
        """The transform of this package."""
        kind = _type_of(None, options.pop("sequence_type", None), is_rna)
        return _transforms.Mutator(options.pop("rate", mutation_rate), seed, sequence_type=kind, **options)

    @classmethod
    def for_rna(cls, mutation_rate: float = 0.01, seed: int | None = None) -> Any:
        """Of RNA."""
        return cls(mutation_rate, seed, is_rna=True)


class Sampler(_transforms.Sampler):
    """DeepBioP's: ``length``, ``strategy``, ``seed``."""

    def __new__(cls, length: int, strategy: str = "random", seed: int | None = None, **options: Any) -> Any:
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


def create_attention_mask(values: Any, max_length: int | None = None, *, causal: bool = False) -> Tensor:
    """int64 [B, L], 1 where an encoded batch [B, L] is not -1; of lengths [B] bool [B, L], or [B, L, L] when causal."""
    given = torch.as_tensor(values)
    if given.dim() == 2:
        return (given != -1).long()
    return causal_mask(given, max_length) if causal else length_mask(given, max_length)


class TransformerEncoder:
    """DeepBioP's documented encoder for language models: ids 5 + letter, PAD 0, CLS 1, SEP 2, MASK 3, UNK 4."""

    def __init__(
        self, encoding_type: str = "dna", *, add_special_tokens: bool = True, max_length: int | None = None
    ) -> None:
        """Takes the preset ``deepbio-dna``, ``-rna`` or ``-protein``."""
        self.tokenizer = Tokenizer.from_preset(f"deepbio-{encoding_type.lower()}")
        self.add_special_tokens, self.max_length = add_special_tokens, max_length

    def encode_batch(
        self, sequences: Sequence[Any], add_cls: bool = True, add_sep: bool = True, max_length: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Ids and mask, int64 [B, L].

        Raises:
            ArgumentError: one of CLS and SEP without the other.
        """
        if add_cls != add_sep:
            raise ArgumentError(
                f"encode_batch: expected both of add_cls and add_sep or none, got {add_cls} and {add_sep}"
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
    sizes = (ids != pad_id).sum(1, keepdim=True)
    out = torch.nn.functional.pad(ids, (1, 1), value=pad_id)
    out[:, 0] = cls_id
    return out.scatter(1, sizes + 1, sep_id)


# --- AAM


class BIOMLoader:
    """AAM's reader of BIOM tables."""

    def load_table(self, path: Any) -> Table:
        """The table."""
        return read_table(path)

    def rarefy(self, table: Table, depth: int, random_seed: int | None = None) -> Table:
        """``depth`` reads of each sample that has as many."""
        return table.rarefy(depth, seed=0 if random_seed is None else random_seed)


class UniFracComputer:
    """AAM's UniFrac: unweighted and weighted distances of a table on a tree."""

    def compute_unweighted(self, table: Any, tree: Any, **options: Any) -> Any:
        """A DistanceMatrix."""
        return unifrac(table, tree, metric="unweighted", **options)

    def compute_weighted(self, table: Any, tree: Any, **options: Any) -> Any:
        """A DistanceMatrix, normalized."""
        return unifrac(table, tree, metric="weighted_normalized", **options)


class SequenceTokenizer:
    """AAM's vocabulary: padding 0, A 1, C 2, G 3, T 4, START 5, MASK 6."""

    def __init__(self) -> None:
        """The preset "aam"."""
        self.tokenizer = Tokenizer.from_preset("aam")

    def tokenize(self, sequence: Any) -> Tensor:
        """int64 [L + 1], START first."""
        return torch.tensor(self.tokenizer.encode(sequence))

    def pad_sequences(self, sequences: Iterable[Tensor], max_length: int) -> Tensor:
        """int64 [N, max_length], cut or padded with 0."""
        rows = [row[:max_length] for row in sequences]
        return torch.stack([torch.nn.functional.pad(row, (0, max_length - len(row))) for row in rows])


ASVDataset = SampleDataset
SequenceRegressor = SequencePredictor
Transform = Callable[[Any], Any]

__all__ = [
    "ASVDataset",
    "BIOMLoader",
    "Batch",
    "Cache",
    "Compose",
    "DataLoader",
    "Dataset",
    "IntegerEncoder",
    "KmerEncoder",
    "Mutator",
    "OneHotEncoder",
    "ReverseComplement",
    "Sampler",
    "SequenceRegressor",
    "SequenceTokenizer",
    "TransformerEncoder",
    "UniFracComputer",
    "add_special_tokens",
    "create_attention_mask",
    "create_padding_mask",
    "default_collate",
    "default_collate_fn",
    "pad_collate_fn",
    "truncate_collate_fn",
]
