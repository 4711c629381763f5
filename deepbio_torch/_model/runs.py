"""A trained module as a run directory, which the command and ``from_pretrained`` take."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .. import _C
from .._community.samples import SampleDataset
from .._output import write_text
from .._version import __version__
from ..errors import ArgumentError, WriteError, WrongTypeError

# What a line of metrics.jsonl has where a loop says nothing.
_NO_EPOCH: dict[str, Any] = {
    "train_loss": None,
    "val_loss": None,
    "train": {},
    "val": {},
    "is_best": False,
}


def run_config(
    model: Any, dataset: SampleDataset, training: Mapping[str, Any], num_val: int, kind: str
) -> str:
    """What RUN/config.json holds, as JSON text: enough to predict from the run alone."""
    options = dataset.options
    about = {**dataset.describe(), "num_train": len(dataset), "num_val": num_val}
    about["num_samples"] = len(dataset) + num_val
    return json.dumps(
        {
            "format": "deepbio run",
            "format_version": 1,
            "kind": kind,
            "preset": "python",
            "model": model.config.to_dict(),
            "data": {
                "max_bp": options["max_bp"],
                "token_limit": options["token_limit"],
                "rarefy_depth": options["rarefy_depth"],
                "asv_sampling": options["asv_sampling"],
                "unifrac_metric": options["metric"],
                "missing_sequences": dataset.missing_sequences,
            },
            "target": json.loads(dataset.codec) if dataset.codec else None,
            "categories": json.loads(dataset.categories) if dataset.categories else None,
            "training": {"resolved": dict(training)},
            "trained_on": about,
            "versions": {"deepbio": __version__, "torch": torch.__version__},
        }
    )


def write_sample_ids(run: str | os.PathLike[str], name: str, samples: Sequence[str]) -> None:
    """RUN/NAME_samples.txt, an id a line."""
    write_text(Path(run) / f"{name}_samples.txt", "".join(f"{sample}\n" for sample in samples))


def save_run(
    model: nn.Module,
    folder: str | os.PathLike[str],
    dataset: SampleDataset,
    kind: str,
    *,
    val: SampleDataset | None,
    history: Sequence[Mapping[str, Any]],
    overwrite: bool,
) -> Path:
    """As :func:`deepbio_torch.models.save_pretrained`; ``kind`` is "train" or "pretrain"."""
    if not isinstance(dataset, SampleDataset):
        raise WrongTypeError(
            f"dataset: expected the SampleDataset it learned from, got {type(dataset).__name__}"
        )
    run = Path(folder)
    if run.is_dir() and any(run.iterdir()) and not overwrite:
        raise WriteError(
            f"{run}: exists and is not empty; overwrite=True replaces what a run has in it"
        )
    if kind == "train" and not dataset.codec:
        raise ArgumentError(
            "dataset: expected one with a target, whose scale and unit predictions need"
        )
    run.mkdir(parents=True, exist_ok=True)
    tensors = {name: _saved(tensor) for name, tensor in model.state_dict().items()}
    _C.save_tensors(os.fspath(run / "model.safetensors"), tensors)
    num_val = 0 if val is None else len(val)
    _C.write_run_config(
        os.fspath(run), run_config(model, dataset, {"seed": dataset.options["seed"]}, num_val, kind)
    )
    write_sample_ids(run, "train", dataset.sample_ids)
    write_sample_ids(run, "val", [] if val is None else val.sample_ids)
    lines = [
        json.dumps({**_NO_EPOCH, "epoch": number, **epoch}) for number, epoch in enumerate(history)
    ]
    write_text(run / "metrics.jsonl", "".join(f"{line}\n" for line in lines))
    return run


def unwrapped(model: Any) -> Any:
    """The module inside of DDP, DataParallel and torch.compile."""
    for name in ("_orig_mod", "module"):
        inner = getattr(model, name, None)
        if isinstance(inner, nn.Module):
            return unwrapped(inner)
    return model


def _saved(tensor: Tensor) -> Tensor:
    """On the CPU, and in float32 where training had a shorter type."""
    plain = tensor.detach().to("cpu")
    return (plain.float() if plain.is_floating_point() else plain).contiguous()
