#!/usr/bin/env bash
# Builds the package against the torch that is here, trains on its GPU and compares with the CPU: for a machine with a
# GPU and no network.   tests/cuda/run.sh [FOLDER_WITH_DEBS]
#
# Needs Python with torch, numpy, pytest, cmake and ninja, a compiler and the Debian packages of setup/packages.txt, which
# it installs from .deb files in the folder when one is given. DEVICE=cpu goes the same way without a GPU, to try the
# script. About five minutes on 16 cores. Prints a table of steps per second; exit code 1 when something differs.
set -euo pipefail
cd "$(dirname "$0")/../.."
device=${DEVICE:-cuda}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { printf '\n== %s (%d s)\n' "$1" "$SECONDS"; }

if [ $# -gt 0 ]; then dpkg -i "$1"/*.deb > "$work/dpkg.log" || { tail -5 "$work/dpkg.log"; exit 1; }; fi
python3 - "$device" <<'PY'
import sys, torch
print(f"torch {torch.__version__}, devices: {torch.cuda.device_count()}")
if sys.argv[1] != "cpu" and not torch.cuda.is_available():
    sys.exit("tests/cuda: no GPU here (DEVICE=cpu tries the script without one)")
PY

say build
python3 -m venv --system-site-packages "$work/env"
export PATH=$work/env/bin:$PATH PYTHONSAFEPATH=1
DEEPBIO_BUILD_DIR=$work/cmake pip install --quiet --no-build-isolation --no-deps .

say "tests of devices and models"
python -m pytest -q tests/python/test_devices.py tests/python/test_module_contract.py tests/python/test_models.py

say "the same study on both"
cd "$work"
deepbio simulate -o data --samples 200 --features 500 --length-bp 150 --depth 5000 --seed 1 --quiet
study="--table data/table.biom --metadata data/metadata.tsv --metadata-column age --seed 1 --quiet"
train() { deepbio train $study --output-dir "$@" > /dev/null; }
train run_cpu --epochs 3 --dropout 0 --transformer-branch --no-freeze-base --calibration-folds 0
train run_gpu --epochs 3 --dropout 0 --transformer-branch --no-freeze-base --calibration-folds 0 --device "$device"
deepbio pretrain --table data/table.biom --tree data/tree.nwk --epochs 2 --output-dir pre_cpu --seed 1 --quiet > /dev/null
for precision in no bf16 fp16; do
  deepbio pretrain --table data/table.biom --tree data/tree.nwk --epochs 2 --output-dir "pre_$precision" --seed 1 \
    --device "$device" --mixed-precision "$precision" --quiet > /dev/null
done
deepbio pretrain --table data/table.biom --tree data/tree.nwk --epochs 2 --output-dir pre_tf32 --seed 1 \
  --device "$device" --tf32 --quiet > /dev/null
for run in run_cpu run_gpu; do
  deepbio predict --model $run --table data/table.biom -o $run.tsv --quiet
  deepbio predict --model $run --table data/table.biom -o $run.there.tsv --device "$device" --quiet
done
deepbio train --resume --output-dir run_gpu --epochs 4 --device cpu --quiet > /dev/null
deepbio export --model run_gpu --format torchscript -o model.ts --quiet

say results
python - <<'PY'
import csv, json, sys

def epochs(run):
    return [json.loads(line) for line in open(f"{run}/metrics.jsonl")]

def values(path):
    return [float(row["prediction"]) for row in csv.DictReader(open(path), delimiter="\t")]

failed = []
print(f"{'run':10} {'train loss':>12} {'val loss':>12} {'samples/s':>10}")
for run in ("run_cpu", "run_gpu", "pre_cpu", "pre_no", "pre_tf32", "pre_bf16", "pre_fp16"):
    last = epochs(run)[1]
    print(f"{run:10} {last['train_loss']:12.6f} {last['val_loss']:12.6f} {last['samples_per_second']:10.1f}")
for one, other, limit in (("run_cpu", "run_gpu", 1e-2), ("pre_cpu", "pre_no", 5e-2), ("pre_cpu", "pre_bf16", 1e-1), ("pre_cpu", "pre_fp16", 5e-2)):
    for a, b in zip(epochs(one)[:2], epochs(other)[:2]):
        if abs(a["train_loss"] - b["train_loss"]) > limit * abs(a["train_loss"]):
            failed.append(f"{one} and {other}: {a['train_loss']} and {b['train_loss']}")
for run in ("run_cpu", "run_gpu"):
    worst = max(abs(a - b) for a, b in zip(values(f"{run}.tsv"), values(f"{run}.there.tsv")))
    print(f"{run}: predictions of both devices differ by at most {worst:.2g}")
    if worst > 1e-2:
        failed.append(f"{run}: predictions differ by {worst}")
if len(epochs("run_gpu")) != 4:
    failed.append("a run of the GPU was not extended on the CPU")
sys.exit("\n".join(failed) if failed else 0)
PY
say "all the same"
