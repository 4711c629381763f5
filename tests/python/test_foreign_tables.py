"""Tables and trees of pandas, polars, AnnData, biom, scikit-bio and NumPy, both ways.

The same in every function.
"""

import numpy as np
import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, DeepBioError, ParseError, ShapeError


@pytest.fixture(scope="module")
def table(community_dir):
    return db.read_table(community_dir / "table.biom")


def same(first: db.Table, second: db.Table) -> bool:
    held = first.sample_ids == second.sample_ids and first.feature_ids == second.feature_ids
    return held and np.array_equal(first.to_numpy(), second.to_numpy())


@pytest.mark.parametrize("kind", ["pandas", "polars", "anndata", "biom"])
def test_a_table_goes_to_another_library_and_comes_back_as_it_was(table, kind):
    pytest.importorskip(kind, reason=f"{kind} is not installed")
    theirs = getattr(table, f"to_{kind}")()
    assert same(getattr(db.Table, f"from_{kind}")(theirs), table)
    assert torch.equal(db.alpha_diversity(theirs, "shannon"), db.alpha_diversity(table, "shannon"))
    data = db.SampleDataset(theirs, max_bp=60)
    assert torch.equal(data.batch([3]).counts, db.SampleDataset(table, max_bp=60).batch([3]).counts)


def test_dense_frames_numbers_as_ids_and_strided_arrays_are_tables(table):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        table.to_numpy()[::-1, ::3], index=range(24), columns=table.feature_ids[::3]
    )
    got = db.Table.from_pandas(frame)
    assert got.sample_ids == [str(i) for i in range(24)] and np.array_equal(
        got.to_numpy(), frame.to_numpy()
    )
    strided = np.arange(16.0).reshape(4, 4)[::2, ::-2]
    assert np.array_equal(db.Table.from_arrays(["a", "b"], [7, 9], strided).to_numpy(), strided)
    counts = table.to_numpy()
    counts[:] = 0  # its own memory
    assert table.to_numpy().sum() > 0


def test_distances_of_biom_and_scikit_bio_objects_are_those_of_the_files(table, community_dir):
    biom, skbio = pytest.importorskip("biom"), pytest.importorskip("skbio")
    path = community_dir / "tree.nwk"
    theirs, node = (
        biom.load_table(str(community_dir / "table.biom")),
        skbio.TreeNode.read(str(path)),
    )
    ours = db.unifrac(table, path)
    assert torch.equal(db.unifrac(theirs, node).values, ours.values)
    assert torch.equal(db.faith_pd(theirs, node), db.faith_pd(table, path))
    assert torch.equal(
        db.UnifracBatch(theirs, node).distances([0, 5]),
        db.UnifracBatch(table, path).distances([0, 5]),
    )
    batch = db.SampleDataset(theirs, tree=node, max_bp=60).batch([0, 1])
    assert torch.equal(
        batch.distances, db.SampleDataset(table, tree=path, max_bp=60).batch([0, 1]).distances
    )


def test_a_tree_with_odd_names_goes_to_scikit_bio_and_comes_back():
    pytest.importorskip("skbio")
    tree = db.Tree.from_newick("((a_b:1,'c d':2)'x ''y':0.5,\"e\":3,'f(g)':1e-7);")
    again = db.Tree.from_skbio(tree.to_skbio())
    assert again.tips == tree.tips and [tip.name for tip in tree.to_skbio().tips()] == tree.tips
    assert again.to_newick() == tree.to_newick()


def test_what_is_no_table_or_tree_is_refused_in_one_line(table):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"ACGT": [1, 2], "note": ["x", "y"]}, index=["s", "u"])
    for wrong, kind, message in (
        (
            lambda: db.Table.from_pandas(frame),
            ArgumentError,
            "expected numbers, column 'note' is not",
        ),
        (lambda: db.Table.from_pandas(frame[["ACGT"]] - 5), ParseError, "negative|-"),
        (lambda: db.Table.from_pandas([[1]]), TypeError, "expected a DataFrame, got list"),
        (lambda: db.Table.from_polars([[1]]), TypeError, "expected a DataFrame, got list"),
        (lambda: db.Table.from_anndata(frame), TypeError, "expected AnnData, got DataFrame"),
        (lambda: db.Tree.from_skbio("(a,b);"), TypeError, "expected a TreeNode, got str"),
        (
            lambda: db.unifrac(3, "(a,b);"),
            TypeError,
            "table: expected a Table, a path, biom.Table, AnnData",
        ),
        (
            lambda: db.unifrac(table, 3),
            TypeError,
            "tree: expected a Tree, a path or skbio.TreeNode, got int",
        ),
        (
            lambda: db.Table.from_arrays(["a"], ["b"], np.zeros((2, 1))),
            ShapeError,
            "samples in rows",
        ),
    ):
        with pytest.raises(kind, match=message) as caught:
            wrong()
        assert isinstance(caught.value, DeepBioError) and "\n" not in str(caught.value)


def test_polars_frames_name_their_column_of_ids():
    polars = pytest.importorskip("polars", reason="polars is not installed")
    frame = polars.DataFrame({"A": [1, 2], "id": ["s", "u"], "C": [0.0, 3.0]})
    got = db.Table.from_polars(frame, "id")
    assert (got.sample_ids, got.feature_ids, got.to_numpy().tolist()) == (
        ["s", "u"],
        ["A", "C"],
        [[1, 0], [2, 3]],
    )
    with pytest.raises(ArgumentError, match="id_column: expected one of A, id, C, got 'name'"):
        db.Table.from_polars(frame, "name")
    with pytest.raises(ArgumentError, match="column 'id' is not"):
        db.Table.from_polars(frame)


def test_what_a_notebook_shows_names_what_is_in_it(table, community_dir, fastq):
    reads = db.SequenceDataset(fastq, target=db.targets.from_header(key="class"))
    assert (
        "reads.fq" in reads._repr_html_() and "520" not in reads._repr_html_()
    )  # not read for a picture of it
    assert (
        len(reads) == 520
        and "520" in reads._repr_html_()
        and "[&#x27;x&#x27;" in reads._repr_html_()
    )
    samples = db.SampleDataset(
        table, metadata=community_dir / "metadata.tsv", target="age", rarefy_depth=99, max_bp=60
    )
    shown = samples._repr_html_()
    assert "<td>99</td>" in shown and "<td>age</td>" in shown and "24 (" in shown
    assert "shuffle buffer" in db.StreamingSequenceDataset(fastq)._repr_html_()
    assert "of the variation" in db.pcoa(db.beta_diversity(table, "braycurtis"))._repr_html_()


def test_aams_building_blocks_take_its_keywords_and_its_layout():
    size = {"vocab_size": 7, "embedding_dim": 16, "max_bp": 20, "token_limit": 6,
            "asv_num_layers": 1, "sample_num_layers": 1}  # fmt: skip
    torch.manual_seed(2)
    tokens = torch.randint(1, 5, (2, 4, 21))
    tokens[1, 3] = 0
    config = db.models.ModelConfig.from_dict(size)
    inner = db.models.ASVEncoder(**size, predict_nucleotides=True).eval()
    out = inner(tokens, return_nucleotides=True)
    flat = inner(tokens.flatten(0, 1))["embeddings"]
    assert out["nuc_predictions"].shape == (2, 4, 21, 7)
    torch.testing.assert_close(
        out["embeddings"].flatten(0, 1)[:7], flat[:7], rtol=1e-5, atol=1e-6
    )  # 7 is padding
    outer = db.models.SampleSequenceEncoder(**size).eval()
    seen = outer(tokens)
    assert seen.shape == (2, 4, 16) and not seen[1, 3].any() and seen[1, 2].any()
    whole = db.models.SequenceEncoder(
        config,
    ).eval()
    whole.sample_encoder.load_state_dict(outer.state_dict())
    expected = whole(tokens, return_sample_embeddings=True)["sample_embeddings"]
    torch.testing.assert_close(seen, expected, rtol=1e-5, atol=1e-6)
    assert db.models.PositionEmbedding(21, 16)(torch.zeros(1, 21, 16)).shape == (1, 21, 16)
    assert db.models.AttentionPooling(16)(torch.ones(2, 4, 16), torch.ones(2, 4)).shape == (2, 16)
    with pytest.raises(ShapeError, match=r"expected tokens int64 \[B, S, L\]"):
        outer(torch.zeros(2, 16))
    with pytest.raises(ArgumentError, match="ModelConfig or keywords, got both"):
        db.models.ASVEncoder(config, embedding_dim=16)


def test_a_class_of_ones_own_over_a_frame_is_a_frame(table):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    own = type("Counts", (pandas.DataFrame,), {})(
        table.to_numpy(), table.sample_ids, table.feature_ids
    )
    ours = db.alpha_diversity(table, "shannon")
    assert torch.equal(db.alpha_diversity(own, "shannon"), ours)


def test_anndata_without_counts_says_so(table):
    anndata = pytest.importorskip("anndata", reason="anndata is not installed")
    empty = anndata.AnnData(obs=table.to_anndata().obs)
    with pytest.raises(ArgumentError, match="expected counts in X, got none"):
        db.alpha_diversity(empty, "shannon")
