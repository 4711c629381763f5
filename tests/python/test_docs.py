"""The Python blocks of docs/python.md run as printed, in order, beside a simulated community."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def python_blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def shell_commands(page: Path) -> list[str]:
    blocks = re.findall(r"^```\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    joined = "\n".join(blocks).replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.startswith("deepbio ")]


def test_the_python_page_runs_from_its_first_block_to_its_last(community_dir: Path, tmp_path: Path):
    blocks = python_blocks(ROOT / "docs/python.md")
    assert len(blocks) >= 5
    folder = tmp_path / "community"
    shutil.copytree(community_dir, folder)
    program = folder / "page.py"
    program.write_text("\n".join(blocks))
    done = subprocess.run(
        [sys.executable, program], cwd=folder, capture_output=True, text=True, timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (folder / "age/config.json").is_file()
    assert (folder / "age.pt").is_file()
    assert "table.biom: record 0, line 1, byte 0: expected" in done.stdout


def test_the_commands_of_the_command_page_run_as_printed(binary: str, tmp_path: Path):
    commands = shell_commands(ROOT / "docs/command-line.md")
    named = {command.split()[1] for command in commands}
    assert named >= {"simulate", "stats", "validate", "encode", "rarefy", "unifrac", "faith-pd"}
    assert named >= {"pretrain", "train", "predict", "evaluate", "embed", "export", "info"}
    for command in commands:
        command = command.replace("deepbio ", f"'{binary}' ", 1)
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"


def test_the_command_page_names_every_command_and_every_option(binary: str):
    page = (ROOT / "docs/command-line.md").read_text()
    table = re.findall(r"^\* `(\w+)`", (ROOT / "docs/options.md").read_text(), re.MULTILINE)
    listed = {name.replace("_", "-") for name in table}
    overview = subprocess.run([binary, "--help"], capture_output=True, text=True, check=True).stdout
    native, _, of_python = overview.partition("Subcommands:")[2].partition(
        "Commands of the Python package"
    )
    commands = re.findall(r"^  ([a-z-]+) {3,}", native, re.MULTILINE)
    assert len(commands) >= 14
    for command in re.findall(r"^  ([a-z-]+) {3,}", of_python, re.MULTILINE):
        assert f"## `deepbio {command}" in page
    missing = []
    for command in commands:
        text = subprocess.run(
            [binary, command, "--help"], capture_output=True, text=True, check=True
        ).stdout
        options = re.findall(r"^  (?:-\w,)?--([a-z0-9-]+)", text, re.MULTILINE)
        assert "json" in options, command
        options = set(options) - (listed if command in ("train", "pretrain") else set())
        missing += [
            (command, option)
            for option in options
            if not re.search(rf"--{option}(?![a-z0-9-])", page)
        ]
        if f"## `deepbio {command}" not in page:
            missing.append((command, "its section"))
    assert not missing


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path):
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)\)", prose):
        if "://" not in target:
            assert (page.parent / target).exists(), target


# What a reader of the page has before its first block, in a folder with the simulated community.
BEFORE = {
    "tokenizers.md": "import glob, shutil; shutil.copy(min(glob.glob('reads/*')), "
    "'reads.fastq.gz')",
    "reads.md": (
        "import subprocess; from pathlib import Path\n"
        "files = map(str, sorted(Path('reads').glob('*.fastq.gz')))\n"
        "subprocess.run(['deepbio', 'encode', *files, '-o', 'shards', '--quiet'], check=True)"
    ),
    "model.md": (
        "import torch, deepbio_torch as db\n"
        "model = db.models.SequencePredictor(embedding_dim=128, asv_num_heads=8, out_dim=1)\n"
        "torch.save(model.state_dict(), 'best_model.pt')\n"
        "samples = db.SampleDataset('table.biom', metadata='metadata.tsv', target='age')\n"
        "small = db.models.SequencePredictor(embedding_dim=16, asv_num_layers=1)\n"
        "db.Trainer(small, epochs=1, batch_size=12).fit(samples, run_directory='run')\n"
        "tokens = torch.randint(1, 5, (2, 3, 61)); tokens[:, :, 0] = 5"
    ),
}


@pytest.mark.parametrize("page", BEFORE)
def test_the_blocks_of_a_page_run(page: str, community_dir: Path, binary: str, tmp_path: Path):
    folder = tmp_path / "community"
    shutil.copytree(community_dir, folder)
    program = "\n".join([BEFORE[page], *python_blocks(ROOT / "docs" / page)])
    search = os.pathsep.join([str(Path(binary).parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PATH": search},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_messages_of_the_troubleshooting_page_are_those_of_the_code():
    """Of each message in a first column the longest run of its own words stands in the sources."""
    sources = [
        ROOT / "setup.py",
        *(ROOT / "deepbio_torch").rglob("*.py"),
        *(ROOT / "cmake").iterdir(),
    ]
    sources += (ROOT / "csrc").rglob("*.cpp")
    # Literals that follow each other are one text.
    code = re.sub(r'"\s*f?"', "", "\n".join(path.read_text() for path in sources))
    code = re.sub(r"\s+", " ", code)
    of_others = (
        "No module named",
        "Could NOT find",
        "No package",
        "c++: fatal error",
        "libtorch.so:",
    )
    page = (ROOT / "docs/troubleshooting.md").read_text()
    entries = [" ".join(entry.split()) for entry in re.split(r"^\* ", page, flags=re.MULTILINE)[1:]]
    messages = [
        text
        for entry in entries
        for text in re.findall("`(.*?)`", re.match(r"(`[^`]*`|[^`:])*", entry)[0])
    ]
    assert len(messages) > 15
    for message in messages:
        if message.startswith(of_others):
            continue
        runs = re.split(r"\.\.\.|'[^']*'|\b[A-Z]+\b|\d[\d.]*", message)
        assert max(runs, key=len).strip(" ,;:") in code, message
