"""The Python loss terms against AAM's own numbers, worked examples and torch."""

import json
import math
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from deepbio_torch import losses
from deepbio_torch.errors import ArgumentError, ConfigError, ShapeError

CASES = [
    "pretrain_unifrac", "encoder_taxonomy", "regression_huber", "classifier", "mlp_head_softplus",
    "categorical_concat", "categorical_gmu", "conditional_scaling", "count_add", "count_film",
]  # fmt: skip
TERMS = ["target_loss", "count_loss", "unifrac_loss", "nuc_loss", "total_loss"]


def part(tensors, prefix):
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


@pytest.mark.parametrize("case", CASES)
def test_every_term_is_what_aam_computed(shared: Path, case: str):
    safetensors = pytest.importorskip("safetensors")
    with safetensors.safe_open(shared / "aam_golden" / f"{case}.safetensors", framework="pt") as f:
        tensors = {name: f.get_tensor(name) for name in f.keys()}  # noqa: SIM118
        options = json.loads(f.metadata()["loss"])
    encoder_type = options.pop("encoder_type")
    is_classifier = options.pop("is_classifier", False)
    terms = losses.MultiTaskLoss(**options)(
        part(tensors, "output."), part(tensors, "input."), is_classifier, encoder_type
    )
    expected = part(tensors, "loss.")
    assert set(terms) == set(expected) == set(TERMS)
    for name in TERMS:
        assert terms[name].item() == pytest.approx(expected[name].item(), abs=2e-6), name
    assert expected["total_loss"].item() > 0.1


def test_a_worked_example_of_each_regression_loss():
    prediction, target = torch.tensor([[1.0], [-2.0]]), torch.zeros(2, 1)
    loss = losses.regression_loss
    assert loss(prediction, target).item() == pytest.approx((0.5 + 1.5) / 2)
    assert loss(prediction, target, loss_type="mse").item() == pytest.approx(2.5)
    assert loss(prediction, target, loss_type="mae").item() == pytest.approx(1.5)
    asymmetric = loss(prediction, target, loss_type="asymmetric", over_penalty=2, under_penalty=3)
    assert asymmetric.item() == pytest.approx((2 * 1 + 3 * 2) / 2)
    pinball = loss(torch.tensor([[[0.0, 3.0]]]), torch.ones(1, 1), loss_type="quantile", quantiles=(0.25, 0.75))
    assert pinball.item() == pytest.approx((0.25 + 0.5) / 2)
    columns = loss(torch.full((1, 2), 4.0), torch.zeros(1, 2), loss_config={0: "mae", "1": "mse"})
    assert columns.item() == pytest.approx((4 + 16) / 2)
    weighted = loss(prediction, target, loss_type="mae", sample_weights=torch.tensor([3.0, 0.0]))
    assert weighted.item() == pytest.approx(1.5)


def test_distances_are_tanh_of_a_tenth_and_each_pair_counts_once():
    z = torch.tensor([[0.0], [5.0], [10.0]])
    distances = losses.embedding_distances(z)
    assert distances[0, 1].item() == pytest.approx(math.tanh(0.5))
    assert distances.diagonal().abs().sum() == 0
    a, b = math.tanh(0.5), math.tanh(1.0)
    assert losses.unifrac_loss(z, torch.zeros(3, 3)).item() == pytest.approx((2 * a * a + b * b) / 3)
    assert losses.unifrac_loss(z[:1], torch.zeros(1, 1)).item() == 0


def test_repeated_asvs_weigh_as_much_as_when_they_stand_apart():
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(2, 5, 7, generator=generator)
    tokens = torch.randint(0, 5, (2, 5), generator=generator)
    weight = torch.tensor([1.0, 3.0])
    apart = losses.nucleotide_loss(logits[[0, 1, 1, 1]], tokens[[0, 1, 1, 1]])
    assert losses.nucleotide_loss(logits, tokens, weight=weight).item() == pytest.approx(apart.item())
    real = tokens > 0
    assert losses.nucleotide_loss(logits, tokens).item() == pytest.approx(
        F.cross_entropy(logits[real], tokens[real]).item()
    )


def test_absent_terms_are_zero_and_can_be_differentiated():
    prediction = torch.ones(2, 1, requires_grad=True)
    terms = losses.MultiTaskLoss(target_penalty=2)({"target_prediction": prediction}, {"target": torch.zeros(2, 1)})
    assert [terms[name].item() for name in TERMS] == [0.5, 0, 0, 0, 1.0]
    terms["total_loss"].backward()
    assert prediction.grad is not None and torch.allclose(prediction.grad, torch.ones(2, 1))


def test_nothing_masked_gives_zero_with_a_gradient():
    logits = torch.randn(1, 3, 7, requires_grad=True)
    loss = losses.nucleotide_loss(logits, torch.ones(1, 3, dtype=torch.long), torch.zeros(1, 3, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0 and logits.grad.abs().sum() == 0


@pytest.mark.parametrize(
    "options",
    [
        {"target_loss_type": "hubert"}, {"penalty": -1.0}, {"quantiles": [0.9, 0.1]}, {"quantiles": [0.0]},
        {"over_penalty": 0.0}, {"loss_config": {0: "quantile"}},
        {"loss_config": {0: "mae"}, "target_loss_type": "quantile"},
    ],
)  # fmt: skip
def test_wrong_options_are_refused(options):
    with pytest.raises(ConfigError):
        losses.MultiTaskLoss(**options)


def test_wrong_shapes_and_nan_are_refused():
    with pytest.raises(ShapeError):
        losses.regression_loss(torch.zeros(2, 1), torch.zeros(2))
    with pytest.raises(ShapeError):
        losses.unifrac_loss(torch.zeros(3, 2), torch.zeros(2, 2))
    with pytest.raises(ArgumentError):
        losses.unifrac_loss(torch.zeros(2, 2), torch.full((2, 2), math.nan))
    with pytest.raises(ArgumentError):
        losses.MultiTaskLoss()({}, {})
