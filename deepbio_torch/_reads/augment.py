"""Native transforms of reads: augmentations, trimmers, filters.

:mod:`deepbio_torch.transforms` exports them.

Each is one C++ object. Draws depend on (seed, epoch, record index) and on the kind of transform, so
the same record of the same epoch always comes out the same; two of a kind in one Compose want two
seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from .. import _C
from .._arguments import letters, number, seed_of, sequence_type_of, whole, word
from .._batches.batch import Sample
from ..errors import ArgumentError, WrongTypeError


def bytes_of(sample: Sample | dict[str, Any], who: str) -> bytes:
    """The sequence of a sample that is not encoded yet."""
    if "sequence" not in sample:
        raise ArgumentError(
            f"{who}: expected a sample with the key 'sequence', got keys {sorted(sample)}"
        )
    sequence = sample["sequence"]
    if isinstance(sequence, bytes | str | bytearray | memoryview):
        return letters(sequence, who)
    raise ArgumentError(
        f"{who}: expected a sequence of letters, got {type(sequence).__name__}; "
        "it goes before the encoder"
    )


def draw_key(sample: Sample | dict[str, Any]) -> tuple[int, int]:
    """Record index and epoch of a sample; 0 where it does not say."""
    metadata = sample.get("metadata") or {}
    return metadata.get("index", 0), metadata.get("epoch", 0)


Letters: TypeAlias = str | bytes | bytearray


def quality_bytes(quality: Any) -> bytes | None:
    return None if quality is None else letters(quality, "quality")


def _list_of(sequences: Any) -> list[Letters]:
    if isinstance(sequences, str | bytes | bytearray) or not isinstance(sequences, Iterable):
        raise WrongTypeError(
            f"sequences: expected a list of bytes or str, got {type(sequences).__name__}"
        )
    return list(sequences)


class NativeTransform:
    """A transform that C++ runs, alone or inside of a whole batch.

    Attributes:
        uses_quality: whether it looks at qualities or makes them; else they need not be read for
            it.
        is_of_nucleotides: whether it makes no sense for proteins.
    """

    uses_quality: bool = True
    is_of_nucleotides: bool = False

    def __init__(self, native: _C.Transform, **options: Any) -> None:
        """``options`` build the same object again."""
        self._native, self._options = native, options

    @property
    def native(self) -> _C.Transform:
        """The C++ transform."""
        return self._native

    def check_data(self, sequence_type: str) -> None:
        """Refuses data that this transform does not fit.

        Raises:
            ArgumentError: proteins for what only DNA has, or another alphabet than this
                transform's.
        """
        if self.is_of_nucleotides and sequence_type == "protein":
            raise ArgumentError(
                f"{type(self).__name__}: expected DNA or RNA, got a dataset of proteins"
            )
        own = self._options.get("sequence_type")
        if own is not None and own != sequence_type:
            raise ArgumentError(
                f"sequence_type={sequence_type!r}, but {type(self).__name__} works on {own!r}: "
                "give both the same"
            )

    def _run(
        self,
        sequences: Sequence[Letters],
        qualities: Sequence[bytes | None],
        records: Sequence[int],
        epoch: int,
    ) -> list[tuple[bytes, bytes | None] | None]:
        return self._native.apply(sequences, qualities, records, epoch)

    def __call__(self, sample: Sample | dict[str, Any]) -> Sample | None:
        """The changed sample, a new one; None when a filter refuses it."""
        record, epoch = draw_key(sample)
        quality = sample.get("quality")
        scores = quality if isinstance(quality, bytes) else None
        done = self._run([bytes_of(sample, type(self).__name__)], [scores], [record], epoch)[0]
        if done is None:
            return None
        out = Sample(sample, sequence=done[0])
        if done[1] is not None:
            out["quality"] = done[1]
        return out

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self._options)

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self._options.items())
        return f"{type(self).__name__}({options})"


def _again(kind: Any, options: dict[str, Any]) -> Any:
    return kind(**options)


class Augmentation(NativeTransform):
    """A native transform that changes reads."""

    def apply(
        self, sequence: Letters, quality: bytes | None = None, *, record: int = 0, epoch: int = 0
    ) -> bytes | tuple[bytes, bytes]:
        """One sequence changed; with its quality, when one is given or made.

        Args:
            sequence: the letters.
            quality: raw bytes (Phred+33), as many.
            record: index of the record; another one draws anew.
            epoch: another one draws anew.
        """
        read, scores = letters(sequence, type(self).__name__), quality_bytes(quality)
        done = self._run([read], [scores], [whole(record, "record")], whole(epoch, "epoch"))[0]
        assert done is not None
        return done[0] if done[1] is None else (done[0], done[1])

    def apply_batch(self, sequences: Iterable[Letters], *, epoch: int = 0) -> list[bytes]:
        """Each sequence changed; its place is its record index."""
        many = _list_of(sequences)
        done = self._run(many, [None] * len(many), range(len(many)), epoch)
        return [pair[0] for pair in done if pair is not None]


class ReverseComplement(Augmentation):
    """The other strand: bases paired and reversed, qualities reversed with them.

    Args:
        p: share of the records that are turned; which ones depends on (seed, epoch, record index).
        sequence_type: "dna" or "rna".
        seed: of the choice; None takes one from torch's generator.
    """

    uses_quality = False

    is_of_nucleotides = True

    def __init__(self, p: float = 1.0, *, sequence_type: str = "dna", seed: int | None = 0) -> None:
        """Checks the options."""
        p, sequence_type, seed = number(p, "p"), sequence_type_of(sequence_type), seed_of(seed)
        native = _C.ReverseComplement(p, sequence_type, seed)
        super().__init__(native, p=p, sequence_type=sequence_type, seed=seed)
        self.p, self.sequence_type = p, sequence_type

    def apply(
        self, sequence: Letters, quality: bytes | None = None, *, record: int = 0, epoch: int = 0
    ) -> bytes | tuple[bytes, bytes]:
        """The other strand of one sequence, whatever ``p`` is; IUPAC codes and case are kept."""
        turned = _C.reverse_complement(letters(sequence, "ReverseComplement"), self.sequence_type)
        scores = quality_bytes(quality)
        return turned if scores is None else (turned, scores[::-1])

    def apply_batch(self, sequences: Iterable[Letters], *, epoch: int = 0) -> list[bytes]:
        """The other strand of each sequence, whatever ``p`` is."""
        return [
            _C.reverse_complement(sequence, self.sequence_type) for sequence in _list_of(sequences)
        ]


class Mutator(Augmentation):
    """Each letter independently becomes another one of the alphabet; length and qualities stay.

    Args:
        rate: substitutions per site, 0 to 1.
        seed: of the draws; None takes one from torch's generator.
        sequence_type: "dna", "rna" or "protein".
    """

    uses_quality = False

    def __init__(self, rate: float, seed: int | None = 0, *, sequence_type: str = "dna") -> None:
        """Checks the options."""
        rate, sequence_type, seed = (
            number(rate, "rate"),
            sequence_type_of(sequence_type),
            seed_of(seed),
        )
        super().__init__(
            _C.Mutator(rate, sequence_type, seed), rate=rate, seed=seed, sequence_type=sequence_type
        )


class Sampler(Augmentation):
    """A window of a read, the same for its qualities.

    Args:
        length: of the window, bp.
        strategy: "random" (anew in each epoch), "start", "center" or "end".
        short: a read shorter than the window is an error ("error"), stays as it is ("keep"), or
            gets N (proteins: X) of quality 0 on its right ("pad").
        sequence_type: of the data it is for; only "pad" asks.
        seed: of the draws; None takes one from torch's generator.
    """

    uses_quality = False

    def __init__(
        self,
        length: int,
        strategy: str = "random",
        *,
        short: str = "error",
        sequence_type: str = "dna",
        seed: int | None = 0,
    ) -> None:
        """Checks the options."""
        length, seed = whole(length, "length"), seed_of(seed)
        strategy, short = word(strategy, "strategy"), word(short, "short")
        native = _C.Sampler(
            length,
            strategy,
            short,
            seed,
            "X" if sequence_type_of(sequence_type) == "protein" else "N",
        )
        super().__init__(
            native,
            length=length,
            strategy=strategy,
            short=short,
            sequence_type=sequence_type,
            seed=seed,
        )

    def check_data(self, sequence_type: str) -> None:
        """Refuses to pad proteins with N, which is asparagine."""
        own = self._options["sequence_type"]
        if self._options["short"] == "pad" and (sequence_type == "protein") != (own == "protein"):
            raise ArgumentError(
                f"sequence_type={sequence_type!r}, but Sampler(short='pad') pads "
                f"{own!r}: give both the same"
            )


class QualitySimulator(Augmentation):
    """New qualities for reads, also for FASTA. Scores are cut to whole numbers from 0 to 93.

    Args:
        model: "high" (mean 37, sd 2), "medium" (28, 5), "normal" (``mean``, ``sd``), "uniform"
            (whole numbers ``low`` to ``high``) or "degrading" (mean from ``start`` at the first
            letter to ``end``, ``sd`` around).
        mean, sd, low, high, start, end: of the models, Phred.
        seed: of the draws; None takes one from torch's generator.
    """

    def __init__(
        self,
        model: str = "high",
        *,
        mean: float = 30,
        sd: float = 4,
        low: int = 0,
        high: int = 40,
        start: float = 38,
        end: float = 20,
        seed: int | None = 0,
    ) -> None:
        """Checks the options."""
        seed = seed_of(seed)
        models = {
            "high": ("normal", 37, 2, 0),
            "medium": ("normal", 28, 5, 0),
            "normal": ("normal", mean, sd, 0),
            "uniform": ("uniform", low, high, 0),
            "degrading": ("degrading", start, end, sd),
        }
        if model not in models:
            raise ArgumentError(f"model: expected {', '.join(models)}, got {model!r}")
        used = {
            "normal": ("mean", "sd"),
            "uniform": ("low", "high"),
            "degrading": ("start", "end", "sd"),
        }
        given = {"mean": mean, "sd": sd, "low": low, "high": high, "start": start, "end": end}
        options = {name: number(given[name], name) for name in used.get(model, ())}
        super().__init__(
            _C.QualitySimulator(*models[model], seed), model=model, **options, seed=seed
        )

    def generate(self, length: int, *, record: int = 0, epoch: int = 0) -> bytes:
        """Raw quality bytes (Phred+33) for a read of this length."""
        done = self._run([b"N" * whole(length, "length")], [None], [record], epoch)[0]
        assert done is not None and done[1] is not None
        return done[1]


class EndTrimmer(Augmentation):
    """Both ends lose letters until one has a score of at least ``threshold``."""

    def __init__(self, threshold: int = 20) -> None:
        """Checks the options."""
        threshold = whole(threshold, "threshold")
        super().__init__(_C.EndTrimmer(threshold), threshold=threshold)


class WindowTrimmer(Augmentation):
    """Cuts all from the first window of a mean score below ``threshold``, as Trimmomatic does.

    Args:
        threshold: Phred score.
        width: letters of the window.
    """

    def __init__(self, threshold: int = 20, width: int = 4) -> None:
        """Checks the options."""
        threshold, width = whole(threshold, "threshold"), whole(width, "width")
        super().__init__(_C.WindowTrimmer(threshold, width), threshold=threshold, width=width)


class AdapterTrimmer(Augmentation):
    """Cuts all from the leftmost adapter on, also one that runs over the end of the read.

    Args:
        adapter: its letters; N fits every letter.
        max_error_rate: mismatches per letter compared, rounded down; gaps are not looked for.
        min_overlap: letters that must be compared at the end of a read.
    """

    uses_quality = False
    is_of_nucleotides = True

    def __init__(
        self, adapter: Letters, *, max_error_rate: float = 0.1, min_overlap: int = 3
    ) -> None:
        """Checks the options."""
        adapter, max_error_rate = (
            letters(adapter, "adapter").decode("ascii"),
            number(max_error_rate, "max_error_rate"),
        )
        min_overlap = whole(min_overlap, "min_overlap")
        native = _C.AdapterTrimmer(adapter, max_error_rate, min_overlap)
        super().__init__(
            native, adapter=adapter, max_error_rate=max_error_rate, min_overlap=min_overlap
        )


class QualityMasker(Augmentation):
    """Letters with a score below ``threshold`` become N."""

    is_of_nucleotides = True

    def __init__(self, threshold: int = 20) -> None:
        """Checks the options."""
        threshold = whole(threshold, "threshold")
        super().__init__(_C.QualityMasker(threshold), threshold=threshold)
