"""The report: one page that needs nothing else, with a picture for each thing that a run has."""

import base64
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import MissingFileError, ParseError, WriteError

Run = Callable[..., subprocess.CompletedProcess[str]]
pytest.importorskip("matplotlib")
from matplotlib.figure import Figure  # noqa: E402


@pytest.fixture(scope="module")
def runs(
    deepbio: Run, community_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """A run of each kind."""
    folder = tmp_path_factory.mktemp("runs")
    common = [
        "--table",
        community_dir / "table.biom",
        "--epochs",
        2,
        "--embedding-dim",
        16,
        "--max-bp",
        60,
    ]
    labels = ["--metadata", community_dir / "metadata.tsv", "--metadata-column"]
    deepbio(
        "pretrain",
        *common,
        "--tree",
        community_dir / "tree.nwk",
        "--output-dir",
        folder / "pre",
        check=True,
    )
    deepbio("train", *common, *labels, "age", "--output-dir", folder / "age", check=True)
    deepbio(
        "train",
        *common,
        *labels,
        "group",
        "--classifier",
        "--output-dir",
        folder / "group",
        check=True,
    )
    return {path.name: path for path in folder.iterdir()}


def pictures(page: str) -> list[str]:
    """Captions of the pictures, each of which must be a whole PNG inside the page."""
    found = re.findall(r'<img alt="([^"]+)" src="data:image/png;base64,([^"]+)">', page)
    assert all(base64.b64decode(data).endswith(b"IEND\xaeB`\x82") for _, data in found)
    return [caption for caption, _ in found]


def test_a_regression_shows_curves_predictions_and_a_map(runs: dict[str, Path]):
    path = db.report.write_report(runs["age"])
    page = path.read_text()
    assert path == runs["age"] / "report.html"
    captions = pictures(page)
    assert [caption.split()[0] for caption in captions] == [
        "loss",
        "metrics",
        "predicted",
        "residuals",
        "embeddings",
    ]
    assert (
        "embedding_dim" in page
        and "<th>r2</th>" in page
        and "http" not in page
        and "<script" not in page
    )


def test_a_classifier_shows_its_confusion_as_counts(runs: dict[str, Path]):
    page = db.report.write_report(runs["group"]).read_text()
    table = page.split("Rows actual, columns predicted.")[1].split("</table>")[0]
    counts = [int(cell) for cell in re.findall(r"<td>(\d+)</td>", table)]
    assert sum(counts) == len((runs["group"] / "val_samples.txt").read_text().split())
    captions = pictures(page)
    assert [caption.split()[0] for caption in captions] == [
        "loss",
        "metrics",
        "ROC",
        "calibration",
        "embeddings",
    ]


def test_the_map_rings_the_samples_that_were_held_back(runs: dict[str, Path]):
    axes = Figure().subplots()
    db.report._ring_held_back(axes, torch.arange(10.0).reshape(5, 2), [1, 4])
    (rings,) = axes.collections
    assert rings.get_offsets().tolist() == [[2, 3], [8, 9]] and rings.get_label() == "held back (2)"
    assert db.report._held_back(runs["age"]) == set(
        (runs["age"] / "val_samples.txt").read_text().split()
    )


def test_epochs_are_numbered_as_on_the_console(deepbio: Run, runs: dict[str, Path]):
    page = db.report.write_report(runs["age"]).read_text()
    epochs = [json.loads(line) for line in (runs["age"] / "metrics.jsonl").read_text().splitlines()]
    best = max(epoch["epoch"] for epoch in epochs if epoch["is_best"])
    assert f"<tr><th>epoch</th><td>{best + 1}</td></tr>" in page.split("Best epoch")[1]
    assert "samples to train on</th><td>19</td>" in page


def test_samples_without_a_value_are_grey_and_the_others_keep_their_colour():
    figure = Figure()
    axes = figure.subplots()
    points = torch.arange(10.0).reshape(5, 2)
    db.report._draw_points(axes, figure, points, ["1", "", "3", "4.5", ""], False)
    grey, coloured = axes.collections
    assert len(grey.get_offsets()) == 2 and grey.get_label() == "no value (2)"
    assert coloured.get_array().tolist() == [1, 3, 4.5]
    axes = figure.subplots()
    db.report._draw_points(axes, figure, points, ["None", "", "x", "x", ""], True)
    assert [dots.get_label() for dots in axes.collections] == ["no value (2)", "None (1)", "x (2)"]


def test_a_page_is_made_from_another_folder_and_with_a_missing_value(
    deepbio: Run, community_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    about = (community_dir / "metadata.tsv").read_text().splitlines()
    cells = about[4].split("\t")
    cells[1] = ""
    about[4] = "\t".join(cells)
    (tmp_path / "m.tsv").write_text("\n".join(about) + "\n")
    (tmp_path / "t.biom").write_bytes((community_dir / "table.biom").read_bytes())
    args = [
        "--table",
        "t.biom",
        "--metadata",
        "m.tsv",
        "--metadata-column",
        "age",
        "--epochs",
        1,
        "--max-bp",
        60,
    ]
    deepbio("train", *args, "--embedding-dim", 16, "--output-dir", "run", check=True, cwd=tmp_path)
    monkeypatch.chdir("/")
    page = db.report.write_report(tmp_path / "run").read_text()
    assert "not there any more" not in page and "embeddings" in pictures(page)[-1]
    assert "left out without a value of &#x27;age&#x27;</th><td>1</td>" in page


def test_pretraining_has_no_predictions_and_an_own_table_can_be_given(
    runs: dict[str, Path], community_dir: Path, tmp_path: Path
):
    out = db.report.write_report(
        runs["pre"], tmp_path / "page.html", table=community_dir / "table.biom"
    )
    assert [caption.split()[0] for caption in pictures(out.read_text())] == [
        "loss",
        "metrics",
        "embeddings",
    ]


def test_what_is_no_run_and_what_exists_are_said(
    runs: dict[str, Path], community_dir: Path, tmp_path: Path
):
    with pytest.raises(MissingFileError, match="run directory"):
        db.report.write_report(community_dir)
    (tmp_path / "page.html").write_text("precious")
    with pytest.raises(WriteError, match="page.html"):
        db.report.write_report(runs["age"], tmp_path / "page.html", overwrite=False)
    assert (tmp_path / "page.html").read_text() == "precious"


def test_damaged_metrics_are_named_with_their_line(runs: dict[str, Path], tmp_path: Path):
    shutil.copytree(runs["age"], tmp_path / "run")
    path = tmp_path / "run" / "metrics.jsonl"
    path.write_text(path.read_text() + '{"epoch": 2, "train_lo')
    with pytest.raises(ParseError, match=r"metrics.jsonl: line 3: expected an epoch as JSON"):
        db.report.write_report(tmp_path / "run")
    with pytest.raises(WriteError, match="exists; overwrite=True replaces it"):
        db.report.write_report(runs["age"], path, overwrite=False)


def test_the_command_writes_the_page_and_answers_mistakes_in_one_line(
    runs: dict[str, Path], tmp_path: Path
):
    def report(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deepbio_torch", "report", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    done = report(runs["age"], "-o", tmp_path / "page.html")
    assert done.returncode == 0 and done.stdout.strip() == str(tmp_path / "page.html"), done.stderr
    for arguments, code in (
        ([tmp_path], 1),
        ([runs["age"], "-o", tmp_path / "page.html"], 1),
        (["--nonsense"], 2),
    ):
        done = report(*arguments)
        assert done.returncode == code and done.stderr.startswith("deepbio: error: "), done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_without_matplotlib_the_message_says_what_to_install(runs: dict[str, Path]):
    code = (
        "import sys; sys.modules['matplotlib'] = None\nimport deepbio_torch as db\n"
        "try:\n    db.report.write_report(sys.argv[1])\nexcept db.errors.ConfigError as error:\n   "
        " print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, runs["age"]], capture_output=True, text=True)
    assert "pip install matplotlib" in done.stdout, done.stderr
