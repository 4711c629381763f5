// zstd (RFC 8878): the frames of a file, decompressed one after another, by libzstd where the
// library is built with it.
//
// Frames that can be skipped are. Data that is damaged, a check sum that differs, a frame that is
// cut, and other bytes after the last frame are a ParseError (kind container); a frame whose writer
// left out the check sum is believed. Windows of more than 128 MiB (zstd --long=28 and above) are
// refused. There is no access at random. Threads: belongs to one thread at a time.
#pragma once

#include <memory>
#include <string_view>

#include "deepbio/io/bytes/bytes.h"
#include "deepbio/io/bytes/raw_input.h"

namespace deepbio::io {

inline constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd";

bool has_zstd_library();
// input stands at a magic. throws ParseError in a build without libzstd.
std::unique_ptr<ByteSource> open_zstd(std::unique_ptr<RawInput> input);

}  // namespace deepbio::io
