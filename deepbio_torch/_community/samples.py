"""Samples of a feature table as a dataset for the AAM models."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from .. import _C
from .._arguments import absolute_paths, depth_of, place_of, seed_of
from .._batches import (
    collate,  # noqa: F401  so that a process that unpickles a dataset can make its batches
)
from .._batches.batch import Batch, Rows, Sample, sample_of_row
from .._batches.draws import Drawn, Draws
from .._batches.inspect import page_of_samples
from .._log import logger
from ..errors import ArgumentError
from .distances import matrix_of
from .held_back import split_samples
from .metadata import Metadata, metadata_of
from .tables import DistanceMatrix, Table, Tree, table_of
from .trees import tree_of

if TYPE_CHECKING:
    import pandas as pd

Path = str | os.PathLike[str]


class SampleDataset(Drawn, Dataset[Sample]):
    """Samples of a table with distances, targets and a new draw of reads in each epoch.

    ``dataset.batch(indices)`` and every loader give a :class:`Batch` in which each distinct ASV
    stands once: ``asv_tokens`` int64 [U, L] (AAM ids, START first, padding 0), ``asv_features``
    int64 [U], ``asv_index`` int64, ``mask`` bool and ``counts`` float32 [B, S], ``distances``
    float32 [B, B] (with tree or distances), ``targets`` float32 [B, 1] or int64 [B] (with target),
    ``categorical_ids`` column -> int64 [B] (with categorical), ``sample_index`` int64 [B],
    ``sample_ids``. The models take it as it is. ``dataset[i]`` is one sample: ``tokens`` [S, L],
    ``counts`` [S], ``target``, ``categorical_ids`` column -> int64 (with categorical),
    ``sample_id``.

    Args:
        table: a Table, a path, or a table of biom, AnnData, pandas or polars.
        tree: a Tree, path or TreeNode; a batch then has the UniFrac distances of its own draw.
        distances: a DistanceMatrix or path instead of a tree.
        metadata: path of a metadata TSV, a :class:`Metadata`, or a DataFrame whose index holds the
            sample ids.
        target: its column to learn. Samples whose value is missing are left out; samples that the
            metadata or the distances do not know are an error, unless ``missing_samples`` is
            "drop". Samples that all have the same value are refused, unless ``codec`` is given:
            then they are judged, not learned from.
        classifier: the target is a class; otherwise a number.
        target_transform: of a number: "none", "minmax", "zscore", "log-minmax" or "log-zscore",
            fitted on these samples.
        codec: the ``codec`` of another dataset: targets are scaled as there.
        categorical: columns of the metadata that the model sees as well, with
            ``categorical_cardinalities=dataset.categorical_cardinalities``. The values of a column,
            sorted, are 1, 2, ...; 0 is a missing value, one that is not known, or a sample without
            metadata.
        categories: the ``categories`` of another dataset, to number values as there.
        missing_samples: "error" or "drop".
        missing_values: words of the metadata that stand for a missing value beside the empty cell.
        sequences: path of a FASTA with the DNA of each feature, for ids that are not DNA.
        rarefy_depth: reads drawn of each sample; shallower samples are left out. None: all reads.
            "auto": the largest depth up to 5000 that keeps 90 % of the samples.
        redraw: another draw each time, or that of the epoch that was set (``set_epoch``); False:
            always the same, as for validation.
        token_limit: ASVs of a sample at most.
        asv_sampling: which ASVs of a larger sample stay: "abundance", "first" or "random".
        max_bp: bases of an ASV at most.
        metric: "unweighted", "weighted_normalized" or "weighted_unnormalized".
        missing_features: features absent from the tree: "error" or "drop".
        missing_sequences: features whose id is not DNA and that are not in ``sequences``: "error",
            or "id" to know them by their id, which only a model that reads no sequences can.
        seed: of the draws; None takes one from torch's generator.

    Attributes:
        table: what is left of the table. codec, categories: scale of the target, values of columns;
            JSON text or "".
        left_out: ids of samples that are too shallow, without target or without distances.
        notes: what was left out and why, and what is odd about the samples or their split, a line
            each.

    Raises:
        ArgumentError, ParseError, MissingFileError: with file, sample or feature and what to do.
    """

    def __init__(
        self,
        table: Table | Path,
        *,
        tree: Tree | Path | None = None,
        distances: DistanceMatrix | Path | None = None,
        metadata: Metadata | pd.DataFrame | Path | None = None,
        target: str | None = None,
        classifier: bool = False,
        target_transform: str = "zscore",
        codec: str = "",
        categorical: Sequence[str] = (),
        categories: str = "",
        missing_samples: str = "error",
        missing_values: str | Sequence[str] = (),
        sequences: Path | None = None,
        rarefy_depth: int | str | None = None,
        redraw: bool = True,
        least_thinning: float = 1.0,
        token_limit: int = 1024,
        asv_sampling: str = "abundance",
        max_bp: int = 150,
        metric: str = "unweighted",
        missing_features: str = "error",
        missing_sequences: str = "error",
        seed: int | None = 0,
    ) -> None:
        """Reads what is given as a path, and checks everything."""
        if tree is not None and distances is not None:
            raise ArgumentError("distances: expected a tree or distances, got both")
        if target is not None and metadata is None:
            raise ArgumentError(f"target: column {target!r} needs metadata=PATH")
        if isinstance(categorical, str):
            raise ArgumentError(f"categorical: expected a list of columns, got {categorical!r}")
        if categorical and metadata is None:
            raise ArgumentError(f"categorical: columns {', '.join(categorical)} need metadata=PATH")
        _C.study_options(  # one check and one sentence for every door
            {
                "asv_sampling": asv_sampling,
                "least_thinning": least_thinning,
                "missing_features": missing_features,
                "missing_samples": missing_samples,
                "missing_sequences": missing_sequences,
                "target_transform": target_transform,
            }
        )
        self.table = table_of(table)
        self._paths = absolute_paths(
            table=table, tree=tree, distances=distances, metadata=metadata, sequences=sequences
        )
        self.tree = None if tree is None else tree_of(tree)
        self._distance_origin: tuple[str, float] | None = None
        if distances is not None:
            name = os.fspath(distances) if isinstance(distances, str | os.PathLike) else "distances"
            distances = matrix_of(distances, "distances")
            self._distance_origin = (
                name,
                float(distances.values.max()) if len(distances.ids) else 0.0,
            )
        self._metadata = None if metadata is None else metadata_of(metadata, missing_values)
        about = None if self._metadata is None else self._metadata.native
        depth = self._choose(
            about,
            distances,
            target=target or "",
            is_classifier=classifier,
            may_be_constant=bool(codec),
            categorical_columns=list(categorical),
            missing_samples=missing_samples,
            rarefy_depth=depth_of(rarefy_depth),
        )
        self.codec, self._targets = "", None
        self.categories, self._categories = "", {}
        if target is not None:
            self._scale_targets(target, target_transform, codec)
        if categorical and about is not None:
            self._number_categories(about, categorical, categories)
        self.distances = None if distances is None else distances.subset(self.table.sample_ids)
        fasta = "" if sequences is None else os.fspath(sequences)
        self._dna = _C.feature_sequences(self.table.feature_ids, fasta, missing_sequences)
        self.missing_sequences = missing_sequences
        self.options: dict[str, Any] = {
            "missing_features": missing_features,
            "max_bp": max_bp,
            "token_limit": token_limit,
            "asv_sampling": asv_sampling,
            "rarefy_depth": depth,
            "redraw_each_epoch": redraw,
            "least_thinning": least_thinning,
            "seed": seed_of(seed),
            "metric": metric,
        }
        self._draws = Draws()
        self._native: _C.SampleDataset | None = None
        self.native()

    _targets: Tensor | None
    _categories: dict[str, Tensor]  # int64 [N] by column
    _values: list[float]
    _labels: list[str]

    def _choose(
        self, about: _C.Metadata | None, distances: DistanceMatrix | None, **rules: Any
    ) -> int:
        """Keeps the samples that C++ chooses, with their targets; returns the depth."""
        ids = None if distances is None else distances.ids
        found = _C.choose_samples(self.table.native, about, ids, **rules)
        self._values, self._labels = found["values"], found["labels"]
        self.notes: list[str] = found["notes"]
        self.left_out: list[str] = [name for _, names in found["left_out"] for name in names]
        for note in self.notes:
            logger.info(note)
        if len(found["samples"]) < len(self.table.sample_ids):
            self.table = Table(self.table.native.select_samples(found["samples"]))
        return int(found["rarefy_depth"])

    def _scale_targets(self, column: str, transform: str, codec: str) -> None:
        if self._labels:
            self.codec = codec or _C.fit_classes(column, self._labels)
            self._targets = _C.class_ids(self.codec, self._labels)
        else:
            self.codec = codec or _C.fit_target(column, self._values, transform)
            self._targets = _C.normalize_targets(self.codec, self._values)

    def _number_categories(
        self, metadata: _C.Metadata, columns: Sequence[str], categories: str
    ) -> None:
        given = sorted(json.loads(categories)) if categories else sorted(columns)
        if given != sorted(columns):
            raise ArgumentError(
                f"categories: expected those of {', '.join(sorted(columns))}, got "
                f"{', '.join(given)}"
            )
        self.categories = categories or _C.fit_categories(
            list(columns), metadata, self.table.sample_ids
        )
        self._categories = _C.category_ids(self.categories, metadata, self.table.sample_ids)

    @property
    def categorical_cardinalities(self) -> dict[str, int]:
        """What a ModelConfig wants: values and one for unknown, by categorical column."""
        return {
            column: len(values) + 1
            for column, values in json.loads(self.categories or "{}").items()
        }

    def native(self) -> _C.SampleDataset:
        """The C++ dataset; made when it is first needed in a process."""
        if self._native is None:
            self._native = _C.SampleDataset(
                self.table.native,
                self._dna,
                tree=None if self.tree is None else self.tree.native,
                distances=None if self.distances is None else self.distances.values,
                targets=self._targets,
                distance_origin=self._distance_origin,
                **self.options,
            )
            self._native.set_categories(self._categories)
        return self._native

    @property
    def sample_ids(self) -> list[str]:
        """Ids of the samples, in the order of their indices."""
        return self.table.sample_ids

    def subset(self, indices: Sequence[int], *, redraw: bool | None = None) -> SampleDataset:
        """The dataset of these samples, with the same features, target scale and options.

        Args:
            indices: samples to keep, in this order.
            redraw: another answer to ``redraw``; None keeps it.
        """
        rows = torch.tensor(list(indices), dtype=torch.int64)
        out = copy.copy(self)
        out.table = Table(self.table.native.select_samples(rows.tolist()))
        out._targets = None if self._targets is None else self._targets[rows]
        out._categories = {column: ids[rows] for column, ids in self._categories.items()}
        out.distances = self.distances and self.distances.subset(out.table.sample_ids)
        out.options = {**self.options}
        if redraw is not None:
            out.options["redraw_each_epoch"] = redraw
        if self._targets is not None:
            out._values = [self._values[i] for i in rows.tolist()] if self._values else []
            out._labels = [self._labels[i] for i in rows.tolist()] if self._labels else []
        out._native, out._draws = None, Draws(self.epoch)
        return out

    def split(
        self,
        test_size: float = 0.2,
        *,
        seed: int | None = 0,
        group: str | Sequence[str] | None = None,
    ) -> tuple[SampleDataset, SampleDataset]:
        """Training samples, and others held back with a fixed draw, for a seed always the same.

        Every class has its share among the held-back samples. A numeric target is scaled again, by
        the training samples alone, and categories are numbered again: a value that only others have
        is unknown.

        Args:
            test_size: share of the samples to hold back.
            seed: of the split.
            group: a column of the metadata (host, subject), or a value for each sample: all samples
                of one value are on one side.

        Raises:
            ArgumentError: fewer than two samples, or samples of one group only.
        """
        parts: tuple[SampleDataset, SampleDataset] = split_samples(self, test_size, seed, group)
        return parts

    def describe(self) -> dict[str, Any]:
        """What a run keeps of its data.

        Paths, numbers of samples and features, the answer of a model without data.
        """
        samples, features = self.table.shape
        out: dict[str, Any] = {**self._paths, "num_samples": samples, "num_features": features}
        if self.codec:
            out["baseline"] = json.loads(_C.baseline(self.codec, self._values, self._labels))
        return out

    def denormalize(self, values: Any) -> Any:
        """What a model predicts, in the unit of the target.

        Args:
            values: numbers as in ``targets`` [B, O] (any shape), or of a classifier
                log-probabilities [B, C] or class ids [B].

        Returns:
            float64 of the same shape; of a classifier the names of the classes, a list of B.

        Raises:
            ArgumentError: a dataset without target; a class id that it does not have.
        """
        if not self.codec:
            raise ArgumentError("denormalize: expected a dataset with a target, got one without")
        numbers = torch.as_tensor(values).detach().cpu()
        if not self._labels:
            return _C.restore_targets(self.codec, numbers.double())
        ids = numbers.argmax(-1) if numbers.is_floating_point() else numbers
        names: list[str] = json.loads(self.codec)["classes"]
        if len(ids) and not 0 <= int(ids.min()) <= int(ids.max()) < len(names):
            raise ArgumentError(
                f"denormalize: expected class ids 0 to {len(names) - 1}, got {ids.tolist()!r:.60}"
            )
        return [names[i] for i in ids.flatten().tolist()]

    @property
    def _is_random(self) -> bool:
        options = self.options
        is_drawn = (
            options["rarefy_depth"] > 0
            or options["asv_sampling"] == "random"
            or options["least_thinning"] < 1
        )
        return bool(is_drawn and self.options["redraw_each_epoch"])

    def __len__(self) -> int:
        return len(self.native())

    def batch(self, indices: Sequence[int]) -> Batch:
        """The :class:`Batch` of these samples.

        Raises:
            RecordIndexError: an index out of range.
        """
        epoch = self._draws.epoch_for(self._is_random)
        return Batch(self.native().batch([self._checked(i) for i in indices], epoch))

    def complete(self, fields: dict[str, Any], epoch: int) -> Batch:
        """What a C++ loader gave, as a batch."""
        return Batch(fields)

    def __getitems__(self, indices: Sequence[int]) -> Rows:
        return Rows(self.batch(indices), len(indices), sample_of_row)

    def __getitem__(self, index: int) -> Sample:
        return sample_of_row(self.batch([index]), 0)

    def _checked(self, index: int) -> int:
        return place_of(index, len(self), "sample")

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_native": None}

    _repr_html_ = page_of_samples

    def __repr__(self) -> str:
        depth = self.options["rarefy_depth"] or "all"
        return (
            f"SampleDataset({len(self)} samples, {self.table.shape[1]} "
            f"features, {depth} reads of each)"
        )
