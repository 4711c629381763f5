"""Options: declared once in C++, the same name, default, check and sentence in Python and on the
command line."""

import importlib.util
import inspect
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from cpp_refusals import told_in_cpp

import deepbio_torch as db
from deepbio_torch import _C
from deepbio_torch._options import rows
from deepbio_torch.errors import ArgumentError, ConfigError
from deepbio_torch.models import ModelConfig, SequenceEncoder

ROOT = Path(__file__).parents[2]
TRAINING = (
    "model",
    "training",
    "loss",
    "study",
)  # of one command, so no name may stand for two things
KINDS = (*TRAINING, "encoder")
RESOLVE = {
    "model": _C.model_config,
    "training": _C.training_options,
    "loss": _C.loss_options,
    "study": _C.study_options,
}

# A kind, an option and a bad value of it, as Python writes them, and what the sentence must say.
BAD = [
    ("model", "embedding_dim", 0, "1 or more, got 0"),
    ("model", "embedding_dim", 2.5, "a whole number, got 2.5"),
    ("model", "max_bp", 0, "1 or more, got 0"),
    ("model", "token_limit", -1, "1 or more, got -1"),
    ("model", "attention_heads", 0, "1 or more, got 0"),
    ("model", "attention_layers", 0, "1 or more, got 0"),
    ("model", "dropout", 1, "at least 0 and below 1, got 1"),
    ("model", "dropout", -0.25, "at least 0 and below 1, got -0.25"),
    ("model", "nuc_mask_ratio", 1.5, "at least 0 and below 1, got 1.5"),
    ("model", "nuc_mask_strategy", "spans", "one of random, span, got 'spans'; did you mean span?"),
    ("model", "count_embedding_method", "film2", "one of add, concat, film, got 'film2'"),
    ("model", "output_activation", "tanh", "one of none, relu, softplus, exp, got 'tanh'"),
    ("model", "regressor_hidden_dims", [8, 0], "1 or more, got 0"),
    ("model", "regressor_dropout", 1, "at least 0 and below 1, got 1"),
    (
        "model",
        "categorical_fusion",
        "late",
        "one of concat, add, gmu, cross-attention, perceiver, got 'late'",
    ),
    ("model", "categorical_embed_dim", 0, "1 or more, got 0"),
    ("model", "cross_attn_heads", 0, "1 or more, got 0"),
    ("model", "perceiver_num_latents", 0, "1 or more, got 0"),
    ("model", "perceiver_num_layers", 0, "1 or more, got 0"),
    ("training", "epochs", 0, "1 or more, got 0"),
    ("training", "batch_size", 0, "1 or more, got 0"),
    ("training", "lr", 0, "above 0, got 0"),
    ("training", "weight_decay", -0.5, "0 or more, got -0.5"),
    ("training", "warmup_steps", -1, "0 or more, got -1"),
    ("training", "patience", -1, "0 or more, got -1"),
    ("training", "max_grad_norm", -1, "0 or more, got -1"),
    ("training", "gradient_accumulation_steps", 0, "1 or more, got 0"),
    ("training", "scheduler", "step", "got 'step'"),
    ("training", "num_workers", -1, "0 or more, got -1"),
    ("training", "count_target", "max", "one of relative, minmax, raw, got 'max'"),
    ("training", "best_metric", "mse2", "got 'mse2'"),
    ("training", "mixed_precision", "fp8", "one of no, bf16, fp16, got 'fp8'"),
    ("training", "optimizer", "adamv", "one of adamw, adam, sgd, got 'adamv'"),
    ("training", "save_steps", -1, "0 or more, got -1"),
    ("training", "average_from", 2, "at least 0 and at most 1, got 2"),
    ("loss", "loss_type", "hubert", "did you mean huber?"),
    ("loss", "quantiles", [0.5, 1], "above 0 and below 1, got 1"),
    ("loss", "over_penalty", 0, "above 0, got 0"),
    ("loss", "under_penalty", -1, "above 0, got -1"),
    ("loss", "penalty", -1, "0 or more, got -1"),
    ("loss", "nuc_penalty", -1, "0 or more, got -1"),
    ("loss", "target_penalty", -1, "0 or more, got -1"),
    ("loss", "count_penalty", -1, "0 or more, got -1"),
    ("loss", "class_weights", [1, -2], "0 or more, got -2"),
    ("study", "test_size", 1, "above 0 and below 1, got 1"),
    ("study", "rarefy_depth", -5, "auto or 0 or more, got -5"),
    ("study", "least_thinning", 0, "above 0 and at most 1, got 0"),
    (
        "study",
        "asv_sampling",
        "frist",
        "one of first, abundance, random, got 'frist'; did you mean first?",
    ),
    ("study", "missing_samples", "skip", "one of error, drop, got 'skip'"),
    ("study", "missing_features", "skip", "one of error, drop, got 'skip'"),
    ("study", "missing_sequences", "drop", "one of error, id, got 'drop'"),
    (
        "study",
        "target_transform",
        "rank",
        "one of none, minmax, zscore, log-minmax, log-zscore, got 'rank'",
    ),
    ("loss", "loss_config", {"0": "quantile"}, "got 'quantile' for '0'"),
]


def typed(value: object) -> str:
    """A value as it is typed on a command line."""
    if isinstance(value, dict):
        return json.dumps(value)
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a C++ user is told of every bad value."""
    folder = str(tmp_path_factory.mktemp("cpp"))
    files = {"table": "t", "metadata": "m", "target": "c", "output_dir": "run"}
    requests = [
        {"folder": folder, "files": files, "options": {name: value}} for _, name, value, _ in BAD
    ]
    messages = told_in_cpp(requests)
    return {f"{row[1]}={row[2]}": said for row, said in zip(BAD, messages, strict=True)}


@pytest.mark.parametrize(
    ("kind", "name", "value", "words"), BAD, ids=[f"{row[1]}={row[2]}" for row in BAD]
)
def test_the_command_python_and_cpp_refuse_alike(
    binary: str,
    told: dict[str, str],
    tmp_path: Path,
    kind: str,
    name: str,
    value: object,
    words: str,
):
    with pytest.raises(ConfigError) as caught:
        RESOLVE[kind]({name: value})
    message = str(caught.value)
    flag = "--" + name.replace("_", "-")
    done = subprocess.run(
        [binary, "train", "--table", "t", "--metadata", "m", "--metadata-column", "c",
         "--output-dir", tmp_path / "run", f"{flag}={typed(value)}"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert message.startswith(f"{name}: expected ") and words in message and "--" not in message
    said = done.stderr.strip().removeprefix("deepbio: error: ")
    assert done.returncode == 2 and len(said.splitlines()) == 1
    assert said.partition(" (see:")[0] == message.replace(name, flag, 1)
    assert told[f"{name}={value}"] == f"`{name}`{message.removeprefix(name)}"
    assert not (tmp_path / "run").exists()


def test_a_doors_own_spelling_reaches_sentences_about_two_options():
    with pytest.raises(
        ConfigError, match=r"^count_num_heads: expected a divisor of embedding_dim=10, got 4$"
    ):
        _C.model_config({"embedding_dim": 10, "attention_heads": 2, "count_num_heads": 4})
    with pytest.raises(
        ConfigError, match=r"^loss_config: does not go with loss_type=\"quantile\"$"
    ):
        _C.training_options({"loss_type": "quantile", "loss_config": {0: "mae"}})


@pytest.mark.parametrize("kind", TRAINING)
def test_every_default_is_allowed_and_every_option_is_explained(kind: str):
    values = RESOLVE[kind]({})
    for row in rows(kind):
        assert len(row.help) > 3 and row.help[0].isupper() and not row.help.endswith("."), row.name
        if not row.sets:
            assert values[row.name] == row.default


def test_no_name_is_declared_twice():
    names = [
        name
        for kind in TRAINING
        for row in rows(kind)
        for name in (row.name, *row.other_names, *row.old_names)
    ]
    assert len(names) == len(set(names))


def test_the_command_has_every_option_and_no_other_name_of_it(binary: str):
    text = subprocess.run(
        [binary, "train", "--help"], capture_output=True, text=True, check=True
    ).stdout
    shown = set(re.findall(r"--([a-z0-9-]+)", text))
    for kind in TRAINING:
        for row in rows(kind):
            assert (row.name.replace("_", "-") in shown) == row.on_command or row.name == "seed", (
                row.name
            )
            assert not shown & {
                name.replace("_", "-") for name in (*row.other_names, *row.old_names)
            }


def test_old_names_work_with_a_warning_and_aams_names_without():
    with pytest.warns(FutureWarning, match="loader_threads= is now num_workers="):
        trainer = db.Trainer(SequenceEncoder(embedding_dim=8, attention_layers=1), loader_threads=3)
    assert trainer.config["num_workers"] == 3
    config = ModelConfig(is_classifier=True, out_dim=2)
    assert (
        config.classifier is True
        and config.is_classifier is True
        and "classifier" in config.to_dict()
    )
    config.is_classifier = False
    assert config.classifier is False


def test_old_names_on_the_command_line_are_noted(binary: str, tmp_path: Path):
    args = [
        "train",
        "--table",
        "none",
        "--metadata",
        "m",
        "--metadata-column",
        "c",
        "--output-dir",
        tmp_path / "r",
    ]
    done = subprocess.run([binary, *args, "--loader-threads", "2"], capture_output=True, text=True)
    assert "--loader-threads is now --num-workers" in done.stderr
    done = subprocess.run(
        [binary, *args, "--target-loss-type", "mae"], capture_output=True, text=True
    )
    assert "is now" not in done.stderr and "none" in done.stderr


def test_one_option_sets_all_stacks_and_one_stack_wins():
    for config in (ModelConfig(attention_layers=3, asv_num_layers=1),
                   ModelConfig.from_dict({"attention_layers": 3,
                   "asv_num_layers": 1})):  # fmt: skip
        assert (config.asv_num_layers, config.sample_num_layers, config.target_num_layers) == (
            1,
            3,
            3,
        )


def test_values_of_numpy_torch_and_tuples_are_taken():
    config = ModelConfig.from_dict({"embedding_dim": np.int64(16), "asv_dropout": np.float32(0.25),
                                    "regressor_hidden_dims": (4, 2),
                                    "count_embedding": np.bool_(True)})  # fmt: skip
    assert (
        config.embedding_dim == 16 and config.asv_dropout == 0.25 and config.count_embedding is True
    )
    assert config.regressor_hidden_dims == [4, 2]
    assert _C.loss_options({"class_weights": torch.tensor([1.0, 0.5])})["class_weights"] == [
        1.0,
        0.5,
    ]
    with pytest.raises(
        ArgumentError, match="^expected a number, text, a list or a mapping, got bytes$"
    ):
        ModelConfig.from_dict({"activation": b"relu"})


def test_docstrings_and_signatures_list_the_options():
    parameters = inspect.signature(db.Trainer).parameters
    assert parameters["batch_size"].default == 8 and parameters["penalty"].default == 1.0
    assert "batch_size: Samples per step" in db.Trainer.__doc__
    assert "embedding_dim" in inspect.signature(SequenceEncoder).parameters
    assert "max_bp: Bases of an ASV" in SequenceEncoder.__doc__


def test_a_misspelt_option_is_answered_with_the_nearest():
    for make in (ModelConfig, SequenceEncoder, lambda **given: ModelConfig.from_dict(given)):
        with pytest.raises(
            ConfigError, match="^unknown option 'embeding_dim'; did you mean embedding_dim=\\?$"
        ):
            make(embeding_dim=3)


@pytest.mark.parametrize("name", ["docs/options.md", "deepbio_torch/_model/config.pyi"])
def test_what_follows_from_the_rows_is_written_anew(name: str):
    spec = importlib.util.spec_from_file_location("make_options", ROOT / "docs/make_options.py")
    make_options = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_options)
    wanted = make_options.FILES[name]()
    assert (ROOT / name).read_text() == wanted, "run  python docs/make_options.py"


def test_a_misspelt_option_is_answered_alike_by_flag_and_file(binary: str, tmp_path: Path):
    (tmp_path / "options.json").write_text('{"batch_sise": 3}')
    args = [
        binary,
        "train",
        "--table",
        "t",
        "--metadata",
        "m",
        "--metadata-column",
        "c",
        "--output-dir",
        tmp_path / "r",
    ]
    typed = subprocess.run([*args, "--batch-sise", "3"], capture_output=True, text=True)
    filed = subprocess.run(
        [*args, "--config", tmp_path / "options.json"], capture_output=True, text=True
    )
    assert typed.returncode == filed.returncode == 2
    assert "unknown option '--batch-sise'; did you mean --batch-size?" in typed.stderr
    assert "unknown option 'batch_sise'; did you mean batch_size?" in filed.stderr


def test_options_of_a_file_are_checked_like_typed_ones(binary: str, tmp_path: Path):
    args = [
        binary,
        "train",
        "--table",
        "t",
        "--metadata",
        "m",
        "--metadata-column",
        "c",
        "--output-dir",
        tmp_path / "r",
    ]
    for entry, words in (
        ('{"epochs": 0}', "--epochs: expected 1 or more, got 0"),
        ('{"loader_threads": -1}', "error: --num-workers: expected 0 or more, got -1"),
        ('{"regressor_hidden_dims": [4, 0]}', "--regressor-hidden-dims: expected 1 or more, got 0"),
        ('{"loss_config": {"0": "quantile"}}', "got 'quantile' for '0'"),
        ('{"classifier": "yes please"}', "classifier"),
    ):
        (tmp_path / "options.json").write_text(entry)
        done = subprocess.run(
            [*args, "--config", tmp_path / "options.json"], capture_output=True, text=True
        )
        assert (
            done.returncode == 2 and words in done.stderr and len(done.stderr.splitlines()) == 1
        ), entry


def test_the_options_of_a_python_trainer_are_a_file_for_the_command(
    binary: str, tmp_path: Path, community_dir: Path
):
    trainer = db.Trainer(
        SequenceEncoder(embedding_dim=8, attention_layers=1), epochs=3, penalty=0.5, loss_type="mae"
    )
    (tmp_path / "options.json").write_text(json.dumps(trainer.config))
    done = subprocess.run(
        [binary, "train", "--table", community_dir / "table.biom",
         "--metadata", community_dir / "metadata.tsv", "--metadata-column", "age",
         "--output-dir", tmp_path / "run", "--config", tmp_path / "options.json", "--epochs", "1",
         "--embedding-dim", "8", "--attention-layers", "1", "--max-bp", "20", "--quiet"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    resolved = json.loads((tmp_path / "run/config.json").read_text())["training"]["resolved"]
    assert (
        resolved["epochs"] == 1
        and resolved["batch_size"] == 8
        and resolved["loss"]["loss_type"] == "mae"
    )
    assert resolved["loss"]["penalty"] == 0.5
