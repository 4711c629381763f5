"""Times datasets and loaders of reads beside a minimal C loop, dnaio with NumPy, and torch.

Writes results/loader.json.

    python benchmarks/loader.py [--rounds 7] [--only WORD] [--reads 300000] [--output
    benchmarks/results/loader.json]

One thread, a FASTQ file of 150 bp in the page cache, batches of 256. The ways of a row take turns,
so that a slow minute hits all of them; a figure is the median, with the slowest and fastest. The
loop is benchmarks/loader.cpp, compiled here with c++ -O3. dnaio comes from pip (`pip install
dnaio`); without it its ways are left out, which is said. `--only` times rows whose name holds WORD
and keeps the others of the JSON.
"""

import argparse
import gzip
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from machine import machine
from torch.utils.data import DataLoader as TorchLoader

import deepbio_torch as db
from deepbio_torch.transforms import (
    Compose,
    IntegerEncoder,
    Mutator,
    OneHotEncoder,
    ReverseComplement,
    Sampler,
)

try:
    import dnaio
except ImportError:
    dnaio = None

BATCH, WIDTH = 256, 150
Way = Callable[[], float]  # seconds of one turn
Rows = dict[
    str, tuple[str, float, dict[str, Way], dict[str, float]]
]  # unit, work, ways, goals "A / B" -> at least


def timed(call: Callable[[], object]) -> Way:
    def turn() -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    return turn


def drain(batches: object) -> None:
    for _ in batches:
        pass


def write_reads(path: Path, count: int) -> None:
    rng = np.random.default_rng(7)
    bases = np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, (count, WIDTH), dtype=np.uint8)]
    with path.open("wb") as file:
        for i, row in enumerate(bases):
            file.write(
                b"@SIM:1:FLOW:1:%d:%d 1:N:0:ACGT\n%b\n+\n%b\n"
                % (i // 1000, i % 1000, row.tobytes(), b"F" * WIDTH)
            )


def loop(program: Path, path: Path, form: str) -> float:
    done = subprocess.run(
        [program, path, form, str(WIDTH)], check=True, capture_output=True, text=True
    )
    return float(done.stdout.split()[1])


def stream(
    path: Path, encoder: object, steps: tuple[object, ...] = (), threads: int = 0
) -> db.DataLoader:
    data = db.StreamingSequenceDataset(
        path, transform=Compose([*steps, encoder]) if steps else encoder
    )
    return db.DataLoader(data, batch_size=BATCH, num_workers=threads)


def dnaio_batches(path: Path, table: np.ndarray, is_best: bool) -> None:
    """Batches as NumPy users make them: `LUT[a]`, or np.take without a check into a buffer that
    is used again."""
    out = np.empty((BATCH, WIDTH, *table.shape[1:]), table.dtype)
    with dnaio.open(path, open_threads=0) as file:
        reads = iter(file)
        while chunk := list(islice(reads, BATCH)):
            text = "".join([read.sequence for read in chunk])
            bases = np.frombuffer(text.encode("ascii"), np.uint8).reshape(len(chunk), -1)
            if is_best:
                np.take(table, bases, axis=0, mode="clip", out=out[: len(chunk)])
            else:
                _ = table[bases]


class PerItem(torch.utils.data.Dataset):
    """A typical dataset: reads in a list, one tensor per item, padded by the collate function."""

    def __init__(self, reads: list[bytes], table: np.ndarray) -> None:
        self.reads, self.table = reads, table

    def __len__(self) -> int:
        return len(self.reads)

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.from_numpy(self.table[np.frombuffer(self.reads[index], np.uint8)])


def pad(items: list[torch.Tensor]) -> torch.Tensor:
    return torch.nn.utils.rnn.pad_sequence(items, batch_first=True, padding_value=-1)


def tables() -> dict[str, np.ndarray]:
    one_hot = np.zeros((256, 4), np.float32)
    for i, letter in enumerate(b"ACGT"):
        one_hot[letter, i] = 1
    numbers = one_hot.argmax(1)
    return {"uint8": numbers.astype(np.uint8), "int64": numbers.astype(np.int64), "onehot": one_hot}


def encoders() -> dict[str, object]:
    return {
        "uint8": IntegerEncoder(dtype=torch.uint8, quality=None),
        "int64": IntegerEncoder(quality=None),
        "onehot": OneHotEncoder(quality=None),
    }


def from_file(folder: Path, path: Path, count: int) -> Rows:
    """File to batches."""
    program, out = folder / "loop", Rows()
    subprocess.run(
        ["c++", "-std=c++20", "-O3", "-o", program, Path(__file__).with_suffix(".cpp")], check=True
    )
    for form, encoder in encoders().items():
        ways = {
            "C loop": partial(loop, program, path, form),
            "ours": timed(lambda e=encoder: drain(stream(path, e))),
        }
        goals = {"ours / C loop": 0.75}
        if dnaio:
            ways["dnaio, np.take"] = timed(partial(dnaio_batches, path, tables()[form], True))
            goals["ours / dnaio, np.take"] = 2.5
        if dnaio and form == "onehot":
            ways["dnaio, LUT[a]"] = timed(partial(dnaio_batches, path, tables()[form], False))
            goals["ours / dnaio, LUT[a]"] = 10
        out[f"file to {form}"] = ("batches/s", count / BATCH, ways, goals)
    return out


def from_memory(path: Path, count: int) -> Rows:
    """A map-style dataset, loaded in random order."""
    with path.open("rb") as file:
        reads = [line.rstrip() for line in islice(file, 1, None, 4)]
    out = Rows()
    for form in ("int64", "onehot"):
        data, plain = (
            db.SequenceDataset(path, transform=encoders()[form]),
            PerItem(reads[:50_000], tables()[form]),
        )
        len(data)
        small = torch.utils.data.Subset(data, range(50_000))
        few = timed(
            lambda p=plain: drain(TorchLoader(p, batch_size=BATCH, shuffle=True, collate_fn=pad))
        )
        ours = [
            partial(db.DataLoader, data, batch_size=BATCH, shuffle=True, seed=1, num_workers=n)
            for n in range(3)
        ]
        ways = {
            "torch DataLoader, item by item": lambda few=few: few() * count / 50_000,
            "torch DataLoader": timed(
                lambda d=data: drain(TorchLoader(d, batch_size=BATCH, shuffle=True))
            ),
            "torch DataLoader, Subset": lambda s=small: (
                timed(lambda: drain(TorchLoader(s, batch_size=BATCH, shuffle=True)))()
                * count
                / 50_000
            ),
            **{
                f"db.DataLoader, {n} threads": timed(lambda make=make: drain(make()))
                for n, make in enumerate(ours)
            },
        }
        goals = {
            "torch DataLoader / torch DataLoader, item by item": 10,
            "db.DataLoader, 0 threads / torch DataLoader": 1,
            "db.DataLoader, 2 threads / db.DataLoader, 1 threads": 1.7,
        }
        out[f"shuffled {form}"] = ("samples/s", count, ways, goals)
    return out


def augmented(path: Path, count: int) -> Rows:
    steps = (Sampler(120, seed=1), Mutator(0.01, 2), ReverseComplement(0.5, seed=3))
    plain, changed = encoders()["onehot"], encoders()["onehot"]
    ways = {
        "plain": timed(lambda: drain(stream(path, plain))),
        "crop, mutate, reverse complement": timed(lambda: drain(stream(path, changed, steps))),
    }
    goals = {"crop, mutate, reverse complement / plain": 0.6}
    return {"augmentation, one-hot": ("samples/s", count, ways, goals)}


def looked_at(folder: Path) -> Rows:
    path, packed = folder / "small.fastq", folder / "packed.fastq.gz"
    write_reads(path, 10_000)
    encoder = OneHotEncoder()

    def look() -> None:
        data = db.SequenceDataset(path, transform=encoder, lazy=False)
        data.summary()
        data.validate()

    write_reads(folder / "packed.fastq", 50_000)
    packed.write_bytes(gzip.compress((folder / "packed.fastq").read_bytes(), 6))
    cache = db.Cache.save(db.SequenceDataset(packed, transform=encoder), folder / "cache")

    def batches(data: object, is_read: bool = False, count: int = 50_000) -> None:
        for begin in range(0, count, BATCH):
            batch = data.batch(range(begin, min(begin + BATCH, count)))
            if is_read:  # every byte
                batch.sequences.sum(), batch.quality.sum()

    def encoded() -> db.SequenceDataset:
        return db.SequenceDataset(packed, transform=encoder)

    ways = {
        "FASTQ.gz, first batch": timed(lambda: batches(encoded(), count=BATCH)),
        "cache, first batch": timed(lambda: batches(db.Cache.load(cache), count=BATCH)),
        "FASTQ.gz, all batches": timed(lambda: batches(encoded())),
        "cache, all batches": timed(lambda: batches(db.Cache.load(cache))),
        "FASTQ.gz, all batches, summed": timed(lambda: batches(encoded(), True)),
        "cache, all batches, summed": timed(lambda: batches(db.Cache.load(cache), True)),
    }
    goals = {
        "cache, first batch / FASTQ.gz, first batch": 10,
        "cache, all batches / FASTQ.gz, all batches": 10,
        "cache, all batches, summed / FASTQ.gz, all batches, summed": 1,
    }
    return {
        "open + summary + validate of 10,000 reads": ("times/s", 1, {"ours": timed(look)}, {}),
        "50,000 reads again": ("times/s", 1, ways, goals),
    }


def measured(
    name: str, row: tuple[str, float, dict[str, Way], dict[str, float]], rounds: int
) -> dict[str, object]:
    unit, work, ways, goals = row
    turns: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(rounds + 1):
        for way, call in ways.items():
            seconds = call()
            if turn > 0:  # the first one warms up
                turns[way].append(seconds)
    rates = {way: work / statistics.median(seconds) for way, seconds in turns.items()}
    out: dict[str, object] = {"row": name, "unit": unit}
    out["ways"] = {
        way: {"rate": rates[way], "range": [work / max(seconds), work / min(seconds)]}
        for way, seconds in turns.items()
    }
    out["goals"] = {
        goal: {
            "ratio": round(rates[goal.split(" / ")[0]] / rates[goal.split(" / ")[1]], 2),
            "at_least": least,
        }
        for goal, least in goals.items()
    }
    print(
        f"{name} ({unit}): " + ", ".join(f"{way} {rate:,.1f}" for way, rate in rates.items()),
        file=sys.stderr,
    )
    for goal, reached in out["goals"].items():
        print(f"    {goal}: {reached['ratio']} (at least {reached['at_least']})", file=sys.stderr)
    return out


PEAK = """
import sys
import deepbio_torch as db
import torch
def kib(what):
    return int(next(line for line in open("/proc/self/status") if line.startswith(what)).split()[1])
encoder = db.transforms.OneHotEncoder(quality=None)
warm = db.transforms.OneHotEncoder().encode_batch([b"ACGT"])
open("/proc/self/clear_refs", "w").write("5")  # the peak of importing torch is forgotten
before = kib("VmRSS")
data = db.StreamingSequenceDataset(sys.argv[1], transform=encoder, shuffle_buffer=int(sys.argv[2]))
for batch in db.DataLoader(data, batch_size=256, num_workers=2):
    pass
print(kib("VmHWM") - before)
"""


def peak_memory(path: Path) -> dict[str, object]:
    """Memory that streaming takes on top of what is loaded already."""
    taken = {}
    for buffer in (0, 10_000):
        command = [sys.executable, "-P", "-c", PEAK, path, str(buffer)]
        taken[buffer] = (
            int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) / 1024
        )
    batch = BATCH * WIDTH * 16 / 2**20
    allowed = 64 + 2 * 4 * batch  # two threads, two batches ahead each
    print(f"streaming, 2 threads: {taken[0]:.1f} MiB, allowed {allowed:.1f} MiB", file=sys.stderr)
    mib = {"no shuffle_buffer": taken[0], "shuffle_buffer 10000": taken[10_000]}
    return {"row": "memory of streaming", "unit": "MiB", "ways": mib, "goals": {"at_most": allowed}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--reads", type=int, default=300_000)
    parser.add_argument("--only", default="")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "results" / "loader.json"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    if dnaio is None:
        print("dnaio is missing: pip install dnaio", file=sys.stderr)
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name), Path(name) / "reads.fastq"
        write_reads(path, options.reads)
        rows = {**from_file(folder, path, options.reads), **from_memory(path, options.reads)}
        rows |= {**augmented(path, options.reads), **looked_at(folder)}
        results = [measured(row, rows[row], options.rounds) for row in rows if options.only in row]
        if options.only in "memory of streaming":
            results.append(peak_memory(path))
    kept = (
        json.loads(options.output.read_text())["results"]
        if options.output.exists() and options.only
        else []
    )
    new = {result["row"] for result in results}
    results = [result for result in kept if result["row"] not in new] + results
    versions = {
        "deepbio_torch": db.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
    about = {"machine": {**machine(), "threads": 1}, "versions": versions, "reads": options.reads}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(
        json.dumps({**about, "rounds": options.rounds, "results": results}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
