#!/usr/bin/env bash
# Builds and tests the package with other releases of torch and other Pythons than the one of .venv, one after the other,
# and prints a table of what came of it: setup/matrix.sh TORCH[@PYTHON]...
#
#   setup/matrix.sh 2.11.0 2.15.0 2.13.0@python3.10
#
# Each gets an environment of its own in build/matrix/NAME (a torch with CUDA takes 5 GB and runs on the CPU as well).
# The first with a torch takes 15 to 30 minutes on two cores; another Python with the same torch reuses its build, but
# for the Python module. TESTS: which files of tests/python run (default: those that need torch and little else);
# MAX_JOBS: compilers at once. KEEP=1 leaves environments and builds in place and uses those of before; the logs always
# stay.
set -uo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || { sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 2; }
usual="package ops losses models encoder_stack export programs data loaders transforms targets cache community \
unifrac_batch training cli_training cli_studies sklearn errors"
tests=${TESTS:-$usual}
root=$PWD

one() {
  local version=${1%@*} python=python3 place=$2 build=$3
  case $1 in *@*) python=${1#*@} ;; esac
  mkdir -p "$place" "$build" && "$python" -m venv "$place/env" || return 1
  local bin=$place/env/bin
  export PATH=$bin:$PATH PYTHONSAFEPATH=1
  stage=install
  "$bin/pip" install --quiet --disable-pip-version-check "torch==$version" numpy 'setuptools>=68' wheel 'cmake>=3.25' \
    ninja pytest hypothesis scipy scikit-learn safetensors pandas h5py pyarrow onnx onnxscript onnxruntime || return 1
  stage=build
  local start=$SECONDS
  # One copy of the headers for every Python with this torch, so that what sees no Python is compiled once.
  local torch
  torch=$("$bin/python" -c 'import torch; print(torch.__path__[0])')
  [ -e "$build/torch" ] || { mkdir "$build/torch" && cp -al "$torch/include" "$torch/lib" "$build/torch"; } || return 1
  rm -f "$build/CMakeCache.txt"
  DEEPBIO_BUILD_DIR=$build DEEPBIO_CMAKE_ARGS=-DDEEPBIO_TORCH_FOLDER=$build/torch \
    "$bin/pip" install --disable-pip-version-check --no-build-isolation --no-deps . || return 1
  built=$((SECONDS - start))
  stage=tests
  local files=()
  for name in $tests; do files+=("$root/tests/python/test_$name.py"); done
  DEEPBIO_BINARY=$bin/deepbio "$bin/python" -m pytest "${files[@]}" || return 1
  stage=done
}

mkdir -p build/matrix
failed=0
printf '%-24s %-8s %-8s %8s  %s\n' torch@python python ended build_s tests
for pair in "$@"; do
  place=$root/build/matrix/${pair//\//_}
  log=$place.log
  [ -n "${KEEP:-}" ] || rm -rf "$place"
  facts=$(
    stage=environment built=-
    one "$pair" "$place" "$root/build/matrix/cmake-${pair%@*}" > "$log" 2>&1 || true
    echo "$stage $built $("$place/env/bin/python" -c 'import platform; print(platform.python_version())')"
  )
  read -r stage built python <<< "$facts"
  [ "$stage" = "done" ] || failed=1
  summary=$(grep -E '^[0-9]+ (passed|failed)|passed|error' "$log" | tail -1 | cut -c 1-60)
  printf '%-24s %-8s %-8s %8s  %s\n' "$pair" "$python" "$stage" "$built" "$summary"
  [ -n "${KEEP:-}" ] || rm -rf "$place"
done
[ -n "${KEEP:-}" ] || rm -rf build/matrix/cmake-*
exit $failed
