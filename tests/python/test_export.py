"""Exported files against the model they came from, in a process that has torch alone."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, WriteError

SMALL = {"embedding_dim": 16, "max_bp": 30, "token_limit": 9}


def tokens(batch: int, asvs: int, length: int) -> torch.Tensor:
    out = torch.randint(1, 5, (batch, asvs, length), generator=torch.Generator().manual_seed(batch))
    out[:, :, 0] = 5
    out[0, asvs // 2 :] = 0
    out[:, 0, length // 2 :] = 0
    return out


@pytest.mark.parametrize("kind", [db.models.SequencePredictor, db.models.SequenceEncoder])
def test_an_exported_model_gives_the_models_numbers_for_any_shape(kind: type, tmp_path: Path):
    torch.manual_seed(1)
    model = kind(count_embedding=True, **SMALL).train()
    db.export.torchscript(model, tmp_path / "model.ts")
    assert model.training  # as it was
    exported = torch.jit.load(tmp_path / "model.ts")
    assert "deepbio::" not in str(exported.inlined_graph)
    model.eval()
    for shape in ((1, 2, 3), (4, 9, 31), (2, 5, 12)):
        x = tokens(*shape)
        counts = (x > 0).any(-1) * 3.0
        with torch.no_grad():
            out = model(x, counts)
            expected = out["target_prediction"] if "target_prediction" in out else out["embeddings"]
            assert torch.allclose(exported(x, counts), expected, atol=1e-6)


def test_a_run_is_exported_with_what_restores_its_unit(
    deepbio: Callable[..., subprocess.CompletedProcess[str]], community_dir: Path, tmp_path: Path
):
    run, table = tmp_path / "run", community_dir / "table.biom"
    deepbio(
        "train", "--table", table, "--metadata", community_dir / "metadata.tsv",
        "--metadata-column", "age", "--output-dir", run, "--epochs", 1, "--embedding-dim", 16,
        "--max-bp", 60, check=True,
    )  # fmt: skip
    db.export.torchscript(run, tmp_path / "model.ts")
    files = {"deepbio.json": ""}
    exported = torch.jit.load(tmp_path / "model.ts", _extra_files=files)
    about = json.loads(files["deepbio.json"])
    samples = db.SampleDataset(
        table,
        rarefy_depth=about["data"]["rarefy_depth"],
        max_bp=about["data"]["max_bp"],
        redraw=False,
    )
    batch = samples.batch(range(len(samples)))
    x = batch.asv_tokens[batch.asv_index] * batch.mask.unsqueeze(-1)
    with torch.no_grad():
        scaled = exported(x, batch.counts)[:, 0].double()
    assert about["target"]["transform"] in ("zscore", "minmax", "none")
    restored = scaled * about["target"]["scale"] + about["target"]["shift"]
    assert torch.allclose(restored, db.predict(run, table).values[:, 0], rtol=1e-4)


def test_a_process_without_the_library_runs_the_file(tmp_path: Path):
    model = db.models.SequencePredictor(**SMALL).eval()
    db.export.torchscript(model, tmp_path / "model.ts")
    script = (
        "import sys, torch\nmodel = torch.jit.load(sys.argv[1])\n"
        "out = model(torch.full((2, 3, 4), 2), torch.ones(2, 3))\n"
        "assert not any('deepbio' in line for line in "
        "open('/proc/self/maps'))\nprint(list(out.shape))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "model.ts"], capture_output=True, text=True
    )
    assert done.stdout.strip() == "[2, 1]", done.stderr


def test_existing_files_and_models_with_several_outputs_are_refused(tmp_path: Path):
    path = tmp_path / "model.ts"
    path.write_text("precious")
    with pytest.raises(WriteError, match="model.ts"):
        db.export.torchscript(db.models.SequenceEncoder(**SMALL), path)
    assert path.read_text() == "precious"
    with pytest.raises(ArgumentError, match="combined"):
        db.export.torchscript(
            db.models.SequenceEncoder(encoder_type="combined", **SMALL), tmp_path / "other.ts"
        )
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.ts"]
