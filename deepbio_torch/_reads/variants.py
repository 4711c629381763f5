"""Pairs of windows of a genome around variants, as a map-style dataset."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from .. import _C
from .._arguments import homes_of, path_text, whole
from .._batches.batch import Batch, Later, Sample
from .._batches.collate import kept_of
from .._batches.source import sample_of_batch
from .._log import logger
from ..errors import ArgumentError, WrongTypeError
from ..transforms import run_steps
from .encoders import OneHotEncoder
from .records import Path
from .windows import WindowSource, names_of

_ONE_HOT = OneHotEncoder(channels_first=True, quality=None)
_COLUMNS = {
    "chromosome": ("chrom", "chromosome", "chr", "CHROM", "#CHROM"),
    "position": ("pos", "position", "POS"),
    "reference": ("ref", "reference", "REF"),
    "alternative": ("alt", "alternative", "ALT"),
    "id": ("id", "ID", "rsid"),
}


class VariantDataset(WindowSource):
    """Windows of a genome around variants in pairs: with the reference and with the alternative.

    ``dataset.batch(indices)`` and every loader give a :class:`Batch`: ``sequences`` (reference) and
    ``alternative_sequences`` float32 [B, 4, L], or what another transform gives
    (``alternative_input_ids`` of tokens), ``lengths``, ``index``, ``ids`` (the id of the file, or
    "chr1:1234:A:T"), and ``metadata``: ``chromosome``, ``position`` (from 1), ``reference``,
    ``alternative``. ``dataset[i]`` is one pair: ``sequence``, ``alternative_sequence``, ``id``,
    ``metadata``. :func:`score_variants` gives what a model makes of each.

    Both windows begin at the same base, and the first base of the reference allele is in the middle
    (position L // 2). After an insertion the alternative window ends earlier on the chromosome,
    after a deletion later, so that both have L letters. Beyond the ends of a chromosome letters are
    N, all zeros in one-hot.

    Args:
        genome: FASTA (plain, gzip or BGZF) or .2bit, as :class:`GenomeDataset` takes it.
        variants: VCF (plain, gzip or BGZF; an item for each alternative allele; symbolic alleles,
            breakends and "*" are left out and counted in :attr:`notes`), a DataFrame with
            ``chrom``, ``pos`` (from 1), ``ref``, ``alt`` (and ``id``), or a list of (chromosome,
            position, reference, alternative).
        window: positions L of every window.
        transform: a callable on a sample, or None for raw bytes. What is random in it is the same
            for both windows of a pair.
        reference_mismatch: "error" stops at a variant whose reference allele is not the genome's
            (another assembly, as a rule); "skip" leaves it out and counts it in :attr:`notes`.
        passing: only variants whose FILTER is PASS or ".".
        chromosomes: variants on others are left out; None: all stay.
        chromosome_names: "exact", or "match" for names with and without ``chr``.
        cache_dir: where a packed genome is kept; None: beside the FASTA.

    Attributes:
        notes: what was left out, a line each.
        num_mismatches: variants left out for their reference allele.

    Raises:
        MissingFileError, ParseError, ArgumentError: with file and line, when the dataset is made.
    """

    _item = "variant"

    def __init__(
        self,
        genome: Path,
        variants: Any,
        *,
        window: int,
        transform: Callable[[Any], Any] | None = _ONE_HOT,
        reference_mismatch: str = "error",
        passing: bool = False,
        chromosomes: Sequence[str] | None = None,
        chromosome_names: str = "exact",
        cache_dir: Path | None = None,
    ) -> None:
        """Reads the variants, packs the genome when that is not done, and compares the two."""
        super().__init__(transform)
        self.genome, self.variants = path_text(genome, "genome"), variants
        self.passing = bool(passing)
        self.cache_dir = "" if cache_dir is None else path_text(cache_dir, "cache_dir")
        self.options: dict[str, Any] = {
            "window": whole(window, "window"),
            "reference_mismatch": reference_mismatch,
            "chromosome_names": chromosome_names,
            "chromosomes": [] if chromosomes is None else names_of(chromosomes),
        }
        self._native: _C.VariantWindows | None = None
        self.native()

    def native(self) -> _C.VariantWindows:
        """The C++ windows; made when they are first needed in a process."""
        if self._native is None:
            genome = _C.Genome(self.genome, self.cache_dir)
            encoding = None if self._encoder is None else self._plan.encoding("dna")
            native = _C.VariantWindows(
                genome,
                _given_variants(self.variants, self.passing),
                encoding=encoding,
                **self.options,
            )
            self.notes: list[str] = native.notes
            self.num_mismatches: int = native.num_mismatches
            for note in self.notes:
                logger.info(note)
            self._native = native
        return self._native

    def about(self, index: int) -> dict[str, Any]:
        """Where a variant is and what it changes: the metadata of its item."""
        names = ("chromosome", "position", "variant_id", "reference", "alternative")
        *values, _ = self.native().about(self._place(index))
        return dict(zip(names, values, strict=True))

    def _id(self, index: int) -> str:
        """The id of the file, where it tells the alternatives of a record apart."""
        name, position, given, reference, alternative, count = self.native().about(index)
        return (
            given if given != "." and count == 1 else f"{name}:{position}:{reference}:{alternative}"
        )

    def _complete(self, fields: dict[str, Any], epoch: int) -> Batch:
        batch = Batch(fields)
        index = batch["index"]
        if "input_ids" in batch:
            self._plan.watch(batch)
        rows = range(len(index))
        # What is made later must not hold the batch: it would stay in memory until Python looks for
        # circles.
        batch["metadata"] = Later(
            lambda: [self._metadata(int(index[row]), epoch) for row in rows],
            lambda row: self._metadata(int(index[row]), epoch),
        )
        batch["ids"] = Later(
            lambda: [self._id(int(index[row])) for row in rows],
            lambda row: self._id(int(index[row])),
        )
        return batch

    def _metadata(self, index: int, epoch: int) -> dict[str, Any]:
        return {**self.about(index), "index": index, "epoch": epoch}

    def _row(self, batch: Batch, row: int) -> Sample:
        assert self._encoder is not None
        layout = self._encoder.layout()
        sample = sample_of_batch(batch, row, layout)
        layout.put_row(sample, batch, row, "alternative_")
        return sample

    def _samples(self, indices: list[int], epoch: int) -> list[Any]:
        native, samples = self.native(), []
        for index in indices:
            pair = [
                run_steps(
                    self._plan.steps,
                    Sample(
                        sequence=letters,
                        quality=None,
                        id=self._id(index),
                        label=None,
                        metadata=self._metadata(index, epoch),
                    ),
                )
                for letters in native.letters(index)
            ]
            samples.append(None if None in pair else _joined(*pair))
        return kept_of(samples)

    def __repr__(self) -> str:
        size = f"{len(self)} pairs of windows of {self.options['window']}"
        return f"VariantDataset({self.genome!r}, {size}, transform={self.transform!r})"


def _joined(sample: Any, alternative: Any) -> Any:
    """The sample of a pair."""
    for key in ("sequence", "input_ids", "attention_mask"):
        if key in alternative:
            sample["alternative_" + key] = alternative[key]
    return sample


def _given_variants(given: Any, passing: bool) -> _C.Variants:
    if isinstance(given, str | os.PathLike):
        return _C.Variants.read(path_text(given, "variants"), passing)
    if passing:
        raise ArgumentError("passing: expected a VCF file, whose FILTER tells it")
    if homes_of(given) & {"pandas", "polars"} and hasattr(given, "columns"):
        values = _columns_of(given)
    else:
        values = _columns_of_tuples(given)
    chromosomes, positions, references, alternatives, ids = values
    return _C.Variants.from_values(
        "variants",
        list(map(str, chromosomes)),
        [whole(value, f"variants: record {row}: position") for row, value in enumerate(positions)],
        list(map(str, references)),
        list(map(str, alternatives)),
        list(map(str, ids)),
    )


def _columns_of(frame: Any) -> list[list[Any]]:
    out = []
    for part, known in _COLUMNS.items():
        found = next((each for each in known if each in list(frame.columns)), None)
        if found is None and part != "id":
            raise ArgumentError(
                f"variants: expected a column {part} ({', '.join(known)}), got "
                f"{', '.join(map(str, frame.columns))}"
            )
        out.append([] if found is None else frame[found].to_list())
    return out


def _columns_of_tuples(given: Any) -> list[list[Any]]:
    try:
        rows: list[Sequence[Any]] = [tuple(row) for row in given]
        columns = [[row[part] for row in rows] for part in range(4)]
    except (TypeError, IndexError):
        raise WrongTypeError(
            "variants: expected a path, a DataFrame with chrom, pos, ref and alt, or a list of "
            f"(chromosome, position, reference, alternative), got {given!r:.60}"
        ) from None
    return [*columns, []]
