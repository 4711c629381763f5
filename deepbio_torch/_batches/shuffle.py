"""Random sequences with the same pairs of neighbours as a given one (Altschul and Erickson 1985).

A sequence is a walk over its letters. Every walk over the same pairs follows, from each letter, the
pairs that leave it in some order; an order gives a whole walk when the last pairs to leave lead
from every letter to the last one. Orders are drawn evenly until that is so, which gives every
possible sequence with the same chance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]


def shuffled_pairs(codes: Codes, seed: int, row: int, draw: int) -> Codes:
    """Codes (0, 1, ...) in another order with the same first and last and the same pairs.

    Drawn by (seed, row, draw) only.
    """
    if len(codes) < 4:  # with three letters there is one order
        return np.array(codes)
    key, counter = np.array([seed, row], dtype=np.uint64), [0, 0, 0, draw]
    random = np.random.Generator(np.random.Philox(key=key, counter=counter))
    count = int(codes.max()) + 1
    followers = [codes[1:][codes[:-1] == code] for code in range(count)]
    while True:
        orders = [random.permutation(after) for after in followers]
        if _leads_to_end(orders, int(codes[-1])):
            return _walk(orders, int(codes[0]), len(codes))


def _leads_to_end(orders: list[Codes], end: int) -> bool:
    """Whether the last steps from each letter lead to the end."""
    for start, after in enumerate(orders):
        code, steps = start, 0
        while code != end and len(after) and steps <= len(orders):
            code, steps = int(orders[code][-1]), steps + 1
        if len(after) and code != end:
            return False
    return True


def _walk(orders: list[Codes], start: int, length: int) -> Codes:
    steps = [iter(after.tolist()) for after in orders]
    out = [start]
    for _ in range(length - 1):
        out.append(next(steps[out[-1]]))
    return np.array(out, dtype=np.int64)
