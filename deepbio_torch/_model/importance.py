"""Why a model predicts what it does.

What is lost when an ASV, or a clade, is shuffled between samples.

Permutation importance (Breiman 2001) on the run's own predictor: the reads of an ASV, or of all
ASVs of a clade together, change places between samples; what the loss rises by is what the model
took from them. ASVs that only stand for each other share their importance; a clade counts them as
one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _C
from .._community.tables import Metadata, Table, Tree, read_metadata
from .._community.trees import tree_of
from ..errors import ArgumentError
from .baselines import Answer
from .run_files import run_config, run_path
from .study import Study

if TYPE_CHECKING:
    import scipy.sparse

Array = npt.NDArray[np.float64]
PathLike = str | os.PathLike[str]
_ROWS_PER_CALL = 4000  # shuffled samples that are predicted in one call
_MIN_SAMPLES = 3  # in fewer samples a shuffle changes nothing that can be measured
_LARGEST_CLADE = 0.5  # share of the table's ASVs; larger clades are the table


class Importance(NamedTuple):
    """What one ASV or clade does to the predictions.

    Attributes:
        kind: ``asv`` or ``clade``. members: ids of its ASVs. name: from the taxonomy, or "".
        importance: rise of the loss when it is shuffled, mean over repeats (and folds): MAE in the
            target's unit, or log loss. sd: over repeats or folds.
        direction: Spearman correlation of its relative abundance with the prediction (numbers, or
            the probability of the last class); the sign says which way it goes.
        prevalence: share of the samples that have it.
    """

    kind: str
    members: tuple[str, ...]
    name: str
    importance: float
    sd: float
    direction: float
    prevalence: float

    @property
    def id(self) -> str:
        """The ASV, or the clade as its first ASV and their number."""
        return (
            self.members[0]
            if self.kind == "asv"
            else f"clade of {len(self.members)}: {self.members[0]}"
        )


Importances = list[Importance]
"""Largest importance first."""


def importance(
    run: PathLike,
    table: Table | PathLike,
    metadata: Metadata | PathLike,
    *,
    metadata_column: str | None = None,
    tree: Tree | PathLike | None = None,
    taxonomy: PathLike | None = None,
    sequences: PathLike | None = None,
    samples: Sequence[str] | None = None,
    candidates: int = 50,
    repeats: int = 5,
    seed: int = 0,
) -> Importances:
    """ASVs, and with a tree clades, by what they do to the predictions of a run.

    Args:
        run: a run directory of ``deepbio train``.
        table: samples to judge on. Take samples that training did not see.
        metadata: holds the target.
        metadata_column: the target; None: the one the run was trained on.
        tree: a Tree or its path: clades too.
        taxonomy: names: TSV (``Feature ID``, ``Taxon``) or a QIIME 2 artifact.
        sequences: a FASTA with the DNA of features whose ids are not DNA.
        samples: ids of the samples to use; None: all labelled ones.
        candidates: how many ASVs, and how many clades, are tested: those whose abundance or
            presence goes most with the predictions.
        repeats: shuffles of each.
        seed: of the shuffles.

    Returns:
        Importances, largest first.

    Raises:
        MissingFileError: no run directory. ArgumentError: no labelled sample, or a run that
            predicts nothing.
    """
    target = _target_of(run_path(run))
    column = metadata_column or target["column"]
    study = Study(table, metadata, column, classifier=bool(target["is_classifier"]))
    if samples is not None:
        study = study.subset(samples)
    grown = None if tree is None else tree_of(tree)
    names = {} if taxonomy is None else read_taxonomy(taxonomy)
    found = _Shuffler(Path(run), study, sequences, seed, target.get("classes", [])).test(
        grown, candidates, repeats
    )
    return sorted(
        (each._replace(name=name_of(each.members, names)) for each in found),
        key=lambda i: -i.importance,
    )


def _target_of(run: Path) -> dict[str, Any]:
    target = run_config(run).get("target")
    if not target:
        raise ArgumentError(f"{run}: expected a run of `train`, got one that predicts no target")
    return dict(target)


class _Shuffler:
    """Predicts many shuffled copies of the samples in few calls."""

    def __init__(
        self, run: Path, study: Study, sequences: PathLike | None, seed: int, classes: Sequence[str]
    ) -> None:
        # A class that the run never saw has no chance there.
        self.places = [study.classes.index(label) for label in classes if label in study.classes]
        self.columns = [i for i, label in enumerate(classes) if label in study.classes]
        self.run, self.study, self.sequences = run, study, sequences
        self.counts = study.table.to_scipy()
        self.random = np.random.default_rng(seed)
        self.base = self._answer(self.counts)
        self.loss = self._losses(self.base).mean()

    def test(self, tree: Tree | None, candidates: int, repeats: int) -> Importances:
        """Importances of the most promising ASVs and clades, unsorted and unnamed."""
        sets: list[tuple[str, npt.NDArray[np.int64]]] = [
            ("asv", np.array([f])) for f in range(self.counts.shape[1])
        ]
        chosen = self._most_promising(sets, candidates)
        if tree is not None:
            clades = [
                ("clade", columns) for columns in clade_columns(tree, self.study.table.feature_ids)
            ]
            chosen += self._most_promising(clades, candidates)
        copies = [
            (which, self.random.permutation(self.counts.shape[0]))
            for which in chosen
            for _ in range(repeats)
        ]
        rises: list[float] = []
        per_call = max(1, _ROWS_PER_CALL // max(1, self.counts.shape[0]))
        for begin in range(0, len(copies), per_call):
            rises += self._rises(copies[begin : begin + per_call])
        ids = self.study.table.feature_ids
        out = []
        for number, (kind, columns) in enumerate(chosen):
            mine = np.array(rises[number * repeats : (number + 1) * repeats])
            total = np.asarray(self.counts[:, columns].sum(1)).ravel()
            sd = float(mine.std(ddof=1)) if repeats > 1 else float("nan")
            direction = _rank_correlation(self._relative(total), self._strength())
            members = tuple(
                ids[f]
                for f in columns[np.argsort(-np.asarray(self.counts[:, columns].sum(0)).ravel())]
            )
            out.append(
                Importance(
                    kind, members, "", float(mine.mean()), sd, direction, float((total > 0).mean())
                )
            )
        return out

    def _most_promising(
        self, sets: Sequence[tuple[str, npt.NDArray[np.int64]]], number: int
    ) -> list[tuple[str, npt.NDArray[np.int64]]]:
        """Those whose abundance or presence correlates most with what the model says."""
        if self.base.values is not None:
            said = self.base.values[:, None]
        else:
            assert self.base.probabilities is not None
            said = self.base.probabilities
        said = np.nan_to_num(said - np.nanmean(said, 0))
        ranked = []
        for which, (_, columns) in enumerate(sets):
            total = np.asarray(self.counts[:, columns].sum(1)).ravel()
            has = total > 0
            if not _MIN_SAMPLES <= has.sum():
                continue
            inputs = np.stack([np.log1p(1000 * self._relative(total)), has.astype(float)])
            inputs -= inputs.mean(1, keepdims=True)
            size = np.linalg.norm(inputs, axis=1)[:, None] * np.linalg.norm(said, axis=0)[None]
            ranked.append((float(np.max(np.abs(inputs @ said) / np.maximum(size, 1e-12))), which))
        ranked.sort(key=lambda item: (-item[0], item[1]))
        return [sets[which] for _, which in ranked[:number]]

    def _relative(self, reads: Array) -> Array:
        return np.asarray(reads / np.maximum(np.asarray(self.counts.sum(1)).ravel(), 1))

    def _strength(self) -> Array:
        if self.base.values is not None:
            return self.base.values
        assert self.base.probabilities is not None
        return self.base.probabilities[:, -1]

    def _rises(
        self, copies: Sequence[tuple[tuple[str, npt.NDArray[np.int64]], npt.NDArray[np.int64]]]
    ) -> list[float]:
        import scipy.sparse

        num_samples, num_features = self.counts.shape
        parts = []
        for (_, columns), order in copies:
            inside = np.zeros(num_features)
            inside[columns] = 1
            shuffled = self.counts[order] @ scipy.sparse.diags(inside)
            parts.append(self.counts @ scipy.sparse.diags(1 - inside) + shuffled)
        answer = self._answer(scipy.sparse.vstack(parts, format="csr"))
        losses = self._losses(answer).reshape(len(copies), num_samples)
        return [float(row.mean() - self.loss) for row in losses]

    def _answer(self, counts: scipy.sparse.csr_matrix) -> Answer:
        """Predictions of the rows; a row without reads or with too few is NaN."""
        from ..training import predict

        ids = [str(row) for row in range(counts.shape[0])]
        table = Table.from_arrays(ids, self.study.table.feature_ids, counts)
        said = predict(self.run, table, sequences=self.sequences)
        rows, found = [int(sample) for sample in said.sample_ids], said.values.double().numpy()
        if not self.study.classes:
            values = np.full(len(ids), np.nan)
            values[rows] = found[:, 0]
            return Answer(values, None)
        chances = np.full((len(ids), self.study.num_classes), np.nan)
        chances[rows] = 0
        chances[np.ix_(rows, self.places)] = found[:, self.columns]
        return Answer(None, chances)

    def _losses(self, answer: Answer) -> Array:
        """Absolute errors, or negative log chances of the true class.

        0 for rows without an answer.
        """
        repeats = len(answer.is_there) // len(self.study.numbers)
        actual = np.tile(self.study.numbers, repeats)
        if answer.values is not None:
            return np.asarray(np.nan_to_num(np.abs(actual - answer.values)))
        assert answer.probabilities is not None
        chances = answer.probabilities[np.arange(len(actual)), actual.astype(int)]
        return np.asarray(np.nan_to_num(-np.log(np.maximum(chances, 1e-7))))


def clade_columns(tree: Tree, feature_ids: Sequence[str]) -> list[npt.NDArray[np.int64]]:
    """The columns of each clade of 2 or more features of the table, up to half of them.

    Each set once.
    """
    parents, names = tree.native.parents, tree.native.names
    column = {name: i for i, name in enumerate(feature_ids)}
    members: list[list[int]] = [[] for _ in parents]
    has_child = [False] * len(parents)
    out: dict[tuple[int, ...], None] = {}
    limit = _LARGEST_CLADE * len(feature_ids)
    for node, parent in enumerate(parents):  # children stand before their parents
        if not has_child[node] and names[node] in column:
            members[node] = [column[names[node]]]
        if 2 <= len(members[node]) <= limit:
            out.setdefault(tuple(sorted(members[node])))
        if parent >= 0:
            has_child[parent] = True
            members[parent] += members[node]
        members[node] = []
    return [np.array(columns) for columns in out]


def _rank_correlation(a: Array, b: Array) -> float:
    there = ~np.isnan(a) & ~np.isnan(b)
    if there.sum() < 3 or np.ptp(a[there]) == 0 or np.ptp(b[there]) == 0:
        return float("nan")
    from scipy import stats

    return float(stats.spearmanr(a[there], b[there]).statistic)


def merge_importances(folds: Iterable[Importances]) -> Importances:
    """One list out of those of several folds: mean and sd over the folds.

    One that a fold did not test counts 0.
    """
    lists = list(folds)
    found: dict[tuple[str, frozenset[str]], list[Importance]] = {}
    for each in (item for one in lists for item in one):
        found.setdefault((each.kind, frozenset(each.members)), []).append(each)
    out = []
    for items in found.values():
        rises = np.array([item.importance for item in items] + [0.0] * (len(lists) - len(items)))
        out.append(
            items[0]._replace(
                importance=float(rises.mean()),
                sd=float(rises.std(ddof=1)) if len(rises) > 1 else float("nan"),
                direction=float(np.mean([item.direction for item in items])),
                prevalence=float(np.mean([item.prevalence for item in items])),
            )
        )
    return sorted(out, key=lambda item: -item.importance)


def name_of(members: Sequence[str], taxonomy: dict[str, str]) -> str:
    """The taxon of an ASV; of a clade the ranks that all its named ASVs share."""
    known = [
        [rank.strip() for rank in taxonomy[member].split(";")]
        for member in members
        if member in taxonomy
    ]
    if not known:
        return ""
    shared = []
    for ranks in zip(*known, strict=False):
        if len(set(ranks)) > 1:
            break
        shared.append(ranks[0])
    return "; ".join(shared)


def read_taxonomy(path: PathLike) -> dict[str, str]:
    """Taxon by feature id, from a TSV with ``Feature ID`` and ``Taxon``, or an artifact of one.

    Raises:
        MissingFileError, ParseError: with the line. ArgumentError: no column of lineages.
    """
    taxonomy = read_metadata(path).native
    return dict(zip(taxonomy.ids, _C.lineages_of(taxonomy), strict=True))
