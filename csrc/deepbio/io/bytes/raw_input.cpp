// Bytes of a file or of standard input with a look ahead, which telling formats apart and inflating
// both need. The place in the file is counted here, so that progress and messages about damage
// agree.
#include "deepbio/io/bytes/raw_input.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deepbio/base/error.h"

namespace deepbio::io {

RawInput::RawInput(std::string path, size_t max_read_bytes)
    : path_(std::move(path)), max_read_bytes_(max_read_bytes), buffer_(new char[kBufferBytes]) {
  if (path_ == "-") {
    file_ = STDIN_FILENO;
    return;
  }
  file_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file_ < 0)
    throw MissingFileError(path_, "cannot be opened: " + std::generic_category().message(errno));
  struct stat info {};
  if (::fstat(file_, &info) == 0 && S_ISDIR(info.st_mode)) {
    ::close(file_);
    throw MissingFileError(path_, "expected a file, got a directory");
  }
}

// For bytes that were read already: there is no file to go on with, and read_file() gives none.
RawInput::RawInput(std::string path, std::string bytes, int64_t offset)
    : path_(std::move(path)),
      offset_(offset),
      capacity_(std::max(bytes.size(), kBufferBytes)),
      buffer_(new char[capacity_]),
      end_(bytes.size()) {
  std::copy(bytes.begin(), bytes.end(), buffer_.get());
}

RawInput::RawInput(const PositionedFile& file)
    : path_(file.path()), positioned_(&file), buffer_(new char[kBufferBytes]) {}

RawInput::~RawInput() {
  if (file_ > STDIN_FILENO) ::close(file_);
}

size_t RawInput::read_file(char* out, size_t size) {
  if (positioned_ != nullptr) {
    const size_t got = positioned_->read(positioned_bytes_, out, size);
    positioned_bytes_ += got;
    return got;
  }
  if (file_ < 0) return 0;
  while (true) {
    const ssize_t got = ::read(file_, out, std::min(size, max_read_bytes_));
    if (got >= 0) return static_cast<size_t>(got);
    if (errno != EINTR) {
      throw Error(path_ + ": reading failed: " + std::generic_category().message(errno));
    }
  }
}

std::string_view RawInput::peek(size_t want) {
  want = std::min(want, kBufferBytes);
  // Only when the look ahead does not fit: the rest moves to the front.
  if (end_ - begin_ < want && begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  while (end_ - begin_ < want) {
    const size_t got = read_file(buffer_.get() + end_, capacity_ - end_);
    if (got == 0) break;
    end_ += got;
  }
  return {buffer_.get() + begin_, end_ - begin_};
}

void RawInput::skip(size_t size) {
  begin_ += size;
  move_on(size);
}

size_t RawInput::read(char* out, size_t size) {
  size_t moved = std::min(size, end_ - begin_);
  if (moved > 0) {
    std::memcpy(out, buffer_.get() + begin_, moved);
    begin_ += moved;
  } else {
    // Past the buffer, straight into the caller's memory, once nothing is waiting in it.
    moved = read_file(out, size);
  }
  move_on(moved);
  return moved;
}

}  // namespace deepbio::io
