"""The Python models against AAM's own numbers, torch's layer, the C++ shell and themselves."""

import copy
import json
import math
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from deepbio_torch import _C, _library
from deepbio_torch._layers import EncoderLayer, Stack
from deepbio_torch.errors import ArgumentError, ConfigError, MissingFileError, ShapeError
from deepbio_torch.models import (
    ModelConfig,
    SequenceEncoder,
    SequencePredictor,
    from_pretrained,
    load_aam,
)

GOLDEN = Path(__file__).parents[3] / "shared" / "data" / "aam_golden"
CASES = [
    "pretrain_unifrac", "encoder_taxonomy", "regression_huber", "classifier", "mlp_head_softplus",
    "categorical_concat", "categorical_gmu", "conditional_scaling", "count_add", "count_film",
]  # fmt: skip
golden = pytest.mark.skipif(not GOLDEN.is_dir(), reason="needs ../shared/data/aam_golden")
extension = _library.extension()
SMALL = dict(
    embedding_dim=16, max_bp=20, token_limit=7, asv_num_heads=2, sample_num_heads=2,
    encoder_num_heads=2, count_num_heads=2, target_num_heads=2,
)  # fmt: skip


def small_tokens(seed=0, batch=3, asvs=5, length=12):
    """Padded tokens [B, S, L] with START, padded tails, padded slots and repeated ASVs."""
    generator = torch.Generator().manual_seed(seed)
    pool = torch.randint(1, 5, (4, length), generator=generator)
    pool[:, 0] = 5
    pool[1, length // 2 :] = 0
    pool[2, 3] = 0
    tokens = pool[torch.randint(4, (batch, asvs), generator=generator)]
    tokens[0, asvs // 2 :] = 0
    return tokens


def distinct(tokens):
    """The same samples as distinct ASVs and where they occur."""
    mask = (tokens > 0).any(-1)
    rows, where = torch.unique(tokens[mask], dim=0, return_inverse=True)
    index = torch.zeros(mask.shape, dtype=torch.long)
    index[mask] = where
    return {"asv_tokens": rows, "asv_index": index, "mask": mask}


# --- AAM's own numbers ---------------------------------------------------------------------------


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
    kind = {"SequenceEncoder": SequenceEncoder, "SequencePredictor": SequencePredictor}[options.pop("class")]
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
            loss = F.nll_loss(prediction, target.long().flatten(), torch.tensor(options["class_weights"]))
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
    ids = {key.partition(".")[2]: value for key, value in inputs.items() if key.startswith("categorical.")}
    out = model(inputs["tokens"], inputs["raw_counts"], ids or None, True, True)
    for key, expected in parts["output"].items():
        torch.testing.assert_close(out[key], expected, atol=2e-6, rtol=0, msg=lambda m, key=key: f"{key}: {m}")
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
    cannot_be_seen = {key: value for key, value in options.items() if "heads" in key or "activation" in key}
    if options.get("is_classifier"):
        cannot_be_seen["is_classifier"] = True
    loaded = load_aam(tmp_path / "best_model.pt", **cannot_be_seen)
    wanted = ModelConfig.from_dict(options).to_dict()
    found = loaded.config.to_dict()
    differing = {
        key for key in wanted if found[key] != wanted[key] and "dropout" not in key and "intermediate" not in key
    }
    assert not differing
    ids = {k.partition(".")[2]: v for k, v in parts["input"].items() if k.startswith("categorical.")}
    with torch.no_grad():
        out = loaded(parts["input"]["tokens"], parts["input"]["raw_counts"], ids or None, True, True)
    for key, expected in parts["output"].items():
        torch.testing.assert_close(out[key], expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize(("kind", "cls"), [("pretrain", SequenceEncoder), ("train", SequencePredictor)])
def test_from_pretrained_reads_a_run_directory_and_refuses_weights_that_do_not_fit(kind, cls, tmp_path):
    save_file = pytest.importorskip("safetensors.torch").save_file
    model = cls(**SMALL, predict_nucleotides=True).eval()
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"kind": kind, "model": model.config.to_dict()}))
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
    oracle = nn.TransformerEncoderLayer(24, 3, 40, 0.0, activation, batch_first=True, norm_first=True).double()
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
    for (name, a), (other, b) in zip(ours.named_parameters(), oracle.named_parameters(), strict=True):
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
    torch.testing.assert_close(per_slot[batch["mask"]], nucleotides[batch["mask"]], atol=1e-5, rtol=0)
    assert set(padded) == set(once)
    for key, expected in padded.items():
        torch.testing.assert_close(once[key], expected, atol=1e-5, rtol=0)
    again = model({**batch, "asv_tokens": None, "asv_embeddings": model.encode_asvs(batch["asv_tokens"])})
    torch.testing.assert_close(again["embeddings"], once["embeddings"], atol=0, rtol=0)


def test_padding_changes_nothing_and_gives_no_nan():
    model = SequencePredictor(**SMALL, predict_nucleotides=True).eval()
    tokens = small_tokens()
    wider = F.pad(tokens, (0, 4, 0, 2))
    short, long = (
        model(tokens, return_sample_embeddings=True),
        model(wider, return_sample_embeddings=True),
    )
    torch.testing.assert_close(long["target_prediction"], short["target_prediction"], atol=1e-5, rtol=0)
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
    torch.testing.assert_close(model(tokens.flip(0))["target_prediction"].flip(0), out, atol=1e-5, rtol=0)
    changed = tokens.clone()
    changed[1, 0, 1] = changed[1, 0, 1] % 4 + 1
    difference = (model(changed)["target_prediction"] - out).abs().flatten()
    assert difference[1] > 1e-6 and difference[0] < 1e-6 and difference[2] < 1e-6


@pytest.mark.parametrize("strategy", ["random", "span"])
def test_masking_hides_letters_only_and_only_in_training(strategy):
    torch.manual_seed(0)
    tokens = torch.randint(1, 5, (40, 6, 21))
    tokens[..., 0], tokens[..., 15:], tokens[:, 3, 4] = 5, 0, 0
    model = SequenceEncoder(**SMALL, predict_nucleotides=True, nuc_mask_ratio=0.3, nuc_mask_strategy=strategy)
    seen = []
    model.sample_encoder.asv_encoder.transformer.register_forward_hook(lambda m, args, out: seen.append(args[1]))
    where = model(tokens, return_nucleotides=True)["mask_indices"]
    assert where.shape == tokens.shape and where.dtype == torch.bool
    letters = (tokens >= 1) & (tokens <= 4)
    assert not (where & ~letters).any()
    share = where.sum() / letters.sum()
    assert 0.26 < share < 0.33
    if strategy == "span":
        assert (where.sum(-1) == torch.floor(0.3 * letters.sum(-1))).all()  # the budget of every row is used up
        joined = (where[..., 1:] & where[..., :-1]).sum() / where.sum()
        assert joined > 0.5  # in random masking about 0.3
    assert "mask_indices" not in model(tokens)
    model.eval()
    assert "mask_indices" not in model(tokens, return_nucleotides=True)


# --- what an nn.Module has to be able to do ------------------------------------------------------


def test_pickle_deepcopy_and_state_dict_keep_the_model():
    model = SequencePredictor(**SMALL, categorical_cardinalities={"site": 3}, regressor_hidden_dims=[8]).eval()
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
    program = torch.export.export(model, (small_tokens(),), dynamic_shapes={"tokens": sizes}, strict=False)
    program = program.run_decompositions()
    assert not [node for node in program.graph.nodes if "deepbio" in str(node.target)]
    for batch, asvs, length in ((1, 2, 3), (5, 7, 21), (2, 3, 9)):
        tokens = small_tokens(1, batch, asvs, length) if length > 3 else torch.randint(1, 5, (batch, asvs, length))
        torch.testing.assert_close(program.module()(tokens)["target_prediction"], model(tokens)["target_prediction"])


def test_frozen_base_gets_no_gradient_and_the_head_does():
    model = SequencePredictor(**SMALL, freeze_base=True)
    model(small_tokens())["target_prediction"].sum().backward()
    with_gradient = {name for name, p in model.named_parameters() if p.grad is not None}
    assert with_gradient and not any(name.startswith("base_model.") for name in with_gradient)


def test_initial_parameters_follow_aams_rules_and_the_seed():
    torch.manual_seed(7)
    first = SequencePredictor(**SMALL, categorical_cardinalities={"site": 400}, regressor_hidden_dims=[8])
    torch.manual_seed(7)
    again = SequencePredictor(first.config)
    other = SequencePredictor(first.config)
    state = first.state_dict()
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in state.items())
    assert not torch.equal(state["target_head.0.weight"], other.state_dict()["target_head.0.weight"])
    stack = "target_encoder.encoder.layers."
    layers = [{k.split(f".{i}.", 1)[1]: v for k, v in state.items() if k.startswith(f"{stack}{i}.")} for i in (0, 1)]
    assert len(layers[0]) == 12
    assert all(torch.equal(layers[0][key], layers[1][key]) for key in layers[0])
    assert not torch.equal(layers[0]["linear1.weight"], state["count_encoder.encoder.layers.0.linear1.weight"])
    attention = layers[0]["self_attn.in_proj_weight"]
    bound = math.sqrt(6 / (4 * 16))
    assert 0.95 * bound < attention.abs().max() <= bound and abs(attention.std() - bound / math.sqrt(3)) < 0.03
    assert (layers[0]["self_attn.in_proj_bias"] == 0).all() and (layers[0]["norm1.weight"] == 1).all()
    table = state["categorical_embedder.embeddings.site.weight"]
    assert (table[0] == 0).all() and abs(table[1:].mean()) < 0.05 and abs(table[1:].std() - 1) < 0.05
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
            {"categorical_fusion": "perceiver", "categorical_cardinalities": {"a": 2}, "cross_attn_heads": 3},
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

MEMBERS = dict(
    transformer_branch=False, count_prediction=False, sequence_branch=True, num_known_asvs=4, num_members=3,
    known_hidden_dim=6, sequence_hidden_dim=5,
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


@pytest.mark.parametrize("known_inputs", ["log_presence", "presence"])
def test_members_of_a_histogram_are_those_of_plain_torch(known_inputs):
    tokens, counts = small_tokens(), torch.arange(1.0, 16.0).view(3, 5)
    model, column = members_model(tokens, num_bins=9, known_inputs=known_inputs)
    with_log = known_inputs == "log_presence"
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
            known.append(torch.cat([logs, present]) if with_log else present)
            weight = torch.log1p(counts[sample, real])
            means = [embeddings[sample, real].mean(0), (weight / weight.sum()) @ embeddings[sample, real]]
            pooled.append(torch.cat(means if with_log else means[:1]))
        logits = [plain_branch(torch.stack(known), model.known_branch, e) for e in range(3)]
        logits += [plain_branch(torch.stack(pooled), model.sequence_branch, e) for e in range(3)]
    shares = sum(w * one.softmax(-1) for w, one in zip(weights, logits, strict=True))
    torch.testing.assert_close(out["target_distribution"].exp(), shares, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(out["member_predictions"], torch.stack(logits).log_softmax(-1), rtol=1e-3, atol=1e-4)
    for row, median in zip(shares.double(), out["target_prediction"][:, 0], strict=True):
        upto = torch.cat([torch.zeros(1), row.cumsum(0)])
        at = int((upto < 0.5).sum()) - 1
        expected = -1 + (at + (0.5 - upto[at]) / row[at]) / 3
        assert float(median) == pytest.approx(float(expected), abs=1e-4)


def test_members_learn_by_themselves_in_training_and_their_gradients_are_right():
    tokens, counts = small_tokens(), torch.rand(3, 5) * 9 + 1
    model, _ = members_model(tokens, is_classifier=True, out_dim=3, known_dropout=0.0, known_input_dropout=0.0,
                             sequence_dropout=0.0, sequence_input_dropout=0.0, freeze_base=True)  # fmt: skip
    model.double().train().base_model.eval()
    target = torch.tensor([0, 2, 1])
    from deepbio_torch.losses import MultiTaskLoss

    def loss():
        terms = MultiTaskLoss()(model(tokens, counts.double()), {"target": target}, is_classifier=True)
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


@pytest.mark.xfail(strict=True, reason="torch.export binds the batch size of members; TorchScript does not")
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
    {"categorical_cardinalities": {"a": 4}, "categorical_fusion": "cross-attention", "cross_attn_heads": 4},
    {"categorical_cardinalities": {"b": 3, "a": 4}, "categorical_fusion": "perceiver", "cross_attn_heads": 2,
     "perceiver_num_latents": 6, "abundance_pooling": True},
    {"transformer_branch": False, "count_prediction": False, "sequence_branch": True, "num_known_asvs": 4,
     "num_members": 3, "num_bins": 9, "known_hidden_dim": 6, "sequence_hidden_dim": 5},
    {"transformer_branch": True, "num_known_asvs": 4, "num_members": 2, "is_classifier": True, "out_dim": 3,
     "known_inputs": "presence", "known_hidden_dim": 6, "categorical_cardinalities": {"a": 4}},
    {"transformer_branch": False, "sequence_branch": True, "num_members": 2, "sequence_hidden_dim": 5, "out_dim": 2},
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
    assert extension.parameter_names(config, is_predictor) == [name for name, _ in model.named_parameters()]
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
