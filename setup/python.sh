#!/usr/bin/env bash
# Makes .venv with torch, CMake and ninja: setup/python.sh [PYTHON] [TORCH]. A torch in the range of pyproject.toml that
# this Python already has is used; otherwise the release named second is installed.
set -euo pipefail
python=${1:-python3}
torch=${2:-torch==2.13.0}
in_range='import re, sys, importlib.metadata as m
numbers = lambda version: tuple(int(part) for part in version.split(".")[:2])
lowest, above = re.search(r"\"torch>=([\d.]+),<([\d.]+)\"", open("pyproject.toml").read()).groups()
try: found = numbers(m.version("torch"))
except m.PackageNotFoundError: sys.exit(1)
sys.exit(not numbers(lowest) <= found < numbers(above))'
if [ ! -x .venv/bin/python ]; then
  if "$python" -c "$in_range"; then
    "$python" -m venv --system-site-packages .venv
  else
    "$python" -m venv .venv
  fi
fi
pip=(.venv/bin/python -m pip install --quiet --disable-pip-version-check)
.venv/bin/python -c "$in_range" || "${pip[@]}" "$torch"
"${pip[@]}" 'setuptools>=68' wheel numpy 'cmake>=3.25' ninja
