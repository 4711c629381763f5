"""Windows of a genome, with labels and signal tracks, as a map-style dataset."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from .. import _C
from .._arguments import number, path_text, seed_of, whole
from .._batches.batch import Batch, Later, Sample
from .._batches.collate import kept_of
from .._batches.draws import Draws
from .._batches.source import sample_of_batch
from .._log import logger
from ..errors import ArgumentError
from ..transforms import run_steps
from .encoders import OneHotEncoder
from .files import path_list
from .haplotypes import GivenHaplotypes
from .intervals import GivenIntervals
from .labels import Labels, labels_of
from .records import Path
from .windows import WindowSource, names_of

_ONE_HOT = OneHotEncoder(channels_first=True, quality=None)


class GenomeDataset(WindowSource):
    """Windows of a genome around intervals, one-hot by default, with labels and signal tracks.

    ``dataset.batch(indices)`` and every loader give a :class:`Batch`: ``sequences`` float32 [B, 4,
    L] (or what another transform gives), ``targets`` float32 [B, T, L / bin] (with ``targets``),
    ``labels`` (with ``label`` or ``negatives``), ``starts`` int64 [B] (0-based, after the shift),
    ``reversed`` bool [B] (of the minus strand), ``chromosomes`` int64 [B] (places in
    :attr:`chromosome_lengths`), ``lengths``, ``index``, ``ids`` ("chr1:100-200(+)") and
    ``metadata``. ``dataset[i]`` is one window: ``sequence``, ``targets``, ``label``, ``id``,
    ``metadata``. Beyond the ends of a chromosome letters are N, all zeros in one-hot. Shift and
    strand depend on (seed, epoch, index) only. With ``haplotypes`` each window comes twice for each
    sample, one after the other, and ``metadata`` has ``sample`` and ``haplotype`` (1 or 2).

    Args:
        genome: FASTA (plain, gzip or BGZF) or .2bit. FASTA is packed once to ``GENOME.dbx.2bit``
            beside it, or in ``cache_dir``; letters other than A, C, G, T are N there.
        intervals: BED, narrowPeak, broadPeak, GTF or GFF3 (plain or gzip), a DataFrame with
            ``chrom``, ``start``, ``end`` (and ``strand``), or a list of (chromosome, start, end).
            0-based and half-open, but for GTF and GFF3.
        window: positions L of every window.
        targets: a path or several: bigWig, bedGraph, or BED, which is 1 where an interval lies.
        label: column of the intervals to learn: numbers, or text that becomes classes. Of GTF also
            an attribute.
        classifier: numbers of ``label`` are classes, too.
        strand: windows of intervals on the minus strand are their reverse complement.
        jitter: largest random shift of a window, in either direction.
        reverse_complement: share of windows whose strand is turned at random, targets with them.
        transform: a callable on a sample, or None for raw bytes.
        negatives: windows to draw for each window, of the same share of C and G, that touch no
            interval; ``labels`` are then 1, and 0 for these.
        exclude: intervals (or several files of them) no window may touch, such as a blacklist.
        chromosomes: intervals on others are left out; None: all stay.
        placement: "center" puts windows around the middle of an interval, "summit" around the peak
            of narrowPeak, "start" around its first base on its strand, "tile" side by side into it;
            "exact" takes intervals as they are.
        stride: from one window to the next of "tile"; None: ``window``.
        feature: rows of GTF or GFF3 of this type alone, such as "gene".
        chromosome_names: "exact", or "match" for names with and without ``chr``.
        soft_mask: lower case is read as upper case ("ignore"), left to the transform ("lower"), or
            a fifth channel of one-hot letters ("channel").
        target_window: positions of the targets, in the middle of a window; None: all.
        bin: positions of a value of the targets.
        binning: "mean", "sum" or "max" of them.
        missing: stands for positions that a track says nothing of; NaN leaves them out of a bin,
            and a bin without any is NaN.
        tracks_in_memory: bigWig files are read whole when the dataset is made, 12 bytes for each
            stretch of one value; windows then cost no inflating.
        haplotypes: VCF or BCF with genotypes: windows have the letters of both copies of the
            chromosomes of its samples, L of them from the same position of the genome, and targets
            follow the letters. Which alleles are taken is what ``bcftools consensus`` takes.
        samples: those of ``haplotypes``, in this order; None: all.
        passing: of ``haplotypes``, variants whose FILTER is PASS or "." alone.
        reference_mismatch: "error" stops at an allele of ``haplotypes`` whose reference is not the
            genome's, "skip" leaves it out and counts it in :attr:`notes`.
        cache_dir: where a packed genome is kept; None: beside the FASTA.
        seed: of the draws; None takes one from torch's generator.

    Attributes:
        notes: what was left out or matched, a line each.
        classes: names of the classes in the order of their ids, when ``label`` is text; else None.

    Raises:
        MissingFileError, ParseError, ArgumentError: with file and line, when the dataset is made.
    """

    def __init__(
        self,
        genome: Path,
        intervals: Any,
        *,
        window: int,
        targets: Path | Sequence[Path] | None = None,
        label: str | None = None,
        classifier: bool = False,
        strand: bool = True,
        jitter: int = 0,
        reverse_complement: float = 0.5,
        transform: Callable[[Any], Any] | None = _ONE_HOT,
        negatives: float = 0,
        exclude: Any = None,
        chromosomes: Sequence[str] | None = None,
        placement: str = "center",
        stride: int | None = None,
        feature: str | None = None,
        chromosome_names: str = "exact",
        soft_mask: str = "ignore",
        target_window: int | None = None,
        bin: int = 1,
        binning: str = "mean",
        missing: float = 0.0,
        tracks_in_memory: bool = False,
        haplotypes: Path | None = None,
        samples: Sequence[str] | None = None,
        passing: bool = False,
        reference_mismatch: str = "error",
        cache_dir: Path | None = None,
        seed: int | None = 0,
    ) -> None:
        """Reads the intervals, packs the genome when that is not done, and opens the tracks."""
        if label is not None and negatives:
            raise ArgumentError("label: expected none beside negatives, whose label is 0")
        self.genome, self.intervals = path_text(genome, "genome"), intervals
        self.exclude, self.feature = exclude, feature
        self._haplotypes = GivenHaplotypes(haplotypes, samples, passing, reference_mismatch)
        self.label, self.classifier = label, classifier
        self.cache_dir = "" if cache_dir is None else path_text(cache_dir, "cache_dir")
        super().__init__(transform)
        if chromosomes is not None:
            chromosomes = names_of(chromosomes)
        self.options: dict[str, Any] = {
            "window": whole(window, "window"),
            "placement": placement,
            "stride": 0 if stride is None else whole(stride, "stride"),
            "strand": bool(strand),
            "chromosome_names": chromosome_names,
            "chromosomes": chromosomes or [],
            "negatives": number(negatives, "negatives"),
            "jitter": whole(jitter, "jitter"),
            "reverse_complement": number(reverse_complement, "reverse_complement"),
            "soft_mask": soft_mask,
            "seed": seed_of(seed),
            "tracks": [] if targets is None else path_list(targets),
            "target_window": 0 if target_window is None else whole(target_window, "target_window"),
            "bin": whole(bin, "bin"),
            "binning": binning,
            "missing": number(missing, "missing"),
            "tracks_in_memory": bool(tracks_in_memory),
        }
        self._native: _C.GenomeWindows | None = None
        self.native()

    def native(self) -> _C.GenomeWindows:
        """The C++ windows; made when they are first needed in a process."""
        if self._native is None:
            given = GivenIntervals(self.intervals, "intervals", self.feature)
            genome = _C.Genome(self.genome, self.cache_dir)
            self.chromosome_lengths: dict[str, int] = genome.lengths()
            haplotypes = self._haplotypes.open(
                genome, self.options["chromosome_names"], self.options["chromosomes"]
            )
            native = _C.GenomeWindows(
                genome,
                given.native,
                exclude=[GivenIntervals(each, "exclude").native for each in _several(self.exclude)],
                haplotypes=haplotypes,
                **self._encoding(),
                **self.options,
            )
            self.notes: list[str] = native.notes + (haplotypes.notes if haplotypes else [])
            self.samples: list[str] = haplotypes.samples if haplotypes else []
            self._labels = self._make_labels(given, native)
            for note in self.notes:
                logger.info(note)
            self._names = list(self.chromosome_lengths)
            self._native = native
        return self._native

    def _encoding(self) -> dict[str, Any]:
        """How C++ makes the letters of a window to tensors."""
        encoder = self._encoder
        if encoder is None:
            return {}
        is_plain = (
            isinstance(encoder, OneHotEncoder)
            and not self._plan.head
            and (encoder.unknown, encoder.pad_to, encoder.max_length) == ("zero", None, None)
            and encoder.quality != "channel"
        )
        if is_plain:
            return {"channels_first": encoder.channels_first}
        return {"encoding": self._plan.encoding("dna")}

    def _make_labels(self, given: GivenIntervals, native: _C.GenomeWindows) -> Labels:
        rows = native.intervals
        if self.options["negatives"]:
            return Labels((rows >= 0).long())
        if self.label is None:
            return Labels()
        found = labels_of(
            list(map(str, given.values(self.label)))
            if self.classifier
            else given.labels(self.label)
        )
        assert isinstance(found.values, Tensor)
        return Labels(found.values[rows], found.classes)

    def select_chromosomes(self, chromosomes: Sequence[str]) -> GenomeDataset:
        """The windows on some chromosomes, for training on some and judging on others.

        Negatives are drawn anew, on these chromosomes.
        """
        out = copy.copy(self)
        out.options = {**self.options, "chromosomes": names_of(chromosomes)}
        out._native, out._draws = None, Draws(self.epoch)
        out.native()
        return out

    @property
    def classes(self) -> list[str] | None:
        """Names of the classes in the order of their ids."""
        self.native()
        found = self._labels.classes
        return found if isinstance(found, list) else None

    @property
    def labels(self) -> Tensor | None:
        """Labels of all windows, int64 or float32 [N]."""
        self.native()
        values = self._labels.values
        return values if isinstance(values, Tensor) else None

    @property
    def interval_index(self) -> Tensor:
        """The row of the intervals that each window comes from, int64 [N]; -1 for negatives."""
        return self.native().intervals

    @property
    def gc_shares(self) -> Tensor:
        """Share of C and G among the known bases of each window before its shift, float64 [N]."""
        return self.native().gc_shares()

    @property
    def _is_random(self) -> bool:
        share = self.options["reverse_complement"]
        return bool(self.options["jitter"] or 0 < share < 1 or self._plan.is_random)

    def _complete(self, fields: dict[str, Any], epoch: int) -> Batch:
        """What C++ gave, with labels, ids and metadata."""
        batch = Batch(fields)
        index = batch["index"]
        if "input_ids" in batch:
            self._plan.watch(batch)
        self._labels.add_to(batch, index)

        # What is made later must not hold the batch: it would stay in memory until Python looks for
        # circles.
        starts, turned, chromosomes = (fields[key] for key in ("starts", "reversed", "chromosomes"))

        def metadata_of(row: int) -> dict[str, Any]:
            start = int(starts[row])
            return {
                "chromosome": self._names[int(chromosomes[row])],
                "start": start,
                "end": start + self.options["window"],
                "strand": "-" if turned[row] else "+",
                **self._copy_of(int(index[row])),
                "index": int(index[row]),
                "epoch": epoch,
            }

        rows = range(len(index))
        batch["metadata"] = Later(lambda: [metadata_of(row) for row in rows], metadata_of)
        batch["ids"] = Later(
            lambda: [_id_of(metadata_of(row)) for row in rows], lambda row: _id_of(metadata_of(row))
        )
        return batch

    def _copy_of(self, index: int) -> dict[str, Any]:
        """Whose copy of the genome a window is cut from."""
        if not self.samples:
            return {}
        sample, copy = divmod(index % (2 * len(self.samples)), 2)
        return {"sample": self.samples[sample], "haplotype": copy + 1}

    def _row(self, batch: Batch, row: int) -> Sample:
        assert self._encoder is not None
        sample = sample_of_batch(batch, row, self._encoder.layout())
        if "targets" in batch:
            sample["targets"] = batch["targets"][row]
        return sample

    def _samples(self, indices: list[int], epoch: int) -> list[Any]:
        """Samples made step by step, as Python callables want them."""
        native = self.native()
        batch = self._complete(native.batch(indices, epoch, with_letters=False), epoch)
        samples = []
        for row, letters in enumerate(native.letters(indices, epoch)):
            about = batch.item("metadata", row)
            label = self._labels.of(indices[row])
            sample = Sample(
                sequence=letters, quality=None, id=_id_of(about), label=label, metadata=about
            )
            if "targets" in batch:
                sample["targets"] = batch["targets"][row]
            samples.append(run_steps(self._plan.steps, sample))
        return kept_of(samples)

    def __repr__(self) -> str:
        window = self.options["window"]
        size = f"{len(self)} windows of {window}"
        return f"GenomeDataset({self.genome!r}, {size}, transform={self.transform!r})"


def _id_of(about: dict[str, Any]) -> str:
    """As bedtools getfasta -s names a sequence, and the sample and its copy."""
    place = f"{about['chromosome']}:{about['start']}-{about['end']}({about['strand']})"
    return f"{place}:{about['sample']}:{about['haplotype']}" if "sample" in about else place


def _several(given: Any) -> list[Any]:
    """None, one set of intervals, or a list of paths."""
    if given is None:
        return []
    is_paths = isinstance(given, list | tuple) and all(
        isinstance(each, str | os.PathLike) for each in given
    )
    return list(given) if is_paths else [given]
