"""``deepbio score-variants`` prints what db.score_variants gives, of either kind of model file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from genome_files import write_genome
from torch import nn
from variant_files import random_vcf, write_bcf

import deepbio_torch as db
from deepbio_torch.__main__ import main

WINDOW = 33


class Model(nn.Module):
    """Two tracks of a profile."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.filters = nn.Conv1d(4, 2, 9)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        return self.filters(windows).relu()


class Dense(nn.Module):
    """Takes windows of one length."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(4 * (WINDOW + 1), 1))

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        return windows.flatten(1) @ self.weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("score")
    write_genome(path / "g.fa")
    write_bcf(path / "v.bcf", random_vcf(path / "v.vcf", path / "g.fa", ["one"], step=1500))
    model, windows = Model().eval(), torch.rand(2, 4, WINDOW)
    torch.jit.save(torch.jit.trace(model, windows), path / "model.pt")
    rows = torch.export.Dim("rows", min=1)
    torch.export.save(
        torch.export.export(model, (windows,), dynamic_shapes=({0: rows},)), path / "model.pt2"
    )
    return path


def words_of(folder: Path, *words: object, model: str | Path = "model.pt") -> list[str]:
    command = ["score-variants", "--model", folder / model, "--fasta", folder / "g.fa"]
    return [str(each) for each in (*command, "--variants", folder / "v.bcf", *words)]


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """The command in this process: exit code, standard output, standard error."""

    def call(*words: object, model: str | Path = "model.pt") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["deepbio", *words_of(folder, *words, model=model)])
        try:
            code = main()
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    return call


def test_the_table_is_that_of_score_variants(folder, tmp_path):
    options = ["--window", WINDOW, "--tracks", "a,b", "--threads", 1, "-o", tmp_path / "e.tsv"]
    words = words_of(folder, *options, "--reverse-complement", "--passing")
    command = [sys.executable, "-m", "deepbio_torch", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "note: left out" in done.stderr and done.stdout == ""
    data = db.VariantDataset(folder / "g.fa", folder / "v.bcf", window=WINDOW, passing=True)
    expected = db.score_variants(Model(), data, tracks=["a", "b"], reverse_complement=True)
    found = pd.read_csv(tmp_path / "e.tsv", sep="\t", keep_default_na=False)
    pd.testing.assert_frame_equal(found, expected.to_pandas(), rtol=1e-4, atol=1e-5)


def test_standard_output_and_json_are_the_same_table_of_either_kind_of_model(run):
    window = ["--window", WINDOW, "--quiet", "--chromosomes", "chr8,chr2"]
    text, document = run(*window), run(*window, "--json", model="model.pt2")
    assert (text[0], text[2], document[2]) == (0, "", "")
    columns = json.loads(document[1])
    header, *rows = text[1].splitlines()
    names = header.split("\t")
    assert names == [name for name in columns if name != "notes"]
    assert [row.split("\t")[0] for row in rows] == columns["id"]
    effects = [float(row.split("\t")[names.index("effect_1")]) for row in rows]
    assert effects == pytest.approx(columns["effect_1"], rel=1e-4, abs=1e-5)
    assert set(columns["chromosome"]) <= {"chr2", "chr8"}


def test_what_is_wrong_is_one_line(folder, tmp_path, run):
    window = ["--window", WINDOW]
    (tmp_path / "x.pt").write_text("no model")
    torch.save(Model().state_dict(), tmp_path / "weights.pt")
    torch.jit.save(torch.jit.script(Dense()), tmp_path / "d.pt")
    for words, model, code, said in (
        (window, "none.pt", 1, "none.pt: "),
        (window, tmp_path / "x.pt", 1, "expected a model of TorchScript or torch.export"),
        (window, "g.fa", 1, "expected a model of TorchScript or torch.export"),
        ([*window, "-o", folder / "g.fa"], "model.pt", 1, "exists; --overwrite replaces it"),
        (window, tmp_path / "weights.pt", 1, "another zip file, such as the weights alone"),
        (window, tmp_path / "d.pt", 1, "the model does not take windows ["),
        (["--window", 30], "model.pt2", 1, "the model does not take windows ["),
        ([*window, "--device", "gpu7"], "model.pt", 1, "got 'gpu7'"),
        ([*window, "--device", "xla"], "model.pt", 1, "this torch sees none of that kind"),
        ([*window, "--threads", -3], "model.pt", 2, "a whole number from 0 to 1024, got '-3'"),
        (["--window", 0], "model.pt", 1, "window: expected at least 1, got 0"),
        (["--window", "x"], "model.pt", 2, "--window"),
    ):
        found, _, told = run(*words, model=model)
        assert found == code and said in told
        assert told.startswith("deepbio: error: ") and told.count("\n") == 1
