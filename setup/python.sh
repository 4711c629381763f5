#!/usr/bin/env bash
# Makes .venv with torch, CMake and ninja. A torch from 2.11 up to 2.13 that this Python already has is used;
# otherwise the CPU release named below is installed.
set -euo pipefail
python=${1:-python3}
torch=${2:-torch==2.13.0}
in_range='import sys, importlib.metadata as m
try: v = tuple(int(p) for p in m.version("torch").split(".")[:2])
except m.PackageNotFoundError: sys.exit(1)
sys.exit(not (2, 11) <= v < (2, 14))'
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
