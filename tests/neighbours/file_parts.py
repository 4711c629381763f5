"""What generated files of every kind are made of: ids as users have them, line ends,
compression."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

IDS = (
    lambda rng: f"s{rng.randrange(10**6)}",
    lambda rng: f"{rng.randrange(3000)}.{rng.randrange(10**6):06}",
    lambda rng: "".join(rng.choices("ACGT", k=rng.randrange(8, 40))),
    lambda rng: f"Größe {rng.randrange(10**5)}",
    lambda rng: f"a'b_{rng.randrange(10**5)}",
    lambda rng: f"{rng.randrange(10**8):08x}",
    lambda rng: f"k__Bacteria; p__X{rng.randrange(10**5)}",
    lambda rng: f"1e{rng.randrange(10**4)}",
)


def ids(rng: random.Random, count: int) -> list[str]:
    """Distinct ids of one style, or of mixed ones."""
    styles = [rng.choice(IDS)] if rng.random() < 0.7 else list(IDS)
    found: dict[str, None] = {}
    while len(found) < count:
        found[rng.choice(styles)(rng)] = None
    return list(found)


def as_lines(text: str, rng: random.Random) -> bytes:
    """The text with one kind of line end, with or without the last one, gzipped now and then."""
    text = text.replace("\n", rng.choice(("\n", "\n", "\r\n")))
    data = (text if rng.random() < 0.8 else text.rstrip("\r\n")).encode()
    return gzip.compress(data) if rng.random() < 0.2 else data


def text_of(path: Path) -> str:
    """The text of a file that may be gzipped."""
    data = path.read_bytes()
    return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
