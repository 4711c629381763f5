"""Variants scored by a model of a motif: variant_effects.py FOLDER

Writes a genome with a motif planted in its peaks and a VCF of variants in and beside the motif,
learns peaks from the rest of the genome, and ranks the variants by what they do to its output.
"""

import random
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

import deepbio_torch as db

MOTIF, BESIDE = "TGACTCAGC", 20
folder = Path(sys.argv[1])
rng = random.Random(0)
genome, peaks, variants = "", [], []
for name in ("chr1", "chr2"):
    letters = rng.choices("ACGT", k=100_000)
    for place in range(200, len(letters) - 200, 350):
        letters[place : place + len(MOTIF)] = MOTIF
        peaks.append((name, place - 20, place + 30))
        if name == "chr2":
            for start in (place + rng.randrange(2, 7), place + len(MOTIF) + BESIDE):
                other = rng.choice([base for base in "ACGT" if base != letters[start]])
                kind = "motif" if start < place + len(MOTIF) else "beside"
                variants.append((name, start + 1, f"{kind}{start}", letters[start], other))
    genome += f">{name}\n{''.join(letters)}\n"
(folder / "genome.fa").write_text(genome)
header = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
lines = ("\t".join(map(str, row)) + "\t.\tPASS\t.\n" for row in variants)
(folder / "variants.vcf").write_text(header + "".join(lines))

windows = db.GenomeDataset(folder / "genome.fa", peaks, window=100, jitter=20, negatives=1)
train = windows.select_chromosomes(["chr1"])
torch.manual_seed(0)
model = nn.Sequential(
    nn.Conv1d(4, 16, len(MOTIF)), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(16, 1)
)
optimizer = torch.optim.Adam(model.parameters(), 0.01)
for _ in range(12):
    for batch in db.DataLoader(train, batch_size=32, shuffle=True, num_workers=2):
        optimizer.zero_grad()
        logits = model(batch.sequences)[:, 0]
        F.binary_cross_entropy_with_logits(logits, batch.labels.float()).backward()
        optimizer.step()

pairs = db.VariantDataset(folder / "genome.fa", folder / "variants.vcf", window=100)
effects = db.score_variants(model, pairs, reverse_complement=True)
effects.write(folder / "effects.tsv")
size = effects.effects[:, 0].abs()
strongest = [effects.ids[i] for i in size.argsort(descending=True)[: len(pairs) // 2]]
hits = sum(name.startswith("motif") for name in strongest)
print(f"{hits} of the {len(strongest)} strongest effects are variants of the motif")
