// FASTA and FASTQ, plain, as one gzip member or as BGZF. A record is refused when reading it back
// would give another one: white space in a name, line ends in a title, a letter that is none.
#include "deepbio/io/reads/fastx_writer.h"

#include <algorithm>
#include <array>
#include <optional>

#include <zlib.h>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/bgzf_writer.h"
#include "deepbio/io/reads/fastq_record.h"

namespace deepbio::io {
namespace {

// One gzip member.
class GzipWriter {
 public:
  explicit GzipWriter(int level) {
    // 16 more than the window bits asks zlib for gzip framing.
    if (deflateInit2(&stream_, level, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
      throw Error("zlib: deflateInit2 failed");
    }
  }
  GzipWriter(const GzipWriter&) = delete;
  GzipWriter& operator=(const GzipWriter&) = delete;
  ~GzipWriter() { deflateEnd(&stream_); }

  void write(std::string_view bytes, bool is_last, OutputFile& file) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
      stream_.avail_out = static_cast<uInt>(buffer_.size());
      deflate(&stream_, is_last ? Z_FINISH : Z_NO_FLUSH);
      file.write({buffer_.data(), buffer_.size() - stream_.avail_out});
      // A full buffer may not be all of it; one that is not full is.
    } while (stream_.avail_out == 0);
  }

 private:
  z_stream stream_{};
  std::array<char, size_t{1} << 16> buffer_;
};

[[noreturn]] void refuse(int64_t record, const std::string& what) {
  throw ArgumentError("FastxWriter: record " + std::to_string(record) + ": " + what);
}

void check_record(const Record& record, Format format, int64_t number) {
  constexpr std::string_view kNotInTitle("\n\r\0", 3), kNotInName("\n\r\0 \t", 5);
  if (record.name.find_first_of(kNotInName) != std::string::npos) {
    refuse(number, "expected a name without white space or NUL, got " + quoted(record.name));
  }
  if (record.description.find_first_of(kNotInTitle) != std::string::npos) {
    refuse(number,
           "expected a description without line ends or NUL, got " + quoted(record.description));
  }
  if (!is_sequence_text(record.sequence)) {
    refuse(number,
           "expected a sequence of letters, '*', '-' or '.', got " + quoted(record.sequence));
  }
  if (format == Format::kFasta) return;
  if (record.quality.size() != record.sequence.size()) {
    refuse(number, "expected " + std::to_string(record.sequence.size()) + " quality bytes, got " +
                       std::to_string(record.quality.size()));
  }
  if (!std::all_of(record.quality.begin(), record.quality.end(),
                   [](char c) { return c >= '!' && c <= '~'; })) {
    refuse(number, "expected quality bytes from '!' to '~', got " + quoted(record.quality));
  }
}

FastxWriterOptions checked(FastxWriterOptions options) {
  if (options.format == Format::kBam)
    throw ArgumentError("FastxWriter: expected format fasta or fastq, got bam");
  if (options.level < 0 || options.level > 9) {
    throw ArgumentError("FastxWriter: expected level 0..9, got " + std::to_string(options.level));
  }
  if (options.width < 0) {
    throw ArgumentError("FastxWriter: expected width 0 or more, got " +
                        std::to_string(options.width));
  }
  if (options.write_block_index && options.container != Container::kBgzf) {
    throw ArgumentError("FastxWriter: write_block_index needs container bgzf, got " +
                        std::string(to_string(options.container)));
  }
  return options;
}

}  // namespace

struct FastxWriter::State {
  State(const std::string& target, FastxWriterOptions chosen)
      : path(target), options(checked(chosen)), file(target, options.overwrite) {
    // Before the first byte is written: both names must be free.
    if (options.write_block_index) refuse_existing(path + ".gzi", options.overwrite);
    if (options.container == Container::kGzip) gzip = std::make_unique<GzipWriter>(options.level);
    if (options.container == Container::kBgzf) {
      bgzf.emplace([this](std::string_view bytes) { file.write(bytes); }, options.level);
    }
  }

  void write(std::string_view text) {
    if (bgzf) {
      bgzf->write(text);
    } else if (gzip) {
      constexpr size_t kPiece = size_t{1} << 30;  // zlib counts in 32 bits
      for (; !text.empty(); text.remove_prefix(std::min(kPiece, text.size()))) {
        gzip->write(text.substr(0, kPiece), false, file);
      }
    } else {
      file.write(text);
    }
  }

  void commit() {
    if (bgzf) bgzf->finish();
    if (gzip) gzip->write({}, true, file);
    // The index after the file: without it the file is good, alone it is nothing.
    file.commit();
    if (options.write_block_index)
      write_file(path + ".gzi", bgzf->block_index(), options.overwrite);
  }

  std::string path;
  FastxWriterOptions options;
  OutputFile file;
  std::unique_ptr<GzipWriter> gzip;
  std::optional<BgzfWriter> bgzf;
  int64_t num_records = 0;
  uint64_t num_bytes = 0;
  bool is_committed = false;
};

FastxWriter::FastxWriter(const std::string& path, FastxWriterOptions options)
    : state_(std::make_unique<State>(path, options)) {}
FastxWriter::~FastxWriter() = default;
FastxWriter::FastxWriter(FastxWriter&&) noexcept = default;

void FastxWriter::write(const Record& record) {
  State& state = *state_;
  if (state.is_committed) throw WriteError(state.path + ": writing after commit");
  check_record(record, state.options.format, state.num_records);
  const std::string text = state.options.format == Format::kFasta
                               ? to_fasta(record, state.options.width)
                               : to_fastq(record);
  state.write(text);
  state.num_bytes += text.size();
  ++state.num_records;
}

uint64_t FastxWriter::offset() const {
  return state_->bgzf ? state_->bgzf->virtual_offset() : state_->num_bytes;
}

void FastxWriter::commit() {
  if (state_->is_committed) throw WriteError(state_->path + ": committed twice");
  state_->is_committed = true;
  state_->commit();
}

}  // namespace deepbio::io
