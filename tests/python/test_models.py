"""The Python models against AAM's own numbers, torch's layer, the C++ shell and themselves."""

import copy
import json
import math
import pickle

import pytest
import torch
from small_models import SMALL, small_tokens
from torch import nn
from torch.nn import functional as F

from deepbio_torch import _C, _library
from deepbio_torch._model.layers import EncoderLayer, Stack
from deepbio_torch.errors import ArgumentError, ConfigError, MissingFileError, ShapeError
from deepbio_torch.models import (
    ModelConfig,
    SequenceEncoder,
    SequencePredictor,
    from_pretrained,
    load_aam,
)

extension = _library.extension()


def distinct(tokens):
    """The same samples as distinct ASVs and where they occur."""
    mask = (tokens > 0).any(-1)
    rows, where = torch.unique(tokens[mask], dim=0, return_inverse=True)
    index = torch.zeros(mask.shape, dtype=torch.long)
    index[mask] = where
    return {"asv_tokens": rows, "asv_index": index, "mask": mask}


# --- AAM's own numbers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "cls"), [("pretrain", SequenceEncoder), ("train", SequencePredictor)]
)
def test_from_pretrained_reads_a_run_directory_and_refuses_weights_that_do_not_fit(
    kind, cls, tmp_path
):
    save_file = pytest.importorskip("safetensors.torch").save_file
    model = cls(**SMALL, predict_nucleotides=True).eval()
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(
        json.dumps({"kind": kind, "model": model.config.to_dict()})
    )
    loaded = from_pretrained(tmp_path)
    assert type(loaded) is cls and not loaded.training
    expected, got = model(small_tokens()), loaded(small_tokens())
    assert all(torch.equal(got[key], expected[key]) for key in expected)
    wider = ModelConfig(**{**SMALL, "embedding_dim": 32})
    (tmp_path / "config.json").write_text(json.dumps({"kind": kind, "model": wider.to_dict()}))
    with pytest.raises(ConfigError, match="token_embedding"):
        from_pretrained(tmp_path)


# --- torch as the oracle -------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["gelu", "relu"])
def test_encoder_layer_is_torchs_own_pre_norm_layer(activation):
    torch.manual_seed(1)
    oracle = nn.TransformerEncoderLayer(
        24, 3, 40, 0.0, activation, batch_first=True, norm_first=True
    ).double()
    ours = EncoderLayer(Stack(1, 3, 24, 40, 0.0, {"gelu": 0, "relu": 2}[activation])).double()
    ours.load_state_dict(oracle.state_dict())
    x = torch.randn(5, 7, 24, dtype=torch.double)
    mask = torch.arange(7) < torch.tensor([7, 4, 1, 6, 7])[:, None]
    left, right = x.clone().requires_grad_(), x.clone().requires_grad_()
    expected, got = oracle(left, src_key_padding_mask=~mask), ours(right, mask)
    torch.testing.assert_close(got[mask], expected[mask], atol=1e-10, rtol=0)
    weight = torch.randn_like(got)[mask]
    (expected[mask] * weight).sum().backward()
    (got[mask] * weight).sum().backward()
    torch.testing.assert_close(right.grad, left.grad, atol=1e-10, rtol=0)
    for (name, a), (other, b) in zip(
        ours.named_parameters(), oracle.named_parameters(), strict=True
    ):
        assert name == other
        torch.testing.assert_close(a.grad, b.grad, atol=1e-10, rtol=0)
    torch.testing.assert_close(ours(x), oracle(x), atol=1e-10, rtol=0)  # without a mask


def test_dropout_acts_in_training_only_and_keeps_the_mean():
    torch.manual_seed(0)
    layer = EncoderLayer(Stack(1, 2, 8, 16, 0.5, 0))
    x, mask = torch.randn(4, 6, 8), torch.ones(4, 6, dtype=torch.bool)
    assert not torch.equal(layer(x, mask), layer(x, mask))
    layer.eval()
    assert torch.equal(layer(x, mask), layer(x, mask))


# --- layouts, padding, masks ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", [SequenceEncoder, SequencePredictor])
def test_distinct_asvs_and_padded_tokens_give_the_same(kind):
    tokens = small_tokens()
    counts = torch.arange(15.0).view(3, 5)
    model = kind(**SMALL, predict_nucleotides=True, count_embedding=True).eval()
    padded = model(tokens, counts[..., None], return_nucleotides=True)
    batch = {**distinct(tokens), "counts": counts}
    assert len(batch["asv_tokens"]) < batch["mask"].sum()
    once = model(batch, return_nucleotides=True)
    nucleotides = padded.pop("nuc_predictions")
    per_slot = once.pop("nuc_predictions")[batch["asv_index"]]
    torch.testing.assert_close(
        per_slot[batch["mask"]], nucleotides[batch["mask"]], atol=1e-5, rtol=0
    )
    assert set(padded) == set(once)
    for key, expected in padded.items():
        torch.testing.assert_close(once[key], expected, atol=1e-5, rtol=0)
    again = model(
        {**batch, "asv_tokens": None, "asv_embeddings": model.encode_asvs(batch["asv_tokens"])}
    )
    torch.testing.assert_close(again["embeddings"], once["embeddings"], atol=0, rtol=0)


def test_padding_changes_nothing_and_gives_no_nan():
    model = SequencePredictor(**SMALL, predict_nucleotides=True).eval()
    tokens = small_tokens()
    wider = F.pad(tokens, (0, 4, 0, 2))
    short, long = (
        model(tokens, return_sample_embeddings=True),
        model(wider, return_sample_embeddings=True),
    )
    torch.testing.assert_close(
        long["target_prediction"], short["target_prediction"], atol=1e-5, rtol=0
    )
    assert (long["base_embeddings"][~(wider > 0).any(-1)] == 0).all()
    model.train()
    out = model(torch.zeros(2, 3, 5, dtype=torch.long), return_nucleotides=True)
    sum(value.sum() for value in out.values() if value.is_floating_point()).backward()
    assert all(torch.isfinite(v).all() for v in out.values())
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_the_order_of_letters_and_of_samples_matters_as_it_should():
    model = SequencePredictor(**SMALL).eval()
    tokens = small_tokens()
    out = model(tokens)["target_prediction"]
    torch.testing.assert_close(
        model(tokens.flip(0))["target_prediction"].flip(0), out, atol=1e-5, rtol=0
    )
    changed = tokens.clone()
    changed[1, 0, 1] = changed[1, 0, 1] % 4 + 1
    difference = (model(changed)["target_prediction"] - out).abs().flatten()
    assert difference[1] > 1e-6 and difference[0] < 1e-6 and difference[2] < 1e-6


@pytest.mark.parametrize("strategy", ["random", "span"])
def test_masking_hides_letters_only_and_only_in_training(strategy):
    torch.manual_seed(0)
    tokens = torch.randint(1, 5, (40, 6, 21))
    tokens[..., 0], tokens[..., 15:], tokens[:, 3, 4] = 5, 0, 0
    model = SequenceEncoder(
        **SMALL, predict_nucleotides=True, nuc_mask_ratio=0.3, nuc_mask_strategy=strategy
    )
    seen = []
    model.sample_encoder.asv_encoder.transformer.register_forward_hook(
        lambda m, args, out: seen.append(args[1])
    )
    where = model(tokens, return_nucleotides=True)["mask_indices"]
    assert where.shape == tokens.shape and where.dtype == torch.bool
    letters = (tokens >= 1) & (tokens <= 4)
    assert not (where & ~letters).any()
    share = where.sum() / letters.sum()
    assert 0.26 < share < 0.33
    if strategy == "span":
        assert (
            where.sum(-1) == torch.floor(0.3 * letters.sum(-1))
        ).all()  # the budget of every row is used up
        joined = (where[..., 1:] & where[..., :-1]).sum() / where.sum()
        assert joined > 0.5  # in random masking about 0.3
    assert "mask_indices" not in model(tokens)
    model.eval()
    assert "mask_indices" not in model(tokens, return_nucleotides=True)


# --- what an nn.Module has to be able to do ------------------------------------------------------


def test_pickle_deepcopy_and_state_dict_keep_the_model():
    model = SequencePredictor(
        **SMALL, categorical_cardinalities={"site": 3}, regressor_hidden_dims=[8]
    ).eval()
    tokens, ids = small_tokens(), {"site": torch.tensor([0, 1, 2])}
    expected = model(tokens, categorical_ids=ids)["target_prediction"]
    other = SequencePredictor(model.config).eval()
    assert not torch.equal(other(tokens, categorical_ids=ids)["target_prediction"], expected)
    other.load_state_dict(model.state_dict())
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), other):
        assert torch.equal(twin(tokens, categorical_ids=ids)["target_prediction"], expected)
        assert twin.config == model.config
    assert "embedding_dim=16" in repr(model)


def test_export_sees_plain_aten_for_any_batch_asvs_and_length():
    model = SequencePredictor(**SMALL).eval()
    sizes = {0: torch.export.Dim("B", min=1, max=64), 1: torch.export.Dim("S", min=2, max=12),
             2: torch.export.Dim("L", min=2, max=21)}  # fmt: skip
    program = torch.export.export(
        model, (small_tokens(),), dynamic_shapes={"tokens": sizes}, strict=False
    )
    program = program.run_decompositions()
    assert not [node for node in program.graph.nodes if "deepbio" in str(node.target)]
    for batch, asvs, length in ((1, 2, 3), (5, 7, 21), (2, 3, 9)):
        tokens = (
            small_tokens(1, batch, asvs, length)
            if length > 3
            else torch.randint(1, 5, (batch, asvs, length))
        )
        torch.testing.assert_close(
            program.module()(tokens)["target_prediction"], model(tokens)["target_prediction"]
        )


def test_frozen_base_gets_no_gradient_and_the_head_does():
    model = SequencePredictor(**SMALL, freeze_base=True)
    model(small_tokens())["target_prediction"].sum().backward()
    with_gradient = {name for name, p in model.named_parameters() if p.grad is not None}
    assert with_gradient and not any(name.startswith("base_model.") for name in with_gradient)


def test_initial_parameters_follow_aams_rules_and_the_seed():
    torch.manual_seed(7)
    first = SequencePredictor(
        **SMALL, categorical_cardinalities={"site": 400}, regressor_hidden_dims=[8]
    )
    torch.manual_seed(7)
    again = SequencePredictor(first.config)
    other = SequencePredictor(first.config)
    state = first.state_dict()
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in state.items())
    assert not torch.equal(
        state["target_head.0.weight"], other.state_dict()["target_head.0.weight"]
    )
    stack = "target_encoder.encoder.layers."
    layers = [
        {k.split(f".{i}.", 1)[1]: v for k, v in state.items() if k.startswith(f"{stack}{i}.")}
        for i in (0, 1)
    ]
    assert len(layers[0]) == 12
    assert all(torch.equal(layers[0][key], layers[1][key]) for key in layers[0])
    assert not torch.equal(
        layers[0]["linear1.weight"], state["count_encoder.encoder.layers.0.linear1.weight"]
    )
    attention = layers[0]["self_attn.in_proj_weight"]
    bound = math.sqrt(6 / (4 * 16))
    assert (
        0.95 * bound < attention.abs().max() <= bound
        and abs(attention.std() - bound / math.sqrt(3)) < 0.03
    )
    assert (layers[0]["self_attn.in_proj_bias"] == 0).all() and (
        layers[0]["norm1.weight"] == 1
    ).all()
    table = state["categorical_embedder.embeddings.site.weight"]
    assert (
        (table[0] == 0).all() and abs(table[1:].mean()) < 0.05 and abs(table[1:].std() - 1) < 0.05
    )
    assert (state["target_head.0.bias"] == 0).all()
    assert 0 < layers[0]["linear1.bias"].abs().max() <= 1 / 4  # fan_in of the weight beside it, 16


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"embeding_dim": 16}, ["embeding_dim", "did you mean embedding_dim"]),
        ({"embedding_dim": "16"}, ["embedding_dim"]),
        ({"embedding_dim": 10, "asv_num_heads": 4}, ["asv_num_heads", "10", "4"]),
        ({"activation": "swish"}, ["activation", "gelu_tanh", "swish"]),
        ({"categorical_fusion": "late"}, ["late", "perceiver", "cross-attention"]),
        (
            {
                "categorical_fusion": "perceiver",
                "categorical_cardinalities": {"a": 2},
                "cross_attn_heads": 3,
            },
            ["cross_attn_heads", "3", "128"],
        ),
        ({"is_classifier": True}, ["out_dim", "2"]),
        ({"vocab_size": 6, "predict_nucleotides": True}, ["vocab_size", "nuc_mask_ratio"]),
        ({"categorical_cardinalities": {"a.b": 3}}, ["a.b"]),
    ],
)
def test_a_bad_config_is_refused_by_name_and_value(fields, words):
    with pytest.raises(ConfigError) as caught:
        SequencePredictor(**fields)
    assert all(word in str(caught.value) for word in words) and "\n" not in str(caught.value)


def test_python_and_cpp_have_the_same_options_and_defaults():
    resolved = _C.model_config({})
    ours = ModelConfig().to_dict()
    assert list(resolved) == list(ours) and resolved == ours
    speed = {
        "attn_implementation": "math",
        "asv_chunk_size": 256,
        "gradient_checkpointing": True,
        "base_output_dim": None,
    }
    assert ModelConfig.from_dict(speed) == ModelConfig()


def test_wrong_inputs_are_named():
    model = SequencePredictor(**SMALL, count_embedding=True, categorical_cardinalities={"site": 3})
    with pytest.raises(ShapeError, match="max_bp"):
        model(torch.ones(1, 2, 22, dtype=torch.long), torch.ones(1, 2))
    with pytest.raises(ShapeError, match="token_limit"):
        model(torch.ones(1, 13, 4, dtype=torch.long), torch.ones(1, 13))
    with pytest.raises(ShapeError, match=r"\[B, S, L\]"):
        model(torch.ones(2, 4, dtype=torch.long))
    with pytest.raises(ArgumentError, match="count_embedding"):
        model(small_tokens())
    with pytest.raises(ArgumentError, match="site"):
        model(small_tokens(), torch.ones(3, 5), {"sex": torch.zeros(3, dtype=torch.long)})
    with pytest.raises(ArgumentError, match="asv_index"):
        model({"asv_tokens": torch.ones(1, 4, dtype=torch.long)})
    with pytest.raises(MissingFileError):
        from_pretrained("no/such/run")
    with pytest.raises(MissingFileError):
        load_aam("no/such/checkpoint.pt")


# --- members -------------------------------------------------------------------------------------


# --- the C++ shell -------------------------------------------------------------------------------

SHELLS = [
    {},
    {"predict_nucleotides": True, "count_embedding": True, "count_embedding_method": "film"},
    {"count_embedding": True, "count_embedding_method": "concat",
     "categorical_cardinalities": {"b": 3, "a": 4}, "categorical_fusion": "gmu",
     "conditional_scaling_columns": ["b"], "learnable_output_scale": True},
    {"categorical_cardinalities": {"a": 4}, "categorical_fusion": "add",
     "regressor_hidden_dims": [8, 4], "regressor_dropout": 0.2, "residual_regression_head": True,
     "num_quantiles": 3, "out_dim": 2},
    {"is_classifier": True, "out_dim": 3, "target_layer_norm": False, "count_prediction": False},
    {"abundance_pooling": True, "count_embedding": True},
    {"categorical_cardinalities": {"a": 4}, "categorical_fusion": "cross-attention",
     "cross_attn_heads": 4},
    {"categorical_cardinalities": {"b": 3, "a": 4}, "categorical_fusion": "perceiver",
     "cross_attn_heads": 2, "perceiver_num_latents": 6, "abundance_pooling": True},
    {"transformer_branch": False, "count_prediction": False, "sequence_branch": True,
     "num_known_asvs": 4, "num_members": 3, "num_bins": 9, "known_hidden_dim": 6,
     "sequence_hidden_dim": 5},
    {"transformer_branch": True, "num_known_asvs": 4, "num_members": 2, "is_classifier": True,
     "out_dim": 3, "known_inputs": "presence", "known_hidden_dim": 6,
     "categorical_cardinalities": {"a": 4}},
    {"transformer_branch": False, "sequence_branch": True, "num_members": 2,
     "sequence_hidden_dim": 5, "out_dim": 2},
    {"encoder_type": "combined"},
    {"encoder_type": "taxonomy", "base_output_dim": 5, "bounded_targets": True},
]  # fmt: skip


@pytest.mark.skipif(extension is None, reason="needs the extension module")
@pytest.mark.parametrize("fields", SHELLS)
@pytest.mark.parametrize("kind", [SequenceEncoder, SequencePredictor])
def test_the_cpp_shell_has_the_same_names_and_the_same_bits(kind, fields):
    model = kind(**SMALL, **fields).eval()
    config = json.dumps(model.config.to_dict())
    is_predictor = kind is SequencePredictor
    assert extension.parameter_names(config, is_predictor) == [
        name for name, _ in model.named_parameters()
    ]
    tokens = small_tokens()
    ids = {column: torch.tensor([0, 1, 2]) for column in model.config.categorical_cardinalities}
    batch = {**distinct(tokens), "counts": torch.arange(15.0).view(3, 5)}
    batch["categorical_ids"] = ids
    with torch.no_grad():
        ours = model(batch, return_nucleotides=True, return_sample_embeddings=True)
    theirs = extension.model_forward(config, model.state_dict(), batch, return_nucleotides=True)
    if "sample_embeddings" in ours:
        ours["base_embeddings"] = ours.pop("sample_embeddings")
    if "count_prediction" in ours:
        ours["count_prediction"] = ours["count_prediction"].squeeze(-1)
    assert set(ours) == set(theirs)
    for key, value in ours.items():
        assert torch.equal(value, theirs[key]), key
