"""Models beside the original AAM: outputs, losses and gradients of its own runs, its
checkpoints."""

import json
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from deepbio_torch.models import (
    ModelConfig,
    SequenceEncoder,
    SequencePredictor,
    load_aam,
)

GOLDEN = Path(__file__).parents[3] / "shared" / "data" / "aam_golden"
CASES = [
    "pretrain_unifrac", "encoder_taxonomy", "regression_huber", "classifier", "mlp_head_softplus",
    "categorical_concat", "categorical_gmu", "conditional_scaling", "count_add", "count_film",
]  # fmt: skip
golden = pytest.mark.skipif(not GOLDEN.is_dir(), reason="needs ../shared/data/aam_golden")


def read_golden(name):
    safetensors = pytest.importorskip("safetensors")
    with safetensors.safe_open(GOLDEN / f"{name}.safetensors", "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}
        metadata = {key: json.loads(value) for key, value in (file.metadata() or {}).items()}
    parts = {}
    for key, tensor in tensors.items():
        part, _, rest = key.partition(".")
        parts.setdefault(part, {})[rest] = tensor
    return parts, metadata


def golden_model(parts, metadata):
    options = dict(metadata["model"])
    kind = {"SequenceEncoder": SequenceEncoder, "SequencePredictor": SequencePredictor}[
        options.pop("class")
    ]
    model = kind(**options, nuc_mask_ratio=0.0)
    model.load_state_dict(parts["weight"])  # strict: every name, every shape
    return model.train()


def reference_total_loss(out, inputs, options):
    """AAM's total loss in plain torch, written from its description."""
    mask = (inputs["tokens"] > 0).any(-1)
    total = out["loss_anchor"]
    if "target_prediction" in out:
        prediction, target = out["target_prediction"], inputs["target"]
        if options.get("is_classifier"):
            loss = F.nll_loss(
                prediction, target.long().flatten(), torch.tensor(options["class_weights"])
            )
        else:
            kinds = {"huber": F.smooth_l1_loss, "mae": F.l1_loss, "mse": F.mse_loss}
            loss = kinds[options.get("target_loss_type", "huber")](prediction, target)
        total = total + options["target_penalty"] * loss
    if "count_prediction" in out:
        squares = (out["count_prediction"] - inputs["counts"]).square()[mask]
        total = total + options["count_penalty"] * squares.mean()
    if options["encoder_type"] == "unifrac":
        z = out["embeddings"]
        rows, columns = torch.triu_indices(len(z), len(z), 1)
        distances = torch.tanh((z[rows] - z[columns]).square().sum(-1).clamp_min(1e-8).sqrt() / 10)
        loss = (distances - inputs["base_target"][rows, columns]).square().mean()
    else:
        loss = F.mse_loss(out["base_prediction"], inputs["base_target"])
    total = total + options["penalty"] * loss
    if "nuc_predictions" in out:
        real = inputs["tokens"] > 0
        loss = F.cross_entropy(out["nuc_predictions"][real], inputs["nucleotides"][real])
        total = total + options["nuc_penalty"] * loss
    return total


@golden
@pytest.mark.parametrize("name", CASES)
def test_outputs_loss_and_gradients_are_those_of_aam(name):
    parts, metadata = read_golden(name)
    model, inputs = golden_model(parts, metadata), parts["input"]
    ids = {
        key.partition(".")[2]: value
        for key, value in inputs.items()
        if key.startswith("categorical.")
    }
    out = model(inputs["tokens"], inputs["raw_counts"], ids or None, True, True)
    for key, expected in parts["output"].items():
        torch.testing.assert_close(
            out[key], expected, atol=2e-6, rtol=0, msg=lambda m, key=key: f"{key}: {m}"
        )
    out["loss_anchor"] = torch.zeros(())
    loss = reference_total_loss(out, inputs, metadata["loss"])
    torch.testing.assert_close(loss, parts["loss"]["total_loss"].squeeze(), atol=2e-6, rtol=0)
    loss.backward()
    gradients = {key: p.grad for key, p in model.named_parameters() if p.grad is not None}
    assert set(gradients) == set(parts["grad"])
    for key, expected in parts["grad"].items():
        # Some gradients vanish exactly (a shift of all embeddings moves no distance): only rounding
        # is left of them.
        allowed = 2e-5 * expected.abs().max() + 2e-8
        assert (gradients[key] - expected).abs().max() <= allowed, key


@golden
@pytest.mark.parametrize("file", ["model_weights.pt", "model_weights.safetensors"])
def test_the_stored_forward_pass_of_aam_comes_out_with_its_tanh_gelu(file):
    if file.endswith("safetensors"):
        pytest.importorskip("safetensors")
    parts, _ = read_golden("forward")
    expected = {key: value[""] for key, value in parts.items()}
    model = load_aam(GOLDEN / file, activation="gelu_tanh")
    assert not model.training
    assert sum(p.numel() for p in model.parameters()) == 412_226
    with torch.no_grad():
        out = model(expected["tokens"], return_sample_embeddings=True)
    for key in ("target_prediction", "count_prediction", "base_embeddings", "embeddings"):
        torch.testing.assert_close(out[key], expected[key], atol=1e-5, rtol=1e-4)
    # The test can fail: with the exact GELU the same comparison does not hold.
    exact = load_aam(GOLDEN / file)
    with torch.no_grad():
        other = exact(expected["tokens"], return_sample_embeddings=True)
    assert (other["base_embeddings"] - expected["base_embeddings"]).abs().max() > 1e-4


@golden
@pytest.mark.parametrize("name", CASES)
def test_load_aam_reads_the_architecture_from_a_trainer_checkpoint(name, tmp_path):
    parts, metadata = read_golden(name)
    weights = {f"module._orig_mod.{key}": value for key, value in parts["weight"].items()}
    torch.save({"model_state_dict": weights, "epoch": 3, "config": {}}, tmp_path / "best_model.pt")
    options = dict(metadata["model"])
    options.pop("class")
    cannot_be_seen = {
        key: value for key, value in options.items() if "heads" in key or "activation" in key
    }
    if options.get("is_classifier"):
        cannot_be_seen["is_classifier"] = True
    loaded = load_aam(tmp_path / "best_model.pt", **cannot_be_seen)
    wanted = ModelConfig.from_dict(options).to_dict()
    found = loaded.config.to_dict()
    differing = {
        key
        for key in wanted
        if found[key] != wanted[key] and "dropout" not in key and "intermediate" not in key
    }
    assert not differing
    ids = {
        k.partition(".")[2]: v for k, v in parts["input"].items() if k.startswith("categorical.")
    }
    with torch.no_grad():
        out = loaded(
            parts["input"]["tokens"], parts["input"]["raw_counts"], ids or None, True, True
        )
    for key, expected in parts["output"].items():
        torch.testing.assert_close(out[key], expected, atol=2e-6, rtol=0)
