"""What a model makes of variants: its output with the alternative less that with the reference."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .._arguments import of_kind, whole
from .._batches.batch import Batch
from .._batches.loader import DataLoader
from .._output import write_text
from .._reads.records import Path
from .._reads.variants import VariantDataset
from ..errors import ArgumentError
from .scoring import Scores, evaluated

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class VariantEffects:
    """Scores of N variants for K tracks; a row each.

    Attributes:
        ids: of the variants, as in the batches of the dataset.
        chromosomes: their names.
        positions: counted from 1, as in VCF.
        references: reference alleles.
        alternatives: alternative alleles.
        tracks: names of the outputs.
        reference_scores: float32 [N, K], of the reference windows.
        alternative_scores: float32 [N, K], of the alternative windows.
    """

    ids: list[str]
    chromosomes: list[str]
    positions: list[int]
    references: list[str]
    alternatives: list[str]
    tracks: list[str]
    reference_scores: Tensor
    alternative_scores: Tensor

    @property
    def effects(self) -> Tensor:
        """float32 [N, K]: alternative less reference."""
        return self.alternative_scores - self.reference_scores

    def columns(self) -> dict[str, list[Any]]:
        """Names and values of the columns, as :meth:`to_pandas` and :meth:`write` have them."""
        out: dict[str, list[Any]] = {
            "id": self.ids,
            "chromosome": self.chromosomes,
            "position": self.positions,
            "reference": self.references,
            "alternative": self.alternatives,
        }
        kinds = {
            "effect": self.effects,
            "reference_score": self.reference_scores,
            "alternative_score": self.alternative_scores,
        }
        for kind, scores in kinds.items():
            for k, track in enumerate(self.tracks):
                name = kind if len(self.tracks) == 1 else f"{kind}_{track}"
                out[name] = scores[:, k].tolist()
        return out

    def to_pandas(self) -> pd.DataFrame:
        """A DataFrame: ``id``, ``chromosome``, ``position``, ``reference``, ...

        One track has the columns ``effect``, ``reference_score``, ``alternative_score``; several
        have them with their names, as ``effect_0``.
        """
        import pandas as pd

        return pd.DataFrame(self.columns())

    def to_text(self) -> str:
        """The table as tab-separated text."""
        columns, out = self.columns(), io.StringIO()
        out.write("\t".join(columns) + "\n")
        for row in zip(*columns.values(), strict=True):
            out.write("\t".join(f"{v:.7g}" if isinstance(v, float) else str(v) for v in row) + "\n")
        return out.getvalue()

    def write(self, path: Path) -> None:
        """Writes the table as tab-separated text."""
        write_text(path, self.to_text())

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"VariantEffects({len(self)} variants, {len(self.tracks)} tracks)"

    def _repr_html_(self) -> str:
        return str(self.to_pandas()._repr_html_())


def score_variants(
    model: Callable[[Tensor], Any],
    dataset: VariantDataset,
    *,
    batch_size: int = 64,
    tracks: Sequence[str] | None = None,
    output: Callable[[Any], Tensor] | None = None,
    reverse_complement: bool = False,
    device: torch.device | str | None = None,
    num_workers: int = 0,
) -> VariantEffects:
    """The effect of each variant on each output of a model.

    The model is called on the reference windows and on the alternative windows of a batch, without
    gradients; a module is put into evaluation mode for that and back. Its output [B] is one track,
    [B, K] are K tracks; of [B, K, P] (a profile) the positions are summed.

    Args:
        model: takes what a batch of the dataset holds: ``sequences``, or ``input_ids`` and
            ``attention_mask``.
        dataset: the variants.
        batch_size: pairs at a time.
        tracks: names of the outputs; None: "0", "1", ...
        output: makes the scores [B] or [B, K] of what the model returns.
        reverse_complement: scores are the mean of both strands; for one-hot [B, 4, L] alone.
        device: where the model is; None: where its parameters are, else the CPU.
        num_workers: threads that make batches ahead.

    Returns:
        A :class:`VariantEffects` in the order of the dataset.

    Raises:
        ArgumentError: no :class:`VariantDataset`, one whose transform drops pairs, another number
            of tracks than outputs. ShapeError: an output of another shape.
    """
    of_kind(dataset, VariantDataset, "dataset", "a VariantDataset")
    score = Scores(model, output, device, reverse_complement)
    parts: dict[str, list[Tensor]] = {"": [], "alternative_": []}
    loader = DataLoader(
        dataset, batch_size=whole(batch_size, "batch_size"), num_workers=num_workers
    )
    with evaluated(model):
        for batch in loader:
            for prefix, scores in parts.items():
                scores.append(score(*_inputs(batch, prefix)).matrix())
    reference, alternative = (torch.cat(scores) for scores in parts.values())
    if len(reference) != len(dataset):
        raise ArgumentError(
            f"dataset: expected a transform that keeps every pair, got {len(reference)} of "
            f"{len(dataset)}"
        )
    return _table(dataset, reference, alternative, tracks)


def _inputs(batch: Batch, prefix: str) -> list[Tensor]:
    """What the model takes of one side of a batch."""
    if prefix + "input_ids" in batch:
        return [batch[prefix + "input_ids"], batch[prefix + "attention_mask"]]
    return [batch[prefix + "sequences"]]


def _table(
    dataset: VariantDataset,
    reference: Tensor,
    alternative: Tensor,
    tracks: Sequence[str] | None,
) -> VariantEffects:
    count = reference.shape[1]
    names = [str(k) for k in range(count)] if tracks is None else [str(each) for each in tracks]
    if len(names) != count:
        raise ArgumentError(f"tracks: expected {count} names, as the outputs, got {len(names)}")
    about = [dataset.about(i) for i in range(len(dataset))]
    return VariantEffects(
        ids=[dataset._id(i) for i in range(len(dataset))],
        chromosomes=[each["chromosome"] for each in about],
        positions=[each["position"] for each in about],
        references=[each["reference"] for each in about],
        alternatives=[each["alternative"] for each in about],
        tracks=names,
        reference_scores=reference,
        alternative_scores=alternative,
    )
