"""A user's mistakes: one line that names file and place, exit code 1 or 2, nothing half-written."""

import gzip
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., subprocess.CompletedProcess[str]]
GOOD = "@r1\nACGT\n+\nIIII\n@r2\nGGCC\n+\nIIII\n"


def error_line(done: subprocess.CompletedProcess[str], code: int = 1) -> str:
    """The one line on stderr that says what is wrong.

    Everything else about the failure is checked here.
    """
    assert done.returncode == code, f"exit code {done.returncode}: {done.stderr}"
    lines = [line for line in done.stderr.splitlines() if line.startswith("deepbio: error: ")]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr and "internal error" not in done.stderr
    return lines[0]


def test_a_missing_file_is_named(deepbio: Run, tmp_path: Path):
    assert str(tmp_path / "nowhere.fastq") in error_line(
        deepbio("stats", tmp_path / "nowhere.fastq")
    )


def test_a_folder_is_not_a_file(deepbio: Run, tmp_path: Path):
    line = error_line(deepbio("stats", tmp_path))
    assert str(tmp_path) in line and "directory" in line


def test_an_empty_file_is_refused(deepbio: Run, tmp_path: Path):
    (tmp_path / "empty.fastq").touch()
    line = error_line(deepbio("stats", tmp_path / "empty.fastq"))
    assert "empty.fastq" in line and "empty" in line


def test_a_truncated_gzip_is_refused_and_leaves_no_output(deepbio: Run, tmp_path: Path):
    whole = gzip.compress(GOOD.encode() * 50)
    path = tmp_path / "cut.fastq.gz"
    path.write_bytes(whole[: len(whole) // 2])

    line = error_line(deepbio("encode", path, "--encoding", "onehot", "-o", tmp_path / "out"))

    assert "cut.fastq.gz" in line and "byte" in line
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["cut.fastq.gz"]


def test_a_quality_shorter_than_the_sequence_names_record_and_line(deepbio: Run, tmp_path: Path):
    path = tmp_path / "short.fastq"
    path.write_text(GOOD + "@r3\nACGT\n+\nIII\n")
    line = error_line(deepbio("stats", path))
    assert "short.fastq: record 2, line 12" in line


def test_a_feature_that_is_not_in_the_tree_is_counted_and_nothing_is_written(
    deepbio: Run, community_dir: Path, tmp_path: Path
):
    (tmp_path / "other.nwk").write_text("((x:1,y:1):1,z:2);")

    done = deepbio(
        "unifrac",
        "--table",
        community_dir / "table.biom",
        "--tree",
        tmp_path / "other.nwk",
        "-o",
        tmp_path / "d.npy",
    )

    line = error_line(done)
    assert "other.nwk" in line and "40" in line
    assert [entry.name for entry in tmp_path.iterdir()] == ["other.nwk"]


def test_a_sample_without_metadata_is_named(deepbio: Run, community_dir: Path, tmp_path: Path):
    lines = (community_dir / "metadata.tsv").read_text().splitlines(keepends=True)
    (tmp_path / "metadata.tsv").write_text("".join(lines[:-1]))
    missing = lines[-1].split("\t")[0]

    done = deepbio(
        "train", "--table", community_dir / "table.biom", "--metadata", tmp_path / "metadata.tsv",
        "--metadata-column", "age", "--output-dir", tmp_path / "run", "--epochs", 1,
    )  # fmt: skip

    assert missing in error_line(done)
    assert not (tmp_path / "run").exists()


def test_an_unknown_option_is_answered_with_the_nearest(deepbio: Run):
    line = error_line(deepbio("unifrac", "--tabel", "x"), code=2)
    assert "--tabel" in line and "--table" in line


def test_an_unknown_command_is_answered_with_the_nearest(deepbio: Run):
    line = error_line(deepbio("unifrak"), code=2)
    assert "unifrac" in line


def faith_pd(folder: Path, output: Path) -> list[object]:
    table, tree = folder / "table.biom", folder / "tree.nwk"
    return ["faith-pd", "--table", table, "--tree", tree, "-o", output]


def test_an_existing_output_is_kept_unless_overwrite_is_asked_for(
    deepbio: Run, community_dir: Path, tmp_path: Path
):
    out = tmp_path / "pd.tsv"
    out.write_text("precious")
    command = faith_pd(community_dir, out)

    assert "pd.tsv" in error_line(deepbio(*command))
    assert out.read_text() == "precious"
    deepbio(*command, "--overwrite", check=True)
    assert out.read_text().startswith("sample_id\tfaith_pd")


def test_an_output_folder_that_does_not_exist_is_named(
    deepbio: Run, community_dir: Path, tmp_path: Path
):
    out = tmp_path / "no" / "such" / "pd.tsv"
    assert "no/such" in error_line(deepbio(*faith_pd(community_dir, out)))


def test_a_file_that_is_not_a_run_directory_is_said_to_be_none(
    deepbio: Run, community_dir: Path, tmp_path: Path
):
    done = deepbio(
        "predict",
        "--model",
        community_dir,
        "--table",
        community_dir / "table.biom",
        "-o",
        tmp_path / "p.tsv",
    )
    assert str(community_dir) in error_line(done)
    assert not (tmp_path / "p.tsv").exists()


def test_control_c_ends_training_with_130_and_keeps_the_last_checkpoint(
    binary: str, community_dir: Path, tmp_path: Path
):
    run = tmp_path / "run"
    command = [
        binary, "train", "--table", community_dir / "table.biom",
        "--metadata", community_dir / "metadata.tsv", "--metadata-column", "age",
        "--output-dir", run, "--epochs", "500", "--patience", "0", "--max-bp", "60",
        "--embedding-dim", "16", "--threads", "1",
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.time() + 120
    while (
        not (run / "last" / "state.json").exists()
        and time.time() < deadline
        and process.poll() is None
    ):
        time.sleep(0.05)

    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)

    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert (run / "last" / "model.safetensors").exists() and (run / "last" / "state.json").exists()
    assert not list(run.rglob("*.tmp*"))
