// Files that exist either whole or not at all: written under a temporary name in the same folder,
// synced, renamed.
//
// A device or pipe (/dev/null, /dev/stdout) is written straight through, and so is "-", standard
// output. Threads: an OutputFile belongs to one thread at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace deepbio::io {

enum class Overwrite { kRefuse, kAllow };
enum class Compression { kNone, kGzip };

// A file under a temporary name in the same folder; commit() syncs and renames it, the destructor
// without commit removes it. Missing parent folders are an error. path "-" writes to standard
// output.
class OutputFile {
 public:
  // throws WriteError when the output exists and overwrite is kRefuse, or the folder cannot be
  // written.
  explicit OutputFile(const std::string& path, Overwrite overwrite = Overwrite::kAllow,
                      Compression compression = Compression::kNone);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  void write(std::string_view bytes);
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Writes content whole: OutputFile + write + commit.
void write_file(const std::string& path, std::string_view content,
                Overwrite overwrite = Overwrite::kAllow);

// The temporary name OutputFile would use, for libraries that open paths themselves (HDF5), and the
// step that makes it final: fsync of file and folder, rename.
std::string temporary_name(const std::string& path);
void commit_temporary(const std::string& temporary, const std::string& path);
// throws WriteError if path exists and overwrite is kRefuse.
void refuse_existing(const std::string& path, Overwrite overwrite);

}  // namespace deepbio::io
