"""Alpha diversity, ready matrices and operations on tables, against scikit-bio, biom-format and
by hand."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError

Run = Callable[..., subprocess.CompletedProcess[str]]
SETS = ("moving_pictures", "cfs_150nt", "ibd_2538")
THEIRS = {
    "observed_features": ("sobs", {}),
    "shannon": ("shannon", {"base": 2}),
    "simpson": ("simpson", {}),
    "inverse_simpson": ("inv_simpson", {}),
    "pielou_evenness": ("pielou_e", {}),
    "berger_parker": ("berger_parker_d", {}),
    "goods_coverage": ("goods_coverage", {}),
    "chao1": ("chao1", {}),
    "ace": ("ace", {}),
}


def table_of(shared: Path, name: str) -> db.Table:
    return db.read_table(shared / "microbiome" / name / "table.biom")


@pytest.mark.parametrize("name", SETS)
def test_alpha_diversity_of_real_samples_is_that_of_scikit_bio(shared: Path, name: str):
    alpha = pytest.importorskip("skbio.diversity.alpha")
    table = table_of(shared, name)
    chosen = table.filter(samples=table.sample_ids[:: max(1, len(table.sample_ids) // 30)])
    rows = chosen.to_scipy().toarray().astype(np.int64)
    for ours, (theirs, options) in THEIRS.items():
        function = getattr(alpha, theirs, None)
        if function is None:  # an older scikit-bio
            continue
        values = db.alpha_diversity(chosen, ours).numpy()
        for row, value in zip(rows, values, strict=True):
            try:
                expected = function(row, **options)
            except ValueError:  # ACE of singletons alone
                expected = math.nan
            assert value == pytest.approx(expected, abs=1e-10, rel=1e-12, nan_ok=True), ours


def test_alpha_diversity_by_hand_and_where_it_is_undefined(tmp_path: Path, deepbio: Run):
    counts = np.array([[4.0, 4, 0], [0, 0, 0], [7, 0, 0], [1, 1, 2]])
    table = db.Table.from_arrays(["even", "none", "one", "rare"], ["a", "b", "c"], counts)

    def values(metric: str, **options: float) -> list[float]:
        return db.alpha_diversity(table, metric, **options).tolist()

    assert values("observed_features") == [2, 0, 1, 3]
    assert values("shannon")[0] == 1 and values("shannon", base=math.e)[0] == pytest.approx(
        math.log(2), abs=1e-15
    )
    assert [math.isnan(value) for value in values("pielou_evenness")] == [False, True, True, False]
    assert values("chao1") == [2, 0, 1, 3 + 2 * 1 / (2 * 2)]
    assert values("simpson")[2] == 0 and math.isnan(values("simpson")[1])
    table.write(tmp_path / "t.biom")
    done = deepbio(
        "alpha", "--table", tmp_path / "t.biom", "--metric", "pielou_evenness", check=True
    )
    assert done.stdout.splitlines()[:3] == ["sample_id\tpielou_evenness", "even\t1", "none\t"]
    rows = json.loads(
        deepbio(
            "alpha", "--table", tmp_path / "t.biom", "--metric", "chao1", "--json", check=True
        ).stdout
    )
    assert [row["chao1"] for row in rows] == values("chao1")


def test_alpha_diversity_refuses_what_it_cannot_mean(tmp_path: Path, deepbio: Run):
    table = db.Table.from_arrays(["s"], ["a", "b"], np.array([[0.5, 1.5]]))
    assert db.alpha_diversity(table, "shannon").item() > 0
    with pytest.raises(ArgumentError, match="sample 's': chao1 .*whole numbers, got 0.5"):
        db.alpha_diversity(table, "chao1")
    with pytest.raises(ArgumentError, match="did you mean 'shannon'"):
        db.alpha_diversity(table, "shanon")
    with pytest.raises(ArgumentError, match="base"):
        db.alpha_diversity(table, "shannon", base=1.0)
    with pytest.raises(ArgumentError, match="tree"):
        db.alpha_diversity(table, "faith_pd")
    assert deepbio("alpha", "--table", "t", "--metric", "shanon").returncode == 2


def test_ready_matrices_of_any_kind_go_through_pcoa_and_permanova(tmp_path: Path, deepbio: Run):
    x = np.array([1.0, 2, 3, 6, 7, 8])
    square = np.abs(x[:, None] - x[None])
    ids = [f"s{i}" for i in range(6)]
    matrix = db.DistanceMatrix(ids, square)
    lower = "6\n" + "".join(
        f"{name} " + " ".join(map(str, square[i, :i])) + "\n" for i, name in enumerate(ids)
    )
    (tmp_path / "d.phy").write_text(lower)
    matrix.write(tmp_path / "d.tsv")
    groups = ["a", "a", "a", "b", "b", "b"]
    rows = "".join(f"{name}\t{group}\n" for name, group in zip(ids, groups, strict=True))
    (tmp_path / "m.tsv").write_text("sample-id\tgroup\n" + rows)
    for name in ("d.phy", "d.tsv"):
        command = ("permanova", "--distances", tmp_path / name, "--metadata", tmp_path / "m.tsv")
        done = deepbio(*command, "--metadata-column", "group", "--json", check=True)
        found = json.loads(done.stdout)
        # Group means 2 and 7: between 37.5 with 1 degree of freedom, within 4 with 4.
        assert found["pseudo_f"] == pytest.approx(37.5, rel=1e-14) and found["num_groups"] == 2
        assert found["p_value"] == db.permanova(matrix, groups).p_value
        deepbio(
            "pcoa",
            "--distances",
            tmp_path / name,
            "-o",
            tmp_path / f"{name}.p.tsv",
            "--dimensions",
            1,
            check=True,
        )
        first = [
            float(line.split("\t")[1])
            for line in (tmp_path / f"{name}.p.tsv").read_text().splitlines()[2:]
        ]
        assert np.abs(first) == pytest.approx(np.abs(x - 4.5), abs=1e-10)
    (tmp_path / "m.tsv").write_text(
        "sample-id\tgroup\n" + rows.replace("s0\ta", "s0\t").replace("s5\tb", "s5\tNA")
    )
    done = deepbio(*command, "--metadata-column", "group")
    assert done.returncode == 1 and "1 of 6 samples have no group" in done.stderr
    options = ("--missing-values", "NA", "--missing-groups", "drop", "--json")
    done = deepbio(*command, "--metadata-column", "group", *options, check=True)
    assert (
        json.loads(done.stdout)["num_samples"] == 4
        and "2 of 6 samples have no group" in done.stderr
    )


def test_tables_are_merged_collapsed_and_filtered_as_biom_and_qiime_do(
    tmp_path: Path, deepbio: Run, shared: Path
):
    a = db.Table.from_arrays(["s1", "s2"], ["x", "y"], np.array([[1.0, 0], [2, 3]]))
    b = db.Table.from_arrays(["s2", "s3"], ["y", "z"], np.array([[4.0, 5], [0, 6]]))
    with pytest.raises(ArgumentError, match="'s2' is in more than one table"):
        a.merge(b)
    both = a.merge(b, overlap="sum")
    assert (both.sample_ids, both.feature_ids) == (["s1", "s2", "s3"], ["x", "y", "z"])
    assert both.to_scipy().toarray().tolist() == [[1, 0, 0], [2, 7, 5], [0, 0, 6]]
    assert both.filter(min_samples=2).feature_ids == ["x", "z"]
    assert both.filter(min_reads=6).sample_ids == ["s2", "s3"]
    with pytest.raises(ArgumentError, match="no taxonomy"):
        both.collapse(2)

    path = shared / "microbiome/formats/rich_sparse_otu_table.v21.biom"
    biom = pytest.importorskip("biom")
    theirs = biom.load_table(str(path)).collapse(
        lambda _, metadata: ";".join(metadata["taxonomy"][:2]), axis="observation", norm=False
    )
    ours = db.read_table(path).collapse(2)
    assert ours.feature_ids == sorted(theirs.ids("observation"))
    for name in ours.feature_ids:
        column = ours.to_scipy().toarray()[:, ours.feature_ids.index(name)]
        assert column.tolist() == [
            theirs.get_value_by_ids(name, sample) for sample in ours.sample_ids
        ]
    done = deepbio(
        "table", "collapse", "--table", path, "--level", 2, "-o", tmp_path / "c.tsv", check=True
    )
    assert "left behind" in done.stderr
    again = db.read_table(tmp_path / "c.tsv")
    assert again.feature_ids == ours.feature_ids and again.taxonomy == ours.taxonomy
    assert (again.to_scipy() != ours.to_scipy()).nnz == 0


def test_a_taxonomy_of_its_own_file_gives_the_lineages(tmp_path: Path, deepbio: Run, shared: Path):
    biom = pytest.importorskip("biom")
    theirs = biom.load_table(str(shared / "microbiome/moving_pictures/table.biom"))
    names, rng = list(theirs.ids("observation")), np.random.default_rng(1)
    lineages = [f"k__B; p__{rng.integers(4)}; c__{rng.integers(9)}" for _ in names]
    rows = "".join(
        f"{a}\t{b}\t0.9\n" for a, b in zip(reversed(names), reversed(lineages), strict=True)
    )
    text = f"Feature ID\tTaxon\tConfidence\n#q2:types\tcategorical\tnumeric\n{rows}other\tk__A\t1\n"
    (tmp_path / "taxonomy.tsv").write_text(text)
    with zipfile.ZipFile(tmp_path / "taxonomy.qza", "w") as archive:
        archive.writestr(
            "u/metadata.yaml",
            "uuid: u\ntype: FeatureData[Taxonomy]\nformat: TSVTaxonomyDirectoryFormat\n",
        )
        archive.writestr("u/data/taxonomy.tsv", text)
    table = db.read_table(shared / "microbiome/moving_pictures/table.biom")
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"Taxon": lineages}, index=names)
    for given in (
        tmp_path / "taxonomy.tsv",
        tmp_path / "taxonomy.qza",
        frame,
        db.read_metadata(tmp_path / "taxonomy.qza"),
    ):
        assert table.with_taxonomy(given).taxonomy == lineages
    theirs.add_metadata(
        {a: {"taxonomy": b.split("; ")} for a, b in zip(names, lineages, strict=True)},
        "observation",
    )
    theirs = theirs.collapse(
        lambda _, about: ";".join(about["taxonomy"][:2]), axis="observation", norm=False
    )
    options = ("--taxonomy", tmp_path / "taxonomy.qza", "--level", 2, "-o", tmp_path / "phyla.biom")
    deepbio(
        "table",
        "collapse",
        "--table",
        shared / "microbiome/moving_pictures/table.biom",
        *options,
        check=True,
    )
    ours = db.read_table(tmp_path / "phyla.biom")
    assert ours.feature_ids == sorted(theirs.ids("observation")) and ours.sample_ids == list(
        theirs.ids()
    )
    expected = theirs.sort_order(ours.feature_ids, axis="observation").matrix_data.toarray().T
    assert np.array_equal(ours.to_scipy().toarray(), expected)
    assert (
        json.loads(deepbio("info", tmp_path / "taxonomy.qza", "--json", check=True).stdout)["kind"]
        == "sample metadata"
    )
    (tmp_path / "short.tsv").write_text(f"Feature ID\tTaxon\n{names[0]}\tk__B\n")
    with pytest.raises(
        ArgumentError, match=rf"short.tsv: {len(names) - 1} of {len(names)} features .*no lineage"
    ):
        table.with_taxonomy(tmp_path / "short.tsv")
    (tmp_path / "wide.tsv").write_text(f"Feature ID\tKingdom\tPhylum\n{names[0]}\tB\tF\n")
    with pytest.raises(ArgumentError, match="expected a column Taxon"):
        table.with_taxonomy(tmp_path / "wide.tsv")


def test_the_command_table_converts_filters_and_refuses_options_of_other_actions(
    tmp_path: Path, deepbio: Run
):
    table = db.Table.from_arrays(
        ["s1", "s2", "s3"], ["x", "y"], np.array([[1.0, 0], [2, 3], [9, 0]])
    )
    table.write(tmp_path / "t.biom")
    command = ("table", "convert", "--table", tmp_path / "t.biom", "-o")
    deepbio(*command, tmp_path / "t.tsv", check=True)
    assert (db.read_table(tmp_path / "t.tsv").to_scipy() != table.to_scipy()).nnz == 0
    (tmp_path / "keep.txt").write_text("s3\ns1\n")
    options = ("--samples", tmp_path / "keep.txt", "--min-reads", 2)
    deepbio(
        "table",
        "filter",
        "--table",
        tmp_path / "t.biom",
        *options,
        "-o",
        tmp_path / "f.biom",
        check=True,
    )
    assert db.read_table(tmp_path / "f.biom").sample_ids == ["s3"]
    done = deepbio("table", "summarize", "--table", tmp_path / "t.biom", check=True)
    assert done.stdout.splitlines() == [
        "sample_id\treads\tfeatures",
        "s1\t1\t1",
        "s2\t5\t2",
        "s3\t9\t1",
    ]
    for wrong, said in (
        (("convert", "--level", 2, "-o", "x.biom"), "--level belongs to table collapse"),
        (("collapse", "-o", "x.biom"), "needs --level"),
        (("convert",), "needs -o"),
        (("convert", "--table", tmp_path / "t.biom", "-o", "x.biom"), "one --table"),
    ):
        done = deepbio("table", *wrong, "--table", tmp_path / "t.biom")
        assert done.returncode == 1 and said in done.stderr


def test_curves_and_procrustes_from_the_shell_are_those_of_python(tmp_path: Path, shared: Path):
    def run(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deepbio_torch", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True)

    path = shared / "microbiome/moving_pictures/table.biom"
    curve = db.rarefaction_curve(path, "shannon", [50, 4000], draws=3, seed=2)
    options = ("--metric", "shannon", "--depths", "50,4000", "--draws", 3, "--seed", 2)
    done = run("rarefaction-curve", "--table", path, *options)
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert rows[0] == ["sample_id", "depth_reads", "mean", "spread"]
    means = torch.tensor([float(row[2] or "nan") for row in rows[1:]], dtype=torch.float64)
    assert torch.equal(means.nan_to_num(), curve.mean.flatten().nan_to_num())
    assert means.isnan().any() and [row[0] for row in rows[1:]] == 2 * curve.sample_ids

    skbio = pytest.importorskip("skbio")
    files = [tmp_path / name for name in ("a.tsv", "b.tsv")]
    matrices = [db.beta_diversity(path, metric) for metric in ("braycurtis", "jaccard")]
    for matrix, file in zip(matrices, files, strict=True):
        matrix.write(file)
    done = run(
        "procrustes", "--distances", files[0], "--other", files[1], "--dimensions", 3, "--json"
    )
    (row,) = json.loads(done.stdout)
    pcoa = skbio.stats.ordination.pcoa
    axes = [pcoa(matrix.to_skbio(), dimensions=3).samples.to_numpy() for matrix in matrices]
    scipy = pytest.importorskip("scipy.spatial")
    assert row["disparity"] == pytest.approx(scipy.procrustes(*axes)[2], abs=1e-10)
    assert row["num_permutations"] == 999 and row["p_value"] == 0.001
    done = run("procrustes", "--distances", files[0], "--other", files[1], "--dimensions", 0)
    assert done.returncode == 2 and "--dimensions: expected 1 or more, got 0" in done.stderr
    done = run("rarefaction-curve", "--table", path, "--depths", "5,x")
    assert (
        done.returncode == 2
        and "expected whole numbers, such as 100,1000, got '5,x'" in done.stderr
    )
    done = run("procrustes", "--distances", files[0], "--other", files[1], "-o", files[0])
    assert done.returncode == 1 and "exists; --overwrite replaces it" in done.stderr


@pytest.mark.parametrize("seed", [-1, 1 << 64])
def test_a_seed_out_of_range_is_refused_by_its_name(seed: int):
    table = db.Table.from_arrays(["a", "b", "c"], ["f", "g"], np.array([[3, 1], [2, 2], [1, 4]]))
    near = db.beta_diversity(table, "bray_curtis")
    groups = ["x", "y", "y"]
    calls = [
        lambda: table.rarefy(2, seed=seed),
        lambda: db.rarefaction_curve(table, "observed_features", [2], seed=seed),
        lambda: db.permanova(near, groups, seed=seed),
        lambda: db.anosim(near, groups, seed=seed),
        lambda: db.permdisp(near, groups, seed=seed),
        lambda: db.mantel(near, near, seed=seed),
        lambda: db.pcoa(near, 1, seed=seed),
        lambda: db.procrustes(db.pcoa(near, 1), db.pcoa(near, 1), seed=seed),
    ]
    for call in calls:
        with pytest.raises(ArgumentError, match="^seed: expected 0 to 2"):
            call()
    with pytest.raises(ArgumentError, match="^seed: expected 0 to 2"):
        db.cross_validate(table, "metadata.tsv", "age", seed=seed)
