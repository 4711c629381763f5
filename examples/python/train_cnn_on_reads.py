"""FASTQ.gz to one-hot batches to a small CNN: which strand was read? Half of the reads are turned around."""

import sys
from pathlib import Path

import torch
from torch import nn

import deepbio_torch as db

torch.manual_seed(0)
folder = Path(sys.argv[1])
files = sorted(folder.glob("*.fastq.gz"))
encoder = db.transforms.OneHotEncoder(channels_first=True, pad_to=150)
turn, other = db.transforms.ReverseComplement(), db.transforms.Compose([db.transforms.ReverseComplement(), encoder])


class Strands(torch.utils.data.Dataset):
    def __init__(self, paths):
        self.reads = db.SequenceDataset(paths)

    def __len__(self):
        return len(self.reads)

    def __getitem__(self, i):
        return {**(other if i % 2 else encoder)(self.reads[i]), "label": i % 2}


def batches(paths, shuffle):
    stack = lambda items: (torch.stack([s["sequence"] for s in items]), torch.tensor([s["label"] for s in items]))  # noqa: E731
    return torch.utils.data.DataLoader(Strands(paths), batch_size=64, shuffle=shuffle, collate_fn=stack)


train, held_back = batches(files[:40], True), batches(files[40:60], False)
model = nn.Sequential(nn.Conv1d(4, 32, 9), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), 3e-3)
for epoch in range(3):
    for x, y in train:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    with torch.no_grad():
        hits = torch.cat([model(x).argmax(1) == y for x, y in held_back]).float()
    print(f"epoch {epoch + 1}: strand found for {hits.mean():.1%} of {len(hits)} reads held back")
