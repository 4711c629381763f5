"""Training with the C++ trainer on a Python module's own tensors, and prediction from a run directory."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from . import _C
from .community import Table, read_table
from .errors import ArgumentError
from .models import SequenceEncoder, SequencePredictor
from .samples import SampleDataset

Path = str | os.PathLike[str]


class History:
    """What a fit did: ``epochs`` (a dict per epoch), ``best_epoch``, ``best_loss``, ``stopped_early``, ``interrupted``."""

    def __init__(self, result: Mapping[str, Any]) -> None:
        self.epochs: list[dict[str, Any]] = list(result["history"])
        self.best_epoch: int = result["best_epoch"]
        self.best_loss: float = result["best_loss"]
        self.stopped_early: bool = result["stopped_early"]
        self.interrupted: bool = result["interrupted"]

    def __repr__(self) -> str:
        return f"History({len(self.epochs)} epochs, best {self.best_epoch} with {self.best_loss:.6g})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{e['epoch']}</td><td>{e['train_loss']:.4g}</td><td>{e['val_loss']:.4g}</td></tr>" for e in self.epochs
        )
        return f"<table><tr><th>epoch</th><th>train loss</th><th>val loss</th></tr>{rows}</table>"


class Trainer:
    """The trainer that ``deepbio train`` runs, on this module's own parameters: they change in place.

    Args:
        model: a ``SequenceEncoder`` (distances and masked nucleotides) or ``SequencePredictor`` (targets too), float32 on
            the CPU.
        config: training options: ``epochs``, ``batch_size``, ``lr``, ``weight_decay``, ``warmup_steps``, ``patience``,
            ``max_grad_norm``, ``gradient_accumulation_steps``, ``scheduler``, ``seed``, ``loader_threads``,
            ``count_target``, ``best_metric``, ``loss`` (a dict); see docs/training.md. Also as keywords.

    Raises:
        ConfigError: an unknown option (with the nearest), or a bad value.
    """

    def __init__(
        self, model: SequenceEncoder | SequencePredictor, config: Mapping[str, Any] | None = None, **options: Any
    ) -> None:
        self.model = model
        self.config: dict[str, Any] = json.loads(_C.training_options(json.dumps({**(config or {}), **options})))

    def fit(
        self,
        train: SampleDataset,
        val: Sequence[str] | None = None,
        *,
        test_size: float = 0.2,
        run_directory: Path | None = None,
        on_epoch: Callable[[dict[str, Any]], bool | None] | None = None,
        resume: bool = False,
    ) -> History:
        """Trains; the module ends with the best epoch's weights, in eval mode.

        Args:
            train: samples with distances or targets.
            val: ids of the samples to validate on; None draws ``test_size`` of them by the seed.
            test_size: share, when ``val`` is None.
            run_directory: an existing folder for checkpoints (``last/`` to resume from, ``model.safetensors``).
            on_epoch: called with a dict after each epoch; returning False stops.
            resume: go on from ``run_directory/last``.
        """
        if val is None:
            train_items, val_items = _C.split_samples(len(train), test_size, self.config["seed"])
        else:
            unknown = sorted(set(val) - set(train.sample_ids))
            if unknown:
                raise ArgumentError(f"val: {len(unknown)} samples are not in the dataset ({', '.join(unknown[:3])})")
            held_back = set(val)
            val_items = [i for i, name in enumerate(train.sample_ids) if name in held_back]
            train_items = [i for i, name in enumerate(train.sample_ids) if name not in held_back]
        state = {name: parameter.detach() for name, parameter in self.model.named_parameters()}
        wrong = [name for name, tensor in state.items() if tensor.dtype != torch.float32 or tensor.device.type != "cpu"]
        if wrong:
            raise ArgumentError(f"Trainer: expected float32 parameters on the CPU, got {state[wrong[0]].dtype} {wrong[0]}")

        def after_epoch(text: str) -> bool:
            return on_epoch is None or on_epoch(json.loads(text)) is not False

        result = _C.fit(
            json.dumps(self.model.config.to_dict()),
            state,
            json.dumps(self.config),
            train._native(),
            train.fixed()._native(),
            train_items,
            val_items,
            os.fspath(run_directory) if run_directory is not None else "",
            train.codec,
            None,
            after_epoch,
            resume,
        )
        self.model.eval()
        return History(json.loads(result))


class Predictions(NamedTuple):
    """``values`` float64 [N, O] in the target's units, or class probabilities [N, C]; ``labels`` of a classifier."""

    sample_ids: list[str]
    values: Tensor
    labels: list[str]
    left_out: list[str]  # samples with fewer reads than the run rarefies to


def predict(run: Path, table: Table | Path, *, sequences: Path | None = None, batch_size: int = 32) -> Predictions:
    """Predictions of a run directory on a table: what ``deepbio predict`` writes.

    Raises:
        MissingFileError, ConfigError: not a run directory. ArgumentError: not a predictor; ids that are not DNA.
    """
    table = table if isinstance(table, Table) else read_table(os.fspath(table))
    fasta = os.fspath(sequences) if sequences is not None else ""
    out = _C.predict(os.fspath(run), table._table, fasta, batch_size)
    labels = [out["classes"][i] for i in out["class_ids"]]
    return Predictions(out["sample_ids"], out["values"], labels, out["left_out"])
