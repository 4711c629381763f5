"""Lightning tells reads apart by their 4-mers (needs pytorch-lightning): train_with_lightning.py
READS_A READS_B"""

import sys

from pytorch_lightning import LightningDataModule, LightningModule, Trainer
from torch import nn, optim, utils

import deepbio_torch as db


class Reads(LightningDataModule):
    def setup(self, stage=None):
        reads = db.SequenceDataset(
            sys.argv[1:], transform=db.transforms.KmerEncoder(4), target="file"
        )
        self.parts = [
            utils.data.Subset(reads, part)
            for part in db.targets.stratified_split(reads, 0.2, seed=0)
        ]

    def train_dataloader(self):
        return utils.data.DataLoader(self.parts[0], batch_size=64, shuffle=True)

    def val_dataloader(self):
        return utils.data.DataLoader(self.parts[1], batch_size=256)


class Classifier(LightningModule):
    def configure_model(self):
        self.net = nn.Sequential(nn.Linear(256, 32), nn.ReLU(), nn.Linear(32, 2))

    def training_step(self, batch):
        return nn.functional.cross_entropy(self.net(batch.sequences), batch.labels)

    def validation_step(self, batch):
        self.log("right", (self.net(batch.sequences).argmax(1) == batch.labels).float().mean())

    def configure_optimizers(self):
        return optim.Adam(self.parameters(), 1e-2)


trainer = Trainer(
    max_epochs=4,
    accelerator="cpu",
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
)
trainer.fit(Classifier(), Reads())
print(
    f"{trainer.callback_metrics['right']:.1%} of the reads held back are put into the right class"
)
