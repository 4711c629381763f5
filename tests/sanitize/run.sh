#!/usr/bin/env bash
# Builds base and io, which need no torch, with sanitizers and runs their C++ tests: addresses, leaks and undefined
# behaviour over all but the slowest, races over those with threads.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
export CCACHE_DISABLE=1 TSAN_OPTIONS=halt_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export LSAN_OPTIONS=suppressions=$root/tests/sanitize/library_leaks.txt:print_suppressions=0
build() {
  cmake -G Ninja -S "$root" -B "$root/build/$1" -DDEEPBIO_WITH_TORCH=OFF -DDEEPBIO_BUILD_TESTS=ON \
    -DCMAKE_BUILD_TYPE=RelWithDebInfo "$2" >/dev/null
  ninja -C "$root/build/$1" test_base test_io >/dev/null
}
build address -DDEEPBIO_SANITIZE=ON
"$root/build/address/tests/cpp/test_base"
"$root/build/address/tests/cpp/test_io" "~[slow]~[corpus]"
build thread "-DCMAKE_CXX_FLAGS=-fsanitize=thread"
"$root/build/thread/tests/cpp/test_base" "[pool]"
"$root/build/thread/tests/cpp/test_io" "[bgzf],[read_ahead],[index],[random_bytes],[bytes]"
