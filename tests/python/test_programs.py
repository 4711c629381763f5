"""Exported programs (pt2, ONNX, AOTInductor) against the model, on inputs of their own, without
this library."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import deepbio_torch as db
from deepbio_torch._model import programs as _programs
from deepbio_torch.errors import ArgumentError, DeepBioError, WriteError

ONE_LAYER = {f"{stack}_num_layers": 1 for stack in ("asv", "sample", "encoder", "count", "target")}
SMALL = {"embedding_dim": 16, "max_bp": 30, "token_limit": 9, **ONE_LAYER}
KNOWN = {"num_known_asvs": 4, "known_hidden_dim": 6, "num_members": 2, "count_prediction": False}
MODELS = {
    "quantiles": {"num_quantiles": 3, "out_dim": 2},
    "known": {
        **KNOWN,
        "transformer_branch": False,
        "sequence_branch": True,
        "sequence_hidden_dim": 5,
        "num_bins": 9,
    },
    "classes": {
        **KNOWN,
        "is_classifier": True,
        "out_dim": 3,
        "categorical_cardinalities": {"b": 3, "a": 4},
    },
    "encoder": {},
}


def model_of(name: str) -> torch.nn.Module:
    """A model whose every parameter matters, which knows four of the ASVs of :func:`inputs`."""
    torch.manual_seed(3)
    model = (db.models.SequenceEncoder if name == "encoder" else db.models.SequencePredictor)(
        **SMALL, **MODELS[name]
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        if "num_known_asvs" in MODELS[name]:
            distinct = inputs(model, 4, 6, 17)[0].flatten(0, 1).unique(dim=0)[1:5]
            model.known_asvs.identities.copy_(_identities(model, distinct).sort().values)
    return model.eval()


def _identities(model, tokens):
    keys = model.known_asvs.keys
    return torch.tensor([sum(int(t) * int(k) for t, k in zip(row, keys,
        strict=False)) % 2**64 for row in tokens],
                        dtype=torch.uint64).view(torch.int64)  # fmt: skip


def inputs(model, samples, asvs, length):
    generator = torch.Generator().manual_seed(samples)
    kinds = torch.randint(1, 5, (5, length), generator=generator)
    tokens = kinds[torch.randint(0, 5, (samples, asvs), generator=generator)]
    tokens[:, :, 0] = 5
    tokens[0, asvs // 2 + 1 :] = 0
    counts = (tokens[:, :, 0] > 0) * torch.randint(
        1, 90, (samples, asvs), generator=generator
    ).float()
    sizes = model.config.categorical_cardinalities
    ids = [
        torch.randint(0, sizes[column], (samples,), generator=generator) for column in sorted(sizes)
    ]
    return (tokens, counts, *([torch.stack(ids, 1)] if ids else []))


def expected_of(model, given):
    columns = sorted(model.config.categorical_cardinalities)
    ids = {column: given[2][:, place] for place, column in enumerate(columns)}
    with torch.no_grad():
        out = model(given[0], given[1], ids)
    return out["target_prediction"] if "target_prediction" in out else out["embeddings"]


ALONE = """
import sys, torch
sys.modules["deepbio_torch"] = None
sys.path[:] = [entry for entry in sys.path if entry]
kind, path, cases = sys.argv[1:]
if kind == "onnx":
    import onnxruntime
    session = onnxruntime.InferenceSession(path)
    names = [each.name for each in session.get_inputs()]
    def run(*given):
        arrays = [each.numpy() for each in given]
        return torch.from_numpy(session.run(None, dict(zip(names, arrays)))[0])
elif kind == "pt2":
    run = torch.export.load(path).module()
else:
    run = torch._inductor.aoti_load_package(path)
outputs = [run(*given) for given in torch.load(cases)]
assert "libdeepbio" not in open("/proc/self/maps").read()
torch.save(outputs, cases)
"""


CASES = [("classes", "pt2"), ("quantiles", "onnx"), ("known", "onnx"), ("known", "aoti")]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_program_gives_the_models_numbers_for_any_shape_in_a_process_without_the_library(
    tmp_path: Path, name: str, kind: str
):
    for package in {"onnx": ("onnx", "onnxscript", "onnxruntime")}.get(kind, ()):
        pytest.importorskip(package, reason=f"{package} is not installed")
    model, path = model_of(name), tmp_path / "model.pt2"
    getattr(db.export, kind)(model.train(), path)
    assert model.training  # as it was
    model.eval()
    cases = [inputs(model, *shape) for shape in ((1, 1, 1), (4, 6, 17), (6, 9, 31))]
    torch.save(cases, tmp_path / "cases.pt")
    command = [sys.executable, "-c", ALONE, kind, path, tmp_path / "cases.pt"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for given, got in zip(cases, torch.load(tmp_path / "cases.pt"), strict=True):
        torch.testing.assert_close(got, expected_of(model, given), rtol=1e-5, atol=1e-5)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["cases.pt", "model.pt2"]


def test_a_program_with_other_numbers_is_refused_and_leaves_no_file(tmp_path: Path):
    model, path = model_of("encoder"), tmp_path / "model.pt2"
    torch.export.save(_programs.program_of(model), tmp_path / "before.pt2")
    before = (tmp_path / "before.pt2").read_bytes()
    (tmp_path / "before.pt2").unlink()
    with torch.no_grad():
        model.attention_pooling.norm.bias.add_(1e-3)

    def write(out: str) -> None:
        Path(out).write_bytes(before)

    with pytest.raises(DeepBioError, match="numbers of the model within 1e-05, got differences"):
        _programs.write_checked(model, str(path), "pt2", write, tolerance=1e-5, overwrite=False)
    assert list(tmp_path.iterdir()) == []


def test_existing_files_and_models_of_several_outputs_are_refused_before_any_work(tmp_path: Path):
    path = tmp_path / "model.pt2"
    path.write_text("precious")
    with pytest.raises(WriteError, match="overwrite=True"):
        db.export.pt2(model_of("encoder"), path)
    combined = db.models.SequenceEncoder(encoder_type="combined", **SMALL)
    for write in (db.export.pt2, db.export.aoti, db.export.onnx):
        with pytest.raises(ArgumentError, match="combined"):
            write(combined, tmp_path / "other")
    assert path.read_text() == "precious" and len(list(tmp_path.iterdir())) == 1


def test_without_a_compiler_or_a_folder_one_line_says_so(tmp_path: Path):
    # Not pytest's monkeypatch: its undoing hides the option from every later compilation.
    with (
        torch._inductor.config.patch({"cpp.cxx": (None, "/no/such/compiler")}),
        pytest.raises(DeepBioError, match="cannot be compiled: .*/no/such/compiler") as raised,
    ):
        db.export.aoti(model_of("encoder"), tmp_path / "model.pt2")
    assert "\n" not in str(raised.value) and list(tmp_path.iterdir()) == []
    with pytest.raises(WriteError, match="no/model.pt2: cannot be written"):
        db.export.pt2(model_of("encoder"), tmp_path / "no" / "model.pt2")


def test_the_command_exports_a_run_with_what_restores_its_unit(
    deepbio, community_dir: Path, tmp_path: Path
):
    run, path, table = tmp_path / "run", tmp_path / "age.pt2", community_dir / "table.biom"
    data = db.SampleDataset(table, metadata=community_dir / "metadata.tsv", target="age", max_bp=60,
                            token_limit=40, redraw=False)  # fmt: skip
    size = {**SMALL, "max_bp": 60, "token_limit": 40}
    db.models.save_pretrained(db.models.SequencePredictor(**size), run, data)
    done = deepbio("export", "--model", run, "--format=pt2", "-o", path, "--json", check=True)
    assert (
        json.loads(done.stdout) == {"output": str(path), "format": "pt2"}
        and "compared" in done.stderr
    )
    files = {"deepbio.json": ""}
    program = torch.export.load(path, extra_files=files)
    target, batch = json.loads(files["deepbio.json"])["target"], data.batch(range(24))
    with torch.no_grad():
        scaled = program.module()(db.data.padded_tokens(batch), batch.counts)[:, 0].double()
    predictions = db.predict(run, table).values[:, 0]
    assert torch.allclose(scaled * target["scale"] + target["shift"], predictions, rtol=1e-4)
    assert "exists" in deepbio("export", "--model", run, "--format", "pt2", "-o", path).stderr
    assert (
        deepbio("export", "--model", run, "--format", "pt3", "-o", tmp_path / "x").returncode == 2
    )
