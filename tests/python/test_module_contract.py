"""Both models do what torch asks of a module: compile, export, DDP, hooks, functional_call,
float64, checkpointing."""

import copy
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from deepbio_torch.models import SequenceEncoder, SequencePredictor

SMALL = dict(
    embedding_dim=16, max_bp=20, token_limit=7, asv_num_heads=2, sample_num_heads=2,
    encoder_num_heads=2, count_num_heads=2, target_num_heads=2, predict_nucleotides=True,
)  # fmt: skip
STILL = {f"{stack}_dropout": 0.0 for stack in ("asv", "sample", "encoder", "count", "target")}
KINDS = pytest.mark.parametrize("kind", [SequenceEncoder, SequencePredictor])


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def samples(batch=3, distinct=5, slots=4, length=12):
    """A batch of distinct ASVs; the last sample has a single one."""
    tokens = torch.randint(1, 5, (distinct, length))
    tokens[:, 0] = 5
    tokens[1, length // 2 :] = 0
    mask = torch.ones(batch, slots, dtype=torch.bool)
    mask[-1, 1:] = False
    index = torch.randint(distinct, (batch, slots)) * mask
    return {"asv_tokens": tokens, "asv_index": index, "mask": mask}


def padded(batch):
    return batch["asv_tokens"][batch["asv_index"]] * batch["mask"].unsqueeze(-1)


def answer(out):
    return out.get("target_prediction", out["embeddings"])


def gradients(model, loss):
    """By name; zeros where a parameter is not used."""
    found = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
    return {
        name: torch.zeros_like(p) if gradient is None else gradient
        for (name, p), gradient in zip(model.named_parameters(), found, strict=True)
    }


def same_gradients(got, expected):
    """As close as two orders of summation; vanishing gradients hold nothing but rounding."""
    largest = max(value.abs().max() for value in expected.values())
    for name, value in expected.items():
        assert (got[name] - value).abs().max() <= 2e-5 * value.abs().max() + 1e-6 * largest, name


@KINDS
def test_the_whole_model_compiles_as_one_graph_for_any_shape(kind):
    model = kind(**SMALL, **STILL).train()
    graphs = []

    def count(graph, example):
        graphs.append(graph)
        return graph.forward

    compiled = torch.compile(model, fullgraph=True, dynamic=True, backend=count)
    for shape in ((3, 5, 4, 12), (5, 9, 6, 17), (4, 6, 7, 20)):
        batch = samples(*shape)
        torch.testing.assert_close(
            answer(compiled(batch)), answer(model(batch)), atol=2e-6, rtol=2e-6
        )
    assert len(graphs) == 1
    trained = torch.compile(model, fullgraph=True, dynamic=True, backend="aot_eager")
    batch = samples()
    got = gradients(model, answer(trained(batch)).square().sum())
    same_gradients(got, gradients(model, answer(model(batch)).square().sum()))


@KINDS
def test_distinct_asvs_are_exported_with_batch_asvs_slots_and_length_free(kind):
    class Flat(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = kind(**SMALL).eval()

        def forward(self, asv_tokens, asv_index, mask):
            return answer(
                self.model({"asv_tokens": asv_tokens, "asv_index": asv_index, "mask": mask})
            )

    flat, first = Flat(), samples()
    most = {"U": 99, "L": 21, "B": 64, "S": 12}
    asvs, length, batch, slots = (
        torch.export.Dim(name, min=2, max=size) for name, size in most.items()
    )
    shapes = {
        "asv_tokens": {0: asvs, 1: length},
        "asv_index": {0: batch, 1: slots},
        "mask": {0: batch, 1: slots},
    }
    program = torch.export.export(flat, tuple(first.values()), dynamic_shapes=shapes, strict=False)
    program = program.run_decompositions()
    assert not [node for node in program.graph.nodes if "deepbio" in str(node.target)]
    for shape in ((2, 9, 6, 20), (7, 3, 2, 5)):
        other = samples(*shape)
        torch.testing.assert_close(
            program.module()(*other.values()), flat(*other.values()), atol=2e-6, rtol=2e-6
        )


RANKS = """
import sys
import torch
from torch import distributed
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel
sys.path.insert(0, sys.argv[1])
from test_module_contract import SMALL, STILL, SequencePredictor, padded, samples
rank, meeting, out, way = int(sys.argv[2]), *sys.argv[3:]
torch.set_num_threads(1)
distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
torch.manual_seed(rank if way == "DDP" else 0)  # DDP takes the weights of rank 0
model = SequencePredictor(**{**SMALL, **STILL, "predict_nucleotides": False})
if way == "DDP":
    model = DistributedDataParallel(model)
else:
    for part in [*(p for p in model.modules() if type(p).__name__ == "EncoderLayer"), model]:
        fully_shard(part, mesh=distributed.init_device_mesh("cpu", (2,)))
torch.manual_seed(7)
tokens = padded(samples(4))[2 * rank : 2 * rank + 2]
optimizer = torch.optim.SGD(model.parameters(), 0.05)
for _ in range(3):
    found = model(tokens)
    loss = found["target_prediction"].sub(1).square().mean() + found["embeddings"].square().mean()
    loss = loss + found["count_prediction"].square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
whole = StateDictOptions(full_state_dict=True, cpu_offload=True)
state = get_model_state_dict(model, options=whole)
if rank == 0:
    torch.save(state, out)
distributed.destroy_process_group()
"""


@pytest.mark.parametrize("way", ["DDP", "FSDP2"])
def test_two_processes_learn_what_one_process_learns(tmp_path, way):
    script = tmp_path / "ddp.py"
    script.write_text(textwrap.dedent(RANKS))
    here = str(Path(__file__).parent)
    workers = [
        subprocess.Popen(
            [sys.executable, script, here, str(rank), tmp_path / "meeting", tmp_path / "state.pt",
             way],
            stderr=subprocess.PIPE, text=True,
        )
        for rank in (0, 1)
    ]  # fmt: skip
    for worker in workers:
        _, errors = worker.communicate(timeout=180)
        assert worker.returncode == 0, errors[-2000:]

    torch.manual_seed(0)
    model = SequencePredictor(**{**SMALL, **STILL, "predict_nucleotides": False})
    start = copy.deepcopy(model.state_dict())
    torch.manual_seed(7)
    tokens = padded(samples(4))
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    for _ in range(3):
        out = model(tokens)
        loss = out["target_prediction"].sub(1).square().mean() + out["embeddings"].square().mean()
        loss = loss + out["count_prediction"].square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    state = torch.load(tmp_path / "state.pt")
    assert (state["target_head.weight"] - start["target_head.weight"]).abs().max() > 1e-3
    for name, value in model.state_dict().items():
        torch.testing.assert_close(
            state[name], value, atol=1e-5, rtol=0, msg=lambda m, name=name: f"{name}: {m}"
        )


@KINDS
def test_forward_hooks_see_every_part_and_may_change_it(kind):
    model, batch, seen = kind(**SMALL).eval(), samples(), {}
    expected = answer(model(batch))
    handles = [
        part.register_forward_hook(lambda part, args, out, name=name: seen.__setitem__(name, out))
        for name, part in model.named_modules()
        if type(part).__name__
        in ("EncoderLayer", "TransformerEncoder", "AttentionPooling", "ASVEncoder")
    ]
    hooked = answer(model(batch))  # layer by layer now
    torch.testing.assert_close(hooked, expected, atol=2e-6, rtol=2e-6)
    assert len(seen) == len(handles) >= 12
    for handle in handles:
        handle.remove()
    assert torch.equal(answer(model(batch)), expected)
    handle = model.get_submodule(next(iter(seen))).register_forward_hook(
        lambda part, args, out: torch.zeros_like(out)
    )
    assert not torch.equal(answer(model(batch)), expected)
    handle.remove()


@KINDS
def test_functional_call_takes_other_parameters_and_differentiates_in_them(kind):
    model, other, batch = kind(**SMALL).eval(), kind(**SMALL).eval(), samples()
    state = dict(other.named_parameters())
    out = answer(torch.func.functional_call(model, state, (batch,)))
    assert torch.equal(out, answer(other(batch)))
    got = torch.func.grad(
        lambda p: answer(torch.func.functional_call(model, p, (batch,))).square().sum()
    )(state)
    same_gradients(got, gradients(other, answer(other(batch)).square().sum()))


@KINDS
def test_float64_gives_the_same_numbers_and_stays_float64(kind):
    model, batch = kind(**SMALL).eval(), samples()
    single = answer(model(batch))
    twin = copy.deepcopy(model).to(torch.float64)
    double = answer(twin(batch))
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), single, atol=1e-5, rtol=0)
    torch.testing.assert_close(answer(twin(padded(batch))), double, atol=1e-10, rtol=0)


@KINDS
def test_activation_checkpointing_repeats_the_dropout_and_gives_the_same_gradients(kind):
    model, batch = kind(**SMALL).train(), samples()
    for reentrant in (False, True):
        weight = torch.ones(
            (), requires_grad=True
        )  # reentrant checkpoints want an input that asks for a gradient

        def run(factor):
            return answer(model(batch, return_nucleotides=True)) * factor

        torch.manual_seed(3)
        plain = run(weight)
        expected = gradients(model, plain.square().sum())
        torch.manual_seed(3)
        kept = checkpoint(run, weight, use_reentrant=reentrant)
        assert torch.equal(kept, plain)
        model.zero_grad()
        kept.square().sum().backward()
        got = {
            name: torch.zeros_like(p) if p.grad is None else p.grad
            for name, p in model.named_parameters()
        }
        assert all(torch.equal(got[name], value) for name, value in expected.items())
