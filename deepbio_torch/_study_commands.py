"""``deepbio study`` and ``deepbio importance``: what is typed, what is printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ._command_arguments import Parser, add_seed, add_threads, refuse_existing
from ._model.baselines import BASELINES
from .errors import WriteError

_STUDY = (
    "Judges the default model and baselines on folds; writes scores, "
    "predictions, importances and a page."
)
_STUDY_MORE = (
    "Any option of `deepbio train` may follow and is passed on to it. "
    "Example: deepbio study --table table.qza --metadata metadata.tsv --metadata-column age "
    "--group-column host --tree tree.qza -o study"
)
_IMPORTANCE = (
    "ASVs and clades by how much the loss of a run rises when they are shuffled between samples."
)


def study(arguments: Sequence[str]) -> None:
    """``deepbio study --table --metadata --metadata-column -o DIR``."""
    parser = Parser("deepbio study", description=_STUDY, epilog=_STUDY_MORE, allow_abbrev=False)
    add = parser.add_argument
    add("--table", required=True, metavar="FILE", help="BIOM, TSV or a QIIME 2 artifact")
    add("--metadata", required=True, metavar="FILE", help="sample metadata")
    add("--metadata-column", required=True, metavar="NAME", help="the target")
    add("-o", "--output-dir", required=True, metavar="DIR", help="new folder for all results")
    add(
        "--group-column",
        metavar="NAME",
        help="samples of one group are never on both sides of a fold",
    )
    add(
        "--folds", type=int, default=5, metavar="INT", help="each sample is tested once (default 5)"
    )
    add(
        "--classifier",
        action="store_true",
        help="the column holds classes (default: when it is not numeric)",
    )
    add("--stratify", action="store_true", help="with groups: balance the classes over the folds")
    _add_inputs(parser)
    add(
        "--baselines",
        default="all",
        metavar="NAME,...",
        help=f"all, none, or some of {', '.join(BASELINES)}",
    )
    add(
        "--candidates",
        type=int,
        default=30,
        metavar="INT",
        help="ASVs and clades to shuffle; 0: none (default 30)",
    )
    add("--keep-runs", action="store_true", help="keep the model of each fold in DIR/runs")
    given, extra = parser.parse_known_args(arguments)
    options = _train_options(parser, extra)
    if given.threads:
        options["threads"] = given.threads
    folder = Path(given.output_dir)
    if folder.is_file():
        raise WriteError(f"{folder}: expected a folder to write to, got a file")
    if folder.is_dir() and any(folder.iterdir()) and not given.overwrite:
        raise WriteError(f"{folder}: exists and is not empty; --overwrite replaces the study in it")

    from .study import cross_validate

    names = {"all": list(BASELINES), "none": []}.get(given.baselines, given.baselines.split(","))
    result = cross_validate(
        given.table,
        given.metadata,
        given.metadata_column,
        group_column=given.group_column,
        folds=given.folds,
        classifier=given.classifier or None,
        stratify=given.stratify,
        tree=given.tree,
        sequences=given.sequences,
        taxonomy=given.taxonomy,
        baselines=names,
        candidates=given.candidates,
        runs_dir=folder / "runs" if given.keep_runs else None,
        seed=given.seed,
        options=options,
        progress=_progress(given.quiet),
    )
    page = result.write(folder, overwrite=True)
    if given.json:
        print((folder / "study.json").read_text(encoding="utf-8"), end="")
        return
    for row in result.to_table():
        print("\t".join(row))
    for note in result.notes:
        print(f"note: {note}", file=sys.stderr)
    print(page, file=sys.stderr)


def importance(arguments: Sequence[str]) -> None:
    """``deepbio importance --model RUN --table --metadata``."""
    parser = Parser("deepbio importance", description=_IMPORTANCE, allow_abbrev=False)
    add = parser.add_argument
    add("--model", required=True, metavar="RUN", help="run directory of `deepbio train`")
    add(
        "--table",
        required=True,
        metavar="FILE",
        help="samples to judge on, best those that training did not see",
    )
    add("--metadata", required=True, metavar="FILE", help="sample metadata with the target")
    add("--metadata-column", metavar="NAME", help="the target (default: the run's)")
    add(
        "--samples",
        metavar="FILE",
        help="ids of the samples to use, one a line (default: all labelled ones)",
    )
    add("-o", "--output", metavar="FILE", help="TSV (default: stdout)")
    _add_inputs(parser)
    add(
        "--candidates",
        type=int,
        default=50,
        metavar="INT",
        help="ASVs, and clades, that are shuffled (default 50)",
    )
    add("--repeats", type=int, default=5, metavar="INT", help="shuffles of each (default 5)")
    given = parser.parse_args(arguments)
    refuse_existing(given)

    from ._model.study_result import importance_rows
    from ._output import write_text
    from .study import importance as importance_of

    samples = (
        None if given.samples is None else Path(given.samples).read_text(encoding="utf-8").split()
    )
    found = importance_of(
        given.model,
        given.table,
        given.metadata,
        metadata_column=given.metadata_column,
        tree=given.tree,
        taxonomy=given.taxonomy,
        sequences=given.sequences,
        samples=samples,
        candidates=given.candidates,
        repeats=given.repeats,
        seed=given.seed,
    )
    if given.json:
        text = json.dumps([each._asdict() for each in found], indent=1) + "\n"
    else:
        text = "".join("\t".join(row) + "\n" for row in importance_rows(found))
    if given.output:
        write_text(Path(given.output), text)
    else:
        print(text, end="")


def _add_inputs(parser: Parser) -> None:
    add = parser.add_argument
    add("--tree", metavar="FILE", help="Newick or a QIIME 2 artifact: clades too")
    add("--sequences", metavar="FASTA", help="DNA of features whose ids are not DNA")
    add(
        "--taxonomy",
        metavar="FILE",
        help="names of ASVs: TSV (Feature ID, Taxon) or a QIIME 2 artifact",
    )
    add_seed(parser, bits=32)  # as scikit-learn takes them
    add_threads(parser)
    add("--json", action="store_true", help="one JSON document on stdout instead of a table")
    add("--quiet", action="store_true", help="no progress on stderr")
    add("--overwrite", action="store_true", help="replace existing results")


def _train_options(parser: Parser, extra: Sequence[str]) -> dict[str, Any]:
    """What is left over, as options of ``deepbio train``.

    ``--name value``, ``--name=value`` or ``--name``.
    """
    options: dict[str, Any] = {}
    words = list(extra)
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            parser.error(f"unexpected argument {word!r}")
        name, equals, value = word[2:].partition("=")
        if equals:
            options[name] = value
        elif words and not words[0].startswith("--"):
            options[name] = words.pop(0)
        else:
            options[name] = True
    return options


def _progress(is_quiet: bool) -> Callable[[str], None] | None:
    return None if is_quiet else lambda line: print(line, file=sys.stderr, flush=True)
