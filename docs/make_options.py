"""Writes docs/options.md and deepbio_torch/_model/config.pyi from the option rows of C++.

Run it after an option was added or changed:  python docs/make_options.py
tests/python/test_options.py says when it was forgotten.
"""

import textwrap
from pathlib import Path

from deepbio_torch._options import Row, rows

ROOT = Path(__file__).resolve().parents[1]
KINDS = {
    "model": (
        "Model",
        "Keywords of `db.models.ModelConfig`, `SequenceEncoder` and `SequencePredictor`, the part "
        "`model` of a run's `config.json`, members of `model::ModelConfig`.",
    ),
    "training": (
        "Training",
        "Keywords of `db.Trainer`, members of `train::TrainingOptions`.",
    ),
    "loss": (
        "Losses",
        "Keywords of `db.losses.MultiTaskLoss` and `db.Trainer`, members of `train::LossOptions`.",
    ),
    "study": (
        "Samples",
        "Which samples a study works on and how they are read: members of `train::StudyOptions`; "
        "`db.SampleDataset` checks its keywords by them.",
    ),
    "encoder": (
        "Encoders of reads",
        "Options of `deepbio encode`, members of `data::EncoderOptions`.",
    ),
}


def value_text(value: object) -> str:
    """A default as the list shows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value == {} else str(value)


def wrapped(text: str, indent: str = "") -> str:
    """Prose in lines of at most 100 columns, those after the first indented."""
    return textwrap.fill(text, 100, subsequent_indent=indent, break_on_hyphens=False)


def entry(row: Row) -> str:
    """An option as an entry of the list of its kind."""
    names = ", ".join(f"`{name}`" for name in (row.name, *row.other_names))
    star = "" if row.on_command else r" \*"
    default = "" if row.sets else value_text(row.default)
    values = f"{row.values or row.type}; default {default}" if default else row.values or row.type
    return wrapped(f"* {names}{star}: {row.help} ({values})", "  ")


def page() -> str:
    """docs/options.md."""
    parts = [
        "# Options",
        "",
        wrapped(
            "Every option of models, training, losses, samples and encoders has one name: "
            "`batch_size` is a keyword in Python, a key of `--config FILE.json`, "
            "and `--batch-size` on the command line. Those with a star are not typed there: they "
            "follow from the data or from other options. Defaults are those of Python and C++; the "
            "presets of `deepbio train` and `pretrain` have their own, which `--help` shows. Names "
            "after a comma are AAM's; both are understood. This page is written by "
            "docs/make_options.py. An entry gives the meaning, then in parentheses the values and "
            "the default."
        ),
    ]
    for kind, (title, where) in KINDS.items():
        parts += ["", f"## {title}", wrapped(where), ""]
        parts += [entry(row) for row in rows(kind)]
    return "\n".join(parts) + "\n"


def stub() -> str:
    """deepbio_torch/_model/config.pyi."""
    fields = [row for row in rows("model") if not row.sets]
    parts = [
        "# Written by docs/make_options.py from the option rows of C++.",
        "from collections.abc import Mapping",
        "from dataclasses import dataclass",
        "from typing import Any",
        "",
        "@dataclass",
        "class ModelConfig:",
        *(f"    {row.name}: {row.type}" for row in fields),
        "    def __init__(",
        "        self,",
        "        *,",
    ]
    for row in rows("model"):
        parts += [
            f"        {name}: {row.type} | None = ...," for name in (row.name, *row.other_names)
        ]
    parts += ["    ) -> None: ..."]
    for row in fields:
        for other in (*row.other_names, *row.old_names):
            parts += ["    @property", f"    def {other}(self) -> {row.type}: ..."]
    parts += [
        "    @property",
        "    def is_plain(self) -> bool: ...",
        "    def to_dict(self) -> dict[str, Any]: ...",
        "    @classmethod",
        "    def from_dict(cls, options: Mapping[str, Any]) -> ModelConfig: ...",
        "    def check(self) -> ModelConfig: ...",
    ]
    return "\n".join(parts) + "\n"


FILES = {"docs/options.md": page, "deepbio_torch/_model/config.pyi": stub}

if __name__ == "__main__":
    for name, text in FILES.items():
        (ROOT / name).write_text(text())
