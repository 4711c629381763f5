"""scikit-learn estimators: clone, pickle, Pipeline, GridSearchCV, checks of scikit-learn where
they apply."""

import pickle

import numpy as np
import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError

sklearn = pytest.importorskip("sklearn")
base = pytest.importorskip("sklearn.base")

TINY = {
    "epochs": 2,
    "embedding_dim": 16,
    "num_layers": 1,
    "num_heads": 2,
    "max_bp": 40,
    "token_limit": 16,
    "seed": 1,
}


@pytest.fixture(scope="module")
def community():
    """Counts of 24 samples whose target is the share of the first of six ASVs."""
    rng = np.random.default_rng(0)
    features = ["".join(rng.choice(list("ACGT"), 30)) for _ in range(6)]
    counts = rng.integers(1, 60, (24, 6)).astype(float)
    return counts, features, counts[:, 0] / counts.sum(1) * 100


def test_a_regressor_learns_clones_and_pickles(community):
    counts, features, y = community
    model = db.sklearn.MicrobiomeRegressor(features=features, **{**TINY, "epochs": 40, "lr": 3e-3})
    assert base.clone(model).get_params() == model.get_params()
    predictions = model.fit(counts, y).predict(counts)
    assert (
        predictions.shape == (24,)
        and predictions.dtype == np.float64
        and model.score(counts, y) > 0.3
    )
    again = pickle.loads(pickle.dumps(model))
    assert np.allclose(again.predict(counts[:5]), predictions[:5], atol=1e-4)
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(counts[:, ::-1], columns=features[::-1])
    assert np.allclose(model.predict(frame), predictions, atol=1e-4)  # columns in another order
    table = db.Table.from_arrays([f"s{i}" for i in range(24)], features, counts)
    assert np.allclose(model.predict(table), predictions, atol=1e-4)


def test_a_grid_search_over_a_pipeline_runs(community):
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    counts, features, y = community
    steps = [
        ("round", FunctionTransformer(np.round)),
        ("model", db.sklearn.MicrobiomeRegressor(features=features, **TINY)),
    ]
    search = GridSearchCV(Pipeline(steps), {"model__lr": [1e-3, 3e-3]}, cv=2).fit(counts, y)
    assert (
        search.best_params_["model__lr"] in (1e-3, 3e-3)
        and np.isfinite(search.cv_results_["mean_test_score"]).all()
    )


def test_a_classifier_has_classes_and_probabilities(community):
    counts, features, y = community
    labels = np.where(y > np.median(y), "high", "low")
    model = db.sklearn.MicrobiomeClassifier(features=features, **TINY).fit(counts, labels)
    probabilities = model.predict_proba(counts)
    assert model.classes_.tolist() == ["high", "low"] and np.allclose(probabilities.sum(1), 1)
    assert (model.predict(counts) == model.classes_[probabilities.argmax(1)]).all()
    with pytest.raises(ArgumentError, match="two classes"):
        model.fit(counts, ["a"] * 24)


def test_columns_may_have_any_name_where_no_sequence_is_read(community):
    counts, _, y = community
    names = [f"taxon {i}" for i in range(6)]
    options = {**TINY, "epochs": 40, "lr": 3e-3}
    model = db.sklearn.MicrobiomeRegressor(features=names, **options).fit(counts, y)
    assert model.score(counts, y) > 0.3
    swapped = (
        db.sklearn.MicrobiomeRegressor(features=names, **options)
        .fit(counts, y)
        .set_params(features=names[::-1])
    )
    assert np.allclose(swapped.predict(counts[:, ::-1]), model.predict(counts), atol=1e-4), (
        "known by name, not place"
    )
    with pytest.raises(ArgumentError, match="not DNA"):
        db.sklearn.MicrobiomeEmbedder(
            features=names, tree=db.Tree.from_newick("((a,b),c);"), **TINY
        ).fit(counts)


def test_an_embedder_learns_from_a_tree(community_dir):
    table = db.read_table(community_dir / "table.biom")
    model = db.sklearn.MicrobiomeEmbedder(tree=community_dir / "tree.nwk", **{**TINY, "max_bp": 60})
    vectors = model.fit_transform(table)
    assert vectors.shape == (24, 16) and np.isfinite(vectors).all()
    with pytest.raises(ArgumentError, match="tree"):
        db.sklearn.MicrobiomeEmbedder(**TINY).fit(table)


def test_bad_counts_are_told(community):
    counts, features, y = community
    for wrong, message in (
        ((-counts, y), "negative"), ((counts[:, :3], y), "6"), ((counts[0], y), "shape"),
        ((counts, y[:3]), "got 3"),
    ):  # fmt: skip
        with pytest.raises(ArgumentError, match=message):
            db.sklearn.MicrobiomeRegressor(features=features, **TINY).fit(*wrong)
    with pytest.raises(sklearn.exceptions.NotFittedError):
        db.sklearn.MicrobiomeRegressor(features=features).predict(counts)


def test_a_vectorizer_of_sequences_stands_in_a_pipeline():
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    vectorizer = db.sklearn.SequenceVectorizer(k=2)
    rows = vectorizer.fit_transform(["ACGT", b"AAAA", bytearray(b"ANA")])
    assert rows.shape == (3, 16) and vectorizer.get_feature_names_out()[:2].tolist() == ["AA", "AC"]
    assert (
        rows[1, 0] == 1 and rows[2].sum() == 0 and rows[0, [1, 6, 11]] == pytest.approx([1 / 3] * 3)
    )
    counts = db.sklearn.SequenceVectorizer(k=2, normalize=False).fit_transform(["AAAA"])
    assert torch.from_numpy(counts)[0, 0] == 3
    pipeline = make_pipeline(db.sklearn.SequenceVectorizer(k=1), LogisticRegression())
    reads, kinds = ["AAAA", "AAAC", "GGGG", "GGGC"], ["a", "a", "g", "g"]
    assert pipeline.fit(reads, kinds).predict(["AAA", "GGG"]).tolist() == ["a", "g"]
    assert base.clone(vectorizer).get_params() == vectorizer.get_params()


# --- the checks of scikit-learn: they make arrays of their own, whose columns are given DNA here


def _dna(column):
    return "ACGT" * 3 + "".join("ACGT"[column >> (2 * place) & 3] for place in range(8))


def _named(X):
    return db.sklearn.as_table(
        X.to_numpy() if hasattr(X, "columns") else X, [_dna(i) for i in range(X.shape[1])]
    )


class Regressor(db.sklearn.MicrobiomeRegressor):
    def _table(self, X):
        return _named(X)


class Classifier(db.sklearn.MicrobiomeClassifier):
    def _table(self, X):
        return _named(X)


NO_READS = "a sample without any read has no composition, and is refused by name"
LITTLE = "one epoch on Gaussian blobs: they have no composition to learn"
DO_NOT_APPLY = {
    "check_estimators_dtypes": NO_READS,
    "check_estimator_sparse_array": NO_READS,
    "check_estimator_sparse_matrix": NO_READS,
    "check_regressors_train": LITTLE,
    "check_classifiers_train": LITTLE,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [Regressor, Classifier])
def test_scikit_learns_checks_pass_where_they_apply(kind):
    checks = pytest.importorskip("sklearn.utils.estimator_checks")
    sizes = {
        "epochs": 1,
        "embedding_dim": 8,
        "num_layers": 1,
        "num_heads": 2,
        "max_bp": 24,
        "token_limit": 32,
    }
    results = checks.check_estimator(
        kind(**sizes), expected_failed_checks=DO_NOT_APPLY, on_skip=None, on_fail=None
    )
    by_status = {
        status: [each for each in results if each["status"] == status]
        for status in ("passed", "failed")
    }
    assert [(each["check_name"], str(each["exception"])) for each in by_status["failed"]] == []
    assert len(by_status["passed"]) >= 44
    unfit = [each["check_name"] for each in results if each["status"] == "xfail"]
    assert set(unfit) <= set(DO_NOT_APPLY)


def test_scikit_learns_checks_know_that_sequences_are_no_table():
    checks = pytest.importorskip("sklearn.utils.estimator_checks")
    with pytest.warns(
        UserWarning, match="Can't test estimator SequenceVectorizer which requires input"
    ):
        results = checks.check_estimator(db.sklearn.SequenceVectorizer(k=1))
    assert [each["status"] for each in results] == ["passed"]
