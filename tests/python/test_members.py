"""Members of a prediction: those of plain torch, learning by themselves, exported."""

import pickle

import pytest
import torch
from small_models import SMALL, small_tokens
from torch import nn
from torch.nn import functional as F

from deepbio_torch.models import (
    SequencePredictor,
)

MEMBERS = dict(
    transformer_branch=False, count_prediction=False, sequence_branch=True, num_known_asvs=4,
    num_members=3, known_hidden_dim=6, sequence_hidden_dim=5,
)  # fmt: skip


def members_model(tokens, **fields):
    """A model whose heads have something to say and that knows four ASVs of the tokens."""
    model = SequencePredictor(**SMALL, **{**MEMBERS, **fields}).eval()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".head_" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
    rows = torch.unique(tokens[(tokens > 0).any(-1)], dim=0)
    identity = torch.ops.deepbio.asv_identity(rows, model.known_asvs.keys)
    model.known_asvs.identities.copy_(identity[:4].sort().values)
    model.known_branch.shift.normal_(generator=generator)
    return model, {int(i): k for k, i in enumerate(model.known_asvs.identities)}


def plain_branch(x, branch, member):
    """One member in plain torch."""
    x = (x - branch.shift) * branch.scale
    hidden = F.layer_norm(x @ branch.weight[member] + branch.bias[member], branch.bias.shape[1:])
    hidden = F.gelu(hidden * branch.norm_weight[member] + branch.norm_bias[member])
    return hidden @ branch.head_weight[member] + branch.head_bias[member]


@pytest.mark.parametrize("known_inputs", ["log_presence", "presence", "levels"])
def test_members_of_a_histogram_are_those_of_plain_torch(known_inputs):
    tokens, counts = small_tokens(), torch.arange(1.0, 16.0).view(3, 5)
    model, column = members_model(tokens, num_bins=9, known_inputs=known_inputs)
    with_abundance = known_inputs != "presence"
    weights = torch.tensor([0.3, 0.1, 0.2, 0.1, 0.2, 0.1])
    model.mixture.weight.copy_(weights)
    model.mixture.bin_edges.copy_(torch.linspace(-1, 2, 10))
    with torch.no_grad():
        out = model(tokens, counts, return_members=True)
        embeddings = model.encode_asvs(tokens.flatten(0, 1)).view(3, 5, -1)
        keys = model.known_asvs.keys[: tokens.shape[2]]
        known, pooled = [], []
        for sample in range(3):
            logs, present = torch.zeros(4), torch.zeros(4)
            real = [slot for slot in range(5) if tokens[sample, slot].any()]
            total = counts[sample, real].sum()
            reads = torch.zeros(5)
            for slot in real:
                k = column.get(int((tokens[sample, slot] * keys).sum()), 4)
                reads[k] += counts[sample, slot]
            logs, present = torch.log1p(1000 * reads[:4] / total), (reads[:4] > 0).float()
            above = [(reads[:4] > total * level).float() for level in (0.001, 0.01)]
            parts = {
                "log_presence": [logs, present],
                "presence": [present],
                "levels": [present, *above],
            }
            known.append(torch.cat(parts[known_inputs]))
            weight = torch.log1p(counts[sample, real])
            means = [
                embeddings[sample, real].mean(0),
                (weight / weight.sum()) @ embeddings[sample, real],
            ]
            pooled.append(torch.cat(means if with_abundance else means[:1]))
        logits = [plain_branch(torch.stack(known), model.known_branch, e) for e in range(3)]
        logits += [plain_branch(torch.stack(pooled), model.sequence_branch, e) for e in range(3)]
    shares = sum(w * one.softmax(-1) for w, one in zip(weights, logits, strict=True))
    torch.testing.assert_close(out["target_distribution"].exp(), shares, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        out["member_predictions"], torch.stack(logits).log_softmax(-1), rtol=1e-3, atol=1e-4
    )
    for row, median in zip(shares.double(), out["target_prediction"][:, 0], strict=True):
        upto = torch.cat([torch.zeros(1), row.cumsum(0)])
        at = int((upto < 0.5).sum()) - 1
        expected = -1 + (at + (0.5 - upto[at]) / row[at]) / 3
        assert float(median) == pytest.approx(float(expected), abs=1e-4)


def test_members_learn_by_themselves_in_training_and_their_gradients_are_right():
    tokens, counts = small_tokens(), torch.rand(3, 5) * 9 + 1
    model, _ = members_model(tokens, is_classifier=True, out_dim=3, known_dropout=0.0,
                             known_input_dropout=0.0, sequence_dropout=0.0,
                             sequence_input_dropout=0.0, freeze_base=True)  # fmt: skip
    model.double().train().base_model.eval()
    target = torch.tensor([0, 2, 1])
    from deepbio_torch.losses import MultiTaskLoss

    def loss():
        terms = MultiTaskLoss()(
            model(tokens, counts.double()), {"target": target}, is_classifier=True
        )
        return terms["target_loss"]

    members = model(tokens, counts.double())["member_predictions"]
    expected = torch.stack([F.nll_loss(member, target) for member in members]).mean()
    torch.testing.assert_close(loss(), expected)
    loss().backward()
    for name in ("known_branch.weight", "sequence_branch.head_weight", "known_branch.norm_bias"):
        parameter, step = model.get_parameter(name), 1e-6
        flat, gradient = parameter.data.view(-1), parameter.grad.view(-1)
        for place in (0, flat.numel() // 2, flat.numel() - 1):
            before = float(flat[place])
            flat[place] = before + step
            up = float(loss())
            flat[place] = before - step
            difference = (up - float(loss())) / (2 * step)
            flat[place] = before
            assert float(gradient[place]) == pytest.approx(difference, rel=1e-4, abs=1e-8)


def test_members_export_for_any_batch_and_keep_their_buffers():
    tokens = small_tokens()
    model, _ = members_model(tokens, num_bins=9)
    copied = pickle.loads(pickle.dumps(model))
    assert torch.equal(copied.known_asvs.identities, model.known_asvs.identities)

    class Answer(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, tokens, counts):
            return self.model(tokens, counts)["target_prediction"]

    dims = {0: torch.export.Dim("B", min=2, max=64), 1: torch.export.Dim("S", min=2, max=12)}
    program = torch.export.export(
        Answer(),
        (tokens, torch.ones(3, 5)),
        dynamic_shapes={"tokens": {**dims, 2: torch.export.Dim.AUTO}, "counts": dims},
    )
    other, counts = small_tokens(5, 4, 7, 12), torch.rand(4, 7) * 5 + 1
    torch.testing.assert_close(program.module()(other, counts), Answer()(other, counts))
