"""The main job from end to end, with the real command: what `make demo` runs.

A synthetic community is simulated, so the answer is known; then distances, pretraining,
fine-tuning, prediction of samples that were held back (beside two baselines), reads to tensors to a
small network, and a TorchScript file that runs without the library.
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
SIMULATE = "--samples 240 --features 200 --length-bp 100 --depth 4000 --seed 7"
NUM_HELD_BACK = 40  # seen by nothing before the last table is printed
SHAPE = "--max-bp 100 --seed 7"


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


def hold_back(data: Path) -> None:
    """Splits the table: the last samples are kept out of everything until the end."""
    import deepbio_torch as db

    table = db.read_table(data / "table.biom")
    table.filter(samples=table.sample_ids[:-NUM_HELD_BACK]).write(data / "known.biom")
    table.filter(samples=table.sample_ids[-NUM_HELD_BACK:]).write(data / "held_back.biom")


def forest_baseline(data: Path) -> dict[str, float] | None:
    """A random forest on relative abundances: it learns from all known samples, validation
    included."""
    try:
        from sklearn.ensemble import RandomForestRegressor
        from sklearn.metrics import mean_absolute_error, r2_score
    except ImportError:
        return None
    import deepbio_torch as db

    age = {row["sample-id"]: row["age"] for row in read_tsv(data / "metadata.tsv")}
    tables = [db.read_table(data / name).relative() for name in ("known.biom", "held_back.biom")]
    known, held_back = (
        (table.to_scipy().toarray(), [float(age[name]) for name in table.sample_ids])
        for table in tables
    )
    forest = RandomForestRegressor(500, random_state=0, n_jobs=-1).fit(*known)
    predicted = forest.predict(held_back[0])
    return {
        "r2": r2_score(held_back[1], predicted),
        "mae": mean_absolute_error(held_back[1], predicted),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output", type=Path, default=Path("demo"), help="folder to write (made anew)"
    )
    out = parser.parse_args().output
    started = time.time()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    data, pre, fine = out / "data", out / "pretrained", out / "age"

    print("\n1. A community with a known answer")
    print(run(f"deepbio simulate -o {data} {SIMULATE}"))

    hold_back(data)

    print("2. Distances, pretraining, fine-tuning, prediction of samples that were held back")
    known, tree = f"--table {data}/known.biom", f"--tree {data}/tree.nwk"
    unseen = f"--model {fine} --table {data}/held_back.biom"
    run(f"deepbio unifrac {known} {tree} --metric unweighted -o {out}/unweighted.npy")
    run(f"deepbio pretrain {known} {tree} --output-dir {pre} --epochs 4 {SHAPE}")
    target = f"--metadata {data}/metadata.tsv --metadata-column age"
    run(
        f"deepbio train {known} {target} --pretrained {pre} --freeze-base --output-dir {fine} "
        f"--epochs 40 {SHAPE}"
    )
    run(f"deepbio predict {unseen} -o {out}/predictions.tsv")
    scores = json.loads(run(f"deepbio evaluate {unseen} --metadata {data}/metadata.tsv --json"))
    run(f"deepbio report {fine}")

    print("\n3. Reads to tensors to a network")
    print(run(f"{sys.executable} {EXAMPLES}/python/train_cnn_on_reads.py {data}/reads"))

    print("4. Export: a TorchScript file that runs without the library")
    run(f"deepbio export --model {fine} --format torchscript -o {out}/model.ts")
    print(
        run(
            f"{sys.executable} {EXAMPLES}/python/run_torchscript.py {out}/model.ts {fine} "
            f"{data}/held_back.biom"
        )
    )

    forest = forest_baseline(data)
    print(f"{NUM_HELD_BACK} held-back samples, target `age`     R2      MAE (years)")
    print(f"  this model                        {scores['r2']:6.3f}   {scores['mae']:7.3f}")
    print(
        f"  mean of the training samples      {scores['baseline']['r2']:6.3f}   "
        f"{scores['baseline']['mae']:7.3f}"
    )
    if forest:
        print(f"  random forest (scikit-learn)      {forest['r2']:6.3f}   {forest['mae']:7.3f}")
    print(f"\npredictions  {out}/predictions.tsv\ncheckpoint   {fine}/model.safetensors")
    print(f"report       {fine}/report.html\nexported     {out}/model.ts")
    print(f"done in {time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
