"""The Python loss terms against AAM's own numbers, worked examples and torch."""

import json
import math
import re
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
    pinball = loss(
        torch.tensor([[[0.0, 3.0]]]), torch.ones(1, 1), loss_type="quantile", quantiles=(0.25, 0.75)
    )
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
    assert losses.unifrac_loss(z, torch.zeros(3, 3)).item() == pytest.approx(
        (2 * a * a + b * b) / 3
    )
    assert losses.unifrac_loss(z[:1], torch.zeros(1, 1)).item() == 0


def test_repeated_asvs_weigh_as_much_as_when_they_stand_apart():
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(2, 5, 7, generator=generator)
    tokens = torch.randint(0, 5, (2, 5), generator=generator)
    weight = torch.tensor([1.0, 3.0])
    apart = losses.nucleotide_loss(logits[[0, 1, 1, 1]], tokens[[0, 1, 1, 1]])
    assert losses.nucleotide_loss(logits, tokens, weight=weight).item() == pytest.approx(
        apart.item()
    )
    real = tokens > 0
    assert losses.nucleotide_loss(logits, tokens).item() == pytest.approx(
        F.cross_entropy(logits[real], tokens[real]).item()
    )


def test_absent_terms_are_zero_and_can_be_differentiated():
    prediction = torch.ones(2, 1, requires_grad=True)
    terms = losses.MultiTaskLoss(target_penalty=2)(
        {"target_prediction": prediction}, {"target": torch.zeros(2, 1)}
    )
    assert [terms[name].item() for name in TERMS] == [0.5, 0, 0, 0, 1.0]
    terms["total_loss"].backward()
    assert prediction.grad is not None and torch.allclose(prediction.grad, torch.ones(2, 1))


def test_nothing_masked_gives_zero_with_a_gradient():
    logits = torch.randn(1, 3, 7, requires_grad=True)
    loss = losses.nucleotide_loss(
        logits, torch.ones(1, 3, dtype=torch.long), torch.zeros(1, 3, dtype=torch.bool)
    )
    loss.backward()
    assert loss.item() == 0 and logits.grad.abs().sum() == 0


@pytest.mark.parametrize(
    "options",
    [
        {"target_loss_type": "hubert"}, {"penalty": -1.0}, {"quantiles": [0.9, 0.1]},
        {"quantiles": [0.0]}, {"over_penalty": 0.0}, {"loss_config": {0: "quantile"}},
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


def double(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, dtype=torch.double, requires_grad=True)


def plain_quantile(prediction, target, quantiles):
    levels = torch.tensor(quantiles, dtype=prediction.dtype)
    error = target.unsqueeze(-1) - prediction
    return torch.maximum(levels * error, (levels - 1) * error).mean()


@pytest.mark.parametrize("kind", ["huber", "mse", "mae", "quantile", "asymmetric"])
def test_losses_of_numbers_are_those_of_plain_torch_and_have_their_gradients(kind: str):
    torch.manual_seed(3)
    prediction, target = (
        double(5, 2, 3) if kind == "quantile" else double(5, 2),
        torch.rand(5, 2, dtype=torch.double),
    )
    plain = {
        "huber": lambda p: F.smooth_l1_loss(p, target),
        "mse": lambda p: F.mse_loss(p, target),
        "mae": lambda p: F.l1_loss(p, target),
        "quantile": lambda p: plain_quantile(p, target, (0.1, 0.5, 0.9)),
        "asymmetric": lambda p: (2 * (p - target).relu() + 3 * (target - p).relu()).mean(),
    }

    def ours(p):
        return losses.regression_loss(p, target, loss_type=kind, over_penalty=2, under_penalty=3)

    assert ours(prediction).item() == pytest.approx(plain[kind](prediction).item(), rel=1e-12)
    assert torch.autograd.gradcheck(ours, [prediction])


def test_the_other_losses_are_those_of_plain_torch_and_have_their_gradients():
    torch.manual_seed(4)
    z, wanted, logits = double(4, 3), torch.rand(4, 4, dtype=torch.double), double(3, 5, 7)
    tokens, where = torch.randint(0, 7, (3, 5)), torch.rand(3, 5) < 0.7
    chosen = where & (tokens > 0)
    first, second = torch.triu_indices(4, 4, offset=1)
    distances = torch.tanh(torch.cdist(z, z) / 10)
    assert losses.unifrac_loss(z, wanted).item() == pytest.approx(
        F.mse_loss(distances[first, second], wanted[first, second]).item()
    )
    assert losses.nucleotide_loss(logits, tokens, where).item() == pytest.approx(
        F.cross_entropy(logits[chosen], tokens[chosen]).item()
    )
    log_probabilities, classes = double(6, 3).log_softmax(-1), torch.tensor([0, 1, 2, 2, 1, 0])
    weights = torch.tensor([1.0, 2.0, 0.5], dtype=torch.double)
    assert losses.classification_loss(log_probabilities, classes, weights).item() == pytest.approx(
        F.nll_loss(log_probabilities, classes, weights).item()
    )
    for loss, inputs in (
        (lambda e: losses.unifrac_loss(e, wanted), z),
        (lambda e: losses.nucleotide_loss(e, tokens, where), logits),
        (lambda e: losses.classification_loss(e.log_softmax(-1), classes, weights), double(6, 3)),
        (
            lambda e: losses.count_loss(
                e, torch.ones(2, 3), torch.tensor([[True, False, True]] * 2)
            ),
            double(2, 3),
        ),
    ):
        assert torch.autograd.gradcheck(loss, [inputs])


def test_options_are_those_of_the_trainer_and_aams_names_are_understood():
    loss = losses.MultiTaskLoss(
        target_loss_type="mae", penalty=2, class_weights=torch.tensor([1.0, 0.25])
    )
    assert (
        loss.loss_type == "mae"
        and loss.penalty == 2.0
        and loss.class_weights.tolist() == [1.0, 0.25]
    )
    assert "class_weights" in loss.state_dict() and "loss_type='mae'" in repr(loss)
    with pytest.raises(ConfigError, match="^unknown option 'penalti'; did you mean penalty=\\?$"):
        losses.MultiTaskLoss(penalti=1)


ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["huber", "mse", "mae", "quantile", "asymmetric"])
def test_no_loss_has_a_name_in_any_file_but_its_table(name: str):
    files = [
        *(ROOT / "csrc").rglob("*.cpp"),
        *(ROOT / "csrc").rglob("*.h"),
        *(ROOT / "deepbio_torch").rglob("*.py"),
    ]
    naming = {file.name for file in files if re.search(rf"[\"']{name}[\"']", file.read_text())}
    also = {
        "huber": {"losses.h", "losses.py"},
        "mse": {"metrics.cpp"},
        "mae": {"metrics.cpp"},
    }  # default; metrics
    also["mae"] |= {"scores.py", "study_page.py"}
    also["asymmetric"] = {"checks.cpp"}  # which of its options have no effect
    assert "losses.cpp" in naming and naming <= {"losses.cpp"} | also.get(name, set())


def batch_of_samples() -> dict[str, torch.Tensor]:
    """What a SampleDataset gives: 3 samples of 4 places over 5 distinct ASVs of 6 letters."""
    generator = torch.Generator().manual_seed(2)
    mask = torch.ones(3, 4, dtype=torch.bool)
    mask[2, 3] = False
    return {
        "sample_index": torch.arange(3),
        "asv_tokens": torch.randint(1, 5, (5, 6), generator=generator),
        "asv_index": torch.tensor([[0, 1, 2, 3], [3, 4, 0, 2], [4, 4, 1, 0]]),
        "mask": mask,
        "counts": torch.randint(1, 50, (3, 4), generator=generator) * mask.float(),
        "distances": torch.rand(3, 3, generator=generator),
        "targets": torch.rand(3, 1, generator=generator),
        "sample_ids": ["a", "b", "c"],
    }


def outputs_for(batch):
    generator = torch.Generator().manual_seed(3)
    return {
        "target_prediction": torch.rand(3, 1, generator=generator),
        "count_prediction": torch.rand(3, 4, 1, generator=generator),
        "embeddings": torch.rand(3, 8, generator=generator),
        "nuc_predictions": torch.rand(5, 6, 7, generator=generator),
        "mask_indices": torch.rand(5, 6, generator=generator) > 0.3,
    }


def test_a_batch_is_understood_as_it_is():
    batch = batch_of_samples()
    outputs, mask = outputs_for(batch), batch["mask"]
    terms = losses.MultiTaskLoss()(outputs, batch)
    shares = batch["counts"] / batch["counts"].sum(1, keepdim=True)
    repeats = torch.zeros(5)
    for place in batch["asv_index"][mask].tolist():
        repeats[place] += 1
    by_hand = {
        "target_loss": F.smooth_l1_loss(outputs["target_prediction"], batch["targets"]),
        "count_loss": F.mse_loss(outputs["count_prediction"][..., 0][mask], shares[mask]),
        "unifrac_loss": losses.unifrac_loss(outputs["embeddings"], batch["distances"]),
        "nuc_loss": losses.nucleotide_loss(
            outputs["nuc_predictions"], batch["asv_tokens"], outputs["mask_indices"], repeats
        ),
    }
    for name, value in by_hand.items():
        assert terms[name].item() == pytest.approx(value.item(), rel=1e-5) and value > 0, name
    assert terms["total_loss"].item() == pytest.approx(
        sum(value.item() for value in by_hand.values()), rel=1e-5
    )
    raw = losses.MultiTaskLoss(count_target="raw")(
        {"count_prediction": outputs["count_prediction"]}, batch
    )
    expected = F.mse_loss(outputs["count_prediction"][..., 0][mask], batch["counts"][mask])
    assert raw["count_loss"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_padded_and_distinct_asvs_have_the_same_nucleotide_loss():
    batch = batch_of_samples()
    outputs = outputs_for(batch)
    padded = {
        name: outputs[name][batch["asv_index"]] for name in ("nuc_predictions", "mask_indices")
    }
    distinct = {name: outputs[name] for name in padded}
    loss = losses.MultiTaskLoss()
    assert loss(padded, batch)["nuc_loss"].item() == pytest.approx(
        loss(distinct, batch)["nuc_loss"].item(), rel=1e-6
    )


def test_classes_of_a_batch_are_told_by_their_type():
    batch = {**batch_of_samples(), "targets": torch.tensor([0, 2, 1])}
    outputs = {"target_prediction": torch.rand(3, 3).log_softmax(-1)}
    terms = losses.MultiTaskLoss()(outputs, batch)
    assert terms["target_loss"].item() == pytest.approx(
        F.nll_loss(outputs["target_prediction"], batch["targets"]).item()
    )


@pytest.mark.parametrize(
    ("missing", "output", "weight"),
    [
        ("targets", "target_prediction", "target_penalty"),
        ("counts", "count_prediction", "count_penalty"), ("distances", "embeddings", "penalty"),
        ("asv_tokens", "nuc_predictions", "nuc_penalty"),
    ],
)  # fmt: skip
def test_an_output_without_its_target_is_refused_by_name_unless_it_weighs_nothing(
    missing, output, weight
):
    batch = batch_of_samples()
    outputs = {output: outputs_for(batch)[output]}
    del batch[missing]
    with pytest.raises(ArgumentError, match=f"{output}.*{missing}.*{weight}=0"):
        losses.MultiTaskLoss()(outputs, batch)
    assert losses.MultiTaskLoss(**{weight: 0.0})(outputs, batch)["total_loss"].item() == 0
    with pytest.raises(
        ArgumentError, match=output
    ):  # AAM's keys are no batch of ours, and none of them is there
        losses.MultiTaskLoss()(outputs, {"something": torch.zeros(1)})
