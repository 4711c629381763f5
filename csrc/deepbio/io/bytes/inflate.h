// Raw deflate data (RFC 1951) to bytes, by the fastest library that was found when the project was
// configured.
//
//   zlib        always there; every byte of a damaged stream up to the damage comes out
//   libdeflate  whole blocks at once, about twice as fast: BGZF blocks; other gzip data goes to
//               zlib
//   isal        streams, about twice as fast, on x86-64 and arm64
// The choice is made when a file is opened: libdeflate for BGZF and isal for other gzip where they
// are built in, or what the environment variable DEEPBIO_INFLATE names. All give the same bytes;
// the caller checks CRC and length. Private to `gzip`. Threads: an Inflater belongs to one thread
// at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace deepbio::io {

enum class InflateLibrary { kZlib, kLibdeflate, kIsal };
std::string_view to_string(InflateLibrary library);
// Built in, zlib first.
std::vector<InflateLibrary> inflate_libraries();

struct InflateChoice {
  InflateLibrary stream = InflateLibrary::kZlib;  // zlib or isal
  bool has_blocks = false;                        // whole blocks by libdeflate
};
// From DEEPBIO_INFLATE. throws ArgumentError for a name that is unknown or not built in, with those
// that are.
InflateChoice choose_inflate();

class Inflater {
 public:
  struct Step {
    size_t used = 0;  // bytes of the input that are done with; at the end of the stream no byte
                      // more than it has
    size_t made = 0;
    bool is_end = false;
    const char* failure = nullptr;  // what is wrong with the data
    // Of run_to_block(): a deflate block begins so many bits before the end of `used`.
    int64_t block_bits = -1;
  };

  virtual ~Inflater();
  virtual void reset() = 0;
  // Bytes that were not used are given again, before new ones, in the next call.
  virtual Step run(std::string_view input, char* out, size_t size) = 0;
  // The same, slower; returns with block_bits as soon as it is at the beginning of a block.
  // zlib sees each one; isal most of them, so that a caller asks again.
  virtual Step run_to_block(std::string_view input, char* out, size_t size) = 0;
  virtual uint32_t crc32(uint32_t crc, const char* data, size_t size) const = 0;
};
// zlib or isal.
std::unique_ptr<Inflater> make_inflater(InflateLibrary library);

// A whole deflate stream into exactly `size` bytes by libdeflate.
class BlockInflater {
 public:
  BlockInflater();
  ~BlockInflater();
  BlockInflater(const BlockInflater&) = delete;
  BlockInflater& operator=(const BlockInflater&) = delete;
  // False when the data is damaged, or is not all of input, or not exactly size bytes with this
  // CRC.
  bool run(std::string_view input, char* out, size_t size, uint32_t crc);

 private:
  struct Library;
  std::unique_ptr<Library> library_;
};

}  // namespace deepbio::io
