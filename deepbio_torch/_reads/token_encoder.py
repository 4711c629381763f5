"""Tokens of a model as an encoder of reads.

A Tokenizer at work on samples and, in C++, on batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from .. import _C
from .._arguments import letters
from .._batches.batch import Layout, Sample, mark_padding
from ..errors import ArgumentError, WrongTypeError
from ..tokenizers import Tokenizer
from .augment import (
    Letters,
    bytes_of,
)
from .encoders import NativeEncoder


class TokenEncoder(NativeEncoder):
    """Token ids of a language model: ``input_ids`` and ``attention_mask`` (1 = real), int64 [L].

    Args:
        tokenizer: a :class:`~deepbio_torch.tokenizers.Tokenizer`.
        max_length: tokens kept of each sequence, special tokens included; None keeps all.
        pad_to: tokens of every result; None pads a batch to its longest.
        pad_to_multiple_of: round the width of a batch up.
        add_special_tokens: put the model's special tokens around each sequence.
        sequence_type: of the dataset it is used in; None fits all.

    Raises (when encoding):
        ArgumentError: texts differ in length and the tokenizer has no padding token; more than
        ``pad_to`` tokens.
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
        super().__init__(
            sequence_type or "dna",
            "zero",
            pad_to=pad_to,
            max_length=max_length,
            quality=None,
            seed=0,
        )
        if pad_to_multiple_of is not None and pad_to_multiple_of < 1:
            raise ArgumentError(
                f"pad_to_multiple_of: expected at least 1 or None, got {pad_to_multiple_of}"
            )
        if not isinstance(tokenizer, Tokenizer):
            raise WrongTypeError(
                "tokenizer: expected a Tokenizer of deepbio_torch.tokenizers, got "
                f"{tokenizer!r:.80}"
            )
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

    def encode(self, sequence: Letters) -> Tensor:
        """One sequence to its ids, int64 [L]: :meth:`encode_batch` without the axis B."""
        return self.encode_batch([letters(sequence, type(self).__name__)])[0]

    def _encode(
        self,
        sequences: Sequence[Letters],
        records: Sequence[int],
        epoch: int,
        qualities: Sequence[bytes],
    ) -> tuple[Tensor, Tensor]:
        ids, mask, _ = self.tokenizer.native().encode_batch(
            sequences,
            **self.options(),
            truncation_side="right",
            padding_side=self.tokenizer.padding_side,
        )
        self.tokenizer.watch(ids, mask)
        return ids, mask

    def __call__(self, sample: Sample) -> Sample:
        """The sample with ids and ``attention_mask`` in place of ``sequence`` and ``quality``."""
        read = bytes_of(sample, type(self).__name__)
        ids, mask = self._encode([read], [], 0, [])
        out = Sample(
            {key: value for key, value in sample.items() if key not in ("sequence", "quality")}
        )
        layout = self.layout()
        out["input_ids"], out["attention_mask"] = (
            mark_padding(ids[0], layout.pad_id, layout.pads_left),
            mask[0],
        )
        out.letters = len(read)
        out.pad_id, out.pads_left = layout.pad_id, layout.pads_left
        return out

    def __repr__(self) -> str:
        shown = ", ".join(f"{key}={value!r}" for key, value in self.options().items())
        return f"TokenEncoder({self.tokenizer!r}, {shown})"
