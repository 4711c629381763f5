"""Random VCF with genotypes, for tests of variants."""

from __future__ import annotations

import random
from pathlib import Path

import pysam
import pysam.bcftools

HEAD = """##fileformat=VCFv4.2
##FILTER=<ID=q10,Description="low, ID=x">
##INFO=<ID=DP,Number=1,Type=Integer,Description="depth">
##INFO=<ID=ST,Number=.,Type=String,Description="text">
##INFO=<ID=FL,Number=0,Type=Flag,Description="flag">
##FORMAT=<ID=GT,Number=1,Type=String,Description="genotype">
##FORMAT=<ID=AD,Number=.,Type=Integer,Description="depths">
"""
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT"


def random_vcf(
    path: Path,
    fasta: Path,
    samples: list[str],
    *,
    seed: int = 3,
    step: int = 12,
    symbols: bool = True,
    overlaps: bool = False,
) -> Path:
    """Sorted variants of a genome, genotypes of every kind.

    ``symbols``: alternatives that are no sequence are among them. ``overlaps``: records overlap,
    but none begins at the last base of another: what bcftools consensus does there depends on what
    came before.
    """
    rng = random.Random(seed)
    genome = pysam.FastaFile(str(fasta))
    lines = [f"##contig=<ID={name},length={genome.get_reference_length(name)}>"
             for name in genome.references]  # fmt: skip
    lines.append("\t".join([COLUMNS, *samples]))
    for name in genome.references:
        letters, position, last = genome.fetch(name).upper(), 1, set[int]()
        steps = (0, 1, 2, step, 3 * step) if overlaps else (30, 30 + step)
        while (position := position + rng.choice(steps)) < len(letters) - 50:
            reference = letters[position - 1 : position - 1 + rng.choice((1, 1, 1, 2, 6, 30))]
            if position in last:
                continue
            last.add(position + len(reference) - 1)
            alternatives = _alternatives(rng, reference, symbols)
            row = [name, str(position), rng.choice((".", "rs1", "rs1;rs2")), reference]
            lines.append("\t".join(row + _rest(rng, alternatives, len(samples))))
    path.write_text(HEAD + "\n".join(lines) + "\n")
    return path


def _alternatives(rng: random.Random, reference: str, symbols: bool) -> list[str]:
    out: list[str] = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        added = "".join(rng.choices("ACGT", k=rng.choice((1, 1, 3, 20))))
        kept = reference[0] + added if rng.random() < 0.5 else added
        if symbols and rng.random() < 0.05:
            kept = rng.choice(("*", "<DEL>", "A[chr1:3["))
        if kept != reference and kept not in out:
            out.append(kept)
    return out or [reference + "A"]


def _rest(rng: random.Random, alternatives: list[str], num_samples: int) -> list[str]:
    """The cells from ALT on."""
    info = rng.choice((".", "DP=7", "DP=70000;FL", "ST=ab,c" + "d" * rng.choice((1, 9, 400))))
    allele = [".", *[str(i) for i in range(len(alternatives) + 1)] * 3]
    cells = []
    for _ in range(num_samples):
        pair = [rng.choice(allele), rng.choice(allele)]
        cells.append(rng.choice("|||/").join(pair[: rng.choice((1, 2, 2, 2, 2))]) + ":7,300")
    marks = [rng.choice((".", "3.5")), rng.choice(("PASS", "PASS", ".", "q10")), info, "GT:AD"]
    return [",".join(alternatives), *marks, *cells]


def write_bcf(path: Path, vcf: Path, kind: str = "b") -> Path:
    """The same in BCF: "b" compressed, "u" not."""
    pysam.bcftools.view(f"-O{kind}", "-o", str(path), str(vcf), catch_stdout=False)
    return path


def indexed(vcf: Path) -> Path:
    """BGZF and index beside it, as bcftools wants them."""
    packed = vcf.with_name(vcf.name + ".gz")
    pysam.tabix_compress(str(vcf), str(packed), force=True)
    pysam.tabix_index(str(packed), preset="vcf", force=True)
    return packed
