"""A phenotype learned with accelerate (needs it): TABLE TREE METADATA COLUMN RUN, then `deepbio
predict`."""

import subprocess
import sys

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed

import deepbio_torch as db

table, tree, metadata, column, run = sys.argv[1:]
set_seed(0)
samples = db.SampleDataset(table, tree=tree, metadata=metadata, target=column, rarefy_depth=300)
train, held_back = samples.split(0.2, seed=0)
model = db.models.SequencePredictor(embedding_dim=32, asv_num_layers=1, abundance_pooling=True)
db.training.calibrate(model, train)  # starts at the mean of the training samples
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
loader = torch.utils.data.DataLoader(train, batch_size=8, shuffle=True)
# `accelerate launch` runs this on several devices; the batches of a rank are a part of the samples.
accelerator = Accelerator()
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
loss = db.losses.MultiTaskLoss()
for _ in range(10):
    for batch in loader:
        with accelerator.accumulate(model):
            accelerator.backward(loss(model(batch), batch)["total_loss"])
            accelerator.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
if accelerator.is_main_process:
    db.models.save_pretrained(accelerator.unwrap_model(model), run, train, val=held_back)
    subprocess.run(["deepbio", "predict", "--quiet", "--model", run, "--table", table], check=True)
