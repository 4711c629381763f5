"""The notebooks of examples/notebooks run from their first cell to their last, each in an empty
folder."""

import os
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "examples/notebooks").glob("*.ipynb"))
nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")


def test_there_is_a_notebook_for_each_of_the_first_four_jobs():
    names = {path.stem for path in NOTEBOOKS}
    assert names >= {
        "reads_to_tensors",
        "train_a_cnn",
        "tokens_for_language_models",
        "table_to_judged_model",
    }


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_draws(
    path: Path, tmp_path: Path, binary: str, monkeypatch: pytest.MonkeyPatch
):
    if path.stem == "table_to_judged_model":
        pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(binary).parent), os.environ["PATH"]]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code), (
        "it is committed without outputs"
    )

    nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()

    shown = [output for cell in code for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in shown)
    assert [
        output.text for output in shown if output.get("name") == "stderr"
    ] == []  # no warning of a library either
