"""Runs an exported model in a process that has torch and nothing of this library: MODEL.ts RUN
TABLE."""

import subprocess
import sys
import tempfile
from pathlib import Path

import torch

import deepbio_torch as db

ALONE = """
import sys, torch
sys.modules["deepbio_torch"] = None  # importing the library would fail from here on
inputs = torch.load(sys.argv[2])
exported = torch.jit.load(sys.argv[1])
with torch.no_grad():
    got = exported(inputs["tokens"], inputs["counts"])
assert "libdeepbio" not in open("/proc/self/maps").read()
difference = (got - inputs["expected"]).abs().max().item()
print("without the library:", got[:4].flatten().tolist())
print("largest difference from the library:", difference)
# Both are float32: for values near 2 each is some 1e-5 away from what float64 gives. A wrong weight
# is off by far more.
sys.exit(difference > 1e-4)
"""

exported, run, table = Path(sys.argv[1]).resolve(), *sys.argv[2:4]
model = db.models.from_pretrained(run)
samples = db.SampleDataset(table, max_bp=model.config.max_bp, token_limit=model.config.token_limit)
batch = samples.batch(range(min(8, len(samples))))
tokens = batch.asv_tokens[batch.asv_index] * batch.mask.unsqueeze(-1)
with torch.no_grad():
    expected = model(batch)["target_prediction"]
with tempfile.TemporaryDirectory() as folder:
    inputs = Path(folder) / "inputs.pt"
    torch.save({"tokens": tokens, "counts": batch.counts, "expected": expected}, inputs)
    command = [sys.executable, "-c", ALONE, str(exported), str(inputs)]
    sys.exit(subprocess.run(command, cwd=folder).returncode)
