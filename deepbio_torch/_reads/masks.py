"""Masks of padded batches, and the padded layout of samples.

Masks are True where something is real.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .._arguments import of_kind, whole
from ..errors import ArgumentError, WrongTypeError


def tensor_of(values: Any, name: str) -> Tensor:
    """Numbers as a tensor.

    Raises:
        WrongTypeError: something else.
    """
    try:
        return torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError):
        raise WrongTypeError(f"{name}: expected a tensor of numbers, got {values!r:.60}") from None


def length_mask(lengths: Any, max_length: int | None = None) -> Tensor:
    """Bool [B, L]: True at the first ``lengths[b]`` positions.

    Args:
        lengths: int64 [B].
        max_length: L; None is the longest.

    Raises:
        ArgumentError: negative lengths, or a longer one than ``max_length``.
    """
    sizes = tensor_of(lengths, "lengths")
    if sizes.dim() != 1 or sizes.is_floating_point() or (len(sizes) and int(sizes.min()) < 0):
        raise ArgumentError(
            f"lengths: expected whole numbers [B] of 0 or more, got {lengths!r:.60}"
        )
    longest = int(sizes.max()) if len(sizes) else 0
    width = longest if max_length is None else whole(max_length, "max_length")
    if longest > width:
        raise ArgumentError(
            f"max_length: expected at least {longest}, the longest, got {max_length}"
        )
    return torch.arange(width, device=sizes.device) < sizes.unsqueeze(1)


def causal_mask(lengths: Any, max_length: int | None = None) -> Tensor:
    """Bool [B, L, L]: True where position i may look at position j: j is real and not after i."""
    keys = length_mask(lengths, max_length)
    width = keys.shape[1]
    before = torch.ones(width, width, dtype=torch.bool, device=keys.device).tril()
    return before & keys.unsqueeze(1)


def padded_tokens(batch: Mapping[str, Any]) -> Tensor:
    """AAM's layout of a batch of samples: tokens int64 [B, S, L], 0 under padding.

    Raises:
        ArgumentError: not a batch of a SampleDataset.
    """
    batch = of_kind(batch, Mapping, "padded_tokens", "a batch of a SampleDataset")
    missing = [key for key in ("asv_tokens", "asv_index", "mask") if key not in batch]
    if missing:
        raise ArgumentError(
            f"padded_tokens: expected a batch of a SampleDataset, {missing[0]!r} is not in it"
        )
    tokens: Tensor = batch["asv_tokens"][batch["asv_index"]]
    padded: Tensor = tokens * batch["mask"].unsqueeze(-1)
    return padded
