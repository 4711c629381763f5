"""Two kinds of reads told apart by their 5-mers: classify_reads_by_kmers.py READS_A.fastq.gz
READS_B.fastq.gz

A class per file, a split with equal shares, classes drawn equally often, an MLP on 1024 counts of
folded 5-mers.
"""

import sys

import torch
from torch import nn

import deepbio_torch as db
from deepbio_torch.transforms import Compose, KmerEncoder, LengthFilter

torch.manual_seed(0)
counts = Compose([LengthFilter(50), KmerEncoder(5, canonical=True, unknown="zero")])
reads = db.SequenceDataset(sys.argv[1:], transform=counts, target="file")
train, held_back = db.targets.stratified_split(reads, 0.2, seed=0)
labels = reads.labels
weights = torch.zeros(len(reads))
weights[train] = db.targets.class_weights(labels[train])[labels[train]]
sampler = db.targets.weighted_sampler(weights, len(train), seed=0)
loader = db.DataLoader(reads, batch_size=128, sampler=sampler, num_workers=1)
model = nn.Sequential(
    nn.Linear(1024, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, len(sys.argv) - 1)
)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
test = reads.batch(held_back)
for epoch in range(5):
    model.train()
    for batch in loader:
        loss = nn.functional.cross_entropy(model(batch.sequences), batch.labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = (model(test.sequences).argmax(1) == test.labels).float()
    print(
        f"epoch {epoch + 1}: {hits.mean():.1%} of {len(hits)} reads held back are "
        "put into the right class"
    )
