"""Every torch.ops.deepbio operator: opcheck, gradcheck, empty and strided inputs, compile."""

from operator import attrgetter

import pytest
import torch

from deepbio_torch import _C, _library

_library.load()
ops = torch.ops.deepbio
D, H, V, P = 6, 2, 7, 9


def weights(dtype=torch.double):
    shapes = [
        (3 * D, D),
        (3 * D,),
        (D, D),
        (D,),
        (8, D),
        (8,),
        (D, 8),
        (D,),
        (D,),
        (D,),
        (D,),
        (D,),
    ]
    return [torch.randn(shape, dtype=dtype).requires_grad_() for shape in shapes]


def real(*shape, dtype=torch.double):
    return torch.randn(shape, dtype=dtype).requires_grad_()


def mask(rows, length):
    return torch.arange(length) < torch.arange(rows)[:, None] % (
        length + 1
    )  # the first row has nothing real


def arguments(rows, length, dtype=torch.double):
    """One call of each differentiable operator for `rows` rows of `length`."""
    x = real(rows, length, D, dtype=dtype)
    tokens = torch.randint(0, V, (rows, length))
    counts = torch.rand(rows, length, dtype=dtype) * 9
    pooled, categories = real(rows, D, dtype=dtype), real(rows, 3, dtype=dtype)

    def make(*shape):
        return real(*shape, dtype=dtype)

    def normed_attention():
        """Weights of a multi-head attention and of the norm around it."""
        return make(3 * D, D), make(3 * D), make(D, D), make(D), make(D), make(D)

    return {
        "encoder_layer.weights": (x, mask(rows, length), weights(dtype), H, 0, 0.0, True),
        "embed_tokens": (tokens, make(V, D), make(P, D)),
        "add_positions": (x, make(P, D)),
        "attention_pool": (x, mask(rows, length), make(1, D), make(D), make(D)),
        "gather_asvs": (make(4, D), torch.randint(0, 4, (rows, length)), mask(rows, length)),
        "nucleotide_logits": (x, tokens, make(V, D), make(V)),
        "pool_by_abundance": (
            make(4, D),
            torch.randint(0, 4, (rows, length)),
            mask(rows, length),
            counts,
        ),
        "count_embed_add": (x, counts, make(D, 1), make(D)),
        "count_embed_concat": (x, counts, make(D, 1), make(D), make(D, 2 * D), make(D)),
        "count_embed_film": (x, counts, make(2 * D, 1), make(2 * D)),
        "fuse_concat": (x, categories, make(D, D + 3), make(D)),
        "fuse_add": (x, categories, make(D, 3), make(D)),
        "fuse_gmu": (pooled, categories, make(D, 3), make(D), make(D, D + 3), make(D)),
        "fuse_cross_attention.weights": (
            x,
            categories,
            [make(D, 3), make(D), *normed_attention()],
            H,
            0.0,
            True,
        ),
        "attend_latents.weights": (
            x,
            mask(rows, length),
            categories,
            [make(4, D), make(D, D), make(D), make(D, 3), make(D), *normed_attention()],
            H,
            0.0,
            True,
        ),
        "pool_sequences": (
            make(4, D),
            torch.randint(0, 4, (rows, length)),
            mask(rows, length),
            counts,
            False,
        ),
        "mix_members": (
            make(3, rows, D),
            torch.tensor([0.5, 0.2, 0.3], dtype=dtype),
            torch.ones(3, dtype=dtype),
        ),
        "conditional_scale": (pooled, torch.randint(0, 4, (rows,)), make(4, D), make(4, D)),
    }


NAMES = sorted(arguments(1, 2))
WITH_LISTS = [name for name in NAMES if name.endswith(".weights")]


def operator(name):
    """An operator by its name, and that of its overload."""
    return attrgetter(name)(ops)


def flat(call):
    """Arguments one after the other, those of lists too."""
    return [value for each in call for value in (each if isinstance(each, list) else [each])]


def packed(values, like):
    """The opposite of ``flat``."""
    rest = iter(values)
    return [[next(rest) for _ in each] if isinstance(each, list) else next(rest) for each in like]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("dtype", [torch.double, torch.float])
@pytest.mark.parametrize("name", NAMES)
def test_opcheck(name, dtype):
    torch.library.opcheck(operator(name), arguments(3, 4, dtype)[name])


@pytest.mark.parametrize("name", NAMES)
def test_gradcheck(name):
    like = arguments(3, 4)[name]
    call = flat(like)
    places = [
        i for i, value in enumerate(call) if isinstance(value, torch.Tensor) and value.requires_grad
    ]

    def run(*tensors):
        filled = list(call)
        for place, tensor in zip(places, tensors, strict=True):
            filled[place] = tensor
        return operator(name)(*packed(filled, like))

    assert torch.autograd.gradcheck(run, [call[place] for place in places])


@pytest.mark.parametrize("name", NAMES)
def test_empty_batch(name):
    out = operator(name)(*arguments(0, 4)[name])
    first = out[0] if isinstance(out, tuple) else out
    assert first.shape[0] == 0 and first.shape[-1] in (D, V)


@pytest.mark.parametrize("name", NAMES)
def test_strided_input_gives_the_same(name):
    def strided(value):
        if not isinstance(value, torch.Tensor) or value.dim() < 2:
            return value
        wide = (
            value.detach().repeat_interleave(2, dim=-1).transpose(0, 1).contiguous().transpose(0, 1)
        )
        out = wide[..., ::2]
        assert not out.is_contiguous() or out.numel() < 2 or 1 in out.shape
        return out

    call = arguments(3, 4)[name]
    expected, got = operator(name)(*call), operator(name)(*packed(map(strided, flat(call)), call))
    torch.testing.assert_close(got, expected)


def test_members_are_checked_and_differentiable():
    def make(*shape):
        return torch.randn(shape, dtype=torch.double).requires_grad_()

    call = (
        make(4, 5),
        make(3, 5, 7),
        make(3, 7),
        make(3, 7),
        make(3, 7),
        make(3, 7, 2),
        make(3, 2),
        0.0,
        0.0,
        True,
    )
    torch.library.opcheck(ops.member_nets, call)
    assert torch.autograd.gradcheck(ops.member_nets, call)
    assert ops.member_nets(make(0, 5), *call[1:]).shape == (3, 0, 2)


def test_what_known_asvs_and_histograms_need_is_checked():
    tokens, keys = torch.randint(1, 5, (6, 9)), ops.asv_keys(12)
    identity = ops.asv_identity(tokens, keys)
    known = identity[[4, 1, 3]].sort().values
    columns = ops.known_columns(identity, known)
    index, where = torch.randint(0, 6, (3, 4)), mask(3, 4)
    counts, edges = torch.rand(3, 4) * 9, torch.linspace(-1, 1, 8)
    for op, call in [
        (ops.asv_identity, (tokens, keys)),
        (ops.known_columns, (identity, known)),
        (ops.known_asv_inputs, (columns, index, where, counts, known, True, [0.0, 0.1])),
        (ops.soft_targets, (torch.randn(4), edges)),
        (ops.distribution_quantile, (torch.randn(4, 7).log_softmax(-1), edges, 0.5)),
        (ops.distribution_mean, (torch.randn(4, 7).log_softmax(-1), edges)),
    ]:
        torch.library.opcheck(op, call)
    assert known[columns[[4, 1, 3]]].tolist() == identity[[4, 1, 3]].tolist()
    assert ops.known_asv_inputs(columns, index[:0], where[:0], counts[:0], known, False).shape == (
        0,
        3,
    )


def test_masks_and_indices():
    tokens = torch.tensor([[[5, 1, 0], [0, 0, 0]], [[5, 6, 2], [5, 0, 0]]])
    where = ops.asv_mask(tokens)
    assert where.tolist() == [[True, False], [True, True]]
    assert ops.slot_index(where).tolist() == [[0, 1], [2, 3]]
    rows = tokens.flatten(0, 1)
    for choose in (ops.random_mask, ops.span_mask):
        torch.library.opcheck(choose, (rows, 0.5), test_utils=("test_schema", "test_faketensor"))
        assert not (choose(rows, 0.99) & ((rows < 1) | (rows > 4))).any()
    hidden = ops.apply_mask_token(rows, rows == 1)
    assert hidden[0].tolist() == [5, 6, 0] and torch.equal(hidden[1:], rows[1:])


def test_random_masks_follow_torchs_default_generator():
    rows = torch.randint(1, 5, (50, 30))
    for choose in (ops.random_mask, ops.span_mask):
        torch.manual_seed(3)
        first = choose(rows, 0.3)
        torch.manual_seed(3)
        assert torch.equal(choose(rows, 0.3), first)
        assert not torch.equal(choose(rows, 0.3), first)


def test_compile_sees_through_the_encoder_layer():
    layer = ops.encoder_layer.weights
    call = arguments(3, 4)["encoder_layer.weights"]
    compiled = torch.compile(
        lambda *a: layer(*a), backend="aot_eager", fullgraph=True, dynamic=True
    )
    torch.testing.assert_close(compiled(*call), layer(*call))
    other = arguments(5, 7)["encoder_layer.weights"]
    torch.testing.assert_close(compiled(*other), layer(*other))


@pytest.mark.parametrize("name", WITH_LISTS)
def test_vmap_sees_the_operators_behind_a_list(name):
    first, *rest = [
        value.detach() if isinstance(value, torch.Tensor) else value
        for value in arguments(3, 4)[name]
    ]
    both = torch.stack([first, 2 * first])
    got = torch.func.vmap(lambda x: operator(name)(x, *rest))(both)
    expected = [operator(name)(x, *rest) for x in both]
    if isinstance(got, tuple):
        got, expected = got[0], [values for values, _ in expected]
    torch.testing.assert_close(got, torch.stack(expected))


@pytest.mark.parametrize("name", WITH_LISTS)
def test_schemas_of_the_version_before_compute_the_same(name):
    # An argument for each weight: programs that users exported hold these calls.
    before = getattr(ops, name.removesuffix(".weights")).default
    call = arguments(3, 4)[name]
    torch.testing.assert_close(before(*flat(call)), operator(name)(*call))
    torch.library.opcheck(before, tuple(flat(call)))


def test_a_program_with_a_schema_of_the_version_before_is_loaded(tmp_path):
    x, where, parameters, *rest = arguments(3, 4, torch.float)["encoder_layer.weights"]

    class Layer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.parameters_of_it = torch.nn.ParameterList([value.detach() for value in parameters])

        def forward(self, x, where):
            return ops.encoder_layer.default(x, where, *self.parameters_of_it, *rest)

    program = torch.export.export(Layer(), (x.detach(), where))
    assert "deepbio.encoder_layer.default" in str(program.graph)
    torch.export.save(program, tmp_path / "layer.pt2")
    again = torch.export.load(tmp_path / "layer.pt2").module()
    torch.testing.assert_close(
        again(x, where), ops.encoder_layer.weights(x, where, parameters, *rest)
    )


def test_the_order_of_weights_is_that_of_the_parameters_of_torch():
    names = [name for name, _ in torch.nn.TransformerEncoderLayer(D, H).named_parameters()]
    assert _C.encoder_layer_weights() == names
