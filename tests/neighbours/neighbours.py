"""Generated files of every kind through this library and through an independent tool, compared
value by value.

    python tests/neighbours/neighbours.py [--count 200] [--seed 1] [KIND...]

The generator writes what users have: odd ids, quotes, line ends, gzip, wrapped lines, missing
cells, numbers in many spellings, and now and then a fault. A case is `same` when both give the same
values or both refuse the file. A file that this library refuses and the other tool reads, or the
reverse, must be explained by a line of a table; anything else is a difference and ends with exit
code 1. A difference is repeated by its kind, seed and number.
"""

from __future__ import annotations

import argparse
import collections
import random
import re
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # the kinds; PYTHONSAFEPATH leaves this folder out

import foreign_files
import mate_files
import matrix_files
import metadata_files
import read_files
import study_files
import table_files

from deepbio_torch.errors import DeepBioError

Compared = tuple[Any, Any]

# What this library says when it refuses, and why it is right to.
EXPLAINED = {
    r"negative length": "branches of negative length are taken only on "
    "request; scikit-bio adds them up",
    r"negative|-\d.*count|expected a (finite )?count": "negative counts are no "
    "reads; biom-format keeps them",
    r"expected distinct|twice|duplicate": "an id named twice has no one value; "
    "the other tool keeps both",
    r"expected a count.*(nan|inf)|finite": "not a number is no count",
    r"expected an id|empty id": "a sample without a name cannot be found again",
    r"quality.*(length|as long)|as many quality|expected \d+ qualit": "pysam ends quietly at a "
    "broken record",
    r"truncated|end of (the )?file|expected .* got the end": "pysam takes a cut file for a whole "
    "one",
    r"letter|expected a (nucleotide|sequence)|alphabet": "letters that are no sequence; pysam "
    "passes bytes on",
    r"expected '>'|expected '@'": "text above the first title; pysam skips it",
    r"expected read 1": "read 2 before read 1; dnaio compares names alone",
    r"expected two reads of one name": "a last digit without a sign before it is part of a name; "
    "dnaio drops it",
    r"blank|whitespace|begins or ends": "blanks around ids are never meant; "
    "the other tool keeps them",
}
# What the other tool says against a file that this library reads, and why the file is sound.
FAULTS_OF_OTHERS = {
    r"TableException: Duplicate observation IDs": "biom-format takes one "
    "feature without reads for two",
    r"Column names must be unique.*'id'": "a column may be named as that of the ids is; QIIME 2 "
    "takes it for twice",
}

# Values that differ by a rule: why, or None when the rule explains nothing.
RULES: dict[str, Callable[[Any, Any], str | None]] = {"rules": study_files.insdc_in_any_case}

Kind = tuple[Callable[[random.Random, Path], None], Callable[[Path], Compared], str]
KINDS: dict[str, Kind] = {
    "tables": (table_files.table_file, table_files.table_both, "biom-format"),
    "trees": (table_files.tree_file, table_files.tree_both, "scikit-bio"),
    "rooted": (study_files.rooted_file, study_files.rooted_both, "scikit-bio"),
    "distances": (table_files.distances_file, table_files.distances_both, "pandas, scikit-bio"),
    "matrices": (matrix_files.matrices_file, matrix_files.matrices_both, "NumPy, h5py, scikit-bio"),
    "metadata": (metadata_files.metadata_file, metadata_files.metadata_both, "pandas"),
    "rules": (study_files.rules_file, study_files.rules_both, "scikit-bio's copy of QIIME 2"),
    "studies": (study_files.studies_file, study_files.studies_both, "pandas, biom-format"),
    "fasta": (read_files.fasta_file, read_files.reads_both, "pysam"),
    "fastq": (read_files.fastq_file, read_files.reads_both, "pysam"),
    "pairs": (mate_files.pairs_file, mate_files.pairs_both, "dnaio"),
    "interleaved": (mate_files.interleaved_file, mate_files.pairs_both, "dnaio"),
    "offsets": (mate_files.offsets_file, mate_files.offsets_both, "Biopython"),
    "foreign": (foreign_files.foreign_file, foreign_files.foreign_both, "pysam, tarfile, zipfile"),
}


def outcome(read: Callable[[], Any]) -> tuple[Any, str]:
    """The values, or what was said against the file."""
    try:
        return read(), ""
    except DeepBioError as error:
        return None, f"ours: {error}"
    except Exception as error:  # noqa: BLE001 - what the other tool raises is its own affair
        return None, f"{type(error).__name__}: {error}"


def _reason(explained: dict[str, str], said: str) -> str | None:
    return next((why for what, why in explained.items() if re.search(what, said)), None)


def _no_rule(mine: Any, other: Any) -> None:
    return None


def run(
    kind: str, count: int, seed: int, folder: Path
) -> tuple[collections.Counter[str], list[str]]:
    """How each case ended, and every difference that is not explained."""
    write, both, _ = KINDS[kind]
    counter, differences = collections.Counter[str](), []
    for number in range(count):
        path = folder / f"{kind}{number}"
        write(random.Random(f"{kind} {seed} {number}"), path)
        ours, theirs = both(path)
        (mine, said), (other, complaint) = outcome(ours), outcome(theirs)
        place = f"{kind} seed {seed} number {number}"
        if mine is not None and other is not None and mine == other:
            counter["same"] += 1
        elif mine is None and other is None and said.startswith("ours"):
            counter["refused by both"] += 1
        elif mine is None and said.startswith("ours"):
            why = _reason(EXPLAINED, said)
            counter[why or "unexplained"] += 1
            if why is None:
                differences.append(f"{place}: refused: {said}")
        elif (
            mine is not None
            and other is not None
            and (why := RULES.get(kind, _no_rule)(mine, other))
        ):
            counter[why] += 1
        elif mine is not None and other is None and (why := _reason(FAULTS_OF_OTHERS, complaint)):
            counter[why] += 1
        else:
            counter["unexplained"] += 1
            differences.append(f"{place}: {said or mine} | {complaint or other}"[:1500])
    return counter, differences


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=200, help="files of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("kinds", nargs="*", help=", ".join(KINDS))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    differences = []
    print(
        "| kind | beside | files | same | refused by both | explained |\n|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.kinds or KINDS:
            counter, found = run(kind, options.count, options.seed, Path(folder))
            differences += found
            same, both = counter.pop("same", 0), counter.pop("refused by both", 0)
            reasons = "; ".join(f"{count} {why}" for why, count in counter.items())
            print(
                f"| {kind} | {KINDS[kind][2]} | {options.count} | {same} | {both} | {reasons} |",
                flush=True,
            )
    print("\n".join(differences[:30]), file=sys.stderr)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
