"""QIIME 2 artifacts and other containers as Python and the command take them.

Archives are made by Python's zipfile.
"""

import gzip
import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import deepbio_torch as db
from deepbio_torch.errors import ParseError

Run = Callable[..., subprocess.CompletedProcess[str]]
UUID = "8d9f3c1e-2b1a-4d27-9a53-0a2f7b6f6d11"


def artifact(
    path: Path, kind: str, name: str, content: bytes, level: int = zipfile.ZIP_DEFLATED
) -> Path:
    with zipfile.ZipFile(path, "w", level) as archive:
        archive.writestr(f"{UUID}/VERSION", "QIIME 2\narchive: 6\nframework: 2024.10.0\n")
        archive.writestr(
            f"{UUID}/metadata.yaml", f"uuid: {UUID}\ntype: {kind}\nformat: AnyDirFmt\n"
        )
        archive.writestr(f"{UUID}/provenance/action/action.yaml", "type: method\n")
        archive.writestr(f"{UUID}/data/{name}", content)
    return path


@pytest.fixture(scope="module")
def artifacts(community_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifacts")
    parts = {
        "table": ("FeatureTable[Frequency]", "feature-table.biom", "table.biom"),
        "tree": ("Phylogeny[Rooted]", "tree.nwk", "tree.nwk"),
        "seqs": ("FeatureData[Sequence]", "dna-sequences.fasta", "sequences.fasta"),
    }
    for name, (kind, member, source) in parts.items():
        artifact(folder / f"{name}.qza", kind, member, (community_dir / source).read_bytes())
    artifact(
        folder / "taxonomy.qza",
        "FeatureData[Taxonomy]",
        "taxonomy.tsv",
        b"Feature ID\tTaxon\nA\tk__Bacteria\n",
    )
    return folder


def test_artifacts_give_what_their_files_give(artifacts: Path, community_dir: Path):
    table, plain = (
        db.read_table(artifacts / "table.qza"),
        db.read_table(community_dir / "table.biom"),
    )
    assert table.sample_ids == plain.sample_ids and table.feature_ids == plain.feature_ids
    assert (table.to_scipy() != plain.to_scipy()).nnz == 0
    assert (
        db.read_tree(artifacts / "tree.qza").to_newick()
        == db.read_tree(community_dir / "tree.nwk").to_newick()
    )
    records = [(r.name, r.sequence) for r in db.SequenceReader(artifacts / "seqs.qza")]
    assert records == [
        (r.name, r.sequence) for r in db.SequenceReader(community_dir / "sequences.fasta")
    ]
    samples = db.SampleDataset(
        artifacts / "table.qza", tree=artifacts / "tree.qza", sequences=artifacts / "seqs.qza"
    )
    assert len(samples) == 24


def test_commands_take_artifacts(
    deepbio: Run, artifacts: Path, community_dir: Path, tmp_path: Path
):
    for folder, ending, out in (
        (artifacts, ("table.qza", "tree.qza"), "a"),
        (community_dir, ("table.biom", "tree.nwk"), "b"),
    ):
        table, tree = (folder / name for name in ending)
        deepbio(
            "unifrac", "--table", table, "--tree", tree, "-o", tmp_path / f"{out}.tsv", check=True
        )
        deepbio(
            "faith-pd",
            "--table",
            table,
            "--tree",
            tree,
            "-o",
            tmp_path / f"{out}.pd.tsv",
            check=True,
        )
        deepbio(
            "rarefy", "--table", table, "--depth", 100, "-o", tmp_path / f"{out}.biom", check=True
        )
    assert (tmp_path / "a.tsv").read_text() == (tmp_path / "b.tsv").read_text()
    assert (tmp_path / "a.pd.tsv").read_text() == (tmp_path / "b.pd.tsv").read_text()
    drawn = [db.read_table(tmp_path / f"{name}.biom") for name in "ab"]
    assert (drawn[0].to_scipy() != drawn[1].to_scipy()).nnz == 0
    matrix = artifact(
        tmp_path / "d.qza",
        "DistanceMatrix",
        "distance-matrix.tsv",
        (tmp_path / "a.tsv").read_bytes(),
    )
    again = db.DistanceMatrix.read(matrix)
    assert again.ids == drawn[0].sample_ids and np.array_equal(
        again.values, db.DistanceMatrix.read(tmp_path / "b.tsv").values
    )
    done = deepbio(
        "validate",
        *(artifacts / f"{name}.qza" for name in ("table", "tree", "seqs")),
        matrix,
        "--json",
        check=True,
    )
    rows = json.loads(done.stdout)["files"]
    assert [row["format"] for row in rows] == ["biom", "newick", "fasta", "distances"]
    assert {row["container"] for row in rows} == {"zip"}
    facts = json.loads(deepbio("info", artifacts / "table.qza", "--json", check=True).stdout)
    assert facts["artifact_type"] == "FeatureTable[Frequency]" and facts["num_samples"] == 24


def test_an_artifact_of_another_type_is_refused_with_its_type(
    deepbio: Run, artifacts: Path, tmp_path: Path
):
    for read, name, kind in (
        (db.read_table, "tree", "Phylogeny[Rooted]"),
        (db.read_table, "taxonomy", "FeatureData[Taxonomy]"),
        (db.read_tree, "table", "FeatureTable[Frequency]"),
        (db.DistanceMatrix.read, "seqs", "FeatureData[Sequence]"),
    ):
        with pytest.raises(ParseError) as caught:
            read(artifacts / f"{name}.qza")
        assert caught.value.got == kind and str(artifacts / f"{name}.qza") in str(caught.value)
    done = deepbio(
        "rarefy", "--table", artifacts / "taxonomy.qza", "--depth", 1, "-o", tmp_path / "x.biom"
    )
    assert (
        done.returncode == 1
        and "FeatureData[Taxonomy]" in done.stderr
        and len(done.stderr.splitlines()) == 1
    )


def test_a_damaged_member_and_a_bomb_are_told_with_path_and_member(artifacts: Path, tmp_path: Path):
    whole = bytearray((artifacts / "tree.qza").read_bytes())
    with zipfile.ZipFile(artifacts / "tree.qza") as archive:
        info = archive.getinfo(f"{UUID}/data/tree.nwk")
    whole[info.header_offset + 30 + len(info.filename) + info.compress_size // 2] ^= 0x55
    (tmp_path / "damaged.qza").write_bytes(whole)
    with pytest.raises(ParseError, match=r"damaged\.qza: expected .*data/tree\.nwk") as caught:
        db.read_tree(tmp_path / "damaged.qza")
    assert caught.value.kind == "container"
    bomb = artifact(tmp_path / "bomb.qza", "Phylogeny[Rooted]", "tree.nwk", bytes(100 << 20))
    with pytest.raises(ParseError, match="250 times") as caught:
        db.read_tree(bomb)
    assert caught.value.kind == "resource"


def test_hdf5_tables_are_read_gzipped_and_archives_of_numpy_are_distances(
    community_dir: Path, tmp_path: Path
):
    plain = db.read_table(community_dir / "table.biom")
    (tmp_path / "t.biom.gz").write_bytes(gzip.compress((community_dir / "table.biom").read_bytes()))
    assert (db.read_table(tmp_path / "t.biom.gz").to_scipy() != plain.to_scipy()).nnz == 0
    distances = db.beta_diversity(plain)
    values = distances.values.numpy()
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "d.npz", distances=values, other=np.zeros(3))
        read = db.DistanceMatrix.read(tmp_path / "d.npz")
        assert np.array_equal(read.values, values) and read.ids[:2] == ["0", "1"]
        assert read.with_ids(plain.sample_ids).ids == plain.sample_ids
    distances.to_pandas().to_csv(tmp_path / "d.csv")
    read = db.DistanceMatrix.read(tmp_path / "d.csv")
    assert read.ids == plain.sample_ids and np.abs(read.values.numpy() - values).max() < 1e-15


DAMAGE = """
import sys
import deepbio_torch as db
from deepbio_torch.errors import DeepBioError
kind, path, scratch = sys.argv[1:]
whole = open(path, "rb").read()
def read():
    if kind == "table":
        t = db.read_table(scratch)
        return t.sample_ids, t.feature_ids, t.to_scipy().toarray().tolist()
    if kind == "tree":
        return db.read_tree(scratch).to_newick()
    m = db.read_metadata(scratch)
    return m.ids, m.columns, [m.native.values(c) for c in m.columns]
def outcome(data):
    open(scratch, "wb").write(data)
    try:
        return read()
    except DeepBioError as error:
        assert str(error) and "\\n" not in str(error)
        return None
good = outcome(whole)
assert good is not None
step = max(1, len(whole) // 1500)
same = errors = other = 0
for at in range(0, len(whole), step):
    for data in (whole[:at], whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1:]):
        got = outcome(data)
        errors += got is None
        same += got == good
        other += got is not None and got != good
print(errors, same, other)
"""


def small_biom(path: Path) -> Path:
    counts = np.array([[3, 0, 1, 9], [0, 2, 2, 0], [1, 0, 0, 4]])
    db.Table.from_arrays(["s1", "s2", "s3"], ["A", "B", "C", "D"], counts).write(path)
    return path


@pytest.mark.parametrize("kind", ["biom", "biom in qza", "json", "tsv", "tree", "metadata"])
def test_files_damaged_at_every_byte_never_crash(kind: str, tmp_path: Path):
    path = tmp_path / "whole"
    if kind.startswith("biom"):
        small_biom(tmp_path / "t.biom")
        shutil.copy(tmp_path / "t.biom", path)
        if kind == "biom in qza":
            artifact(
                path,
                "FeatureTable[Frequency]",
                "feature-table.biom",
                (tmp_path / "t.biom").read_bytes(),
            )
    elif kind == "json":
        path.write_text(
            json.dumps(
                {
                    "id": None, "format": "1.0.0", "type": "OTU table", "matrix_type": "sparse",
                    "shape": [2, 2], "rows": [{"id": "A", "metadata": None},
                        {"id": "B", "metadata": {"taxonomy": ["k__", "p__"]}}],
                    "columns": [{"id": "s1", "metadata": None}, {"id": "s2", "metadata": None}],
                    "matrix_element_type": "int", "data": [[0, 0, 5], [1, 1, 2], [0, 1, 1]],
                }
            )
        )  # fmt: skip
    elif kind == "tsv":
        path.write_text(
            "# Constructed from biom file\n"
            "#OTU ID\ts1\ts2\ttaxonomy\nA\t1.0\t2.0\tk\nB\t0.0\t1e3\tk\n"
        )
    elif kind == "tree":
        path.write_text("[&R]((A:0.1,'b c''s':2e-3)0.9:1,(C:1,D:3)'x; y':0.5[&c=1],E:4)root:0;\n")
    else:
        path.write_text(
            'sample-id\tage\t"site, a"\n#q2:types\tnumeric\tcategorical\ns1\t1.5\t"x\ty"\ns2\t\tb\n'
        )
    reader = {"tree": "tree", "metadata": "metadata"}.get(kind, "table")
    command = [sys.executable, "-c", DAMAGE, reader, path, tmp_path / "damaged"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # libhdf5 has something to say at exit after many failures
    errors, same, other = map(int, done.stdout.split())
    assert errors > 0
    # Only formats that carry checksums can tell changed content from content.
    assert kind != "biom in qza" or other == 0
    assert same + errors + other > 50


def test_zip_of_the_standard_library_with_every_layout_is_read(community_dir: Path, tmp_path: Path):
    text = (community_dir / "tree.nwk").read_bytes()
    stored = artifact(
        tmp_path / "stored.qza", "Phylogeny[Unrooted]", "tree.nwk", text, zipfile.ZIP_STORED
    )
    assert db.read_tree(stored).tips
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{UUID}/metadata.yaml", "type: 'Phylogeny[Rooted]'\n")
        with archive.open(f"{UUID}/data/tree.nwk", "w", force_zip64=True) as member:
            member.write(text)
    (tmp_path / "zip64.qza").write_bytes(stream.getvalue())
    assert db.read_tree(tmp_path / "zip64.qza").tips == db.read_tree(stored).tips


def test_the_study_of_the_readme_runs_on_artifacts(
    artifacts: Path, community_dir: Path, tmp_path: Path
):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    readme = (Path(__file__).parents[2] / "README.md").read_text().replace("\\\n", "")
    line = next(line for line in readme.splitlines() if line.startswith("deepbio study"))
    for name in ("table.qza", "tree.qza"):
        shutil.copy(artifacts / name, tmp_path)
    shutil.copy(community_dir / "metadata.tsv", tmp_path)
    quick = "--folds 2 --baselines constant --candidates 3 --epochs 1 --min-steps 2 --quiet".split()

    command = [sys.executable, "-m", "deepbio_torch", *line.split()[1:], *quick]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stderr
    assert "age" in (tmp_path / "study/study.html").read_text()
    assert (tmp_path / "study/predictions.tsv").read_text().count("sample_") >= 24
