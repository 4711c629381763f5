"""A bad study, option or file is refused with one sentence, by whichever door it comes.

The command, Python and C++ are given the same. Only how an option is written differs:
`--class-weights`, `class_weights=`, and in C++ its name in back quotes.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cpp_refusals import as_python_writes, as_the_shell_writes, told_in_cpp
from training_arguments import SMALL, TINY, Run

import deepbio_torch as db
from deepbio_torch._options import rows
from deepbio_torch.errors import DeepBioError

NAMES = [f"s{i}" for i in range(12)]
SITES = {name: f"{i}\t{'xyz'[i % 3]}" for i, name in enumerate(NAMES)}


@dataclass
class Study:
    """What is odd about a study of twelve samples: its options, or what its files hold."""

    options: dict[str, Any] = field(default_factory=dict)
    column: str = "y"
    labels: dict[str, str] = field(default_factory=lambda: SITES)
    features: tuple[str, ...] = ()  # other ids than DNA
    far: float = 0  # the distance between any two samples
    num_near: int = 12  # samples that have distances
    tree: str = ""


STUDIES = {
    "a constant target": Study(labels=dict.fromkeys(NAMES, "7\tx")),
    "a column that is not there": Study(column="yy"),
    "a word among numbers": Study(labels={**SITES, "s3": "not provided\tx"}),
    "one class": Study({"classifier": True}, labels=dict.fromkeys(NAMES, "x\tx")),
    "samples without metadata": Study(labels={name: SITES[name] for name in NAMES[:9]}),
    "a covariate that is not there": Study({"categorical_columns": ["sitee"]}),
    "a depth that no sample has": Study({"rarefy_depth": 100000}),
    "features without a sequence": Study({"missing_sequences": "error"}, features=("o1", "o2")),
    "distances beyond 1": Study(far=5),
    "samples without distances": Study(far=1, num_near=11),
    "a tree without the features": Study(tree="((a:1,b:1):1,c:1);"),
    "a metric of classes": Study({"best_metric": "accuracy"}),
    "weights of classes for numbers": Study({"class_weights": [1, 2]}),
    "a range that targets leave": Study({"bounded_targets": True}),
    "an activation that targets leave": Study({"output_activation": "relu"}),
    "quantiles without the median": Study({"loss_type": "quantile", "quantiles": [0.05, 0.95]}),
    "a weight without effect": Study({"over_penalty": 3}),
    "a device that is none": Study({"device": "gpu7"}),
    "a device that is not there": Study({"device": "xla"}),
}

READERS: dict[str, Callable[[str], Any]] = {
    "reads": lambda path: list(db.SequenceReader(path)), "table": db.read_table,
    "tree": db.read_tree, "distances": db.DistanceMatrix.read, "metadata": db.read_metadata,
}  # fmt: skip
TESTED = "anosim --distances {} --metadata {} --metadata-column y"
# What reads each kind of file, beside sound ones.
COMMANDS = {
    "reads": "stats bad", "table": "alpha --table bad",
    "tree": "faith-pd --table table --tree bad", "distances": TESTED.format("bad", "metadata"),
    "metadata": TESTED.format("distances", "bad"),
}  # fmt: skip
SOUND = {
    "table": "#OTU ID\ta\tb\nf\t1\t2\ng\t3\t4\n", "distances": "\ta\tb\na\t0\t1\nb\t1\t0\n",
    "metadata": "sample-id\ty\na\t1\nb\t2\n",
}  # fmt: skip
FILES = [
    ("reads", "@r\nACGT\n+\nIII\n"), ("reads", "@r\nACGT\n"), ("reads", ">a\nACGT\n@r\nA\n+\nI\n"),
    ("reads", "ACGT\n"), ("reads", ""),
    ("table", "#OTU ID\ts0\ts1\nf0\t1\n"), ("table", "#OTU ID\ts0\ts1\nf0\t1\tmany\n"),
    ("table", "#OTU ID\ts0\ts1\nf0\t1\t-1\n"), ("table", "#OTU ID\ts0\ts0\nf0\t1\t1\n"),
    ("table", '{"id": null, "format": "Biological Observation Matrix 1.0.0"'),
    ("tree", "((f:1,g:2):1;"), ("tree", "(f:1,g:x);"),
    ("distances", "\ta\tb\na\t0\t1\nb\t2\t0\n"), ("distances", "\ta\tb\na\t0\t1\n"),
    ("distances", "\ta\tb\na\t0\tx\nb\t1\t0\n"), ("distances", "\ta\tb\na\t0\t-1\nb\t-1\t0\n"),
    ("metadata", "sample-id\ty\na\t1\na\t2\n"), ("metadata", "age\tsite\n1\t2\n"),
]  # fmt: skip
GIVEN = ("table", "metadata", "distances", "tree")
PARTS = ["3/2", "0/2", "1/0", "half", "1/2/3"]


def in_python(call: Callable[[], object]) -> str:
    with pytest.raises(DeepBioError) as caught:
        call()
    return str(caught.value)


def in_shell(deepbio: Run, folder: Path, *words: object) -> str:
    """The one line of the command, without the hint at its help."""
    done = deepbio(*words, cwd=folder)
    assert done.returncode in (1, 2) and done.stderr.count("\n") == 1, done.stderr
    return done.stderr.removeprefix("deepbio: error: ").strip().partition(" (see: deepbio")[0]


def write_files(folder: Path, study: Study) -> dict[str, str]:
    """The files of a study, by the names that all doors have for them."""
    rng = random.Random(5)
    ids = study.features or ["".join(rng.choices("ACGT", k=40)) for _ in range(6)]
    lines = ["#OTU ID\t" + "\t".join(NAMES)]
    lines += ["\t".join([name, *(str(rng.randint(40, 60)) for _ in NAMES)]) for name in ids]
    (folder / "table").write_text("\n".join(lines) + "\n")
    lines = ["sample-id\ty\tsite", *(f"{name}\t{cells}" for name, cells in study.labels.items())]
    (folder / "metadata").write_text("\n".join(lines) + "\n")
    files = ["table", "metadata"]
    if study.far:
        near = NAMES[: study.num_near]
        lines = ["\t" + "\t".join(near)]
        lines += [a + "".join(f"\t{study.far * (a != b)}" for b in near) for a in near]
        (folder / "distances").write_text("\n".join(lines) + "\n")
        files.append("distances")
    if study.tree:
        (folder / "tree").write_text(study.tree)
        files.append("tree")
    return {name: name for name in files}


def fit(files: dict[str, str], study: Study) -> None:
    """The study as a Python user writes it."""
    given: dict[str, dict[str, Any]] = {"study": {"rarefy_depth": 200, "missing_sequences": "id"}}
    for kind in ("model", "training", "loss", "study"):
        names = {row.name for row in rows(kind)}
        given.setdefault(kind, {}).update({k: v for k, v in study.options.items() if k in names})
    about = given["study"] | {"categorical": given["study"].pop("categorical_columns", ())}
    dataset = db.SampleDataset(
        files["table"],
        **{name: path for name, path in files.items() if name != "table"},
        **about,
        target=study.column,
        classifier="classifier" in study.options,
        max_bp=60,
    )
    model = db.models.SequencePredictor(**TINY, **given["model"])
    db.Trainer(model, epochs=1, batch_size=8, **given["training"], **given["loss"]).fit(dataset)


def typed(options: dict[str, Any]) -> list[str]:
    words = []
    for name, value in options.items():
        words.append("--" + name.replace("_", "-"))
        if value is not True:
            words.append(",".join(map(str, value)) if isinstance(value, list) else str(value))
    return words


def options_of(words: list[str]) -> dict[str, Any]:
    """Flags and values as C++ users give them."""
    pairs = zip(words[::2], words[1::2], strict=True)
    return {flag[2:].replace("-", "_"): int(value) for flag, value in pairs if flag != "--threads"}


@dataclass
class Told:
    """Where a case lies, and what a C++ user is told of it."""

    folder: Path
    message: str


def all_told(
    folders: pytest.TempPathFactory, cases: list[Any], request_of: Callable[[Path, Any], object]
) -> list[Told]:
    """Writes every case into a folder of its own and asks C++ about all."""
    places = [folders.mktemp("case") for _ in cases]
    requests = [
        {"folder": str(place), **request_of(place, case)}
        for place, case in zip(places, cases, strict=True)
    ]
    return [Told(*pair) for pair in zip(places, told_in_cpp(requests), strict=True)]


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    def request_of(folder: Path, study: Study) -> dict[str, Any]:
        files = {**write_files(folder, study), "target": study.column, "output_dir": "run"}
        return {"files": files, "options": options_of(SMALL) | study.options}

    told = all_told(tmp_path_factory, list(STUDIES.values()), request_of)
    return dict(zip(STUDIES, told, strict=True))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Told]:
    def request_of(folder: Path, case: tuple[str, str]) -> dict[str, Any]:
        for name, text in {**SOUND, "bad": case[1]}.items():
            (folder / name).write_text(text)
        return {"read": case[0], "path": "bad"}

    return all_told(tmp_path_factory, FILES, request_of)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> list[Told]:
    return all_told(tmp_path_factory, PARTS, lambda _, part: {"part": part})


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_is_refused_alike(
    deepbio: Run, studies: dict[str, Told], name: str, monkeypatch: pytest.MonkeyPatch
):
    study, told = STUDIES[name], studies[name]
    monkeypatch.chdir(told.folder)
    given = {kind: kind for kind in GIVEN if (told.folder / kind).exists()}
    words = ["train", *typed(given), "--metadata-column", study.column, "--output-dir", "run"]
    said = in_shell(deepbio, told.folder, *words, *SMALL, *typed(study.options))
    assert said == as_the_shell_writes(told.message)
    assert in_python(lambda: fit(given, study)) == as_python_writes(told.message)
    assert told.message and "--" not in told.message and not (told.folder / "run").exists()


@pytest.mark.parametrize("case", range(len(FILES)), ids=[kind for kind, _ in FILES])
def test_a_file_is_refused_alike(
    deepbio: Run, files: list[Told], case: int, monkeypatch: pytest.MonkeyPatch
):
    kind, told = FILES[case][0], files[case]
    monkeypatch.chdir(told.folder)
    assert told.message.startswith("bad: ") and "expected" in told.message
    assert in_shell(deepbio, told.folder, *COMMANDS[kind].split()) == told.message
    assert in_python(lambda: READERS[kind]("bad")) == told.message


@pytest.mark.parametrize("case", range(len(PARTS)), ids=PARTS)
def test_a_part_of_distances_is_refused_alike(deepbio: Run, parts: list[Told], case: int):
    """Python puts parts together and makes none."""
    words = ("unifrac", "--table", "t", "--tree", "n", "--part", PARTS[case], "-o", "d.safetensors")
    said = in_shell(deepbio, parts[case].folder, *words)
    assert parts[case].message and said == as_the_shell_writes(parts[case].message)
