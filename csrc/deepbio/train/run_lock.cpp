#include "deepbio/train/run_lock.h"

#include <array>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deepbio/base/error.h"

namespace deepbio::train {
namespace {

std::string reason() { return std::generic_category().message(errno); }

// A folder may be shared by machines: a process number alone would not be found.
std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "this machine";
}

// What the holder wrote: "process 12 on host"; "" when it has not yet.
std::string holder_of(int file) {
  std::array<char, 300> text{};
  const ssize_t size = ::pread(file, text.data(), text.size() - 1, 0);
  return size > 0 ? std::string(text.data(), static_cast<size_t>(size)) : "another process";
}

// Whether the open file is still the one under that name; a run that ends removes its lock file.
bool is_still_there(int file, const std::string& path) {
  struct stat opened {
  }, named{};
  return ::fstat(file, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

}  // namespace

RunLock::RunLock(const std::string& run) : path_(run + "/lock") {
  while (true) {
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file_ < 0) throw WriteError(path_ + ": cannot be created: " + reason());
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) {
        ::close(file_);
        continue;
      }
      // A network file system without locks: better a run without one than none.
      if (errno != EWOULDBLOCK) return;
      const std::string holder = holder_of(file_);
      ::close(file_);
      throw WriteError(run + ": " + holder +
                       " is training in it; wait for it to end, or choose another `output_dir`");
    }
    // Between open and flock the holder may have ended and removed the file: this lock would be on
    // one that nobody else opens any more.
    if (is_still_there(file_, path_)) break;
    ::close(file_);
  }
  // For the message of the next one that comes; the lock itself does not need it.
  const std::string text = "process " + std::to_string(::getpid()) + " on " + host_name();
  if (::ftruncate(file_, 0) != 0 ||
      ::pwrite(file_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    const std::string why = reason();
    ::unlink(path_.c_str());
    ::close(file_);
    throw WriteError(path_ + ": cannot be written: " + why);
  }
}

RunLock::~RunLock() {
  // Unlinked while it is still held: whoever has opened this file looks again for the name.
  ::unlink(path_.c_str());
  ::close(file_);
}

}  // namespace deepbio::train
