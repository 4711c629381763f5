// Files appear whole or not at all: bytes go to a temporary name in the same folder, are synced to
// the disk, and take the final name by a rename, which a sync of the folder makes durable. What a
// killed process leaves is a hidden file that no reader takes for the result.
#include "deepbio/io/bytes/output.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <new>
#include <random>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "deepbio/base/error.h"

namespace deepbio::io {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 17;

[[noreturn]] void failed(const std::string& path, const std::string& what) {
  throw WriteError(path + ": " + what + ": " + std::generic_category().message(errno));
}

// A rename is atomic within one file system only, so the temporary name is beside the final one.
std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

bool is_device_or_pipe(const std::string& path) {
  // These stay streams when the shell has sent them to a file: a rename would replace the link in
  // /dev itself.
  if (path == "/dev/stdout" || path == "/dev/stderr" || path.rfind("/dev/fd/", 0) == 0) return true;
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

void sync_path(const std::string& path, int flags) {
  const int file = ::open(path.c_str(), flags | O_CLOEXEC);
  if (file < 0) failed(path, "cannot be opened to be synced");
  // Some file systems cannot.
  const bool synced = ::fsync(file) == 0 || errno == EINVAL || errno == ENOTSUP;
  const int reason = errno;
  ::close(file);
  errno = reason;
  if (!synced) failed(path, "cannot be synced");
}

void rename_synced(const std::string& temporary, const std::string& path) {
  if (std::rename(temporary.c_str(), path.c_str()) != 0) failed(path, "cannot take its final name");
  sync_path(folder_of(path), O_RDONLY | O_DIRECTORY);
}

}  // namespace

struct OutputFile::State {
  std::string path, temporary;  // temporary is empty when bytes go straight to the path
  Overwrite overwrite;
  int file = -1;
  // A forked child that ends must not take the file of its parent away.
  const pid_t owner = ::getpid();
  bool is_gzip = false, is_committed = false;
  z_stream stream{};
  std::string buffer;

  ~State() {
    if (is_gzip) deflateEnd(&stream);
    // Standard output is not ours to close.
    if (file > STDERR_FILENO) ::close(file);
    if (!temporary.empty() && !is_committed && owner == ::getpid()) ::unlink(temporary.c_str());
  }
  void write_out(const char* bytes, size_t size);
  void flush_buffer();
  void compress(std::string_view bytes, int flush);
};

void OutputFile::State::write_out(const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(file, bytes, size);
    // A signal (Ctrl-C that only asks a training to stop) is no failure to write.
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) failed(path, "cannot be written");
    bytes += written;
    size -= static_cast<size_t>(written);
  }
}

void OutputFile::State::flush_buffer() {
  write_out(buffer.data(), buffer.size());
  buffer.clear();
}

void OutputFile::State::compress(std::string_view bytes, int flush) {
  char out[1 << 16];
  // zlib counts input in 32 bits; larger pieces go in turns.
  do {
    const std::string_view piece = bytes.substr(0, size_t{1} << 30);
    bytes.remove_prefix(piece.size());
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream.avail_in = static_cast<uInt>(piece.size());
    do {
      stream.next_out = reinterpret_cast<Bytef*>(out);
      stream.avail_out = sizeof(out);
      deflate(&stream, bytes.empty() ? flush : Z_NO_FLUSH);
      write_out(out, sizeof(out) - stream.avail_out);
    } while (stream.avail_out == 0);
  } while (!bytes.empty());
}

OutputFile::OutputFile(const std::string& path, Overwrite overwrite, Compression compression)
    : state_(std::make_unique<State>()) {
  state_->path = path;
  state_->overwrite = overwrite;
  if (path == "-") {
    state_->file = STDOUT_FILENO;
  } else if (is_device_or_pipe(path)) {
    state_->file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    refuse_existing(path, overwrite);
    std::string temporary = temporary_name(path);
    // O_EXCL: a name that exists, or a link that somebody put there, is not followed.
    state_->file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (state_->file >= 0) state_->temporary = std::move(temporary);
  }
  if (state_->file < 0) failed(path, "cannot be created");
  if (compression == Compression::kGzip) {
    if (deflateInit2(&state_->stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
      throw std::bad_alloc();
    }
    state_->is_gzip = true;
  }
  state_->buffer.reserve(kBufferBytes);
}

OutputFile::~OutputFile() = default;

void OutputFile::write(std::string_view bytes) {
  State& state = *state_;
  if (state.is_committed) throw WriteError(state.path + ": expected no write after commit");
  if (state.is_gzip) return state.compress(bytes, Z_NO_FLUSH);
  // Order is kept: what waits goes first, a large piece then goes past the buffer.
  if (state.buffer.size() + bytes.size() > kBufferBytes) state.flush_buffer();
  if (bytes.size() >= kBufferBytes) return state.write_out(bytes.data(), bytes.size());
  state.buffer.append(bytes);
}

void OutputFile::commit() {
  State& state = *state_;
  if (state.is_committed) throw WriteError(state.path + ": expected one commit, got a second one");
  if (state.is_gzip) state.compress({}, Z_FINISH);
  state.flush_buffer();
  if (!state.temporary.empty()) {
    if (::fsync(state.file) != 0 && errno != EINVAL && errno != ENOTSUP)
      failed(state.path, "cannot be synced");
    refuse_existing(state.path, state.overwrite);
    rename_synced(state.temporary, state.path);
  }
  state.is_committed = true;
}

void write_file(const std::string& path, std::string_view content, Overwrite overwrite) {
  OutputFile file(path, overwrite);
  file.write(content);
  file.commit();
}

std::string temporary_name(const std::string& path) {
  std::random_device device;  // from the system, so that two processes never meet
  static constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::string suffix;
  for (int i = 0; i < 10; ++i) suffix += kDigits[device() % 36];
  const std::filesystem::path target(path);
  return (std::filesystem::path(folder_of(path)) /
          ("." + target.filename().string() + "." + suffix + ".tmp"))
      .string();
}

void commit_temporary(const std::string& temporary, const std::string& path) {
  if (is_device_or_pipe(path))
    throw WriteError(path + ": expected a file name, got a device or pipe");
  sync_path(temporary, O_RDONLY);
  rename_synced(temporary, path);
}

void refuse_existing(const std::string& path, Overwrite overwrite) {
  struct stat info {};
  if (path == "-" || ::stat(path.c_str(), &info) != 0) return;
  if (S_ISDIR(info.st_mode)) throw WriteError(path + ": expected a file name, got a directory");
  if (S_ISREG(info.st_mode) && overwrite == Overwrite::kRefuse) {
    throw WriteError(path +
                     ": the output exists; choose another name or allow overwriting (`overwrite`)");
  }
}

}  // namespace deepbio::io
