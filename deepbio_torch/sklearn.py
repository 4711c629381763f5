"""scikit-learn estimators over the AAM models and over sequences.

For Pipeline, GridSearchCV, cross_val_score.

``X`` of the microbiome estimators is a :class:`~deepbio_torch.Table`, a pandas DataFrame of counts
(samples x features), or an array [N, F] with ``features=`` the names of its columns. A column is
known by its name: DNA, or any other (the embedder reads DNA). Estimators pickle and clone. Needs
scikit-learn.
"""

# scikit-learn has no types.
# mypy: disable-error-code="misc, no-any-return, no-untyped-call"

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, check_is_fitted, column_or_1d, validate_data

from . import _C
from ._community.samples import SampleDataset
from ._community.tables import Table
from .errors import ArgumentError
from .models import ModelConfig, SequenceEncoder, SequencePredictor
from .training import Trainer, calibrate, fit_config
from .transforms import KmerEncoder

_ONE_ROW = 32  # samples at a time
_LEAST_SAMPLES = 2  # of training that an ASV is in to be known
_KNOWN_ASVS = {
    "transformer_branch": False,
    "count_prediction": False,
    "freeze_base": True,
    "num_members": 4,
    "known_input_dropout": 0.1,
    "known_dropout": 0.5,
}


def as_table(X: Any, features: Sequence[str] | None = None) -> Table:
    """Counts as a table.

    Raises:
        ArgumentError: an array without ``features``, another number of them, counts that are
            negative or not finite.
    """
    if isinstance(X, Table):
        return X
    names = features
    if hasattr(X, "columns") and hasattr(X, "to_numpy"):
        names, X = list(map(str, X.columns)), X.to_numpy()
    values = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)
    if values.ndim != 2:
        raise ArgumentError(
            f"X: expected counts [samples, features], got shape {list(values.shape)}"
        )
    if names is None or len(names) != values.shape[1]:
        got = "none" if names is None else str(len(names))
        raise ArgumentError(
            f"features: expected the name of each of {values.shape[1]} columns of X, got {got}"
        )
    if not np.isfinite(values).all():
        raise ArgumentError("X: expected finite counts, got an infinite number or NaN")
    if (values < 0).any():
        raise ArgumentError(
            "X: Negative values in data: expected counts of 0 or more, got a negative number"
        )
    return Table.from_arrays([f"sample_{i}" for i in range(len(values))], list(names), values)


class _Microbiome(BaseEstimator):
    """What the estimators share: options, tables to datasets, training."""

    def __init__(
        self,
        *,
        features: Sequence[str] | None = None,
        tree: Any = None,
        epochs: int = 30,
        batch_size: int = 16,
        lr: float = 1e-3,
        embedding_dim: int = 64,
        num_layers: int = 2,
        num_heads: int = 4,
        max_bp: int = 150,
        token_limit: int = 1024,
        rarefy_depth: int | None = None,
        test_size: float = 0.1,
        seed: int = 0,
    ) -> None:
        """Options of SampleDataset, ModelConfig and Trainer.

        Samples of ``test_size`` choose the epoch.
        """
        self.features, self.tree = features, tree
        self.epochs, self.batch_size, self.lr = epochs, batch_size, lr
        self.embedding_dim, self.num_layers, self.num_heads = embedding_dim, num_layers, num_heads
        self.max_bp, self.token_limit, self.rarefy_depth = max_bp, token_limit, rarefy_depth
        self.test_size, self.seed = test_size, seed

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = tags.input_tags.sparse = True
        return tags

    def _checked(self, X: Any, is_fit: bool) -> Table:
        """Counts as a table; in fit remembers ``n_features_in_`` and ``feature_names_in_``.

        Raises:
            ArgumentError: what scikit-learn or :func:`as_table` refuse.
        """
        is_named = isinstance(X, Table) or hasattr(
            X, "columns"
        )  # columns by name may come in another order
        least = 2 if is_fit else 1
        sizes: dict[str, Any] = {
            "accept_sparse": True,
            "ensure_min_samples": least,
            "ensure_min_features": least,
        }
        try:
            if not is_named:
                X = validate_data(self, X, reset=is_fit, dtype=np.float64, **sizes)
            elif is_fit and not isinstance(X, Table):
                validate_data(self, X, dtype=np.float64, **sizes)
        except ValueError as problem:
            raise ArgumentError(f"X: {' '.join(str(problem).split())}") from None
        return self._table(X)

    def _table(self, X: Any) -> Table:
        return as_table(X, self.features)

    def _target(self, y: Any) -> np.ndarray[Any, Any]:
        if y is None:
            raise ArgumentError(
                f"{type(self).__name__} requires y to be passed, but the target y is None"
            )
        try:
            values = column_or_1d(y, warn=True)
            assert_all_finite(values, input_name="y")
            if isinstance(self, ClassifierMixin):
                check_classification_targets(values)
        except ValueError as problem:
            raise ArgumentError(f"y: {' '.join(str(problem).split())}") from None
        return values

    _missing_sequences = "id"  # as in the default preset of `deepbio train`

    def _dataset(self, table: Table, **options: Any) -> SampleDataset:
        shared: dict[str, Any] = {"max_bp": self.max_bp, "token_limit": self.token_limit}
        shared["missing_sequences"] = self._missing_sequences
        shared["rarefy_depth"] = self.rarefy_depth
        return SampleDataset(table, seed=self.seed, **shared, **options)

    def _labelled(self, table: Table, y: Sequence[Any], is_classifier: bool) -> SampleDataset:
        if len(y) != len(table.sample_ids):
            raise ArgumentError(
                f"y: expected a value for each of {len(table.sample_ids)} samples, got {len(y)}"
            )
        with tempfile.TemporaryDirectory(prefix="deepbio-") as folder:
            path = Path(folder) / "metadata.tsv"
            rows = (f"{name}\t{value}\n" for name, value in zip(table.sample_ids, y, strict=True))
            path.write_text("sample-id\ttarget\n" + "".join(rows), encoding="utf-8")
            options: dict[str, Any] = {
                "metadata": path,
                "target": "target",
                "classifier": is_classifier,
            }
            return self._dataset(table, tree=self.tree, **options)

    def _config(self) -> dict[str, Any]:
        stacks = ("asv", "sample", "encoder", "count", "target")
        return {
            "embedding_dim": self.embedding_dim,
            "max_bp": self.max_bp,
            "token_limit": self.token_limit,
            **{f"{stack}_num_layers": self.num_layers for stack in stacks},
            **{f"{stack}_num_heads": self.num_heads for stack in stacks},
        }

    def _learn(self, dataset: SampleDataset, **kind: Any) -> None:
        """A predictor of the ASVs known from training, as ``deepbio train`` makes by default."""
        train, val = dataset.split(self.test_size, seed=self.seed)
        options = {**self._config(), **_KNOWN_ASVS, **kind}
        config = fit_config(ModelConfig.from_dict(options), train, _LEAST_SAMPLES)
        if (
            config.num_known_asvs == 0
        ):  # samples that share no ASV: their sequences are what is left
            config = ModelConfig.from_dict({**options, "sequence_branch": True})
        self._train(
            SequencePredictor(config), train, val, best_metric="last", average_from=0.5, patience=0
        )

    def _train(self, model: Any, train: SampleDataset, val: SampleDataset, **options: Any) -> None:
        model.reset_parameters(self.seed)
        calibrate(model, train, _LEAST_SAMPLES)
        shared: dict[str, Any] = {
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "lr": self.lr,
            "seed": self.seed,
        }
        self.history_ = Trainer(model, **shared, **options).fit(train, val)
        self.model_, self.codec_ = model.eval(), train.codec

    def _outputs(self, X: Any, key: str) -> torch.Tensor:
        """What the model gives for each sample, in the order of X."""
        check_is_fitted(self, "model_")
        dataset = self._dataset(self._checked(X, False), redraw=False)
        if dataset.left_out:
            raise ArgumentError(
                f"rarefy_depth: {len(dataset.left_out)} samples have too few reads: "
                f"{dataset.left_out[0]}"
            )
        parts = []
        with torch.no_grad():
            for begin in range(0, len(dataset), _ONE_ROW):
                batch = dataset.batch(range(begin, min(begin + _ONE_ROW, len(dataset))))
                parts.append(self.model_(batch)[key])
        return torch.cat(parts)


class MicrobiomeRegressor(RegressorMixin, _Microbiome):
    """A number from the composition of a sample.

    Attributes:
        model_: the SequencePredictor.
        codec_: how the target is scaled.
        history_: what the fit did.
    """

    def fit(self, X: Any, y: Sequence[float]) -> MicrobiomeRegressor:
        """Trains a new model."""
        table = self._checked(X, True)
        dataset = self._labelled(table, [repr(float(value)) for value in self._target(y)], False)
        self._learn(dataset)
        return self

    def predict(self, X: Any) -> np.ndarray[Any, Any]:
        """float64 [N], in the unit of y."""
        check_is_fitted(self, "model_")
        values = _C.restore_targets(self.codec_, self._outputs(X, "target_prediction").double())
        return values[:, 0].numpy()


class MicrobiomeClassifier(ClassifierMixin, _Microbiome):
    """A class from the composition of a sample.

    Attributes:
        classes_: the classes, sorted.
        model_: as of :class:`MicrobiomeRegressor`.
        history_: as there.
    """

    def fit(self, X: Any, y: Sequence[Any]) -> MicrobiomeClassifier:
        """Trains a new model."""
        table = self._checked(X, True)
        self.classes_, numbers = np.unique(self._target(y), return_inverse=True)
        if len(self.classes_) < 2:
            raise ArgumentError(f"y: expected at least two classes, got {len(self.classes_)} class")
        width = len(str(len(self.classes_)))
        labels = [f"class_{number:0{width}d}" for number in numbers]  # sorted as classes_ are
        dataset = self._labelled(table, labels, True)
        self._learn(dataset, is_classifier=True, out_dim=len(self.classes_))
        return self

    def predict_proba(self, X: Any) -> np.ndarray[Any, Any]:
        """Probabilities of the classes, float64 [N, C]."""
        return self._outputs(X, "target_prediction").double().exp().numpy()

    def predict(self, X: Any) -> np.ndarray[Any, Any]:
        """The most probable class of each sample, [N]."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(1)]


class MicrobiomeEmbedder(TransformerMixin, _Microbiome):
    """Vectors of samples that were learned without labels, from UniFrac distances; needs ``tree=``.

    Attributes:
        model_: the SequenceEncoder.
        history_: what the fit did.
    """

    _missing_sequences = "error"

    def fit(self, X: Any, y: Any = None) -> MicrobiomeEmbedder:
        """Trains a new model."""
        if self.tree is None:
            raise ArgumentError(
                "tree: expected the phylogeny whose distances are learned, got None"
            )
        dataset = self._dataset(self._checked(X, True), tree=self.tree)
        parts = dataset.split(self.test_size, seed=self.seed)
        self._train(SequenceEncoder(**self._config()), *parts)
        return self

    def transform(self, X: Any) -> np.ndarray[Any, Any]:
        """float32 [N, D]."""
        return self._outputs(X, "embeddings").numpy()


class SequenceVectorizer(TransformerMixin, BaseEstimator):
    """Sequences as frequencies of their k-mers, float32 [N, A^k].

    Args:
        k: letters of a window.
        canonical: a k-mer and its reverse complement count as one.
        sequence_type: "dna", "rna" or "protein".
        normalize: divide by the number of windows; False gives counts.
    """

    def __init__(
        self,
        k: int = 4,
        *,
        canonical: bool = False,
        sequence_type: str = "dna",
        normalize: bool = True,
    ) -> None:
        """Keeps the options; fit checks them."""
        self.k, self.canonical, self.sequence_type, self.normalize = (
            k,
            canonical,
            sequence_type,
            normalize,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.string = False, True
        return tags

    def fit(self, X: Sequence[Any], y: Any = None) -> SequenceVectorizer:
        """Checks the options; there is nothing to learn."""
        self.encoder_ = KmerEncoder(self.k, self.canonical, self.sequence_type, unknown="zero")
        return self

    def transform(self, X: Sequence[Any]) -> np.ndarray[Any, Any]:
        """The rows of these sequences: str, bytes or bytearray."""
        check_is_fitted(self, "encoder_")
        counts = self.encoder_.encode_batch(list(X))
        if self.normalize:
            counts = counts / counts.sum(1, keepdim=True).clamp_min(1)
        return counts.numpy()

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray[Any, Any]:
        """The k-mers, in the order of the columns."""
        check_is_fitted(self, "encoder_")
        letters = {"dna": "ACGT", "rna": "ACGU", "protein": "ACDEFGHIKLMNPQRSTVWY"}[
            self.sequence_type
        ]
        names = [""]
        for _ in range(self.k):
            names = [name + letter for name in names for letter in letters]
        return np.asarray(names, dtype=object)


__all__ = [
    "MicrobiomeClassifier",
    "MicrobiomeEmbedder",
    "MicrobiomeRegressor",
    "SequenceVectorizer",
    "as_table",
]
