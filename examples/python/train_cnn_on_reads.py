"""FASTQ.gz to one-hot batches to a small CNN that tells two kinds of reads apart.

train_cnn_on_reads.py READS_A READS_B   two folders: which one is a read from?
train_cnn_on_reads.py READS             one folder: which strand is it? (each read and its reverse
complement)
"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, random_split

import deepbio_torch as db
from deepbio_torch.transforms import Compose, OneHotEncoder, ReverseComplement

torch.manual_seed(0)
first, last = [
    sorted(Path(folder).glob("*.fastq.gz"))[:50] for folder in (sys.argv[1], sys.argv[-1])
]
encode = OneHotEncoder(channels_first=True, max_length=150, pad_to=150)
turned = encode if first != last else Compose([ReverseComplement(), encode])
reads = ConcatDataset(
    [
        db.SequenceDataset(first, transform=encode, target=lambda read: 0),
        db.SequenceDataset(last, transform=turned, target=lambda read: 1),
    ]
)
train, held_back = (
    DataLoader(part, batch_size=128, shuffle=True) for part in random_split(reads, [0.8, 0.2])
)
model = nn.Sequential(
    nn.Conv1d(4, 32, 9), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(32, 2)
)
optimizer = torch.optim.Adam(model.parameters(), 3e-3)
for epoch in range(3):
    for batch in train:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(batch.sequences), batch.labels).backward()
        optimizer.step()
    with torch.no_grad():
        hits = torch.cat(
            [model(batch.sequences).argmax(1) == batch.labels for batch in held_back]
        ).float()
    print(
        f"epoch {epoch + 1}: {hits.mean():.1%} of {len(hits)} reads held back are "
        "put into the right class"
    )
