"""Generated matrices of distances in every format, and how they are read here and by NumPy, h5py
and scikit-bio."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import skbio
from file_parts import as_lines, text_of

import deepbio_torch as db

Compared = tuple[Any, Any]


def _square(rng: random.Random, n: int) -> np.ndarray:
    points = np.array([[rng.gauss(0, 1) for _ in range(3)] for _ in range(n)])
    square = np.linalg.norm(points[:, None] - points[None], axis=2)
    return np.triu(square, 1) + np.triu(square, 1).T


def _damaged(rng: random.Random, square: np.ndarray) -> np.ndarray:
    """Asymmetric, NaN, infinite, negative or with a diagonal, now and then."""
    n = len(square)
    if rng.random() < 0.12:
        i, j = rng.randrange(n), rng.randrange(n)
        square[i, j] = rng.choice((np.nan, np.inf, -0.5, 1e9 if i != j else 0.25))
    elif rng.random() < 0.1:
        square[0, 0] = 1e-17  # rounding
    return square


def _phylip(rng: random.Random, square: np.ndarray) -> str:
    """Relaxed PHYLIP: names without blanks, square or lower triangle, lines of one row."""
    is_square = rng.random() < 0.5
    rows = []
    for i, row in enumerate(square):
        cells = row if is_square else row[:i]
        sign = rng.choice(("\t", "\t", " "))
        rows.append(sign.join([f"s{i}_{rng.randrange(10**6)}", *map(repr, map(float, cells))]))
    return f"{rng.choice(('', ' ', '    '))}{len(square)}\n" + "\n".join(rows) + "\n"


def _write_hdf5(rng: random.Random, path: Path, square: np.ndarray) -> None:
    with h5py.File(path, "w", libver=rng.choice(("earliest", ("earliest", "v110")))) as file:
        options = {"compression": "gzip"} if rng.random() < 0.5 else {}
        file.create_dataset(rng.choice(("matrix", "distances")), data=square, **options)
        if rng.random() < 0.7:
            file["order"] = np.array([f"s{i}" for i in range(len(square))], dtype=object)


def matrices_file(rng: random.Random, path: Path) -> None:
    """A matrix as .npy, .npz, HDF5 or PHYLIP; float64, float32, big-endian, Fortran order; with
    faults."""
    n = rng.randrange(2, 12)
    square = _damaged(rng, _square(rng, n))
    kind = rng.choice(("npy", "npz", "hdf5", "phylip"))
    if kind == "phylip":
        path.write_bytes(as_lines(_phylip(rng, np.abs(np.nan_to_num(square, posinf=1.0))), rng))
    elif kind == "hdf5":
        _write_hdf5(rng, path, square.astype(rng.choice(("f8", "f4", ">f8"))))
    else:
        square = square.astype(rng.choice(("<f8", "<f4", ">f8")))
        square = np.asfortranarray(square) if rng.random() < 0.3 else square
        with path.open("wb") as file:
            if kind == "npy":
                np.save(file, square)
            else:
                rng.choice((np.savez, np.savez_compressed))(
                    file, **{rng.choice(("distances", "D")): square}
                )


def _checked(square: np.ndarray, names: list[str] | None = None) -> Any:
    """As scikit-bio checks a matrix; its rounding is that of float32 files."""
    square = np.ascontiguousarray(square, dtype="<f8")
    if (square < 0).any() or not np.isfinite(square).all():
        raise ValueError("a distance is negative or infinite")
    clean = np.where(np.eye(len(square), dtype=bool) & (square <= 1e-6), 0.0, square)
    matrix = skbio.DistanceMatrix(clean, names or [str(i) for i in range(len(square))])
    return names, matrix.data.tolist()


def matrices_both(path: Path) -> Compared:
    """Values, and ids where the file has them, by this library and by the tool of the format."""

    def ours() -> Any:
        matrix = db.DistanceMatrix.read(path)
        ids = matrix.ids
        return ids if ids and ids[0].startswith("s") else None, matrix.values.double().tolist()

    def theirs() -> Any:
        head = path.read_bytes()[:8]
        if head == b"\x89HDF\r\n\x1a\n":
            with h5py.File(path) as file:
                names = [name.decode() for name in file["order"][:]] if "order" in file else None
                return _checked(next(file[name][:] for name in file if name != "order"), names)
        if head[:6] == b"\x93NUMPY" or head[:2] == b"PK":
            loaded = np.load(path)
            return _checked(loaded if isinstance(loaded, np.ndarray) else loaded[loaded.files[0]])
        return _phylip_by_hand(text_of(path))

    return ours, theirs


def _phylip_by_hand(text: str) -> Any:
    """scikit-bio's own reader where it takes the file, which must then agree with the lines as
    they stand."""
    lines = text.split("\n")
    rows = [line.split() for line in lines[1:] if line.strip()]
    names, n = [row[0] for row in rows], int(lines[0])
    square = np.zeros((n, n))
    for i, row in enumerate(rows):
        for j, cell in enumerate(row[1:]):
            square[i, j] = float(cell)
            if len(row) - 1 < n:
                square[j, i] = float(cell)
    found = _checked(square, names)
    again = "\n".join([str(n), *("\t".join(row) for row in rows)]) + "\n"
    if not np.diag(square).any():  # scikit-bio forgives no rounding there
        matrix = skbio.DistanceMatrix.read(io.StringIO(again), format="phylip_dm", strict=False)
        assert list(matrix.ids) == names and np.array_equal(matrix.data, square)
    return found
