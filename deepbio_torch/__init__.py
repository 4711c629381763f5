"""Sequence files and microbiome tables to torch tensors and trained models, native C++ on LibTorch.

``import deepbio_torch as db`` costs next to nothing: every name below is loaded with its module on
first use. docs/python.md says what each of them is.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from . import (
        cache,
        community,
        compat,
        data,
        errors,
        export,
        insilico,
        losses,
        metrics,
        models,
        report,
        sklearn,
        study,
        targets,
        tokenizers,
        training,
        transforms,
    )
    from .cache import Cache
    from .community import (
        DistanceMatrix,
        Metadata,
        Ordination,
        Table,
        Tree,
        UnifracBatch,
        adonis,
        alpha_diversity,
        anosim,
        beta_diversity,
        clr,
        faith_pd,
        hellinger,
        mantel,
        pcoa,
        permanova,
        permdisp,
        procrustes,
        rarefaction_curve,
        rclr,
        read_metadata,
        read_table,
        read_tree,
        unifrac,
    )
    from .data import (
        Batch,
        DataLoader,
        FastaFile,
        GenomeDataset,
        Record,
        RecordBatch,
        Sample,
        SampleDataset,
        SequenceDataset,
        SequenceReader,
        SequenceWriter,
        StreamingSequenceDataset,
        VariantDataset,
        collate,
        pad_collate,
        truncate_collate,
    )
    from .insilico import VariantEffects, score_variants
    from .study import StudyResult, cross_validate, importance, integrated_gradients
    from .training import Trainer, embed, predict

_NAMES = {
    "cache": ("Cache",),
    "community": (
        "DistanceMatrix", "Metadata", "Ordination", "Table", "Tree", "UnifracBatch", "adonis",
        "alpha_diversity", "anosim", "beta_diversity", "clr", "faith_pd", "hellinger", "mantel",
        "pcoa", "permanova", "permdisp", "procrustes", "rarefaction_curve", "rclr", "read_metadata",
        "read_table", "read_tree", "unifrac",
    ),
    "compat": (),
    "data": (
        "Batch", "DataLoader", "FastaFile", "GenomeDataset", "Record", "RecordBatch", "Sample",
        "SampleDataset", "SequenceDataset", "SequenceReader", "SequenceWriter",
        "StreamingSequenceDataset", "VariantDataset", "collate", "pad_collate", "truncate_collate",
    ),
    "errors": (),
    "export": (),
    "insilico": ("VariantEffects", "score_variants"),
    "losses": (),
    "metrics": (),
    "models": (),
    "report": (),
    "sklearn": (),
    "study": ("StudyResult", "cross_validate", "importance", "integrated_gradients"),
    "targets": (),
    "tokenizers": (),
    "training": ("Trainer", "embed", "predict"),
    "transforms": (),
}  # fmt: skip
_HOME = {name: module for module, names in _NAMES.items() for name in names}


def _torch_version() -> str:
    """Of the torch that would be imported, which takes a second; empty where there is none."""
    if "torch" in sys.modules:
        return str(sys.modules["torch"].__version__)
    torch = importlib.util.find_spec("torch")
    for folder in torch.submodule_search_locations or () if torch else ():
        for line in (Path(folder) / "version.py").read_text().splitlines():
            if line.startswith("__version__ = "):
                return line.split("'")[1]
    return ""


def _check_torch() -> None:
    """Refuses a torch of another minor version than the C++ library was built with."""
    try:
        built: str = importlib.import_module("._build", __name__).TORCH_VERSION
    except ModuleNotFoundError:  # a source tree; what is installed has this file
        return
    found = _torch_version()
    if not found:
        raise ImportError(
            f"deepbio_torch needs torch {built}, and no torch is installed: pip install "
            f"torch=={built}"
        )
    if found.split(".")[:2] != built.split(".")[:2]:
        raise ImportError(
            f"deepbio_torch was built with torch {built}, and torch {found} is installed: "
            f"pip install torch=={built}, or build deepbio_torch again (pip install "
            "--no-build-isolation --force-reinstall --no-deps .)"
        )


_check_torch()


def __getattr__(name: str) -> Any:
    if name == "_C":  # by the modules that import it, the first time
        return importlib.import_module("._library", __name__).extension()
    if name in _NAMES:
        return importlib.import_module(f".{name}", __name__)
    if name in _HOME:
        value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES, *_HOME})


__all__ = [
    "Batch",
    "Cache",
    "DataLoader",
    "DistanceMatrix",
    "FastaFile",
    "GenomeDataset",
    "Metadata",
    "Ordination",
    "Record",
    "RecordBatch",
    "Sample",
    "SampleDataset",
    "SequenceDataset",
    "SequenceReader",
    "SequenceWriter",
    "StreamingSequenceDataset",
    "StudyResult",
    "Table",
    "Trainer",
    "Tree",
    "UnifracBatch",
    "VariantDataset",
    "VariantEffects",
    "__version__",
    "adonis",
    "alpha_diversity",
    "anosim",
    "beta_diversity",
    "cache",
    "clr",
    "collate",
    "community",
    "compat",
    "cross_validate",
    "data",
    "embed",
    "errors",
    "export",
    "faith_pd",
    "hellinger",
    "importance",
    "insilico",
    "integrated_gradients",
    "losses",
    "mantel",
    "metrics",
    "models",
    "pad_collate",
    "pcoa",
    "permanova",
    "permdisp",
    "predict",
    "procrustes",
    "rarefaction_curve",
    "rclr",
    "read_metadata",
    "read_table",
    "read_tree",
    "report",
    "score_variants",
    "sklearn",
    "study",
    "targets",
    "tokenizers",
    "training",
    "transforms",
    "truncate_collate",
    "unifrac",
]
