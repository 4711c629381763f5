"""What users run into around training: two starts in one folder, killed runs, classes called None, moved data,
options that cannot be right. Each is refused before anything is written, or works."""

import csv
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ConfigError, DeepBioError, WriteError

Run = Callable[..., subprocess.CompletedProcess[str]]
SMALL = ("--max-bp 60 --embedding-dim 16 --attention-heads 2 --attention-layers 1 --batch-size 8 --rarefy-depth 200 "
         "--threads 1 --epochs 2").split()  # fmt: skip
TINY = {
    "embedding_dim": 16, "max_bp": 60, "asv_num_layers": 1, "sample_num_layers": 1, "encoder_num_layers": 1,
    "count_num_layers": 1, "target_num_layers": 1, "asv_num_heads": 2, "sample_num_heads": 2, "encoder_num_heads": 2,
    "count_num_heads": 2, "target_num_heads": 2,
}  # fmt: skip


def study(folder: Path, column: str = "age") -> list[object]:
    return ["--table", folder / "table.biom", "--metadata", folder / "metadata.tsv", "--metadata-column", column]


def refused(done: subprocess.CompletedProcess[str], run: Path, *words: str, code: int = 1) -> None:
    """One line that holds the words, and nothing written."""
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("deepbio: error: ") and done.stderr.count("\n") == 1, done.stderr
    assert all(word in done.stderr for word in words), done.stderr
    assert not run.exists()


def write_study(folder: Path, labels: dict[str, str], header: str = "sample-id\ty", asvs: int = 6) -> list[object]:
    """A table of random counts of 40-letter ASVs, and metadata with one column."""
    rng = random.Random(5)
    dna = ["".join(rng.choices("ACGT", k=40)) for _ in range(asvs)]
    rows = [f + "\t" + "\t".join(str(rng.randint(40, 60)) for _ in labels) for f in dna]
    (folder / "t.tsv").write_text("\n".join(["#OTU ID\t" + "\t".join(labels), *rows]) + "\n")
    (folder / "m.tsv").write_text(header + "\n" + "".join(f"{name}\t{label}\n" for name, label in labels.items()))
    return ["--table", folder / "t.tsv", "--metadata", folder / "m.tsv", "--metadata-column", "y", *SMALL]


@pytest.fixture(scope="module")
def age_run(deepbio: Run, community_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("age") / "run"
    deepbio("train", *study(community_dir), *SMALL, "--output-dir", run, "--quiet", check=True)
    return run


def samples(folder: Path, **options: object) -> db.SampleDataset:
    about = {"metadata": folder / "metadata.tsv", "target": "age", "rarefy_depth": 200, "max_bp": 60} | options
    return db.SampleDataset(folder / "table.biom", **about)


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.time() + 300
    while not path.exists() and process.poll() is None and time.time() < deadline:
        time.sleep(0.005)


def test_a_second_start_in_the_same_folder_is_refused_in_one_line(
    deepbio: Run, binary: str, community_dir: Path, tmp_path: Path
):
    run = tmp_path / "run"
    args = ["train", *study(community_dir), *SMALL, "--epochs", 500, "--patience", 0, "--output-dir", run]
    args = [str(part) for part in args]
    first = subprocess.Popen([binary, *args, "--quiet"], stderr=subprocess.PIPE, text=True)
    try:
        wait_for(run / "val_samples.txt", first)
        config = (run / "config.json").read_bytes()
        for option in ([], ["--overwrite"], ["--resume"]):
            again = ["train", "--resume", "--output-dir", run] if option == ["--resume"] else [*args, *option]
            done = deepbio(*again)
            assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
            assert ("not empty" if not option else "is training in it") in done.stderr
        with pytest.raises(WriteError, match="is training in it"):
            db.Trainer(db.models.SequencePredictor(**TINY), epochs=1).fit(
                samples(community_dir), run_directory=run, overwrite=True
            )
        assert (run / "config.json").read_bytes() == config
    finally:
        first.send_signal(signal.SIGINT)
        first.communicate()
    assert first.returncode == 130 and not (run / "lock").exists()


def test_two_starts_at_once_leave_one_run(binary: str, community_dir: Path, tmp_path: Path):
    about = (community_dir / "metadata.tsv").read_text().splitlines()
    rows = [f"{line}\t{'weight' if i == 0 else 'numeric' if i == 1 else float(line.split(chr(9))[1]) * 100}"
            for i, line in enumerate(about)]  # fmt: skip
    (tmp_path / "m.tsv").write_text("\n".join(rows) + "\n")
    base = [binary, "train", "--table", community_dir / "table.biom", "--metadata", tmp_path / "m.tsv", *SMALL]
    base = [str(part) for part in [*base, "--quiet", "--output-dir", tmp_path / "run", "--metadata-column"]]
    both = {name: subprocess.Popen([*base, name], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
            for name in ("weight", "age")}  # fmt: skip
    errors = {name: process.communicate()[1] for name, process in both.items()}
    codes = {name: process.returncode for name, process in both.items()}
    assert sorted(codes.values()) == [0, 1], errors
    winner = min(codes, key=lambda name: codes[name])
    (loser,) = {"weight", "age"} - {winner}
    assert errors[loser].count("\n") == 1 and ("training in it" in errors[loser] or "not empty" in errors[loser])
    assert json.loads((tmp_path / "run" / "config.json").read_text())["target"]["column"] == winner


def test_every_state_that_a_kill_leaves_can_be_taken_up(
    deepbio: Run, age_run: Path, community_dir: Path, tmp_path: Path
):
    args = ["train", *study(community_dir), *SMALL, "--quiet", "--output-dir"]
    for names in ([], ["training.log"], ["lock", "training.log"], ["lock"], [".config.json.0123456789.tmp"]):
        run = tmp_path / "-".join(["stuck", *names])
        run.mkdir()
        for name in names:
            (run / name).write_text("")
        deepbio(*args, run, "--overwrite", check=True)
    # With config.json there, --resume goes on from whatever else is there.
    for lost in (["last", "metrics.jsonl", "model.safetensors"], ["last", "train_samples.txt", "val_samples.txt"],
                 ["metrics.jsonl"], ["train_asvs.txt"]):  # fmt: skip
        run = tmp_path / "-".join(["kill", *lost])
        shutil.copytree(age_run, run)
        for name in lost:
            shutil.rmtree(run / name) if (run / name).is_dir() else (run / name).unlink()
        deepbio("train", "--resume", "--output-dir", run, "--threads", 1, "--quiet", check=True)
        for name in ("model.safetensors", "val_predictions.tsv", "train_samples.txt", "val_samples.txt"):
            assert (run / name).read_bytes() == (age_run / name).read_bytes(), (lost, name)
        assert len((run / "metrics.jsonl").read_text().splitlines()) == 2


def test_a_run_stopped_in_its_first_epoch_starts_it_again(
    deepbio: Run, binary: str, age_run: Path, community_dir: Path, tmp_path: Path
):
    run = tmp_path / "run"
    args = ["train", *study(community_dir), *SMALL, "--epochs", 300, "--patience", 0, "--output-dir", run]
    process = subprocess.Popen([binary, *map(str, args)], stderr=subprocess.PIPE, text=True)
    wait_for(run / "val_samples.txt", process)
    process.send_signal(signal.SIGINT)
    said = process.communicate()[1]
    assert process.returncode in (130, -signal.SIGINT)
    if not (run / "last").exists() and process.returncode == 130:
        assert "interrupted in the first epoch; --resume starts with it again" in said
    (run / "training.log").touch()
    stored = json.loads((run / "config.json").read_text())
    assert stored["training"]["resolved"]["epochs"] == 300
    if not (run / "last").exists():
        done = deepbio("train", "--resume", "--output-dir", run, "--epochs", 2, "--threads", 1)
        assert done.returncode == 1 and "epochs was 300, now it is 2" in done.stderr
    process = subprocess.Popen([binary, "train", "--resume", "--output-dir", str(run), "--threads", "1", "--quiet"],
                               stderr=subprocess.PIPE, text=True)  # fmt: skip
    wait_for(run / "metrics.jsonl", process)
    process.send_signal(signal.SIGINT)
    assert process.communicate()[1] == "" and (run / "metrics.jsonl").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--best-metric", "accuracy"], ["--best-metric accuracy", "regression"]),
        (["--class-weights", "1,2"], ["--class-weights", "regression"]),
        (["--bounded-targets"], ["--bounded-targets", "--target-transform minmax"]),
        (["--output-activation", "relu", "--target-transform", "zscore"], ["--output-activation relu"]),
        (["--loss-type", "quantile", "--quantiles", "0.05,0.95"], ["--quantiles", "0.5"]),
        (["--over-penalty", "3"], ["--over-penalty", "no effect"]),
        (["--categorical-columns", "age"], ["age", "is the target"]),
        (["--group-column", "hots"], ["hots"]),
    ],
)
def test_what_cannot_be_right_is_refused_before_anything_is_written(
    deepbio: Run, community_dir: Path, tmp_path: Path, options: list[str], words: list[str]
):
    run = tmp_path / "run"
    refused(deepbio("train", *study(community_dir), *SMALL, *options, "--output-dir", run), run, *words)


def test_options_of_classes_are_checked_against_the_classes(deepbio: Run, community_dir: Path, tmp_path: Path):
    run = tmp_path / "run"
    args = ["train", *study(community_dir, "group"), "--classifier", *SMALL, "--output-dir", run]
    refused(deepbio(*args, "--class-weights", "1,2"), run, "--class-weights", "3 classes, got 2")
    refused(deepbio(*args, "--best-metric", "mae"), run, "--best-metric mae")
    refused(deepbio(*args, "--categorical-columns", "site,group"), run, "'group' is the target")


def test_a_run_with_nothing_to_learn_is_refused(deepbio: Run, community_dir: Path, tmp_path: Path):
    run = tmp_path / "run"
    args = ["train", *study(community_dir), *SMALL, "--output-dir", run, "--preset", "aam", "--nuc-penalty", 0]
    refused(deepbio(*args, "--count-penalty", 0, "--target-penalty", 0), run, "nothing to learn", "--target-penalty")
    args = ["pretrain", "--table", community_dir / "table.biom", "--tree", community_dir / "tree.nwk", *SMALL]
    refused(deepbio(*args, "--batch-size", 1, "--output-dir", run), run, "--batch-size", "at least 2")


def test_python_refuses_the_same_with_the_same_sentence(deepbio: Run, community_dir: Path, tmp_path: Path):
    run = tmp_path / "run"
    model = db.models.SequencePredictor(**TINY)
    with pytest.raises(ConfigError) as caught:
        db.Trainer(model, epochs=1, best_metric="accuracy").fit(samples(community_dir), run_directory=run)
    shell = deepbio("train", *study(community_dir), *SMALL, "--best-metric", "accuracy", "--output-dir", run).stderr
    said = shell.removeprefix("deepbio: error: ").strip()
    assert said.replace("--best-metric accuracy", 'best_metric="accuracy"') == str(caught.value)
    bounded = db.models.SequencePredictor(**TINY, bounded_targets=True)
    with pytest.raises(ArgumentError, match='target_transform="minmax"'):
        db.Trainer(bounded, epochs=1).fit(samples(community_dir), run_directory=run)
    with pytest.raises(ArgumentError, match="'age' is the target"):
        samples(community_dir, categorical=["age"])
    assert not run.exists()


def test_constant_targets_and_large_distances_are_refused_by_both_doors(deepbio: Run, tmp_path: Path):
    names = [f"s{i}" for i in range(12)]
    args = write_study(tmp_path, dict.fromkeys(names, "7"))
    shell = deepbio("train", *args, "--output-dir", tmp_path / "run")
    refused(shell, tmp_path / "run", "7.0 in all 12 samples")
    with pytest.raises(ArgumentError) as caught:
        db.SampleDataset(tmp_path / "t.tsv", metadata=tmp_path / "m.tsv", target="y", max_bp=60)
    assert shell.stderr == f"deepbio: error: {caught.value}\n"
    rng = random.Random(1)
    far = {(a, b): 5 * rng.random() for a in names for b in names if a < b}
    rows = [a + "\t" + "\t".join(str(far.get((min(a, b), max(a, b)), 0)) for b in names) for a in names]
    (tmp_path / "d.tsv").write_text("\t" + "\t".join(names) + "\n" + "\n".join(rows) + "\n")
    shell = deepbio("pretrain", *args[:2], *SMALL, "--distances", tmp_path / "d.tsv", "--output-dir", tmp_path / "run")
    refused(shell, tmp_path / "run", "expected distances up to 1, got")
    dataset = db.SampleDataset(tmp_path / "t.tsv", distances=tmp_path / "d.tsv", max_bp=60)
    of_encoder = {name: value for name, value in TINY.items() if "count" not in name and "target" not in name}
    with pytest.raises(ArgumentError, match="expected distances up to 1, got") as caught:
        db.Trainer(db.models.SequenceEncoder(**of_encoder), epochs=1).fit(dataset)
    # The command reads them as float32, so that the number may differ in its eighth digit.
    sentences = [
        re.sub(r"4\.\d+", "N", text.partition("expected")[2]).strip() for text in (shell.stderr, str(caught.value))
    ]
    assert sentences[0] == sentences[1]
    # Samples that the distances lack are dropped by both when they are told to.
    (tmp_path / "d11.tsv").write_text(
        "\t" + "\t".join(names[:11]) + "\n"
        + "\n".join(a + "\t" + "\t".join("0" if a == b else "0.5" for b in names[:11]) for a in names[:11]) + "\n"
    )  # fmt: skip
    dropped = db.SampleDataset(tmp_path / "t.tsv", distances=tmp_path / "d11.tsv", missing_samples="drop", max_bp=60)
    assert dropped.left_out == ["s11"] and len(dropped) == 11
    with pytest.raises(ArgumentError, match='missing_samples="drop"'):
        db.SampleDataset(tmp_path / "t.tsv", distances=tmp_path / "d11.tsv", max_bp=60)


def test_other_data_behind_the_same_path_are_refused_and_moved_data_resume(
    deepbio: Run, community_dir: Path, tmp_path: Path
):
    data, moved = tmp_path / "data", tmp_path / "moved"
    data.mkdir()
    for name in ("table.biom", "metadata.tsv"):
        shutil.copy(community_dir / name, data)
    deepbio("train", *study(data), *SMALL, "--quiet", "--output-dir", data / "run", check=True)
    table = db.read_table(data / "table.biom")
    counts = table.to_torch().to_dense()
    shuffled = counts[torch.randperm(len(counts), generator=torch.Generator().manual_seed(0))]
    db.Table.from_arrays(table.sample_ids, table.feature_ids, shuffled.numpy()).write(
        data / "table.biom", overwrite=True
    )
    resume = ["train", "--resume", "--threads", 1, "--quiet", "--epochs", 3, "--output-dir"]
    done = deepbio(*resume, data / "run")
    assert done.returncode == 1 and "cannot resume" in done.stderr and "the counts" in done.stderr
    shutil.copy(community_dir / "table.biom", data)
    data.rename(moved)
    # From another folder, with the data where they are now.
    deepbio(*resume, moved / "run", "--table", moved / "table.biom", "--metadata", moved / "metadata.tsv", check=True)
    assert len((moved / "run" / "metrics.jsonl").read_text().splitlines()) == 3, "a finished run is extended"
    deepbio(*resume, moved / "run", check=True, cwd=tmp_path)  # config.json knows the new place, and three epochs
    about = (moved / "metadata.tsv").read_text().splitlines()
    about[5] = about[5].replace(about[5].split("\t")[1], "99", 1)
    (moved / "metadata.tsv").write_text("\n".join(about) + "\n")
    done = deepbio(*resume, moved / "run")
    assert done.returncode == 1 and "the targets" in done.stderr


def test_a_config_that_contradicts_itself_is_refused(deepbio: Run, age_run: Path, community_dir: Path, tmp_path: Path):
    for change in ({"is_classifier": True, "classes": ["a", "b"]}, {"is_classifier": True, "classes": ["a"]}):
        run = tmp_path / str(len(change["classes"]))
        shutil.copytree(age_run, run)
        config = json.loads((run / "config.json").read_text())
        config["target"] |= change
        (run / "config.json").write_text(json.dumps(config))
        for command in ("predict", "evaluate", "info"):
            args = ["--metadata", community_dir / "metadata.tsv"] if command == "evaluate" else []
            args = [run] if command == "info" else ["--model", run, "--table", community_dir / "table.biom", *args]
            done = deepbio(command, *args)
            assert done.returncode == 1 and done.stderr.count("\n") == 1 and "classes" in done.stderr, done.stderr
        with pytest.raises(DeepBioError, match="classes"):
            db.predict(run, community_dir / "table.biom")


def test_more_validation_than_training_samples_train(community_dir: Path):
    big, small = samples(community_dir).split(0.2, seed=1)
    history = db.Trainer(db.models.SequencePredictor(**TINY), epochs=1, batch_size=8).fit(small, big)
    assert len(history.epochs) == 1 and history.epochs[0]["val"]["mae"] > 0


def test_a_model_that_was_changed_in_python_is_not_trained_as_the_stock_one(community_dir: Path):
    train, val = samples(community_dir).split(0.2, seed=1)

    class Mine(db.models.SequencePredictor):
        def forward(self, *args: object, **options: object) -> object:
            return super().forward(*args, **options)

    class Head(torch.nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(x)

    class Named(db.models.SequencePredictor):
        """Nothing of its own."""

    hooked, extra, other_head, patched = (db.models.SequencePredictor(**TINY) for _ in range(4))
    hooked.target_head.register_forward_hook(lambda *_: None)
    extra.mine = torch.nn.Parameter(torch.zeros(3))
    other_head.target_head = Head(16, 1)
    patched.forward = lambda *args, **options: None
    for model, words in ((Mine(**TINY), "forward of its own"), (hooked, "hook"), (extra, "'mine'"),
                         (other_head, "target_head.*of its own"), (patched, "forward of its own")):  # fmt: skip
        with pytest.raises(ArgumentError, match=words):
            db.Trainer(model, epochs=1).fit(train, val)
    db.Trainer(Named(**TINY), epochs=1).fit(train, val)


def test_quantiles_are_columns_and_the_median_is_the_prediction(deepbio: Run, community_dir: Path, tmp_path: Path):
    run, table = tmp_path / "q", community_dir / "table.biom"
    options = ["--loss-type", "quantile", "--quantiles", "0.05,0.5,0.95", "--quiet", "--output-dir", run]
    deepbio("train", *study(community_dir), *SMALL, *options, check=True)
    found = list(csv.DictReader(io.StringIO(deepbio("predict", "--model", run, "--table", table, check=True).stdout),
                                delimiter="\t"))  # fmt: skip
    levels = ["quantile_0.05", "quantile_0.5", "quantile_0.95"]
    assert set(levels) <= set(found[0])
    assert all(row["prediction"] == row["quantile_0.5"] for row in found)
    assert any(row["quantile_0.05"] != row["quantile_0.95"] for row in found)
    told = json.loads(deepbio("predict", "--model", run, "--table", table, "--json", check=True).stdout)
    assert told["predictions"][0]["quantiles"]["0.95"] == pytest.approx(float(found[0]["quantile_0.95"]), rel=1e-8)
    python = db.predict(run, table)
    assert python.levels == [0.05, 0.5, 0.95] and python.quantiles is not None
    assert [f"{value:.9g}" for value in python.quantiles[:, 0].tolist()] == [row["quantile_0.05"] for row in found]
    ids, values, labels, left_out = python
    assert torch.equal(values[:, 0], python.quantiles[:, 1]) and len(ids) == 24 and not labels and not left_out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_standard_output_is_an_error(binary: str, age_run: Path, community_dir: Path):
    table = ["--table", community_dir / "table.biom"]
    for args in (["info", age_run], ["predict", "--model", age_run, *table, "--json"], ["--help"], ["--version"],
                 ["evaluate", "--model", age_run, *table, "--metadata", community_dir / "metadata.tsv"]):  # fmt: skip
        with open("/dev/full", "w") as full:
            done = subprocess.run([binary, *map(str, args)], stdout=full, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 1 and "standard output" in done.stderr, args


def test_numbers_of_threads_have_a_bound(deepbio: Run, age_run: Path):
    for number in ("100000", "-1", "1e9", "9999999999999999999999"):
        done = deepbio("info", age_run, "--threads", number)
        assert done.returncode == 2 and len(done.stderr) < 200 and done.stderr.count("\n") == 1, done.stderr


def test_labels_with_tabs_and_quotes_are_written_as_they_were_read(deepbio: Run, tmp_path: Path):
    cells = {f"s{i}": '"a\tb ""x"""' if i % 2 else "c" for i in range(18)}
    args = write_study(tmp_path, cells)
    run = tmp_path / "run"
    deepbio("train", *args, "--classifier", "--rarefy-depth", 50, "--quiet", "--output-dir", run, check=True)
    text = deepbio("predict", "--model", run, "--table", tmp_path / "t.tsv", check=True).stdout
    for found in (text, (run / "val_predictions.tsv").read_text()):
        rows = list(csv.reader(io.StringIO(found), delimiter="\t"))
        assert len({len(row) for row in rows}) == 1
        assert {row[1] for row in rows[1:]} <= {'a\tb "x"', "c"}
    header = next(csv.reader(io.StringIO(text), delimiter="\t"))
    assert 'probability_a\tb "x"' in header and "probability_c" in header


def test_asvs_that_training_did_not_see_are_counted(deepbio: Run, age_run: Path, community_dir: Path, tmp_path: Path):
    write_study(tmp_path, {f"s{i}": str(i) for i in range(3)})
    text = (tmp_path / "t.tsv").read_text().splitlines()
    deep = [text[0]] + [line.split("\t")[0] + "\t900\t900\t900" for line in text[1:]]
    (tmp_path / "deep.tsv").write_text("\n".join(deep) + "\n")
    done = deepbio("predict", "--model", age_run, "--table", tmp_path / "deep.tsv", check=True)
    assert "0 of 6 ASVs of the table were seen in training" in done.stderr
    assert any("0 of 6 ASVs" in note for note in db.predict(age_run, tmp_path / "deep.tsv").notes)
    quiet = deepbio("predict", "--model", age_run, "--table", community_dir / "table.biom", "--quiet", check=True)
    assert quiet.stderr == ""
    listed = (age_run / "train_asvs.txt").read_text().split()
    assert set(listed) <= set(db.read_table(community_dir / "table.biom").feature_ids)


def test_sequences_that_are_cut_are_said(deepbio: Run, community_dir: Path, tmp_path: Path):
    done = deepbio("train", *study(community_dir), *SMALL, "--max-bp", 30, "--output-dir", tmp_path / "run", check=True)
    assert "longer than --max-bp 30 (up to 60 bases)" in done.stderr


def test_a_prediction_does_not_depend_on_the_order_of_rows(age_run: Path, community_dir: Path):
    table = db.read_table(community_dir / "table.biom")
    counts, features = table.to_torch().to_dense(), table.feature_ids
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(3)).tolist()
    samples_ = torch.randperm(len(table.sample_ids), generator=torch.Generator().manual_seed(4)).tolist()
    other = db.Table.from_arrays(
        [table.sample_ids[i] for i in samples_], [features[i] for i in order], counts[samples_][:, order].numpy()
    )
    first, second = db.predict(age_run, table), db.predict(age_run, other)
    of_second = dict(zip(second.sample_ids, second.values[:, 0].tolist(), strict=True))
    change = max(
        abs(of_second[name] - value) for name, value in zip(first.sample_ids, first.values[:, 0].tolist(), strict=True)
    )
    assert change < 1e-3 * first.values.std().item()


def test_evaluate_says_that_samples_were_trained_on(deepbio: Run, age_run: Path, community_dir: Path):
    args = ["evaluate", "--model", age_run, "--table", community_dir / "table.biom"]
    args += ["--metadata", community_dir / "metadata.tsv"]
    assert "19 of 24 samples were trained on" in deepbio(*args, check=True).stderr
    assert "trained on" not in deepbio(*args, "--samples", age_run / "val_samples.txt", check=True).stderr


def test_only_empty_cells_are_missing_unless_other_words_are_named(deepbio: Run, tmp_path: Path):
    cells = ["None"] * 8 + ["6 months"] * 4 + ["Year"] * 4 + ["Missing: Not provided"] * 2 + ["NA", ""]
    args = write_study(tmp_path, {f"s{i:02d}": cell for i, cell in enumerate(cells)})
    args += ["--classifier", "--rarefy-depth", 50, "--epochs", 1, "--output-dir"]

    def classes(run: Path) -> list[str]:
        return json.loads((run / "config.json").read_text())["target"]["classes"]

    done = deepbio("train", *args, tmp_path / "all", check=True)
    assert classes(tmp_path / "all") == ["6 months", "Missing: Not provided", "NA", "None", "Year"]
    assert "left out 1 of 20 samples without a value of 'y'" in done.stderr and "1 empty" in done.stderr
    done = deepbio("train", *args, tmp_path / "some", "--missing-values", "NA,INSDC", check=True)
    assert classes(tmp_path / "some") == ["6 months", "None", "Year"]
    assert "left out 4 of 20 samples" in done.stderr and "1 'NA'" in done.stderr
    assert "2 'Missing: Not provided'" in done.stderr
    dataset = db.SampleDataset(tmp_path / "t.tsv", metadata=tmp_path / "m.tsv", target="y", classifier=True,
                               missing_values=["NA", "INSDC"], max_bp=60)  # fmt: skip
    assert Counter(dataset._labels) == {"None": 8, "6 months": 4, "Year": 4} and len(dataset.left_out) == 4
    # A number that is a word says which option names it.
    args = write_study(tmp_path, {f"s{i}": "not provided" if i == 3 else str(i) for i in range(12)})
    refused(deepbio("train", *args, "--output-dir", tmp_path / "no"), tmp_path / "no", "--missing-values")
    deepbio("train", *args, "--output-dir", tmp_path / "num", "--missing-values", "not provided", check=True)


def test_a_rare_class_is_on_both_sides_of_the_split(deepbio: Run, tmp_path: Path):
    labels = {f"q{i:03d}": "Wasted" if i % 33 == 5 else "Normal" for i in range(100)}
    args = write_study(tmp_path, labels)
    for seed in range(2):
        run = tmp_path / f"r{seed}"
        deepbio("train", *args, "--classifier", "--epochs", 1, "--rarefy-depth", 0, "--seed", seed, "--output-dir", run,
                check=True)  # fmt: skip
        val = Counter(labels[name] for name in (run / "val_samples.txt").read_text().split())
        assert val == {"Normal": 19, "Wasted": 1}
    labels["q099"] = "Single"
    args = write_study(tmp_path, labels)
    run = tmp_path / "single"
    done = deepbio("train", *args, "--classifier", "--epochs", 1, "--rarefy-depth", 0, "--output-dir", run, check=True)
    assert "class 'Single' has no validation sample" in done.stderr
    assert "no validation sample" in (run / "training.log").read_text()


def test_samples_of_a_host_stay_together(deepbio: Run, tmp_path: Path):
    hosts = {f"s{i}": f"{i}\thost{i // 3}" for i in range(30)}
    args = write_study(tmp_path, hosts, header="sample-id\ty\thost_subject_id")
    host_of = {name: cells.split("\t")[1] for name, cells in hosts.items()}
    done = deepbio("train", *args, "--epochs", 1, "--output-dir", tmp_path / "plain", check=True)
    assert "samples on both sides" in done.stderr and "--group-column" in done.stderr
    run = tmp_path / "grouped"
    done = deepbio("train", *args, "--epochs", 1, "--group-column", "host_subject_id", "--output-dir", run, check=True)
    assert "both sides" not in done.stderr
    sides = [{host_of[name] for name in (run / f"{part}_samples.txt").read_text().split()} for part in ("train", "val")]
    assert not sides[0] & sides[1] and len(sides[1]) == 2
    dataset = db.SampleDataset(tmp_path / "t.tsv", metadata=tmp_path / "m.tsv", target="y", max_bp=60)
    train, val = dataset.split(0.2, seed=0, group="host_subject_id")
    assert val.sample_ids == (run / "val_samples.txt").read_text().split()
    assert dataset.split(0.2, group=[host_of[name] for name in dataset.sample_ids])[1].sample_ids == val.sample_ids
    assert train.notes == []
    with pytest.raises(ArgumentError, match="30 samples, got 2"):
        dataset.split(0.2, group=["a", "b"])
    # Resuming keeps the split.
    deepbio("train", "--resume", "--output-dir", run, "--epochs", 2, "--threads", 1, check=True)


def test_a_split_can_be_given_by_lists(deepbio: Run, tmp_path: Path):
    args = write_study(tmp_path, {f"s{i}": str(i) for i in range(12)})
    (tmp_path / "val.txt").write_text("s3\r\ns7\n")
    run = tmp_path / "run"
    deepbio("train", *args, "--val-samples", tmp_path / "val.txt", "--output-dir", run, check=True)
    assert (run / "val_samples.txt").read_text().split() == ["s3", "s7"]
    assert len((run / "train_samples.txt").read_text().split()) == 10
    (tmp_path / "other.txt").write_text("s3\nnobody\n")
    done = deepbio("train", *args, "--val-samples", tmp_path / "other.txt", "--output-dir", tmp_path / "no")
    refused(done, tmp_path / "no", "1 of 2 samples are absent from the table: nobody")


def test_a_run_of_python_has_what_a_run_of_the_command_has(
    deepbio: Run, age_run: Path, community_dir: Path, tmp_path: Path
):
    run = tmp_path / "run"
    train, val = samples(community_dir).split(0.2, seed=0)
    trainer = db.Trainer(db.models.SequencePredictor(**TINY), epochs=1, batch_size=8)
    trainer.fit(train, val, run_directory=run)
    assert {path.name for path in run.iterdir()} == {path.name for path in age_run.iterdir()}
    ours, theirs = (json.loads((r / "config.json").read_text())["trained_on"] for r in (run, age_run))
    assert {"table", "metadata", "num_samples", "num_train", "num_val", "baseline", "content"} <= set(ours) & set(
        theirs
    )
    assert ours["num_samples"] == 24 and ours["baseline"]["mean"] == pytest.approx(theirs["baseline"]["mean"])
    rows = list(csv.DictReader((run / "val_predictions.tsv").open(), delimiter="\t"))
    assert [row["sample_id"] for row in rows] == val.sample_ids
    args = ["evaluate", "--model", run, "--table", community_dir / "table.biom"]
    told = deepbio(*args, "--metadata", community_dir / "metadata.tsv", "--json", check=True).stdout
    assert json.loads(told)["baseline"]["mae"] > 0
    done = deepbio("train", "--resume", "--output-dir", run)
    assert done.returncode == 1 and "resume it in Python" in done.stderr
    with pytest.raises(ConfigError, match="the counts"):
        db.Trainer(trainer.model, epochs=2, batch_size=8).fit(val, val, run_directory=run, resume=True)
    trainer.fit(train, val, run_directory=run, overwrite=True)
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 1


def test_paths_of_a_run_are_whole(deepbio: Run, community_dir: Path, tmp_path: Path):
    args = ["--table", community_dir.name + "/table.biom", "--metadata", community_dir.name + "/metadata.tsv"]
    deepbio("train", *args, "--metadata-column", "age", *SMALL, "--output-dir", tmp_path / "run", check=True,
            cwd=community_dir.parent)  # fmt: skip
    stored = json.loads((tmp_path / "run" / "config.json").read_text())
    assert all(os.path.isabs(stored["trained_on"][name]) for name in ("table", "metadata"))
    assert os.path.isabs(stored["training"]["options"]["table"])
