#!/usr/bin/env bash
# Installs the packages of one extra of pyproject.toml (test, lint, report) into .venv, without the project itself.
set -euo pipefail
mapfile -t packages < <(.venv/bin/python -c '
import sys, tomllib
with open("pyproject.toml", "rb") as file:
    print(*tomllib.load(file)["project"]["optional-dependencies"][sys.argv[1]], sep="\n")' "$1")
.venv/bin/python -m pip install --quiet --disable-pip-version-check "${packages[@]}"
