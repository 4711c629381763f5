"""What a model must beat: scikit-learn on the same samples, and answers that look at nothing.

Every choice a baseline makes (penalty of the elastic net) is made inside of the training samples.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import ConfigError

if TYPE_CHECKING:
    import scipy.sparse

Array = npt.NDArray[np.float64]
_MIN_SAMPLES = 3  # a feature of fewer training samples tells a baseline nothing that generalises
_TREES_OF_CLASSES = {"n_estimators": 500}
_TREES_OF_NUMBERS = {"n_estimators": 200, "min_samples_leaf": 2}
_LEAST_SHARE, _LEAST_FEATURES = (
    0.1,
    100,
)  # features that a split of a regression tree looks at, whichever are more
_PENALTIES = [0.003, 0.03, 0.3]


class Answer(NamedTuple):
    """Predictions of M test samples.

    Attributes:
        values: [M], for numbers; NaN where a method leaves a sample out.
        probabilities: [M, C], for classes; NaN likewise.
        means: [M], where ``values`` are medians and the method gives means too.
        chosen: class ids [M], where a method has a rule of its own; None: the most probable class.
    """

    values: Array | None
    probabilities: Array | None
    means: Array | None = None
    chosen: npt.NDArray[np.int64] | None = None

    @property
    def is_there(self) -> npt.NDArray[np.bool_]:
        """Which of the M samples were answered, bool [M]."""
        if self.values is not None:
            return np.asarray(~np.isnan(self.values))
        assert self.probabilities is not None
        return np.asarray(~np.isnan(self.probabilities).any(1))


class Problem(NamedTuple):
    """One fold: counts [N, F] and [M, F] in CSR, ``targets`` [N], groups or None.

    Targets are numbers, or class ids 0..C-1.
    """

    train: scipy.sparse.csr_matrix
    test: scipy.sparse.csr_matrix
    targets: Array
    num_classes: int  # 0: numbers
    groups: Sequence[str] | None
    seed: int


def relative(counts: scipy.sparse.csr_matrix) -> Array:
    """Reads divided by the sample's total, dense [N, F]."""
    dense = counts.toarray()
    return np.asarray(dense / np.maximum(dense.sum(1, keepdims=True), 1))


def presence(counts: scipy.sparse.csr_matrix) -> Array:
    """1 where a sample has the feature, dense [N, F]."""
    return np.asarray(counts.toarray() > 0, dtype=np.float64)


def clr(counts: scipy.sparse.csr_matrix) -> Array:
    """Centred log-ratio of reads + 0.5, dense [N, F] (Aitchison 1986)."""
    logs = np.log(counts.toarray() + 0.5)
    return np.asarray(logs - logs.mean(1, keepdims=True))


def _fitted(estimator: Any, transform: Callable[[Any], Array], problem: Problem) -> Answer:
    kept = np.asarray((problem.train > 0).sum(0)).ravel() >= _MIN_SAMPLES
    if not kept.any():
        return _constant(problem)
    inputs, asked = transform(problem.train[:, kept]), transform(problem.test[:, kept])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a solver that stops at its iteration limit still answers
        estimator.fit(inputs, problem.targets)
    if not problem.num_classes:
        return Answer(estimator.predict(asked), None)
    chances = np.zeros((len(asked), problem.num_classes))
    chances[:, estimator.classes_.astype(int)] = estimator.predict_proba(asked)
    return Answer(None, chances)


def _constant(problem: Problem) -> Answer:
    size = problem.test.shape[0]
    if not problem.num_classes:
        return Answer(np.full(size, problem.targets.mean()), None)
    rates = np.bincount(problem.targets.astype(int), minlength=problem.num_classes) / len(
        problem.targets
    )
    return Answer(None, np.tile(rates, (size, 1)))


def _share(problem: Problem) -> float:
    num_features: int = problem.train.shape[1]
    return min(1.0, max(_LEAST_SHARE, _LEAST_FEATURES / max(1, num_features)))


def _forest(problem: Problem, transform: Callable[[Any], Array]) -> Answer:
    from sklearn import ensemble

    seeded: dict[str, Any] = {"random_state": problem.seed, "n_jobs": 1}
    if problem.num_classes:
        return _fitted(
            ensemble.RandomForestClassifier(**_TREES_OF_CLASSES, **seeded), transform, problem
        )
    tree = ensemble.RandomForestRegressor(
        max_features=_share(problem), **_TREES_OF_NUMBERS, **seeded
    )
    return _fitted(tree, transform, problem)


def _extra_trees(problem: Problem, transform: Callable[[Any], Array]) -> Answer:
    from sklearn import ensemble

    seeded: dict[str, Any] = {"random_state": problem.seed, "n_jobs": 1}
    if problem.num_classes:
        return _fitted(
            ensemble.ExtraTreesClassifier(**_TREES_OF_CLASSES, **seeded), transform, problem
        )
    tree = ensemble.ExtraTreesRegressor(max_features=_share(problem), **_TREES_OF_NUMBERS, **seeded)
    return _fitted(tree, transform, problem)


def _boosting(problem: Problem) -> Answer:
    from sklearn import ensemble

    options: dict[str, Any] = {
        "random_state": problem.seed,
        "max_features": _share(problem),
        "max_iter": 100,
    }
    if problem.num_classes:
        return _fitted(ensemble.HistGradientBoostingClassifier(**options), relative, problem)
    return _fitted(ensemble.HistGradientBoostingRegressor(**options), relative, problem)


def _elastic_net(problem: Problem) -> Answer:
    """The penalty is the best of a few on an inner split of the training samples.

    Grouped, where groups are given.
    """
    from sklearn import compose, linear_model, model_selection, pipeline, preprocessing

    # Stochastic descent: coordinate descent and saga need minutes on thousands of features.
    common: dict[str, Any] = {
        "penalty": "elasticnet",
        "l1_ratio": 0.15,
        "random_state": problem.seed,
    }
    if problem.num_classes:
        net: Any = linear_model.SGDClassifier(loss="log_loss", class_weight="balanced", **common)
        score = "balanced_accuracy"
    else:
        net = linear_model.SGDRegressor(eta0=1e-3, **common)
        score = "neg_mean_absolute_error"
    steps: Any = pipeline.Pipeline([("scale", preprocessing.StandardScaler()), ("net", net)])
    name = "net__alpha"
    if not problem.num_classes:
        steps = compose.TransformedTargetRegressor(
            steps, transformer=preprocessing.StandardScaler()
        )
        name = "regressor__net__alpha"
    folds: Any = 3
    if problem.groups is not None and len(set(problem.groups)) >= folds:
        folds = list(
            model_selection.GroupKFold(folds).split(problem.targets, groups=problem.groups)
        )
    search = model_selection.GridSearchCV(steps, {name: _PENALTIES}, cv=folds, scoring=score)
    return _fitted(search, clr, problem)


BASELINES: dict[str, Callable[[Problem], Answer]] = {
    "constant": _constant,
    "forest_abundance": lambda problem: _forest(problem, relative),
    "forest_presence": lambda problem: _forest(problem, presence),
    "extra_trees_abundance": lambda problem: _extra_trees(problem, relative),
    "extra_trees_presence": lambda problem: _extra_trees(problem, presence),
    "boosting": _boosting,
    "elastic_net_clr": _elastic_net,
}
"""By name; ``constant`` answers the mean or the class rates of the training samples."""


def check_names(names: Sequence[str]) -> None:
    """Refuses a name that is no baseline.

    Raises:
        ConfigError: with the known names.
    """
    for name in names:
        if name not in BASELINES:
            raise ConfigError(f"baselines: expected some of {', '.join(BASELINES)}, got {name!r}")
