// Reads at any place of a file without a shared position, so that threads and forked workers use
// one object. Kept open, or opened again for each read where a process holds more files than the
// system allows; then device and inode tell whether it is still the same file.
#include "deepbio/io/bytes/positioned_file.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/file_time.h"

namespace deepbio::io {

PositionedFile::PositionedFile(std::string path, bool is_kept_open) : path_(std::move(path)) {
  file_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file_ < 0)
    throw MissingFileError(path_, "cannot be opened: " + std::generic_category().message(errno));
  struct stat info {};
  if (::fstat(file_, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(file_);
    throw MissingFileError(path_, "expected a regular file, which random access needs");
  }
  size_ = static_cast<uint64_t>(info.st_size);
  device_ = static_cast<uint64_t>(info.st_dev);
  number_ = info.st_ino;
  mtime_ns_ = modified_ns(info);
  if (!is_kept_open) ::close(std::exchange(file_, -1));
}

PositionedFile::~PositionedFile() {
  if (file_ >= 0) ::close(file_);
}

// The file that was opened first, or a ParseError.
int PositionedFile::open_again() const {
  const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    throw MissingFileError(path_,
                           "cannot be opened again: " + std::generic_category().message(errno));
  struct stat info {};
  if (::fstat(file, &info) == 0 && info.st_dev == device_ && info.st_ino == number_) return file;
  ::close(file);
  throw ParseError({path_}, "the file that was opened before",
                   "another file under this name; open it again", ErrorKind::kContainer);
}

size_t PositionedFile::read(uint64_t offset, char* out, size_t size) const {
  struct Closed {  // what was opened for this read
    int file;
    ~Closed() {
      if (file >= 0) ::close(file);
    }
  };
  const Closed opened{file_ >= 0 ? -1 : open_again()};
  const int file = file_ >= 0 ? file_ : opened.file;
  size_t total = 0;
  while (total < size) {
    const ssize_t got =
        ::pread(file, out + total, size - total, static_cast<off_t>(offset + total));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(path_ + ": reading failed: " + std::generic_category().message(errno));
    // The end of the file is a short count, which the caller compares with what it wanted.
    if (got == 0) break;
    total += static_cast<size_t>(got);
  }
  return total;
}

void PositionedFile::check_unchanged() const {
  struct stat info {};
  const bool is_known = file_ >= 0 ? ::fstat(file_, &info) == 0 : ::stat(path_.c_str(), &info) == 0;
  if (!is_known) throw MissingFileError(path_, "the file is not there any more");
  if (static_cast<uint64_t>(info.st_size) == size_ && modified_ns(info) == mtime_ns_) return;
  throw ParseError(
      {path_}, "the file as it was when it was opened (" + std::to_string(size_) + " bytes)",
      "a file changed since, now of " + std::to_string(info.st_size) + " bytes; open it again",
      ErrorKind::kContainer);
}

void PositionedFile::check_in_place() const {
  check_unchanged();
  struct stat info {};
  const bool is_there = ::stat(path_.c_str(), &info) == 0;
  if (is_there && info.st_dev == device_ && info.st_ino == number_) return;
  throw ParseError(
      {path_}, "the file that was opened to stay at its path while it is indexed",
      is_there ? "another file under this name; open it again" : "no file under this name now",
      ErrorKind::kContainer);
}

}  // namespace deepbio::io
