"""What users run into around training: two starts in one folder, killed runs, classes called None,
moved data, options that cannot be right. Each is refused before anything is written, or works."""

import csv
import json
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from training_arguments import SMALL, TINY, Run, refused, samples, study, write_study

import deepbio_torch as db
from deepbio_torch.errors import ArgumentError, ConfigError, DeepBioError, WriteError


@pytest.fixture(scope="module")
def age_run(deepbio: Run, community_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("age") / "run"
    deepbio("train", *study(community_dir), *SMALL, "--output-dir", run, "--quiet", check=True)
    return run


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.time() + 300
    while not path.exists() and process.poll() is None and time.time() < deadline:
        time.sleep(0.005)


def test_a_second_start_in_the_same_folder_is_refused_in_one_line(
    deepbio: Run, binary: str, community_dir: Path, tmp_path: Path
):
    run = tmp_path / "run"
    args = [
        "train",
        *study(community_dir),
        *SMALL,
        "--epochs",
        500,
        "--patience",
        0,
        "--output-dir",
        run,
    ]
    args = [str(part) for part in args]
    first = subprocess.Popen([binary, *args, "--quiet"], stderr=subprocess.PIPE, text=True)
    try:
        wait_for(run / "val_samples.txt", first)
        config = (run / "config.json").read_bytes()
        for option in ([], ["--overwrite"], ["--resume"]):
            again = (
                ["train", "--resume", "--output-dir", run]
                if option == ["--resume"]
                else [*args, *option]
            )
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
    weights = [str(float(line.split("\t")[1]) * 100) for line in about[2:]]
    rows = [
        f"{line}\t{cell}" for line, cell in zip(about, ["weight", "numeric", *weights], strict=True)
    ]
    (tmp_path / "m.tsv").write_text("\n".join(rows) + "\n")
    base = [
        binary,
        "train",
        "--table",
        community_dir / "table.biom",
        "--metadata",
        tmp_path / "m.tsv",
        *SMALL,
    ]
    base = [
        str(part)
        for part in [*base, "--quiet", "--output-dir", tmp_path / "run", "--metadata-column"]
    ]
    both = {name: subprocess.Popen([*base, name], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   text=True)
            for name in ("weight", "age")}  # fmt: skip
    errors = {name: process.communicate()[1] for name, process in both.items()}
    codes = {name: process.returncode for name, process in both.items()}
    assert sorted(codes.values()) == [0, 1], errors
    winner = min(codes, key=lambda name: codes[name])
    (loser,) = {"weight", "age"} - {winner}
    assert errors[loser].count("\n") == 1 and (
        "training in it" in errors[loser] or "not empty" in errors[loser]
    )
    assert json.loads((tmp_path / "run" / "config.json").read_text())["target"]["column"] == winner


def test_every_state_that_a_kill_leaves_can_be_taken_up(
    deepbio: Run, age_run: Path, community_dir: Path, tmp_path: Path
):
    args = ["train", *study(community_dir), *SMALL, "--quiet", "--output-dir"]
    for names in (
        [],
        ["training.log"],
        ["lock", "training.log"],
        ["lock"],
        [".config.json.0123456789.tmp"],
    ):
        run = tmp_path / "-".join(["stuck", *names])
        run.mkdir()
        for name in names:
            (run / name).write_text("")
        deepbio(*args, run, "--overwrite", check=True)
    # With config.json there, --resume goes on from whatever else is there.
    for lost in (["last", "metrics.jsonl", "model.safetensors"],
                 ["last", "train_samples.txt", "val_samples.txt"], ["metrics.jsonl"],
                 ["train_asvs.txt"]):  # fmt: skip
        run = tmp_path / "-".join(["kill", *lost])
        shutil.copytree(age_run, run)
        for name in lost:
            shutil.rmtree(run / name) if (run / name).is_dir() else (run / name).unlink()
        deepbio("train", "--resume", "--output-dir", run, "--threads", 1, "--quiet", check=True)
        for name in (
            "model.safetensors",
            "val_predictions.tsv",
            "train_samples.txt",
            "val_samples.txt",
        ):
            assert (run / name).read_bytes() == (age_run / name).read_bytes(), (lost, name)
        assert len((run / "metrics.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize("hidden", [16, 1024])
def test_a_stop_loses_nothing_that_was_learned(
    deepbio: Run, binary: str, community_dir: Path, tmp_path: Path, hidden: int
):
    """Of a large model too, whose state is otherwise written every 20 seconds only, and within
    an epoch."""
    args = [
        "train",
        *study(community_dir),
        "--known-hidden-dim",
        hidden,
        "--epochs",
        60,
        "--threads",
        1,
    ]
    deepbio(*args, "--output-dir", tmp_path / "whole", "--quiet", check=True)
    stops = 0
    command = [*args, "--output-dir", tmp_path / "cut"]
    for delay in (0, 0.05, 0.2, 0.4):
        process = subprocess.Popen([binary, *map(str, command)], stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        heard = next(line for line in process.stderr if line.startswith("model with "))
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        said = heard + process.communicate()[1]
        command = ["train", "--resume", "--output-dir", tmp_path / "cut", "--threads", 1]
        if process.returncode == 0:  # it was faster than the signal
            break
        assert process.returncode == 130, said
        place = re.search(
            r"interrupted; --resume goes on (?:in epoch (\d+) after step (\d+)|after epoch (\d+))$",
            said,
            re.M,
        )
        assert place, said
        state = json.loads((tmp_path / "cut" / "last" / "state.json").read_text())
        finished, step = int(place[1]) - 1 if place[1] else int(place[3]), int(place[2] or 0)
        assert (state["next_epoch"], state["next_step"]) == (finished, step)
        stops += 1
    assert stops > 0
    deepbio(*command, "--quiet", check=True)
    for name in ("model", "last/model", "last/optimizer", "last/average"):
        name += ".safetensors"
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes(), (
            name
        )


def test_a_run_stopped_in_its_first_epoch_goes_on_from_there(
    deepbio: Run, binary: str, age_run: Path, community_dir: Path, tmp_path: Path
):
    run = tmp_path / "run"
    args = [
        "train",
        *study(community_dir),
        *SMALL,
        "--epochs",
        300,
        "--patience",
        0,
        "--output-dir",
        run,
    ]
    process = subprocess.Popen([binary, *map(str, args)], stderr=subprocess.PIPE, text=True)
    wait_for(run / "val_samples.txt", process)
    process.send_signal(signal.SIGINT)
    said = process.communicate()[1]
    assert process.returncode in (130, -signal.SIGINT)
    if process.returncode == 130:
        assert "interrupted; --resume goes on" in said
    (run / "training.log").touch()
    stored = json.loads((run / "config.json").read_text())
    assert stored["training"]["resolved"]["epochs"] == 300
    done = deepbio("train", "--resume", "--output-dir", run, "--epochs", 2, "--threads", 1)
    assert done.returncode == 1 and "epochs was 300, now it is 2" in done.stderr
    process = subprocess.Popen([binary, "train", "--resume", "--output-dir", str(run),
                                "--threads", "1", "--quiet"],
                               stderr=subprocess.PIPE, text=True)  # fmt: skip
    wait_for(run / "metrics.jsonl", process)
    process.send_signal(signal.SIGINT)
    assert process.communicate()[1] == "" and (run / "metrics.jsonl").exists()


def test_a_column_of_words_without_the_word_for_classes_names_it(
    deepbio: Run, community_dir: Path, tmp_path: Path
):
    done = deepbio("train", *study(community_dir, "group"), "--output-dir", tmp_path / "run")
    refused(done, tmp_path / "run", "'group' holds no number", "--classifier takes its words")
    with pytest.raises(ArgumentError, match="'group' holds no number; classifier=True takes"):
        samples(community_dir, target="group")


def test_a_config_that_contradicts_itself_is_refused(
    deepbio: Run, age_run: Path, community_dir: Path, tmp_path: Path
):
    for change in (
        {"is_classifier": True, "classes": ["a", "b"]},
        {"is_classifier": True, "classes": ["a"]},
    ):
        run = tmp_path / str(len(change["classes"]))
        shutil.copytree(age_run, run)
        config = json.loads((run / "config.json").read_text())
        config["target"] |= change
        (run / "config.json").write_text(json.dumps(config))
        for command in ("predict", "evaluate", "info"):
            args = ["--metadata", community_dir / "metadata.tsv"] if command == "evaluate" else []
            args = (
                [run]
                if command == "info"
                else ["--model", run, "--table", community_dir / "table.biom", *args]
            )
            done = deepbio(command, *args)
            assert (
                done.returncode == 1 and done.stderr.count("\n") == 1 and "classes" in done.stderr
            ), done.stderr
        with pytest.raises(DeepBioError, match="classes"):
            db.predict(run, community_dir / "table.biom")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_standard_output_is_an_error(binary: str, age_run: Path, community_dir: Path):
    table = ["--table", community_dir / "table.biom"]
    for args in (["info", age_run], ["predict", "--model", age_run, *table, "--json"], ["--help"],
                 ["--version"], ["evaluate", "--model", age_run, *table,
                                 "--metadata", community_dir / "metadata.tsv"]):  # fmt: skip
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [binary, *map(str, args)], stdout=full, stderr=subprocess.PIPE, text=True
            )
        assert done.returncode == 1 and "standard output" in done.stderr, args


def test_numbers_of_threads_have_a_bound(deepbio: Run, age_run: Path):
    for number in ("100000", "-1", "1e9", "9999999999999999999999"):
        done = deepbio("info", age_run, "--threads", number)
        assert done.returncode == 2 and len(done.stderr) < 200 and done.stderr.count("\n") == 1, (
            done.stderr
        )


def test_asvs_that_training_did_not_see_are_counted(
    deepbio: Run, age_run: Path, community_dir: Path, tmp_path: Path
):
    write_study(tmp_path, {f"s{i}": str(i) for i in range(3)})
    text = (tmp_path / "t.tsv").read_text().splitlines()
    deep = [text[0]] + [line.split("\t")[0] + "\t900\t900\t900" for line in text[1:]]
    (tmp_path / "deep.tsv").write_text("\n".join(deep) + "\n")
    done = deepbio("predict", "--model", age_run, "--table", tmp_path / "deep.tsv", check=True)
    assert "0 of 6 ASVs of the table were seen in training" in done.stderr
    assert any("0 of 6 ASVs" in note for note in db.predict(age_run, tmp_path / "deep.tsv").notes)
    quiet = deepbio(
        "predict",
        "--model",
        age_run,
        "--table",
        community_dir / "table.biom",
        "--quiet",
        check=True,
    )
    assert quiet.stderr == ""
    listed = (age_run / "train_asvs.txt").read_text().split()
    assert set(listed) <= set(db.read_table(community_dir / "table.biom").feature_ids)


def test_a_prediction_does_not_depend_on_the_order_of_rows(age_run: Path, community_dir: Path):
    table = db.read_table(community_dir / "table.biom")
    counts, features = table.to_torch().to_dense(), table.feature_ids
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(3)).tolist()
    samples_ = torch.randperm(
        len(table.sample_ids), generator=torch.Generator().manual_seed(4)
    ).tolist()
    other = db.Table.from_arrays(
        [table.sample_ids[i] for i in samples_],
        [features[i] for i in order],
        counts[samples_][:, order].numpy(),
    )
    first, second = db.predict(age_run, table), db.predict(age_run, other)
    of_second = dict(zip(second.sample_ids, second.values[:, 0].tolist(), strict=True))
    change = max(
        abs(of_second[name] - value)
        for name, value in zip(first.sample_ids, first.values[:, 0].tolist(), strict=True)
    )
    assert change < 1e-3 * first.values.std().item()


def test_evaluate_says_that_samples_were_trained_on(
    deepbio: Run, age_run: Path, community_dir: Path
):
    args = ["evaluate", "--model", age_run, "--table", community_dir / "table.biom"]
    args += ["--metadata", community_dir / "metadata.tsv"]
    assert "19 of 24 samples were trained on" in deepbio(*args, check=True).stderr
    assert (
        "trained on"
        not in deepbio(*args, "--samples", age_run / "val_samples.txt", check=True).stderr
    )


def test_a_run_of_python_has_what_a_run_of_the_command_has(
    deepbio: Run, age_run: Path, community_dir: Path, tmp_path: Path
):
    run = tmp_path / "run"
    train, val = samples(community_dir).split(0.2, seed=0)
    trainer = db.Trainer(db.models.SequencePredictor(**TINY), epochs=1, batch_size=8)
    trainer.fit(train, val, run_directory=run)
    # The state before the last comes with a second epoch.
    assert {path.name for path in run.iterdir()} == {path.name for path in age_run.iterdir()} - {
        "last.old"
    }
    ours, theirs = (
        json.loads((r / "config.json").read_text())["trained_on"] for r in (run, age_run)
    )
    assert {
        "table",
        "metadata",
        "num_samples",
        "num_train",
        "num_val",
        "baseline",
        "content",
    } <= set(ours) & set(theirs)
    assert ours["num_samples"] == 24 and ours["baseline"]["mean"] == pytest.approx(
        theirs["baseline"]["mean"]
    )
    rows = list(csv.DictReader((run / "val_predictions.tsv").open(), delimiter="\t"))
    assert [row["sample_id"] for row in rows] == val.sample_ids
    args = ["evaluate", "--model", run, "--table", community_dir / "table.biom"]
    told = deepbio(*args, "--metadata", community_dir / "metadata.tsv", "--json", check=True).stdout
    assert json.loads(told)["baseline"]["mae"] > 0
    done = deepbio("train", "--resume", "--output-dir", run)
    assert done.returncode == 1 and "resume it in Python" in done.stderr
    with pytest.raises(ConfigError, match="the counts"):
        db.Trainer(trainer.model, epochs=2, batch_size=8).fit(
            val, val, run_directory=run, resume=True
        )
    trainer.fit(train, val, run_directory=run, overwrite=True)
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 1
