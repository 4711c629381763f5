// One process at a time works in a run directory.
//
// The lock is held by the kernel (flock on RUN/lock) and so ends with its process, however that
// ends: a lock file that a killed run has left is taken over. Where the file system knows no locks,
// the run goes on without one. Threads: a RunLock belongs to one thread; it is released by its
// destructor.
#pragma once

#include <string>

namespace deepbio::train {

class RunLock {
 public:
  // throws WriteError when another process holds it (naming that process), or the folder cannot be
  // written.
  explicit RunLock(const std::string& run);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  std::string path_;
  int file_ = -1;
};

}  // namespace deepbio::train
