"""A genome, peaks and a signal track to windows, to a small CNN that finds the motif of the peaks.

genome_windows.py FOLDER   writes a genome with a motif planted in its peaks, and learns what it is.
"""

import random
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

import deepbio_torch as db

MOTIF = "TGACTCAGC"
folder = Path(sys.argv[1])
rng = random.Random(0)
genome, peaks, signal = "", [], ""
for name in ("chr1", "chr2"):
    letters = rng.choices("ACGT", k=150_000)
    for place in range(200, len(letters) - 200, 350):
        letters[place : place + len(MOTIF)] = MOTIF
        peaks.append((name, place - 20, place + 30))
        signal += f"{name}\t{place - 20}\t{place + 30}\t{rng.uniform(3, 5):.2f}\n"
    genome += f">{name}\n{''.join(letters)}\n"
(folder / "genome.fa").write_text(genome)
(folder / "signal.bedgraph").write_text(signal)

options = {"window": 100, "jitter": 20, "negatives": 1, "reverse_complement": 0}
windows = db.GenomeDataset(
    folder / "genome.fa", peaks, targets=folder / "signal.bedgraph", **options
)
train, held_back = windows.select_chromosomes(["chr1"]), windows.select_chromosomes(["chr2"])

torch.manual_seed(0)
filters = nn.Conv1d(4, 8, len(MOTIF), padding="same")
heights = nn.Conv1d(8, 1, 51, padding="same")
model = nn.Sequential(filters, nn.ReLU(), heights)
optimizer = torch.optim.Adam(model.parameters(), 0.01)
for _ in range(8):
    for batch in db.DataLoader(train, batch_size=32, shuffle=True, num_workers=2):
        optimizer.zero_grad()
        F.mse_loss(model(batch.sequences), batch.targets).backward()
        optimizer.step()

batch = held_back.batch(range(len(held_back)))
with torch.no_grad():
    height = torch.stack([model(batch.sequences).mean((1, 2)), batch.targets.mean((1, 2))])
    seen, place = filters(batch.sequences).max(2)
    best = (seen[batch.labels == 1].mean(0) - seen[batch.labels == 0].mean(0)).argmax()
size = len(MOTIF)
words = F.pad(batch.sequences, (size // 2, size // 2)).unfold(2, size, 1)  # around each position
seen_at = words[torch.arange(len(place)), :, place[:, best]][batch.labels == 1]
motif = "".join("ACGT"[i] for i in seen_at.mean(0).argmax(0).tolist())
print(f"chr2, {len(held_back)} windows: correlation {torch.corrcoef(height)[0, 1]:.2f}")
print(f"the filter that tells peaks from the rest sees {motif}")
