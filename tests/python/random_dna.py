"""Random DNA for tests."""

import random


def dna(rng: random.Random, length: int, letters: str = "ACGT") -> str:
    return "".join(rng.choices(letters, k=length))
