"""What the losses are measured against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from .._arguments import of_kind
from ..errors import ArgumentError, ShapeError


def targets_of(batch: Mapping[str, Any], *, count_target: str = "relative") -> dict[str, Tensor]:
    """What the losses are measured against, under AAM's keys.

    A dict that has these already stays as it is.

    Args:
        batch: a :class:`~deepbio_torch.Batch` of a SampleDataset: ``targets`` become ``target``,
            ``distances`` ``base_target``, ``asv_tokens`` ``nucleotides``, each counted as often as
            its ASV occurs in the batch (``nucleotide_weight`` float32 [U]), and reads what the
            count head predicts.
        count_target: of the reads of a batch: "relative", their share of the sample, as the C++
            trainer's default; or "raw". Counts of a dict that is no such batch stay as they are.
    """
    batch = of_kind(batch, Mapping, "batch", "a Batch or a dict of tensors")
    if "asv_index" not in batch:
        return dict(batch)
    out = {key: value for key, value in batch.items() if isinstance(value, Tensor)}
    for ours, aams in (
        ("targets", "target"),
        ("distances", "base_target"),
        ("asv_tokens", "nucleotides"),
    ):
        if ours in out and aams not in out:
            out[aams] = out[ours]
    if "asv_tokens" in out and "nucleotide_weight" not in out:
        present = out["asv_index"][out["mask"]]
        out["nucleotide_weight"] = torch.bincount(present, minlength=len(out["asv_tokens"])).float()
    if count_target == "relative" and "counts" in out:
        counts = out["counts"] * out["mask"]
        out["counts"] = counts / counts.sum(1, keepdim=True).clamp_min(1e-12)
    return out


def count_mask(targets: Mapping[str, Tensor]) -> Tensor:
    if "mask" in targets:
        return targets["mask"]
    if "tokens" in targets:
        return (targets["tokens"] > 0).any(-1)
    return targets["counts"] > 0


def expect_tensors(**given: Any) -> None:
    """Refuses what is no tensor, by name."""
    for name, tensor in given.items():
        of_kind(tensor, Tensor, name, "a tensor")


def expect_shape(tensor: Tensor, expected: Sequence[int], what: str) -> None:
    """Refuses another shape."""
    if tuple(tensor.shape) != tuple(expected):
        raise ShapeError(f"{what}: expected shape {list(expected)}, got {list(tensor.shape)}")


def expect_finite(tensor: Tensor, what: str) -> None:
    """Refuses NaN and infinity."""
    if not bool(torch.isfinite(tensor).all()):
        raise ArgumentError(f"{what}: expected finite numbers, got NaN or infinity")
