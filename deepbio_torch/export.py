"""Deployable files of a trained model."""

from __future__ import annotations

import json
import os

from . import _C
from .models import SequenceEncoder, SequencePredictor


def torchscript(
    model: SequenceEncoder | SequencePredictor, path: str | os.PathLike[str], *, overwrite: bool = False
) -> None:
    """A TorchScript file that ``torch.jit.load`` and ``torch::jit::load`` run without this library.

    Its ``forward(tokens int64 [B, S, L], counts float32 [B, S])`` gives ``target_prediction`` [B, O] of a predictor or
    ``embeddings`` [B, D] of an encoder, for any B, S and L. The file is reloaded and compared on three unseen shapes
    before it is kept.

    Raises:
        WriteError: the file exists. ConfigError: a model with covariates, which this signature has no place for.
    """
    config = json.dumps(model.config.to_dict())
    state = {name: tensor.detach() for name, tensor in model.state_dict().items()}
    _C.write_torchscript(os.fspath(path), config, state, json.dumps({"model": model.config.to_dict()}), overwrite)


__all__ = ["torchscript"]
