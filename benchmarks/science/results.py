"""What benchmarks/science/science.py found: kept as JSON, shown as Markdown."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from deepbio_torch._model.scores import HIGHER_IS_BETTER, compare, summarize

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared/data/microbiome"
RESULTS = ROOT / "benchmarks/results/science.json"


def keep(part: str, name: str, found: Any) -> None:
    """Merges one result into the file."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results.setdefault(part, {})[name] = found
    text = json.dumps(results, indent=1, sort_keys=True).replace(
        f"{DATA}/", ""
    )  # notes name files as the command does
    RESULTS.write_text(text + "\n")


def print_table() -> None:
    """The studies as Markdown: mean ± sd over folds, the best baseline, paired differences."""
    results = json.loads(RESULTS.read_text())
    print(
        "| set | score | model | best baseline | model minus it, by fold | "
        "better in | CPU s a fold |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, found in results.get("studies", {}).items():
        score = found["main_score"]
        others = {
            method: each[score]["folds"] for method, each in results["baselines"][name].items()
        }
        sign = -1 if HIGHER_IS_BETTER[score] else 1
        best = min(others, key=lambda method: sign * np.mean(others[method]))
        ours = found["scores"]["model"][score]
        theirs, pair = summarize(others[best]), compare(ours["folds"], others[best], score)
        print(
            f"| {name} | {score} | {ours['mean']:.3f} ± {ours['sd']:.3f} | {theirs['mean']:.3f} ± "
            f"{theirs['sd']:.3f} ({best}) | {pair['mean']:+.3f} ± {pair['sd']:.3f} | "
            f"{pair['folds_better']} of {pair['num_folds']} | {found['cpu_seconds_per_fold']:.0f} |"
        )
