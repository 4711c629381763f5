"""``deepbio score-variants``: what is typed, what is printed."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ._command_arguments import Parser, add_threads, refuse_existing
from .errors import ArgumentError, MissingFileError

_SCORE = (
    "What a model makes of variants: its output with the alternative less that with the reference."
)
_MORE = (
    "The model is a file of TorchScript or of torch.export (.pt2) that takes one-hot windows "
    "[B, 4, L] and gives [B], [B, K] or [B, K, P]; with the Python package any module can be "
    "scored (db.score_variants). Example: deepbio score-variants --model model.pt --fasta hg38.fa "
    "--variants variants.vcf.gz --window 2114 -o effects.tsv"
)


def score_variants(arguments: Sequence[str]) -> None:
    """``deepbio score-variants --model FILE --fasta FILE --variants FILE --window L``."""
    parser = Parser("deepbio score-variants", description=_SCORE, epilog=_MORE, allow_abbrev=False)
    add = parser.add_argument
    add("--model", required=True, metavar="FILE", help="TorchScript or torch.export (.pt2)")
    add("--fasta", required=True, metavar="FILE", help="genome: FASTA or .2bit")
    add("--variants", required=True, metavar="FILE", help="VCF or BCF")
    add("--window", required=True, type=int, metavar="INT", help="positions of a window")
    add("-o", "--output", metavar="FILE", help="TSV (default: stdout)")
    add("--tracks", metavar="NAME,...", help="names of the outputs (default: 0, 1, ...)")
    add("--batch-size", type=int, default=64, metavar="INT", help="pairs at a time (default 64)")
    both = "mean of both strands"
    add("--reverse-complement", action="store_true", help=both)
    add("--passing", action="store_true", help="only variants whose FILTER is PASS or .")
    add("--chromosomes", metavar="NAME,...", help="variants on others are left out")
    named = "exact, or match for names with and without chr (default exact)"
    add("--chromosome-names", choices=("exact", "match"), default="exact", help=named)
    other = "a reference allele that is not the genome's: error, or skip (default error)"
    add("--reference-mismatch", choices=("error", "skip"), default="error", help=other)
    add("--device", metavar="NAME", help="where to work: cpu, cuda, ... (default cpu)")
    add("--cache-dir", metavar="DIR", help="of the packed genome (default: beside it)")
    add_threads(parser)
    add("--json", action="store_true", help="one JSON document on stdout instead of a table")
    add("--quiet", action="store_true", help="no notes on stderr")
    add("--overwrite", action="store_true", help="replace an existing file")
    given = parser.parse_args(arguments)
    refuse_existing(given)
    _score(given)


def _score(given: Any) -> None:
    import sys

    import torch

    from . import _C
    from ._model.variant_scores import score_variants as scores_of
    from ._reads.variants import VariantDataset

    if given.threads:
        torch.set_num_threads(given.threads)
    device = _C.device_name(given.device or "cpu", "cpu")
    data = VariantDataset(
        given.fasta,
        given.variants,
        window=given.window,
        passing=given.passing,
        chromosomes=_names(given.chromosomes),
        chromosome_names=given.chromosome_names,
        reference_mismatch=given.reference_mismatch,
        cache_dir=given.cache_dir,
    )
    effects = scores_of(
        load_model(given.model, device),
        data,
        batch_size=given.batch_size,
        tracks=_names(given.tracks),
        reverse_complement=given.reverse_complement,
        device=device,
        num_workers=1,
    )
    if not given.quiet:
        for note in data.notes:
            print(f"note: {note}", file=sys.stderr)
    if given.output:
        effects.write(given.output)
    if given.json:
        print(json.dumps({"notes": data.notes, **effects.columns()}))
    elif not given.output:
        print(effects.to_text(), end="")


def _names(text: str | None) -> list[str] | None:
    return None if text is None else text.split(",")


def load_model(path: str, device: str) -> Callable[[Any], Any]:
    """What a file of TorchScript or of torch.export holds, to be called on windows [B, 4, L].

    Raises:
        MissingFileError, ArgumentError: no such file, or another one; when it is called, windows
            that the model does not take.
    """
    if not Path(path).is_file():
        raise MissingFileError(f"{path}: no such file")
    try:
        module = _module_of(path, device)
    except (zipfile.BadZipFile, RuntimeError, ValueError, KeyError) as problem:
        raise ArgumentError(
            f"{path}: expected a model of TorchScript or torch.export, got {_reason(problem)}"
        ) from None

    def called(windows: Any) -> Any:
        try:
            return module(windows)
        except (RuntimeError, AssertionError, ValueError) as problem:
            shape = list(windows.shape)
            raise ArgumentError(
                f"{path}: the model does not take windows {shape}: {_reason(problem)}"
            ) from None

    return called


def _module_of(path: str, device: str) -> Any:
    import torch
    from torch.export.passes import move_to_device_pass

    with zipfile.ZipFile(path) as file:
        names = file.namelist()
    if any(name.endswith("constants.pkl") for name in names):
        module = torch.jit.load(path, map_location=device)  # type: ignore[no-untyped-call]
        return module.eval()
    if any(name.endswith(("archive_format", "serialized_exported_program.json")) for name in names):
        return move_to_device_pass(torch.export.load(path), device).module()
    raise ValueError("another zip file, such as the weights alone")


def _reason(problem: Exception) -> str:
    """The line that says what is wrong: TorchScript puts its own stack in front of it."""
    lines = str(problem).strip().splitlines() or [type(problem).__name__]
    told = [line for line in lines if line.startswith("RuntimeError: ")] or lines[:1]
    return f"{told[-1].removeprefix('RuntimeError: '):.160}"
