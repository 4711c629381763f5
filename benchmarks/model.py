"""The whole model on real samples: the trainer and predictor beside AAM as it is (padded_aam.py).

    python benchmarks/model.py --data ../shared/data/microbiome/oral_age_2550 --golden
    ../shared/data/aam_golden

Rows are WHAT/SIDE/BATCH/THREADS, each in a process of its own, pinned to as many cores: `pretrain`
(distances and masked nucleotides), `joint` (target, counts, distances, nucleotides), `frozen` (the
heads over a frozen base, ASV embeddings cached once) and `predict` (the whole table). Side `ours`
runs `db.Trainer` and `db.training.predict` on the files, reading, batches, UniFrac and optimiser
included; `padded` runs one step on a ready batch, with the thresholds of glibc's malloc as they are
and (`padded-tuned`) raised. Size: AAM's default (D 128, 4 layers and heads in every stack, token
limit 1024, 150 bases). A padded step of 64 samples wants eight times the memory of 8 and is not
run: its cost for a sample is that of batch 8. A row replaces its namesake in
benchmarks/results/model.json.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from machine import machine

SIZE = {
    "embedding_dim": 128,
    "vocab_size": 7,
    "max_bp": 150,
    "token_limit": 1024,
    "predict_nucleotides": True,
}
for stack in ("asv", "sample", "encoder", "count", "target"):
    SIZE |= {f"{stack}_num_layers": 4, f"{stack}_num_heads": 4, f"{stack}_dropout": 0.1}
TASKS = ("pretrain", "joint", "frozen", "predict")
ROWS = [
    f"{task}/ours/{batch}/{threads}" for batch in (8, 64) for threads in (1, 2) for task in TASKS
]
ROWS += [f"{task}/padded/8/{threads}" for threads in (1, 2) for task in TASKS]
ROWS += [
    "pretrain/padded-tuned/8/1",
    "joint/padded-tuned/8/1",
    "frozen/padded-tuned/8/1",
    "predict/padded-tuned/8/1",
]
NUM_SAMPLES, NUM_TRAIN, EPOCHS = 2537, 2030, 10


def dataset(data: Path, with_target: bool):  # noqa: ANN201 (the package is imported in the measured process only)
    import deepbio_torch as db

    target = {"metadata": data / "metadata.tsv", "target": "age"} if with_target else {}
    return db.SampleDataset(data / "table.biom", tree=data / "tree.nwk", **target)


def our_steps(model, data: Path, batch: int, steps: int, with_target: bool) -> dict[str, float]:  # noqa: ANN001
    """Seconds to the end of the first step, and the median of those after it, from the trainer's
    own callback."""
    import deepbio_torch as db

    train, val = dataset(data, with_target).split(0.2)
    ends = []

    def on_step(event: dict) -> bool:
        ends.append(time.perf_counter())
        return len(ends) <= steps

    start = time.perf_counter()
    db.Trainer(model, batch_size=batch, epochs=EPOCHS, warmup_steps=10).fit(
        train, val, on_step=on_step
    )
    taken = [b - a for a, b in zip(ends, ends[1:], strict=False)]
    return {
        "step_s": statistics.mean(taken),
        "median_step_s": statistics.median(taken),
        "steps": len(taken),
        "first_step_s": ends[0] - start,
    }


def ours(task: str, batch: int, data: Path) -> dict[str, float]:
    import deepbio_torch as db

    torch.manual_seed(0)
    if task == "pretrain":
        return our_steps(db.models.SequenceEncoder(**SIZE), data, batch, 128 // batch, False)
    if task == "joint":
        return our_steps(db.models.SequencePredictor(**SIZE), data, batch, 128 // batch, True)
    if task == "frozen":
        out = our_steps(
            db.models.SequencePredictor(**SIZE, freeze_base=True), data, batch, 1024 // batch, True
        )
        out["cache_s"] = out["first_step_s"] - out["step_s"]
        out["epoch_s"] = out["step_s"] * NUM_TRAIN / batch + out["cache_s"] / EPOCHS
        return out
    with tempfile.TemporaryDirectory() as folder:
        model = db.models.SequencePredictor(**SIZE)
        few = dataset(data, True).subset(range(8))
        db.Trainer(model, batch_size=8, epochs=1).fit(few, few, run_directory=f"{folder}/run")
        start = time.perf_counter()
        found = db.training.predict(f"{folder}/run", data / "table.biom", batch_size=batch)
        return {"table_s": time.perf_counter() - start, "samples": len(found.sample_ids)}


def padded_batch(data: Path, batch: int) -> dict[str, torch.Tensor]:
    found = dataset(data, True).split(0.2)[0].batch(range(batch))
    slots, length = found.asv_index.shape[1], found.asv_tokens.shape[1]
    tokens = torch.zeros(batch, SIZE["token_limit"], SIZE["max_bp"] + 1, dtype=torch.int64)
    tokens[:, :slots, :length] = found.asv_tokens[found.asv_index] * found.mask.unsqueeze(-1)
    counts = torch.zeros(batch, SIZE["token_limit"], 1)
    counts[:, :slots, 0] = found.counts / found.counts.sum(1, keepdim=True)
    return {
        "tokens": tokens,
        "counts": counts,
        "base_target": found.distances,
        "target": found.targets,
    }


def padded(task: str, batch: int, data: Path) -> dict[str, float]:
    from padded_aam import Encoder, Predictor, total_loss

    torch.manual_seed(0)
    model = (Encoder if task == "pretrain" else Predictor)(SIZE)
    if task == "frozen":
        model.base_model.requires_grad_(False)
    given = padded_batch(data, batch)
    penalties = dict.fromkeys(("penalty", "nuc_penalty", "target_penalty", "count_penalty"), 1.0)
    start = time.perf_counter()
    if task == "predict":
        with torch.no_grad():
            model.eval()(given["tokens"], False)
        taken = time.perf_counter() - start
        return {"batch_s": taken, "table_s": taken * NUM_SAMPLES / batch}
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    total_loss(model.train()(given["tokens"], task != "frozen"), given, penalties).backward()
    optimizer.step()
    taken = time.perf_counter() - start
    return {"step_s": taken} | ({"epoch_s": taken * NUM_TRAIN / batch} if task == "frozen" else {})


def run_row(row: str, data: Path) -> None:
    """One row, in this process; prints it as JSON."""
    task, side, batch, threads = row.split("/")
    os.sched_setaffinity(0, range(int(threads)))
    torch.set_num_threads(int(threads))
    out = (ours if side == "ours" else padded)(task, int(batch), data)
    out["peak_gib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({key: round(value, 4) for key, value in out.items()}))


def measure(row: str, data: Path) -> dict[str, float]:
    tuned = {"MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "1073741824"}
    extra = tuned if "padded-tuned" in row else {}
    command = [sys.executable, __file__, "--data", str(data), "--in-process", row]
    done = subprocess.run(
        command, env={**os.environ, **extra}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{row}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def ratios(results: dict[str, dict[str, float]]) -> dict[str, float]:
    """How many times faster for a sample, and how much smaller, than the padded original on as
    many threads."""
    out = {}
    for row, mine in results.items():
        task, side, batch, threads = row.split("/")
        theirs = results.get(f"{task}/padded/8/{threads}")
        if side != "ours" or theirs is None:
            continue
        key = {"pretrain": "step_s", "joint": "step_s", "frozen": "epoch_s", "predict": "table_s"}[
            task
        ]
        scale = int(batch) / 8 if key == "step_s" else 1
        out[f"{task}/{batch}/{threads}"] = round(theirs[key] * scale / mine[key], 1)
        if batch == "8":
            out[f"{task}/{batch}/{threads}/memory"] = round(
                theirs["peak_gib"] / mine["peak_gib"], 1
            )
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--golden", type=Path)
    parser.add_argument("--only", nargs="+", default=ROWS, choices=ROWS, metavar="ROW")
    parser.add_argument("--in-process", choices=ROWS, metavar="ROW", help=argparse.SUPPRESS)
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "results" / "model.json"
    )
    options = parser.parse_args()
    if options.in_process:
        return run_row(options.in_process, options.data)
    found = json.loads(options.output.read_text()) if options.output.exists() else {"results": {}}
    if options.golden:
        from padded_aam import check_golden

        found["padded_against_golden_files"] = check_golden(options.golden)
    for row in options.only:
        found["results"][row] = measure(row, options.data)
        print(row, found["results"][row])
    flags = Path("/proc/cpuinfo").read_text()
    found["bf16"] = (
        "not measured"
        if "avx512_bf16" in flags
        else "no bf16 instructions on this machine: not measured"
    )
    found["machine"] = {**machine(), "torch": torch.__version__}
    found["ratios"] = ratios(found["results"])
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
