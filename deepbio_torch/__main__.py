"""The command ``deepbio``.

Python-only commands run here, every other one in the packaged binary.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence

from ._binary import binary, binary_environment
from ._command_arguments import Parser, add_threads, refuse_existing
from .errors import DeepBioError


def run_report(arguments: Sequence[str]) -> None:
    """``deepbio report RUN [-o FILE] [--table FILE] [--overwrite]``."""
    parser = Parser(
        "deepbio report", description="One HTML page about a run: curves, predictions, a map."
    )
    parser.add_argument("run", metavar="RUN", help="folder of `deepbio train` or `pretrain`")
    parser.add_argument("-o", "--output", metavar="FILE", help="the page (default RUN/report.html)")
    parser.add_argument("--table", metavar="FILE", help="samples of the map (default: the run's)")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing page")
    given = parser.parse_args(arguments)
    refuse_existing(given)

    from .report import write_report

    print(write_report(given.run, given.output, table=given.table, overwrite=given.overwrite))


def run_study(arguments: Sequence[str]) -> None:
    """``deepbio study``: see :mod:`deepbio_torch._study_commands`."""
    from ._study_commands import study

    study(arguments)


def run_importance(arguments: Sequence[str]) -> None:
    """``deepbio importance``: see :mod:`deepbio_torch._study_commands`."""
    from ._study_commands import importance

    importance(arguments)


def run_rarefaction_curve(arguments: Sequence[str]) -> None:
    """``deepbio rarefaction-curve``: see :mod:`deepbio_torch._community_commands`."""
    from ._community_commands import rarefaction_curve

    rarefaction_curve(arguments)


def run_procrustes(arguments: Sequence[str]) -> None:
    """``deepbio procrustes``: see :mod:`deepbio_torch._community_commands`."""
    from ._community_commands import procrustes

    procrustes(arguments)


def run_export(arguments: Sequence[str]) -> None:
    """``deepbio export --format pt2|aoti|onnx``; the binary writes TorchScript."""
    parser = Parser(
        "deepbio export", description="A trained model as a file that runs without this library."
    )
    parser.add_argument("--model", required=True, metavar="RUN", help="run directory")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the file to write")
    parser.add_argument("--format", choices=("torchscript", *PYTHON_FORMATS), help="what to write")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--quiet", action="store_true", help="nothing on stderr")
    add_threads(parser)
    given = parser.parse_args(arguments)
    from . import export

    if given.threads:
        import torch

        torch.set_num_threads(given.threads)
    getattr(export, given.format)(given.model, given.output, overwrite=given.overwrite)
    if given.json:
        print(json.dumps({"output": given.output, "format": given.format}))
    if not given.quiet:
        print(f"{given.output}: written, reloaded and compared on three shapes", file=sys.stderr)


def run_completion(arguments: Sequence[str]) -> None:
    """``deepbio completion bash|zsh|fish``."""
    from ._completion import SCRIPTS

    parser = Parser(
        "deepbio completion", description="A script that lets a shell complete what is typed."
    )
    parser.add_argument(
        "shell",
        metavar="bash|zsh|fish",
        choices=tuple(SCRIPTS),
        help="the shell that reads the script",
    )
    print(SCRIPTS[parser.parse_args(arguments).shell], end="")


def run_merge_distances(arguments: Sequence[str]) -> None:
    """``deepbio merge-distances``: see :mod:`deepbio_torch._community_commands`."""
    from ._community_commands import merge_distances

    merge_distances(arguments)


def run_score_variants(arguments: Sequence[str]) -> None:
    """``deepbio score-variants``: see :mod:`deepbio_torch._genome_commands`."""
    from ._genome_commands import score_variants

    score_variants(arguments)


PYTHON_FORMATS = ("pt2", "aoti", "onnx")
PYTHON_COMMANDS = {
    "report": run_report,
    "study": run_study,
    "importance": run_importance,
    "rarefaction-curve": run_rarefaction_curve,
    "procrustes": run_procrustes,
    "merge-distances": run_merge_distances,
    "score-variants": run_score_variants,
    "completion": run_completion,
}


def command_of(arguments: Sequence[str]) -> Callable[[Sequence[str]], None] | None:
    """The command that runs here, or None for the binary's."""
    if not arguments:
        return None
    if arguments[0] == "export":
        words = [word for each in arguments for word in each.split("=", 1)]
        formats = [
            value for option, value in zip(words, words[1:], strict=False) if option == "--format"
        ]
        return run_export if formats and formats[-1] != "torchscript" else None
    return PYTHON_COMMANDS.get(arguments[0])


def run_with_others(arguments: Sequence[str]) -> int:
    """One of torchrun's processes: see :mod:`deepbio_torch._processes`."""
    from ._processes import run_command

    try:
        return run_command(arguments)
    except DeepBioError as error:
        print(f"deepbio: error: {error}", file=sys.stderr)
        return 1


def main() -> int:
    """Runs one command and returns its exit code; the binary replaces this process."""
    arguments = sys.argv[1:]
    if arguments and "RANK" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1":
        return run_with_others(arguments)
    command = command_of(arguments)
    try:
        if command is None:
            os.execve(binary(), ["deepbio", *arguments], binary_environment())
        command(arguments[1:])
    except (DeepBioError, ImportError) as error:
        print(f"deepbio: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
