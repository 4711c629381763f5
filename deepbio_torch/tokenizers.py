"""Tokenizers of DNA and protein language models, called as those of Hugging Face.

``Tokenizer.from_preset("dnabert-6")`` builds a vocabulary that follows from a rule,
``Tokenizer.from_file("tokenizer.json")`` reads one that was trained. docs/tokenizers.md lists the
presets.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from . import _C
from ._arguments import path_text
from ._batches.batch import Batch
from ._reads.token_rows import pad_rows
from ._reads.tokenizer_files import load_tokenizer, options_of, save_tokenizer
from ._reads.vocabulary import Vocabulary, remap_ids, remap_table
from .errors import ArgumentError

Text: TypeAlias = str | bytes | bytearray
_CALLS_WATCHED = 8  # for unknown tokens
_TOKENS_THAT_TELL = 100


def presets() -> list[str]:
    """Names that :meth:`Tokenizer.from_preset` knows."""
    return _C.tokenizer_presets()


class Tokenizer(Vocabulary):
    """Texts (``str`` or ``bytes``) to token ids and back.

    Ids are those of the tokenizer it was made from.

    Built by :meth:`from_preset` or :meth:`from_file`. It pickles, works in loader workers, and
    releases the GIL. ``pad_token``, ``pad_token_id`` and so on for ``unk cls sep mask bos eos`` are
    None where there is none. Special tokens written inside of a text (``MK<mask>V``) stand for
    themselves. When more than 1 % of the tokens of a call are unknown, a UserWarning says so once.
    transformers' data collators (padding, MLM) and Trainer take it.

    Attributes:
        model_input_names: the keys that a model wants.
        name: the preset or the path it was made from.
        padding_side: "left" or "right".
        model_max_length: what truncation without ``max_length`` cuts to; None when not known.
    """

    model_input_names = ("input_ids", "attention_mask")

    def __init__(self, native: _C.Tokenizer, source: tuple[str, dict[str, Any]]) -> None:
        """For :meth:`from_preset` and :meth:`from_file`, which know the source."""
        self._native, self._source = native, source
        self.name, self.padding_side = native.name, native.padding_side
        self.model_max_length: int | None = native.max_length or None
        self._special: dict[str, int] = native.special_ids
        self._calls_to_watch = _CALLS_WATCHED
        self._watched = (0, 0)  # unknown tokens and all tokens of these calls

    @classmethod
    def from_preset(
        cls,
        name: str,
        *,
        upper_case: bool = False,
        padding_side: str | None = None,
        **special_tokens: str,
    ) -> Tokenizer:
        """The tokenizer of a published model whose vocabulary follows from a rule.

        Args:
            name: one of :func:`presets`.
            upper_case: lower case reads as upper case even where the model itself takes it as
                unknown.
            padding_side: "left" or "right"; None is the model's own.
            special_tokens: ``pad_token="..."`` and so on, to name another token for a role.

        Raises:
            ArgumentError: an unknown name, or a model whose vocabulary has to be downloaded.
        """
        options = {
            "name": name,
            "upper_case": upper_case,
            **options_of(padding_side, special_tokens),
        }
        return cls._made("preset", options)

    @classmethod
    def from_file(
        cls, path: str | os.PathLike[str], *, padding_side: str | None = None, **special_tokens: str
    ) -> Tokenizer:
        """Reads a Hugging Face ``tokenizer.json``: BPE, WordPiece or WordLevel.

        Args:
            path: the file.
            padding_side: "left" or "right"; None is the file's own.
            special_tokens: ``pad_token="..."`` and so on, for roles that the file does not name.

        Raises:
            MissingFileError: no such file. ParseError: not JSON, with line and byte. ConfigError:
                something in it is damaged or not supported, named.
        """
        path = path_text(path)
        text = _C.read_text(path)
        return cls._made(
            "json", {"json": text, "path": path, **options_of(padding_side, special_tokens)}
        )

    @classmethod
    def _made(cls, kind: str, options: dict[str, Any]) -> Tokenizer:
        make = _C.Tokenizer.from_preset if kind == "preset" else _C.Tokenizer.from_json
        return cls(make(**options), (kind, options))

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str]) -> Tokenizer:
        """The tokenizer of a folder.

        One that :meth:`save_pretrained` wrote, or one with a ``tokenizer.json``.

        Raises:
            MissingFileError: neither is there. As :meth:`from_file`.
        """
        made: Tokenizer = load_tokenizer(cls, folder)
        return made

    def save_pretrained(self, folder: str | os.PathLike[str], **unused: Any) -> tuple[str, ...]:
        """Writes what :meth:`from_pretrained` reads; returns the paths.

        One that was read from a file is a ``tokenizer.json`` as transformers reads it; a preset has
        ``vocab.txt``, a token a line, beside its ``tokenizer_config.json``.
        """
        return save_tokenizer(self, folder)

    def native(self) -> _C.Tokenizer:
        """The C++ tokenizer."""
        return self._native

    # --- texts to ids

    def __call__(
        self,
        texts: Text | Sequence[Text],
        *,
        padding: bool | str = False,
        truncation: bool = False,
        max_length: int | None = None,
        return_tensors: str | None = None,
        add_special_tokens: bool = True,
        padding_side: str | None = None,
        truncation_side: str = "right",
        pad_to_multiple_of: int | None = None,
        return_special_tokens_mask: bool = False,
        return_attention_mask: bool = True,
    ) -> Batch:
        """``input_ids`` and ``attention_mask`` (1 = real) of texts.

        Args:
            texts: a list of str or bytes; or one, which gives rows without the axis B unless
                tensors are asked for.
            padding: True or "longest" pads to the longest, "max_length" to ``max_length``, False
                not at all.
            truncation: True cuts texts to ``max_length`` tokens, special tokens included.
            max_length: for both; None is :attr:`model_max_length`.
            return_tensors: "pt" gives int64 tensors [B, L], "np" NumPy arrays, None lists.
            add_special_tokens: put the model's special tokens around each text.
            padding_side: for this call.
            truncation_side: where tokens are cut off.
            pad_to_multiple_of: round the width up.
            return_special_tokens_mask: adds ``special_tokens_mask``, 1 where a token stands for no
                text.
            return_attention_mask: False leaves it out.

        Raises:
            ArgumentError: a text with a byte that is not ASCII (with its position), tensors of rows
                that differ in length without padding, no padding token, an unknown option value.
        """
        is_one = isinstance(texts, str | bytes | bytearray)
        batch: Sequence[Text] = [texts] if isinstance(texts, str | bytes | bytearray) else texts
        if return_tensors not in (None, "pt", "np"):
            raise ArgumentError(
                f"return_tensors: expected 'pt', 'np' or None, got {return_tensors!r}"
            )
        if padding not in (True, False, "longest", "max_length", "do_not_pad"):
            raise ArgumentError(
                f"padding: expected True, False, 'longest' or 'max_length', got {padding!r}"
            )
        if max_length is not None and max_length < 1:
            raise ArgumentError(f"max_length: expected at least 1, got {max_length}")
        pads = padding not in (False, "do_not_pad")
        limit = self.model_max_length if max_length is None else max_length
        if limit is None and (truncation or padding == "max_length"):
            raise ArgumentError(
                f"max_length: {self.name} knows none, so truncation and "
                "'max_length' padding need it"
            )
        cut = (limit or 0) if truncation else 0
        if not pads and return_tensors is None:
            rows = self._native.encode_rows(batch, add_special_tokens, cut, truncation_side)
            self._watch_rows(rows)
            columns: dict[str, list[list[int]]] = {"input_ids": rows}
            if return_attention_mask:
                columns["attention_mask"] = [[1] * len(row) for row in rows]
            if return_special_tokens_mask:
                columns["special_tokens_mask"] = [self._special_mask(row) for row in rows]
            return Batch({key: column[0] if is_one else column for key, column in columns.items()})
        ids, mask, lengths = self._native.encode_batch(
            batch,
            add_special_tokens,
            cut,
            truncation_side,
            (limit or 0) if padding == "max_length" else 0,
            (pad_to_multiple_of or 0) if pads else 0,
            padding_side or self.padding_side,
        )
        if not pads and len(batch) > 1 and int(lengths.min()) != int(lengths.max()):
            raise ArgumentError(
                f"return_tensors={return_tensors!r}: rows have {int(lengths.min())} to "
                f"{int(lengths.max())} tokens; ask for padding=True"
            )
        self.watch(ids, mask)
        out: dict[str, Any] = {"input_ids": ids}
        if return_attention_mask:
            out["attention_mask"] = mask
        if return_special_tokens_mask:
            out["special_tokens_mask"] = torch.isin(ids, torch.tensor(self.all_special_ids)).long()
        if return_tensors == "np":
            out = {key: value.numpy() for key, value in out.items()}
        elif return_tensors is None:
            out = {
                key: value[0].tolist() if is_one else value.tolist() for key, value in out.items()
            }
        return Batch(out)

    def encode(
        self,
        text: Text,
        *,
        add_special_tokens: bool = True,
        truncation: bool = False,
        max_length: int | None = None,
    ) -> list[int]:
        """The ids of one text, as :meth:`__call__` without padding."""
        row: list[int] = self(
            text,
            add_special_tokens=add_special_tokens,
            truncation=truncation,
            max_length=max_length,
        ).input_ids
        return row

    def encode_batch(
        self, texts: Sequence[Text], *, add_special_tokens: bool = True
    ) -> list[list[int]]:
        """The ids of each text."""
        return self._native.encode_rows(texts, add_special_tokens, 0, "right")

    def tokenize(self, text: Text) -> list[str]:
        """The tokens of one text, without special tokens around it."""
        tokens: list[str] = self.convert_ids_to_tokens(self.encode(text, add_special_tokens=False))
        return tokens

    def pad(
        self,
        encoded_inputs: Any,
        padding: bool | str = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
        verbose: bool = True,
    ) -> Batch:
        """Rows of ids as one batch, as transformers' tokenizers pad: what its data collators call.

        Args:
            encoded_inputs: a list of dicts (samples of a dataset too), or a dict of lists, with
                ``input_ids`` and perhaps ``attention_mask`` and ``special_tokens_mask``. Other keys
                of numbers become tensors too.
            padding: True or "longest", "max_length", or False.
            max_length: for "max_length"; None is :attr:`model_max_length`.
            pad_to_multiple_of: round the width up.
            padding_side: for this call.
            return_attention_mask: False leaves it out.
            return_tensors: "pt", "np" or None for lists.
            verbose: taken as transformers does.

        Raises:
            ArgumentError: no ``input_ids``, no padding token although rows differ.
        """
        options = (
            padding,
            max_length or self.model_max_length,
            pad_to_multiple_of,
            padding_side or self.padding_side,
        )
        return pad_rows(
            self, encoded_inputs, options, return_attention_mask is not False, return_tensors
        )

    def get_special_tokens_mask(
        self,
        token_ids_0: Sequence[int],
        token_ids_1: Any = None,
        already_has_special_tokens: bool = False,
    ) -> list[int]:
        """1 for each special token of a row, 0 for each that stands for text.

        Args:
            token_ids_0: ids.
            token_ids_1: pairs of texts are not made here; expected None.
            already_has_special_tokens: False: of the row with special tokens put around it.
        """
        if token_ids_1 is not None:
            raise ArgumentError("get_special_tokens_mask: expected one text, got a pair")
        mask = self._special_mask([int(i) for i in token_ids_0])
        if already_has_special_tokens:
            return mask
        around = self._native.encode_rows([""], True, 0, "right")[0]
        before = len(self._native.before)
        return [1] * before + mask + [1] * (len(around) - before)

    def _special_mask(self, row: Sequence[int]) -> list[int]:
        special = set(self.all_special_ids)
        return [int(i in special) for i in row]

    def watch(self, ids: Tensor, mask: Tensor) -> None:
        """Warns once when more than 1 % of the tokens of one of the first calls are unknown."""
        unknown = self._special["unk"]
        if self._calls_to_watch <= 0 or unknown < 0:
            return
        self._warn_of(int((ids == unknown).sum()), int(mask.sum()))

    def _watch_rows(self, rows: Sequence[list[int]]) -> None:
        unknown = self._special["unk"]
        if self._calls_to_watch > 0 and unknown >= 0:
            self._warn_of(sum(row.count(unknown) for row in rows), sum(map(len, rows)))

    def _warn_of(self, num_unknown: int, num_tokens: int) -> None:
        self._calls_to_watch -= 1
        num_unknown, num_tokens = num_unknown + self._watched[0], num_tokens + self._watched[1]
        self._watched = (num_unknown, num_tokens)
        is_telling = (
            num_tokens >= _TOKENS_THAT_TELL or num_unknown * 2 > num_tokens
        )  # one N in one read is nothing
        if not is_telling or num_unknown * 100 <= num_tokens:
            return
        self._calls_to_watch = 0
        share = 100 * num_unknown / num_tokens
        warnings.warn(
            f"{self.name}: {share:.3g} % of the tokens are unknown to it ({self.unk_token}). Is "
            "the text of another alphabet, or in lower case (from_preset(..., upper_case=True)), "
            "or RNA for a model of DNA?",
            stacklevel=4,
        )

    # --- ids to text

    def __getstate__(self) -> dict[str, Any]:
        return {
            "source": self._source,
            "padding_side": self.padding_side,
            "max_length": self.model_max_length,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        made = self._made(*state["source"])
        self.__init__(made._native, made._source)  # type: ignore[misc]
        self.padding_side, self.model_max_length = state["padding_side"], state["max_length"]

    @property
    def source(self) -> tuple[str, dict[str, Any]]:
        """What it was made from: "preset" or "json", and the options."""
        return self._source

    @classmethod
    def from_source(cls, kind: str, options: dict[str, Any]) -> Tokenizer:
        """The tokenizer that has this :attr:`source`."""
        return cls._made(kind, options)

    def __repr__(self) -> str:
        roles = "".join(f", {role}={i}" for role, i in self._special.items() if i >= 0)
        return (
            f"Tokenizer({self.name!r}, {len(self)} tokens, "
            f"padding_side={self.padding_side!r}{roles})"
        )


__all__ = ["Tokenizer", "presets", "remap_ids", "remap_table"]
