"""The report: one page that needs nothing else, with a picture for each thing that a run has."""

import base64
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import deepbio_torch as db
from deepbio_torch.errors import MissingFileError, WriteError

Run = Callable[..., subprocess.CompletedProcess[str]]
pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def runs(deepbio: Run, community_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of each kind."""
    folder = tmp_path_factory.mktemp("runs")
    common = ["--table", community_dir / "table.biom", "--epochs", 2, "--embedding-dim", 16, "--max-bp", 60]
    labels = ["--metadata", community_dir / "metadata.tsv", "--metadata-column"]
    deepbio("pretrain", *common, "--tree", community_dir / "tree.nwk", "--output-dir", folder / "pre", check=True)
    deepbio("train", *common, *labels, "age", "--output-dir", folder / "age", check=True)
    deepbio("train", *common, *labels, "group", "--classifier", "--output-dir", folder / "group", check=True)
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
    assert [caption.split()[0] for caption in captions] == ["loss", "predicted", "embeddings"]
    assert "embedding_dim" in page and "<th>r2</th>" in page and "http" not in page and "<script" not in page


def test_a_classifier_shows_its_confusion_as_counts(runs: dict[str, Path]):
    page = db.report.write_report(runs["group"]).read_text()
    table = page.split("Rows actual, columns predicted.")[1].split("</table>")[0]
    counts = [int(cell) for cell in re.findall(r"<td>(\d+)</td>", table)]
    assert sum(counts) == len((runs["group"] / "val_samples.txt").read_text().split())
    assert len(pictures(page)) == 2


def test_pretraining_has_no_predictions_and_an_own_table_can_be_given(
    runs: dict[str, Path], community_dir: Path, tmp_path: Path
):
    out = db.report.write_report(runs["pre"], tmp_path / "page.html", table=community_dir / "table.biom")
    assert [caption.split()[0] for caption in pictures(out.read_text())] == ["loss", "embeddings"]


def test_what_is_no_run_and_what_exists_are_said(runs: dict[str, Path], community_dir: Path, tmp_path: Path):
    with pytest.raises(MissingFileError, match="run directory"):
        db.report.write_report(community_dir)
    (tmp_path / "page.html").write_text("precious")
    with pytest.raises(WriteError, match="page.html"):
        db.report.write_report(runs["age"], tmp_path / "page.html", overwrite=False)
    assert (tmp_path / "page.html").read_text() == "precious"


def test_the_command_writes_the_page_and_answers_mistakes_in_one_line(runs: dict[str, Path], tmp_path: Path):
    def report(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deepbio_torch", "report", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    done = report(runs["age"], "-o", tmp_path / "page.html")
    assert done.returncode == 0 and done.stdout.strip() == str(tmp_path / "page.html"), done.stderr
    for arguments, code in (([tmp_path], 1), ([runs["age"], "-o", tmp_path / "page.html"], 1), (["--nonsense"], 2)):
        done = report(*arguments)
        assert done.returncode == code and done.stderr.startswith("deepbio: error: "), done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_without_matplotlib_the_message_says_what_to_install(runs: dict[str, Path]):
    code = (
        "import sys; sys.modules['matplotlib'] = None\nimport deepbio_torch as db\n"
        "try:\n    db.report.write_report(sys.argv[1])\nexcept db.errors.ConfigError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, runs["age"]], capture_output=True, text=True)
    assert "pip install matplotlib" in done.stdout, done.stderr
