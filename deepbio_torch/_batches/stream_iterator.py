"""One iteration over a stream of records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch.utils.data import get_worker_info


class StreamIterator(Iterator[Any]):
    """One iteration over a stream.

    Its state is what a resumed worker of torchdata's StatefulDataLoader needs.
    """

    def __init__(self, stream: Any) -> None:
        """The stream moves on to its next epoch now."""
        self._stream = stream
        self._order, self._given, self._draws = stream.begin()
        self._number = stream.epoch  # which iteration of the stream it is
        self._samples: Iterator[Any] | None = None
        self._is_over = False

    def __next__(self) -> Any:
        if self._is_over:
            raise StopIteration
        if self._samples is None:
            info = get_worker_info()
            part = (info.num_workers, info.id) if info else (1, 0)
            chunks = self._stream.chunks(self._order, self._given, part, self._draws)
            self._samples = (sample for chunk in chunks for sample in chunk)
        for sample in self._samples:
            self._given += 1
            self._stream.count(self._number)
            if sample is not None:
                return sample
        self._is_over = True
        self._stream.end(self._number)
        raise StopIteration

    def state_dict(self) -> dict[str, Any]:
        """Where the iteration stands."""
        return {
            "number": self._number,
            "order": self._order,
            "draws": self._draws,
            "given": self._given,
            "is_over": self._is_over,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on there; the next iteration of the stream is the one that would have followed."""
        self._number, self._is_over = int(state["number"]), bool(state["is_over"])
        self._order, self._given, self._draws = (
            int(state["order"]),
            int(state["given"]),
            int(state["draws"]),
        )
        self._samples = None
        self._stream.restore(self._number, self._given, self._is_over)
