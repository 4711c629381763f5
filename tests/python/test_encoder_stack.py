"""The fused encoder stack as an operator and inside the models, against its layers one after the
other."""

import copy

import pytest
import torch
from torch._dynamo.backends.common import aot_autograd
from torch.autograd import forward_ad
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint

from deepbio_torch import _library
from deepbio_torch._model.layers import Stack, TransformerEncoder
from deepbio_torch.models import SequenceEncoder

_library.load()
ops = torch.ops.deepbio
D, F, H, LAYERS = 24, 40, 3, 2


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def composite(monkeypatch):
    """Calls a function on the composite path."""

    def run(function, *arguments):
        with monkeypatch.context() as patch:
            patch.setenv("DEEPBIO_ENCODER", "composite")
            return function(*arguments)

    return run


def weights(dtype=torch.float, layers=LAYERS):
    wide, narrow = D**-0.5, F**-0.5
    shapes = [((3 * D, D), wide, 0), ((3 * D,), 0.1, 0), ((D, D), wide, 0), ((D,), 0.1, 0),
              ((F, D), wide, 0), ((F,), 0.1, 0), ((D, F), narrow, 0), ((D,), 0.1, 0),
              ((D,), 0.1, 1), ((D,), 0.1, 0), ((D,), 0.1, 1), ((D,), 0.1, 0)]  # fmt: skip
    return [
        (torch.randn(shape, dtype=dtype) * scale + middle).requires_grad_()
        for _ in range(layers)
        for shape, scale, middle in shapes
    ]


def mask(rows, length):
    return torch.arange(length) < torch.arange(rows)[:, None] % (
        length + 1
    )  # the first row has nothing real


def call(rows=5, length=7, dtype=torch.float, dropout=0.0):
    x = torch.randn(rows, length, D, dtype=dtype).requires_grad_()
    return x, mask(rows, length), weights(dtype), H, 0, dropout, True, torch.tensor(3)


def gradients(out, leaves):
    weight = torch.randn(out.shape, generator=torch.Generator().manual_seed(1))
    return torch.autograd.grad((out * weight.to(out.dtype)).sum(), leaves)


def close(got, expected):
    for a, b in zip(got, expected, strict=True):
        assert (a - b).abs().max() <= 2e-5 * b.abs().max() + 1e-8


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("dtype", [torch.float, torch.double])
def test_opcheck_of_the_stack(dtype, dropout):
    # The composite path draws its own dropout, which no two runs share.
    utils = ["test_schema", "test_autograd_registration", "test_faketensor"]
    if dtype == torch.float or dropout == 0:
        utils.append("test_aot_dispatch_dynamic")
    torch.library.opcheck(ops.encoder_stack, call(dtype=dtype, dropout=dropout), test_utils=utils)


def test_padding_that_is_left_out_is_zero_and_the_rest_as_before(composite):
    arguments = call(9, 11)
    leaves, padding = [arguments[0], *arguments[2]], ~arguments[1].unsqueeze(-1)
    full = ops.encoder_stack(*arguments).masked_fill(padding, 0.0)
    skipped = ops.encoder_stack(*arguments, skip_padding=True)
    torch.testing.assert_close(skipped, full, atol=2e-6, rtol=2e-6)
    assert not skipped.masked_select(padding).count_nonzero()
    expected = composite(lambda: ops.encoder_stack(*arguments, skip_padding=True))
    torch.testing.assert_close(skipped, expected, atol=2e-6, rtol=2e-6)
    close(gradients(skipped, leaves), gradients(expected, leaves))
    torch.library.opcheck(ops.encoder_stack, arguments, {"skip_padding": True})
    x, where, layers, *rest = call(3, 4, torch.double)
    assert torch.autograd.gradcheck(
        lambda x, *w: ops.encoder_stack(x, where, w, *rest, True), (x, *layers)
    )


def test_opcheck_of_both_leaves():
    x, where, layers, *_ = call()
    flat = torch.cat([w.detach().flatten() for w in layers])
    options = ([LAYERS, F, H, 0], 0.2)
    for rows in (slice(None), slice(0, 0)):
        for key_mask in (where[rows], None):
            forward = (x.detach()[rows], key_mask, flat, torch.tensor(1), *options)
            torch.library.opcheck(ops.encoder_stack_forward, (*forward, True))
            y, saved = ops.encoder_stack_forward(*forward, True)
            assert ops.encoder_stack_forward(*forward, False)[1].numel() == 0
            backward = (torch.randn_like(y), key_mask, flat, torch.tensor(1), saved, *options)
            torch.library.opcheck(ops.encoder_stack_backward, (*backward, True))
            torch.library.opcheck(ops.encoder_stack_backward, (*backward, False))


def test_gradcheck_in_double():
    x, where, layers, *rest = call(3, 4, torch.double)
    assert torch.autograd.gradcheck(
        lambda x, *w: ops.encoder_stack(x, where, w, *rest), (x, *layers)
    )


@pytest.mark.parametrize("shape", [(5, 7), (1, 1), (130, 9), (3, 260)])
def test_outputs_and_gradients_are_those_of_the_layers(shape, composite):
    arguments = call(*shape)
    leaves = [arguments[0], *arguments[2]]
    got, expected = ops.encoder_stack(*arguments), composite(ops.encoder_stack, *arguments)
    assert not torch.equal(got, expected)  # two ways of computing were compared
    torch.testing.assert_close(got, expected, atol=2e-6, rtol=2e-6)
    assert torch.isfinite(got).all()
    close(gradients(got, leaves), gradients(expected, leaves))


def test_float32_is_as_near_to_float64_as_torch_is(composite):
    x, where, layers, *rest = call(40, 30)
    leaves = [x, *layers]
    out = ops.encoder_stack(x.double(), where, [w.double() for w in layers], *rest)
    exact = [out.detach(), *gradients(out, leaves)]

    def distance(out):
        parts = zip([out.detach(), *gradients(out, leaves)], exact, strict=True)
        return torch.tensor(
            [((a - b).square().mean() / b.square().mean()).sqrt() for a, b in parts]
        ).mean()

    # Root mean square over each tensor; the two differ by luck, not by kind.
    fused, plain = (
        ops.encoder_stack(x, where, layers, *rest),
        composite(ops.encoder_stack, x, where, layers, *rest),
    )
    assert distance(fused) < 1.5 * distance(plain)


def test_results_do_not_depend_on_the_number_of_threads():
    arguments = call(150, 9, dropout=0.2)
    leaves = [arguments[0], *arguments[2]]
    before, seen = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            out = ops.encoder_stack(*arguments)
            seen.append([out, *gradients(out, leaves)])
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*seen, strict=True))


def test_strided_input_and_empty_batch():
    x, where, layers, *rest = call()
    strided = x.detach().transpose(0, 1).contiguous().transpose(0, 1)
    turned = [w.detach().t().contiguous().t() if w.dim() == 2 else w.detach() for w in layers]
    assert torch.equal(
        ops.encoder_stack(strided, where, turned, *rest), ops.encoder_stack(x, where, layers, *rest)
    )
    empty = x[:0]
    out = ops.encoder_stack(empty, where[:0], layers, *rest)
    out.sum().backward()
    assert out.shape == (0, 7, D) and all((w.grad == 0).all() for w in layers)


def test_a_number_of_weights_that_is_no_multiple_of_twelve_is_refused():
    x, where, layers, *rest = call()
    with pytest.raises(ValueError, match="12 weights for each layer, got 23"):
        ops.encoder_stack(x, where, layers[:-1], *rest)


# --- inside torch's machinery
# ------------------------------------------------------------------------


def test_compile_records_one_operator_for_any_batch_and_length():
    graphs = []

    def look(graph, example):
        graphs.append(graph)
        return graph

    def step(x, where, *layers):
        return ops.encoder_stack(x, where, layers, H, 0, 0.0, True)

    compiled = torch.compile(
        step, backend=aot_autograd(fw_compiler=look), fullgraph=True, dynamic=True
    )
    for shape in ((5, 7), (9, 4), (33, 20)):
        x, where, layers, *_ = call(*shape)
        got, expected = compiled(x, where, *layers), step(x, where, *layers)
        assert torch.equal(got, expected)
        close(gradients(got, [x, *layers]), gradients(expected, [x, *layers]))
    assert len(graphs) == 2  # forward and backward, once for all shapes
    for graph, name in zip(graphs, ("forward", "backward"), strict=True):
        assert [
            n for n in graph.graph.nodes if str(n.target) == f"deepbio.encoder_stack_{name}.default"
        ]


def test_compiled_dropout_follows_torchs_generator():
    x, where, layers, *_ = call()
    compiled = torch.compile(
        lambda x, *w: ops.encoder_stack(x, where, w, H, 0, 0.5, True),
        backend="aot_eager",
        fullgraph=True,
    )
    torch.manual_seed(5)
    first, second = compiled(x, *layers), compiled(x, *layers)
    torch.manual_seed(5)
    assert torch.equal(compiled(x, *layers), first) and not torch.equal(first, second)


def test_torch_func_forward_mode_autocast_and_inference_mode(composite):
    x, where, layers, *rest = call()
    leaves = tuple(w.detach() for w in layers)

    def loss(w, x):
        return ops.encoder_stack(x, where, list(w), *rest).square().sum()

    expected = torch.autograd.grad(loss(layers, x), layers)
    close(torch.func.grad(loss)(leaves, x.detach()), expected)
    plain = composite(ops.encoder_stack, x, where, layers, *rest)
    pairs = torch.func.vmap(lambda x: ops.encoder_stack(x, where, list(leaves), *rest))(
        torch.stack([x, x]).detach()
    )
    torch.testing.assert_close(pairs[1], plain, atol=1e-5, rtol=1e-5)
    with (
        sdpa_kernel(SDPBackend.MATH),
        forward_ad.dual_level(),
    ):  # no other attention of torch has it
        dual = forward_ad.make_dual(x.detach(), torch.ones_like(x))
        assert (
            forward_ad.unpack_dual(ops.encoder_stack(dual, where, leaves, *rest)).tangent
            is not None
        )
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(
            ops.encoder_stack(x, where, layers, *rest),
            composite(ops.encoder_stack, x, where, layers, *rest),
        )
    fused = ops.encoder_stack(x, where, layers, *rest)
    with torch.inference_mode():
        assert torch.equal(ops.encoder_stack(x.detach(), where, leaves, *rest), fused)


def test_a_second_derivative_is_refused_with_the_way_out(composite):
    arguments = call()
    x = arguments[0]
    out = ops.encoder_stack(*arguments)
    with pytest.raises(RuntimeError, match="DEEPBIO_ENCODER=composite"):
        torch.autograd.grad(out.square().sum(), x, create_graph=True)
    with sdpa_kernel(SDPBackend.MATH):
        out = composite(ops.encoder_stack, *arguments)
    (first,) = torch.autograd.grad(out.square().sum(), x, create_graph=True)
    assert torch.isfinite(torch.autograd.grad(first.square().sum(), x)[0]).all()


# --- in the models
# -----------------------------------------------------------------------------------


def encoder(dropout=0.0):
    return TransformerEncoder(Stack(LAYERS, H, D, F, dropout, 0))


def test_the_module_uses_the_stack_and_gives_way_to_hooks(composite):
    module, x, where = encoder(), torch.randn(4, 6, D), mask(4, 6)
    got, expected = module(x, where), composite(module, x, where)
    assert not torch.equal(got, expected)
    torch.testing.assert_close(got, expected, atol=2e-6, rtol=2e-6)
    seen = []
    handle = module.encoder.layers[1].register_forward_hook(
        lambda layer, args, out: seen.append(out)
    )
    assert torch.equal(module(x, where), expected) and len(seen) == 1
    handle.remove()
    assert torch.equal(module(x, where), got)
    module.encoder.layers[0].register_full_backward_hook(
        lambda layer, before, after: seen.append(after)
    )
    module(x, where).sum().backward()
    assert len(seen) == 2


def test_the_module_copies_checkpoints_and_changes_type(composite):
    module, x, where = encoder(0.3), torch.randn(4, 6, D, requires_grad=True), mask(4, 6)
    torch.manual_seed(1)
    expected = module(x, where)
    torch.manual_seed(1)
    got = checkpoint(module, x, where, use_reentrant=False)
    assert torch.equal(got, expected)
    leaves = [x, *module.parameters()]
    close(gradients(got, leaves), gradients(expected, leaves))
    module.eval()
    assert torch.equal(copy.deepcopy(module)(x, where), module(x, where))
    swapped = torch.func.functional_call(module, {"norm.weight": torch.zeros(D)}, (x, where))
    assert torch.equal(swapped, module.norm.bias.expand_as(swapped))
    exact = copy.deepcopy(module).double()(x.double(), where)
    torch.testing.assert_close(module(x, where).double(), exact, atol=1e-5, rtol=0)


def test_training_goes_the_same_way_on_both_paths(composite):
    tokens = torch.randint(1, 5, (8, 3, 12))
    start = SequenceEncoder(
        embedding_dim=16, max_bp=12, token_limit=4, asv_num_heads=2, sample_num_heads=2,
        encoder_num_heads=2, asv_dropout=0.0, sample_dropout=0.0, encoder_dropout=0.0,
    )  # fmt: skip

    def train():
        model = copy.deepcopy(start)
        optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
        losses = []
        for _ in range(20):
            loss = torch.pdist(model(tokens)["embeddings"]).sub(3).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    fused, plain = train(), composite(train)
    assert plain[-1] < 0.9 * plain[0]
    assert fused == pytest.approx(plain, rel=1e-3)
