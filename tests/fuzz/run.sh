#!/bin/sh
# Builds the fuzz targets with clang and runs each for SECONDS: tests/fuzz/run.sh SECONDS [TARGET...]
set -eu
seconds=${1:?seconds}
shift
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$root/build/fuzz
seeds=$root/../shared/data/sequences
cmake -G Ninja -S "$root" -B "$build" -DCMAKE_CXX_COMPILER="${CXX:-clang++-14}" -DCMAKE_C_COMPILER="${CC:-clang-14}" \
  -DDEEPBIO_WITH_TORCH=OFF -DDEEPBIO_BUILD_FUZZERS=ON >/dev/null
ninja -C "$build" -j2 fasta_fuzz fastq_fuzz gzip_fuzz bgzf_fuzz index_fuzz
[ $# -gt 0 ] || set -- fasta fastq gzip bgzf index
for target in "$@"; do
  mkdir -p "$build/corpus/$target"
  folders=$build/corpus/$target
  if [ "$target" != index ] && [ -d "$seeds" ]; then folders="$folders $seeds/valid $seeds/invalid"; fi
  # shellcheck disable=SC2086
  (cd "$build" && "tests/fuzz/${target}_fuzz" -max_total_time="$seconds" -max_len=20000 -rss_limit_mb=1024 \
    -timeout=10 -artifact_prefix="$build/$target-" $folders)
done
