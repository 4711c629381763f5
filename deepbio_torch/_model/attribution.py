"""What the sequences of a sample did to its prediction: integrated gradients by ASV.

Integrated gradients (Sundararajan, Taly & Yan 2017) from a sample whose ASVs all have the mean
embedding of the table to the sample as it is: the attribution of an ASV is what the prediction
changes by along the way on its account, and those of a sample add up to the difference of the two
predictions. Only what is read of the sequences is on the way: what a model knows of an ASV by
itself is measured by shuffling (:func:`deepbio_torch.importance`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from ..errors import ArgumentError

if TYPE_CHECKING:
    from .._batches.batch import Batch
    from .._community.samples import SampleDataset
    from .._community.tables import Table
    from ..models import SequencePredictor

PathLike = str | os.PathLike[str]
_ASVS_PER_CALL = 1024  # whose embeddings are computed at a time


class Attributions(NamedTuple):
    """Integrated gradients of a table.

    Attributes:
        sample_ids, feature_ids: N samples that are deep enough, F features of the table.
        values: float32 [N, F], in the model's unit; 0 where the sample lacks the ASV.
        outputs: float32 [N], what the model says of each sample: the target in the model's unit
            (for a z-scored target standard deviations), the log-probability of the class.
        baselines: float32 [N], what it says when all ASVs have the mean embedding. Each row of
            ``values`` sums to ``outputs - baselines`` up to the steps.
    """

    sample_ids: list[str]
    feature_ids: list[str]
    values: Tensor
    outputs: Tensor
    baselines: Tensor

    def ranking(self) -> list[tuple[str, float, float]]:
        """(feature id, mean of the absolute attribution, mean attribution) over the samples.

        Largest first; ASVs that no sample has are left out.
        """
        size, sign = self.values.abs().mean(0), self.values.mean(0)
        order = [int(f) for f in size.argsort(descending=True, stable=True) if size[f] > 0]
        return [(self.feature_ids[f], float(size[f]), float(sign[f])) for f in order]


def integrated_gradients(
    run: PathLike,
    table: Table | PathLike,
    *,
    label: str | None = None,
    sequences: PathLike | None = None,
    samples: Sequence[str] | None = None,
    steps: int = 32,
) -> Attributions:
    """Attributions of the ASVs of a table through what a run reads of their sequences.

    Args:
        run: a run directory of ``deepbio train`` that reads sequences (``--sequence-branch``,
            ``--transformer-branch``, ``--pretrained`` or ``--preset aam``), without covariates.
        table: a Table or its path.
        label: of classes: the one whose log-probability is explained; None: the last.
        sequences: a FASTA with the DNA of features whose ids are not DNA.
        samples: ids of the samples to explain; None: all.
        steps: points of the midpoint rule.

    Raises:
        MissingFileError: no run directory. ArgumentError: a run that reads no sequences or takes
            covariates, an unknown class, fewer than one step.
    """
    from .._community.samples import SampleDataset
    from .._community.tables import table_of
    from ..models import SequencePredictor, from_pretrained

    if steps < 1:
        raise ArgumentError(f"steps: expected 1 or more, got {steps}")
    model = from_pretrained(os.fspath(run))
    config = json.loads((Path(run) / "config.json").read_text(encoding="utf-8"))
    if not isinstance(model, SequencePredictor):
        raise ArgumentError(f"{run}: expected a run of `train`, got one that predicts no target")
    if not (model.config.sequence_branch or model.config.transformer_branch):
        raise ArgumentError(
            f"{run}: reads no sequences; `importance` shuffles the ASVs that it knows"
        )
    if model.config.categorical_cardinalities:
        raise ArgumentError(f"{run}: takes covariates, which integrated_gradients does not")
    chosen = table_of(table)
    if samples is not None:
        chosen = chosen.filter(samples=list(samples))
    data = config["data"]
    dataset = SampleDataset(
        chosen,
        sequences=None if sequences is None else os.fspath(sequences),
        rarefy_depth=data["rarefy_depth"],
        redraw=False,
        token_limit=data["token_limit"],
        asv_sampling=data["asv_sampling"],
        max_bp=data["max_bp"],
        missing_sequences=data.get("missing_sequences", "error"),
    )
    return _Path(model, dataset, _place_of(config, label), steps).walk()


def _place_of(config: dict[str, Any], label: str | None) -> int:
    """The output that is explained: a class, or the only number."""
    target = config["target"]
    if not target["is_classifier"]:
        if label is not None:
            raise ArgumentError(f"label: the run predicts a number, got {label!r}")
        return 0
    classes = list(target["classes"])
    if label is None:
        return len(classes) - 1
    if label not in classes:
        raise ArgumentError(f"label: expected one of {', '.join(classes)}, got {label!r}")
    return classes.index(label)


class _Path:
    """The way from the mean embedding to the sample, all its steps in one batch."""

    def __init__(
        self, model: SequencePredictor, dataset: SampleDataset, place: int, steps: int
    ) -> None:
        self.model, self.dataset, self.place, self.steps = model.eval(), dataset, place, steps

    def walk(self) -> Attributions:
        dataset = self.dataset
        values = torch.zeros(len(dataset), len(dataset.table.feature_ids))
        outputs, baselines = torch.zeros(len(dataset)), torch.zeros(len(dataset))
        ids = []
        mean = self._mean_embedding()
        for row in range(len(dataset)):
            batch = dataset.batch([row])
            ids += list(batch.sample_ids)
            with torch.no_grad():
                asvs = self.model.encode_asvs(batch["asv_tokens"])
                first, last = self._say(batch, torch.stack([mean.expand_as(asvs), asvs]))
            baselines[row], outputs[row] = first, last
            values[row, batch["asv_features"]] = (
                (asvs - mean) * self._mean_gradient(batch, mean, asvs)
            ).sum(-1)
        return Attributions(ids, list(dataset.table.feature_ids), values, outputs, baselines)

    def _mean_embedding(self) -> Tensor:
        """Over the distinct ASVs of the samples, float32 [D]."""
        seen: dict[int, Tensor] = {}
        for row in range(len(self.dataset)):
            batch = self.dataset.batch([row])
            features = batch["asv_features"].tolist()
            new = [u for u, feature in enumerate(features) if feature not in seen]
            for begin in range(0, len(new), _ASVS_PER_CALL):
                part = new[begin : begin + _ASVS_PER_CALL]
                with torch.no_grad():
                    vectors = self.model.encode_asvs(batch["asv_tokens"][part])
                seen.update({features[u]: vector for u, vector in zip(part, vectors, strict=True)})
        return torch.stack(list(seen.values())).mean(0)

    def _mean_gradient(self, batch: Batch, mean: Tensor, asvs: Tensor) -> Tensor:
        """Of the output by the embedding of each ASV, along the way: float32 [U, D]."""
        at = (torch.arange(self.steps, dtype=torch.float32) + 0.5) / self.steps
        points = mean + at[:, None, None] * (asvs - mean)
        points.requires_grad_()
        (gradient,) = torch.autograd.grad(self._say(batch, points).sum(), points)
        return gradient.mean(0)

    def _say(self, batch: Batch, points: Tensor) -> Tensor:
        """Predictions, float32 [P], for the sample with ASVs [P, U, D] in place of its own."""
        count, num_asvs = points.shape[:2]
        index = batch["asv_index"] + num_asvs * torch.arange(count)[:, None]
        out = self.model(
            {
                "asv_embeddings": points.flatten(0, 1),
                "asv_tokens": batch["asv_tokens"].repeat(count, 1),
                "asv_index": index.masked_fill(~batch["mask"], 0),
                "mask": batch["mask"].expand(count, -1),
                "counts": batch["counts"].expand(count, -1),
            }
        )
        if (
            "target_distribution" in out
        ):  # its median moves in jumps of a bin's slope; the mean is smooth
            edges = out["bin_edges"]
            mean: Tensor = out["target_distribution"].exp() @ ((edges[1:] + edges[:-1]) / 2)
            return mean
        said: Tensor = out["target_prediction"]
        return said.select(-1, said.size(-1) // 2)[:, 0] if said.dim() == 3 else said[:, self.place]
