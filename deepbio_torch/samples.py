"""Microbiome samples as a dataset for the AAM models."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Sequence
from typing import Any

import torch
import torch.utils.data

from . import _C
from ._batch import Batch
from .community import DistanceMatrix, Table, Tree, read_table, read_tree
from .errors import ArgumentError, RecordIndexError

Path = str | os.PathLike[str]


class SampleDataset(torch.utils.data.Dataset[dict[str, Any]]):
    """Samples of a table, with distances, targets and a new rarefaction in each epoch.

    Args:
        table: a Table, or the path of one.
        tree: a Tree or path; distances are then computed for each batch from the batch's own draw.
        distances: a matrix with the table's samples, in place of a tree.
        metadata: path of a metadata TSV; with ``target`` the name of one of its columns. Every sample needs a value.
        classifier: the target is a class, not a number. target_transform: none, minmax, zscore, log-minmax, log-zscore.
        sequences: path of a FASTA with the DNA of each feature, for ids that are not DNA themselves.
        rarefy_depth: reads drawn per sample and epoch; shallower samples are left out. None: counts as they are.
        token_limit: ASVs per sample at most. asv_sampling: which ones: ``abundance``, ``first`` or ``random``.
        max_bp: bases per ASV at most. metric: of the distances. missing_features: ``error`` or ``drop``.
        redraw: another draw of reads in each epoch; False keeps the first (validation). seed: of draws.

    Items are dicts: ``tokens`` [S, L], ``counts`` [S], ``target``, ``sample_id``. Batches are :class:`Batch` with the keys
    of docs/sample-batches.md.
    """

    is_native = True

    def __init__(
        self,
        table: Table | Path,
        *,
        tree: Tree | Path | None = None,
        distances: DistanceMatrix | None = None,
        metadata: Path | None = None,
        target: str | None = None,
        classifier: bool = False,
        target_transform: str = "zscore",
        sequences: Path | None = None,
        rarefy_depth: int | None = None,
        token_limit: int = 1024,
        asv_sampling: str = "abundance",
        max_bp: int = 150,
        metric: str = "unweighted",
        missing_features: str = "error",
        redraw: bool = True,
        seed: int = 0,
    ) -> None:
        table = table if isinstance(table, Table) else read_table(os.fspath(table))
        if rarefy_depth is not None:
            deep = (table.totals() >= rarefy_depth).nonzero().flatten().tolist()
            if not deep:
                raise ArgumentError(f"rarefy_depth: no sample has {rarefy_depth} reads")
            table = Table(table._table.select_samples(deep))
        if distances is not None:
            distances = distances.subset(table.sample_ids)
        self.table, self.tree, self.distances = table, tree, distances
        if tree is not None and not isinstance(tree, Tree):
            self.tree = read_tree(os.fspath(tree))
        self.codec: str = ""
        self._targets: torch.Tensor | None = None
        if target is not None:
            self._set_target(metadata, target, classifier, target_transform)
        self._fasta = os.fspath(sequences) if sequences is not None else ""
        self._options = {
            "token_limit": token_limit,
            "asv_sampling": asv_sampling,
            "max_bp": max_bp,
            "metric": metric,
            "missing_features": missing_features,
            "rarefy_depth": rarefy_depth or 0,
            "redraw_each_epoch": redraw,
            "seed": seed,
        }
        self.epoch = 0
        self._loaded: _C.SampleDataset | None = None
        self._native()

    def _set_target(self, metadata: Path | None, target: str, classifier: bool, transform: str) -> None:
        if metadata is None:
            raise ArgumentError(f"target {target!r} needs metadata=PATH")
        rows = _C.Metadata.read(os.fspath(metadata))
        values = dict(zip(rows.ids, rows.values(target), strict=True))
        missing = [name for name in self.table.sample_ids if name not in values]
        if missing:
            raise ArgumentError(f"{metadata}: {len(missing)} samples have no metadata ({', '.join(missing[:3])})")
        cells = [values[name] for name in self.table.sample_ids]
        if classifier:
            self.codec = _C.fit_classes(target, cells)
            self._targets = _C.class_ids(self.codec, cells)
        else:
            try:
                numbers = [float(cell) for cell in cells]
            except ValueError as error:
                raise ArgumentError(f"{metadata}: column {target!r}: {error}; filter such samples first") from None
            self.codec = _C.fit_target(target, numbers, transform)
            self._targets = _C.normalize_targets(self.codec, numbers)

    def _native(self) -> _C.SampleDataset:
        if self._loaded is None:
            tree = self.tree._tree if isinstance(self.tree, Tree) else None
            values = self.distances.values if self.distances is not None else None
            dna = _C.feature_sequences(self.table.feature_ids, self._fasta)
            options: dict[str, Any] = {"tree": tree, "distances": values, "targets": self._targets, **self._options}
            self._loaded = _C.SampleDataset(self.table._table, dna, **options)
        return self._loaded

    @property
    def sample_ids(self) -> list[str]:
        """Ids, in the order of the indices."""
        return self.table.sample_ids

    @property
    def classes(self) -> list[str]:
        """Names of the classes of a classification target."""
        return list(json.loads(self.codec).get("classes", [])) if self.codec else []

    def fixed(self) -> SampleDataset:
        """The same samples with the draw of epoch 0 in every epoch, as for validation."""
        out = copy.copy(self)
        out._options = {**self._options, "redraw_each_epoch": False}
        out._loaded = None
        return out

    def set_epoch(self, epoch: int) -> None:
        """Which draw of reads the next items and batches come from."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.table.shape[0]

    def batch(self, indices: Sequence[int]) -> Batch:
        """The batch of these samples, each distinct ASV once."""
        return self._finish(self._native().batch(list(indices), self.epoch), indices)

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        return self.batch(indices)

    def _finish(self, batch: dict[str, Any], indices: Sequence[int]) -> Batch:
        return Batch(batch)

    def __getitem__(self, index: int) -> dict[str, Any]:
        size = len(self)
        if not -size <= index < size:
            raise RecordIndexError(f"sample index: expected {-size} to {size - 1}, got {index}")
        batch = self.batch([index % size])
        item = {"tokens": batch.asv_tokens[batch.asv_index[0]], "counts": batch.counts[0]}
        return {**item, "target": batch["targets"][0] if "targets" in batch else None, "sample_id": batch.sample_ids[0]}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_loaded": None}

    def __repr__(self) -> str:
        drawn = self._options["rarefy_depth"] or "all"
        return f"SampleDataset({len(self)} samples, {self.table.shape[1]} features, {drawn} reads per sample)"
