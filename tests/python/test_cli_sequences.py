"""`deepbio stats` and `deepbio validate` on real files: each verdict of the shared corpus, and
values known by hand."""

import hashlib
import json
import resource
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import deepbio_torch as db

Run = Callable[..., subprocess.CompletedProcess[str]]

# Families of the error names that only doubtful files list; all other names carry theirs in a
# rejected file.
MORE_FAMILIES = {
    "E_EMPTY": "structure",
    "E_EMPTY_ID": "structure",
    "E_EMPTY_SEQ": "structure",
    "E_BLANK_LINE": "structure",
    "E_LINE_ENDING": "structure",
    "E_BGZF_NO_EOF": "container",
    "E_UNSUPPORTED_COMPRESSION": "container",
    "E_LIMIT": "resource",
}


@pytest.fixture(scope="module")
def corpus(shared: Path) -> list[dict[str, Any]]:
    return json.loads((shared / "sequences/expected.json").read_text())["files"]


@pytest.fixture(scope="module")
def families(corpus: list[dict[str, Any]]) -> dict[str, str]:
    return MORE_FAMILIES | {
        file["error"]: file["error_family"] for file in corpus if "error" in file
    }


@pytest.fixture(scope="module")
def verdicts(deepbio: Run, shared: Path, corpus: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What `validate --json` says of each file of the corpus, by its path there.

    The bombs have their own test.
    """
    paths = [file["path"] for file in corpus if not file["path"].startswith("resource/")]
    done = deepbio("validate", "--json", *(shared / "sequences" / path for path in paths))
    assert done.returncode == 1, done.stderr
    rows = json.loads(done.stdout)["files"]
    assert [row["path"] for row in rows] == [str(shared / "sequences" / path) for path in paths]
    return dict(zip(paths, rows, strict=True))


def of_verdict(corpus: list[dict[str, Any]], verdict: str) -> list[dict[str, Any]]:
    return [
        file
        for file in corpus
        if file["verdict"] == verdict and not file["path"].startswith("resource/")
    ]


def test_every_good_file_of_the_corpus_is_accepted_with_its_values(
    corpus: list[dict], verdicts: dict[str, dict]
):
    files = of_verdict(corpus, "accept")
    assert len(files) == 298
    wrong = []
    for file in files:
        row = verdicts[file["path"]]
        container = file["container"].removesuffix("-multi")
        expected = (True, file["format"], container, file["records"], file["bases"], None)
        if (
            tuple(row[key] for key in ("ok", "format", "container", "records", "bases", "error"))
            != expected
        ):
            wrong.append((file["path"], row))
    assert not wrong


def test_every_bad_file_of_the_corpus_is_refused_with_its_kind_of_error(
    deepbio: Run,
    shared: Path,
    corpus: list[dict],
    verdicts: dict[str, dict],
    families: dict[str, str],
):
    files = of_verdict(corpus, "reject")
    assert len(files) == 139
    wrong, not_sequences = [], []
    for file in files:
        row = verdicts[file["path"]]
        if row["ok"] or row["error"]["kind"] == "other":
            not_sequences.append(
                file["path"]
            )  # sound or not, it is a table or metadata by its content
        elif row["error"]["kind"] not in {
            families.get(name, "container") for name in file["error_any_of"]
        }:
            wrong.append((file["path"], file["error_any_of"], row))
    assert not wrong
    # A file that is something else altogether: asked for reads, the command must refuse it.
    assert sorted(not_sequences) == [
        "invalid/synthetic/not_json.fastq",
        "invalid/synthetic/not_tsv.fastq",
    ]
    for path in not_sequences:
        done = deepbio("stats", shared / "sequences" / path)
        assert done.returncode == 1
        assert done.stderr.startswith("deepbio: error: ") and "FASTQ" in done.stderr


def test_the_number_of_the_bad_record_is_right_in_95_percent_of_the_bad_files(
    corpus: list[dict], verdicts: dict[str, dict]
):
    files = [file for file in of_verdict(corpus, "reject") if file.get("error_record") is not None]
    assert len(files) == 101
    wrong = []
    for file in files:
        row = verdicts[file["path"]]
        if row["ok"] or row["error"]["record"] != file["error_record"]:
            wrong.append((file["path"], file["error_record"], row["error"]))
    assert len(wrong) <= 0.05 * len(files), wrong


def test_the_reader_refuses_every_bad_file_with_its_kind_of_error(shared: Path, corpus: list[dict]):
    other_kind, other_record = [], []
    for file in of_verdict(corpus, "reject"):
        with pytest.raises(db.errors.ParseError) as caught:
            list(db.SequenceReader(shared / "sequences" / file["path"]))
        if caught.value.kind != file["error_family"]:
            other_kind.append(file["path"])
        if file.get("error_record") is not None and caught.value.record != file["error_record"]:
            other_record.append(file["path"])
    # A zip file may be told as such (E_UNSUPPORTED_COMPRESSION is listed for it), and then no
    # record is at fault.
    assert other_kind == other_record == ["invalid/synthetic/not_zip.fastq.gz"]


def test_every_good_file_gives_the_listed_bytes(shared: Path, corpus: list[dict]):
    def sha256(items: list[bytes]) -> str:
        return hashlib.sha256(b"\n".join(items)).hexdigest()

    files = [file for file in corpus if file["verdict"] == "accept"]
    assert (len(files), sum("sha256_qual" in file for file in files)) == (299, 144)
    wrong = []
    for file in files:
        records = list(db.SequenceReader(shared / "sequences" / file["path"]))
        hashes = {
            "sha256_seq_exact": sha256([record.sequence for record in records]),
            "sha256_seq_upper": sha256([record.sequence.upper() for record in records]),
            "sha256_ids": sha256([record.name.encode() for record in records]),
        }
        if "sha256_qual" in file:
            hashes["sha256_qual"] = sha256([record.quality or b"" for record in records])
        wrong += [(file["path"], name) for name, value in hashes.items() if value != file[name]]
    assert not wrong


def test_every_doubtful_file_of_the_corpus_gives_listed_values_or_a_listed_error(
    corpus: list[dict], verdicts: dict[str, dict], families: dict[str, str]
):
    files = of_verdict(corpus, "policy")
    assert len(files) == 68
    by_path = {file["path"]: file for file in corpus}
    wrong = []
    for file in files:
        row = verdicts[file["path"]]
        if row["ok"]:
            # Nothing is listed of a file in zstd: it has the values of the one it was made from.
            plain = file["path"].replace("policy/", "valid/").removesuffix(".zst")
            listed = file if "records" in file else by_path[plain]
            is_listed = (row["records"], row["bases"]) == (listed["records"], listed["bases"])
        else:
            is_listed = row["error"]["kind"] in {families[name] for name in file["allowed_errors"]}
        if not is_listed:
            wrong.append((file["path"], file["allowed_errors"], row))
    assert not wrong


def test_every_refusal_names_the_file_and_is_one_line(verdicts: dict[str, dict]):
    for row in verdicts.values():
        if not row["ok"]:
            assert row["error"]["message"].startswith(row["path"] + ": ")
            assert "\n" not in row["error"]["message"]


def test_small_files_that_unpack_to_gigabytes_end_soon_and_in_little_memory(
    binary: str, shared: Path, corpus: list[dict], families: dict[str, str]
):
    files = [file for file in corpus if file["path"].startswith("resource/")]
    assert len(files) == 6
    for file in files:
        limit = (
            file["max_extra_rss_mib"] + 256
        ) << 20  # the program and its libraries take the rest

        def limit_memory(limit: int = limit) -> None:
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

        start = time.monotonic()
        command = [binary, "validate", "--json", str(shared / "sequences" / file["path"])]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=2 * file["max_seconds"],
            preexec_fn=limit_memory,
        )
        seconds = time.monotonic() - start
        row = json.loads(done.stdout)["files"][0]
        if row["ok"]:
            listed = file.get("if_accept", file)
            assert (row["records"], row["bases"]) == (listed["records"], listed["bases"]), file[
                "path"
            ]
        else:
            assert row["error"]["kind"] in {families[name] for name in file["allowed_errors"]}, row
        assert seconds < file["max_seconds"], file["path"]


def test_standard_input_is_read(deepbio: Run):
    text = "@x\nACGT\n+\nIIII\n" * 3
    assert (
        json.loads(deepbio("stats", "--json", "-", input=text, check=True).stdout)["files"][0][
            "records"
        ]
        == 3
    )
    assert (
        json.loads(deepbio("validate", "--json", "-", input=text, check=True).stdout)["files"][0][
            "records"
        ]
        == 3
    )


def test_validate_knows_the_other_formats_by_content(deepbio: Run, tmp_path: Path):
    torch = pytest.importorskip("torch")
    safetensors = pytest.importorskip("safetensors.torch")
    contents = {
        "newick": "((a:1,b:2):1,c:3);\n",
        "metadata": "sample-id\tph\ns1\t7\ns2\t6.5\n",
        "biom": "#OTU ID\ts1\ts2\nf1\t1\t0\nf2\t0\t2\nf3\t4\t0\n",
        "distances": "\ta\tb\na\t0\t0.5\nb\t0.5\t0\n",
    }
    for name, text in contents.items():
        (tmp_path / name).write_text(text)
    safetensors.save_file({"w": torch.ones(2, 3)}, tmp_path / "safetensors")
    names = [*contents, "safetensors"]
    rows = json.loads(
        deepbio("validate", "--json", *(tmp_path / name for name in names), check=True).stdout
    )["files"]
    assert [(row["format"], row["records"]) for row in rows] == list(
        zip(names, [3, 2, 2, 2, 1], strict=True)
    )


def test_validate_refuses_damage_in_the_other_formats(deepbio: Run, tmp_path: Path):
    contents = {
        "tree": b"((a:1,b:2):1,c:3;\n",
        "metadata": b"sample-id\tph\ns1\t7\ns1\t6.5\n",
        "table": b"#OTU ID\ts1\ts2\nf1\t1\t-3\n",
        "distances": b"\ta\tb\na\t0\t0.5\nb\t0.25\t0\n",
        "tensors": b'\x10\0\0\0\0\0\0\0{"a":',
        "nothing": b"what is this\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    done = deepbio(
        "validate", "--json", *(tmp_path / name for name in contents), tmp_path / "absent"
    )
    assert done.returncode == 1
    rows = json.loads(done.stdout)["files"]
    assert [row["ok"] for row in rows] == [False] * 7
    assert rows[-1]["error"]["kind"] == "file"
    assert set(rows[0]) == {
        "path",
        "ok",
        "format",
        "container",
        "records",
        "bases",
        "error",
        "warnings",
    }


def test_the_lines_of_validate_name_file_and_fault(deepbio: Run, tmp_path: Path):
    (tmp_path / "good.fq").write_text("@x\nAC\n+\nII\n")
    (tmp_path / "bad.fq").write_text("@x\nAC\n+\nII\n@y\nAC\n+\nI\n")
    done = deepbio("validate", tmp_path / "good.fq", tmp_path / "bad.fq")
    assert done.returncode == 1
    good, bad = done.stdout.splitlines()
    assert good.split("\t") == [str(tmp_path / "good.fq"), "ok", "fastq", "plain", "1"]
    assert bad.startswith(f"{tmp_path / 'bad.fq'}\tbad\t")
    assert "record 1, line 8, byte 19" in bad


def test_bgzf_without_its_end_block_is_sound_with_a_warning(deepbio: Run, shared: Path):
    path = shared / "sequences/policy/synthetic/illumina_150.bgzf_no_eof.fastq.gz"
    for command in ("validate", "stats"):
        done = deepbio(command, "--json", path)
        assert done.returncode == 0, done.stderr
        (warning,) = json.loads(done.stdout)["files"][0]["warnings"]
        assert "end block" in warning
        assert f"deepbio: warning: {path}: {warning}" in done.stderr


def test_validate_refuses_letters_outside_of_the_alphabet(deepbio: Run, tmp_path: Path):
    path = tmp_path / "reads.fa"
    path.write_text(">a\nACGT\n>b\nACUG\n")
    assert deepbio("validate", path).returncode == 0
    assert deepbio("validate", "--alphabet", "iupac", path).returncode == 0

    done = deepbio("validate", "--json", "--alphabet", "dna", path)

    assert done.returncode == 1
    error = json.loads(done.stdout)["files"][0]["error"]
    assert error["kind"] == "alphabet" and error["record"] == 1
    assert "'U' at position 3" in error["message"]


def test_a_path_of_vector_instructions_that_is_unknown_is_refused_by_name(
    deepbio: Run, tmp_path: Path, monkeypatch
):
    path = tmp_path / "reads.fa"
    path.write_text(">a\nACGT\n")
    monkeypatch.setenv("DEEPBIO_SIMD", "scalar")
    assert "of this library: scalar" in deepbio("--version").stdout
    monkeypatch.setenv("DEEPBIO_SIMD", "mmx")
    done = deepbio("stats", path)
    assert done.returncode == 1
    assert "DEEPBIO_SIMD" in done.stderr and "scalar" in done.stderr
