"""Integrated gradients: they add up, agree with differences along the way, and find the ASVs
that carry a target."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, MissingFileError

# Which of two kinds of sequence a sample holds is its target: only reading them tells.
OPTIONS = [
    "--sequence-branch",
    "--known-min-samples",
    0,
    "--max-bp",
    40,
    "--threads",
    1,
    "--quiet",
    "--seed",
    1,
]


def write_samples(folder: Path, count: int = 60) -> tuple[list[str], list[str]]:
    """Samples of 6 ASVs out of 40, the first 20 of A and C, the others of G and T; the target
    counts the first."""
    random = np.random.default_rng(3)
    kinds = [["AC", "GT"][f >= 20] for f in range(40)]
    dna = ["".join(random.choice(list(letters), 40)) for letters in kinds]
    rows, lines = np.zeros((count, 40)), ["sample-id\tshare\tkind"]
    ids = [f"s{i}" for i in range(count)]
    for i in range(count):
        first = int(random.integers(0, 7))
        held = [
            *random.choice(20, first, replace=False),
            *(20 + random.choice(20, 6 - first, replace=False)),
        ]
        rows[i, held] = random.integers(20, 80, 6)
        lines.append(f"{ids[i]}\t{first}\t{'many' if first > 3 else 'few'}")
    db.Table.from_arrays(ids, dna, rows).write(folder / "table.biom")
    (folder / "metadata.tsv").write_text("\n".join(lines) + "\n")
    return ids, dna


def train(binary: str, folder: Path, run: str, column: str, *more: object) -> Path:
    words = [
        "train",
        "--table",
        folder / "table.biom",
        "--metadata",
        folder / "metadata.tsv",
        "--metadata-column",
    ]
    words += [column, "--output-dir", folder / run, *OPTIONS, *more]
    subprocess.run([binary, *map(str, words)], check=True, capture_output=True)
    return folder / run


@pytest.fixture(scope="module")
def home(binary: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attribution")
    write_samples(folder)
    train(binary, folder, "number", "share")
    train(binary, folder, "classes", "kind", "--classifier")
    return folder


def test_attributions_add_up_to_what_the_prediction_changes_by(home: Path):
    found = db.integrated_gradients(home / "number", home / "table.biom", steps=64)
    assert found.values.shape == (60, 40) and found.sample_ids == [f"s{i}" for i in range(60)]
    change = found.outputs - found.baselines
    assert change.abs().max() > 0.5
    torch.testing.assert_close(found.values.sum(1), change, atol=2e-3, rtol=5e-3)
    counts = db.read_table(home / "table.biom").to_torch().to_dense()
    assert (found.values[counts == 0] == 0).all()


def test_the_baseline_is_one_prediction_for_samples_of_equal_counts(home: Path):
    """With all ASVs alike a model that knows none of them sees only how the reads are shared
    out."""
    found = db.integrated_gradients(
        home / "number", home / "table.biom", samples=["s0", "s1"], steps=4
    )
    assert found.baselines.std() < 0.2 * found.outputs.std() + 0.05


def test_sequences_that_carry_the_target_push_it_and_the_others_pull(home: Path):
    found = db.integrated_gradients(home / "number", home / "table.biom")
    means = found.values.sum(0) / (found.values != 0).sum(0).clamp_min(1)
    assert (means[:20] > 0).float().mean() > 0.9 and (means[20:] < 0).float().mean() > 0.9
    ranking = found.ranking()
    assert [size for _, size, _ in ranking] == sorted(
        (size for _, size, _ in ranking), reverse=True
    )


def test_gradients_agree_with_differences_along_the_way(home: Path):
    """The same integral by central differences of the model in double precision, one ASV of one
    sample."""
    found = db.integrated_gradients(home / "number", home / "table.biom", samples=["s5"], steps=32)
    model = db.models.from_pretrained(home / "number").double()
    dataset = db.SampleDataset(home / "table.biom", max_bp=40, rarefy_depth=0)
    row = dataset.sample_ids.index("s5")
    batch = dataset.batch([row])
    alone = db.SampleDataset(
        db.read_table(home / "table.biom").filter(samples=["s5"]), max_bp=40, rarefy_depth=0
    )
    with torch.no_grad():
        asvs = model.encode_asvs(batch["asv_tokens"])
        mean = model.encode_asvs(alone.batch([0])["asv_tokens"]).mean(0)
        edges = model.mixture.bin_edges
        centres = (edges[1:] + edges[:-1]) / 2

        def say(points: torch.Tensor) -> float:
            out = model({**batch, "asv_embeddings": points, "counts": batch["counts"].double()})
            return float((out["target_distribution"].exp() @ centres)[0])

        way, total = asvs - mean, 0.0
        for step in range(32):
            point = mean + (step + 0.5) / 32 * way
            aside = torch.zeros_like(point)
            aside[2] = 1e-4 * way[2]
            total += (say(point + aside) - say(point - aside)) / 2e-4 / 32
    feature = int(batch["asv_features"][2])
    assert float(found.values[0, feature]) == pytest.approx(total, rel=1e-3, abs=1e-4)


def test_a_class_is_explained_by_its_log_probability(home: Path):
    said = db.predict(home / "classes", home / "table.biom")
    found = db.integrated_gradients(home / "classes", home / "table.biom", label="many", steps=256)
    torch.testing.assert_close(found.outputs.exp(), said.values[:, 1].float(), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(
        found.values.sum(1), found.outputs - found.baselines, atol=2e-2, rtol=2e-2
    )
    last = db.integrated_gradients(home / "classes", home / "table.biom", steps=256)
    assert torch.equal(last.values, found.values)


def test_what_cannot_be_explained_is_refused(binary: str, home: Path):
    table = home / "table.biom"
    with pytest.raises(ArgumentError, match="expected one of few, many, got 'none'"):
        db.integrated_gradients(home / "classes", table, label="none")
    with pytest.raises(ArgumentError, match="predicts a number"):
        db.integrated_gradients(home / "number", table, label="many")
    with pytest.raises(ArgumentError, match="1 or more, got 0"):
        db.integrated_gradients(home / "number", table, steps=0)
    with pytest.raises(MissingFileError):
        db.integrated_gradients(home / "nothing", table)
    words = [
        "train",
        "--table",
        table,
        "--metadata",
        home / "metadata.tsv",
        "--metadata-column",
        "share",
        "--quiet",
    ]
    subprocess.run(
        [binary, *map(str, words), "--output-dir", home / "known", "--epochs", "1"], check=True
    )
    with pytest.raises(ArgumentError, match="reads no sequences"):
        db.integrated_gradients(home / "known", table)
