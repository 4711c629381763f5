"""Datasets, batches and loaders: one name for everything between files and a model.

Reads: :class:`SequenceReader`, :class:`SequenceDataset`, :class:`StreamingSequenceDataset`. Windows
of a genome: :class:`GenomeDataset`, in pairs around variants :class:`VariantDataset`. Samples of a
feature table: :class:`SampleDataset`. All go through :class:`DataLoader` (threads, most of them in
C++) or torch's own.
"""

from ._batches.batch import Batch, Sample
from ._batches.collate import collate, pad_collate, truncate_collate
from ._batches.loader import DataLoader
from ._batches.order import ShuffledSampler
from ._batches.streaming import StreamingSequenceDataset
from ._community.samples import SampleDataset
from ._memory import release_memory
from ._reads.genome import GenomeDataset
from ._reads.masks import causal_mask, length_mask, padded_tokens
from ._reads.record_writer import SequenceWriter
from ._reads.records import FastaFile, Record, RecordBatch, SequenceReader
from ._reads.sequences import SequenceDataset
from ._reads.variants import VariantDataset

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
