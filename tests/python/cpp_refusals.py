"""What C++ users are told of requests that cannot be right, for tests that compare the doors."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).parents[2] / "build/cmake/tests/cpp/refusals"


def as_the_shell_writes(message: str) -> str:
    """A message of C++ with `rarefy_depth` as --rarefy-depth, `classifier=true` as --classifier."""

    def flag(found: re.Match[str]) -> str:
        name, _, value = found[1].partition("=")
        return f"--{name.replace('_', '-')} {'' if value == 'true' else value}".rstrip()

    return re.sub(r"`([^`]+)`", flag, message)


def as_python_writes(message: str) -> str:
    """A message of C++ with `rarefy_depth` as rarefy_depth=, or without the sign before a colon."""

    def keyword(found: re.Match[str]) -> str:
        name, _, value = found[1].partition("=")
        written = "True" if value == "true" else f'"{value}"' if value else ""
        return f"{name}={written}"

    return re.sub(r"`([^`]+)`", keyword, re.sub(r"^`(\w+)`:", r"\1:", message))


def told_in_cpp(requests: list[dict[str, Any]]) -> list[str]:
    """The message of each request; `tests/cpp/refusals.cpp` says which there are."""
    assert PROGRAM.exists(), "no C++ programs of the tests: run `make .stamps/tests-built` first"
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run([PROGRAM], input=lines, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    messages = done.stdout.split("\n")[:-1]
    assert len(messages) == len(requests)
    return messages
