// Where every reader gets its bytes from: the first bytes of a file, never its name, decide whether
// it is inflated, and by what. A file that is compressed in a way that is not read is refused here
// with the name of that way, before a reader of text calls it garbage.
#include "deepbio/io/bytes/bytes.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/bgzf.h"
#include "deepbio/io/bytes/gzip.h"
#include "deepbio/io/bytes/raw_input.h"
#include "deepbio/io/bytes/read_ahead.h"
#include "deepbio/io/bytes/zstd.h"
#include "deepbio/io/tables/artifact.h"

namespace deepbio::io {
namespace {

class PlainSource : public ByteSource {
 public:
  explicit PlainSource(std::unique_ptr<RawInput> input) : input_(std::move(input)) {}
  size_t read(char* out, size_t size) override { return input_->read(out, size); }
  const std::string& path() const override { return input_->path(); }
  Container container() const override { return Container::kPlain; }
  int64_t file_offset_bytes() const override { return input_->offset(); }

 private:
  std::unique_ptr<RawInput> input_;
};

struct Magic {
  std::string_view bytes;
  std::string_view name;
};

using std::string_view_literals::operator""sv;
constexpr std::array<Magic, 6> kOtherCompressions{{
    {"\xfd\x37zXZ\0"sv, "xz"},
    {"PK\5\6"sv, "zip"},
    {"\x04\x22\x4d\x18"sv, "lz4"},
    {"LZIP\1"sv, "lzip"},
    {"7z\xbc\xaf\x27\x1c"sv, "7z"},
    {"\x1f\x9d"sv, "compress (.Z)"},
}};

// The compression that `head` belongs to, "" when none that is known.
std::string_view other_compression(std::string_view head) {
  if (head.substr(0, 4) == "PK\3\4")
    return "zip";  // on standard input: its directory is at the end
  for (const Magic& magic : kOtherCompressions) {
    if (head.substr(0, magic.bytes.size()) == magic.bytes) return magic.name;
  }
  // "BZh" alone could be text; a block or the end of the stream follows it in bzip2.
  if (head.size() >= 10 && head.substr(0, 3) == "BZh" &&
      (head.substr(4, 6) == "\x31\x41\x59\x26\x53\x59" ||
       head.substr(4, 6) == "\x17\x72\x45\x38\x50\x90")) {
    return "bzip2";
  }
  return "";
}

}  // namespace

ByteSource::~ByteSource() = default;

std::string_view to_string(Container container) {
  switch (container) {
    case Container::kGzip:
      return "gzip";
    case Container::kBgzf:
      return "bgzf";
    case Container::kZip:
      return "zip";
    case Container::kZstd:
      return "zstd";
    case Container::kPlain:
      break;
  }
  return "plain";
}

std::unique_ptr<ByteSource> open_bytes(const std::string& path, const OpenOptions& options) {
  if (options.num_threads < 1 || options.max_read_bytes < 1) {
    throw ArgumentError("open_bytes: expected at least one thread and one byte, got " +
                        std::to_string(options.num_threads) + " and " +
                        std::to_string(options.max_read_bytes));
  }
  auto input = std::make_unique<RawInput>(path, options.max_read_bytes);
  // 18 bytes tell BGZF from other gzip, and peeking uses up nothing: a pipe can be looked at, too.
  const std::string_view head = input->peek(18);
  if (head.substr(0, 2) == "\x1f\x8b") {
    // Blocks are independent, so several threads inflate them; a plain gzip stream is one long
    // dependence, and a second thread can only read ahead.
    if (options.num_threads > 1 && bgzf_block_bytes(head) > 0 && choose_inflate().has_blocks) {
      return std::make_unique<BgzfSource>(std::move(input), options.num_threads);
    }
    auto source = std::make_unique<GzipSource>(std::move(input));
    if (options.num_threads == 1) return source;
    return std::make_unique<ReadAheadSource>(std::move(source));
  }
  if (head.starts_with(kZstdMagic)) {
    auto source = open_zstd(std::move(input));
    if (options.num_threads == 1) return source;
    return std::make_unique<ReadAheadSource>(std::move(source));
  }
  if (path != "-" && head.substr(0, 4) == "PK\3\4") return open_artifact(path);
  if (const std::string_view name = other_compression(head); !name.empty()) {
    throw ParseError({path, -1, -1, 0}, "a plain, gzip, BGZF or zstd file",
                     std::string(name) + " data; decompress it first", ErrorKind::kContainer);
  }
  return std::make_unique<PlainSource>(std::move(input));
}

std::string read_all(const std::string& path, uint64_t limit_bytes) {
  constexpr size_t kFirstBytes = size_t{1} << 16;
  const auto source = open_bytes(path);
  // A plain file tells its size, so that it is read into one allocation.
  std::error_code no_size;
  const auto file_bytes =
      source->container() == Container::kPlain ? std::filesystem::file_size(path, no_size) : 0;
  std::string content;
  if (!no_size && file_bytes <= limit_bytes) content.resize(static_cast<size_t>(file_bytes) + 1);
  size_t size = 0;
  while (true) {
    // One byte more than the file is asked for, so that its end shows without another allocation;
    // twice as much each time where the size is not known.
    if (size == content.size()) content.resize(std::max(kFirstBytes, 2 * size));
    const size_t got = source->read(content.data() + size, content.size() - size);
    if (got == 0) break;
    size += got;
    // After the read: a stream tells its size only by ending.
    if (size > limit_bytes) {
      throw ParseError({path, -1, -1, static_cast<int64_t>(limit_bytes)},
                       "at most " + std::to_string(limit_bytes) + " bytes of content", "more",
                       ErrorKind::kResource);
    }
  }
  content.resize(size);
  return content;
}

}  // namespace deepbio::io
