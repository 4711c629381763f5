"""The encoded records of a dataset, chunk by chunk, and files of other formats that hold them."""

from __future__ import annotations

import io
import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path as _Path
from typing import Any, BinaryIO, TypeAlias

import torch
from torch import Tensor

from .._arguments import path_text
from .._batches.batch import Batch, Sample
from .._batches.source import ReadSource
from .._output import written_whole
from .._progress import GivenProgress, Progress, shown
from ..errors import ArgumentError
from .labels import Labels
from .records import Path

Writer: TypeAlias = Callable[[BinaryIO, Progress | None], None]

_CHUNK = 8192  # records
_LETTERS = ("sequence", "quality", "mate_sequence", "mate_quality")


def check_fixed(dataset: ReadSource) -> None:
    """Refuses a dataset that C++ does not encode whole, or that differs from epoch to epoch."""
    if not isinstance(dataset, ReadSource) or not dataset.is_native:
        raise ArgumentError(
            "expected a SequenceDataset whose transform is native and ends with an "
            f"encoder, got {dataset!r}"
        )
    encoder = dataset._plan.encoder
    random = [step for step in dataset._plan.head if step.native.is_random]
    if encoder is not None and encoder.unknown == "random":
        random.append(encoder)  # type: ignore[arg-type]
    if random:
        raise ArgumentError(
            f"expected a transform without chance, got {random[0]!r}: every epoch would be one"
        )


def chunks(
    dataset: ReadSource, size: int, progress: Progress | None
) -> Iterator[tuple[Batch, Any]]:
    """All records in order: batches, and the raw titles of each."""
    total = len(dataset.native())
    labels = dataset.labels
    for begin in range(0, total, size):
        indices = range(begin, min(begin + size, total))
        fields = dataset.native().batch(indices, 0)
        rows = fields.pop("rows")
        batch = Batch(fields)
        Labels(labels).add_to(batch, batch["index"])
        yield batch, rows
        if progress is not None:
            progress(indices.stop, total)


def export_reads(dataset: ReadSource, path: Path, *, progress: GivenProgress = None) -> str:
    """Writes the records of a dataset to one file, told by its suffix (.npz .npy .pt .h5 .parquet).

    Returns its path.

    ``.npz``, ``.pt`` and ``.h5`` hold the arrays of one batch of all records (``sequences`` or
    ``input_ids`` and ``attention_mask``, ``lengths``; ``quality``, ``labels`` and ``mate_...``
    where there are), ``ids`` and ``classes`` (the names of class 0, 1, ...); ``.pt`` as a dict of
    tensors that ``torch.load`` takes with ``weights_only=True``. ``.npy`` holds the array
    ``sequences`` (or ``input_ids``) alone, for ``np.load(path, mmap_mode="r")``. ``.parquet`` has a
    row per record: ``id``, ``length``, ``label``, and ``sequence``, ``quality``, ... as flat lists
    without padding; ``classes`` stand in the metadata of its schema. Of a dataset without an
    encoder, ``.parquet`` holds the reads as text: ``id``, ``description``, ``length``,
    ``sequence``, ``quality`` (Phred + 33), ``mate_...``.

    A file of that name is replaced, and only when all is written. Bytes of titles that are not
    UTF-8 come back from ``.npz`` as ``str.encode("utf-8", "surrogateescape")`` gives them and stand
    in ``.h5`` as they are; ``.parquet`` cannot hold them.

    Raises:
        ArgumentError: another suffix; a transform that draws at random, or (.parquet apart) does
            not end with an encoder; a name that the format cannot hold. WriteError: no such folder,
            no permission, no room. ImportError: h5py or pyarrow is missing.
    """
    target = _Path(os.fsdecode(path_text(path)))
    writers = {
        ".npz": _npz_writer,
        ".npy": _npy_writer,
        ".pt": _torch_writer,
        ".h5": _hdf5_writer,
        ".parquet": _parquet_writer,
    }
    if target.suffix not in writers:
        raise ArgumentError(
            f"export: expected a path that ends with {', '.join(writers)}, got {os.fspath(path)!r}"
        )
    if (
        target.suffix == ".parquet"
        and isinstance(dataset, ReadSource)
        and dataset._plan.encoder is None
    ):
        writers[".parquet"] = _read_writer
    else:
        check_fixed(dataset)
    writer = writers[target.suffix](dataset)
    with (
        shown(progress, f"export to {target.name}") as told,
        written_whole(target) as temporary,
        open(temporary, "xb") as file,
    ):
        writer(file, told)
        file.flush()
        os.fsync(file.fileno())
    return os.fspath(target)


def _whole(dataset: ReadSource, progress: Progress | None) -> tuple[Batch, list[str]]:
    every = [
        (batch, rows.names())
        for batch, rows in chunks(dataset, max(len(dataset.native()), 1), progress)
    ]
    return every[0] if every else (Batch(), [])


def _arrays(batch: Batch) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in batch.items():
        if isinstance(value, dict):
            flat |= {f"{key}_{name}": values.numpy() for name, values in value.items()}
        elif key != "index":
            flat[key] = value.numpy()
    return flat


def _class_names(dataset: ReadSource) -> dict[str, list[str]]:
    names = dataset.classes
    if isinstance(names, dict):
        return {f"classes_{target}": classes for target, classes in names.items()}
    return {} if names is None else {"classes": names}


def _npz_writer(dataset: ReadSource) -> Writer:
    import numpy

    def write(file: BinaryIO, progress: Progress | None) -> None:
        batch, names = _whole(dataset, progress)
        arrays = _arrays(batch)
        arrays |= {
            key: numpy.array(texts)
            for key, texts in {"ids": names, **_class_names(dataset)}.items()
        }
        numpy.savez_compressed(file, **arrays)

    return write


def _npy_writer(dataset: ReadSource) -> Writer:
    import numpy

    def write(file: BinaryIO, progress: Progress | None) -> None:
        batch, _ = _whole(dataset, progress)
        values = batch["input_ids"] if "input_ids" in batch else batch["sequences"]
        numpy.save(file, values.numpy(), allow_pickle=False)

    return write


def _torch_writer(dataset: ReadSource) -> Writer:
    def write(file: BinaryIO, progress: Progress | None) -> None:
        batch, names = _whole(dataset, progress)
        arrays = {key: torch.from_numpy(values) for key, values in _arrays(batch).items()}
        torch.save({**arrays, "ids": names, **_class_names(dataset)}, file)

    return write


def _hdf5_writer(dataset: ReadSource) -> Writer:
    try:
        import h5py
    except ImportError:
        raise ImportError("export to .h5 needs h5py: pip install h5py") from None

    def write(file: BinaryIO, progress: Progress | None) -> None:
        batch, names = _whole(dataset, progress)
        # In memory first: HDF5 cannot be left in the middle of a file that turns out to have no
        # room.
        memory = io.BytesIO()
        with h5py.File(memory, "w") as whole:
            for key, values in _arrays(batch).items():
                whole.create_dataset(key, data=values, compression="gzip", compression_opts=1)
            for key, texts in {"ids": names, **_class_names(dataset)}.items():
                encoded = [text.encode("utf-8", "surrogateescape") for text in texts]
                whole.create_dataset(key, data=encoded, dtype=h5py.string_dtype())
        file.write(memory.getbuffer())

    return write


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ImportError("export to .parquet needs pyarrow: pip install pyarrow") from None
    return pyarrow


def _write_tables(file: BinaryIO, tables: Iterator[Any]) -> None:
    pyarrow = _pyarrow()
    first = next(tables, None)
    if first is None:
        first = pyarrow.table({"id": pyarrow.array([], pyarrow.string())})
    with pyarrow.parquet.ParquetWriter(file, first.schema) as whole:
        for table in itertools.chain([first], tables):
            whole.write_table(table)


def _parquet_writer(dataset: ReadSource) -> Writer:
    pyarrow = _pyarrow()
    encoder = dataset._plan.encoder
    assert encoder is not None
    layout = encoder.layout()._replace(
        is_fixed=False, multiple=1
    )  # nothing but what belongs to a record
    about = {"classes": json.dumps(dataset.classes), "transform": repr(dataset.transform)}

    def tables(progress: Progress | None) -> Iterator[Any]:
        for batch, rows in chunks(dataset, _CHUNK, progress):
            columns: dict[str, Any] = {
                "id": _utf8(rows.names(), batch["index"]),
                "length": batch["lengths"].numpy(),
            }
            samples = [Sample() for _ in columns["id"]]
            for prefix in ("", "mate_"):
                if prefix + "lengths" in batch:
                    for row, sample in enumerate(samples):
                        layout.put_row(sample, batch, row, prefix)
            for key, value in samples[0].items():
                if value is not None:
                    columns[key] = [sample[key].flatten().numpy() for sample in samples]
            for key, values in _arrays(batch).items():
                if key.startswith("labels"):
                    columns[key.replace("labels", "label", 1)] = values
            yield pyarrow.table(columns).replace_schema_metadata(about)

    return lambda file, progress: _write_tables(file, tables(progress))


def _read_writer(dataset: ReadSource) -> Writer:
    """Reads as text: of a dataset whose transform leaves them letters."""
    pyarrow = _pyarrow()
    random = [
        step
        for step in dataset._plan.steps
        if getattr(getattr(step, "native", None), "is_random", False)
    ]
    if random:
        raise ArgumentError(
            f"expected a transform without chance, got {random[0]!r}: every epoch would be one"
        )

    def text(sample: Sample, key: str) -> str:
        value = sample.get(key)
        if not isinstance(value, (bytes, str)):
            place = f"record {sample['metadata']['index']}: {key}"
            raise ArgumentError(f"{place}: expected letters, got {type(value).__name__}")
        return value if isinstance(value, str) else value.decode("ascii")

    def tables(progress: Progress | None) -> Iterator[Any]:
        total, keys = len(dataset), set[str]()
        for begin in range(0, total, _CHUNK):
            indices = range(begin, min(begin + _CHUNK, total))
            samples: list[Sample] = dataset.__getitems__(indices)
            if not samples:  # all of them dropped by a step
                continue
            keys = keys or {key for key in _LETTERS if samples[0].get(key) is not None}
            for sample in samples:
                if any(sample.get(key) is not None for key in _LETTERS if key not in keys):
                    place = f"record {sample['metadata']['index']}"
                    raise ArgumentError(
                        f"{place}: expected no qualities, as before: export FASTA and FASTQ apart"
                    )
            about = [sample["metadata"] for sample in samples]
            index = torch.tensor([each["index"] for each in about], dtype=torch.long)
            columns: dict[str, Any] = {
                "id": _utf8([sample["id"] for sample in samples], index),
                "description": _utf8([each["description"] for each in about], index),
                "length": [len(sample["sequence"]) for sample in samples],
            }
            for key in _LETTERS:
                if key in keys:
                    columns[key] = [text(sample, key) for sample in samples]
            labels = Batch(index=index)
            Labels(dataset.labels).add_to(labels, index)
            for key, values in _arrays(labels).items():
                columns[key.replace("labels", "label", 1)] = values
            yield pyarrow.table(columns).replace_schema_metadata(
                {"classes": json.dumps(dataset.classes)}
            )
            if progress is not None:
                progress(indices.stop, total)

    return lambda file, progress: _write_tables(file, tables(progress))


def _utf8(names: list[str], index: Tensor) -> list[str]:
    """Names of records, all of which are UTF-8."""
    for name, number in zip(names, index.tolist(), strict=True):
        try:
            name.encode()
        except UnicodeEncodeError:
            raise ArgumentError(
                f"record {number}: expected a name in UTF-8, which Parquet asks for, got {name!r}"
            ) from None
    return names
