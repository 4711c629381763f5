#!/usr/bin/env bash
# Builds the fuzz targets with clang and sanitizers and runs each for SECONDS, as many at a time as there are cores:
#   [FUZZ_SEED=N] tests/fuzz/run.sh SECONDS [TARGET...]
# Without clang it says so and does nothing. A find is written to build/fuzz and ends the run with exit code 1.
set -euo pipefail
seconds=${1:?seconds}
shift
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$root/build/fuzz
data=$root/../shared/data
cxx=${CXX:-clang++-14}
if ! command -v "$cxx" >/dev/null; then
  echo "fuzzing SKIPPED: no $cxx here (packages: setup/fuzz-packages.txt)" >&2
  exit 0
fi
[ $# -gt 0 ] || set -- fasta fastq bam vcf bcf intervals bigwig twobit gzip bgzf index newick biom_json table_tsv metadata artifact
export CCACHE_DISABLE=1
cmake -G Ninja -S "$root" -B "$build" -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_C_COMPILER="${cxx/++/}" \
  -DDEEPBIO_WITH_TORCH=OFF -DDEEPBIO_BUILD_FUZZERS=ON >/dev/null
ninja -C "$build" "${@/%/_fuzz}" >/dev/null

fuzz_one() {
  local target=$1 folders=("$build/corpus/$1")
  mkdir -p "${folders[0]}"
  case $target in
    index | bam | vcf | bcf | intervals | bigwig | twobit) ;;
    fasta | fastq | gzip | bgzf) [ ! -d "$data" ] || folders+=("$data/sequences/valid" "$data/sequences/invalid") ;;
    *) [ ! -d "$data" ] || folders+=("$data/microbiome/formats") ;;
  esac
  if "$build/tests/fuzz/${target}_fuzz" -seed="${FUZZ_SEED:-1}" -max_total_time="$seconds" -max_len=20000 -rss_limit_mb=1024 -timeout=30 \
    -print_final_stats=1 -artifact_prefix="$build/$target-" "${folders[@]}" >"$build/$target.log" 2>&1; then
    echo "fuzz $target: no find in $(grep -o 'number_of_executed_units: .*' "$build/$target.log" | cut -d' ' -f2) runs"
  else
    echo "fuzz $target: FOUND something, see $build/$target.log" >&2
    tail -40 "$build/$target.log" >&2
    return 1
  fi
}
export -f fuzz_one
export build data seconds
printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} bash -c 'fuzz_one {}'
