"""Weights and samplers for classes of unequal size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Sampler as _TorchSampler

from .. import _C
from .._arguments import seed_of
from ..errors import ArgumentError


def numbers_of(expected: str, values: Any, dtype: torch.dtype | None = None) -> Tensor:
    try:
        return torch.as_tensor(values, dtype=dtype)
    except (TypeError, ValueError, RuntimeError):
        raise ArgumentError(f"{expected}, got {values!r:.80}") from None


def class_tensor(labels: Any) -> Tensor:
    values = numbers_of("labels: expected class ids [N]", getattr(labels, "labels", labels))
    if values.is_floating_point() or values.dim() != 1 or len(values) == 0:
        raise ArgumentError(
            f"labels: expected class ids [N], got {values.dtype} of shape {list(values.shape)}"
        )
    if values.min() < 0:
        raise ArgumentError(f"labels: expected class ids of 0 or more, got {values.min().item()}")
    return values.long()


def class_weights(labels: Any) -> Tensor:
    """N / (classes * count) for each class, float32 [C].

    The weights that make a loss count all classes equally.

    Args:
        labels: class ids [N], or a dataset that has them.
    """
    values = class_tensor(labels)
    counts = torch.bincount(values)
    present = int((counts > 0).sum())
    return torch.where(counts > 0, len(values) / (present * counts.clamp(min=1)), 0.0).float()


class WeightedSampler(_TorchSampler[int]):
    """Indices drawn with replacement in proportion to weights, by (seed, epoch)."""

    def __init__(
        self, weights: Any, num_samples: int | None = None, *, seed: int | None = 0
    ) -> None:
        """As :func:`weighted_sampler`."""
        self._weights = numbers_of("weights: expected numbers [N]", weights, torch.float64)
        if (
            self._weights.dim() != 1
            or not bool((self._weights >= 0).all())
            or not 0 < self._weights.sum() < math.inf
        ):
            raise ArgumentError(
                f"weights: expected numbers [N] of 0 or more, not all 0, got {weights!r}"
            )
        self.num_samples = len(self._weights) if num_samples is None else num_samples
        if self.num_samples < 1:
            raise ArgumentError(f"num_samples: expected at least 1, got {num_samples}")
        self._moves = seed is None
        self.seed, self.epoch = seed_of(seed), 0

    def set_epoch(self, epoch: int) -> None:
        """Another epoch draws anew."""
        self.epoch, self._moves = epoch, False

    def __len__(self) -> int:
        return self.num_samples

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(_C.mixed_seed(self.seed, self.epoch))
        if self._moves:
            self.epoch += 1
        ends = self._weights.cumsum(0)
        places = torch.rand(self.num_samples, generator=generator, dtype=torch.float64) * ends[-1]
        last = int(
            self._weights.nonzero()[-1]
        )  # rounding must not reach an index of weight 0 behind it
        yield from torch.searchsorted(ends, places, right=True).clamp(max=last).tolist()


def weighted_sampler(
    weights: Any, num_samples: int | None = None, *, seed: int | None = 0
) -> WeightedSampler:
    """A sampler for both DataLoaders that draws each index in proportion to its weight.

    Args:
        weights: one for each record, 0 or more.
        num_samples: indices per epoch, drawn with replacement; None: as many as there are records.
        seed: of the draws; ``set_epoch`` draws anew. None takes a seed from torch's generator, and
            each iteration draws anew.
    """
    return WeightedSampler(weights, num_samples, seed=seed)


def balanced_sampler(
    labels: Any, num_samples: int | None = None, *, seed: int | None = 0
) -> WeightedSampler:
    """A sampler for ``sampler=`` of both DataLoaders that draws every class equally often.

    Args:
        labels: class ids [N], or a dataset that has them.
        num_samples: indices per epoch; None: as many as there are records.
        seed: of the draws; ``set_epoch`` draws anew. None takes a seed from torch's generator, and
            each iteration draws anew.
    """
    values = class_tensor(labels)
    return WeightedSampler(class_weights(values)[values], num_samples, seed=seed)
