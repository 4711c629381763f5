#!/usr/bin/env bash
# Compiles base and io for 64-bit ARM and runs their C++ tests under qemu.
#
# From nothing on a Debian 12: the cross compiler and qemu are installed by apt; ARM's own libraries are unpacked into
# build/aarch64/root and touch nothing of this machine. 15 minutes on two cores; MAX_JOBS: compilers at once.
set -euo pipefail
cd "$(dirname "$0")/.."
place=$PWD/build/aarch64
root=$place/root
libraries=$root/usr/lib/aarch64-linux-gnu
setup/system.sh python3 setup/aarch64-packages.txt

# A list of packages of its own in which nothing is installed, so that apt brings each with all that it needs.
fetch_libraries() {
  rm -rf "$root" && mkdir -p "$place"/apt/{lists,cache/archives}/partial "$root"
  : > "$place/apt/status"
  local private=(-o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$place/apt"
    -o Dir::State::status="$place/apt/status" -o Dir::Cache="$place/apt/cache" -o APT::Sandbox::User=root
    -o Dir::Etc::sourcelist=/etc/apt/sources.list.d/debian.sources -o Dir::Etc::sourceparts=-)
  apt-get -qq "${private[@]}" update
  grep -v '^#' setup/packages.txt | xargs apt-get -qq -y --no-install-recommends --download-only "${private[@]}" install
  for package in "$place"/apt/cache/archives/*.deb; do dpkg-deb -x "$package" "$root"; done
  # Links of the packages begin at the root of an ARM machine.
  find "$root" -type l -lname '/*' -printf '%p %l\n' | while read -r link target; do
    ln -sfn "$root$target" "$link"
  done
  ln -sfn hdf5-serial.pc "$libraries/pkgconfig/hdf5.pc"  # what Debian's alternatives would do
  touch "$root/complete"
}
[ -e "$root/complete" ] || fetch_libraries

targets=(test_base test_io)
link="-Wl,-rpath-link,$libraries:$root/lib/aarch64-linux-gnu"
export PKG_CONFIG_LIBDIR=$libraries/pkgconfig:$root/usr/share/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root
cmake -G Ninja -S . -B "$place/build" -DDEEPBIO_BUILD_TESTS=ON -DDEEPBIO_WITH_TORCH=OFF \
  -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
  -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ \
  -DCMAKE_FIND_ROOT_PATH="$root" -DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER -DCMAKE_LIBRARY_ARCHITECTURE=aarch64-linux-gnu \
  -DCMAKE_EXE_LINKER_FLAGS="$link" > "$place/configure.log"
cmake --build "$place/build" -j "${MAX_JOBS:-$(nproc)}" --target "${targets[@]}"
for target in "${targets[@]}"; do
  echo "$target under qemu-aarch64:"
  qemu-aarch64-static -L "$root" "$place/build/tests/cpp/$target" "~[slow]"  # those are given seconds
done
