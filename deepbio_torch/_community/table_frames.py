"""Counts out of the frames of other packages: ids of samples, ids of features, and the numbers."""

from __future__ import annotations

from typing import Any, TypeAlias

from ..errors import ArgumentError, WrongTypeError
from .ids import some_of

Counts: TypeAlias = tuple[list[Any], list[Any], Any]


def pandas_counts(frame: Any) -> Counts:
    """A DataFrame of pandas with samples as rows; its columns may be sparse."""
    if not hasattr(frame, "columns") or not hasattr(frame, "index"):
        raise WrongTypeError(f"from_pandas: expected a DataFrame, got {type(frame).__name__}")
    text = [
        str(name)
        for name, kind in zip(frame.columns, frame.dtypes, strict=True)
        if kind.kind not in "biuf"
    ]
    if text:
        raise ArgumentError(
            f"from_pandas: expected numbers, column {text[0]!r} is not (the index holds the ids)"
        )
    is_sparse = len(frame.columns) > 0 and all(hasattr(kind, "fill_value") for kind in frame.dtypes)
    counts = frame.sparse.to_coo() if is_sparse else frame.to_numpy(dtype=float)
    return (list(frame.index), list(frame.columns), counts)


def polars_counts(frame: Any, id_column: str | None) -> Counts:
    """A DataFrame of polars; None: the ids stand in its first column."""
    if not hasattr(frame, "columns") or not hasattr(frame, "drop"):
        raise WrongTypeError(f"from_polars: expected a DataFrame, got {type(frame).__name__}")
    ids = frame.columns[0] if id_column is None and frame.columns else id_column
    if ids not in frame.columns:
        raise ArgumentError(f"id_column: expected one of {some_of(frame.columns)}, got {ids!r}")
    counts = frame.drop(ids)
    text = [
        name
        for name, kind in zip(counts.columns, counts.dtypes, strict=True)
        if not kind.is_numeric()
    ]
    if text:
        raise ArgumentError(f"from_polars: expected numbers, column {text[0]!r} is not")
    return (frame[ids].to_list(), counts.columns, counts.to_numpy().astype(float))


def anndata_counts(data: Any) -> Counts:
    """The matrix ``X`` of AnnData."""
    if not all(hasattr(data, name) for name in ("X", "obs_names", "var_names")):
        raise WrongTypeError(f"from_anndata: expected AnnData, got {type(data).__name__}")
    if data.X is None:
        raise ArgumentError("from_anndata: expected counts in X, got none")
    return (list(data.obs_names), list(data.var_names), data.X)
