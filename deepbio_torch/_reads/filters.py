"""Filters: which reads stay.

Each answers True or False for a read and draws nothing, but for Subsampler.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _C
from .._arguments import letters, number, seed_of, whole, word
from .._batches.batch import Sample
from ..errors import ArgumentError
from .augment import Letters, NativeTransform, bytes_of, quality_bytes


class Filter(NativeTransform):
    """A native transform that lets reads pass or drops them.

    Called on a sample it gives the sample or None. In the transform of a SequenceDataset a filter
    chooses records when the files are opened, so it must stand before random steps and Python
    callables.
    """

    def passes(self, sequence: Letters, quality: bytes | None = None, *, record: int = 0) -> bool:
        """Whether a read stays."""
        read = letters(sequence, type(self).__name__)
        return (
            self._run([read], [quality_bytes(quality)], [whole(record, "record")], 0)[0] is not None
        )


class LengthFilter(Filter):
    """Reads of ``min_length`` to ``max_length`` letters, both included; None: no limit."""

    uses_quality = False

    def __init__(self, min_length: int | None = None, max_length: int | None = None) -> None:
        """Checks the options."""
        lowest = 0 if min_length is None else whole(min_length, "min_length")
        longest = 0 if max_length is None else whole(max_length, "max_length")
        if max_length is not None and longest < 1:
            raise ArgumentError(f"max_length: expected at least 1 or None, got {max_length}")
        native = _C.LengthFilter(lowest, longest)
        super().__init__(native, min_length=min_length, max_length=max_length)


class QualityFilter(Filter):
    """Reads whose scores have at least this mean, and none below ``min_base_quality``."""

    def __init__(
        self, min_mean_quality: float | None = None, min_base_quality: int | None = None
    ) -> None:
        """Checks the options."""
        mean = 0.0 if min_mean_quality is None else number(min_mean_quality, "min_mean_quality")
        native = _C.QualityFilter(
            mean, 0 if min_base_quality is None else whole(min_base_quality, "min_base_quality")
        )
        super().__init__(
            native, min_mean_quality=min_mean_quality, min_base_quality=min_base_quality
        )


class Subsampler(Filter):
    """A part of the records, by their number over all files.

    One of a share, every n-th, or the first n.

    Args:
        fraction: share of the records, drawn by seed and number, the same in every epoch.
        every_nth: records 0, n, 2n, ...
        first_n: the first n records.
        seed: of ``fraction``; None takes one from torch's generator.
    """

    uses_quality = False

    def __init__(
        self,
        fraction: float | None = None,
        *,
        every_nth: int | None = None,
        first_n: int | None = None,
        seed: int | None = 0,
    ) -> None:
        """Checks the options."""
        seed = seed_of(seed)
        given = {"fraction": fraction, "every_nth": every_nth, "first_n": first_n}
        chosen = [(name, value) for name, value in given.items() if value is not None]
        if len(chosen) != 1:
            raise ArgumentError(
                f"Subsampler: expected one of fraction, every_nth and first_n, got {dict(chosen)}"
            )
        (name, value), *_ = chosen
        value = number(value, name) if name == "fraction" else whole(value, name)
        super().__init__(_C.Subsampler(name, value, seed), **{name: value}, seed=seed)


class Deduplicator(Filter):
    """Drops records whose sequence occurred before, case respected.

    Args:
        keep: "first" keeps the first of equal sequences, "none" drops all that have a copy.

    Called directly it remembers what it saw: :meth:`passes`, :meth:`is_duplicate`,
    :attr:`unique_count`, :meth:`clear`.
    """

    uses_quality = False

    def __init__(self, keep: str = "first") -> None:
        """Checks the options."""
        super().__init__(_C.Deduplicator(word(keep, "keep")), keep=keep)
        self._seen = _C.DuplicateCounter()

    def is_duplicate(self, sequence: Letters) -> bool:
        """Whether this sequence was seen before; it is not remembered."""
        return self._seen.count(sequence) > 0

    def passes(self, sequence: Letters, quality: bytes | None = None, *, record: int = 0) -> bool:
        """Whether this sequence is seen for the first time; it is remembered.

        Only for ``keep="first"``.
        """
        if self._options["keep"] != "first":
            raise ArgumentError(
                'Deduplicator(keep="none"): needs all records at once; use filter() or a '
                "SequenceDataset"
            )
        return self._seen.add(sequence) == 1

    def filter(self, sequences: Sequence[Letters]) -> list[Letters]:
        """The sequences that stay, of a list seen whole."""
        counter = _C.DuplicateCounter()
        order = [counter.add(sequence) for sequence in sequences]
        if self._options["keep"] == "first":
            return [s for s, number in zip(sequences, order, strict=True) if number == 1]
        return [s for s in sequences if counter.count(s) == 1]

    @property
    def unique_count(self) -> int:
        """Distinct sequences remembered."""
        return self._seen.num_distinct

    def clear(self) -> None:
        """Forgets what was seen."""
        self._seen.clear()

    def __call__(self, sample: Sample | dict[str, Any]) -> Sample | None:
        """The sample, or None when its sequence was seen before."""
        return Sample(sample) if self.passes(bytes_of(sample, "Deduplicator")) else None
