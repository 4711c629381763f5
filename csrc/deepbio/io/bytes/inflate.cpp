#include "deepbio/io/bytes/inflate.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include <zlib.h>
#ifdef DEEPBIO_WITH_LIBDEFLATE
#include <libdeflate.h>
#endif
#ifdef DEEPBIO_WITH_ISAL
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#endif

#include "deepbio/base/error.h"

namespace deepbio::io {
namespace {

constexpr size_t kMostAtOnce = size_t{1} << 30;  // fits the 32-bit counters of the libraries

class ZlibInflater : public Inflater {
 public:
  ZlibInflater() {
    if (inflateInit2(&stream_, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  ~ZlibInflater() override { inflateEnd(&stream_); }
  void reset() override { inflateReset(&stream_); }

  Step run(std::string_view input, char* out, size_t size) override {
    return step(input, out, size, Z_NO_FLUSH);
  }

  Step run_to_block(std::string_view input, char* out, size_t size) override {
    Step done = step(input, out, size, Z_BLOCK);
    // What zlib.h says about data_type: bit 7 right after a block, bit 6 in the last block, the
    // lowest three bits the unused bits of the last byte.
    constexpr int kIsBetweenBlocks = 128, kIsLastBlock = 64, kNumUnusedBits = 7;
    const bool is_between =
        (stream_.data_type & kIsBetweenBlocks) != 0 && (stream_.data_type & kIsLastBlock) == 0;
    if (is_between && done.failure == nullptr && !done.is_end)
      done.block_bits = stream_.data_type & kNumUnusedBits;
    return done;
  }

  uint32_t crc32(uint32_t crc, const char* data, size_t size) const override {
    return static_cast<uint32_t>(
        // Pieces are at most kMostAtOnce, so the length fits.
        ::crc32(crc, reinterpret_cast<const Bytef*>(data), static_cast<uInt>(size)));
  }

 private:
  Step step(std::string_view input, char* out, size_t size, int flush) {
    const auto given = static_cast<uInt>(std::min(input.size(), kMostAtOnce));
    const auto room = static_cast<uInt>(std::min(size, kMostAtOnce));
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = given;
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = room;
    const int code = inflate(&stream_, flush);
    if (code == Z_MEM_ERROR) throw std::bad_alloc();
    Step done{given - stream_.avail_in, room - stream_.avail_out, code == Z_STREAM_END};
    // Z_BUF_ERROR means only that more input or more space is needed.
    if (code != Z_OK && code != Z_BUF_ERROR && !done.is_end) {
      done.failure = stream_.msg != nullptr ? stream_.msg : "damaged data";
    }
    return done;
  }

  z_stream stream_{};
};

#ifdef DEEPBIO_WITH_ISAL
// ISA-L 2.30 returns with the upper halves of the vector registers in use, which halves the speed
// of all SSE code that the thread runs from then on.
#if defined(__x86_64__)
__attribute__((target("avx"))) void clear_upper_halves() { __builtin_ia32_vzeroupper(); }
#endif

void leave_isal() {
#if defined(__x86_64__)
  static const bool has_avx = __builtin_cpu_supports("avx");
  if (has_avx) clear_upper_halves();
#endif
}

class IsalInflater : public Inflater {
 public:
  IsalInflater() { reset(); }
  void reset() override {
    isal_inflate_init(&state_);
    // Bare deflate: header, trailer and checksum are GzipSource's.
    state_.crc_flag = ISAL_DEFLATE;
    held_ = searched_ = 0;
  }

  // The library takes up to eight bytes more than it has decoded into a register. Those are not
  // counted as used, so that what follows the stream is still there at its end; given again, they
  // are passed over.
  Step run(std::string_view input, char* out, size_t size) override {
    const auto given = static_cast<uint32_t>(std::min(input.size() - held_, kMostAtOnce));
    const auto room = static_cast<uint32_t>(std::min(size, kMostAtOnce));
    state_.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(input.data() + held_));
    state_.avail_in = given;
    state_.next_out = reinterpret_cast<uint8_t*>(out);
    state_.avail_out = room;
    const int code = isal_inflate(&state_);
    leave_isal();
    // What it took, and of that what is still whole bytes in its register.
    const size_t taken = held_ + given - state_.avail_in;
    held_ = std::min(taken, static_cast<size_t>(state_.read_in_length) / 8);
    Step step{taken - held_, room - state_.avail_out, state_.block_state == ISAL_BLOCK_FINISH};
    if (code == ISAL_INVALID_BLOCK) step.failure = "invalid block type or stored length";
    if (code == ISAL_INVALID_SYMBOL) step.failure = "invalid code";
    if (code == ISAL_INVALID_LOOKBACK) step.failure = "invalid distance too far back";
    if (code < 0 && step.failure == nullptr) step.failure = "damaged data";
    return step;
  }

  // The library goes over the beginning of a block without a stop. But it keeps a header that the
  // input cuts, with the bits before it, so that small pieces of input end in nearly every header
  // of a block with its own codes. Headers of three bits, which few programs write, need pieces of
  // a byte: those take turns with the larger ones.
  Step run_to_block(std::string_view input, char* out, size_t size) override {
    constexpr size_t kPiece = 24, kTurn = size_t{1} << 16, kTurns = 16;
    Step done;
    while (true) {
      const size_t piece = searched_ / kTurn % kTurns < kTurns - 1 ? kPiece : 1;
      const size_t held_before = held_;
      const Step step =
          run(input.substr(done.used, held_ + piece), out + done.made, size - done.made);
      done.used += step.used;
      done.made += step.made;
      done.is_end = step.is_end;
      done.failure = step.failure;
      searched_ += step.used;
      const bool is_all_given = state_.tmp_out_valid == state_.tmp_out_processed;
      if (state_.block_state == ISAL_BLOCK_HDR && is_all_given && step.failure == nullptr) {
        done.block_bits =
            8 * (state_.tmp_in_size - static_cast<int64_t>(held_)) + state_.read_in_length;
        searched_ = 0;
        return done;
      }
      const bool is_stuck = step.used == 0 && step.made == 0 && held_ == held_before;
      if (is_stuck || step.is_end || step.failure != nullptr || done.made == size ||
          done.used + held_ >= input.size()) {
        return done;
      }
    }
  }

  uint32_t crc32(uint32_t crc, const char* data, size_t size) const override {
    const uint32_t found = crc32_gzip_refl(crc, reinterpret_cast<const unsigned char*>(data), size);
    leave_isal();
    return found;
  }

 private:
  inflate_state state_;
  size_t held_ = 0;
  size_t searched_ = 0;  // input of run_to_block() since the block before
};
#endif

}  // namespace

Inflater::~Inflater() = default;

std::string_view to_string(InflateLibrary library) {
  constexpr std::string_view kNames[] = {"zlib", "libdeflate", "isal"};
  return kNames[static_cast<int>(library)];
}

std::vector<InflateLibrary> inflate_libraries() {
  std::vector<InflateLibrary> found{InflateLibrary::kZlib};
#ifdef DEEPBIO_WITH_LIBDEFLATE
  found.push_back(InflateLibrary::kLibdeflate);
#endif
#ifdef DEEPBIO_WITH_ISAL
  found.push_back(InflateLibrary::kIsal);
#endif
  return found;
}

InflateChoice choose_inflate() {
  const std::vector<InflateLibrary> found = inflate_libraries();
  const auto has = [&found](InflateLibrary library) {
    return std::find(found.begin(), found.end(), library) != found.end();
  };
  const char* wanted = std::getenv("DEEPBIO_INFLATE");
  if (wanted == nullptr || *wanted == '\0') {
    return {has(InflateLibrary::kIsal) ? InflateLibrary::kIsal : InflateLibrary::kZlib,
            has(InflateLibrary::kLibdeflate)};
  }
  std::string names;
  for (const InflateLibrary library : found) {
    if (to_string(library) == wanted) {
      const bool streams = library != InflateLibrary::kLibdeflate;
      return {streams ? library : InflateLibrary::kZlib, !streams};
    }
    names += (names.empty() ? "" : ", ") + std::string(to_string(library));
  }
  throw ArgumentError("DEEPBIO_INFLATE: expected one of " + names + " (built in here), got " +
                      quoted(wanted));
}

std::unique_ptr<Inflater> make_inflater(InflateLibrary library) {
#ifdef DEEPBIO_WITH_ISAL
  if (library == InflateLibrary::kIsal) return std::make_unique<IsalInflater>();
#endif
  if (library != InflateLibrary::kZlib) {
    throw ArgumentError("inflate: " + std::string(to_string(library)) +
                        " does not stream, or is not built in");
  }
  return std::make_unique<ZlibInflater>();
}

#ifdef DEEPBIO_WITH_LIBDEFLATE
struct BlockInflater::Library {
  libdeflate_decompressor* decompressor = libdeflate_alloc_decompressor();
  Library() {
    if (decompressor == nullptr) throw std::bad_alloc();
  }
  ~Library() { libdeflate_free_decompressor(decompressor); }
};

bool BlockInflater::run(std::string_view input, char* out, size_t size, uint32_t crc) {
  size_t used = 0, made = 0;
  const libdeflate_result result = libdeflate_deflate_decompress_ex(
      library_->decompressor, input.data(), input.size(), out, size, &used, &made);
  // The whole input must make exactly this many bytes: a block with data after its end, or with
  // less than its trailer says, is damaged.
  return result == LIBDEFLATE_SUCCESS && used == input.size() && made == size &&
         libdeflate_crc32(0, out, size) == crc;
}
#else
struct BlockInflater::Library {};
bool BlockInflater::run(std::string_view, char*, size_t, uint32_t) { return false; }
#endif

BlockInflater::BlockInflater() : library_(std::make_unique<Library>()) {}
BlockInflater::~BlockInflater() = default;

}  // namespace deepbio::io
