"""Runs an exported file in a process that has torch and not this library: FORMAT FILE CASES.

Started by :mod:`deepbio_torch._model.programs` as a file of its own, so that nothing of the package
is imported. Prints the largest difference of each case, relative to the largest number expected
where that is above 1, as a JSON list.
"""

from __future__ import annotations

import json
import pathlib
import sys
from collections.abc import Callable
from typing import Any

import torch


def _pt2(path: str) -> Callable[..., Any]:
    return torch.export.load(path).module()


def _aoti(path: str) -> Callable[..., Any]:
    return torch._inductor.aoti_load_package(path)


def _onnx(path: str) -> Callable[..., Any]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]

    def run(*inputs: torch.Tensor) -> torch.Tensor:
        (out,) = session.run(
            None, {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
        )
        return torch.from_numpy(out)

    return run


_LOADERS = {"pt2": _pt2, "aoti": _aoti, "onnx": _onnx}


def _difference(got: torch.Tensor, expected: torch.Tensor) -> float:
    if got.shape != expected.shape:
        raise SystemExit(f"expected shape {list(expected.shape)}, got {list(got.shape)}")
    return float((got - expected).abs().max() / expected.abs().max().clamp_min(1))


def main() -> None:
    """Compares all cases of the file."""
    sys.modules["deepbio_torch"] = None  # type: ignore[assignment]  # importing it fails from here on
    format_name, path, cases = sys.argv[1:]
    run = _LOADERS[format_name](path)
    with torch.no_grad():
        differences = [
            _difference(run(*case["inputs"]), case["expected"]) for case in torch.load(cases)
        ]
    maps = pathlib.Path("/proc/self/maps")  # of Linux
    if maps.exists() and "libdeepbio" in maps.read_text(encoding="utf-8", errors="replace"):
        raise SystemExit("the library is loaded in the process that should not have it")
    print(json.dumps(differences))


if __name__ == "__main__":
    main()
