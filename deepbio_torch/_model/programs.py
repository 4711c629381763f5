"""A model as a program of aten operators: pt2, AOTInductor package or ONNX, and compared."""

# torch.export is untyped.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .._output import written_whole
from ..errors import ArgumentError, DeepBioError, WriteError
from ..models import SequenceEncoder, SequencePredictor

Model = SequenceEncoder | SequencePredictor
_CHECK = Path(__file__).with_name("check_program.py")
_UNSEEN = ((1, 1, 2), (3, 5, 40), (5, 2, 7))  # B, S, L


class Answer(nn.Module):
    """The one output of a model for tokens [B, S, L], counts [B, S] and ids [B, columns]."""

    def __init__(self, model: Model) -> None:
        """Takes a copy of nothing: the module itself, in eval mode."""
        super().__init__()
        self.model = model
        self.columns = sorted(model.config.categorical_cardinalities)

    def forward(
        self, tokens: Tensor, counts: Tensor, categorical_ids: Tensor | None = None
    ) -> Tensor:
        """What the file gives, as :func:`deepbio_torch.export.pt2` says."""
        ids = None
        if categorical_ids is not None:
            ids = {column: categorical_ids[:, place] for place, column in enumerate(self.columns)}
        out = self.model(tokens, counts, ids)
        for name in ("target_prediction", "embeddings", "base_prediction"):
            if name in out:
                answer: Tensor = out[name]
                return answer
        raise ArgumentError("export: expected a model with one output, got encoder_type 'combined'")


def example(model: Model, samples: int, asvs: int, length: int) -> tuple[Tensor, ...]:
    """Inputs of a shape, cut to what the model takes.

    Padded slots, padded tails, one full row, samples of one ASV.
    """
    config = model.config
    asvs, length = min(asvs, config.token_limit), min(length, config.max_bp + 1)
    place, slot = torch.arange(length), torch.arange(asvs).view(-1, 1)
    sample = torch.arange(samples).view(-1, 1, 1)
    letters = (place * 7 + slot * 5 + sample * 3 + place * slot) % 4 + 1
    real = (place <= length - 1 - slot % length) & (slot <= asvs - 1 - sample.clamp_max(asvs - 1))
    counts = real[..., 0] * (slot + sample + 1).squeeze(-1).float()
    sizes = [
        config.categorical_cardinalities[column]
        for column in sorted(config.categorical_cardinalities)
    ]
    ids = [torch.arange(samples) % size for size in sizes]
    return (letters * real, counts, *([torch.stack(ids, 1)] if ids else []))


def program_of(model: Model) -> torch.export.ExportedProgram:
    """A program of aten operators for any B, S up to token_limit + 5 and L up to max_bp + 1."""
    config = model.config
    most = {"S": config.token_limit + 5, "L": config.max_bp + 1}
    batch, slots, length = (
        torch.export.Dim("B", min=1),
        *(torch.export.Dim(k, min=1, max=m) for k, m in most.items()),
    )
    inputs = example(model, 3, 4, 9)
    axes: list[dict[int, Any]] = [{0: batch, 1: slots, 2: length}, {0: batch, 1: slots}, {0: batch}]
    shapes = tuple(axes[: len(inputs)])
    with torch.no_grad():
        traced = torch.export.export(
            Answer(model).eval(), inputs, dynamic_shapes=shapes, strict=False
        )
        table: dict[Any, Any] = {**torch.export.default_decompositions()}
        program: torch.export.ExportedProgram = traced.run_decompositions(
            table | _FOR_EVERY_RUNTIME
        )
    ours = sorted(
        {str(node.target) for node in program.graph.nodes if "deepbio" in str(node.target)}
    )
    if ours:
        raise DeepBioError(f"export: expected operators of torch alone, got {', '.join(ours)}")
    return program


def _searchsorted(sorted_sequence: Tensor, values: Tensor, **_: Any) -> Tensor:
    return (sorted_sequence < values.unsqueeze(-1)).sum(-1)


def _empty_permuted(
    size: Any,
    physical_layout: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    layout: Any = None,
    **_: Any,
) -> Tensor:
    return torch.zeros(size, dtype=dtype, device=device)


def _sum(x: Tensor, dim: Any, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """A sum of integers that is exact in onnxruntime too, whose own goes through float64."""
    if x.dtype != torch.int64 or dtype not in (None, torch.int64) or dim is None or len(dim) != 1:
        return NotImplemented
    total = x.cumsum(dim[0]).select(dim[0], -1)
    return total.unsqueeze(dim[0]) if keepdim else total


# Operators that ONNX lacks or onnxruntime rounds, as those that every runtime has.
_FOR_EVERY_RUNTIME = {
    torch.ops.aten.searchsorted.Tensor: _searchsorted,
    torch.ops.aten.empty_permuted.default: _empty_permuted,
    torch.ops.aten.sum.dim_IntList: _sum,
}


def refuse_existing(path: str, overwrite: bool) -> None:
    """Raises WriteError for a file that is there and is not to be replaced."""
    if os.path.exists(path) and not overwrite:
        raise WriteError(f"{path}: exists; overwrite=True replaces it")


def write_checked(
    model: Model,
    path: str,
    format_name: str,
    write: Callable[[str], object],
    *,
    tolerance: float,
    overwrite: bool,
) -> None:
    """Writes under a temporary name, compares in a process without this library, renames.

    Raises:
        WriteError: the file exists, or the folder takes none. DeepBioError: the file gives other
            numbers.
    """
    refuse_existing(path, overwrite)
    if not Path(path).parent.is_dir():  # torch's writers say so with a traceback
        raise WriteError(f"{path}: cannot be written: No such file or directory")
    with written_whole(path) as temporary:
        write(os.fspath(temporary))
        _compare(model, temporary, format_name, tolerance)


def _compare(model: Model, path: Path, format_name: str, tolerance: float) -> None:
    answer = Answer(model).eval()
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        cases = []
        for shape in _UNSEEN:
            inputs = example(model, *shape)
            cases.append({"inputs": inputs, "expected": answer(*inputs)})
        torch.save(cases, f"{folder}/cases.pt")
        # -P: the folder of the script, this package, is not on the path.
        command = [
            sys.executable,
            "-P",
            os.fspath(_CHECK),
            format_name,
            os.fspath(path),
            f"{folder}/cases.pt",
        ]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise DeepBioError(f"export: the file cannot be run without this library: {last}")
    differences = json.loads(done.stdout.splitlines()[-1])
    if not max(differences) <= tolerance:
        raise DeepBioError(
            f"export: expected the numbers of the model within {tolerance:g}, got "
            f"differences {differences}"
        )
