"""The bound C++: what csrc/bindings registers. Private.

The modules of the package are the public surface.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from torch import Tensor
from typing_extensions import Self

__version__: str
TORCH_VERSION: str

# base
def augmentation_draw(seed: int, epoch: int, record_index: int) -> float: ...
def block_counts() -> dict[str, int]: ...
def release_blocks() -> int: ...

# io
RecordTuple = tuple[str, str, bytes, bytes | None]  # name, description, sequence, quality

class FastxReader:
    format: str
    container: str
    is_closed: bool
    num_given: int
    def __init__(
        self,
        path: str,
        alphabet: str = "any",
        on_bad_record: str = "raise",
        num_threads: int = 1,
        quality_offset: int = 33,
        max_record_bytes: int = 0,
    ) -> None: ...
    def refuse(self) -> None: ...  # raises why no record can be read
    def read_batch(
        self, max_records: int, titles: bool = True, qualities: bool = True
    ) -> RecordBatch | None: ...
    def report(self) -> dict[str, Any]: ...  # num_records, num_skipped, reasons, examples, warnings
    def close(self) -> None: ...

class RecordBatch:
    sequences: Tensor
    offsets: Tensor
    qualities: Tensor
    has_qualities: bool
    names: Tensor
    name_offsets: Tensor
    descriptions: Tensor
    description_offsets: Tensor
    def __len__(self) -> int: ...
    def padded(self, width: int | None, padding_value: int) -> Tensor: ...
    def padded_qualities(self, width: int | None, padding_value: int) -> Tensor: ...

class Record:
    name: Final[str]
    description: Final[str]
    sequence: Final[bytes]
    quality: Final[bytes | None]
    def __init__(
        self, name: str, description: str, sequence: bytes, quality: bytes | None
    ) -> None: ...
    def __len__(self) -> int: ...
    def __getitem__(self, i: int | slice) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...

class FastxWriter:
    is_closed: bool
    num_records: int
    def __init__(
        self,
        path: str,
        format: str,
        container: str,
        level: int = 6,
        width: int = 0,
        block_index: bool = False,
        overwrite: bool = False,
    ) -> None: ...
    def write(self, name: Any, description: Any, sequence: Any, quality: Any) -> None: ...
    def write_all(
        self, names: Sequence[Any], sequences: Sequence[Any], qualities: Any, descriptions: Any
    ) -> None: ...
    def write_batch(self, batch: RecordBatch, has_qualities: bool) -> None: ...
    def close(self, keep: bool) -> None: ...

class RecordIterator:
    def bind(self, reader: FastxReader) -> None: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> Record: ...

class FastaFile:
    def __init__(self, path: str) -> None: ...
    def lengths(self) -> dict[str, int]: ...
    def fetch(self, name: str, start: int = 0, end: int | None = None) -> bytes: ...

class Genome:
    def __init__(self, path: str, cache_dir: str = "") -> None: ...
    def lengths(self) -> dict[str, int]: ...
    def fetch(self, name: str, start: int, end: int) -> bytes: ...

class Intervals:
    @staticmethod
    def read(path: str, feature: str = "") -> Intervals: ...
    @staticmethod
    def from_values(
        name: str,
        chromosomes: Sequence[str],
        starts: Sequence[int],
        ends: Sequence[int],
        strands: str = "",
    ) -> Intervals: ...
    def __len__(self) -> int: ...
    @property
    def format(self) -> str: ...
    @property
    def columns(self) -> list[str]: ...
    def values(self, column: str) -> list[str]: ...
    def numbers(self, column: str) -> list[float] | None: ...  # None: no cell is one
    def where(self, row: int) -> str: ...

class GenomeWindows:
    notes: list[str]
    num_negatives: int
    def __init__(
        self,
        genome: Genome,
        intervals: Intervals,
        *,
        window: int,
        placement: str = "center",
        stride: int = 0,
        strand: bool = True,
        chromosome_names: str = "exact",
        chromosomes: Sequence[str] = (),
        exclude: Sequence[Intervals] = (),
        negatives: float = 0.0,
        jitter: int = 0,
        reverse_complement: float = 0.0,
        soft_mask: str = "ignore",
        seed: int = 0,
        channels_first: bool = True,
        encoding: ReadEncoding | None = None,
        tracks: Sequence[str] = (),
        target_window: int = 0,
        bin: int = 1,
        binning: str = "mean",
        missing: float = 0.0,
        tracks_in_memory: bool = False,
        haplotypes: Haplotypes | None = None,
    ) -> None: ...
    def __len__(self) -> int: ...
    @property
    def num_copies(self) -> int: ...  # of each window
    @property
    def intervals(self) -> Tensor: ...
    def gc_shares(self) -> Tensor: ...
    def batch(
        self, indices: Sequence[int], epoch: int = 0, with_letters: bool = True
    ) -> dict[str, Any]: ...
    def letters(self, indices: Sequence[int], epoch: int = 0) -> list[bytes]: ...

class Variants:
    @staticmethod
    def read(
        path: str, passing: bool = False, samples: Sequence[str] | None = None
    ) -> Variants: ...
    @staticmethod
    def from_values(
        name: str,
        chromosomes: Sequence[str],
        positions: Sequence[int],
        references: Sequence[str],
        alternatives: Sequence[str],
        ids: Sequence[str],
    ) -> Variants: ...
    def __len__(self) -> int: ...

class VariantWindows:
    notes: list[str]
    num_mismatches: int
    def __init__(
        self,
        genome: Genome,
        variants: Variants,
        *,
        window: int,
        reference_mismatch: str = "error",
        chromosome_names: str = "exact",
        chromosomes: Sequence[str] = (),
        encoding: ReadEncoding | None = None,
    ) -> None: ...
    def __len__(self) -> int: ...
    # Chromosome, position (from 1), id, reference, alternative, alternatives of the record.
    def about(self, index: int) -> tuple[str, int, str, str, str, int]: ...
    def batch(self, indices: Sequence[int], epoch: int = 0) -> dict[str, Any]: ...
    def letters(self, index: int) -> tuple[bytes, bytes]: ...

class Haplotypes:
    samples: list[str]
    notes: list[str]
    def __init__(
        self,
        genome: Genome,
        variants: Variants,
        *,
        reference_mismatch: str = "error",
        chromosome_names: str = "exact",
        chromosomes: Sequence[str] = (),
    ) -> None: ...

class Metadata:
    path: str
    id_column: str
    ids: list[str]
    columns: list[str]
    types: list[str]
    missing: list[tuple[str, str, int]]  # column, word ("" for empty cells), count
    @staticmethod
    def read(path: str, missing_values: Sequence[str] = ()) -> Metadata: ...
    def missing_report(self, column: str) -> str: ...
    def values(self, column: str) -> list[str]: ...
    def numbers(self, column: str) -> Tensor: ...  # float64 [rows], NaN where missing
    def is_numeric(self, column: str) -> bool: ...

def is_missing(value: str) -> bool: ...
def compare_ids(
    first: Sequence[str], second: Sequence[str], first_name: str, second_name: str
) -> tuple[list[str], list[str], list[str], str]: ...
def load_tensors(path: str) -> dict[str, Tensor]: ...
def save_tensors(
    path: str, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] = ...
) -> None: ...
def read_distances(path: str) -> tuple[list[str], Tensor]: ...
def read_text(path: str) -> str: ...  # UTF-8, else ParseError with the line
def write_distances(
    path: str, ids: Sequence[str], values: Tensor, overwrite: bool = False
) -> None: ...

# community
class Table:
    sample_ids: list[str]
    feature_ids: list[str]
    indptr: Tensor  # int64 [N + 1], shares memory
    indices: Tensor  # int64 [entries]
    values: Tensor  # float64 [entries]
    taxonomy: list[str]  # F lineages, or none
    left_behind: list[str]
    @staticmethod
    def read(path: str) -> Table: ...
    @staticmethod
    def from_arrays(
        sample_ids: Sequence[str],
        feature_ids: Sequence[str],
        indptr: Tensor,
        indices: Tensor,
        values: Tensor,
        taxonomy: Sequence[str] = (),
    ) -> Table: ...
    def rarefy(
        self, depth: int, seed: int, epoch: int, with_replacement: bool
    ) -> tuple[Table, list[str]]: ...
    def select_samples(self, samples: Sequence[int]) -> Table: ...
    def select_features(self, keep: Sequence[bool]) -> Table: ...
    def drop_empty_features(self) -> Table: ...
    def collapse(self, level: int) -> Table: ...
    def with_lineages(self, taxonomy: Metadata) -> Table: ...
    def filter_counts(self, min_reads: float, min_samples: int) -> Table: ...
    def totals(self) -> Tensor: ...  # float64 [N]
    def write(self, path: str, overwrite: bool = False) -> None: ...  # .tsv: classic, else BIOM 2.1

class Tree:
    path: str
    num_nodes: int
    is_rooted: bool
    tips: list[str]
    parents: list[int]  # by node, children first; -1 for the root
    names: list[str]  # by node, "" where the file gives none
    @staticmethod
    def read(path: str) -> Tree: ...
    def root_at_midpoint(self) -> Tree: ...
    def with_lengths_from_zero(self) -> Tree: ...
    @staticmethod
    def parse(text: str, path: str = "text") -> Tree: ...
    def shear(self, tips: Sequence[str]) -> Tree: ...
    def to_newick(self) -> str: ...
    def write(self, path: str, overwrite: bool = False) -> None: ...

def unifrac(
    table: Table,
    tree: Tree,
    missing_features: str,
    metric: str,
    alpha: float,
    variance_adjusted: bool,
    bypass_tips: bool,
    precision: str,
) -> tuple[Tensor, str]: ...  # float64 or float32 [N, N]

class UnifracBatch:
    def __init__(
        self,
        table: Table,
        tree: Tree,
        missing_features: str,
        metric: str,
        alpha: float,
        variance_adjusted: bool,
        bypass_tips: bool,
        precision: str,
    ) -> None: ...
    def distances(self, samples: Sequence[int]) -> Tensor: ...  # float64 or float32 [B, B]
    def missing_report(self, table: Table, tree: Tree) -> str: ...
    def from_counts(
        self, indptr: Tensor, features: Tensor, counts: Tensor
    ) -> Tensor: ...  # compressed rows

def faith_pd(
    table: Table, tree: Tree, missing_features: str
) -> tuple[Tensor, str]: ...  # float64 [N], report
def beta_diversity(table: Table, metric: str, pseudocount: float) -> Tensor: ...  # float64 [N, N]

class Pcoa:
    coordinates: Tensor  # float64 [N, K]
    eigenvalues: Tensor  # float64 [K]
    proportion_explained: Tensor  # float64 [K]

class Permanova:
    pseudo_f: float
    p_value: float
    num_samples: int
    num_groups: int
    num_permutations: int

class Anosim:
    r: float
    p_value: float
    num_samples: int
    num_groups: int
    num_permutations: int

class Permdisp:
    f: float
    p_value: float
    to_centre: Tensor  # float64 [N]
    groups: list[str]
    spread: list[float]

class Mantel:
    r: float
    p_value: float

class Procrustes:
    disparity: float
    correlation: float
    p_value: float
    reference: Tensor  # float64 [N, K]
    fitted: Tensor  # float64 [N, K]

class AdonisRow:
    name: str
    degrees: int
    sum_of_squares: float
    r2: float
    pseudo_f: float
    p_value: float

def alpha_diversity(table: Table, metric: str, base: float) -> Tensor: ...  # float64 [N]
def alpha_metrics() -> list[str]: ...
def rarefaction_curve(
    table: Table,
    metric: str,
    depths: Sequence[int],
    draws: int,
    seed: int,
    base: float,
    tree: Tree | None,
    missing_features: str,
) -> tuple[Tensor, Tensor]: ...  # mean, spread: float64 [depths, N]
def even_depths(deepest: int, count: int) -> list[int]: ...
def merge_tables(tables: Sequence[Table], overlap: str) -> Table: ...
def lineages_of(taxonomy: Metadata) -> list[str]: ...
def merge_distance_parts(paths: Sequence[str]) -> tuple[list[str], Tensor]: ...
def sound_distances(distances: Tensor, ids: Sequence[str], what: str) -> Tensor: ...
def centred_log_ratios(table: Table, pseudocount: float) -> Tensor: ...  # float64 [N, F]
def robust_centred_log_ratios(table: Table) -> Tensor: ...  # float64 [N, F]
def hellinger(table: Table) -> Tensor: ...  # float64 [N, F]
def pcoa(
    distances: Tensor, dimensions: int, method: str, seed: int, ids: Sequence[str]
) -> Pcoa: ...
def biplot(coordinates: Tensor, eigenvalues: Tensor, table: Table) -> Tensor: ...  # float64 [F, K]
def procrustes(
    reference: Tensor, other: Tensor, num_permutations: int, seed: int, strata: Sequence[str]
) -> Procrustes: ...
def permanova(
    distances: Tensor,
    groups: Sequence[str],
    num_permutations: int,
    seed: int,
    strata: Sequence[str],
    ids: Sequence[str],
) -> Permanova: ...
def anosim(
    distances: Tensor,
    groups: Sequence[str],
    num_permutations: int,
    seed: int,
    strata: Sequence[str],
    ids: Sequence[str],
) -> Anosim: ...
def permdisp(
    distances: Tensor,
    groups: Sequence[str],
    centre: str,
    imaginary: str,
    num_permutations: int,
    seed: int,
    strata: Sequence[str],
    ids: Sequence[str],
) -> Permdisp: ...
def mantel(
    first: Tensor,
    second: Tensor,
    method: str,
    alternative: str,
    num_permutations: int,
    seed: int,
    strata: Sequence[str],
    ids: Sequence[str],
) -> Mantel: ...
def adonis(
    distances: Tensor,
    factors: Sequence[tuple[str, Sequence[str], Sequence[float]]],
    terms: Sequence[Sequence[str]],
    by: str,
    num_permutations: int,
    seed: int,
    strata: Sequence[str],
    ids: Sequence[str],
) -> list[AdonisRow]: ...
def parse_terms(formula: str) -> list[list[str]]: ...
def write_pcoa(
    path: str,
    ids: Sequence[str],
    coordinates: Tensor,
    eigenvalues: Tensor,
    proportion_explained: Tensor,
    feature_ids: Sequence[str],
    features: Tensor,
    overwrite: bool = False,
) -> None: ...

# seq
def encode_aam_tokens(reads: Sequence[bytes], max_bp: int) -> tuple[Tensor, Tensor]: ...
def tokenizer_presets() -> list[str]: ...

class Tokenizer:
    name: str
    tokens: list[str]
    special_ids: dict[str, int]  # -1: none
    all_special_ids: list[int]
    before: list[int]  # special tokens in front of a text
    num_specials: int
    padding_side: str
    max_length: int  # 0: not known
    @staticmethod
    def from_json(
        json: str, path: str, roles: Mapping[str, str], padding_side: str
    ) -> Tokenizer: ...
    @staticmethod
    def from_preset(
        name: str, upper_case: bool, roles: Mapping[str, str], padding_side: str
    ) -> Tokenizer: ...
    def __len__(self) -> int: ...
    def id(self, token: str) -> int | None: ...
    def token(self, id: int) -> str: ...
    def encode_rows(
        self,
        texts: Sequence[str | bytes | bytearray],
        add_special_tokens: bool,
        max_length: int,
        truncation_side: str,
    ) -> list[list[int]]: ...
    def encode_batch(
        self,
        texts: Sequence[str | bytes | bytearray],
        add_special_tokens: bool,
        max_length: int,
        truncation_side: str,
        pad_to: int,
        pad_to_multiple: int,
        padding_side: str,
    ) -> tuple[
        Tensor, Tensor, Tensor
    ]: ...  # input_ids, attention_mask int64 [B, L], lengths int64 [B]
    def decode(self, ids: Sequence[int], skip_special_tokens: bool) -> str: ...

class ReadEncoder:
    def encode_reads(
        self,
        reads: Sequence[str | bytes | bytearray],
        record_indices: Sequence[int],
        epoch: int,
        qualities: Sequence[bytes],
    ) -> tuple[Tensor, Tensor]: ...
    def encode_read(
        self, sequence: bytes, quality: bytes | None, record: int, epoch: int
    ) -> tuple[Tensor, int, Tensor | None]: ...
    @staticmethod
    def kmers(
        k: int,
        canonical: bool,
        output: str,
        overlap: bool,
        sequence_type: str,
        unknown: str,
        pad_to: int,
        max_length: int,
        seed: int,
        dtype: str = "float32",
    ) -> ReadEncoder: ...
    @staticmethod
    def tokens(
        tokenizer: Tokenizer,
        add_special_tokens: bool,
        max_length: int,
        pad_to: int,
        pad_to_multiple: int,
        padding_side: str,
    ) -> ReadEncoder: ...

def encode_quality(qualities: Sequence[bytes], length: int, form: str = "phred") -> Tensor: ...
def reverse_complement(sequence: str | bytes | bytearray, sequence_type: str) -> bytes: ...

class Transform:
    is_random: bool
    is_filter: bool
    def apply(
        self,
        sequences: Sequence[str | bytes | bytearray],
        qualities: Sequence[bytes | None],
        records: Sequence[int],
        epoch: int,
    ) -> list[tuple[bytes, bytes | None] | None]: ...

class ReverseComplement(Transform):
    def __init__(self, p: float, sequence_type: str, seed: int) -> None: ...

class Mutator(Transform):
    def __init__(self, rate: float, sequence_type: str, seed: int) -> None: ...

class Sampler(Transform):
    def __init__(self, length: int, strategy: str, short: str, seed: int, pad: str) -> None: ...

class QualitySimulator(Transform):
    def __init__(self, kind: str, first: float, second: float, sd: float, seed: int) -> None: ...

class EndTrimmer(Transform):
    def __init__(self, threshold: int) -> None: ...

class WindowTrimmer(Transform):
    def __init__(self, threshold: int, width: int) -> None: ...

class AdapterTrimmer(Transform):
    def __init__(self, adapter: str, max_error_rate: float, min_overlap: int) -> None: ...

class QualityMasker(Transform):
    def __init__(self, threshold: int) -> None: ...

class LengthFilter(Transform):
    def __init__(self, min_length: int, max_length: int) -> None: ...

class QualityFilter(Transform):
    def __init__(self, min_mean: float, min_base: int) -> None: ...

class Subsampler(Transform):
    def __init__(self, kind: str, value: float, seed: int) -> None: ...

class Deduplicator(Transform):
    def __init__(self, keep: str) -> None: ...

class DuplicateCounter:
    num_distinct: int
    def add(self, sequence: str | bytes | bytearray) -> int: ...
    def count(self, sequence: str | bytes | bytearray) -> int: ...
    def clear(self) -> None: ...

# data
class RecordRows:
    def __len__(self) -> int: ...
    def name(self, row: int) -> str: ...
    def description(self, row: int) -> str: ...
    def names(self) -> list[str]: ...
    def descriptions(self) -> list[str]: ...
    def records(self) -> list[RecordTuple]: ...

class ReadEncoding:
    encoder: ReadEncoder
    def __init__(
        self,
        *,
        encoding: str = "onehot",
        sequence_type: str = "dna",
        unknown: str = "zero",
        pad_to: int = 0,
        max_length: int = 0,
        channels_first: bool = False,
        seed: int = 0,
        dtype: str = "int64",
        quality: str = "phred",
        transforms: Sequence[Transform] = ...,
        encoder: ReadEncoder | None = None,
    ) -> None: ...

class ReadDataset:
    num_filtered: int
    def __init__(
        self,
        paths: Sequence[str | bytes],
        encoding: ReadEncoding = ...,
        on_bad_record: str = "raise",
        mates: Sequence[str | bytes] = ...,
        is_interleaved: bool = False,
        is_indexed: bool = False,
        quality_offset: int = 33,
        check_mates: bool = True,
    ) -> None: ...
    def __len__(self) -> int: ...
    def records(self, indices: Sequence[int], is_mate: bool = False) -> list[RecordTuple]: ...
    def record(self, index: int, is_mate: bool = False) -> RecordTuple: ...
    def file_of(self, index: int) -> int: ...
    def files_of(self, indices: Sequence[int]) -> list[int]: ...
    def numbers(self, sequence_type: str, is_mate: bool = False) -> dict[str, Any]: ...
    def report(self) -> dict[str, Any]: ...
    def item(self, index: int, epoch: int) -> tuple[str, str, int, Tensor, int, Tensor | None]: ...
    def batch(self, indices: Sequence[int], epoch: int = 0) -> dict[str, Any]: ...

class ReadStream:
    given: int
    def __init__(
        self,
        paths: Sequence[str | bytes],
        encoding: ReadEncoding,
        on_bad_record: str,
        shuffle_buffer: int,
        seed: int,
        part: int,
        num_parts: int,
        drop_uneven: bool,
        with_quality: bool = True,
        mates: Sequence[str | bytes] = ...,
        is_interleaved: bool = False,
        block_records: int = 0,
        quality_offset: int = 33,
        check_mates: bool = True,
    ) -> None: ...
    def begin(self, epoch: int, given: int = 0, draws: int | None = None) -> None: ...
    def take(self, num_records: int) -> dict[str, Any] | None: ...  # None: the end
    def report(self) -> dict[str, Any]: ...

class StreamLoader:
    def __init__(
        self,
        stream: ReadStream,
        batch_size: int,
        drop_last: bool,
        num_threads: int,
        pin_memory: bool = False,
    ) -> None: ...
    def begin(self, epoch: int, first_batch: int = 0, draws: int | None = None) -> None: ...
    def next(self) -> dict[str, Any] | None: ...

class Shard:
    def __init__(self, path: str, is_kept_open: bool = False) -> None: ...
    def tensors(self) -> list[tuple[str, Tensor]]: ...
    def rows(self, names: Sequence[str], begin: int, count: int) -> list[Tensor]: ...
    def copy_rows(self, name: str, rows: Tensor, places: Tensor, out: Tensor) -> None: ...
    def check_unchanged(self) -> None: ...

def restore_targets(codec_json: str, values: Tensor) -> Tensor: ...
def mixed_seed(seed: int, epoch: int) -> int: ...
def length_batches(
    lengths: Tensor,
    boundaries: Sequence[int],
    max_tokens: int,
    batch_size: int,
    shuffle: bool,
    drop_last: bool,
    seed: int,
    epoch: int,
    rank: int,
    world_size: int,
) -> list[list[int]]: ...

class SampleDataset:
    sample_ids: list[str]
    def __init__(
        self,
        table: Table,
        sequences: Sequence[str],
        *,
        tree: Tree | None = None,
        distances: Tensor | None = None,
        targets: Tensor | None = None,
        missing_features: str = "error",
        max_bp: int = 150,
        token_limit: int = 1024,
        asv_sampling: str = "abundance",
        rarefy_depth: int = 0,
        redraw_each_epoch: bool = True,
        least_thinning: float = 1.0,
        seed: int = 0,
        metric: str = "unweighted",
        distance_origin: tuple[str, float] | None = None,
    ) -> None: ...
    def set_categories(self, categories: Mapping[str, Tensor]) -> None: ...  # column -> int64 [N]
    def __len__(self) -> int: ...
    def batch(self, indices: Sequence[int], epoch: int = 0) -> dict[str, Any]: ...

def feature_sequences(
    feature_ids: Sequence[str], fasta_path: str = "", missing: str = "error"
) -> list[str]: ...

class ReadLoader:
    num_batches: int
    position: int
    def __init__(
        self,
        dataset: ReadDataset,
        num_items: int,
        batch_size: int,
        shuffle: bool,
        drop_last: bool,
        seed: int,
        num_threads: int,
        rank: int,
        world_size: int,
        pin_memory: bool = False,
        prefetch: int = 2,
    ) -> None: ...
    def begin(self, epoch: int, first_batch: int = 0) -> None: ...
    def begin_with(
        self, epoch: int, first_batch: int, batches: Sequence[Sequence[int]]
    ) -> None: ...
    def next(self) -> dict[str, Any] | None: ...

class SampleLoader:
    num_batches: int
    position: int
    def __init__(
        self,
        dataset: SampleDataset,
        num_items: int,
        batch_size: int,
        shuffle: bool,
        drop_last: bool,
        seed: int,
        num_threads: int,
        rank: int,
        world_size: int,
        pin_memory: bool = False,
        prefetch: int = 2,
    ) -> None: ...
    def begin(self, epoch: int, first_batch: int = 0) -> None: ...
    def begin_with(
        self, epoch: int, first_batch: int, batches: Sequence[Sequence[int]]
    ) -> None: ...
    def next(self) -> dict[str, Any] | None: ...

class EpochBatches:
    def __init__(
        self,
        num_items: int,
        batch_size: int,
        shuffle: bool,
        drop_last: bool,
        seed: int,
        epoch: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None: ...
    def __len__(self) -> int: ...
    def at(self, number: int) -> list[int]: ...

# model: state is a state_dict; a predictor is known by its names under "base_model."
def encoder_layer_weights() -> list[str]: ...
def parameter_names(config_json: str, is_predictor: bool) -> list[str]: ...
def model_forward(
    config_json: str,
    state: Mapping[str, Tensor],
    inputs: Mapping[str, Any],
    return_nucleotides: bool = False,
) -> dict[str, Tensor]: ...

# train
def fit_target(
    column: str, values: Sequence[float], transform: str
) -> str: ...  # JSON of a TargetCodec
def fit_classes(column: str, labels: Sequence[str]) -> str: ...
def refit_target(codec_json: str, values: Sequence[float]) -> str: ...
def choose_samples(
    table: Table,
    metadata: Metadata | None,
    distance_ids: Sequence[str] | None,
    *,
    target: str = "",
    is_classifier: bool = False,
    may_be_constant: bool = False,
    categorical_columns: Sequence[str] = (),
    missing_samples: str = "error",
    rarefy_depth: int = 0,  # -1: automatic
) -> dict[str, Any]: ...  # samples, values, labels, rarefy_depth, left_out [(why, ids)], notes
def fit_categories(
    columns: Sequence[str], metadata: Metadata, sample_ids: Sequence[str]
) -> str: ...  # JSON
def category_ids(
    categories_json: str, metadata: Metadata, sample_ids: Sequence[str]
) -> dict[str, Tensor]: ...  # column -> int64 [N]
def normalize_targets(codec_json: str, values: Sequence[float]) -> Tensor: ...  # float32 [N, 1]
def class_ids(codec_json: str, labels: Sequence[str]) -> Tensor: ...  # int64 [N]
def split_samples(
    num_samples: int,
    test_size: float,
    seed: int,
    labels: Sequence[str] = (),
    groups: Sequence[str] = (),
) -> tuple[list[int], list[int], list[str]]: ...  # training, held back, notes
def baseline(codec_json: str, values: Sequence[float], labels: Sequence[str]) -> str: ...  # JSON
def metric_rows() -> list[dict[str, Any]]: ...
def number_metrics(prediction: Tensor, actual: Tensor) -> dict[str, float]: ...
def class_metrics(
    predicted: Tensor, actual: Tensor, num_classes: int, probabilities: Tensor | None = None
) -> dict[str, Any]: ...
def option_rows(kind: str) -> list[dict[str, Any]]: ...  # model, training, loss, study, encoder
def model_config(
    options: Mapping[str, Any],
) -> dict[str, Any]: ...  # completed with defaults; raises ConfigError
def training_options(options: Mapping[str, Any]) -> dict[str, Any]: ...
def loss_options(options: Mapping[str, Any]) -> dict[str, Any]: ...
def study_options(options: Mapping[str, Any]) -> dict[str, Any]: ...
def num_quantiles(
    options: Mapping[str, Any],
) -> int: ...  # outputs per number of a loss; 0: one plain number

# rank, world_size, and what adds up a tensor over all processes, in place
ProcessGroup: TypeAlias = tuple[int, int, Callable[[Tensor], None]]

# `deepbio` in this process, which trains together with others: the exit code
def run_command(arguments: Sequence[str], process_group: ProcessGroup) -> int: ...
def fit(
    config_json: str,
    state: Mapping[str, Tensor],
    options_json: str,
    train: SampleDataset,
    val: SampleDataset,
    *,
    codec_json: str = "",
    run_directory: str = "",
    run_config_json: str = "",
    notes: Sequence[str] = (),
    val_values: Sequence[float] = (),
    val_labels: Sequence[str] = (),
    on_step: Callable[[dict[str, Any]], bool | None] | None = None,  # False stops
    on_epoch: Callable[[str], bool] | None = None,  # JSON of an EpochReport
    resume: bool = False,
    overwrite: bool = False,
    groups: Sequence[int] = (),
    process_group: ProcessGroup | None = None,
) -> str: ...  # JSON: history, best_epoch, best_loss, stopped_early, interrupted
def read_run_config(run: str) -> str: ...
def write_run_config(run: str, config_json: str) -> None: ...

# sample_ids, values float64 [N, O], class_ids, classes, left_out (samples below the run's depth),
# levels, quantiles,
# notes
def predict(
    run: str,
    table: Table,
    fasta_path: str = "",
    batch_size: int = 32,
    metadata_path: str = "",
    device: str = "",
) -> dict[str, Any]: ...
def calibrate(
    config_json: str,
    state: Mapping[str, Tensor],
    dataset: SampleDataset,
    known_min_samples: int = 0,
    scale_asvs: bool = True,
) -> None: ...
def known_levels(known_inputs: str) -> list[float]: ...
def fit_config(
    config_json: str, dataset: SampleDataset, known_min_samples: int
) -> str: ...  # JSON of a ModelConfig
def embed(
    run: str, table: Table, fasta_path: str = "", batch_size: int = 32, device: str = ""
) -> tuple[list[str], Tensor]: ...
def device_name(name: str, otherwise: str) -> str: ...

# export
def write_torchscript(
    path: str,
    config_json: str,
    state: Mapping[str, Tensor],
    metadata_json: str = "{}",
    overwrite: bool = False,
) -> None: ...
