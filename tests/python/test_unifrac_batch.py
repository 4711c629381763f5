"""db.UnifracBatch: distances of batches, prepared or from fresh counts, against db.unifrac."""

import pytest
import torch

import deepbio_torch as db


def community(num_samples: int = 12, num_features: int = 30) -> tuple[db.Table, db.Tree]:
    random = torch.Generator().manual_seed(3)
    counts = torch.randint(0, 40, (num_samples, num_features), generator=random)
    counts[torch.rand(counts.shape, generator=random) < 0.7] = 0
    newick = "f0:0.5"
    for k in range(1, num_features):
        newick = f"({newick},f{k}:{0.1 + k / 7}):{0.05 * k}"
    names = [f"s{k}" for k in range(num_samples)], [f"f{k}" for k in range(num_features)]
    return db.Table.from_arrays(*names, counts), db.Tree.from_newick(newick + ";")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"metric": "weighted_normalized"},
        {"metric": "generalized", "alpha": 0.5},
        {"precision": "float"},
    ],
)
def test_a_batch_has_the_values_of_the_whole_matrix(options: dict):
    table, tree = community()
    batch = db.UnifracBatch(table, tree, **options)
    places = [7, 0, 11, 3]
    whole = db.unifrac(table, tree, **options).values[places][:, places]

    assert torch.equal(batch.distances(places), whole)
    assert torch.equal(batch.distances([f"s{k}" for k in places]), whole)
    assert torch.equal(batch.distances(torch.tensor(places)), whole)


def test_counts_may_be_dense_sparse_scipy_or_a_table():
    table, tree = community()
    batch = db.UnifracBatch(table, tree)
    drawn = table.rarefy(20, seed=5)
    whole = db.unifrac(drawn, tree).values
    dense = torch.zeros(len(drawn.sample_ids), len(table.feature_ids), dtype=torch.float64)
    for name, column in zip(drawn.feature_ids, drawn.to_torch().to_dense().T, strict=True):
        dense[:, table.feature_ids.index(name)] = column

    for counts in (drawn, dense, dense.to_sparse_csr(), dense.to(torch.int64)):
        assert torch.allclose(batch.from_counts(counts), whole, rtol=0, atol=1e-12)
    scipy_sparse = pytest.importorskip("scipy.sparse")
    assert torch.allclose(
        batch.from_counts(scipy_sparse.csr_matrix(dense.numpy())), whole, rtol=0, atol=1e-12
    )


def test_what_does_not_fit_is_refused_with_both_sides():
    table, tree = community()
    batch = db.UnifracBatch(table, tree)
    with pytest.raises(db.errors.ArgumentError, match="not in the table .s99"):
        batch.distances(["s1", "s99"])
    with pytest.raises(db.errors.ArgumentError, match="sample 12 is out of range"):
        batch.distances([12])
    with pytest.raises(db.errors.ShapeError, match=r"expected \[B, 30\], got 29"):
        batch.from_counts(torch.ones(2, 29))
    with pytest.raises(db.errors.ArgumentError, match="0 or more"):
        batch.from_counts(-torch.ones(2, 30))
    with pytest.raises(db.errors.ArgumentError, match="1 features were not prepared .x"):
        batch.from_counts(db.Table.from_arrays(["a"], ["x"], [[1.0]]))
    with pytest.raises(db.errors.ArgumentError, match="precision"):
        db.UnifracBatch(table, tree, precision="half")
