"""Scores that a torch model gives to windows: a number per track, in evaluation mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .. import _C
from ..errors import ArgumentError, ShapeError


class Scored(NamedTuple):
    """What a model gave to B windows.

    Attributes:
        values: float32 [B], or [B, K] of K tracks, on the CPU.
    """

    values: Tensor

    def matrix(self) -> Tensor:
        """float32 [B, K]."""
        return self.values[:, None] if self.values.ndim == 1 else self.values


class Scores:
    """Calls a model on batches.

    Args:
        model: a module or a function of tensors.
        output: makes [B] or [B, K] of what the model returns; None takes a tensor of one of these
            shapes, or [B, K, P], whose positions are summed.
        device: where the model is; None: where its parameters are, else the CPU.
        has_both_strands: scores are the mean of both strands.
    """

    def __init__(
        self,
        model: Callable[..., Any],
        output: Callable[[Any], Tensor] | None,
        device: torch.device | str | None,
        has_both_strands: bool = False,
    ) -> None:
        """Nothing is called yet."""
        self._model, self._output, self._has_both_strands = model, output, has_both_strands
        here = _device_of(model)
        named = "" if device is None else str(device)
        self._device = torch.device(_C.device_name(named, str(here)))

    @torch.no_grad()
    def __call__(self, *inputs: Tensor) -> Scored:
        """The scores of a batch.

        Raises:
            ShapeError: an output of another shape. ArgumentError: both strands of tokens.
        """
        given = [each.to(self._device) for each in inputs]
        scores = self._of(given)
        if self._has_both_strands:
            if len(given) > 1 or given[0].ndim != 3 or given[0].shape[1] != 4:
                raise ArgumentError(
                    "reverse_complement: expected one-hot windows [B, 4, L], got "
                    f"{list(given[0].shape)}"
                )
            scores = (scores + self._of([given[0].flip(1, 2)])) / 2
        return Scored(scores.cpu())

    def _of(self, inputs: list[Tensor]) -> Tensor:
        out = self._model(*inputs)
        if self._output is not None:
            out = self._output(out)
        rows = len(inputs[0])
        if not isinstance(out, Tensor) or not 1 <= out.ndim <= 3 or len(out) != rows:
            got = list(out.shape) if isinstance(out, Tensor) else type(out).__name__
            raise ShapeError(
                f"model: expected an output [{rows}], [{rows}, K] or [{rows}, K, P], got {got}; "
                "`output` can make one"
            )
        return out.float().sum(2) if out.ndim == 3 else out.float()


@contextmanager
def evaluated(model: Any) -> Iterator[None]:
    """A module is in evaluation mode inside, and as it was after."""
    was_training = isinstance(model, nn.Module) and model.training
    if was_training:
        model.eval()
    try:
        yield
    finally:
        if was_training:
            model.train()


def _device_of(model: Any) -> torch.device:
    parameter = next(model.parameters(), None) if isinstance(model, nn.Module) else None
    return torch.device("cpu") if parameter is None else parameter.device
