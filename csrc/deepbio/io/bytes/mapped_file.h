// A file as memory: pages are read when they are looked at, and shared with whoever else reads the
// file.
//
// The mapping outlives the removal of the file. A file that is cut short under a mapping ends the
// process with SIGBUS when the lost part is looked at, as with every mapping; check_unchanged,
// before each use, says so first. Threads: constant; may be used by many threads and after a fork.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace deepbio::io {

class MappedFile {
 public:
  struct Stretch {
    size_t offset_bytes = 0, num_bytes = 0;
  };

  // throws MissingFileError (absent, no permission, no regular file), ParseError (an empty file).
  // is_kept_open: map_again need not open the file, and finds it also when it was removed.
  explicit MappedFile(std::string path, bool is_kept_open = false);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }
  // throws ParseError when the file was written to. A path that names another file by now, or none,
  // is no change.
  void check_unchanged() const;
  // Stretches of the file once more, as memory that may be written to: neither the file nor anyone
  // else sees it, and nothing is copied but pages that are written to. Nothing when the path names
  // another file by now, or none, or when the system has no room for more mappings. throws
  // ParseError when the file was written to, ArgumentError for a stretch outside of it.
  std::vector<std::shared_ptr<char>> map_again(const std::vector<Stretch>& stretches) const;

 private:
  // Whether an open file, or a path when file is -1, is the one that was mapped. throws ParseError
  // when it was changed.
  bool is_same(int file) const;

  std::string path_;
  int file_ = -1;  // when it is kept open
  const char* data_ = nullptr;
  size_t size_ = 0;
  uint64_t device_ = 0, number_ = 0;
  int64_t mtime_ns_ = 0;
};

}  // namespace deepbio::io
