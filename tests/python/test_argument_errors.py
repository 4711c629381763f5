"""Arguments of a wrong type end in one line of ours, whatever public callable they were given to."""

import inspect
import re

import pytest
import torch

import deepbio_torch as db
from deepbio_torch import _C

MODULES = (
    "cache", "community", "compat", "data", "export", "losses", "metrics", "models", "report", "sklearn", "study",
    "targets", "tokenizers", "training", "transforms",
)  # fmt: skip
WRONG = [None, 3, 2.5, "no such thing", b"bytes", [], {"a": 1}, object(), torch.zeros(2)]
# Not ours: they pass on to torch or take anything.
LEFT_OUT = {"collate", "pad_collate", "truncate_collate"}


def public_callables() -> list[tuple[str, object]]:
    found = []
    for module in MODULES:
        for name in getattr(db, module).__all__:
            value = getattr(getattr(db, module), name)
            if callable(value) and name not in LEFT_OUT:
                found.append((f"{module}.{name}", value))
    return found


def refusal(call, *arguments, **keywords) -> BaseException | None:
    try:
        call(*arguments, **keywords)
    except Exception as error:  # what it is, is what the tests below ask
        return error
    return None


@pytest.mark.parametrize(("name", "call"), public_callables(), ids=[name for name, _ in public_callables()])
def test_no_wrong_argument_ends_in_a_list_of_signatures(name: str, call: object):
    try:
        parameters = [p for p in inspect.signature(call).parameters.values() if p.kind is not p.VAR_KEYWORD]
    except ValueError:
        parameters = []
    required = sum(p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)
    for wrong in WRONG:
        error = refusal(call, *[wrong] * max(required, 1))
        if error is not None:
            text = str(error)
            assert "incompatible" not in text and "Invoked with" not in text and "pybind" not in text, (wrong, text)
            assert len(text.splitlines()) <= 1 or isinstance(error, RuntimeError), (wrong, text)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: _C.augmentation_draw(None, 1, 2),
            r"^augmentation_draw: expected \(seed: .*got \(NoneType, int, int\)$",
        ),
        (lambda: _C.augmentation_draw(1, 2), r"^augmentation_draw: expected \(.*got \(int, int\)$"),
        (
            lambda: _C.augmentation_draw(seed="a", epoch=1, record_index=2),
            r"got \(seed=str, epoch=int, record_index=int\)$",
        ),
        (lambda: _C.Metadata.read(3), r"^read: expected \(path: .*got \(int\)$"),
        (lambda: _C.SampleDataset(3, []), r"^SampleDataset: expected \(table: Table, .*got \(int, list\)$"),
    ],
)
def test_the_line_says_what_was_expected_and_which_types_came(call: object, message: str):
    error = refusal(call)
    assert type(error).__name__ == "WrongTypeError" and isinstance(error, (TypeError, ValueError))
    assert re.search(message, str(error)), str(error)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("permanova --permutations 0", "--permutations: expected a number above 0, got 0"),
        ("table filter --min-reads -3", "--min-reads: expected 0 or more, got -3"),
        ("unifrac --alpha -0.5", "--alpha: expected 0 or more, got -0.5"),
    ],
)
def test_a_number_out_of_range_is_said_in_one_line(deepbio, words: str, message: str):
    done = deepbio(*words.split())
    assert done.returncode == 2 and message in done.stderr and len(done.stderr.splitlines()) == 1
