"""Times k-mers and tokenizers beside NumPy and Hugging Face.

Writes benchmarks/results/tokenizers.json.

    python benchmarks/tokenizers.py [--runs 7] [--only WORD] [--output
    benchmarks/results/tokenizers.json]

One thread. The peers, `tokenizers` and `transformers`, live in an environment of their own
(build/peers) and see the same reads; a fresh set for every run, since Hugging Face keeps words that
it has seen. `--only` runs cases whose name holds WORD. The BPE vocabulary (4096) is trained once by
the peers. A row has the medians of both, their slowest and fastest run, the ratio of the medians,
and the ratio that is the goal.

Counts of 6-mers are 4 MiB of float32 a batch: the row of zeros, which only clears that tensor, is
what memory allows.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from machine import machine

import deepbio_torch as db

PEERS = ["tokenizers", "transformers", "numpy"]
SIZES = {"150 bp": (2000, 150), "10 kb": (30, 10_000), "1 Mb": (1, 1_000_000)}  # texts, letters
TRAIN = """
import random, sys
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
rng = random.Random(0)
genome = "".join(rng.choices("ACGT", k=300_000))
made = Tokenizer(models.BPE(unk_token="[UNK]"))
made.pre_tokenizer = pre_tokenizers.Whitespace()
special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
trainer = trainers.BpeTrainer(
    vocab_size=4096, special_tokens=special, max_token_length=24, show_progress=False
)
starts = [rng.randrange(299_000) for _ in range(3000)]
made.train_from_iterator([genome[s : s + 1000] for s in starts], trainer)
made.save(sys.argv[1])
"""
TIMED = """
import json, random, sys, time
case, path, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
rng = random.Random(1)
def texts(count, length): return ["".join(rng.choices("ACGT", k=length)) for _ in range(count)]
if case == "dnabert":
    from itertools import product
    from transformers import BertTokenizer
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words += ["".join(p) for p in product("ATCG", repeat=6)]
    open(path, "w").write("\\n".join(words))
    tok = BertTokenizer(path, do_lower_case=False)
    def call(reads):
        words = [" ".join(read[i : i + 6] for i in range(len(read) - 5)) for read in reads]
        return tok(words, padding=True, truncation=True, max_length=512, return_tensors="np")
    count, length = 256, 150
elif case == "dnabert-python":
    from itertools import product
    import numpy as np
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words += ["".join(p) for p in product("ATCG", repeat=6)]
    vocabulary = {word: i for i, word in enumerate(words)}
    def call(reads):
        rows = []
        for read in reads:
            words = " ".join(read[i : i + 6] for i in range(len(read) - 5)).split()
            ids = [2] + [vocabulary.get(word, 1) for word in words][:510] + [3]
            rows.append((ids, [1] * len(ids)))
        width = max(len(ids) for ids, _ in rows)
        padded = [ids + [0] * (width - len(ids)) for ids, _ in rows]
        mask = [real + [0] * (width - len(real)) for _, real in rows]
        return np.array(padded), np.array(mask)
    count, length = 256, 150
else:
    from tokenizers import Tokenizer
    made = Tokenizer.from_file(path)
    call = made.encode_batch
    count, length = json.loads(sys.argv[4])
out = []
for _ in range(runs):
    reads = texts(count, length)
    start = time.perf_counter()
    call(reads)
    out.append(time.perf_counter() - start)
print(json.dumps(out))
"""


def peers_python() -> Path:
    folder = Path("build/peers")
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    found = subprocess.run(
        [python, "-c", "import tokenizers, transformers, numpy"], capture_output=True, check=False
    )
    if found.returncode:
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS],
            check=True,
        )
    return python.absolute()


VERSIONS = """
import json, sys
from importlib.metadata import version
print(json.dumps({name: version(name) for name in sys.argv[1:]}))
"""


def peer_versions() -> dict[str, str]:
    found = subprocess.run(
        [peers_python(), "-c", VERSIONS, *PEERS], check=True, capture_output=True, text=True
    )
    return dict(json.loads(found.stdout))


def peer(*arguments: object) -> list[float]:
    env = os.environ | {
        "TOKENIZERS_PARALLELISM": "false",
        "RAYON_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [peers_python(), "-c", TIMED, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    return [float(value) for value in json.loads(done.stdout)]


def timed(call: Callable[[list[str]], object], count: int, length: int, runs: int) -> list[float]:
    rng = random.Random(1)
    out = []
    for _ in range(runs + 1):
        reads = ["".join(rng.choices("ACGT", k=length)) for _ in range(count)]
        start = time.perf_counter()
        call(reads)
        out.append(time.perf_counter() - start)
    return out[1:]  # the first one warms up


def repeated(call: Callable[[], object], runs: int, times: int) -> list[float]:
    call()
    out = []
    for _ in range(runs):
        start = time.perf_counter()
        for _ in range(times):
            call()
        out.append((time.perf_counter() - start) / times)
    return out


def numpy_ids(reads: np.ndarray, table: np.ndarray) -> np.ndarray:
    codes = np.take(table, reads)
    ids = np.zeros((reads.shape[0], reads.shape[1] - 5), np.int64)
    for i in range(6):
        ids = ids * 4 + codes[:, i : i + ids.shape[1]]
    return ids


def numpy_counts(reads: np.ndarray, table: np.ndarray) -> np.ndarray:
    ids = numpy_ids(reads, table) + np.arange(len(reads))[:, None] * 4096
    return (
        np.bincount(ids.ravel(), minlength=len(reads) * 4096)
        .reshape(len(reads), 4096)
        .astype(np.float32)
    )


GOALS = {
    "6-mer ids": 20,
    "6-mer counts": 20,
    "BPE": 10,
    "DNABERT k=6 to tensors (peer: plain Python)": 100,
}


def row(
    name: str, unit: str, work: float, ours: list[float], theirs: list[float]
) -> dict[str, object]:
    ratio = statistics.median(theirs) / statistics.median(ours)
    goal = next((goal for start, goal in GOALS.items() if name.startswith(start)), None)
    out = {
        "case": name,
        "unit": unit,
        "ratio": round(ratio, 1),
        "goal": goal,
        "is_reached": None if goal is None else ratio >= goal,
        "ours": work / statistics.median(ours),
        "ours_range": [work / max(ours), work / min(ours)],
        "peer": work / statistics.median(theirs),
        "peer_range": [work / max(theirs), work / min(theirs)],
    }
    print(
        f"{name:34s} {out['ratio']:8.1f} x   {out['ours']:12.1f} {unit} (peer {out['peer']:.1f})",
        file=sys.stderr,
    )
    return out


def kmer_rows(runs: int, only: str) -> list[dict[str, object]]:
    rng = np.random.default_rng(0)
    codes = np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, (256, 150))]
    table = np.zeros(256, np.int64)
    table[np.frombuffer(b"ACGT", np.uint8)] = range(4)
    reads = [line.tobytes() for line in codes]
    ids, counts = db.transforms.KmerEncoder(6, output="ids"), db.transforms.KmerEncoder(6)
    out, filled = [], torch.empty(256, 4096)
    assert np.array_equal(ids.encode_batch(reads).numpy(), numpy_ids(codes, table))
    assert np.array_equal(counts.encode_batch(reads).numpy(), numpy_counts(codes, table))
    cases = {
        "6-mer ids (peer: NumPy)": (
            lambda: ids.encode_batch(reads),
            lambda: numpy_ids(codes, table),
        ),
        "6-mer counts (peer: NumPy)": (
            lambda: counts.encode_batch(reads),
            lambda: numpy_counts(codes, table),
        ),
        "zeros of 6-mer counts (peer: NumPy)": (
            lambda: filled.zero_(),
            lambda: numpy_counts(codes, table),
        ),
    }
    for name, (ours, theirs) in cases.items():
        if only in name:
            out.append(
                row(name, "batches/s", 1, repeated(ours, runs, 50), repeated(theirs, runs, 10))
            )
    return out


def token_rows(runs: int, only: str) -> list[dict[str, object]]:
    folder = Path("build")
    path, out = folder / "bpe4096.json", []
    tok = db.tokenizers.Tokenizer.from_preset("dnabert-6")
    options = {"padding": True, "truncation": True, "max_length": 512, "return_tensors": "pt"}
    for case, label in (("dnabert-python", "plain Python"), ("dnabert", "transformers")):
        name = f"DNABERT k=6 to tensors (peer: {label})"
        if only in name:
            ours = timed(lambda reads: tok(reads, **options), 256, 150, 20 * runs)
            out.append(row(name, "reads/s", 256, ours, peer(case, folder / "dnabert.txt", runs)))
    for name, (count, length) in SIZES.items():
        if only not in f"BPE {name}":
            continue
        if not path.exists():
            subprocess.run([peers_python(), "-c", TRAIN, path], check=True)
        bpe = db.tokenizers.Tokenizer.from_file(path)
        ours = timed(lambda reads, bpe=bpe: bpe.encode_batch(reads), count, length, runs)
        theirs = peer("bpe", path, runs, json.dumps([count, length]))
        out.append(row(f"BPE {name}", "MB/s", count * length / 1e6, ours, theirs))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--only", default="")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "results" / "tokenizers.json"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = kmer_rows(options.runs, options.only) + token_rows(options.runs, options.only)
    before = (
        json.loads(options.output.read_text())["results"]
        if options.output.exists() and options.only
        else []
    )
    done = {str(each["case"]) for each in rows}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    results = [each for each in before if each["case"] not in done] + rows
    about = {"machine": {**machine(), "threads": 1}, "runs": options.runs, "peers": peer_versions()}
    options.output.write_text(json.dumps({**about, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
