"""Read groups of a BAM file told apart by a small CNN: classify_bam_reads.py READS.bam

Unaligned or aligned reads, as a sequencer or a basecaller writes them; the class is the read group
(RG), one fifth of the reads is held back.
"""

import sys

import torch
from torch import nn

import deepbio_torch as db
from deepbio_torch.transforms import Compose, LengthFilter, OneHotEncoder

torch.manual_seed(0)
letters = Compose([LengthFilter(50), OneHotEncoder(channels_first=True)])
group = db.targets.from_header(key="RG")
reads = db.SequenceDataset(sys.argv[1], transform=letters, target=group)
train, held_back = db.targets.stratified_split(reads, 0.2, seed=0)

filters = nn.Conv1d(4, 64, 12)
model = nn.Sequential(
    filters, nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(64, len(reads.classes))
)
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
loader = db.DataLoader(
    torch.utils.data.Subset(reads, train), batch_size=64, shuffle=True, num_workers=1
)
test = reads.batch(held_back)
for epoch in range(6):
    for batch in loader:
        loss = nn.functional.cross_entropy(model(batch.sequences), batch.labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        hits = (model(test.sequences).argmax(1) == test.labels).float()
    print(f"epoch {epoch + 1}: {hits.mean():.1%} of {len(hits)} reads held back")
