"""Items and batches: what datasets give, and how items become a batch.

Axes: B batch, L positions, A letters, S ASVs of a sample, U distinct ASVs of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.data import default_collate
from torch.utils.data._utils.collate import default_collate_fn_map

from ._rows import join_batches, rows_of, take_rows
from .errors import ArgumentError


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
        """What a callable made of this sample as a plain dict: where the length stands is still known."""
        sample = Sample(items)
        if items.get("sequence") is self.get("sequence"):
            sample.length, sample.mate_length = self.length, self.mate_length
        sample.length_axis, sample.letters, sample.mate_letters = self.length_axis, self.letters, self.mate_letters
        sample.pad_id, sample.pads_left = self.pad_id, self.pads_left
        return sample

    def __repr__(self) -> str:
        return f"Sample({_brief_items(self)})"


class Later:
    """A value of a Batch that is made when it is first asked for: lists of names cost more than tensors."""

    def __init__(self, make: Callable[[], Any], one: Callable[[int], Any]) -> None:
        """``make`` gives the value, a list; ``one`` an item of it."""
        self.make, self.one = make, one


class Batch(dict[str, Any]):
    """A batch: a dict of tensors whose keys are attributes too.

    Reads: ``sequences`` float32 [B, L, A] or int64 [B, L] (for tokens ``input_ids`` and ``attention_mask`` int64
    [B, L]), ``lengths`` int64 [B], ``quality``
    float32 [B, L] Phred, ``labels`` int64 or float32 [B] (a dict of such with several targets), ``index`` int64 [B]
    (record numbers), ``ids`` and ``metadata`` lists of B; pairs also ``mate_sequences``, ``mate_lengths``,
    ``mate_quality`` (``mate_input_ids``, ``mate_attention_mask``).
    Samples of a table: see :class:`~deepbio_torch.SampleDataset`. Masks: True = real.
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
        """The same batch on another device or in another floating type, with the arguments of ``Tensor.to``.

        A dtype changes floating-point tensors only: ids, labels and masks keep theirs, as in ``nn.Module.to``.
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

        Raises:
            ArgumentError: no batch, or batches with other keys.
        """
        return Batch(join_batches([batch._made() for batch in batches]))

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
    """A batch that was made whole, seen as its samples: what ``__getitems__`` of a dataset gives."""

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
        """Cuts a row out of a batch into a sample; ``prefix`` "mate_" is for the other read of a pair."""
        letters = int(batch[prefix + "lengths"][row])
        if self.is_tokens:
            self._put_tokens(sample, batch, row, prefix)
            setattr(sample, prefix + "letters", letters)
            return
        values, quality = batch[prefix + "sequences"][row], batch.get(prefix + "quality")
        if self.axis is not None and not self.is_fixed:
            values = values.narrow(self.axis, 0, self.num_positions(letters))
        sample[prefix + "sequence"] = values
        sample[prefix + "quality"] = None if quality is None else quality[row, : values.shape[self.axis or 0]]
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


Collate: TypeAlias = Callable[[Sequence[Sample]], Batch]


def collate(samples: Sequence[Sample]) -> Batch:
    """Samples to a :class:`Batch`, padded on the right to the longest.

    Padding is 0, and -1 for integers (as IntegerEncoder pads); tokens are padded as their tokenizer does. Raw ``bytes``
    stay a list. Plain dicts with the same keys are taken as well.

    Raises:
        ArgumentError: no sample; sequences that differ in more than length; tokens of unknown padding.
    """
    return samples.batch if isinstance(samples, Rows) else _collate(samples)


LEFT_OUT = object()  # stands for a batch all of whose samples a filter dropped


def collate_any(items: Sequence[Any]) -> Any:
    """Samples as :func:`collate`, other items as torch's default collate function."""
    first = items[0] if len(items) else None
    if isinstance(items, Rows) or first is None or isinstance(first, Sample) or _is_sample(first):
        return collate(items)
    return default_collate(list(items))


def _is_sample(item: Any) -> bool:
    return isinstance(item, Mapping) and bool({"sequence", "input_ids"} & item.keys())


class _NoSamples(list[Any]):
    """No samples at all, which torch's loader collates as what Samples become."""

    def __getitem__(self, index: Any) -> Any:
        return Sample() if index == 0 else super().__getitem__(index)


def kept_of(samples: Iterable[Any]) -> list[Any]:
    """The samples that no filter dropped."""
    kept = [sample for sample in samples if sample is not None]
    return kept or _NoSamples()


def pad_collate(padding_value: float | None = None, pad_to: int | None = None) -> Collate:
    """A collate function that pads with ``padding_value``, to ``pad_to`` positions when given.

    Args:
        padding_value: None pads as :func:`collate` does: 0, -1 for integers, the tokenizer's padding for tokens.
        pad_to: positions of every batch.

    Raises (when called):
        ArgumentError: a sequence is longer than ``pad_to``.
    """
    if pad_to is not None and pad_to < 1:
        raise ArgumentError(f"pad_to: expected at least 1, got {pad_to}")
    return _Collate(padding_value=padding_value, pad_to=pad_to)


def truncate_collate(max_length: int) -> Collate:
    """A collate function that cuts sequences after ``max_length`` positions, then pads."""
    if max_length < 1:
        raise ArgumentError(f"max_length: expected at least 1, got {max_length}")
    return _Collate(max_length=max_length)


class _Collate:
    """A collate function with options; an object so that spawned workers can have it."""

    def __init__(self, **options: Any) -> None:
        self.options = options

    def __call__(self, samples: Sequence[Sample]) -> Batch:
        return _collate(samples, **self.options)

    def __repr__(self) -> str:
        return f"collate({', '.join(f'{k}={v}' for k, v in self.options.items())})"


def _collate(
    samples: Sequence[Sample],
    padding_value: float | None = None,
    pad_to: int | None = None,
    max_length: int | None = None,
) -> Batch:
    if isinstance(samples, _NoSamples):
        empty = torch.empty(0, dtype=torch.int64)
        return Batch(lengths=empty, index=empty, ids=[], metadata=[])
    samples = [sample for sample in samples if sample is not None]  # filters drop samples
    if not samples:
        raise ArgumentError("collate: expected at least one sample, got none")
    if not _is_sample(samples[0]):
        raise ArgumentError(
            "collate: expected samples of a SequenceDataset (key 'sequence'), got keys "
            f"{_keys_of(samples[0])}; batches of a SampleDataset come from dataset.batch(indices)"
        )
    stack = _stack_tokens if "input_ids" in samples[0] else _stack
    out = stack(samples, "", padding_value, pad_to, max_length)
    if any("mate_" + key in samples[0] for key in ("sequence", "input_ids")):
        out.update(stack(samples, "mate_", padding_value, pad_to, max_length))
    labels: list[Any] = [sample.get("label", sample.get("labels")) for sample in samples]
    if all(isinstance(label, dict) for label in labels):
        out["labels"] = {name: _label_tensor([label[name] for label in labels]) for name in labels[0]}
    elif all(label is not None for label in labels):
        out["labels"] = _label_tensor(labels)
    metadata: list[Any] = [sample.get("metadata") for sample in samples]
    if all(isinstance(each, dict) and "index" in each for each in metadata):
        out["index"] = torch.tensor([each["index"] for each in metadata], dtype=torch.int64)
    out["ids"] = [sample.get("id") for sample in samples]
    out["metadata"] = metadata
    return out


def _keys_of(sample: Any) -> Any:
    return sorted(sample) if isinstance(sample, Mapping) else type(sample).__name__


def _label_tensor(labels: list[Any]) -> Any:
    """int64 or float32 [B], text as a list, tensors stacked."""
    if any(isinstance(label, str) for label in labels):
        return labels
    if all(isinstance(label, Tensor) for label in labels):
        return torch.stack(labels)
    values = torch.as_tensor(labels)
    return values.float() if values.dtype == torch.float64 else values


def _stack(
    samples: list[Sample], prefix: str, padding_value: float | None, pad_to: int | None, max_length: int | None
) -> Batch:
    """Sequences, lengths and qualities of the samples, or of their mates (prefix "mate_")."""
    axis = getattr(samples[0], "length_axis", 0)
    cut = [_cut(_as_torch(sample[prefix + "sequence"]), axis, max_length) for sample in samples]
    qualities = [_cut(sample.get(prefix + "quality"), 0, max_length) for sample in samples]
    out = Batch({prefix + "sequences": cut, prefix + "quality": qualities})
    if isinstance(cut[0], Tensor):
        fill = padding_value
        if fill is None:
            fill = 0 if cut[0].is_floating_point() else 255 if cut[0].dtype == torch.uint8 else -1
        stacked = out[prefix + "sequences"] = _padded(cut, axis, fill, pad_to)
        lengths = [_length(s, prefix, x.shape[axis]) for s, x in zip(samples, cut, strict=True)]
        if all(isinstance(quality, Tensor) for quality in qualities):
            missing = 0 if qualities[0].is_floating_point() else -1
            out[prefix + "quality"] = _padded(qualities, 0, missing, stacked.shape[axis + 1])
        else:
            del out[prefix + "quality"]
    else:
        lengths = [len(sequence) for sequence in cut]
    out[prefix + "lengths"] = torch.tensor(lengths, dtype=torch.int64)
    return out


def _stack_tokens(
    samples: list[Sample], prefix: str, padding_value: float | None, pad_to: int | None, max_length: int | None
) -> Batch:
    """Tokens: padded on the tokenizer's side with its padding token, the mask with 0."""
    all_ids = [_as_tensor(sample[prefix + "input_ids"]) for sample in samples]
    pad_id, pads_left = _padding_of(samples[0], all_ids[0])
    if padding_value is not None:
        pad_id = padding_value
    sizes = {len(ids) for ids in all_ids}
    if pad_id is None and len(sizes | ({pad_to} if pad_to else set())) > 1:
        raise ArgumentError(
            "collate: these dicts do not say what their tokens are padded with; use tokenizer.pad, or "
            "pad_collate(tokenizer.pad_token_id)"
        )
    masks = [sample.get(prefix + "attention_mask") for sample in samples]
    columns = {
        "input_ids": (all_ids, 0 if pad_id is None else pad_id),
        "attention_mask": (
            [torch.ones_like(i) if m is None else _as_tensor(m) for i, m in zip(all_ids, masks, strict=True)],
            0,
        ),
    }
    out = Batch()
    for key, (values, fill) in columns.items():
        rows = [_cut(row, 0, max_length) for row in values]
        if pads_left:
            rows = [row.flip(0) for row in rows]
        padded = _padded(rows, 0, fill, pad_to)
        out[prefix + key] = padded.flip(1) if pads_left else padded
    lengths = [getattr(sample, prefix + "letters", None) for sample in samples]
    if all(length is not None for length in lengths):
        out[prefix + "lengths"] = torch.tensor(lengths, dtype=torch.int64)
    return out


def _as_tensor(values: Any) -> Tensor:
    return values if isinstance(values, Tensor) else torch.as_tensor(values)


def mark_padding(ids: Tensor, pad_id: int, pads_left: bool) -> Tensor:
    """The same ids, which now say how they are padded: what becomes of the sample around them is not in our hands."""
    ids.deepbio_padding = (pad_id, pads_left)  # type: ignore[attr-defined]
    return ids


def _padding_of(sample: Any, ids: Tensor) -> tuple[float | None, bool]:
    if isinstance(sample, Sample):
        return sample.pad_id, sample.pads_left
    known: tuple[float | None, bool] = getattr(ids, "deepbio_padding", (None, False))
    return known


def _as_torch(sequence: Any) -> Any:
    """What a callable made with NumPy as a tensor."""
    return torch.from_numpy(sequence) if type(sequence).__module__ == "numpy" else sequence


def _length(sample: Sample, prefix: str, width: int) -> int:
    letters = getattr(sample, prefix + "letters", None)
    if letters is not None:
        return int(letters)
    known = getattr(sample, prefix + "length", None)
    return width if known is None else min(known, width)


def _cut(sequence: Any, axis: int, max_length: int | None) -> Any:
    if max_length is None or sequence is None:
        return sequence
    if isinstance(sequence, Tensor):
        return sequence.narrow(axis, 0, min(max_length, sequence.shape[axis]))
    return sequence[:max_length]


def _padded(sequences: list[Tensor], axis: int, fill: float, pad_to: int | None) -> Tensor:
    longest = max(sequence.shape[axis] for sequence in sequences)
    if pad_to is not None and longest > pad_to:
        raise ArgumentError(f"pad_to={pad_to}: a sequence of the batch has length {longest}; truncate_collate cuts")
    width = longest if pad_to is None else pad_to
    trailing = {(sequence.shape[:axis], sequence.shape[axis + 1 :]) for sequence in sequences}
    if len(trailing) > 1:
        shapes = sorted({tuple(sequence.shape) for sequence in sequences})
        raise ArgumentError(f"collate: expected sequences that differ in length only, got shapes {shapes}")
    rows = []
    for sequence in sequences:
        after = [0, 0] * (sequence.dim() - 1 - axis) + [0, width - sequence.shape[axis]]
        rows.append(pad(sequence, after, value=fill))
    return torch.stack(rows)


def _brief_items(items: dict[str, Any]) -> str:
    return ", ".join(f"{key}={_brief(value)}" for key, value in items.items())


def _brief(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
    if isinstance(value, list):
        return f"list of {len(value)}"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _collate_for_torch(samples: Sequence[Sample], *, collate_fn_map: Any = None) -> Batch:
    return collate(samples)


# torch's documented way to teach its default collate a new type of sample.
default_collate_fn_map[Sample] = _collate_for_torch
