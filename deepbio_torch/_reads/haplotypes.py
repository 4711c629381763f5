"""Copies of a genome as a user gives them: a file of genotypes and some of its samples."""

from __future__ import annotations

from collections.abc import Sequence

from .. import _C
from .._arguments import path_text
from ..errors import ArgumentError
from .records import Path
from .windows import names_of


class GivenHaplotypes:
    """Genotypes for C++; with no file there are none."""

    def __init__(
        self,
        path: Path | None,
        samples: Sequence[str] | None,
        passing: bool,
        reference_mismatch: str,
    ) -> None:
        """Checks what was given; files are read by :meth:`open`.

        Raises:
            ArgumentError: samples without a file, or none.
        """
        self._path = None if path is None else path_text(path, "haplotypes")
        if self._path is None and (samples is not None or passing):
            raise ArgumentError("samples, passing: expected a file for haplotypes beside them")
        self._samples = [] if samples is None else names_of(samples, "samples")
        self._passing, self._reference_mismatch = bool(passing), reference_mismatch

    def open(
        self, genome: _C.Genome, chromosome_names: str, chromosomes: Sequence[str]
    ) -> _C.Haplotypes | None:
        """The copies in C++.

        Raises:
            MissingFileError, ParseError, ArgumentError: with file and line.
        """
        if self._path is None:
            return None
        return _C.Haplotypes(
            genome,
            _C.Variants.read(self._path, self._passing, self._samples),
            reference_mismatch=self._reference_mismatch,
            chromosome_names=chromosome_names,
            chromosomes=chromosomes,
        )
