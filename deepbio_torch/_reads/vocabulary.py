"""The vocabulary of a tokenizer.

Tokens, ids and the roles of special tokens, and ids under another numbering.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from .. import _C
from .._arguments import of_kind
from ..errors import ArgumentError

ROLES = ("pad", "unk", "cls", "sep", "mask", "bos", "eos")
_COMPLEMENTS = str.maketrans("ACGTacgt", "TGCAtgca")


class Vocabulary:
    """What is known of the tokens of a tokenizer, under the names that transformers uses.

    Attributes:
        name: of the tokenizer.
    """

    name: str
    _native: _C.Tokenizer
    _special: dict[str, int]

    def decode(self, ids: Sequence[int] | Tensor, *, skip_special_tokens: bool = False) -> str:
        """The text that ids stand for; k-mers that overlap are laid over each other again."""
        values = ids.tolist() if isinstance(ids, Tensor) else [int(i) for i in ids]
        return self._native.decode(values, skip_special_tokens)

    def batch_decode(
        self, rows: Sequence[Sequence[int]] | Tensor, *, skip_special_tokens: bool = False
    ) -> list[str]:
        """The text of each row."""
        return [self.decode(row, skip_special_tokens=skip_special_tokens) for row in rows]

    def __len__(self) -> int:
        return len(self._native)

    @property
    def vocab_size(self) -> int:
        """Number of ids, special and added tokens included: rows of an embedding."""
        return len(self._native)

    def get_vocab(self) -> dict[str, int]:
        """Token to id."""
        return {token: i for i, token in enumerate(self._native.tokens) if token}

    @property
    def special_tokens_map(self) -> dict[str, str]:
        """Role (``pad_token``) to token."""
        return {
            f"{role}_token": self._native.token(i) for role, i in self._special.items() if i >= 0
        }

    @property
    def all_special_tokens(self) -> list[str]:
        """Tokens that stand for no text."""
        return [self._native.token(i) for i in self.all_special_ids]

    def convert_tokens_to_string(self, tokens: Sequence[str]) -> str:
        """The text of tokens."""
        return self.decode(self.convert_tokens_to_ids(list(tokens)))

    def convert_tokens_to_ids(self, tokens: str | Sequence[str]) -> Any:
        """The id of a token, or of each; the unknown token's where there is no such token."""
        if not isinstance(tokens, str):
            return [self.convert_tokens_to_ids(token) for token in tokens]
        found = self._native.id(tokens)
        return self.unk_token_id if found is None else found

    def convert_ids_to_tokens(
        self, ids: int | Sequence[int] | Tensor, skip_special_tokens: bool = False
    ) -> Any:
        """The token of an id, or of each."""
        if isinstance(ids, int):
            return self._native.token(ids)
        skipped = set(self.all_special_ids) if skip_special_tokens else set()
        return [self._native.token(int(i)) for i in ids if int(i) not in skipped]

    @property
    def all_special_ids(self) -> list[int]:
        """Ids of tokens that stand for no text."""
        return self._native.all_special_ids

    @property
    def num_special_tokens(self) -> int:
        """Special tokens that are put around a text."""
        return self._native.num_specials

    def __getattr__(self, name: str) -> Any:
        role, token, kind = name.partition("_token")
        if role in ROLES and token and kind in ("", "_id") and "_special" in self.__dict__:
            found = self.__dict__["_special"][role]
            if found < 0:
                return None
            return found if kind else self._native.token(found)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def complement_map(self) -> Tensor:
        """int64 [V]: the id of each token's complement (not reversed).

        Tokens without one stay as they are.

        ``tok.complement_map()[ids].flip(-1)`` is the other strand, for tokens of one letter.
        """
        vocabulary = self.get_vocab()
        out = torch.arange(len(self))
        for token, i in vocabulary.items():
            if i not in self.all_special_ids:
                out[i] = vocabulary.get(token.translate(_COMPLEMENTS), i)
        return out


def remap_table(old: Vocabulary, new: Vocabulary) -> Tensor:
    """int64 [V of old]: the id in ``new`` of each token of ``old``.

    Special tokens go by their role.

    Tokens that ``new`` does not have become its unknown token.

    Raises:
        ArgumentError: ``new`` lacks a token and has no unknown token.
    """
    for name, each in (("old", old), ("new", new)):
        of_kind(each, Vocabulary, name, "a Tokenizer")
    vocabulary = new.get_vocab()
    roles = {
        i: new._special[role]
        for role, i in old._special.items()
        if i >= 0 and new._special[role] >= 0
    }
    table = torch.empty(len(old), dtype=torch.int64)
    for i, token in enumerate(old._native.tokens):
        found = roles.get(i, vocabulary.get(token, new.unk_token_id))
        if found is None:
            raise ArgumentError(f"remap_table: {new.name} has no {token!r} and no unknown token")
        table[i] = found
    return table


def remap_ids(ids: Tensor, table: Tensor | Mapping[int, int]) -> Tensor:
    """The ids under another numbering, in the same shape.

    From :class:`~deepbio_torch.transforms.IntegerEncoder` (DNA) to the preset "deepbio-dna":
    ``remap_ids(values, {-1: 0, 0: 5, 1: 6, 2: 7, 3: 8})``.

    Args:
        ids: integers of any shape.
        table: new id by old id: a tensor (old ids 0, 1, ...; see :func:`remap_table`) or a mapping.

    Raises:
        ArgumentError: an id that the table does not have.
    """
    of_kind(ids, Tensor, "ids", "a tensor")
    of_kind(table, Tensor | Mapping, "table", "a tensor or a mapping")
    if ids.numel() == 0:
        return ids.to(torch.int64)
    if isinstance(table, Tensor):
        table = dict(enumerate(table.tolist()))
    low, high = int(ids.min()), int(ids.max())
    missing = [i for i in sorted(set(ids.flatten().tolist())) if i not in table]
    if missing:
        raise ArgumentError(f"remap_ids: expected ids of the table, got {missing[0]}")
    dense = torch.tensor(
        [table.get(i, 0) for i in range(low, high + 1)], dtype=torch.int64, device=ids.device
    )
    return dense[ids.to(torch.int64) - low]
