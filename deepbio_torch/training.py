"""Training with the C++ trainer on a Python module's own tensors.

Prediction from a run directory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from . import _C, _options
from ._arguments import of_kind
from ._community.samples import SampleDataset
from ._community.tables import Table, table_of
from ._log import logger
from ._model.runs import run_config
from ._processes import processes_of
from .errors import ArgumentError, WrongTypeError
from .models import ModelConfig, SequenceEncoder, SequencePredictor

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

Path = str | os.PathLike[str]
Model = SequenceEncoder | SequencePredictor


class History:
    """What a fit did.

    Attributes:
        epochs: a dict per epoch: epoch, train_loss, val_loss, train, val (terms and metrics), lr,
            seconds, samples_per_second, is_best, skipped_steps.
        best_epoch: its number, 0-based. best_loss: its ``best_metric``.
        stopped_early: patience ran out. interrupted: a callback said so.
    """

    def __init__(self, result: Mapping[str, Any]) -> None:
        """Takes what C++ reports."""
        self.epochs: list[dict[str, Any]] = list(result["history"])
        self.best_epoch: int = result["best_epoch"]
        self.best_loss: float = result["best_loss"]
        self.stopped_early: bool = result["stopped_early"]
        self.interrupted: bool = result["interrupted"]

    def __repr__(self) -> str:
        return (
            f"History({len(self.epochs)} epochs, best {self.best_epoch} with {self.best_loss:.6g})"
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{e['epoch']}</td>"
            f"<td>{e['train_loss']:.4g}</td><td>{e['val_loss']:.4g}</td></tr>"
            for e in self.epochs
        )
        head = "<tr><th>epoch</th><th>train loss</th><th>val loss</th></tr>"
        return f"<table>{head}{rows}</table>"


class Trainer:
    """The trainer that ``deepbio train`` runs, on a module's own parameters: they change in place.

    Args:
        model: a SequenceEncoder (distances, masked nucleotides) or SequencePredictor (targets
            too), float32, on any device. Frozen parameters stay as they are.
        config: the options below by name, those of the loss also as a dict ``loss``; or as
            keywords.

    Raises:
        ConfigError: an unknown option (with the nearest known one) or a bad value.
    """

    def __init__(
        self, model: Model, config: Mapping[str, Any] | None = None, **options: Any
    ) -> None:
        """Checks and completes the options."""
        self.model = model
        given = _options.renamed(_options.rows("training"), {**(config or {}), **options})
        self.config: dict[str, Any] = _C.training_options(given)

    def fit(
        self,
        train: SampleDataset,
        val: SampleDataset | None = None,
        *,
        test_size: float = 0.2,
        run_directory: Path | None = None,
        on_step: Callable[[dict[str, Any]], bool | None] | None = None,
        on_epoch: Callable[[dict[str, Any]], bool | None] | None = None,
        resume: bool = False,
        overwrite: bool = False,
        groups: Sequence[object] | None = None,
        process_group: ProcessGroup | None = None,
    ) -> History:
        """Trains; the module ends with the weights of the best epoch, in eval mode, on ``device``.

        Args:
            train: samples with distances or targets.
            val: samples to validate on, from any table; None splits ``train``
                (``train.split(test_size)``).
            test_size: share of the samples to validate on, when ``val`` is None.
            run_directory: a folder for checkpoints and all that ``predict`` and the command need;
                a new one is made. One training at a time works in it.
            on_step: called after each batch with epoch, step, num_steps, loss, inner_fold (above 0
                while the mixture of branches is fitted) and skipped (why the weights stayed as they
                were: what is not finite, in which samples; else ""); False stops.
            on_epoch: called after each epoch with an entry of ``History.epochs``; False stops.
            resume: go on from ``run_directory``, after the batch at which it was stopped; with more
                ``epochs`` a finished run is extended.
            overwrite: replace the run in ``run_directory``.
            groups: what each training sample belongs to (host, study); the inner folds that weigh
                the branches of a predictor keep groups whole.
            process_group: processes that train this model together (None: all of
                ``torch.distributed``, where it runs), each of which makes this call with the same
                data. ``batch_size`` counts the samples of all, so that their number changes nothing
                but the time; the first process writes ``run_directory``, which all can read.

        Raises:
            ArgumentError, ConfigError: what does not fit together, before anything is written.
                WriteError: the folder is not empty, or another training works in it. DeepBioError:
                the weights became NaN, or more steps in a row than ``max_skipped_steps`` had a loss
                or gradient that is not finite.
        """
        if val is None:
            train, val = train.split(test_size, seed=self.config["seed"])
        self._check(train, val)
        here = next(self.model.parameters()).device
        self.model.to(_C.device_name(self.config["device"], str(here)))
        run = "" if run_directory is None else os.fspath(run_directory)

        def after_step(event: dict[str, Any]) -> bool:
            if event["skipped"]:
                logger.warning("%s", event["skipped"])
            return on_step is None or on_step(event) is not False

        def after_epoch(text: str) -> bool:
            return on_epoch is None or on_epoch(json.loads(text)) is not False

        result = _C.fit(
            json.dumps(self.model.config.to_dict()),
            _state(self.model),
            json.dumps(self.config),
            train.native(),
            val.native(),
            codec_json=train.codec,
            run_directory=run,
            run_config_json=run_config(self.model, train, self.config, len(val), self._kind())
            if run
            else "",
            notes=train.notes,
            val_values=val._values,
            val_labels=val._labels,
            on_step=after_step,
            on_epoch=after_epoch,
            resume=resume,
            overwrite=overwrite,
            groups=_numbered(groups, len(train)),
            process_group=processes_of(process_group),
        )
        self.model.eval()
        return History(json.loads(result))

    def _check(self, train: SampleDataset, val: SampleDataset) -> None:
        _check_is_plain(self.model)
        here = next(self.model.parameters()).device
        for name, tensor in self.model.named_parameters():
            if tensor.dtype != torch.float32 or tensor.device != here:
                raise ArgumentError(
                    f"Trainer: expected float32 parameters on {here}, got {tensor.dtype} on "
                    f"{tensor.device} ({name})"
                )
        config = self.model.config
        if config.freeze_base and train.table.feature_ids != val.table.feature_ids:
            raise ArgumentError(
                "Trainer: with freeze_base train and val need the same features in the same order; "
                "SampleDataset.split and subset keep them"
            )
        if train.codec != val.codec:
            raise ArgumentError(
                "Trainer: train and val scale their targets differently; give val codec=train.codec"
            )
        if train.categories != val.categories:
            raise ArgumentError(
                "Trainer: the values of train's and val's categorical columns "
                "are numbered differently; give val categories=train.categories"
            )
        if train.categorical_cardinalities != config.categorical_cardinalities:
            raise ArgumentError(
                "Trainer: the training samples have categorical_cardinalities "
                f"{train.categorical_cardinalities}, the model {config.categorical_cardinalities}; "
                "split first, and build the model for the training part"
            )
        for name in ("max_bp", "token_limit"):
            if train.options[name] > getattr(config, name):
                raise ArgumentError(
                    f"Trainer: the dataset has {name}={train.options[name]}, the model "
                    f"{name}={getattr(config, name)}"
                )

    def _kind(self) -> str:
        return "train" if isinstance(self.model, SequencePredictor) else "pretrain"

    def __repr__(self) -> str:
        kind = type(self.model).__name__
        shown = ", ".join(f"{key}={self.config[key]}" for key in ("epochs", "batch_size", "lr"))
        return f"Trainer({kind}, {shown})"


_options.document(Trainer, "training", "loss")


def _check_is_plain(model: Model) -> None:
    """Refuses a module whose Python code the C++ trainer would not run.

    Raises:
        ArgumentError: a forward, a hook, a child or a parameter of its own, by name.
    """
    kind = SequencePredictor if isinstance(model, SequencePredictor) else SequenceEncoder
    if not isinstance(model, kind):
        raise WrongTypeError(
            f"Trainer: expected a SequenceEncoder or SequencePredictor, got {type(model).__name__}"
        )
    way_out = "which the C++ trainer would not use; train it in a loop of your own (docs/python.md)"
    if type(model).forward is not kind.forward or "forward" in vars(model):
        raise ArgumentError(f"Trainer: {type(model).__name__} has a forward of its own, {way_out}")
    with torch.device("meta"):
        plain = kind(model.config)
    expected = {name: type(child) for name, child in plain.named_modules() if name}
    for name, child in model.named_modules():
        if name and expected.get(name) is not type(child):
            own = type(child).__name__
            raise ArgumentError(f"Trainer: the model has a {name!r} of its own ({own}), {way_out}")
        if (
            child._forward_hooks
            or child._forward_pre_hooks
            or child._backward_hooks
            or child._backward_pre_hooks
        ):
            raise ArgumentError(f"Trainer: {name or 'the model'} has a hook, {way_out}")
    names = {name for name, _ in plain.named_parameters()}
    extra = [name for name, _ in model.named_parameters() if name not in names]
    if extra:
        raise ArgumentError(
            f"Trainer: the model has a parameter {extra[0]!r} of its own, {way_out}"
        )


class _PredictedSamples(NamedTuple):
    sample_ids: list[str]
    values: Tensor
    labels: list[str]
    left_out: list[str]


class Predictions(_PredictedSamples):
    """Predictions in table order; unpacks to its first four attributes.

    Attributes:
        sample_ids: N ids.
        values: float64 [N, O] in the unit of the target, or probabilities of the classes [N, C].
        labels: the class of each sample; empty for numbers.
        left_out: samples with fewer reads than the run draws.
        means: float64 [N], the mean of a histogram's answer, whose ``values`` are medians; else
            None.
        levels: of a quantile regression (``values`` is the level nearest 0.5), or of a histogram
            beside its median.
        quantiles: float64 [N, levels] in the unit of the target, else None.
        notes: what is odd about the table: samples left out, ASVs that training never saw or that
            were cut.
    """

    means: Tensor | None
    levels: list[float]
    quantiles: Tensor | None
    notes: list[str]


def _state(model: Model) -> dict[str, Tensor]:
    """Parameters and buffers as they are, not copies."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def _numbered(groups: Sequence[object] | None, num_samples: int) -> list[int]:
    if groups is None:
        return []
    if len(groups) != num_samples:
        raise ArgumentError(
            f"groups: expected one for each of {num_samples} training samples, got {len(groups)}"
        )
    numbers: dict[object, int] = {}
    return [numbers.setdefault(group, len(numbers)) for group in groups]


def fit_config(
    config: ModelConfig, dataset: SampleDataset, known_min_samples: int = 5
) -> ModelConfig:
    """The config of a predictor with ``num_known_asvs`` as the training samples give it.

    Args:
        config: the other options.
        dataset: the training samples.
        known_min_samples: an ASV of so many samples is known; 0: no branch of known ASVs.
    """
    config = of_kind(config, ModelConfig, "config", "a ModelConfig")
    dataset = of_kind(dataset, SampleDataset, "dataset", "a SampleDataset")
    fitted = _C.fit_config(json.dumps(config.to_dict()), dataset.native(), known_min_samples)
    return ModelConfig.from_dict(json.loads(fitted))


def calibrate(
    model: Model, dataset: SampleDataset, known_min_samples: int = 0, *, scale_asvs: bool = True
) -> None:
    """Gives a new model the data-dependent start that ``deepbio train`` gives it.

    The norm of the ASV pooling is rewritten so that embeddings have mean 0 and deviation 1 over the
    ASVs of the table, slot positions start at zero, and ``abundance_pooling`` is fitted likewise to
    the samples. A predictor begins with the answer of a model without inputs (class rates, the
    distribution or the mean of the targets), and learns which ASVs are known. Call it once, on the
    training samples, before :meth:`Trainer.fit`; not for a model that has learned something.

    Args:
        model: of this dataset; with ``num_known_asvs`` as :func:`fit_config` gave it.
        dataset: the training samples.
        known_min_samples: as for :func:`fit_config`.
        scale_asvs: whether the ASV pooling is rewritten, as in the default preset and not in AAM's.

    Raises:
        ArgumentError: fewer than two ASVs or samples.
    """
    model = of_kind(model, Model, "model", "a SequenceEncoder or SequencePredictor")
    dataset = of_kind(dataset, SampleDataset, "dataset", "a SampleDataset")
    _C.calibrate(
        json.dumps(model.config.to_dict()),
        _state(model),
        dataset.native(),
        known_min_samples,
        scale_asvs,
    )


def predict(
    run: Path,
    table: Table | Path,
    *,
    sequences: Path | None = None,
    metadata: Path | None = None,
    batch_size: int = 32,
    device: str = "",
) -> Predictions:
    """Predictions of a run on a table: the numbers of ``deepbio predict``.

    Args:
        run: a run directory.
        table: a Table or the path of one.
        sequences: path of a FASTA with the DNA of features whose ids are not DNA.
        metadata: path of the sample metadata, for a run with covariates.
        batch_size: samples at a time.
        device: where the model answers: "cpu" (as ""), "cuda", "cuda:1", "auto".

    Raises:
        MissingFileError, ConfigError: not a run directory. ArgumentError: the run predicts nothing;
            no sample is deep enough; ids that are not DNA; covariates without metadata.
    """
    table = table_of(table)
    fasta = "" if sequences is None else os.fspath(sequences)
    about = "" if metadata is None else os.fspath(metadata)
    out = _C.predict(os.fspath(run), table.native, fasta, batch_size, about, str(device))
    labels = [out["classes"][i] for i in out["class_ids"]]
    predictions = Predictions(out["sample_ids"], out["values"], labels, out["left_out"])
    for name in ("means", "levels", "quantiles", "notes"):
        setattr(predictions, name, out[name])
    for note in predictions.notes:
        logger.warning(note)
    return predictions


def embed(
    run: Path,
    table: Table | Path,
    *,
    sequences: Path | None = None,
    batch_size: int = 32,
    device: str = "",
) -> tuple[list[str], Tensor]:
    """Sample ids and embeddings float32 [N, D] of a run on a table: those of ``deepbio embed``.

    Arguments and errors as of :func:`predict`.
    """
    table = table_of(table)
    fasta = "" if sequences is None else os.fspath(sequences)
    return _C.embed(os.fspath(run), table.native, fasta, batch_size, str(device))


__all__ = ["History", "Predictions", "Trainer", "calibrate", "embed", "fit_config", "predict"]
