"""examples/serve on loopback: the numbers of `db.predict`, bad samples refused, many clients at
once."""

import concurrent.futures
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

import deepbio_torch as db

SERVE = Path(__file__).parents[2] / "examples/serve"
ONE_LAYER = {f"{stack}_num_layers": 1 for stack in ("asv", "sample", "encoder", "count", "target")}
for package in ("fastapi", "uvicorn", "httpx"):
    pytest.importorskip(package, reason=f"{package} is not installed")


@contextmanager
def server(model: Path, form: str) -> Iterator[str]:
    """The address of a server that runs without this library."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    alone = (
        "import sys; sys.modules['deepbio_torch'] = None; sys.path.insert(0, sys.argv[1]); "
        "import uvicorn; "
    )
    alone += "uvicorn.run('serve:app', port=int(sys.argv[2]), log_level='error')"
    env = {**os.environ, "MODEL": str(model), "FORMAT": form, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", alone, SERVE, str(port)], env=env)
    try:
        for _ in range(600):
            assert process.poll() is None, "the server ended"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def exported(
    community: Path, folder: Path, column: str, form: str
) -> tuple[Path, db.training.Predictions]:
    data = db.SampleDataset(community / "table.biom", metadata=community / "metadata.tsv",
                            target=column, max_bp=60, token_limit=20,
                            classifier=column != "age")  # fmt: skip
    torch.manual_seed(1)
    options = (
        {}
        if column == "age"
        else {"is_classifier": True, "out_dim": len(json.loads(data.codec)["classes"])}
    )
    model = db.models.SequencePredictor(
        embedding_dim=16, max_bp=60, token_limit=20, **ONE_LAYER, **options
    )
    db.models.save_pretrained(model, folder / "run", data)
    getattr(db.export, form)(folder / "run", folder / "model.pt2")
    return folder / "model.pt2", db.predict(folder / "run", community / "table.biom")


def samples_of(table: db.Table) -> list[dict[str, object]]:
    values = table.to_scipy().tocsr()
    rows = [values[row] for row in range(values.shape[0])]
    reads = [
        dict(zip((table.feature_ids[i] for i in row.indices), row.data.tolist(), strict=True))
        for row in rows
    ]
    return [{"id": name, "reads": each} for name, each in zip(table.sample_ids, reads, strict=True)]


@pytest.mark.parametrize(("column", "form"), [("age", "pt2"), ("group", "pt2"), ("age", "aoti")])
def test_the_server_answers_as_predict_does(
    community_dir: Path, tmp_path: Path, column: str, form: str
):
    import httpx

    model, expected = exported(community_dir, tmp_path, column, form)
    samples = samples_of(db.read_table(community_dir / "table.biom"))
    with server(model, form) as address, httpx.Client(base_url=address, timeout=60) as client:
        answers = client.post("/predict", json={"samples": samples}).json()
        assert [each["id"] for each in answers] == expected.sample_ids
        if column == "age":
            got = torch.tensor([each["prediction"] for each in answers], dtype=torch.float64)
            torch.testing.assert_close(got, expected.values[:, 0], rtol=1e-5, atol=1e-5)
        else:
            assert [each["prediction"] for each in answers] == expected.labels
            got = torch.tensor(
                [list(each["probabilities"].values()) for each in answers], dtype=torch.float64
            )
            torch.testing.assert_close(got, expected.values, rtol=1e-5, atol=1e-5)
        for reads, message in (
            ({"ACGX": 1}, "'ACGX': 1"),
            ({"ACGT": 0}, "expected DNA and a count"),
            ({}, "at least"),
        ):
            refused = client.post("/predict", json={"samples": [{"id": "x", "reads": reads}]})
            assert refused.status_code == 422 and message in refused.text

        def ask(number: int) -> bool:
            mine = httpx.post(
                f"{address}/predict", json={"samples": [samples[number % 24]]}, timeout=60
            )
            got, wanted = mine.json()[0], answers[number % 24]
            if column == "age":
                return got["prediction"] == pytest.approx(wanted["prediction"], rel=1e-4)
            return got["probabilities"] == pytest.approx(wanted["probabilities"], rel=1e-4)

        with concurrent.futures.ThreadPoolExecutor(8) as clients:
            assert all(clients.map(ask, range(100)))


def test_the_server_fits_on_a_screen():
    assert len((SERVE / "serve.py").read_text().splitlines()) <= 85
