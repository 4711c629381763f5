"""Names of other libraries over this one, for code that moves.

DeepBioP's PyTorch API and AAM's PyTorch port.

Thin: each is a class or function of this package, or makes one from the other's keywords.
docs/coming-from.md has the tables. New code is better off with the names of this package.
"""

from ._batches.batch import Batch
from ._batches.loader import DataLoader
from ._community.names_of_aam import (
    ASVDataset,
    BIOMLoader,
    SequenceRegressor,
    SequenceTokenizer,
    UniFracComputer,
)
from ._names_of_deepbiop import (
    Dataset,
    FastaDataset,
    FastaStreamDataset,
    FastqDataset,
    FastqStreamDataset,
    IntegerEncoder,
    KmerEncoder,
    LengthFilter,
    Mutator,
    OneHotEncoder,
    QualityFilter,
    QualityModel,
    QualitySimulator,
    ReverseComplement,
    Sampler,
    StreamingFastqDataset,
    TargetExtractor,
    TransformerEncoder,
    add_special_tokens,
    create_attention_mask,
    create_classification_extractor,
    create_padding_mask,
    default_collate,
    default_collate_fn,
    get_builtin_extractor,
    pad_collate_fn,
    truncate_collate_fn,
)
from .cache import Cache
from .transforms import Compose, Deduplicator, Subsampler

__all__ = [
    "ASVDataset",
    "BIOMLoader",
    "Batch",
    "Cache",
    "Compose",
    "DataLoader",
    "Dataset",
    "Deduplicator",
    "FastaDataset",
    "FastaStreamDataset",
    "FastqDataset",
    "FastqStreamDataset",
    "IntegerEncoder",
    "KmerEncoder",
    "LengthFilter",
    "Mutator",
    "OneHotEncoder",
    "QualityFilter",
    "QualityModel",
    "QualitySimulator",
    "ReverseComplement",
    "Sampler",
    "SequenceRegressor",
    "SequenceTokenizer",
    "StreamingFastqDataset",
    "Subsampler",
    "TargetExtractor",
    "TransformerEncoder",
    "UniFracComputer",
    "add_special_tokens",
    "create_attention_mask",
    "create_classification_extractor",
    "create_padding_mask",
    "default_collate",
    "default_collate_fn",
    "get_builtin_extractor",
    "pad_collate_fn",
    "truncate_collate_fn",
]
