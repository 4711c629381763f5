"""Training that is killed at random moments, and saves whose system calls fail one after the other.

    # SIGKILL at random times, then --resume: the same weights
    python tests/kill/run.py kills [--count N] [--seed S]
    python tests/kill/run.py ranks [--count N] [--seed S]   # one of two, under torchrun
    # every k-th write, fsync, rename, mkdir of a run fails
    python tests/kill/run.py calls
    # a file is synced before it gets its name
    python tests/kill/run.py order

`calls` and `order` need strace. Each part ends with one line of what was seen, and exit code 1 when
a run could not go on or ended with other weights than the run nobody disturbed.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

COMMAND = shutil.which("deepbio", path=str(Path(sys.executable).parent)) or "deepbio"
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
            "-m", "deepbio_torch"]  # fmt: skip
SAME = (
    "model.safetensors",
    "last/model.safetensors",
    "last/optimizer.safetensors",
    "last/average.safetensors",
)
STUDY = [
    "--epochs",
    "40",
    "--save-steps",
    "3",
    "--batch-size",
    "8",
    "--threads",
    "1",
    "--quiet",
    "--seed",
    "1",
]


class Study:
    """A simulated table, and the run that nobody disturbs."""

    def __init__(self, folder: Path, epochs: int, start: Sequence[str] = (COMMAND,)) -> None:
        """Simulates and trains once."""
        self.folder, self.start = folder, list(start)
        data = folder / "data"
        simulate = [
            COMMAND,
            "simulate",
            "-o",
            str(data),
            "--samples",
            "40",
            "--features",
            "60",
            "--quiet",
        ]
        subprocess.run(simulate, check=True)
        self.words = ["train", "--table", str(data / "table.biom"),
                      "--metadata", str(data / "metadata.tsv"), "--metadata-column", "age", *STUDY,
                      "--epochs", str(epochs)]  # fmt: skip
        begin = time.monotonic()
        subprocess.run(
            [*self.start, *self.words, "--output-dir", str(folder / "whole")],
            check=True,
            capture_output=True,
        )
        self.seconds = time.monotonic() - begin

    def next_words(self, run: Path) -> list[str]:
        """How a person goes on with what is there: from the start while there is no config, else
        resumed."""
        if (run / "config.json").exists():
            return ["train", "--resume", "--output-dir", str(run), "--threads", "1", "--quiet"]
        return [*self.words, "--output-dir", str(run), "--overwrite"]

    def finish(self, run: Path) -> str:
        """Goes on to the end; returns what is wrong with it, or an empty string."""
        done = subprocess.run(
            [*self.start, *self.next_words(run)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            return f"cannot go on: {done.stderr.strip()}"
        for name in SAME:
            if (run / name).read_bytes() != (self.folder / "whole" / name).read_bytes():
                return f"{name} differs"
        leftovers = [
            path.name
            for path in run.rglob("*")
            if path.name.startswith(".") or path.name == "last.new"
        ]
        return f"left behind: {leftovers}" if leftovers else ""


def _kill(process: subprocess.Popen[str], chance: random.Random, is_torchrun: bool) -> None:
    """SIGKILL to the process, or to one of those that torchrun started."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    pid = int(chance.choice(children)) if is_torchrun and children else process.pid
    os.kill(pid, signal.SIGKILL)


def kills(folder: Path, count: int, seed: int, start: Sequence[str] = (COMMAND,)) -> list[str]:
    """Runs that are killed again and again until count kills have hit."""
    study = Study(folder, epochs=40, start=start)
    chance = random.Random(seed)
    wrong, hits, runs = [], 0, 0
    while hits < count:
        run = folder / f"run_{runs}"
        runs += 1
        for _ in range(8):
            process = subprocess.Popen(
                [*start, *study.next_words(run)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            is_hit = False
            try:
                process.wait(chance.uniform(0, 0.7 * study.seconds))
            except subprocess.TimeoutExpired:
                is_hit = True
                _kill(process, chance, len(start) > 1)
            said = process.communicate(timeout=60)[1]  # the others end with it
            if is_hit and process.returncode != 0:
                hits += 1
            elif process.returncode == 0:
                break
            else:
                wrong.append(f"run {runs}: {said.strip()}")
        if fault := study.finish(run):
            wrong.append(f"run {runs}: {fault}")
        shutil.rmtree(run)
    print(f"kills: {hits} SIGKILLs in {runs} runs, {len(wrong)} wrong")
    return wrong


def _injected(
    study: Study, run: Path, call: str, error: str
) -> Iterator[tuple[int, subprocess.CompletedProcess[str]]]:
    """Runs whose k-th such call fails, k = 1, 2, ..., up to the first that has no k-th call."""
    trace = study.folder / "trace"
    for k in range(1, 10_000):
        words = ["strace", "-f", "-qq", "-o", str(trace), "-e", f"trace={call}", "-e"]
        words += [
            f"inject={call}:error={error}:when={k}",
            COMMAND,
            *study.words,
            "--output-dir",
            str(run),
        ]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        is_injected = "INJECTED" in trace.read_text()
        if is_injected:
            yield k, done
        shutil.rmtree(run, ignore_errors=True)
        if not is_injected:
            return


def calls(folder: Path) -> list[str]:
    """Every call that a run makes to keep something fails once."""
    study = Study(folder, epochs=2)
    wrong = []
    for call, error in (("write", "ENOSPC"), ("write", "EIO"), ("fsync", "EIO"),
                        ("rename", "ENOSPC"), ("mkdir", "ENOSPC"), ("unlink", "EIO"),
                        ("unlinkat", "EIO")):  # fmt: skip
        tried = refused = 0
        for k, done in _injected(study, folder / "run", call, error):
            tried += 1
            refused += done.returncode != 0
            where = f"{call} {k} {error}"
            if done.returncode not in (0, 1):
                wrong.append(f"{where}: exit code {done.returncode}")
            elif done.returncode == 1 and (
                done.stderr.count("\n") != 1 or "deepbio" not in done.stderr
            ):
                wrong.append(f"{where}: said {done.stderr!r}")
            if fault := study.finish(folder / "run"):
                wrong.append(f"{where}: {fault}")
        print(
            f"calls: {call} {error}: {tried} runs, {refused} refused, {len(wrong)} wrong so far",
            flush=True,
        )
    return wrong


def order(folder: Path) -> list[str]:
    """What is renamed into place was synced before, and its folder is synced after."""
    study = Study(folder, epochs=2)
    trace, run = folder / "trace", folder / "run"
    words = ["strace", "-f", "-qq", "-y", "-o", str(trace), "-e", "trace=fsync,rename,renameat2"]
    subprocess.run(
        [*words, COMMAND, *study.words, "--output-dir", str(run)], check=True, capture_output=True
    )
    wrong, synced, waiting, renames = [], set(), {}, 0
    for line in trace.read_text().splitlines():
        if sync := re.search(r"fsync\(\d+<([^>]+)>\)\s+= 0", line):
            synced.add(sync[1])
            waiting.pop(sync[1], None)
        elif move := re.search(r'rename\("([^"]+)", "([^"]+)"\)\s+= 0', line):
            source, target = Path(move[1]), Path(move[2])
            renames += 1
            parts = [
                path for path in synced if Path(path) == source or source in Path(path).parents
            ]
            if not parts and "last" not in source.name:
                wrong.append(f"{source.name} was renamed to {target.name} before it was synced")
            waiting[str(target.parent)] = target.name
    wrong += [f"the folder of {name} was not synced after the rename" for name in waiting.values()]
    print(f"order: {renames} renames, {len(wrong)} wrong")
    return wrong


def main() -> None:
    """Runs one part in a scratch folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=["kills", "ranks", "calls", "order"])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="deepbio_kill_") as name:
        folder = Path(name)
        parts = {"kills": lambda: kills(folder, given.count, given.seed),
                 "ranks": lambda: kills(folder, given.count, given.seed, TORCHRUN),
                 "calls": lambda: calls(folder), "order": lambda: order(folder)}  # fmt: skip
        wrong = parts[given.part]()
    for line in wrong[:40]:
        print(line, file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
