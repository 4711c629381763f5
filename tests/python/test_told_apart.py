"""What kind of file is this: `info`, `validate` and the readers give one answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import deepbio_torch as db
from deepbio_torch.errors import DeepBioError

Run = Callable[..., object]

READERS = {
    "biom": db.read_table,
    "newick": db.read_tree,
    "distances": db.DistanceMatrix.read,
    "metadata": db.read_metadata,
    "fasta": lambda path: list(db.SequenceReader(path)),
    "fastq": lambda path: list(db.SequenceReader(path)),
    "bam": lambda path: list(db.SequenceReader(path)),
}

KINDS = {
    "feature table": "biom",
    "tree": "newick",
    "distance matrix": "distances",
    "sample metadata": "metadata",
    "safetensors": "safetensors",
    "FASTA (see: deepbio stats)": "fasta",
    "FASTQ (see: deepbio stats)": "fastq",
    "BAM (see: deepbio stats)": "bam",
}


def test_info_validate_and_the_readers_agree_on_every_shared_file(shared: Path, deepbio: Run):
    bombs = shared / "sequences/resource"
    files = [
        path
        for root in (shared, shared.parent / "cases")
        for path in sorted(root.rglob("*"))
        if path.is_file() and bombs not in path.parents and path.stat().st_size < 4 << 20
    ]
    assert len(files) > 500
    rows = {}
    for begin in range(0, len(files), 200):
        done = deepbio("validate", "--json", "--quiet", *files[begin : begin + 200])
        rows |= {row["path"]: row for row in json.loads(done.stdout)["files"]}
    wrong = []
    for path in files:
        row = rows[str(path)]
        reader = READERS.get(row["format"] or "")
        if row["ok"] and reader is not None:
            try:
                reader(path)
            except DeepBioError as error:
                wrong.append((path.name, "validate says ok, the reader", str(error)))
    # `info` once for each kind and folder: a process for each of 600 files takes too long.
    told = {}
    for path in files:
        told.setdefault((path.parent, rows[str(path)]["format"], path.suffix), path)
    for path in told.values():
        row, done = rows[str(path)], deepbio("info", "--json", path)
        kind = KINDS.get(json.loads(done.stdout)["kind"]) if done.returncode == 0 else None
        if row["ok"] and kind != row["format"]:
            wrong.append(
                (path.name, "validate says", row["format"], "info", done.stdout + done.stderr)
            )
        if not row["ok"] and kind not in (None, "fasta", "fastq", "bam"):
            wrong.append((path.name, "validate says bad, info", kind, row["error"]["message"]))
    assert not wrong


def test_files_told_apart_wrongly_before_are_told_right(shared: Path, deepbio: Run):
    cases = shared.parent / "cases"
    right = {
        "communities/07_a.tsv": "biom",
        "communities/07_b_broken.tsv": None,
        "communities/07_c_broken_bom.tsv": None,
        "communities/07_e_matrix.csv": "distances",
        "communities/07_g.nwk": "newick",
        "communities/08_ASV.tsv": "biom",
        "communities/08_R_col_names_NA.tsv": "biom",
        "communities/08_semicolon.csv": "biom",
        "communities/10_diagonal_rounding.tsv": "distances",
        "communities/12_hdf5_2_latest.biom": None,
        "doors/bom.fa": "fasta",
        "doors/comment.fa": "fasta",
        "doors/rooted.nwk": "newick",
        "doors/space.nwk": "newick",
        "doors/lead.biom": "biom",
        "doors/d.csv": "distances",
        "doors/d.npz": "distances",
        "doors/dcomment.tsv": "distances",
    }
    done = deepbio("validate", "--json", *(cases / name for name in right))
    rows = {row["path"]: row for row in json.loads(done.stdout)["files"]}
    assert {name: rows[str(cases / name)]["format"] for name in right} == right
    newer = rows[str(cases / "communities/12_hdf5_2_latest.biom")]["error"]["message"]
    assert "newer HDF5" in newer and "h5repack" in newer


def test_a_matrix_with_a_wide_header_is_a_matrix(tmp_path: Path, deepbio: Run):
    for width in (30, 60):
        ids = [f"s{i:0{width}d}" for i in range(150)]
        rows = ["\t" + "\t".join(ids)] + [
            i + "\t" + "\t".join("0" if i == j else "0.5" for j in ids) for i in ids
        ]
        (tmp_path / "d.tsv").write_text("\n".join(rows) + "\n")
        done = deepbio("validate", tmp_path / "d.tsv", check=True)
        assert done.stdout.split("\t")[1:3] == ["ok", "distances"]
