// A file as memory. What the mapping cannot tell, that somebody writes to the file meanwhile, is
// asked of the file system: size and time are compared with those at opening, and a change is an
// error before bytes of two versions are mixed.
#include "deepbio/io/bytes/mapped_file.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/file_time.h"

namespace deepbio::io {
namespace {

// A file that is open as long as this lives.
class OpenFile {
 public:
  explicit OpenFile(int number) : number_(number) {}
  ~OpenFile() {
    if (number_ >= 0) ::close(number_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int number() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

}  // namespace

MappedFile::MappedFile(std::string path, bool is_kept_open) : path_(std::move(path)) {
  OpenFile file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0)
    throw MissingFileError(path_, "cannot be opened: " + std::generic_category().message(errno));
  struct stat info {};
  // Pipes and devices cannot be mapped.
  if (::fstat(file.number(), &info) != 0 || !S_ISREG(info.st_mode)) {
    throw MissingFileError(path_, "expected a regular file, which can be mapped");
  }
  // mmap refuses a length of 0.
  if (info.st_size == 0)
    throw ParseError({path_}, "a file with content", "an empty file", ErrorKind::kContainer);
  size_ = static_cast<size_t>(info.st_size);
  device_ = static_cast<uint64_t>(info.st_dev);
  number_ = info.st_ino;
  mtime_ns_ = modified_ns(info);
  void* const data = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.number(), 0);
  if (data == MAP_FAILED)
    throw Error(path_ + ": mapping failed: " + std::generic_category().message(errno));
  data_ = static_cast<const char*>(data);
  // The mapping needs no open file; one kept open makes check_unchanged() and map_again()
  // independent of the name.
  if (is_kept_open) file_ = file.release();
}

MappedFile::~MappedFile() {
  ::munmap(const_cast<char*>(data_), size_);
  if (file_ >= 0) ::close(file_);
}

bool MappedFile::is_same(int file) const {
  struct stat info {};
  if ((file < 0 ? ::stat(path_.c_str(), &info) : ::fstat(file, &info)) != 0) return false;
  // Another file under the same name: nothing is wrong with the bytes that are mapped.
  if (static_cast<uint64_t>(info.st_dev) != device_ || info.st_ino != number_) return false;
  if (static_cast<size_t>(info.st_size) == size_ && modified_ns(info) == mtime_ns_) return true;
  throw ParseError(
      {path_}, "the file as it was when it was opened (" + std::to_string(size_) + " bytes)",
      "a file that was written to since, now of " + std::to_string(info.st_size) + " bytes",
      ErrorKind::kContainer);
}

void MappedFile::check_unchanged() const { is_same(file_); }

std::vector<std::shared_ptr<char>> MappedFile::map_again(
    const std::vector<Stretch>& stretches) const {
  static const size_t page_bytes = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  for (const auto& [offset, size] : stretches) {
    if (size == 0 || offset > size_ || size > size_ - offset) {
      throw ArgumentError("map_again: expected bytes of " + std::to_string(size_) + ", got " +
                          std::to_string(size) + " at " + std::to_string(offset));
    }
  }
  const OpenFile opened(file_ < 0 ? ::open(path_.c_str(), O_RDONLY | O_CLOEXEC) : -1);
  const int file = file_ < 0 ? opened.number() : file_;
  if (file < 0 || !is_same(file)) return {};
  std::vector<std::shared_ptr<char>> out;
  for (const auto& [offset, size] : stretches) {
    // mmap begins at pages; the owner unmaps the whole of it, the result points to the wanted byte.
    const size_t before = offset % page_bytes, length = before + size;
    // Private and writable: what is written there is a copy of the page and stays in this process.
    void* const data = ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE, file,
                              static_cast<off_t>(offset - before));
    if (data == MAP_FAILED) return {};
    const std::shared_ptr<void> owner(data, [length](void* begin) { ::munmap(begin, length); });
    out.emplace_back(owner, static_cast<char*>(data) + before);
  }
  return out;
}

}  // namespace deepbio::io
