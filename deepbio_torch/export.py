"""Deployable files of a trained model."""

from __future__ import annotations

import json
import os

from . import _C
from .models import SequenceEncoder, SequencePredictor, from_pretrained

Path = str | os.PathLike[str]


def torchscript(model: SequenceEncoder | SequencePredictor | Path, path: Path, *, overwrite: bool = False) -> None:
    """A TorchScript file that ``torch.jit.load`` and ``torch::jit::load`` run without this library.

    ``forward(tokens int64 [B, S, L], counts float32 [B, S])`` gives ``target_prediction`` [B, O] of
    a predictor (in the model's own unit) or ``embeddings`` [B, D] of an encoder, for any B, S, L; a
    model with covariates takes ``categorical_ids`` int64 [B, columns] too. The extra file
    ``deepbio.json`` holds the config, and of a run what turns predictions into the target's unit.
    The file is loaded again and compared on three unseen shapes before it is kept.

    Args:
        model: a module, or a run directory.
        path: the file to write.
        overwrite: replace an existing file.

    Raises:
        WriteError: the file exists. ArgumentError: encoder_type "combined". MissingFileError: not a
            run directory.
    """
    about: dict[str, object] = {}
    if isinstance(model, str | os.PathLike):
        run = json.loads(_C.read_run_config(os.fspath(model)))
        about = {key: run[key] for key in ("data", "target", "versions")}
        model = from_pretrained(os.fspath(model))
    config = model.config.to_dict()
    state = {name: tensor.detach() for name, tensor in model.state_dict().items()}
    metadata = json.dumps({"model": config, **about})
    _C.write_torchscript(os.fspath(path), json.dumps(config), state, metadata, overwrite)


__all__ = ["torchscript"]
