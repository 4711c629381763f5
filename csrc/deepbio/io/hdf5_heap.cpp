#include "deepbio/io/hdf5_heap.h"

#include <cstdint>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deepbio/base/error.h"

namespace deepbio::io {
namespace {

using std::string_view_literals::operator""sv;
constexpr std::string_view kStart = "GCOL\1\0\0\0"sv;  // signature, version, reserved
constexpr uint64_t kHeaderBytes = 16;                  // of a collection, and of an object in it

uint64_t u64_at(std::string_view bytes, uint64_t at) {
  uint64_t value = 0;
  for (uint64_t k = 8; k-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + k]);
  return value;
}

[[noreturn]] void fail(const std::string& path, uint64_t at, const char* expected, uint64_t got) {
  throw ParseError({path, -1, -1, static_cast<int64_t>(at)}, expected, "one of " + std::to_string(got) + " bytes",
                   ErrorKind::kContainer);
}

void check_collection(std::string_view bytes, uint64_t start, const std::string& path) {
  if (bytes.size() - start < kHeaderBytes) fail(path, start, "a whole HDF5 heap", bytes.size() - start);
  const uint64_t size = u64_at(bytes, start + 8);
  if (size < kHeaderBytes || size > bytes.size() - start) fail(path, start, "an HDF5 heap inside the file", size);
  const uint64_t end = start + size;
  for (uint64_t at = start + kHeaderBytes; end - at >= kHeaderBytes;) {
    const bool is_free = bytes[at] == 0 && bytes[at + 1] == 0;
    const uint64_t stated = u64_at(bytes, at + 8);
    // Free space counts its own header; a string does not, and is padded to eight bytes.
    const uint64_t left = end - at;
    if (stated > left) fail(path, at, "a string inside its HDF5 heap", stated);
    const uint64_t needed = is_free ? stated : kHeaderBytes + (stated + 7) / 8 * 8;
    if (needed < kHeaderBytes || needed > left) fail(path, at, "a string inside its HDF5 heap", stated);
    at += needed;
  }
}

class MappedFile {
 public:
  explicit MappedFile(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat info {};
    if (file >= 0 && ::fstat(file, &info) == 0 && info.st_size > 0) {
      size_ = static_cast<size_t>(info.st_size);
      memory_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
    }
    if (file >= 0) ::close(file);
    if (memory_ == MAP_FAILED) throw MissingFileError(path, "cannot be mapped");
  }
  ~MappedFile() { ::munmap(memory_, size_); }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::string_view bytes() const { return {static_cast<const char*>(memory_), size_}; }

 private:
  void* memory_ = MAP_FAILED;
  size_t size_ = 0;
};

}  // namespace

void check_global_heaps(std::string_view bytes, const std::string& path) {
  const char* const data = bytes.data();
  for (uint64_t at = 0; at < bytes.size();) {
    const void* found = ::memmem(data + at, bytes.size() - at, kStart.data(), kStart.size());
    if (found == nullptr) return;
    at = static_cast<uint64_t>(static_cast<const char*>(found) - data);
    check_collection(bytes, at, path);
    at += kStart.size();
  }
}

void check_global_heaps(const std::string& path) {
  const MappedFile file(path);
  check_global_heaps(file.bytes(), path);
}

}  // namespace deepbio::io
