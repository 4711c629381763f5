"""A phenotype learned by Lightning: TABLE TREE METADATA COLUMN RUN, then `deepbio predict`."""

import subprocess
import sys

import torch
from pytorch_lightning import LightningDataModule, LightningModule, Trainer, seed_everything

import deepbio_torch as db


class Phenotype(LightningModule):
    def __init__(self):
        super().__init__()
        self.net = db.models.SequencePredictor(
            embedding_dim=32, asv_num_layers=1, abundance_pooling=True
        )
        self.loss = db.losses.MultiTaskLoss()

    def training_step(self, batch):
        return self.loss(self.net(batch), batch)["total_loss"]

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=1e-3)


table, tree, metadata, column, run = sys.argv[1:]
seed_everything(0)
samples = db.SampleDataset(table, tree=tree, metadata=metadata, target=column, rarefy_depth=300)
train, held_back = samples.split(0.2, seed=0)
model, data = Phenotype(), LightningDataModule.from_datasets(train, batch_size=8)
db.training.calibrate(model.net, train)  # starts at the mean of the training samples
quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
Trainer(max_epochs=10, devices=1, gradient_clip_val=1.0, enable_checkpointing=False, **quiet).fit(
    model, data
)
db.models.save_pretrained(model.net, run, train, val=held_back)
subprocess.run(["deepbio", "predict", "--quiet", "--model", run, "--table", table], check=True)
