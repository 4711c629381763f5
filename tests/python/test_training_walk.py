"""The trainer beside a plain loop over the Python modules with torch's own optimizers and
schedules."""

import copy
from pathlib import Path

import pytest
import torch

import deepbio_torch as db

TINY = {
    "embedding_dim": 16, "max_bp": 60, "asv_num_layers": 1, "sample_num_layers": 1,
    "encoder_num_layers": 1, "count_num_layers": 1, "target_num_layers": 1, "asv_num_heads": 2,
    "sample_num_heads": 2, "encoder_num_heads": 2, "count_num_heads": 2, "target_num_heads": 2,
}  # fmt: skip


def _schedule(name: str, optimizer: torch.optim.Optimizer, lr: float, total: int) -> object:
    """Torch's own, as docs of train/schedule.h names them."""
    from torch.optim import lr_scheduler as torchs

    if name == "cosine":
        return torchs.CosineAnnealingLR(optimizer, T_max=total)
    if name == "cosine_restarts":
        return torchs.CosineAnnealingWarmRestarts(optimizer, T_0=total // 4, T_mult=2)
    if name == "onecycle":
        return torchs.OneCycleLR(optimizer, max_lr=lr, total_steps=total, pct_start=0.3)
    if name == "plateau":
        return torchs.ReduceLROnPlateau(optimizer, factor=0.3, patience=5, eps=0)
    return torchs.ConstantLR(optimizer, factor=1)


@pytest.mark.parametrize(
    ("optimizer", "scheduler"),
    [
        *(("adamw", name) for name in ("constant", "cosine", "cosine_restarts", "onecycle")),
        ("adam", "onecycle"), ("sgd", "cosine"), ("sgd", "onecycle"), ("sgd", "plateau"),
    ],
)  # fmt: skip
def test_the_trainer_walks_where_a_plain_loop_with_torchs_optimizers_walks(
    community_dir: Path, optimizer: str, scheduler: str
):
    data = db.SampleDataset(
        community_dir / "table.biom", tree=community_dir / "tree.nwk",
        metadata=community_dir / "metadata.tsv", target="age", max_bp=60,
    )  # fmt: skip
    train, val = data.split(0.2)
    still = dict.fromkeys(
        ("asv_dropout", "sample_dropout", "encoder_dropout", "count_dropout", "target_dropout"), 0.0
    )
    torch.manual_seed(5)
    model = db.models.SequencePredictor(**TINY, **still)
    twin = copy.deepcopy(model)
    epochs, batch_size = 10, 4
    total = epochs * -(-len(train) // batch_size)
    # A rate at which the validation loss stands still, so that the plateau's rate falls.
    lr = 1e-12 if scheduler == "plateau" else 1e-3
    history = db.Trainer(
        model, epochs=epochs, batch_size=batch_size, lr=lr, optimizer=optimizer,
        scheduler=scheduler, seed=3, patience=0, nuc_penalty=0, weight_decay=0.1,
        best_metric="last",
    ).fit(train, val)  # fmt: skip

    kinds = {
        "adamw": lambda p: torch.optim.AdamW(p, lr=lr, weight_decay=0.1, fused=True),
        "adam": lambda p: torch.optim.Adam(p, lr=lr, weight_decay=0.1, fused=True),
        "sgd": lambda p: torch.optim.SGD(p, lr=lr, momentum=0.9, weight_decay=0.1, fused=True),
    }
    walking = kinds[optimizer](twin.parameters())
    schedule = _schedule(scheduler, walking, lr, total)
    loss = db.losses.MultiTaskLoss(nuc_penalty=0)
    batches = db.DataLoader(train, batch_size=batch_size, shuffle=True, seed=3)
    everything = val.batch(list(range(len(val))))
    steepest = {name: torch.zeros_like(parameter) for name, parameter in twin.named_parameters()}
    for epoch in range(epochs):
        batches.set_epoch(epoch)
        twin.train()
        for batch in batches:
            walking.zero_grad()
            loss(twin(batch), batch)["total_loss"].backward()
            for name, parameter in twin.named_parameters():
                torch.maximum(steepest[name], parameter.grad.abs(), out=steepest[name])
            walking.step()
            if scheduler != "plateau":
                schedule.step()
        twin.eval()
        if scheduler == "plateau":
            schedule.step(loss(twin(everything), everything)["total_loss"].item())
    if scheduler == "plateau":
        assert walking.param_groups[0]["lr"] == pytest.approx(0.3 * lr) == history.epochs[-1]["lr"]
    theirs = dict(twin.named_parameters())
    num_compared = 0
    for name, ours in model.named_parameters():
        # Where the gradient is nothing but rounding (the bias of keys), adam divides the rounding
        # by itself.
        moves = steepest[name] > 1e-6
        num_compared += int(moves.sum())
        torch.testing.assert_close(ours[moves], theirs[name][moves], rtol=1e-6, atol=1e-6, msg=name)
    assert num_compared > 0.5 * sum(parameter.numel() for parameter in model.parameters())
