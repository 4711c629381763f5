"""What arguments of a loader do not go together."""

from __future__ import annotations

from typing import Any

from .._arguments import whole
from ..errors import ArgumentError
from .order import rank_of


def check_sizes(loader: Any, max_tokens: int | None) -> None:
    """Refuses a number that is too small."""
    least = {
        "batch_size": (loader.batch_size, 1),
        "num_workers": (loader.num_workers, 0),
        "max_tokens": (max_tokens, 1),
        "prefetch_factor": (loader.prefetch_factor, 1),
    }
    for name, (value, lowest) in least.items():
        if value is not None and whole(value, name) < lowest:
            wanted = "0 or more" if lowest == 0 else f"at least {lowest}"
            raise ArgumentError(f"{name}: expected {wanted}, got {value}")
    rank_of(*loader._part)


def check_fit(loader: Any) -> None:
    """Refuses arguments of which one has no meaning beside another."""
    if loader.batch_sampler is not None and (
        loader.batch_size != 1 or loader.shuffle or loader.sampler is not None or loader.drop_last
    ):
        raise ArgumentError(
            "batch_sampler: expected none of batch_size, shuffle, sampler and drop_last beside it"
        )
    if loader.batch_size is None and loader.drop_last:
        raise ArgumentError("batch_size=None gives single items: expected drop_last=False")
    if loader._by_length and (
        loader._has_sampler or loader.batch_size is None or not hasattr(loader.dataset, "lengths")
    ):
        raise ArgumentError(
            "length_buckets, max_tokens: expected a dataset with lengths and no sampler"
        )
    if loader.sampler is not None and loader.shuffle:
        raise ArgumentError("sampler: expected shuffle=False, the sampler gives the order")
    parts = loader._part[1] or 1
    if loader._is_iterable and (
        loader.shuffle or loader._has_sampler or loader._by_length or parts > 1
    ):
        raise ArgumentError(
            "dataset: a stream has its own order and ranks (shuffle_buffer, rank, world_size); "
            "expected none of shuffle, sampler, length_buckets, max_tokens and world_size here"
        )
