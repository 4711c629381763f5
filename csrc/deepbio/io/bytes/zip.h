// Members of a zip archive (QIIME 2 artifacts, NumPy's .npz), through libzip where the build has
// it.
//
// Archives are untrusted: every member's CRC-32 and length are checked, encrypted members are
// refused, names are never used as paths, and a member that claims to unpack to more than
// kMaxUnpackRatio times its stored bytes beyond kFreeUnpackBytes is refused before anything is
// unpacked. Threads: an archive and the sources opened from it belong to one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "deepbio/io/bytes/bytes.h"

namespace deepbio::io {

constexpr uint64_t kMaxUnpackRatio = 250;
constexpr uint64_t kFreeUnpackBytes = uint64_t{64} << 20;

class ZipArchive {
 public:
  // throws MissingFileError, ParseError (kind container; also when this build has no libzip).
  explicit ZipArchive(std::string path);
  const std::string& path() const { return path_; }
  // Names of the members in the order of the archive.
  const std::vector<std::string>& names() const { return names_; }
  // The unpacked bytes of a member. throws ParseError naming it: absent, encrypted, an unknown
  // compression, or (kind resource) far larger than what is stored; reading throws when the bytes
  // are damaged.
  std::unique_ptr<ByteSource> open(const std::string& name) const;
  std::string read(const std::string& name) const;

 private:
  std::string path_;
  std::vector<std::string> names_;
  std::shared_ptr<void> archive_;
};

// Whether this build opens archives at all.
bool has_zip_library();

// True when the file starts with the signature of a zip member. "-" is none.
bool is_zip(const std::string& path);

}  // namespace deepbio::io
