"""Samples to a batch: padded, cut or as torch itself collates them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.data import default_collate
from torch.utils.data._utils.collate import default_collate_fn_map

from .._arguments import whole
from ..errors import ArgumentError
from .batch import Batch, Rows, Sample

Collate: TypeAlias = Callable[[Sequence[Sample]], Batch]


def collate(samples: Sequence[Sample]) -> Batch:
    """Samples to a :class:`Batch`, padded on the right to the longest.

    Padding is 0, and -1 for integers (as IntegerEncoder pads); tokens are padded as their tokenizer
    does. Raw ``bytes`` stay a list. Plain dicts with the same keys are taken as well.

    Raises:
        ArgumentError: no sample; sequences that differ in more than length; tokens of unknown
            padding.
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
        padding_value: None pads as :func:`collate` does: 0, -1 for integers, the tokenizer's
            padding for tokens.
        pad_to: positions of every batch.

    Raises (when called):
        ArgumentError: a sequence is longer than ``pad_to``.
    """
    if pad_to is not None and pad_to < 1:
        raise ArgumentError(f"pad_to: expected at least 1, got {pad_to}")
    return _Collate(padding_value=padding_value, pad_to=pad_to)


def truncate_collate(max_length: int) -> Collate:
    """A collate function that cuts sequences after ``max_length`` positions, then pads."""
    if whole(max_length, "max_length") < 1:
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
        warnings.warn(
            "a filter dropped all samples of a batch, and torch's DataLoader "
            "gives one all the same: it has no rows (num_rows == 0); db.DataLoader leaves it out",
            stacklevel=2,
        )
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
    for prefix in ("mate_", "alternative_"):
        if any(prefix + key in samples[0] for key in ("sequence", "input_ids")):
            out.update(stack(samples, prefix, padding_value, pad_to, max_length))
    labels: list[Any] = [sample.get("label", sample.get("labels")) for sample in samples]
    if all(isinstance(label, dict) for label in labels):
        out["labels"] = {
            name: _label_tensor([label[name] for label in labels]) for name in labels[0]
        }
    elif all(label is not None for label in labels):
        out["labels"] = _label_tensor(labels)
    if all(isinstance(sample.get("targets"), Tensor) for sample in samples):
        out["targets"] = torch.stack([sample["targets"] for sample in samples])
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
    samples: list[Sample],
    prefix: str,
    padding_value: float | None,
    pad_to: int | None,
    max_length: int | None,
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
    samples: list[Sample],
    prefix: str,
    padding_value: float | None,
    pad_to: int | None,
    max_length: int | None,
) -> Batch:
    """Tokens: padded on the tokenizer's side with its padding token, the mask with 0."""
    all_ids = [_as_tensor(sample[prefix + "input_ids"]) for sample in samples]
    pad_id, pads_left = _padding_of(samples[0], all_ids[0])
    if padding_value is not None:
        pad_id = padding_value
    sizes = {len(ids) for ids in all_ids}
    if pad_id is None and len(sizes | ({pad_to} if pad_to else set())) > 1:
        raise ArgumentError(
            "collate: these dicts do not say what their tokens are padded "
            "with; use tokenizer.pad, or pad_collate(tokenizer.pad_token_id)"
        )
    masks = [sample.get(prefix + "attention_mask") for sample in samples]
    columns = {
        "input_ids": (all_ids, 0 if pad_id is None else pad_id),
        "attention_mask": (
            [
                torch.ones_like(i) if m is None else _as_tensor(m)
                for i, m in zip(all_ids, masks, strict=True)
            ],
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
        raise ArgumentError(
            f"pad_to={pad_to}: a sequence of the batch has length {longest}; truncate_collate cuts"
        )
    width = longest if pad_to is None else pad_to
    trailing = {(sequence.shape[:axis], sequence.shape[axis + 1 :]) for sequence in sequences}
    if len(trailing) > 1:
        shapes = sorted({tuple(sequence.shape) for sequence in sequences})
        raise ArgumentError(
            f"collate: expected sequences that differ in length only, got shapes {shapes}"
        )
    rows = []
    for sequence in sequences:
        after = [0, 0] * (sequence.dim() - 1 - axis) + [0, width - sequence.shape[axis]]
        rows.append(pad(sequence, after, value=fill))
    return torch.stack(rows)


def _collate_for_torch(samples: Sequence[Sample], *, collate_fn_map: Any = None) -> Batch:
    return collate(samples)


# torch's documented way to teach its default collate a new type of sample.
default_collate_fn_map[Sample] = _collate_for_torch
