"""One distance matrix from the jobs of a cluster."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from command_runs import Run

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError


@pytest.fixture(scope="module")
def many(community_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """A table of 700 samples, so that parts have several neighbourhoods of 128, and its tree."""
    features = db.read_table(community_dir / "table.biom").feature_ids
    counts = np.random.default_rng(3).poisson(0.8, (len(features), 700)) * 40
    lines = ["#OTU ID\t" + "\t".join(f"s{i}" for i in range(700))]
    lines += [
        name + "\t" + "\t".join(map(str, row))
        for name, row in zip(features, counts.tolist(), strict=True)
    ]
    table = tmp_path_factory.mktemp("many") / "table.tsv"
    table.write_text("\n".join(lines) + "\n")
    return ["--table", table, "--tree", community_dir / "tree.nwk", "--quiet"]


WAYS = [
    (),
    ("--metric", "weighted_normalized"),
    ("--metric", "generalized", "--alpha", "0.5"),
    ("--metric", "weighted_unnormalized", "--bypass-tips"),
    ("--precision", "float"),
    ("--metric", "generalized", "--precision", "float"),
    ("--metric", "weighted_normalized", "--variance-adjusted"),
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: " ".join(way) or "unweighted")
def test_parts_put_together_are_the_matrix_of_one_job(
    way: tuple[str, ...], deepbio: Run, many: list[object], tmp_path: Path
):
    deepbio("unifrac", *many, *way, "-o", tmp_path / "whole.npy", check=True)
    parts = [tmp_path / f"part{number}.safetensors" for number in (3, 1, 2)]
    for path in parts:
        number = path.stem.removeprefix("part")
        deepbio("unifrac", *many, *way, "--part", f"{number}/3", "-o", path, check=True)
    whole = np.load(tmp_path / "whole.npy")
    merged = db.DistanceMatrix.from_parts(parts)
    assert np.array_equal(merged.values.numpy(), whole.astype(np.float64))
    assert merged.ids == (tmp_path / "whole.ids.txt").read_text().split()


def test_the_command_writes_what_parts_make(deepbio: Run, many: list[object], tmp_path: Path):
    parts = [tmp_path / f"{number}.safetensors" for number in (1, 2)]
    for number, path in enumerate(parts, 1):
        deepbio("unifrac", *many, "--part", f"{number}/2", "-o", path, check=True)
    # A job that is started again leaves what is there.
    again = deepbio("unifrac", *many, "--part", "1/2", "-o", parts[0])
    assert again.returncode == 1 and "the output exists" in again.stderr

    done = deepbio("merge-distances", *parts, "-o", tmp_path / "D.npy", "--json", check=True)
    assert '"num_samples": 700' in done.stdout
    assert done.stderr == f"distances of 700 samples written to {tmp_path / 'D.npy'}\n"
    matrix = np.load(tmp_path / "D.npy")
    assert (
        matrix.shape == (700, 700)
        and np.array_equal(matrix, matrix.T)
        and not matrix.diagonal().any()
    )


def test_parts_that_do_not_make_a_matrix_are_named(
    deepbio: Run, many: list[object], tmp_path: Path
):
    def part(name: str, *words: str) -> Path:
        path = tmp_path / name
        if not path.exists():
            deepbio("unifrac", *many, *words, "-o", path, check=True)
        return path

    first, third = part("1.safetensors", "--part", "1/3"), part("3.safetensors", "--part", "3/3")
    other = part("other.safetensors", "--part", "2/3", "--metric", "weighted_normalized")
    shallow = part("shallow.safetensors", "--part", "2/3", "--rarefy-depth", "100")
    for given, said in (
        ([first, third], "of 3 parts these are missing: 2"),
        ([third], "of 3 parts these are missing: 1, 2"),
        ([first, third, first], f"{first}: is part 1 of 3, as {first}"),
        ([first, other, third], f"{other}: is a part of other distances than {first}"),
        ([first, shallow, third], f"{shallow}: is a part of other distances than {first}"),
        ([], "expected the files of all parts, got none"),
    ):
        with pytest.raises(ArgumentError) as caught:
            db.DistanceMatrix.from_parts(given)
        assert said in str(caught.value) and "\n" not in str(caught.value)
    done = deepbio("merge-distances", first, third, "-o", tmp_path / "D.npy")
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "missing: 2" in done.stderr
    assert not (tmp_path / "D.npy").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--part", "0/3", "-o", "D.safetensors"], "--part"),
        (["--part", "4/3", "-o", "D.safetensors"], "got '4/3'"),
        (["--part", "1/3", "-o", "D.npy"], ".safetensors"),
        (["-o", "D.safetensors"], "D.safetensors"),
        (["--part", "1/3", "-o", "D.safetensors", "--pcoa", "P.tsv"], "--pcoa"),
        (["--part", "1/3", "-o", "D.safetensors", "--metric", "braycurtis"], "UniFrac"),
    ],
)
def test_a_part_that_cannot_be_is_refused_before_anything_is_read(
    words: list[str], said: str, deepbio: Run, tmp_path: Path
):
    files = ["--table", "absent.biom"] + ([] if "braycurtis" in words else ["--tree", "absent.nwk"])
    done = deepbio("unifrac", *files, *words, cwd=tmp_path)
    assert done.returncode in (1, 2) and said in done.stderr and "absent" not in done.stderr


def test_the_jobs_of_a_slurm_array_make_a_matrix(deepbio: Run, many: list[object], tmp_path: Path):
    script = Path(__file__).parents[2] / "examples" / "cluster" / "unifrac.slurm"
    table, tree, folder = many[1], many[3], tmp_path / "parts"
    for _ in range(2):  # submitted again, nothing is left to do
        for job in (2, 1, 3):
            subprocess.run(
                ["bash", script, table, tree, folder],
                env={**os.environ, "SLURM_ARRAY_TASK_ID": str(job), "PARTS": "3"},
                check=True,
            )
    whole = deepbio("unifrac", *many, "-o", tmp_path / "whole.npy", check=True)
    assert whole.returncode == 0
    merged = db.DistanceMatrix.from_parts(sorted(folder.iterdir()))
    assert np.array_equal(merged.values.numpy(), np.load(tmp_path / "whole.npy"))
