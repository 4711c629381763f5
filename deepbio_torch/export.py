"""Deployable files of a trained model.

Each is reloaded and compared on three unseen shapes before it is kept.

All take tokens int64 [B, S, L] (AAM ids, START first, padding 0) and counts float32 [B, S], of a
model with covariates also ``categorical_ids`` int64 [B, columns] (columns in alphabetic order), for
any B, S and L, and give ``target_prediction`` [B, O] of a predictor ([B, O, Q] with quantiles,
log-probabilities [B, O] of a classifier, the median [B, 1] of a histogram; in the model's own
unit), or ``embeddings`` [B, D] of an encoder. None needs this library where it runs.
"""

from __future__ import annotations

import json
import os
import warnings
from typing import Any

import torch

from . import _C
from .errors import ArgumentError, DeepBioError, WrongTypeError
from .models import SequenceEncoder, SequencePredictor, from_pretrained

Path = str | os.PathLike[str]
Model = SequenceEncoder | SequencePredictor
_TOLERANCE = 1e-5  # of a difference, relative to the largest number where that is above 1


def torchscript(model: Model | Path, path: Path, *, overwrite: bool = False) -> None:
    """A TorchScript file that ``torch.jit.load`` and ``torch::jit::load`` run without this library.

    ``forward(tokens, counts)``, or with ``categorical_ids``, as the module says. The extra file
    ``deepbio.json`` holds the config, and of a run what turns predictions into the target's unit.

    Args:
        model: a module, or a run directory.
        path: the file to write.
        overwrite: replace an existing file.

    Raises:
        WriteError: the file exists. ArgumentError: encoder_type "combined". MissingFileError: not a
            run directory.
    """
    model, metadata = _model_of(model)
    state = {name: tensor.detach() for name, tensor in model.state_dict().items()}
    _C.write_torchscript(
        os.fspath(path), json.dumps(model.config.to_dict()), state, metadata, overwrite
    )


def pt2(model: Model | Path, path: Path, *, overwrite: bool = False) -> None:
    """A file of torch.export.

    ``torch.export.load(path).module()(tokens, counts)`` runs it, on any device.

    It holds aten operators alone. ``torch.export.load(path, extra_files=files)`` with
    ``files = {"deepbio.json": ""}`` gives the config, and of a run what turns predictions into the
    target's unit. S is at most token_limit + 5, L at most max_bp + 1.

    Args:
        model: a module, or a run directory.
        path: the file to write, which should end with ``.pt2``.
        overwrite: replace an existing file.

    Raises:
        WriteError: the file exists. ArgumentError: encoder_type "combined". MissingFileError: not a
            run directory. DeepBioError: the file gives other numbers than the model.
    """
    model, metadata = _model_of(model)
    extra = {"deepbio.json": metadata}
    _write(
        model,
        path,
        "pt2",
        lambda program, out: torch.export.save(program, out, extra_files=extra),
        overwrite,
    )


def aoti(model: Model | Path, path: Path, *, overwrite: bool = False) -> None:
    """A package of AOTInductor.

    Machine code for this kind of CPU, about a minute of work for the compiler.

    Python runs it by ``torch._inductor.aoti_load_package(path)(tokens, counts)``, C++ by
    ``torch::inductor::AOTIModelPackageLoader``, without Python. ``get_metadata()`` of either has
    ``deepbio.json``.

    Args and errors as of :func:`pt2`; also DeepBioError without a working C++ compiler, or with
    torch's own reason.
    """
    model, metadata = _model_of(model)

    def compile_to(program: torch.export.ExportedProgram, out: str) -> None:
        options = {"aot_inductor.metadata": {"deepbio.json": metadata}}
        try:
            torch._inductor.aoti_compile_and_package(
                program, package_path=out, inductor_configs=options
            )
        except torch._inductor.exc.InductorError as error:
            reason = str(error).strip().splitlines()[0]
            raise DeepBioError(
                f"{os.fspath(path)}: cannot be compiled: {reason} (the compiler is that of CXX)"
            ) from error

    _write(model, path, "aoti", compile_to, overwrite)


def onnx(model: Model | Path, path: Path, *, overwrite: bool = False) -> None:
    """An ONNX file: ``tokens``, ``counts`` (and ``categorical_ids``) to ``prediction``.

    The property ``deepbio.json`` of the file holds the config, and of a run what turns predictions
    into the target's unit. Needs the packages onnx, onnxscript and, for the comparison,
    onnxruntime.

    Args and errors as of :func:`pt2`; also ImportError for a package that is missing.
    """
    _need("onnx", "onnxscript", "onnxruntime")
    model, metadata = _model_of(model)

    def convert(program: torch.export.ExportedProgram, out: str) -> None:
        names = ["tokens", "counts", "categorical_ids"][: len(program.graph_signature.user_inputs)]
        converted = torch.onnx.export(
            program, (), input_names=names, output_names=["prediction"], verbose=False
        )
        assert converted is not None
        converted.model.metadata_props["deepbio.json"] = metadata
        converted.save(out)

    _write(model, path, "onnx", convert, overwrite)


def _model_of(model: Model | Path) -> tuple[Model, str]:
    """The module, and what the file says about it, as JSON text."""
    about: dict[str, object] = {}
    if isinstance(model, str | os.PathLike):
        run = json.loads(_C.read_run_config(os.fspath(model)))
        about = {key: run[key] for key in ("data", "target", "versions")}
        model = from_pretrained(os.fspath(model))
    if not isinstance(model, SequenceEncoder | SequencePredictor):
        expected = "a SequenceEncoder, a SequencePredictor or a run directory"
        raise WrongTypeError(f"model: expected {expected}, got {type(model).__name__}")
    return model, json.dumps({"model": model.config.to_dict(), **about})


def _write(model: Model, path: Path, format_name: str, write: Any, overwrite: bool) -> None:
    from ._model.programs import program_of, refuse_existing, write_checked

    if model.config.encoder_type == "combined" and isinstance(model, SequenceEncoder):
        raise ArgumentError(
            f"{format_name}: expected a model with one output, got encoder_type 'combined'"
        )
    refuse_existing(os.fspath(path), overwrite)
    was_training = model.training
    model.eval()
    try:
        with warnings.catch_warnings():
            # torch.export of torch 2.13 warns of its own calls when it copies a program.
            warnings.filterwarnings(
                "ignore", message="`isinstance.treespec", category=FutureWarning
            )
            program = program_of(model)
            write_checked(
                model,
                os.fspath(path),
                format_name,
                lambda out: write(program, out),
                tolerance=_TOLERANCE,
                overwrite=overwrite,
            )
    finally:
        model.train(was_training)


def _need(*packages: str) -> None:
    import importlib.util

    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(
            f"export to ONNX needs {', '.join(missing)}: pip install {' '.join(missing)}"
        )


__all__ = ["aoti", "onnx", "pt2", "torchscript"]
