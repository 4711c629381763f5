// Members of a zip archive through libzip, for QIIME 2 artifacts and .npz. Sizes and ratios come
// from the archive's directory and are not trusted: a small archive may claim to hold any amount of
// data.
#include "deepbio/io/bytes/zip.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

#ifdef DEEPBIO_WITH_LIBZIP
#include <zip.h>
#endif

#include "deepbio/base/error.h"

namespace deepbio::io {
namespace {

[[noreturn]] void fail(const std::string& path, std::string expected, std::string got,
                       ErrorKind kind = ErrorKind::kContainer) {
  throw ParseError({path, -1, -1, -1}, std::move(expected), std::move(got), kind);
}

#ifdef DEEPBIO_WITH_LIBZIP

class MemberSource : public ByteSource {
 public:
  MemberSource(std::string path, std::string name, std::shared_ptr<void> archive,
               zip_file_t* member, uint64_t size)
      : path_(std::move(path)), name_(std::move(name)), archive_(std::move(archive)), left_(size) {
    member_.reset(member);
  }
  size_t read(char* out, size_t size) override {
    if (size == 0) return 0;
    // libzip checks the CRC when it meets the end, that is in the call that gives 0.
    const zip_int64_t got = zip_fread(member_.get(), out, size);
    if (got < 0)
      fail(path_, name_ + " whole", "damage: " + std::string(zip_file_strerror(member_.get())));
    // A directory that lies about the size is damaged, or made so on purpose.
    if (static_cast<uint64_t>(got) > left_)
      fail(path_, name_ + " of the length the archive states", "more bytes");
    left_ -= static_cast<uint64_t>(got);
    if (got == 0 && left_ > 0)
      fail(path_, std::to_string(left_) + " more bytes of " + name_, "its end");
    return static_cast<size_t>(got);
  }
  const std::string& path() const override { return path_; }
  Container container() const override { return Container::kZip; }

 private:
  struct Close {
    void operator()(zip_file_t* file) const { zip_fclose(file); }
  };
  std::string path_, name_;
  std::shared_ptr<void> archive_;  // outlives the member
  std::unique_ptr<zip_file_t, Close> member_;
  uint64_t left_;
};

zip_t* as_zip(const std::shared_ptr<void>& archive) { return static_cast<zip_t*>(archive.get()); }

std::shared_ptr<void> open_archive(const std::string& path) {
  if (std::filesystem::is_directory(path))
    throw MissingFileError(path, "expected a file, got a directory");
  if (!std::filesystem::exists(path)) throw MissingFileError(path, "no such file");
  int code = 0;
  zip_t* const archive = zip_open(path.c_str(), ZIP_RDONLY, &code);
  if (archive == nullptr) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string text = zip_error_strerror(&error);
    zip_error_fini(&error);
    fail(path, "a whole zip archive", text);
  }
  return {archive, [](void* opened) { zip_discard(static_cast<zip_t*>(opened)); }};
}

#endif

}  // namespace

bool has_zip_library() {
#ifdef DEEPBIO_WITH_LIBZIP
  return true;
#else
  return false;
#endif
}

#ifdef DEEPBIO_WITH_LIBZIP

ZipArchive::ZipArchive(std::string path) : path_(std::move(path)), archive_(open_archive(path_)) {
  const zip_int64_t count = zip_get_num_entries(as_zip(archive_), 0);
  for (zip_int64_t k = 0; k < count; ++k) {
    // Raw bytes: names are compared with ASCII ones, and are not decoded.
    const char* name = zip_get_name(as_zip(archive_), static_cast<zip_uint64_t>(k), ZIP_FL_ENC_RAW);
    names_.emplace_back(name == nullptr ? "" : name);
  }
}

std::unique_ptr<ByteSource> ZipArchive::open(const std::string& name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found == names_.end()) fail(path_, "a member " + quoted(name, 120), "none of that name");
  const auto index = static_cast<zip_uint64_t>(found - names_.begin());
  zip_stat_t facts;
  zip_stat_init(&facts);
  constexpr zip_uint64_t kNeeded = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
  if (zip_stat_index(as_zip(archive_), index, 0, &facts) != 0 ||
      (facts.valid & kNeeded) != kNeeded) {
    fail(path_, name + " with its size", "none");
  }
  // Small members may have any ratio, since runs of zeros are common in small arrays.
  if (facts.size > kFreeUnpackBytes && facts.size / kMaxUnpackRatio > facts.comp_size) {
    fail(path_, name + " of at most " + std::to_string(kMaxUnpackRatio) + " times its stored bytes",
         std::to_string(facts.size) + " from " + std::to_string(facts.comp_size),
         ErrorKind::kResource);
  }
  zip_file_t* const member = zip_fopen_index(as_zip(archive_), index, 0);
  if (member == nullptr) fail(path_, name + " to be readable", zip_strerror(as_zip(archive_)));
  return std::make_unique<MemberSource>(path_, name, archive_, member, facts.size);
}

#else

ZipArchive::ZipArchive(std::string path) : path_(std::move(path)) {
  fail(path_,
       "a file that is no zip archive (this build has no libzip: unzip the file, or build with "
       "libzip-dev)",
       "a zip archive");
}

std::unique_ptr<ByteSource> ZipArchive::open(const std::string& name) const {
  fail(path_, "a build with libzip to read " + name, "one without");
}

#endif

std::string ZipArchive::read(const std::string& name) const {
  const auto source = open(name);
  std::string out;
  std::array<char, 1 << 16> part;
  while (const size_t got = source->read(part.data(), part.size())) out.append(part.data(), got);
  return out;
}

bool is_zip(const std::string& path) {
  std::array<char, 4> first{};
  // What cannot be looked at (a name too long, a folder without permission) is no zip: whoever
  // opens it next says why.
  std::error_code unknown;
  if (path == "-" || std::filesystem::is_directory(path, unknown)) return false;
  std::ifstream file(path, std::ios::binary);
  return file.read(first.data(), first.size()) &&
         std::string_view(first.data(), first.size()) == "PK\3\4";
}

}  // namespace deepbio::io
