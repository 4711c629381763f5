"""``deepbio score-variants``: what is typed, what is printed."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ._command_arguments import Parser
from .errors import ArgumentError, MissingFileError, WriteError

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
    add("--device", metavar="NAME", help="cpu or cuda (default: where the model is)")
    add("--cache-dir", metavar="DIR", help="of the packed genome (default: beside it)")
    add("--threads", type=int, default=0, metavar="INT", help="threads (default: all cores)")
    add("--json", action="store_true", help="one JSON document on stdout instead of a table")
    add("--quiet", action="store_true", help="no notes on stderr")
    add("--overwrite", action="store_true", help="replace an existing file")
    given = parser.parse_args(arguments)
    if given.output and Path(given.output).exists() and not given.overwrite:
        raise WriteError(f"{given.output}: exists; --overwrite replaces it")
    _score(given)


def _score(given: Any) -> None:
    import sys

    import torch

    from ._model.variant_scores import score_variants as scores_of
    from ._reads.variants import VariantDataset

    if given.threads:
        torch.set_num_threads(given.threads)
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
        load_model(given.model),
        data,
        batch_size=given.batch_size,
        tracks=_names(given.tracks),
        reverse_complement=given.reverse_complement,
        device=given.device,
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


def load_model(path: str) -> Any:
    """What a file of TorchScript or of torch.export holds, to be called on windows.

    Raises:
        MissingFileError, ArgumentError: no such file, or another one.
    """
    import torch

    if not Path(path).is_file():
        raise MissingFileError(f"{path}: no such file")
    try:
        with zipfile.ZipFile(path) as file:
            names = file.namelist()
        is_exported = any(name.endswith(("archive_format", "serialized_exported_program.json"))
                          for name in names)  # fmt: skip
        if is_exported:
            module = torch.export.load(path).module()  # knows no training mode to leave
            return lambda windows: module(windows)
        return torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    except (zipfile.BadZipFile, RuntimeError, ValueError, KeyError) as problem:
        reason = str(problem).strip().splitlines() or [type(problem).__name__]
        raise ArgumentError(
            f"{path}: expected a model of TorchScript or torch.export, got {reason[0]:.120}"
        ) from None
