"""A phenotype learned in a plain loop, on any device: TABLE TREE METADATA COLUMN RUN, then
`deepbio predict`."""

import subprocess
import sys

import torch

import deepbio_torch as db

table, tree, metadata, column, run = sys.argv[1:]
torch.manual_seed(0)
device = torch.accelerator.current_accelerator() or torch.device("cpu")
samples = db.SampleDataset(table, tree=tree, metadata=metadata, target=column, rarefy_depth=300)
train, held_back = samples.split(0.2, seed=0)
model = db.models.SequencePredictor(embedding_dim=32, asv_num_layers=1, abundance_pooling=True)
db.training.calibrate(model, train)  # starts at the mean of the training samples
model.to(device)
loss, optimizer = db.losses.MultiTaskLoss(), torch.optim.AdamW(model.parameters(), lr=1e-3)
history = []
for _ in range(10):
    model.train()
    for batch in torch.utils.data.DataLoader(train, batch_size=8, shuffle=True):
        batch = batch.to(device)
        with torch.autocast(
            device.type, dtype=torch.bfloat16
        ):  # needs no scaling of gradients, unlike float16
            output = model(batch)
        terms = loss({name: value.float() for name, value in output.items()}, batch)
        optimizer.zero_grad()
        terms["total_loss"].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    batch = held_back.batch(range(len(held_back))).to(device)
    with torch.no_grad():
        error = (model(batch)["target_prediction"] - batch.targets).abs().mean().item()
    history.append({"train_loss": terms["total_loss"].item(), "val_loss": error})
db.models.save_pretrained(model, run, train, val=held_back, history=history)
subprocess.run(["deepbio", "predict", "--quiet", "--model", run, "--table", table], check=True)
