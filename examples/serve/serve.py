"""Predictions over HTTP from an exported run, by torch and FastAPI: MODEL=age.pt2 uvicorn serve:app

The file is that of `deepbio export --model RUN --format pt2 -o age.pt2` (`--format aoti`: set
FORMAT=aoti). Ask with curl localhost:8000/predict --json '{"samples": [{"id": "s1", "reads":
{"ACGTTG": 12, "ACGATG": 3}}]}'
"""

import json
import math
import os

import torch
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

TOKENS = bytes.maketrans(
    b"ACGTU", bytes([1, 2, 3, 4, 4])
)  # START is 5 and comes first, padding is 0


class Sample(BaseModel):
    id: str
    reads: dict[str, float] = Field(min_length=1)  # DNA of an ASV: how often it was read


class Question(BaseModel):
    samples: list[Sample] = Field(min_length=1, max_length=256)


if os.environ.get("FORMAT") == "aoti":
    model = torch._inductor.aoti_load_package(os.environ["MODEL"])
    about = json.loads(model.loader.get_metadata()["deepbio.json"])
else:
    files = {"deepbio.json": ""}
    model = torch.export.load(os.environ["MODEL"], extra_files=files).module()
    about = json.loads(files["deepbio.json"])
config, target = about["model"], about["target"]
app = FastAPI(title=f"Predicts {target['column']}")


def batch_of(samples: list[Sample]) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens int64 [B, S, L] and counts float32 [B, S] as the run's dataset makes them: most
    reads first."""
    rows = [
        sorted(s.reads.items(), key=lambda read: (-read[1], read[0]))[: config["token_limit"]]
        for s in samples
    ]
    length = 1 + min(config["max_bp"], max(len(dna) for row in rows for dna, _ in row))
    tokens = torch.zeros(len(rows), max(map(len, rows)), length, dtype=torch.int64)
    counts = torch.zeros(tokens.shape[:2])
    for b, row in enumerate(rows):
        for s, (dna, count) in enumerate(row):
            if not dna or set(dna.upper()) - set("ACGTU") or not 0 < count < math.inf:
                raise HTTPException(
                    422, f"sample {samples[b].id!r}: expected DNA and a count, got {dna!r}: {count}"
                )
            ids = dna.upper().encode()[: length - 1].translate(TOKENS)
            tokens[b, s, : len(ids) + 1], counts[b, s] = torch.tensor([5, *ids]), count
    return tokens, counts


@app.post("/predict")
def predict(question: Question) -> list[dict]:
    with torch.inference_mode():
        out = model(*batch_of(question.samples)).double()
    answers = []
    for sample, row in zip(question.samples, out.tolist(), strict=True):
        if target["is_classifier"]:
            shares = dict(zip(target["classes"], map(math.exp, row), strict=True))
            answers.append(
                {
                    "id": sample.id,
                    "prediction": max(shares, key=shares.get),
                    "probabilities": shares,
                }
            )
        else:
            value = row[0] * target["scale"] + target["shift"]
            answers.append(
                {
                    "id": sample.id,
                    "prediction": math.expm1(value) if "log" in target["transform"] else value,
                }
            )
    return answers
