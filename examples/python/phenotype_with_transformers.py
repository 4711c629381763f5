"""A phenotype learned by the Trainer of transformers: TABLE TREE METADATA COLUMN RUN, then
`deepbio predict`."""

import subprocess
import sys
import tempfile

from torch import nn
from transformers import Trainer, TrainingArguments, set_seed

import deepbio_torch as db

table, tree, metadata, column, run = sys.argv[1:]


class Phenotype(nn.Module):  # takes a batch as keywords and gives the loss, as that Trainer asks
    def __init__(self):
        super().__init__()
        self.net = db.models.SequencePredictor(
            embedding_dim=32, asv_num_layers=1, abundance_pooling=True
        )
        self.loss = db.losses.MultiTaskLoss()

    def forward(self, **batch):
        output = self.net(batch)
        return {
            "loss": self.loss(output, batch)["total_loss"],
            "logits": output["target_prediction"],
        }


set_seed(0)
samples = db.SampleDataset(table, tree=tree, metadata=metadata, target=column, rarefy_depth=300)
train, held_back = samples.split(0.2, seed=0)
model = Phenotype()
db.training.calibrate(model.net, train)  # starts at the mean of the training samples
options = {
    "num_train_epochs": 10,
    "learning_rate": 1e-3,
    "per_device_train_batch_size": 8,
    "max_grad_norm": 1.0,
}
quiet = {"report_to": [], "disable_tqdm": True, "save_strategy": "no", "logging_strategy": "no"}
with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(folder, remove_unused_columns=False, **options, **quiet)
    Trainer(model, arguments, data_collator=db.collate, train_dataset=train).train()
db.models.save_pretrained(model.net, run, train, val=held_back)
subprocess.run(["deepbio", "predict", "--quiet", "--model", run, "--table", table], check=True)
