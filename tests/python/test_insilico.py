"""Experiments on sequences are what counting and changing letters one by one give."""

import random
from collections import Counter
from itertools import pairwise, permutations

import pytest
import torch
from torch import nn

from deepbio_torch import insilico
from deepbio_torch.errors import ArgumentError, ShapeError


def one_hot(texts: list[str]) -> torch.Tensor:
    rows = [[[float(letter == base) for letter in text] for base in "ACGT"] for text in texts]
    return torch.tensor(rows)


def letters(windows: torch.Tensor) -> list[str]:
    return ["".join("ACGT"[c.argmax()] if c.sum() else "N" for c in window.T) for window in windows]


def texts(count: int, length: int, seed: int = 1, alphabet: str = "AACGTTTN") -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices(alphabet, k=length)) for _ in range(count)]


def test_shuffles_keep_every_dinucleotide_and_both_ends():
    for alphabet, length in (("ACGT", 300), ("AACGTTTN", 90), ("AT", 40), ("A", 9), ("ACGT", 3)):
        given = texts(20, length, alphabet=alphabet)
        for found in (
            insilico.shuffle_dinucleotides(given),
            letters(insilico.shuffle_dinucleotides(one_hot(given))),
        ):
            for before, after in zip(given, found, strict=True):
                assert Counter(pairwise(before)) == Counter(pairwise(after))
                assert (before[0], before[-1]) == (after[0], after[-1])
            if length == 300:
                assert all(before != after for before, after in zip(given, found, strict=True))


def test_every_order_of_the_same_dinucleotides_has_the_same_chance():
    text = "ACGACTAGT"
    wanted = Counter(pairwise(text))
    possible = {
        "A" + "".join(middle) + "T"
        for middle in set(permutations(text[1:-1]))
        if Counter(pairwise("A" + "".join(middle) + "T")) == wanted
    }
    draws = 6000
    found = Counter(insilico.shuffle_dinucleotides([text], count=draws, seed=3)[0])
    assert set(found) == possible and len(possible) > 5
    mean = draws / len(possible)
    # The sum of squared deviations follows chi square: five standard deviations above its mean.
    square = sum((count - mean) ** 2 / mean for count in found.values())
    freedom = len(possible) - 1
    assert square < freedom + 5 * (2 * freedom) ** 0.5


def test_shuffles_depend_on_seed_sequence_and_draw_alone():
    given = texts(4, 80)
    all_of = insilico.shuffle_dinucleotides(given, count=3, seed=5)
    assert all_of == insilico.shuffle_dinucleotides(given, count=3, seed=5)
    assert [each[0] for each in all_of] == insilico.shuffle_dinucleotides(given, seed=5)
    assert all_of[:2] == insilico.shuffle_dinucleotides(given[:2], count=3, seed=5)
    assert all_of != insilico.shuffle_dinucleotides(given, count=3, seed=6)
    tensors = insilico.shuffle_dinucleotides(one_hot(given), count=3, seed=5)
    assert tensors.shape == (4, 3, 4, 80) and tensors.dtype == torch.float32
    assert letters(tensors[1]) == letters(
        insilico.shuffle_dinucleotides(one_hot(given[:2]), count=3, seed=5)[1]
    )
    assert insilico.shuffle_dinucleotides(torch.zeros(0, 4, 9)).shape == (0, 4, 9)


class Profile(nn.Module):
    """Outputs [B, K, P]; in training mode it is another one."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(4, 3, 5)
        self.dropout = nn.Dropout(0.5)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        return self.dropout(self.convolution(windows)).exp()


@pytest.mark.parametrize("kind", ["profile", "tracks", "number"])
def test_saturation_mutagenesis_is_what_one_change_at_a_time_gives(kind):
    torch.manual_seed(0)
    given, model = texts(3, 20), Profile()

    def output(values):
        return {"profile": values, "tracks": values.sum(2), "number": values.sum((1, 2))}[kind]

    found = insilico.saturation_mutagenesis(
        model, one_hot(given), start=2, end=17, batch_size=7, output=output
    )
    assert model.training
    model.eval()

    def score(text: str) -> torch.Tensor:
        with torch.no_grad():
            values = model(one_hot([text]))[0].sum(1)
        return values.sum() if kind == "number" else values

    assert found.shape == ((3, 4, 15) if kind == "number" else (3, 3, 4, 15))
    for row, text in enumerate(given):
        for base in range(4):
            for position in range(2, 17):
                mutant = text[:position] + "ACGT"[base] + text[position + 1 :]
                effect = found[row][..., base, position - 2]
                assert torch.allclose(effect, score(mutant) - score(text), atol=1e-5)
                if mutant == text:
                    assert (effect == 0).all()


def test_motifs_are_written_over_the_letters_at_their_place():
    given = texts(3, 20)
    middle = letters(insilico.insert_motif(one_hot(given), "tgact"))
    assert middle == [text[:7] + "TGACT" + text[12:] for text in given]
    places = letters(insilico.insert_motif(one_hot(given), "TGACT", [0, 15, 4]))
    expected = zip(given, (0, 15, 4), strict=True)
    assert places == [text[:at] + "TGACT" + text[at + 5 :] for text, at in expected]
    weights = torch.full((4, 3), 0.25)
    given_windows = one_hot(given)
    windows = insilico.insert_motif(given_windows, weights, 1)
    assert (windows[:, :, 1:4] == 0.25).all() and torch.equal(
        windows[:, :, 4:], given_windows[:, :, 4:]
    )
    assert letters(given_windows) == given  # unchanged


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: insilico.shuffle_dinucleotides("ACGT"), ArgumentError,
         "a list of str, got 'ACGT'"),
        (lambda: insilico.shuffle_dinucleotides(["A"], count=0), ArgumentError,
         "count: expected 1"),
        (lambda: insilico.shuffle_dinucleotides(torch.ones(2, 9, 4)), ShapeError,
         r"got torch.float32 \[2, 9, 4\]"),
        (lambda: insilico.shuffle_dinucleotides(torch.ones(2, 4, 9)), ArgumentError, "0 and 1"),
        (lambda: insilico.insert_motif(one_hot(["ACGT"]), "ACGTA"), ArgumentError,
         "at most 4 letters"),
        (lambda: insilico.insert_motif(one_hot(["ACGT"]), "AN"), ArgumentError,
         "letters of ACGT, got 'AN'"),
        (lambda: insilico.insert_motif(one_hot(["ACGT"]), "AC", [0, 1]), ShapeError,
         "one for each of 1"),
        (lambda: insilico.saturation_mutagenesis(len, one_hot(["ACGT"]), end=5), ArgumentError,
         "0, 5"),
        (lambda: insilico.saturation_mutagenesis(len, one_hot(["ACGT"])), ShapeError, "got int"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_one_line(call, error, said):
    with pytest.raises(error, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)
