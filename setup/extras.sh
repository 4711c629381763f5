#!/usr/bin/env bash
# Installs the packages of one extra of pyproject.toml (test, lint, report) into .venv, without the project itself.
set -euo pipefail
mapfile -t packages < <(.venv/bin/python -c '
import ast, re, sys  # tomllib came with Python 3.11
text = open("pyproject.toml").read()
print(*ast.literal_eval(re.search(rf"^{sys.argv[1]} = (\[.*?\])$", text, re.M | re.S).group(1)), sep="\n")' "$1")
.venv/bin/python -m pip install --quiet --disable-pip-version-check "${packages[@]}"
