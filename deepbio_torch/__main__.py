"""The command ``deepbio``: Python-only commands run here, every other one in the packaged binary."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ._command_arguments import Parser
from .errors import DeepBioError

BINARY = Path(__file__).parent / "bin" / "deepbio"


def run_report(arguments: Sequence[str]) -> None:
    """``deepbio report RUN [-o FILE] [--table FILE] [--overwrite]``."""
    parser = Parser("deepbio report", description="One HTML page about a run: curves, predictions, a map.")
    parser.add_argument("run", metavar="RUN", help="folder of `deepbio train` or `pretrain`")
    parser.add_argument("-o", "--output", metavar="FILE", help="the page (default RUN/report.html)")
    parser.add_argument("--table", metavar="FILE", help="samples of the map (default: the run's)")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing page")
    given = parser.parse_args(arguments)
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


PYTHON_COMMANDS = {"report": run_report, "study": run_study, "importance": run_importance}


def main() -> int:
    """Runs one command and returns its exit code; the binary replaces this process."""
    arguments = sys.argv[1:]
    command = PYTHON_COMMANDS.get(arguments[0]) if arguments else None
    if command is None:
        if not BINARY.is_file():
            print(f"deepbio: error: {BINARY} is missing: install the package", file=sys.stderr)
            return 1
        os.execv(BINARY, ["deepbio", *arguments])
    try:
        command(arguments[1:])
    except (DeepBioError, ImportError) as error:
        print(f"deepbio: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
