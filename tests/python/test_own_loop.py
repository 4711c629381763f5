"""Models trained in loops of others: losses on batches, run directories, what the C++ trainer
refuses."""

import copy
import json

import pytest
import torch
from torch import nn

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ConfigError, WriteError, WrongTypeError

SMALL = {
    "embedding_dim": 16,
    "max_bp": 60,
    "token_limit": 32,
    "asv_num_heads": 2,
    "sample_num_heads": 2,
    "encoder_num_heads": 2,
    "count_num_heads": 2,
    "target_num_heads": 2,
    "asv_num_layers": 1,
    "sample_num_layers": 1,
    "encoder_num_layers": 1,
    "count_num_layers": 1,
    "target_num_layers": 1,
}


def samples(community_dir, **options):
    paths = {"tree": community_dir / "tree.nwk", "metadata": community_dir / "metadata.tsv"}
    options = {
        "target": "age",
        "rarefy_depth": 200,
        "max_bp": 60,
        "token_limit": 32,
        **paths,
        **options,
    }
    return db.SampleDataset(community_dir / "table.biom", **options)


def trained(dataset, model, epochs=2):
    torch.manual_seed(3)
    loss, optimizer = db.losses.MultiTaskLoss(), torch.optim.AdamW(model.parameters(), lr=3e-3)
    history = []
    for epoch in range(epochs):
        losses = []
        for batch in torch.utils.data.DataLoader(dataset, batch_size=6, shuffle=True):
            terms = loss(model(batch), batch)
            assert terms["target_loss"] > 0 and terms["unifrac_loss"] > 0
            optimizer.zero_grad()
            terms["total_loss"].backward()
            optimizer.step()
            losses.append(terms["total_loss"].item())
        mean = sum(losses) / len(losses)
        history.append({"epoch": epoch, "train_loss": mean, "val_loss": mean, "is_best": True})
    return model.eval(), history


def test_a_model_of_an_own_loop_predicts_like_any_run(deepbio, community_dir, tmp_path):
    train, held_back = samples(community_dir).split(0.25, seed=1)
    before = db.models.SequencePredictor(**SMALL)
    model, history = trained(train, copy.deepcopy(before))
    assert any(
        not torch.equal(a, b) for a, b in zip(before.parameters(), model.parameters(), strict=True)
    )
    run = db.models.save_pretrained(model, tmp_path / "run", train, val=held_back, history=history)
    assert (run / "val_samples.txt").read_text().split() == held_back.sample_ids
    again = db.models.from_pretrained(run)
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    whole = samples(community_dir, codec=train.codec, redraw=False)
    with torch.no_grad():
        expected = whole.denormalize(model(whole.batch(range(len(whole))))["target_prediction"])
    predictions = db.predict(run, community_dir / "table.biom")
    assert predictions.sample_ids == whole.sample_ids and expected.dtype == torch.float64
    assert torch.allclose(predictions.values, expected, rtol=1e-4, atol=1e-4)
    deepbio(
        "predict",
        "--model",
        run,
        "--table",
        community_dir / "table.biom",
        "-o",
        tmp_path / "p.tsv",
        check=True,
    )
    rows = [line.split("\t") for line in (tmp_path / "p.tsv").read_text().splitlines()[1:]]
    assert [float(row[1]) for row in rows] == pytest.approx(expected.flatten().tolist(), rel=1e-4)
    metadata = ("--metadata", community_dir / "metadata.tsv")
    deepbio(
        "evaluate", "--model", run, "--table", community_dir / "table.biom", *metadata, check=True
    )
    deepbio(
        "embed",
        "--model",
        run,
        "--table",
        community_dir / "table.biom",
        "-o",
        tmp_path / "e.npy",
        check=True,
    )
    deepbio(
        "export", "--model", run, "--format", "torchscript", "-o", tmp_path / "m.pt", check=True
    )
    assert db.report.write_report(run).stat().st_size > 1000
    with pytest.raises(WriteError, match="overwrite=True"):
        db.models.save_pretrained(model, run, train)
    wrapped = nn.DataParallel(model.to(torch.bfloat16))
    db.models.save_pretrained(wrapped, run, train, overwrite=True)
    assert next(iter(db.models.from_pretrained(run).parameters())).dtype == torch.float32


def test_classes_and_encoders_are_saved_too(community_dir, tmp_path):
    lines = (community_dir / "metadata.tsv").read_text().splitlines()
    lines = [line for line in lines if not line.startswith("#q2")]
    rows = [
        f"{line.split(chr(9))[0]}\t{'odd' if i % 2 else 'even'}" for i, line in enumerate(lines[1:])
    ]
    (tmp_path / "m.tsv").write_text("sample-id\tkind\n" + "\n".join(rows) + "\n")
    classes = samples(
        community_dir, metadata=tmp_path / "m.tsv", target="kind", classifier=True, redraw=False
    )
    model = db.models.SequencePredictor(**SMALL, is_classifier=True, out_dim=2)
    model, _ = trained(classes, model, epochs=1)
    run = db.models.save_pretrained(model, tmp_path / "classes", classes)
    with torch.no_grad():
        labels = classes.denormalize(model(classes.batch(range(len(classes))))["target_prediction"])
    assert db.predict(run, community_dir / "table.biom").labels == labels and set(labels) <= {
        "odd",
        "even",
    }
    assert classes.denormalize(torch.tensor([1, 0])) == ["odd", "even"]
    with pytest.raises(ArgumentError, match="class ids 0 to 1"):
        classes.denormalize(torch.tensor([2]))
    encoder = db.models.SequenceEncoder(**SMALL)
    plain = samples(community_dir, target=None, metadata=None)
    pretrained = db.models.save_pretrained(encoder, tmp_path / "encoder", plain)
    assert json.loads((pretrained / "config.json").read_text())["kind"] == "pretrain"
    assert isinstance(db.models.from_pretrained(pretrained), db.models.SequenceEncoder)
    with pytest.raises(ArgumentError, match="with a target"):
        db.models.save_pretrained(model, tmp_path / "x", plain)
    with pytest.raises(WrongTypeError, match="Linear"):
        db.models.save_pretrained(nn.Linear(1, 1), tmp_path / "x", plain)
    with pytest.raises(ArgumentError, match="without"):
        plain.denormalize([1.0])


def test_values_come_back_in_the_unit_of_the_target(community_dir):
    for transform in ("none", "minmax", "zscore", "log-minmax", "log-zscore"):
        data = samples(community_dir, target_transform=transform)
        ages = db.read_metadata(community_dir / "metadata.tsv")
        numbers = dict(zip(ages.ids, ages.numbers("age").tolist(), strict=True))
        back = data.denormalize(data.batch(range(len(data))).targets)
        assert back.flatten().tolist() == pytest.approx(
            [numbers[i] for i in data.sample_ids], rel=1e-5
        )


class Own(db.models.SequencePredictor):
    def forward(self, *args, **options):
        return super().forward(*args, **options)


def hooked(model):
    model.target_head.register_forward_hook(lambda *_: None)
    return model


def extended(model):
    model.more = nn.Linear(2, 2)
    return model


def replaced(model):
    model.target_norm = nn.Identity()
    return model


def with_parameter(model):
    model.scale = nn.Parameter(torch.ones(1))
    return model


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda m: Own(**SMALL), "Own has a forward"), (hooked, "target_head has a hook"),
        (extended, "'more'"), (replaced, "'target_norm'"), (with_parameter, "'scale'"),
    ],
)  # fmt: skip
def test_the_trainer_refuses_python_code_that_it_would_not_run(community_dir, make, message):
    with pytest.raises(ArgumentError, match=message):
        db.Trainer(make(db.models.SequencePredictor(**SMALL)), epochs=1).fit(samples(community_dir))


def test_a_model_on_the_meta_device_has_no_values_until_it_is_given_them():
    with torch.device("meta"):
        model = db.models.SequencePredictor(**SMALL)
    assert all(parameter.is_meta for parameter in model.parameters())
    model.to_empty(device="cpu")
    model.reset_parameters(seed=5)
    plain = db.models.SequencePredictor(**SMALL)
    plain.reset_parameters(seed=5)
    for (name, one), other in zip(model.named_parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, other), name
    with pytest.raises(ConfigError):
        db.losses.MultiTaskLoss(count_target="minmax")
