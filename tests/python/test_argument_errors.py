"""Arguments of a wrong type end in one line of ours, whatever public callable they were given
to."""

import inspect
import re
from pathlib import Path

import pytest
import torch

import deepbio_torch as db
from deepbio_torch import _C
from deepbio_torch.errors import DeepBioError

MODULES = (
    "cache", "community", "compat", "data", "errors", "export", "insilico", "losses", "metrics",
    "models", "report", "sklearn", "study", "targets", "tokenizers", "training", "transforms",
)  # fmt: skip
WRONG = [None, 3, 2.5, "no such thing", b"bytes", [], {"a": 1}, object(), torch.zeros(2)]
# Not ours: they pass on to torch or take anything.
LEFT_OUT = {"collate", "pad_collate", "truncate_collate"}


# What Python says of a call with too few or too many arguments, and classes that only others make.
MADE_BY_OTHERS = {
    "cache.CachedDataset",
    "study.StudyResult",
    "training.History",
    "tokenizers.Tokenizer",
}
# What a fault in our own code looks like: nobody looked at the argument before it was used.
FAULTS = (AttributeError, KeyError, IndexError, RuntimeError, AssertionError, UnboundLocalError)


def public_callables() -> list[tuple[str, object]]:
    found = []
    for module in MODULES:
        for name in getattr(db, module).__all__:
            value = getattr(getattr(db, module), name)
            if callable(value) and name not in LEFT_OUT:
                found.append((f"{module}.{name}", value))
    return found


def test_the_walk_meets_every_public_name():
    met = {name.partition(".")[2] for name, _ in public_callables()} | LEFT_OUT
    modules = {name for name in db.__all__ if inspect.ismodule(getattr(db, name))}
    assert modules == set(MODULES)
    assert {name for name in db.__all__ if callable(getattr(db, name))} <= met


def refusal(call, *arguments, **keywords) -> BaseException | None:
    try:
        call(*arguments, **keywords)
    except Exception as error:  # what it is, is what the tests below ask
        return error
    return None


def check_refusal(who: str, wrong: object, error: BaseException) -> None:
    """One line that is ours or Python's own about the call, not a fault or a dump of signatures."""
    text = str(error)
    assert "incompatible" not in text and "Invoked with" not in text and "pybind" not in text, (
        who,
        wrong,
        text,
    )
    assert not isinstance(error, FAULTS) or isinstance(error, DeepBioError), (
        who,
        wrong,
        repr(error),
    )
    assert len(text.splitlines()) <= 1 or isinstance(error, RuntimeError), (who, wrong, text)


def num_required(call: object) -> int:
    try:
        parameters = inspect.signature(call).parameters.values()
    except ValueError:
        return 1
    return max(
        1, sum(p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "call"), public_callables(), ids=[name for name, _ in public_callables()]
)
def test_no_wrong_argument_ends_in_a_fault_or_a_list_of_signatures(
    name: str, call: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)  # some write what they are given
    for wrong in WRONG:
        error = refusal(call, *[wrong] * num_required(call))
        if error is not None and name not in MADE_BY_OTHERS:
            check_refusal(name, wrong, error)


def instances(fastq: Path, community: Path) -> dict[str, object]:
    """A sound object of every public class that reads, holds or makes data."""
    table, tree = db.read_table(community / "table.biom"), db.read_tree(community / "tree.nwk")
    matrix = db.unifrac(table, tree)
    reads = db.SequenceDataset(fastq, transform=db.transforms.OneHotEncoder())
    samples = db.SampleDataset(table, max_bp=60)
    made = (
        table, tree, matrix, reads, samples, db.read_metadata(community / "metadata.tsv"),
        db.pcoa(matrix, 2), reads.batch([0, 1]), samples.batch([0, 1]), reads[0],
        db.SequenceReader(fastq), db.UnifracBatch(table, tree), db.StreamingSequenceDataset(fastq),
        db.DataLoader(reads), db.tokenizers.Tokenizer.from_preset("esm2"),
        db.rarefaction_curve(table, depths=[10]), db.transforms.OneHotEncoder(),
        db.transforms.Mutator(0.1), db.transforms.KmerEncoder(3), db.transforms.LengthFilter(3),
        db.transforms.ReverseComplement(),
    )  # fmt: skip
    return {f"{k} {type(each).__name__}": each for k, each in enumerate(made)}


# Not for users: what loaders and the parts of a dataset say to each other, and what dict and torch
# do.
INNER = {
    "complete",
    "steps",
    "count",
    "end",
    "restore",
    "from_source",
    "replaced_by",
    "item",
    "pop",
    "to",
}


def own_methods(thing: object) -> list[str]:
    """Public methods that a class of ours has, not those of dict, Dataset or Module."""
    classes = [each for each in type(thing).__mro__ if each.__module__.startswith("deepbio_torch")]
    names = {name for each in classes for name in vars(each) if not name.startswith("_")}
    names -= INNER
    return sorted(name for name in names if callable(getattr(thing, name)))


@pytest.mark.filterwarnings("ignore")
def test_no_method_ends_in_a_fault_either(
    fastq: Path, community_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    num_called = 0
    for who, thing in instances(fastq, community_dir).items():
        for name in own_methods(thing):
            for wrong in WRONG:
                call = getattr(thing, name)
                num_called += 1
                error = refusal(call, *[wrong] * num_required(call))
                if error is not None:
                    check_refusal(f"{who}.{name}", wrong, error)
    assert num_called > 800


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
        (
            lambda: _C.SampleDataset(3, []),
            r"^SampleDataset: expected \(table: Table, .*got \(int, list\)$",
        ),
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
