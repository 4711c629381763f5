"""What a step of training counts, and what becomes of one that is not finite."""

from pathlib import Path

import pytest
import torch
from training_arguments import Run, refused, write_study

import deepbio_torch as db


def test_balanced_classes_are_the_weights_of_scikit_learn(deepbio: Run, tmp_path: Path):
    labels = {f"s{i}": "rare" if i % 4 == 0 else "often" for i in range(24)}
    words = [
        *write_study(tmp_path, labels),
        "--classifier",
        "--quiet",
        "--test-size",
        0.25,
        "--output-dir",
    ]
    deepbio("train", *words, tmp_path / "balanced", "--balanced-classes", check=True)
    trained = (tmp_path / "balanced" / "train_samples.txt").read_text().split()
    counts = [sum(labels[name] == label for name in trained) for label in ("often", "rare")]
    weights = ",".join(repr(len(trained) / (2 * count)) for count in counts)
    deepbio("train", *words, tmp_path / "given", "--class-weights", weights, check=True)
    deepbio("train", *words, tmp_path / "plain", check=True)
    made = {
        name: (tmp_path / name / "model.safetensors").read_bytes()
        for name in ("balanced", "given", "plain")
    }
    assert made["balanced"] == made["given"] != made["plain"]
    refused(deepbio("train", *words, tmp_path / "both", "--balanced-classes",
                    "--class-weights", "1,2"),
            tmp_path / "both", "--balanced-classes", "--class-weights")  # fmt: skip


def test_a_batch_that_is_not_finite_is_passed_over_and_named(
    community_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """A weight so large that the squared error of one sample overflows; the others train."""
    table = db.read_table(community_dir / "table.biom")
    weights = "".join(
        f"{sample}\t{3e38 if i == 3 else i % 5}\n" for i, sample in enumerate(table.sample_ids)
    )
    (tmp_path / "weights.tsv").write_text(f"sample-id\tweight\n{weights}")
    train = db.SampleDataset(
        table, metadata=tmp_path / "weights.tsv", target="weight", target_transform="none"
    )
    model = db.models.SequencePredictor(embedding_dim=8, asv_num_heads=1)
    events: list[dict] = []
    trainer = db.Trainer(model, epochs=2, batch_size=4, loss_type="mse", warmup_steps=0, patience=0)
    with caplog.at_level("WARNING", logger="deepbio_torch"):
        history = trainer.fit(train, train.subset([0, 1, 2]), on_step=events.append)
    skipped = [event["skipped"] for event in events if event["skipped"]]
    assert len(skipped) == 2 and all(f"'{table.sample_ids[3]}'" in text for text in skipped)
    assert [epoch["skipped_steps"] for epoch in history.epochs] == [1, 1]
    assert [record.getMessage() for record in caplog.records] == skipped
    assert all(torch.isfinite(parameter).all() for parameter in model.parameters())
