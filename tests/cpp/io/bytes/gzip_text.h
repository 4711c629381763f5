// A gzip member made with zlib alone, so that the reader is not tested against this library's own
// writer.
#pragma once

#include <stdexcept>
#include <string>

#include <zlib.h>

namespace deepbio::test {

inline std::string gzip_text(const std::string& text, int level = 6,
                             int strategy = Z_DEFAULT_STRATEGY) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, MAX_WBITS + 16, 8, strategy) != Z_OK) {
    throw std::runtime_error("deflateInit2");
  }
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int code = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (code != Z_STREAM_END) throw std::runtime_error("deflate");
  return out;
}

// The text in BGZF blocks of block_bytes each, and the empty block that ends a file.
inline std::string bgzf_text(const std::string& text, size_t block_bytes) {
  const auto block = [](const std::string& part) {
    const std::string member = gzip_text(part);  // 10 bytes of header, the data, CRC and length
    const size_t size = member.size() + 8;
    std::string head = member.substr(0, 10) + std::string("\6\0BC\2\0", 6);
    head[3] = 4;
    head += static_cast<char>((size - 1) & 0xff);
    head += static_cast<char>((size - 1) >> 8);
    return head + member.substr(10);
  };
  std::string out;
  for (size_t at = 0; at < text.size(); at += block_bytes)
    out += block(text.substr(at, block_bytes));
  return out + block("");
}

}  // namespace deepbio::test
