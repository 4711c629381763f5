"""Experiments on sequences with any torch model: variants, mutations, motifs, shuffled backgrounds.

Windows are one-hot float tensors [B, 4, L] in the order A, C, G, T, as :class:`GenomeDataset` makes
them; N is four zeros. A model takes such windows; its output [B] is one track, [B, K] are K tracks,
and of [B, K, P] (profiles) the positions are summed. It is called without gradients and in
evaluation mode.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._arguments import of_kind, seed_of, whole
from ._batches.shuffle import shuffled_pairs
from ._model.scoring import Scores, evaluated
from ._model.variant_scores import VariantEffects, score_variants
from .errors import ArgumentError, ShapeError

__all__ = [
    "VariantEffects",
    "insert_motif",
    "saturation_mutagenesis",
    "score_variants",
    "shuffle_dinucleotides",
]

_BASES = "ACGT"


def shuffle_dinucleotides(
    sequences: Tensor | Sequence[str], *, count: int = 1, seed: int | None = 0
) -> Any:
    """Random sequences with exactly the same dinucleotides: a background without the motifs.

    First and last letter stay; each of the possible orders has the same chance. N (four zeros of
    one-hot, any other letter of text) counts as a letter of its own.

    Args:
        sequences: one-hot [B, 4, L], or a list of text.
        count: shuffles of each sequence.
        seed: shuffle s of sequence i is drawn by (seed, i, s) only; None takes one from torch's
            generator.

    Returns:
        As given: [B, 4, L], or [B, count, 4, L] with ``count`` above 1; a list of text, or of
        lists.

    Raises:
        ShapeError, ArgumentError: no one-hot windows, ``count`` below 1.
    """
    if whole(count, "count") < 1:
        raise ArgumentError(f"count: expected 1 or more, got {count}")
    seed = seed_of(seed)
    if not isinstance(sequences, Tensor):
        texts = _texts(sequences)
        drawn = [_shuffled_texts(text, count, seed, i) for i, text in enumerate(texts)]
        return [each[0] for each in drawn] if count == 1 else drawn
    codes = _codes_of(sequences)
    orders = np.zeros((len(codes) * count, codes.shape[1]), dtype=np.int64)
    for i, row in enumerate(codes.numpy()):
        for s in range(count):
            orders[i * count + s] = shuffled_pairs(row, seed, i, s)
    # The zeros of N are a fifth row, which is left out again.
    rows = torch.eye(5, 4, dtype=sequences.dtype)[torch.from_numpy(orders)].transpose(1, 2)
    out = rows.contiguous().to(sequences.device)
    return out if count == 1 else out.reshape(len(codes), count, 4, codes.shape[1])


def saturation_mutagenesis(
    model: Callable[..., Any],
    sequences: Tensor,
    *,
    start: int = 0,
    end: int | None = None,
    batch_size: int = 256,
    output: Callable[[Any], Tensor] | None = None,
    device: torch.device | str | None = None,
) -> Tensor:
    """What every single substitution does to the output of a model.

    Args:
        model: takes one-hot windows [B, 4, L].
        sequences: one-hot [B, 4, L].
        start: first position to change.
        end: the one after the last; None: L.
        batch_size: mutants at a time.
        output: makes the scores [B] or [B, K] of what the model returns.
        device: where the model is; None: where its parameters are, else the CPU.

    Returns:
        float32 [B, 4, end - start], or [B, K, 4, end - start] of K tracks: the output with base A,
        C, G or T at a position less that of the sequence as it is; 0 for the base that is there.

    Raises:
        ShapeError, ArgumentError: no one-hot windows, positions outside of them.
    """
    codes, length = _codes_of(sequences), sequences.shape[-1]
    end = length if end is None else end
    if not 0 <= whole(start, "start") < whole(end, "end") <= length:
        raise ArgumentError(
            f"start, end: expected 0 <= start < end <= {length}, got {start}, {end}"
        )
    if whole(batch_size, "batch_size") < 1:
        raise ArgumentError(f"batch_size: expected 1 or more, got {batch_size}")
    scores = Scores(model, output, device)
    rows, positions = torch.meshgrid(
        torch.arange(len(codes)), torch.arange(start, end), indexing="ij"
    )
    mutants = torch.stack([rows, positions], 2)[:, :, None].expand(-1, -1, 4, -1)
    bases = torch.arange(4).expand(len(codes), end - start, 4)
    is_other = bases != codes[:, start:end, None]
    places, changed = mutants[is_other], bases[is_other]  # [M, 2] row and position, [M]
    with evaluated(model):
        kept = _in_batches(scores, sequences, batch_size)
        parts = []
        for first in range(0, len(changed), batch_size):
            row, position = places[first : first + batch_size].unbind(1)
            base = changed[first : first + batch_size]
            windows = sequences[row.to(sequences.device)].clone()
            here = torch.arange(len(row))
            windows[here, :, position] = 0
            windows[here, base, position] = 1
            parts.append(scores(windows).values - kept[row])
    return _filled(torch.cat(parts), is_other, kept)


def insert_motif(
    sequences: Tensor, motif: str | Tensor, position: int | Sequence[int] | Tensor | None = None
) -> Tensor:
    """Windows with a motif written over the letters at a position; their length stays.

    Args:
        sequences: one-hot [B, 4, L].
        motif: letters of ACGT, or one-hot or weights [4, M].
        position: of its first letter, one for all windows or one for each; None: in the middle.

    Returns:
        A new tensor [B, 4, L].

    Raises:
        ShapeError, ArgumentError: other letters, a motif over the end of a window.
    """
    _check_windows(sequences)
    letters = _motif_of(motif).to(sequences)
    length, size = sequences.shape[-1], letters.shape[1]
    if size > length:
        raise ArgumentError(
            f"motif: expected at most {length} letters, as the windows have, got {size}"
        )
    if position is None:
        position = (length - size) // 2
    firsts = torch.as_tensor(position, device="cpu")
    if firsts.ndim == 0:
        firsts = firsts.expand(len(sequences))
    if firsts.shape != (len(sequences),):
        raise ShapeError(
            f"position: expected one, or one for each of {len(sequences)} windows, got "
            f"{list(firsts.shape)}"
        )
    if len(firsts) and not 0 <= int(firsts.min()) <= int(firsts.max()) <= length - size:
        bad = firsts[(firsts < 0) | (firsts > length - size)][0]
        raise ArgumentError(
            f"position: expected 0 to {length - size} for {size} letters in windows of {length}, "
            f"got {int(bad)}"
        )
    out = sequences.clone()
    columns = (firsts[:, None] + torch.arange(size)).to(sequences.device)
    rows = torch.arange(len(sequences), device=sequences.device)[:, None]
    out[rows, :, columns] = letters.T
    return out


def _in_batches(scores: Scores, sequences: Tensor, size: int) -> Tensor:
    return torch.cat([scores(each).values for each in torch.split(sequences, size)])


def _filled(effects: Tensor, is_other: Tensor, kept: Tensor) -> Tensor:
    """Effects [M] or [M, K] at their places, 0 elsewhere."""
    out = torch.zeros((*is_other.shape, *kept.shape[1:]))
    out[is_other] = effects
    return out.movedim((2, 1), (-2, -1)) if out.ndim == 4 else out.transpose(1, 2)


def _check_windows(sequences: Any) -> None:
    of_kind(sequences, Tensor, "sequences", "a one-hot tensor [B, 4, L]")
    if sequences.ndim != 3 or sequences.shape[1] != 4 or not sequences.is_floating_point():
        raise ShapeError(
            f"sequences: expected one-hot float windows [B, 4, L], got {sequences.dtype} "
            f"{list(sequences.shape)}"
        )


def _codes_of(sequences: Tensor) -> Tensor:
    """int64 [B, L] on the CPU: 0 to 3, and 4 for N."""
    _check_windows(sequences)
    total, most = sequences.sum(1), sequences.amax(1)
    is_one_hot = ((sequences == 0) | (sequences == 1)).all() and ((total == 0) | (total == 1)).all()
    if not is_one_hot:
        raise ArgumentError("sequences: expected one-hot windows (0 and 1), got other numbers")
    return torch.where(most == 0, 4, sequences.argmax(1)).cpu()


def _texts(sequences: Any) -> list[str]:
    if isinstance(sequences, str | bytes) or not all(isinstance(each, str) for each in sequences):
        raise ArgumentError(
            "sequences: expected a one-hot tensor [B, 4, L] or a list of str, got "
            f"{sequences!r:.60}"
        )
    return list(sequences)


def _shuffled_texts(text: str, count: int, seed: int, row: int) -> list[str]:
    letters = np.array(list(text), dtype=np.str_)
    known, codes = np.unique(letters, return_inverse=True)
    return [
        "".join(known[shuffled_pairs(codes.astype(np.int64), seed, row, s)]) if text else ""
        for s in range(count)
    ]


def _motif_of(motif: Any) -> Tensor:
    if isinstance(motif, Tensor):
        if motif.ndim != 2 or motif.shape[0] != 4:
            raise ShapeError(f"motif: expected letters or [4, M], got {list(motif.shape)}")
        return motif
    text = str(of_kind(motif, str, "motif", "letters or a tensor [4, M]")).upper()
    if not text or set(text) - set(_BASES):
        raise ArgumentError(f"motif: expected letters of ACGT, got {motif!r}")
    return torch.eye(4)[[_BASES.index(letter) for letter in text]].T
