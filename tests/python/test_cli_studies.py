"""`deepbio train` on studies of many kinds: covariates, bad files, samples left out, features
without a sequence."""

import json
from pathlib import Path

import pytest
from command_runs import TINY, Run, lines, rows, study

import deepbio_torch as db


@pytest.mark.parametrize("fusion", ["concat", "gmu"])
def test_covariates_are_numbered_kept_and_asked_for(
    deepbio: Run, community_dir: Path, tmp_path: Path, fusion: str
):
    table, metadata, run = (
        community_dir / "table.biom",
        community_dir / "metadata.tsv",
        tmp_path / "run",
    )
    options = [
        "--categorical-columns",
        "site,group",
        "--categorical-fusion",
        fusion,
        "--categorical-embed-dim",
        4,
    ]
    options += ["--conditional-output-scaling", "site", "--epochs", 2, *TINY]
    deepbio("train", *study(community_dir), *options, "--output-dir", run, check=True)
    stored = json.loads((run / "config.json").read_text())
    about = {next(iter(row.values())): row for row in rows(metadata)}
    known = lines(run / "train_samples.txt")
    expected = {
        name: sorted({about[sample][name] for sample in known}) for name in ("group", "site")
    }
    assert stored["categories"] == expected and len(expected["site"]) > 1
    assert stored["model"]["categorical_cardinalities"] == {
        name: len(v) + 1 for name, v in expected.items()
    }

    args = ["predict", "--model", run, "--table", table]
    refused = deepbio(*args)
    assert (
        refused.returncode == 1
        and "(group, site)" in refused.stderr
        and "--metadata" in refused.stderr
    )
    found = deepbio(*args, "--metadata", metadata, "-o", tmp_path / "p.tsv", check=True)
    predicted = {row["sample_id"]: row["prediction"] for row in rows(tmp_path / "p.tsv")}
    for row in rows(run / "val_predictions.tsv"):
        assert float(predicted[row["sample_id"]]) == pytest.approx(
            float(row["prediction"]), rel=1e-5
        )
    # Other sites, other answers: the model has seen the column.
    other = tmp_path / "other.tsv"
    text = metadata.read_text().splitlines()
    at = text[0].split("\t").index("site")
    cells = [line.split("\t") for line in text]
    for row in cells[1:]:
        if not row[0].startswith("#"):
            row[at] = "elsewhere"
    other.write_text("".join("\t".join(row) + "\n" for row in cells))
    changed = deepbio(*args, "--metadata", other, check=True).stdout
    # A scaled output is a number: a histogram beside it would not be scaled.
    assert changed.splitlines()[0].split("\t") == ["sample_id", "prediction"] and not found.stdout
    assert {line.split("\t")[1] for line in changed.splitlines()[1:]} != set(predicted.values())
    score = json.loads(
        deepbio(
            "evaluate",
            "--model",
            run,
            "--table",
            table,
            "--metadata",
            metadata,
            "--json",
            check=True,
        ).stdout
    )
    assert score["mae"] > 0
    deepbio(
        "embed", "--model", run, "--table", table, "-o", tmp_path / "e.npy", check=True
    )  # does not see them
    wrong = deepbio(
        "train",
        *study(community_dir),
        "--categorical-columns",
        "sight",
        "--output-dir",
        tmp_path / "x",
    )
    assert wrong.returncode == 1 and "site" in wrong.stderr and not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--metadata-column", "agee"], "age"),
        (["--metadata-column", "group"], "group"),
        (["--metadata-column", "constant"], "at least two different values"),
        (["--rarefy-depth", "1000000"], "--rarefy-depth"),
        (["--metadata", "absent.tsv"], "absent.tsv"),
    ],
)
def test_bad_studies_are_refused_in_one_line_and_leave_nothing(
    deepbio: Run, community_dir: Path, tmp_path: Path, change: list[str], message: str
):
    text = (community_dir / "metadata.tsv").read_text().splitlines()
    extra = ["constant", "numeric"] + ["3"] * (len(text) - 2)
    (tmp_path / "m.tsv").write_text(
        "\n".join(f"{a}\t{b}" for a, b in zip(text, extra, strict=True)) + "\n"
    )
    args = ["--table", community_dir / "table.biom", "--output-dir", tmp_path / "run"]
    base = {"--metadata": tmp_path / "m.tsv", "--metadata-column": "age"}
    base |= dict(zip(change[::2], change[1::2], strict=True))
    for name, value in base.items():
        args += [name, value]
    done = deepbio("train", *args, *TINY)
    assert done.returncode == 1
    assert done.stderr.startswith("deepbio: error: ") and done.stderr.count("\n") == 1
    assert message in done.stderr
    assert not (tmp_path / "run").exists()


def test_samples_without_metadata_or_depth_are_counted(
    deepbio: Run, community_dir: Path, tmp_path: Path
):
    kept = (community_dir / "metadata.tsv").read_text().splitlines()[:-3]
    (tmp_path / "m.tsv").write_text("\n".join(kept) + "\n")
    args = ["train", "--table", community_dir / "table.biom", "--metadata", tmp_path / "m.tsv"]
    args += ["--metadata-column", "age", *TINY, "--epochs", 1, "--output-dir", tmp_path / "run"]
    done = deepbio(*args)
    assert done.returncode == 1 and "3" in done.stderr
    done = deepbio(*args, "--missing-samples", "drop", check=True)
    assert "left out 3 of 24 samples" in done.stderr
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["trained_on"]["num_samples"] == 21
    quiet = deepbio(*args, "--missing-samples", "drop", "--overwrite", "--quiet", check=True)
    assert quiet.stderr == ""


def test_wrong_values_are_usage_errors(deepbio: Run, community_dir: Path):
    for option in (
        ["--epochs", "many"],
        ["--loss-type", "hubert"],
        ["--epoch", "3"],
        ["--rarefy-depth", "-3"],
    ):
        done = deepbio("train", *study(community_dir), "--output-dir", "never", *option)
        assert done.returncode == 2, option
    assert not Path("never").exists()


def test_features_without_a_sequence_are_known_by_their_ids(
    deepbio: Run, community_dir: Path, tmp_path: Path
):
    whole = db.read_table(community_dir / "table.biom")
    named = [f"OTU {i}" for i in range(len(whole.feature_ids))]
    renamed = db.Table.from_arrays(whole.sample_ids, named, whole.to_scipy().toarray())
    renamed.write(tmp_path / "named.biom")
    about = [
        "--metadata",
        community_dir / "metadata.tsv",
        "--metadata-column",
        "age",
        "--epochs",
        2,
        "--quiet",
    ]
    for name, table in (("dna", community_dir / "table.biom"), ("named", tmp_path / "named.biom")):
        loud = [word for word in about if word != "--quiet"]
        done = deepbio(
            "train", "--table", table, *loud, "--output-dir", tmp_path / name, check=True
        )
        assert ("40 of 40 features have no sequence" in done.stderr) == (name == "named")
    # An ASV is a column either way: only their order differs, and with it the random start.
    renamed.filter(features=lambda feature: feature != "OTU 3").write(tmp_path / "fewer.biom")
    said = []
    for table in ("named", "fewer"):
        answers = tmp_path / f"{table}.tsv"
        done = deepbio(
            "predict",
            "--model",
            tmp_path / "named",
            "--table",
            tmp_path / f"{table}.biom",
            "-o",
            answers,
            check=True,
        )
        said.append([float(row["prediction"]) for row in rows(answers)])
        assert "were seen in training" not in done.stderr
    assert said[0] != said[1] and len(said[0]) == 24, "an ASV counts by its id"
    stranger = db.Table.from_arrays(["s"], ["other"], [[9.0]])
    stranger.write(tmp_path / "stranger.biom")
    done = deepbio(
        "predict",
        "--model",
        tmp_path / "named",
        "--table",
        tmp_path / "stranger.biom",
        "-o",
        tmp_path / "s.tsv",
    )
    assert done.returncode == 0 and "0 of 1 ASVs of the table were seen in training" in done.stderr
    done = deepbio(
        "train", "--table", tmp_path / "named.biom", *about, "--output-dir", tmp_path / "no",
        "--sequence-branch", "--missing-sequences", "id",
    )  # fmt: skip
    assert (
        done.returncode == 1
        and "the model reads sequences" in done.stderr
        and done.stderr.count("\n") == 1
    )
    assert not (tmp_path / "no").exists()
    train = ["train", "--table", tmp_path / "named.biom", *about]
    embed = ["embed", "--model", tmp_path / "named", "--table", tmp_path / "named.biom"]
    for message, command in {
        "40 of 40 features have no sequence that could be read": [
            *train, "--output-dir", tmp_path / "no", "--known-min-samples", 1000,
        ],
        "the encoder reads sequences": [*embed, "-o", tmp_path / "no"],
    }.items():  # fmt: skip
        done = deepbio(*command)
        assert done.returncode == 1 and message in done.stderr and not (tmp_path / "no").exists()


def test_body_sites_of_moving_pictures_are_classified(deepbio: Run, shared: Path, tmp_path: Path):
    data = shared / "microbiome" / "moving_pictures"
    args = ["--table", data / "table.biom", "--metadata", data / "metadata.tsv"]
    tiny = [
        "--metadata-column",
        "BodySite",
        "--classifier",
        "--output-dir",
        tmp_path / "run",
        *TINY,
    ]
    done = deepbio("train", *args, *tiny, "--epochs", 1, "--sequence-branch")
    assert done.returncode == 1 and "--sequences" in done.stderr, "md5 ids are not DNA"
    sequences = ["--sequences", data / "rep-seqs.fasta"]
    deepbio(
        "train", *args, *tiny, *sequences, "--tree", data / "tree.nwk", "--epochs", 2,
        "--max-bp", 40, "--token-limit", 32, check=True,
    )  # fmt: skip
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["target"]["classes"] == ["gut", "left palm", "right palm", "tongue"]
    deepbio(
        "predict",
        "--model",
        tmp_path / "run",
        *args[:2],
        *sequences,
        "-o",
        tmp_path / "p.tsv",
        check=True,
    )
    found = rows(tmp_path / "p.tsv")
    names = [f"probability_{name}" for name in config["target"]["classes"]]
    assert list(found[0]) == ["sample_id", "prediction", *names]
    for row in found:
        probabilities = [float(row[name]) for name in names]
        assert sum(probabilities) == pytest.approx(1)
        best = names[probabilities.index(max(probabilities))].removeprefix("probability_")
        assert row["prediction"] == best
    scores = json.loads(
        deepbio(
            "evaluate", "--model", tmp_path / "run", *args, *sequences, "--json", check=True
        ).stdout
    )
    assert scores["num_samples"] == len(found)
    assert sum(map(sum, scores["confusion"])) == len(found)
    assert 0 < scores["baseline"]["accuracy"] < 1
