"""AAM's names and keywords over this package; :mod:`deepbio_torch.compat` gives them out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..community import faith_pd, unifrac
from ..errors import ArgumentError, WrongTypeError
from ..models import SequencePredictor
from ..tokenizers import Tokenizer
from .distances import DistanceMatrix
from .samples import SampleDataset
from .tables import Table, read_table, table_of


class BIOMLoader:
    """AAM's reader of BIOM tables."""

    def load_table(self, path: Any) -> Table:
        """The table."""
        return read_table(path)

    def rarefy(
        self,
        table: Table,
        depth: int,
        with_replacement: bool = False,
        random_seed: int | None = None,
        inplace: bool = False,
    ) -> Table:
        """``depth`` reads of each sample that has as many.

        A new table, also where ``inplace`` is asked for.
        """
        return table.rarefy(
            depth, seed=0 if random_seed is None else random_seed, with_replacement=with_replacement
        )

    def get_sequences(self, table: Table) -> list[str]:
        """The ids of the features, which are their DNA."""
        return list(table.feature_ids)


class UniFracComputer:
    """AAM's UniFrac: unweighted and weighted distances of a table on a tree."""

    def compute_unweighted(self, table: Any, tree: Any, **options: Any) -> Any:
        """A DistanceMatrix."""
        return unifrac(table, tree, metric="unweighted", **options)

    def compute_weighted(self, table: Any, tree: Any, **options: Any) -> Any:
        """A DistanceMatrix, normalized."""
        return unifrac(table, tree, metric="weighted_normalized", **options)

    def compute_faith_pd(self, table: Any, tree: Any, **options: Any) -> Any:
        """A pandas Series, or where there is no pandas a dict, of sample ids and values."""
        table = table_of(table)
        values = faith_pd(table, tree, **options).tolist()
        try:
            import pandas
        except ImportError:
            return dict(zip(table.sample_ids, values, strict=True))
        return pandas.Series(values, index=list(table.sample_ids), name="faith_pd")

    def extract_batch_distances(
        self, distances: Any, sample_ids: Sequence[str], metric: str = "unweighted"
    ) -> Tensor:
        """float32 [B, B] of a matrix, [B, 1] of Faith's diversities.

        Raises:
            ArgumentError: another metric, ids that are not there. WrongTypeError: values of the
                other kind.
        """
        ids = list(sample_ids)
        if metric in ("unweighted", "weighted"):
            if not isinstance(distances, DistanceMatrix):
                raise WrongTypeError(
                    f"{metric}: expected a DistanceMatrix, got {type(distances).__name__}"
                )
            return distances.subset(ids).values.float()
        if metric != "faith_pd":
            raise ArgumentError(
                f"metric: expected unweighted, weighted or faith_pd, got {metric!r}"
            )
        if isinstance(distances, DistanceMatrix) or not hasattr(distances, "keys"):
            raise WrongTypeError(
                f"faith_pd: expected a Series or a dict, got {type(distances).__name__}"
            )
        missing = [name for name in ids if name not in distances.keys()]
        if missing:
            raise ArgumentError(
                f"faith_pd: {len(missing)} ids are not there ({', '.join(missing[:3])})"
            )
        return torch.tensor([float(distances[name]) for name in ids]).view(-1, 1)


class SequenceTokenizer:
    """AAM's vocabulary: padding 0, A 1, C 2, G 3, T 4, START 5, MASK 6."""

    def __init__(self) -> None:
        """The preset "aam"."""
        self.tokenizer = Tokenizer.from_preset("aam")

    def tokenize(self, sequence: Any) -> Tensor:
        """int64 [L + 1], START first."""
        return torch.tensor(self.tokenizer.encode(sequence))

    def pad_sequences(self, sequences: Iterable[Tensor], max_length: int) -> Tensor:
        """int64 [N, max_length], cut or padded with 0."""
        rows = [row[:max_length] for row in sequences]
        return torch.stack(
            [torch.nn.functional.pad(row, (0, max_length - len(row))) for row in rows]
        )


def ASVDataset(
    table: Any,
    metadata: Any = None,
    unifrac_distances: Any = None,
    *,
    target_column: str | None = None,
    unifrac_metric: str = "unweighted",
    normalize_targets: bool = False,
    log_transform_targets: bool = False,
    tokenizer: Any = None,
    **options: Any,
) -> SampleDataset:
    """AAM's ``ASVDataset``: a :class:`deepbio_torch.SampleDataset`, whose tokens are always AAM's.

    ``unifrac_metric`` says what ``unifrac_distances`` are, which is not needed; ``tokenizer`` is
    not either.
    """
    if unifrac_metric not in ("unweighted", "unifrac", "weighted"):
        raise ArgumentError(
            f"unifrac_metric: expected unweighted, unifrac or weighted, got {unifrac_metric!r}"
        )
    scaled = "log-minmax" if log_transform_targets else "minmax" if normalize_targets else "none"
    options.setdefault("target_transform", scaled)
    return SampleDataset(
        table, metadata=metadata, distances=unifrac_distances, target=target_column, **options
    )


SequenceRegressor = SequencePredictor
