"""Datasets, batches and loaders: one name for everything between files and a model.

Reads: :class:`SequenceReader`, :class:`SequenceDataset`, :class:`StreamingSequenceDataset`. Windows
of a genome: :class:`GenomeDataset`, in pairs around variants :class:`VariantDataset`. Samples of a
feature table: :class:`SampleDataset`. All go through :class:`DataLoader` (threads, most of them in
C++) or torch's own.
"""

from ._batch import Batch, Sample
from ._collate import collate, pad_collate, truncate_collate
from ._genome import GenomeDataset
from ._loader import DataLoader
from ._masks import causal_mask, length_mask, padded_tokens
from ._memory import release_memory
from ._order import ShuffledSampler
from ._record_writer import SequenceWriter
from ._records import FastaFile, Record, RecordBatch, SequenceReader
from ._samples import SampleDataset
from ._sequences import SequenceDataset
from ._streaming import StreamingSequenceDataset
from ._variants import VariantDataset

__all__ = [
    "Batch",
    "DataLoader",
    "FastaFile",
    "GenomeDataset",
    "Record",
    "RecordBatch",
    "Sample",
    "SampleDataset",
    "SequenceDataset",
    "SequenceReader",
    "SequenceWriter",
    "ShuffledSampler",
    "StreamingSequenceDataset",
    "VariantDataset",
    "causal_mask",
    "collate",
    "length_mask",
    "pad_collate",
    "padded_tokens",
    "release_memory",
    "truncate_collate",
]
