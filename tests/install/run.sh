#!/usr/bin/env bash
# Installs what `make sdist wheel` made as a stranger would, and tries it: tests/install/run.sh [CASE]...
#
#   wheel     into an empty environment, with the system's HDF5, libzip, libdeflate and ISA-L hidden (the default)
#   sdist     compiled from the tarball (minutes)
#   editable  `pip install -e .` of the unpacked tarball, used from another folder (minutes)
#   debian13  the wheel in a Debian 13 made by debootstrap, where nothing but Python is installed
# TORCH names the torch (torch==2.13.0), PYTHON the interpreter, SITE a folder of packages that the environment sees as
# well (a torch that is there already need not come again), ROOT a Debian 13 that is there already, LOGS a folder that
# keeps what each case printed. Prints a table, a line per case; needs root for hiding libraries (a mount namespace).
# Without: says so.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
torch=${TORCH:-torch==2.13.0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

new_environment() {
  "${PYTHON:-python3}" -m venv "$work/$1"
  if [ -n "${SITE:-}" ]; then
    echo "$SITE" > "$("$work/$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/site.pth"
  else
    "$work/$1/bin/pip" install --quiet --disable-pip-version-check "$torch" numpy
  fi
  "$work/$1/bin/pip" install --quiet --disable-pip-version-check matplotlib scikit-learn  # the extra `report`
}

# What README promises, with nothing but the package: Python, the command, a page, a C++ program.
try_it() {
  local bin=$work/$1/bin
  mkdir -p "$work/$1.try" && cd "$work/$1.try"
  "$bin/python" -c 'import platform as p, deepbio_torch, torch
system = p.freedesktop_os_release()
print("facts", p.python_version(), torch.__version__, system["ID"], system["VERSION_ID"])'
  "$bin/deepbio" --version
  "$bin/deepbio" simulate -o sim --samples 24 --features 40 --length-bp 60 --depth 500
  "$bin/deepbio" validate sim/table.biom sim/tree.nwk sim/reads/*.fastq.gz --quiet | cut -f 2 | sort | uniq -c
  sed -n '/^```python$/,/^```$/{/^```/!p}' "$root/README.md" > readme.py
  (cd sim && "$bin/python" ../readme.py)
  "$bin/deepbio" train --table sim/table.biom --metadata sim/metadata.tsv --metadata-column age --output-dir run \
    --max-bp 60 --epochs 2 --quiet
  "$bin/deepbio" export --model run --format torchscript -o model.ts --quiet
  "$bin/deepbio" report run
  [ -s run/report.html ]
  if command -v cmake > /dev/null && command -v c++ > /dev/null; then try_cpp "$bin"; fi
  "$bin/deepbio" predict --model run --table sim/table.biom -o predictions.tsv --quiet
  wc -l < predictions.tsv
  cd "$root"
}

try_cpp() {
  local package
  package=$("$1/python" -c 'import deepbio_torch; print(deepbio_torch.__path__[0])')
  torch_folder=$("$1/python" -c 'import torch; print(torch.__path__[0])')
  cmake -S "$root/tests/consumer" -B consumer -DCMAKE_PREFIX_PATH="$package" -DDEEPBIO_TORCH_FOLDER="$torch_folder"
  cmake --build consumer
  printf '@a\nACGNT\n+\nIIIII\n@b\nGG\n+\nII\n' > two.fastq
  consumer/consumer two.fastq sim/table.biom sim/tree.nwk
}

# Nothing to load where the libraries are that a wheel must not need.
hide_libraries() {
  for library in /usr/lib/*-linux-gnu/lib{hdf5*,zip,zstd,deflate,isal,sz,aec,curl*,bz2}.so.[0-9]*; do
    if [ -f "$library" ]; then mount --bind /dev/null "$library"; fi
  done
}

wheel_of() {
  local tag found
  tag=$("$1" -c 'import sys; print(f"cp{sys.version_info[0]}{sys.version_info[1]}")')
  found=(dist/*-"$tag"-*.whl)
  [ -e "${found[0]}" ] || { echo "no wheel for $tag in dist/"; return 1; }
  echo "${found[-1]}"
}

case_wheel() {
  new_environment wheel
  "$work/wheel/bin/pip" install --quiet --disable-pip-version-check --no-deps "$(wheel_of "$work/wheel/bin/python")"
  # The system's own cmake needs libraries that are hidden.
  "$work/wheel/bin/pip" install --quiet --disable-pip-version-check cmake
  [ "$(id -u)" -eq 0 ] && hide_libraries
  PATH=$work/wheel/bin:$PATH try_it wheel
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

# In the root itself: the environment there, this folder and SITE seen at their own paths.
case_debian13() {
  local debian=${ROOT:-$work/debian}
  [ -n "${ROOT:-}" ] || debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates trixie "$debian"
  cp /etc/ssl/certs/ca-certificates.crt "$debian/etc/ssl/certs/"  # whom this machine trusts, its proxies too
  mkdir -p "$debian$root" "$debian$work"
  mount --bind "$root" "$debian$root"
  mount --bind "$work" "$debian$work"
  if [ -n "${SITE:-}" ]; then mkdir -p "$debian$SITE" && mount --bind "$SITE" "$debian$SITE"; fi
  mount -t proc proc "$debian/proc"
  PYTHON=python3 chroot "$debian" bash "$root/tests/install/run.sh" --inside wheel
}

if [ "${1:-}" = --inside ]; then
  "case_$2"
  exit
fi
failed=0
[ "$(id -u)" -eq 0 ] || echo "not root: libraries are not hidden"
[ -z "${LOGS:-}" ] || mkdir -p "$LOGS"
printf '%-10s %-7s %-8s %-13s %-15s %s\n' "case" ended python torch system seconds
for name in "${@:-wheel}"; do
  inside=(bash "$0" --inside "$name")
  [ "$(id -u)" -ne 0 ] || inside=(unshare -m "${inside[@]}")
  log=${LOGS:-$work}/$name.log start=$SECONDS ended=ok
  TORCH=$torch "${inside[@]}" > "$log" 2>&1 || ended=FAILED
  facts=$(grep -m1 '^facts ' "$log") || facts="facts - - -"
  read -r _ python_version torch_version system <<< "$facts"
  printf '%-10s %-7s %-8s %-13s %-15s %d\n' "$name" "$ended" "$python_version" "$torch_version" "$system" \
    $((SECONDS - start))
  [ "$ended" = ok ] || { failed=1 && tail -20 "$log"; }
done
exit $failed
