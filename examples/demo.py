"""The main job from end to end, with the real command: what `make demo` runs.

A synthetic community is simulated, so the answer is known; then distances, pretraining, fine-tuning, prediction of
samples that were held back (beside two baselines), reads to tensors to a small network, and a TorchScript file that
runs without the library.
"""

import argparse
import csv
import json
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

EXAMPLES = Path(__file__).parent
SIMULATE = "--samples 200 --features 200 --length-bp 100 --depth 4000 --seed 7"
SHAPE = "--preset default --seed 7"


def run(command: str) -> str:
    """Runs a command as a person would type it; returns what it printed."""
    print(f"$ {command}", flush=True)
    done = subprocess.run(shlex.split(command), stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"the demo stopped: exit code {done.returncode}")
    return done.stdout


def read_tsv(path: Path) -> list[dict[str, str]]:
    with open(path) as file:
        return list(csv.DictReader(file, delimiter="\t"))


def forest_baseline(data: Path, runs: Path) -> dict[str, float] | None:
    """A random forest on relative abundances: the same training samples, the same samples held back."""
    try:
        from sklearn.ensemble import RandomForestRegressor
        from sklearn.metrics import mean_absolute_error, r2_score
    except ImportError:
        return None
    import deepbio_torch as db

    table = db.read_table(str(data / "table.biom"))
    counts = table.to_scipy().toarray()
    rows = {name: row / row.sum() for name, row in zip(table.sample_ids, counts, strict=True)}
    age = {row["sample-id"]: float(row["age"]) for row in read_tsv(data / "metadata.tsv")}
    train = (runs / "train_samples.txt").read_text().split()
    held_back = (runs / "val_samples.txt").read_text().split()
    forest = RandomForestRegressor(500, random_state=0, n_jobs=-1)
    forest.fit([rows[name] for name in train], [age[name] for name in train])
    predicted = forest.predict([rows[name] for name in held_back])
    actual = [age[name] for name in held_back]
    return {"r2": r2_score(actual, predicted), "mae": mean_absolute_error(actual, predicted)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("demo"), help="folder to write (made anew)")
    out = parser.parse_args().output
    started = time.time()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    data, pre, fine = out / "data", out / "pretrained", out / "age"

    print("\n1. A community with a known answer")
    print(run(f"deepbio simulate -o {data} {SIMULATE}"))

    print("2. Distances, pretraining, fine-tuning, prediction of samples held back")
    table, tree = f"--table {data}/table.biom", f"--tree {data}/tree.nwk"
    run(f"deepbio unifrac {table} {tree} --metric unweighted -o {out}/unweighted.npy")
    run(f"deepbio pretrain {table} {tree} --output-dir {pre} --epochs 6 {SHAPE}")
    labels = f"--metadata {data}/metadata.tsv --metadata-column"
    run(f"deepbio train {table} {labels} age --pretrained {pre} --output-dir {fine} --epochs 25 {SHAPE}")
    run(f"deepbio predict --model {fine} {table} -o {out}/predictions.tsv")
    held_back = f"--samples {fine}/val_samples.txt --json"
    scores = json.loads(run(f"deepbio evaluate --model {fine} {table} --metadata {data}/metadata.tsv {held_back}"))
    run(f"deepbio report {fine}")

    print("\n3. Reads to tensors to a network")
    print(run(f"{sys.executable} {EXAMPLES}/python/train_cnn_on_reads.py {data}/reads"))

    print("4. Export: a TorchScript file that runs without the library")
    run(f"deepbio export --model {fine} --format torchscript -o {out}/model.ts")
    print(run(f"{sys.executable} {EXAMPLES}/python/run_torchscript.py {out}/model.ts {fine} {data}/table.biom"))

    forest = forest_baseline(data, fine)
    print("Held-back samples, target `age`        R2      MAE (years)")
    print(f"  this model                        {scores['r2']:6.3f}   {scores['mae']:7.3f}")
    print(f"  mean of the training samples      {scores['baseline']['r2']:6.3f}   {scores['baseline']['mae']:7.3f}")
    if forest:
        print(f"  random forest (scikit-learn)      {forest['r2']:6.3f}   {forest['mae']:7.3f}")
    print(f"\npredictions  {out}/predictions.tsv\ncheckpoint   {fine}/model.safetensors")
    print(f"report       {fine}/report.html\nexported     {out}/model.ts")
    print(f"done in {time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
