"""Where models are trained and answer: names of devices, bf16 and fp16, and tensors that meet on
one device."""

import json
from pathlib import Path

import pytest
import torch
from command_runs import Run
from small_models import SMALL, small_tokens
from training_arguments import SMALL as SHORT
from training_arguments import TINY, refused, study

import deepbio_torch as db

DEVICES = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])


def samples_of(community_dir: Path) -> db.SampleDataset:
    return db.SampleDataset(
        community_dir / "table.biom",
        metadata=community_dir / "metadata.tsv",
        target="age",
        max_bp=60,
        rarefy_depth=200,
    )


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "meta", "cpu:1"])
def test_a_device_that_is_not_there_is_refused_before_anything_is_written(
    name: str, deepbio: Run, community_dir: Path, tmp_path: Path
):
    run = tmp_path / "run"
    command = ["train", *study(community_dir), *SHORT, "--device", name, "--output-dir", run]
    done = deepbio(*command)
    refused(done, run, "--device", repr(name))

    model = db.models.SequencePredictor(**TINY)
    with pytest.raises(db.errors.ConfigError, match="`device`|device") as caught:
        db.Trainer(model, device=name, epochs=1).fit(
            samples_of(community_dir), run_directory=str(run)
        )
    assert repr(name) in str(caught.value) and "--" not in str(caught.value)
    assert not run.exists()


@pytest.mark.parametrize("device", DEVICES)
def test_a_run_is_made_and_answers_on_a_device(
    device: str, deepbio: Run, community_dir: Path, tmp_path: Path
):
    run = tmp_path / "run"
    deepbio(
        "train", *study(community_dir), *SHORT, "--device", device, "--output-dir", run, check=True
    )
    command = ["predict", "--model", run, "--table", community_dir / "table.biom"]
    plain = deepbio(*command, check=True).stdout
    named = deepbio(*command, "--device", device, check=True).stdout
    rows = [[line.split("\t") for line in text.splitlines()[1:]] for text in (plain, named)]
    for a, b in zip(*rows, strict=True):
        assert a[0] == b[0] and float(a[1]) == pytest.approx(float(b[1]), rel=1e-4)
    ids, vectors = db.embed(run, community_dir / "table.biom", device=device)
    assert vectors.device.type == "cpu" and len(ids) == len(vectors)
    assert json.loads((run / "config.json").read_text())["training"]["resolved"]["device"] == device


def test_a_run_goes_on_on_another_device_but_not_in_another_precision(
    deepbio: Run, community_dir: Path, tmp_path: Path
):
    run = tmp_path / "run"
    deepbio("train", *study(community_dir), *SHORT, "--output-dir", run, check=True)
    go_on = ["train", "--resume", "--output-dir", run, "--epochs", 3]
    deepbio(*go_on, "--device", "cpu", check=True)
    done = deepbio(*go_on, "--mixed-precision", "bf16")
    assert done.returncode == 1 and "mixed_precision" in done.stderr


@pytest.mark.parametrize("shorter", ["bf16", "fp16"])
@pytest.mark.parametrize("device", DEVICES)
def test_shorter_numbers_learn_what_float32_learns(device: str, shorter: str, community_dir: Path):
    losses = {}
    for precision in ("no", shorter):
        torch.manual_seed(0)
        model = db.models.SequencePredictor(**TINY)
        train, val = samples_of(community_dir).split(0.25, seed=1)
        history = db.Trainer(
            model, epochs=8, lr=1e-3, mixed_precision=precision, device=device, batch_size=8
        ).fit(train, val)
        assert {p.dtype for p in model.parameters()} == {torch.float32}
        assert next(model.parameters()).device.type == device
        losses[precision] = [epoch["train_loss"] for epoch in history.epochs]
    assert losses[shorter] != losses["no"]
    # Of fp16 the first updates are passed over, until the loss has the scale that fits.
    assert losses[shorter][-1] == pytest.approx(losses["no"][-1], rel=0.1)
    assert losses[shorter][-1] < 0.5 * losses[shorter][0]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"transformer_branch": True, "sequence_branch": True, "num_known_asvs": 4},
        {"is_classifier": True, "out_dim": 3, "abundance_pooling": True},
        {"num_bins": 8, "sequence_branch": True, "transformer_branch": False},
        {"count_embedding": True, "count_embedding_method": "film", "bounded_targets": True},
        {"encoder_type": "faith_pd", "base_output_dim": 1, "predict_nucleotides": True},
    ],
    ids=lambda options: ",".join(options) or "plain",
)
@pytest.mark.parametrize("training", [True, False])
def test_no_tensor_of_a_model_is_made_on_another_device(options: dict, training: bool):
    """On the meta device, which has no values; the losses are compared in tests/cpp/train."""
    tokens = small_tokens().to("meta")
    model = db.models.SequencePredictor(**SMALL, **options).to("meta").train(training)
    out = model(tokens, counts=tokens.ne(0).sum(-1) * 3.0)
    found = {name: value for name, value in out.items() if isinstance(value, torch.Tensor)}
    assert found and {value.device.type for value in found.values()} == {"meta"}
    torch.stack([value.sum() for value in found.values() if value.requires_grad]).sum().backward()
    learned = [p.grad for p in model.parameters() if p.grad is not None]
    assert learned and {grad.device.type for grad in learned} == {"meta"}
