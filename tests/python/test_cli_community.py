"""simulate, rarefy, unifrac and faith-pd as a user runs them; h5py and NumPy check the files."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

Run = Callable[..., object]


def read_biom(path: Path) -> tuple[list[str], list[str], np.ndarray]:
    """Samples, features and the dense table, from both orientations, which must agree."""
    with h5py.File(path) as file:
        ids = {
            axis: [i.decode() for i in file[f"{axis}/ids"][:]] for axis in ("sample", "observation")
        }
        tables = {}
        for axis, other in (("sample", "observation"), ("observation", "sample")):
            matrix = file[f"{axis}/matrix"]
            dense = np.zeros((len(ids[axis]), len(ids[other])))
            indptr = matrix["indptr"][:]
            for row in range(len(ids[axis])):
                part = slice(indptr[row], indptr[row + 1])
                dense[row, matrix["indices"][part]] = matrix["data"][part]
            tables[axis] = dense
        assert np.array_equal(tables["sample"], tables["observation"].T)
        assert tuple(file.attrs["format-version"]) == (2, 1)
        assert tuple(file.attrs["shape"]) == (len(ids["observation"]), len(ids["sample"]))
        assert file.attrs["nnz"] == (tables["sample"] > 0).sum()
        for name in ("id", "type", "format-url", "generated-by", "creation-date"):
            assert isinstance(file.attrs[name], str)
        for axis in ids:
            assert {"metadata", "group-metadata"} <= set(file[axis])
    return ids["sample"], ids["observation"], tables["sample"]


def test_simulate_writes_a_community_whose_parts_belong_together(
    deepbio: Run, tmp_path: Path
) -> None:
    out = tmp_path / "sim"
    sizes = "--samples 12 --features 40 --length-bp 80 --depth 700 --reads-per-sample 9".split()
    done = deepbio("simulate", "-o", out, *sizes, "--seed", 5, "--json", check=True)
    summary = json.loads(done.stdout)
    assert (summary["num_samples"], summary["num_features"], summary["num_reads"]) == (12, 40, 108)
    samples, features, table = read_biom(out / "table.biom")
    assert table.shape == (12, 40) and (table.sum(1) == 700).all()
    assert all(len(name) == 80 and set(name) <= set("ACGT") for name in features)
    lines = (out / "metadata.tsv").read_text().splitlines()
    assert lines[0].split("\t") == ["sample-id", "age", "group", "site"]
    assert [line.split("\t")[0] for line in lines[2:]] == samples
    assert "gradient" not in lines[0] and "gradient" in (out / "truth.tsv").read_text()
    reads = gzip.open(out / "reads" / f"{samples[0]}.fastq.gz", "rt").read().splitlines()
    assert len(reads) == 4 * 9 and all(len(read) == 80 for read in reads[1::4])
    letters = [np.array([list(name) for name in names]) for names in (reads[1::4], features)]
    differences = (letters[0][:, None] != letters[1][None]).sum(-1)
    assert (differences.min(1) <= 8).all(), "a read differs from its ASV by a few errors only"
    tips = (out / "tree.nwk").read_text()
    assert all(name in tips for name in features)


def test_simulate_refuses_a_folder_with_files(deepbio: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    options = "--samples 3 --features 20 --depth 50 --reads-per-sample 0".split()
    refused = deepbio("simulate", "-o", tmp_path, *options)
    assert refused.returncode == 1 and "--overwrite" in refused.stderr
    deepbio("simulate", "-o", tmp_path, *options, "--overwrite", check=True)
    assert (tmp_path / "mine.txt").read_text() == "keep me"


def test_rarefy_draws_the_depth_and_repeats_for_a_seed(
    deepbio: Run, moving_pictures: Path, tmp_path: Path
) -> None:
    table = moving_pictures / "table.biom"
    draws = {}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        out = tmp_path / f"{name}.biom"
        done = deepbio(
            "rarefy",
            "--table",
            table,
            "--depth",
            1000,
            "--seed",
            seed,
            "-o",
            out,
            "--json",
            check=True,
        )
        draws[name] = read_biom(out)
        assert len(json.loads(done.stdout)["dropped_samples"]) == 1
    full_samples, full_features, full = read_biom(table_copy(table, tmp_path))
    samples, features, drawn = draws["a"]
    assert drawn.shape[0] == 33 and (drawn.sum(1) == 1000).all() and (drawn.sum(0) > 0).all()
    rows, columns = (
        [full_samples.index(s) for s in samples],
        [full_features.index(f) for f in features],
    )
    assert (drawn <= full[np.ix_(rows, columns)]).all()
    assert np.array_equal(drawn, draws["b"][2]) and draws["a"][1] == draws["b"][1]
    assert draws["a"][1] != draws["c"][1] or not np.array_equal(drawn, draws["c"][2])
    assert (
        deepbio("rarefy", "--table", table, "--depth", 1000, "-o", tmp_path / "a.biom").returncode
        == 1
    )


def table_copy(table: Path, folder: Path) -> Path:
    """A real table, given the attributes that read_biom asks for."""
    copy = folder / "copy.biom"
    copy.write_bytes(table.read_bytes())
    return copy


@pytest.mark.parametrize(
    "change",
    [
        "int64 indptr",
        "uint32 indices",
        "float32 data",
        "int32 data",
        "int64 indices",
        "int64 data",
        "uint16 data",
        "float16 data",
        "big-endian data",
        "ascii ids",
        "fixed-width ids",
        "no attributes",
        "no groups",
        "sample matrix missing",
        "observation matrix missing",
    ],
)
def test_tables_as_other_programs_write_them_give_the_same_distances(
    deepbio: Run, moving_pictures: Path, tmp_path: Path, change: str
) -> None:
    path = table_copy(moving_pictures / "table.biom", tmp_path)
    with h5py.File(path, "a") as file:
        for axis in ("sample", "observation"):
            matrix = file[f"{axis}/matrix"]
            for name, dtype in (
                ("indptr", "int64"),
                ("indices", "uint32"),
                ("data", "float32"),
                ("data", "int32"),
                ("indices", "int64"),
                ("data", "int64"),
                ("data", "uint16"),
                ("data", "float16"),
            ):
                if change == f"{dtype} {name}":
                    values = matrix[name][:].astype(dtype)
                    del matrix[name]
                    matrix[name] = values
            if change == "big-endian data":
                values = matrix["data"][:].astype(">i4")
                del matrix["data"]
                matrix["data"] = values
            if change == "ascii ids":
                ids = file[f"{axis}/ids"][:]
                del file[f"{axis}/ids"]
                file.create_dataset(f"{axis}/ids", data=ids, dtype=h5py.string_dtype("ascii"))
            if change == "fixed-width ids":
                ids = np.array([i for i in file[f"{axis}/ids"][:]], dtype="S64")
                del file[f"{axis}/ids"]
                file[f"{axis}/ids"] = ids
            if change == "no groups":
                for name in ("metadata", "group-metadata"):
                    if name in file[axis]:
                        del file[axis][name]
            if change == f"{axis} matrix missing":
                del file[axis]["matrix"]
        if change == "no attributes":
            for name in list(file.attrs):
                del file.attrs[name]
    deepbio(
        "unifrac",
        "--table",
        path,
        "--tree",
        moving_pictures / "tree.nwk",
        "-o",
        tmp_path / "D.npy",
        check=True,
    )
    order = (moving_pictures / "expected" / "samples.txt").read_text().split()
    ids = (tmp_path / "D.ids.txt").read_text().split()
    rows = [ids.index(name) for name in order]
    expected = np.load(moving_pictures / "expected" / "unweighted.npy")
    assert np.abs(np.load(tmp_path / "D.npy")[np.ix_(rows, rows)] - expected).max() <= 1e-10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("negative", "counts that are finite and not negative"),
        ("nan", "counts that are finite and not negative"),
        ("duplicate ids", "sample ids that differ"),
        ("shape", "a shape of 760 x 34"),
        ("index", "indices from 0 to below"),
        ("indptr", "an indptr"),
        ("ids", "ids"),
    ],
)
def test_tables_that_contradict_themselves_are_refused_with_the_place(
    deepbio: Run, moving_pictures: Path, tmp_path: Path, change: str, message: str
) -> None:
    path = table_copy(moving_pictures / "table.biom", tmp_path)
    with h5py.File(path, "a") as file:
        matrix = file["sample/matrix"]
        if change in ("negative", "nan"):
            values = matrix["data"][:].astype("f8")
            values[7] = -1 if change == "negative" else np.nan
            del matrix["data"]
            matrix["data"] = values
        elif change == "duplicate ids":
            file["sample/ids"][3] = file["sample/ids"][0]
        elif change == "shape":
            file.attrs["shape"] = (760, 34)
        elif change == "index":
            matrix["indices"][5] = 10**6
        elif change == "indptr":
            matrix["indptr"][3] = 10**6
        else:
            ids = file["sample/ids"][:-1]
            del file["sample/ids"], file.attrs["shape"]
            file.create_dataset("sample/ids", data=ids, dtype=h5py.string_dtype())
    done = deepbio("rarefy", "--table", path, "--depth", 100, "-o", tmp_path / "out.biom")
    assert done.returncode == 1 and message in done.stderr and "copy.biom" in done.stderr
    assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "out.biom").exists()


@pytest.mark.parametrize(
    "change", ["lzf", "external link", "soft link", "external storage", "huge shape"]
)
def test_hdf5_that_leads_out_of_the_file_is_refused(
    deepbio: Run, moving_pictures: Path, tmp_path: Path, change: str
) -> None:
    path = table_copy(moving_pictures / "table.biom", tmp_path)
    with h5py.File(path, "a") as file:
        matrix = file["sample/matrix"]
        values = matrix["data"][:]
        del matrix["data"]
        if change == "lzf":
            matrix.create_dataset("data", data=values, compression="lzf")
        elif change == "external link":
            matrix["data"] = h5py.ExternalLink(
                str(moving_pictures / "table.biom"), "sample/matrix/data"
            )
        elif change == "soft link":
            matrix["data"] = h5py.SoftLink("/observation/matrix/data")
        elif change == "external storage":
            (tmp_path / "data.bin").write_bytes(values.tobytes())
            matrix.create_dataset(
                "data",
                shape=values.shape,
                dtype="f8",
                external=[(str(tmp_path / "data.bin"), 0, h5py.h5f.UNLIMITED)],
            )
        else:
            matrix.create_dataset("data", shape=(10**12,), dtype="f8", chunks=(1024,))
    done = deepbio(
        "rarefy", "--table", path, "--depth", 100, "-o", tmp_path / "out.biom", timeout=60
    )
    assert done.returncode == 1 and "copy.biom" in done.stderr and "matrix/data" in done.stderr
    assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "out.biom").exists()


def test_wrong_usage_exits_2_and_names_what_is_known(
    deepbio: Run, moving_pictures: Path, tmp_path: Path
) -> None:
    files = ("--table", moving_pictures / "table.biom", "--tree", moving_pictures / "tree.nwk")
    wrong = deepbio("unifrac", *files, "--metric", "weighted", "-o", tmp_path / "D.npy")
    assert wrong.returncode == 2 and "weighted_normalized" in wrong.stderr
    ending = deepbio("unifrac", *files, "-o", tmp_path / "D.csv")
    assert ending.returncode == 2 and ".npy" in ending.stderr
    assert deepbio("unifrac", *files).returncode == 2
    deep = deepbio(
        "rarefy",
        "--table",
        moving_pictures / "table.biom",
        "--depth",
        10**6,
        "-o",
        tmp_path / "x.biom",
    )
    assert deep.returncode == 1 and "10095" in deep.stderr
