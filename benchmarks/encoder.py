"""A training step of the encoder stack: fused, and layer by layer through ATen and autograd,
interleaved in one run.

    python benchmarks/encoder.py --runs 3

Forward, backward to the input and to all parameters, dropout 0.1 at all four sites, exact GELU, key
mask. Counted: 3 U L A (8 D^2 + 4 D F + 4 L D) floating-point operations. The rate of a large
torch.mm is taken in the same run. Writes benchmarks/results/encoder.json; the two-thread rows say
nothing on a machine with one core.
"""

import argparse
import json
import os
import platform
import statistics
import time
from pathlib import Path

import torch

from deepbio_torch import _library

SHAPES = {
    "ASV encoder": (256, 101, 128, 4, 512, 4),
    "fewer ASVs": (64, 101, 128, 4, 512, 4),
    "length 151": (128, 151, 128, 4, 512, 4),
    "D 64": (256, 101, 64, 4, 256, 4),
    "D 256": (64, 101, 256, 8, 1024, 4),
    "two layers": (128, 101, 128, 4, 512, 2),
    "sample level": (8, 300, 128, 4, 512, 4),
}


def weights(layers: int, dim: int, width: int) -> list[torch.Tensor]:
    shapes = [
        (3 * dim, dim),
        (3 * dim,),
        (dim, dim),
        (dim,),
        (width, dim),
        (width,),
        (dim, width),
        (dim,),
    ]
    out = []
    for _ in range(layers):
        out += [
            torch.randn(shape) * (shape[-1] ** -0.5 if len(shape) > 1 else 0.1) for shape in shapes
        ]
        out += [torch.ones(dim), torch.zeros(dim), torch.ones(dim), torch.zeros(dim)]
    return [weight.requires_grad_() for weight in out]


class Step:
    """One shape; called with "fused" or "composite", it returns the seconds of a step."""

    def __init__(
        self, rows: int, length: int, dim: int, heads: int, width: int, layers: int
    ) -> None:
        torch.manual_seed(0)
        self.heads, self.weights = heads, weights(layers, dim, width)
        self.x, self.grad = (
            torch.randn(rows, length, dim, requires_grad=True),
            torch.randn(rows, length, dim),
        )
        self.mask = torch.ones(rows, length, dtype=torch.bool)
        self.operations = (
            3 * rows * length * layers * (8 * dim * dim + 4 * dim * width + 4 * length * dim)
        )

    def __call__(self, path: str) -> float:
        os.environ["DEEPBIO_ENCODER"] = path
        for leaf in (self.x, *self.weights):
            leaf.grad = None
        start = time.perf_counter()
        torch.ops.deepbio.encoder_stack(
            self.x, self.mask, self.weights, self.heads, 0, 0.1, True
        ).backward(self.grad)
        return time.perf_counter() - start


def product_rate(size: int = 2048) -> float:
    """GFLOP/s of a large float32 torch.mm, the best of three."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        torch.mm(a, b)
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds[1:]) / 1e9


def measure(name: str, runs: int, threads: int, composite: bool) -> dict[str, object]:
    torch.set_num_threads(threads)
    step = Step(*SHAPES[name])
    seconds: dict[str, list[float]] = {"fused": [], "composite": []}
    for run in range(runs + 1):
        for path in ("fused", "composite") if composite else ("fused",):
            taken = step(path)
            if run:
                seconds[path].append(taken)
    row: dict[str, object] = {
        "name": name,
        "shape": dict(zip("ULDHFA", SHAPES[name], strict=True)),
        "threads": threads,
    }
    for path, all_seconds in seconds.items():
        if all_seconds:
            middle = statistics.median(all_seconds)
            row[path] = {
                "median_s": round(middle, 4),
                "min_s": round(min(all_seconds), 4),
                "max_s": round(max(all_seconds), 4),
                "gflops": round(step.operations / middle / 1e9, 1),
            }
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=SHAPES)
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "results" / "encoder.json"
    )
    options = parser.parse_args()
    _library.load()
    torch.set_num_threads(1)
    product = product_rate()
    rows = [
        measure(name, options.runs, 1, composite=name in ("ASV encoder", "sample level"))
        for name in options.shapes
    ]
    rows += [measure("ASV encoder", options.runs, 2, composite=False)]
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    machine = {
        "cpu": next(
            (line.split(":")[1].strip() for line in lines if line.startswith("model name")), ""
        ),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "torch": torch.__version__,
    }
    result = {"machine": machine, "large_mm_gflops": round(product, 1), "results": rows}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
