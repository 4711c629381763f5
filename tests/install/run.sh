#!/usr/bin/env bash
# Installs what `make sdist wheel` made as a stranger would, and tries it: tests/install/run.sh [wheel] [sdist] [editable]
#
#   wheel     into an empty environment, with the system's HDF5, libzip, libdeflate and ISA-L hidden
#   sdist     compiled from the tarball (minutes)
#   editable  `pip install -e .` of the unpacked tarball, used from another folder (minutes)
# Prints a line per case, `ok` or what failed; needs root for hiding libraries (a mount namespace). Without: says so.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
torch=${TORCH:-torch==2.13.0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

new_environment() {
  "${PYTHON:-python3}" -m venv "$work/$1"
  "$work/$1/bin/pip" install --quiet --disable-pip-version-check "$torch" numpy
}

# What README promises, with nothing but the package: Python, the command, a page.
try_it() {
  local bin=$work/$1/bin
  mkdir -p "$work/$1.try" && cd "$work/$1.try"
  "$bin/deepbio" --version | head -1
  "$bin/deepbio" simulate -o sim --samples 24 --features 40 --length-bp 60 --depth 500
  "$bin/deepbio" validate sim/table.biom sim/tree.nwk sim/reads/*.fastq.gz --quiet | cut -f 2 | sort | uniq -c
  "$bin/python" - <<'EOF'
import deepbio_torch as db

table, tree = db.read_table("sim/table.biom"), db.read_tree("sim/tree.nwk")
print(db.unifrac(table, tree, metric="unweighted").values.shape)
batch = next(iter(db.DataLoader(db.SequenceDataset("sim/sequences.fasta", transform=db.transforms.OneHotEncoder()), batch_size=8)))
print(batch.sequences.shape)
EOF
  "$bin/deepbio" train --table sim/table.biom --metadata sim/metadata.tsv --metadata-column age --output-dir run \
    --max-bp 60 --epochs 2 --quiet
  "$bin/deepbio" predict --model run --table sim/table.biom -o predictions.tsv --quiet
  wc -l < predictions.tsv
  cd "$root"
}

# Empty files in front of the libraries that a wheel must not need.
hide_libraries() {
  : > "$work/empty"
  for library in /usr/lib/*-linux-gnu/lib{hdf5*,zip,deflate,isal,sz,aec,curl*,bz2}.so.[0-9]*; do
    [ -f "$library" ] && mount --bind "$work/empty" "$library"
  done
}

case_wheel() {
  local wheels=(dist/*.whl)
  new_environment wheel
  "$work/wheel/bin/pip" install --quiet --disable-pip-version-check --no-deps "${wheels[0]}"
  [ "$(id -u)" -eq 0 ] && hide_libraries
  try_it wheel
}

case_sdist() {
  local tarballs=(dist/*.tar.gz)
  new_environment sdist
  "$work/sdist/bin/pip" install --quiet --disable-pip-version-check setuptools wheel cmake ninja
  "$work/sdist/bin/pip" install --quiet --disable-pip-version-check --no-build-isolation --no-deps "${tarballs[0]}"
  try_it sdist
}

case_editable() {
  local tarballs=(dist/*.tar.gz)
  new_environment editable
  "$work/editable/bin/pip" install --quiet --disable-pip-version-check setuptools wheel cmake ninja
  mkdir "$work/source" && tar xzf "${tarballs[0]}" -C "$work/source" --strip-components 1
  "$work/editable/bin/pip" install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e "$work/source"
  try_it editable
}

if [ "${1:-}" = --inside ]; then
  "case_$2"
  exit
fi
failed=0
for name in "${@:-wheel}"; do
  inside=(bash "$0" --inside "$name")
  [ "$(id -u)" -eq 0 ] && inside=(unshare -m "${inside[@]}") || echo "$name: not root, libraries are not hidden"
  if TORCH=$torch "${inside[@]}" > "$work/$name.log" 2>&1; then
    echo "$name ok: $(tail -1 "$work/$name.log") predictions"
  else
    failed=1
    echo "$name FAILED:" && tail -20 "$work/$name.log"
  fi
done
exit $failed
