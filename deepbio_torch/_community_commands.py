"""Commands of communities that run in Python: what is typed, what is printed."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence

from ._command_arguments import Parser, add_seed, refuse_existing

_CURVE = "Diversity of rarefied draws at several depths: its mean and its spread."
_PROCRUSTES = "How well the principal coordinates of two distance matrices match, with a test."

_MERGE = "The matrix of distances whose parts `deepbio unifrac --part I/N` wrote."


def _depths(text: str) -> int | list[int]:
    """``10``: so many depths; ``100,1000``: these."""
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        expected = "expected whole numbers, such as 100,1000"
        raise argparse.ArgumentTypeError(f"{expected}, got {text!r}") from None
    return numbers if "," in text else numbers[0]


def rarefaction_curve(arguments: Sequence[str]) -> None:
    """``deepbio rarefaction-curve --table FILE [-o FILE]``."""
    parser = Parser("deepbio rarefaction-curve", description=_CURVE, allow_abbrev=False)
    add = parser.add_argument
    add("--table", required=True, metavar="FILE", help="counts: BIOM, TSV or a QIIME 2 artifact")
    add("--metric", default="observed_features", help="as of `deepbio alpha` (default %(default)s)")
    add("--base", type=float, default=2.0, metavar="FLOAT", help="of shannon (default 2)")
    add("--tree", metavar="FILE", help="of faith_pd")
    depths = "reads to draw, such as 100,1000; or how many depths up to the median (default 10)"
    add("--depths", type=_depths, default=10, metavar="INT,...", help=depths)
    add(
        "--draws", type=int, default=10, metavar="INT", help="of each sample and depth (default 10)"
    )
    _add_output(parser)
    given = parser.parse_args(arguments)
    refuse_existing(given)

    from .community import rarefaction_curve as curve_of

    options = {"draws": given.draws, "seed": given.seed, "base": given.base, "tree": given.tree}
    curve = curve_of(given.table, given.metric, given.depths, **options)
    rows = [
        (sample, depth, mean, spread)
        for depth, means, spreads in zip(
            curve.depths, curve.mean.tolist(), curve.spread.tolist(), strict=True
        )
        for sample, mean, spread in zip(curve.sample_ids, means, spreads, strict=True)
    ]
    _give(given, ("sample_id", "depth_reads", "mean", "spread"), rows)


def procrustes(arguments: Sequence[str]) -> None:
    """``deepbio procrustes --distances FILE --other FILE``."""
    parser = Parser("deepbio procrustes", description=_PROCRUSTES, allow_abbrev=False)
    add = parser.add_argument
    add("--distances", required=True, metavar="FILE", help="a matrix of distances")
    add("--other", required=True, metavar="FILE", help="another of the same samples, in any order")
    axes = "principal coordinates that are compared (default 10)"
    add("--dimensions", type=int, default=10, metavar="INT", help=axes)
    orders = "orders of the samples that are tried (default 999)"
    add("--permutations", type=int, default=999, metavar="INT", help=orders)
    _add_output(parser)
    given = parser.parse_args(arguments)
    if given.dimensions < 1:
        parser.error(f"argument --dimensions: expected 1 or more, got {given.dimensions}")
    refuse_existing(given)

    from .community import DistanceMatrix, pcoa
    from .community import procrustes as match

    pair = [DistanceMatrix.read(path) for path in (given.distances, given.other)]
    axes_of = [pcoa(matrix, min(given.dimensions, len(matrix.ids))) for matrix in pair]
    found = match(*axes_of, permutations=given.permutations, seed=given.seed)
    row = (found.disparity, found.correlation, found.p_value, len(pair[0].ids), given.permutations)
    names = ("disparity", "correlation", "p_value", "num_samples", "num_permutations")
    _give(given, names, [row])


def merge_distances(arguments: Sequence[str]) -> None:
    """``deepbio merge-distances PART... -o FILE``."""
    parser = Parser("deepbio merge-distances", description=_MERGE, allow_abbrev=False)
    add = parser.add_argument
    add("parts", nargs="+", metavar="PART", help="what `deepbio unifrac --part I/N` wrote, all N")
    add("-o", "--output", required=True, metavar="FILE", help="D.npy, D.tsv or D.h5")
    add("--json", action="store_true", help="one JSON document on stdout")
    add("--overwrite", action="store_true", help="replace an existing file")
    add("--quiet", action="store_true", help="nothing on stderr")
    given = parser.parse_args(arguments)
    refuse_existing(given)

    from .community import DistanceMatrix

    matrix = DistanceMatrix.from_parts(given.parts)
    matrix.write(given.output, overwrite=given.overwrite)
    if not given.quiet:
        print(f"distances of {len(matrix.ids)} samples written to {given.output}", file=sys.stderr)
    if given.json:
        print(json.dumps({"output": given.output, "num_samples": len(matrix.ids)}))


def _add_output(parser: Parser) -> None:
    add = parser.add_argument
    add("-o", "--output", metavar="FILE", help="TSV (default: stdout)")
    add_seed(parser)
    add("--json", action="store_true", help="one JSON document on stdout instead of a table")
    add("--overwrite", action="store_true", help="replace an existing file")


def _give(
    given: argparse.Namespace, names: Sequence[str], rows: Iterable[Sequence[str | float]]
) -> None:
    """A line for each row; what has no value (a depth above the reads of a sample) is empty."""
    from ._output import write_text

    known = [[None if value != value else value for value in row] for row in rows]
    lines = ["\t".join("" if value is None else str(value) for value in row) for row in known]
    text = "\n".join(["\t".join(names), *lines]) + "\n"
    if given.output:
        write_text(given.output, text)
    if given.json:
        print(json.dumps([dict(zip(names, row, strict=True)) for row in known]))
    elif not given.output:
        print(text, end="")
