"""Items and batches: what datasets give, and how items become a batch.

Axes: B batch, L positions, A letters, S ASVs of a sample, U distinct ASVs of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .._arguments import of_kind
from .rows import join_batches, rows_of, take_rows


class Sample(dict[str, Any]):
    """One item of a dataset: a dict.

    torch's DataLoader turns Samples into a :class:`Batch` without being told, as :func:`collate`.

    Attributes:
        length_axis: which axis of ``sequence`` is the length (1 for one-hot with channels first).
        length: positions that are letters, when an encoder has padded ``sequence``; else None.
        letters: letters of the read, when positions are something else (k-mers, tokens); else None.
        mate_length: of the other read of a pair.
        mate_letters: of the other read of a pair.
        pad_id: what ``input_ids`` are padded with.
        pads_left: on which side.
    """

    length_axis: int = 0
    length: int | None = None
    letters: int | None = None
    mate_length: int | None = None
    mate_letters: int | None = None
    pad_id: int = 0
    pads_left: bool = False

    def replaced_by(self, items: dict[str, Any]) -> Sample:
        """What a callable made of this sample as a plain dict.

        Where the length stands is still known.
        """
        sample = Sample(items)
        if items.get("sequence") is self.get("sequence"):
            sample.length, sample.mate_length = self.length, self.mate_length
        sample.length_axis, sample.letters, sample.mate_letters = (
            self.length_axis,
            self.letters,
            self.mate_letters,
        )
        sample.pad_id, sample.pads_left = self.pad_id, self.pads_left
        return sample

    def __repr__(self) -> str:
        return f"Sample({_brief_items(self)})"


class Later:
    """A value of a Batch that is made when it is first asked for.

    Lists of names cost more than tensors.
    """

    def __init__(self, make: Callable[[], Any], one: Callable[[int], Any]) -> None:
        """``make`` gives the value, a list; ``one`` an item of it."""
        self.make, self.one = make, one


class Batch(dict[str, Any]):
    """A batch: a dict of tensors whose keys are attributes too.

    Reads: ``sequences`` float32 [B, L, A] or int64 [B, L] (for tokens ``input_ids`` and
    ``attention_mask`` int64 [B, L]), ``lengths`` int64 [B], ``quality``
    float32 [B, L] Phred, ``labels`` int64 or float32 [B] (a dict of such with several targets),
    ``index`` int64 [B] (record numbers), ``ids`` and ``metadata`` lists of B; pairs also
    ``mate_sequences``, ``mate_lengths``, ``mate_quality`` (``mate_input_ids``,
    ``mate_attention_mask``). Samples of a table: see :class:`~deepbio_torch.SampleDataset`. Masks:
    True = real.
    """

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return Batch(take_rows(self._made(), key))
        value = super().__getitem__(key)
        if isinstance(value, Later):
            value = self[key] = value.make()
        return value

    def item(self, key: str, row: int) -> Any:
        """An item of a list; the others need not be made for it."""
        value = super().__getitem__(key)
        return value.one(row) if isinstance(value, Later) else value[row]

    # A dict reads its values without asking __getitem__; these make what is asked for later first.
    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or ``default``."""
        return self[key] if key in self else default

    def pop(self, key: str, *default: Any) -> Any:
        """Takes a key out and gives its value."""
        if key in self:
            self[key] = self[key]
        return super().pop(key, *default)

    def copy(self) -> Batch:
        """A batch of the same values."""
        return Batch(self._made())

    def values(self) -> Any:
        """All values."""
        return self._made().values()

    def items(self) -> Any:
        """All keys and values."""
        return self._made().items()

    def __iter__(self) -> Iterator[str]:
        return iter(list(self.keys()))

    def __eq__(self, other: object) -> bool:
        return self._made() == (other._made() if isinstance(other, Batch) else other)

    __hash__ = None

    def _made(self) -> dict[str, Any]:
        return {key: self[key] for key in self.keys()}

    def __reduce__(self) -> tuple[Any, ...]:
        return Batch, (self._made(),)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"batch: no {name!r}; it has {', '.join(self)}") from None

    def to(self, *args: Any, **options: Any) -> Batch:
        """The same batch elsewhere, or in another floating type; arguments as ``Tensor.to``.

        A dtype changes floating-point tensors only: ids, labels and masks keep theirs, as in
        ``nn.Module.to``.
        """
        parsed: Any = torch._C._nn._parse_to
        device, dtype, non_blocking, _ = parsed(*args, **options)

        def moved(tensor: Tensor) -> Tensor:
            wanted = dtype if tensor.is_floating_point() else None
            return tensor.to(device=device, dtype=wanted, non_blocking=non_blocking)

        return self._map(moved)

    @property
    def num_rows(self) -> int:
        """B: the reads or samples of the batch; ``batch[i:j]`` takes some of them."""
        return rows_of(self._made())

    @staticmethod
    def cat(batches: Sequence[Batch]) -> Batch:
        """The rows of several batches in one, padded to the widest.

        Of samples, ``distances`` are known within each batch only: between samples of two batches
        they are NaN, which the losses refuse; ``batch[rows]`` of one of the batches has them all.

        Raises:
            ArgumentError: no batch, or batches with other keys.
        """
        every = [of_kind(batch, Batch, "Batch.cat", "a list of batches") for batch in batches]
        return Batch(join_batches([batch._made() for batch in every]))

    def pin_memory(self) -> Batch:
        """The same batch in page-locked memory; needs an accelerator."""
        return self._map(lambda tensor: tensor.pin_memory())

    def _map(self, change: Callable[[Tensor], Tensor]) -> Batch:
        def changed(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: changed(part) for name, part in value.items()}
            return change(value) if isinstance(value, Tensor) else value

        return Batch({key: changed(dict.__getitem__(self, key)) for key in self.keys()})

    def __repr__(self) -> str:
        return f"Batch({_brief_items(self._made())})"

    def _repr_html_(self) -> str:
        rows = (f"<tr><td>{k}</td><td>{escape(_brief(v))}</td></tr>" for k, v in self.items())
        return f"<table>{''.join(rows)}</table>"


class Rows(Sequence[Sample]):
    """A batch that was made whole, seen as its samples.

    What ``__getitems__`` of a dataset gives.
    """

    def __init__(self, batch: Batch, size: int, row: Callable[[Batch, int], Sample]) -> None:
        """``row(batch, i)`` cuts sample ``i`` out of the batch."""
        self.batch, self._size, self._row = batch, size, row

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._size))]
        if not -self._size <= index < self._size:
            raise IndexError(f"expected 0 to {self._size - 1}, got {index}")
        return self._row(self.batch, index % self._size)


class Layout(NamedTuple):
    """How a row of an encoded batch becomes a sample, without the padding the other rows asked for.

    Attributes:
        axis: of the positions in a row; None: a row has none (k-mer counts).
        is_fixed: rows keep the width of the batch, which was asked for.
        window: letters of a position, more than 1 for k-mers.
        step: letters from one position to the next.
        is_tokens: positions are tokens, counted by the attention mask.
        multiple: the number of tokens is rounded up to a multiple of this.
        pad_id: what tokens are padded with.
        pads_left: on which side.
    """

    axis: int | None = 0
    is_fixed: bool = False
    window: int = 1
    step: int = 1
    is_tokens: bool = False
    multiple: int = 1
    pad_id: int = 0
    pads_left: bool = False

    def put_row(self, sample: Sample, batch: Batch, row: int, prefix: str = "") -> None:
        """Cuts a row out of a batch into a sample.

        ``prefix`` "mate_" is for the other read of a pair.
        """
        letters = int(batch[prefix + "lengths"][row])
        if self.is_tokens:
            self._put_tokens(sample, batch, row, prefix)
            setattr(sample, prefix + "letters", letters)
            return
        values, quality = batch[prefix + "sequences"][row], batch.get(prefix + "quality")
        if self.axis is not None and not self.is_fixed:
            values = values.narrow(self.axis, 0, self.num_positions(letters))
        sample[prefix + "sequence"] = values
        sample[prefix + "quality"] = (
            None if quality is None else quality[row, : values.shape[self.axis or 0]]
        )
        self.name_length(sample, letters, prefix)

    def name_length(self, sample: Sample, letters: int, prefix: str = "") -> None:
        """Tells a sample how many letters its read has."""
        is_letters = self.axis is not None and self.window == 1
        setattr(sample, prefix + ("length" if is_letters else "letters"), letters)
        sample.length_axis = self.axis or 0

    def _put_tokens(self, sample: Sample, batch: Batch, row: int, prefix: str) -> None:
        ids, mask = batch[prefix + "input_ids"][row], batch[prefix + "attention_mask"][row]
        if not self.is_fixed:
            size = self.num_tokens(mask)
            first = ids.shape[0] - size if self.pads_left else 0
            ids, mask = ids[first : first + size], mask[first : first + size]
        sample[prefix + "input_ids"] = mark_padding(ids, self.pad_id, self.pads_left)
        sample[prefix + "attention_mask"] = mask
        sample.pad_id, sample.pads_left = self.pad_id, self.pads_left

    def num_positions(self, letters: int) -> int:
        """Positions of a read of so many letters."""
        return max(0, (letters - self.window) // self.step + 1)

    def num_tokens(self, mask: Tensor) -> int:
        """Width of the longest row of a mask [L] or [B, L]."""
        size = int(mask.sum(-1).max()) if mask.numel() else 0
        return size + -size % self.multiple


def mark_padding(ids: Tensor, pad_id: int, pads_left: bool) -> Tensor:
    """The same ids, which now say how they are padded.

    What becomes of the sample around them is not in our hands.
    """
    ids.deepbio_padding = (pad_id, pads_left)  # type: ignore[attr-defined]
    return ids


def _brief_items(items: dict[str, Any]) -> str:
    return ", ".join(f"{key}={_brief(value)}" for key, value in items.items())


def _brief(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
    if isinstance(value, list):
        return f"list of {len(value)}"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def sample_of_row(batch: Batch, row: int) -> Sample:
    """A sample of a SampleDataset, out of its batch."""
    real = batch["mask"][row]
    targets = batch.get("targets")
    covariates = batch.get("categorical_ids")
    more = (
        {}
        if covariates is None
        else {"categorical_ids": {name: ids[row] for name, ids in covariates.items()}}
    )
    return Sample(
        tokens=batch["asv_tokens"][batch["asv_index"][row][real]],
        counts=batch["counts"][row][real],
        target=None if targets is None else targets[row],
        sample_id=batch["sample_ids"][row],
        **more,
    )
