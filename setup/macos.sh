#!/usr/bin/env bash
# Compiles every file of base and io for macOS on arm64 with zig's clang; nothing is linked or run. A check that the
# source holds no line for Linux alone, on a machine without a Mac: setup/macos.sh. zig comes by pip into build/macos.
set -euo pipefail
cd "$(dirname "$0")/.."
place=$PWD/build/macos
[ -x "$place/env/bin/python" ] || python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check ziglang
setup/system.sh python3
mkdir -p "$place/include" "$place/objects"
# Headers of other libraries, away from those of this machine's C library.
for name in zlib.h zconf.h libdeflate.h zip.h zipconf.h isa-l.h isa-l nlohmann; do
  for header in /usr/include/$name "/usr/include/$(gcc -print-multiarch)/$name"; do
    [ ! -e "$header" ] || ln -sfn "$header" "$place/include/"
  done
done
: > "$place/include/features.h"  # of Linux's C library; Debian's HDF5 names it
export ZIG_GLOBAL_CACHE_DIR=$place/cache ZIG_LOCAL_CACHE_DIR=$place/cache
compile() {
  object=$place/objects/$(basename "$1" .cpp).o
  "$place/env/bin/python" -m ziglang c++ -target aarch64-macos -std=c++20 -O0 -Wall -Wextra -Wno-nullability-completeness \
    -DDEEPBIO_VERSION='"0"' -DDEEPBIO_WITH_LIBDEFLATE -DDEEPBIO_WITH_ISAL -DDEEPBIO_WITH_LIBZIP \
    -I csrc -isystem "$place/include" -isystem /usr/include/hdf5/serial -c "$1" -o "$object" || { echo "$1"; exit 255; }
}
export -f compile
export place
find csrc/deepbio/base csrc/deepbio/io -name '*.cpp' | xargs -P "${MAX_JOBS:-$(nproc)}" -I{} bash -c 'compile {}'
echo "$(find "$place/objects" -name '*.o' | wc -l) files compiled for macOS on arm64"
