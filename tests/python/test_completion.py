"""The scripts of `deepbio completion` complete what is typed, in bash itself."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def script_of(shell: str) -> str:
    command = [sys.executable, "-m", "deepbio_torch", "completion", shell]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def completed(binary: str, line: str) -> list[str]:
    """What bash offers for the last word of `line`."""
    words = line.split(" ")
    script = script_of("bash") + (
        f"PATH={Path(binary).parent}:$PATH\n"
        f"COMP_WORDS=({' '.join(repr(word) for word in words)}); COMP_CWORD={len(words) - 1}\n"
        '_deepbio; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return [word for word in done.stdout.splitlines() if word]


def test_commands_options_and_values_are_completed(binary: str):
    assert completed(binary, "deepbio per") == ["permanova", "permdisp"]
    assert {"study", "report", "importance", "train", "--version"} <= set(
        completed(binary, "deepbio ")
    )
    assert completed(binary, "deepbio train --metadata-c") == ["--metadata-column"]
    assert completed(binary, "deepbio train --optimizer a") == ["adamw", "adam"]
    assert completed(binary, "deepbio train --preset d") == ["default"]
    assert completed(binary, "deepbio stats sequen") == []  # bash itself offers files


def test_commands_of_python_are_completed_as_well(binary: str):
    assert completed(binary, "deepbio report --over") == ["--overwrite"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_is_of_its_shell(shell: str):
    script = script_of(shell)
    assert "complete " in script
    if shutil.which(shell):
        done = subprocess.run(
            [shell, "-n"], input=script, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0 and done.stderr == ""


@pytest.mark.parametrize("given", ["tcsh", "--bogus"])
def test_another_shell_is_bad_usage(given: str):
    command = [sys.executable, "-m", "deepbio_torch", "completion", given]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
