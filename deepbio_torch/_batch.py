"""The batch that travels: a dict of tensors with attribute access, and how samples become one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from .errors import ArgumentError


class Batch(dict[str, Any]):
    """A dict of tensors and lists; ``batch.lengths`` is ``batch["lengths"]``.

    Reads: ``sequences`` (one-hot float32 [B, L, A] or integers int64 [B, L]) or ``input_ids`` and ``attention_mask``
    int64 [B, L]; ``lengths`` int64 [B]; ``quality`` float32 [B, L]; ``labels``; ``ids``, ``metadata`` lists.
    Samples: ``asv_tokens`` [U, L], ``asv_index``, ``mask``, ``counts`` [B, S], ``distances`` [B, B], ``targets``,
    ``sample_ids`` (see docs/sample-batches.md). Masks: True or 1 = real.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"batch has no {name!r}; it has {', '.join(self)}") from None

    def _map(self, change: Callable[[Tensor], Tensor]) -> Batch:
        return Batch({key: change(value) if isinstance(value, Tensor) else value for key, value in self.items()})

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Batch:
        """The batch with its tensors on ``device``."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Batch:
        """The batch with its tensors in pinned memory (needs an accelerator)."""
        return self._map(lambda tensor: tensor.pin_memory())

    def __repr__(self) -> str:
        parts = [
            f"{key}={str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
            if isinstance(value, Tensor)
            else f"{key}=[{len(value)}]"
            for key, value in self.items()
        ]
        return f"Batch({', '.join(parts)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Batch, (dict(self),)


def _pad(tensors: Sequence[Tensor], width: int | None, value: float) -> Tensor:
    """Tensors [L, ...] as one [B, width, ...]."""
    longest = max(tensor.shape[0] for tensor in tensors)
    if width is None:
        width = longest
    elif longest > width:
        raise ArgumentError(f"pad_to is {width} and a read has {longest} letters; use truncate_collate to cut it")
    out = tensors[0].new_full((len(tensors), width, *tensors[0].shape[1:]), value)
    for row, tensor in zip(out, tensors, strict=True):
        row[: tensor.shape[0]] = tensor
    return out


def _collate(samples: Any, width: int | None = None, value: float | None = None, limit: int | None = None) -> Batch:
    if isinstance(samples, Batch):  # made whole by __getitems__
        return samples
    out = Batch()
    sequences = [sample["sequence"] for sample in samples]
    if all(isinstance(sequence, Tensor) for sequence in sequences):
        cut = [sequence[:limit] for sequence in sequences]
        fill = value if value is not None else (0 if cut[0].is_floating_point() else -1)
        out["sequences"] = _pad(cut, width, fill)
        out["lengths"] = torch.tensor([sequence.shape[0] for sequence in cut])
        qualities = [sample.get("quality") for sample in samples]
        if all(isinstance(quality, Tensor) for quality in qualities):
            out["quality"] = _pad([quality[:limit] for quality in qualities], width, 0)
    else:
        out["sequences"] = [sequence[:limit] for sequence in sequences]
        out["lengths"] = torch.tensor([len(sequence) for sequence in out["sequences"]])
    labels = [sample.get("label") for sample in samples]
    if all(label is not None for label in labels):
        out["labels"] = torch.tensor(labels)
    out["ids"] = [sample["id"] for sample in samples]
    out["metadata"] = [sample.get("metadata") for sample in samples]
    return out


def collate(samples: Any) -> Batch:
    """A batch from sample dicts, padded to the longest; a batch made whole by the dataset passes through."""
    return _collate(samples)


class pad_collate:  # noqa: N801 - called like the function it stands in for
    """Collates to the longest read, or to ``pad_to``; integers pad with -1 unless ``padding_value`` says otherwise."""

    def __init__(self, padding_value: float | None = None, pad_to: int | None = None) -> None:
        self.padding_value, self.pad_to = padding_value, pad_to

    def __call__(self, samples: Any) -> Batch:
        """Sample dicts to a batch. Raises ArgumentError when a read is longer than ``pad_to``."""
        return _collate(samples, self.pad_to, self.padding_value)


class truncate_collate:  # noqa: N801
    """Collates and cuts reads after ``max_length`` letters."""

    def __init__(self, max_length: int) -> None:
        if max_length < 1:
            raise ArgumentError(f"max_length: expected at least 1, got {max_length}")
        self.max_length = max_length

    def __call__(self, samples: Any) -> Batch:
        """Sample dicts to a batch."""
        return _collate(samples, limit=self.max_length)
