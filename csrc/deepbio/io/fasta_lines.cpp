#include "deepbio/io/fasta_lines.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

// The compiler makes one version per instruction set and the loader picks one; sanitizers cannot follow that.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define DEEPBIO_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DEEPBIO_CLONES
#endif

namespace deepbio::io {
namespace {

const char* find_byte(const char* begin, const char* end, char byte) {
  return static_cast<const char*>(std::memchr(begin, byte, static_cast<size_t>(end - begin)));
}

// Letters, '*', '-', '.' and line ends. Without branches, so that it becomes vector code.
DEEPBIO_CLONES bool are_sequence_lines(const char* text, size_t size) {
  unsigned char bad = 0;
  for (size_t i = 0; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto letter = static_cast<unsigned char>((byte | 0x20) - 'a');
    bad |= static_cast<unsigned char>((letter > 25) & (byte != '*') & (byte != '-') & (byte != '.') & (byte != '\n'));
  }
  return bad == 0;
}

}  // namespace

std::string_view FastaLines::plain_block(std::string_view text) {
  text = text.substr(0, kBlockBytes);
  text = text.substr(0, text.find('>'));
  const size_t last = text.rfind('\n');
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

char* FastaLines::room_for(size_t size) {
  if (size_ + size > capacity_) {
    const size_t capacity = std::max({2 * capacity_, size_ + size, kBlockBytes});
    std::unique_ptr<char[]> data(new char[capacity]);
    if (size_ > 0) std::memcpy(data.get(), data_.get(), size_);
    data_ = std::move(data);
    capacity_ = capacity;
  }
  return data_.get() + size_;
}

void FastaLines::append(std::string_view line) {
  if (line.empty()) return;
  std::memcpy(room_for(line.size()), line.data(), line.size());
  size_ += line.size();
}

int64_t FastaLines::append_block(std::string_view block) {
  if (!are_sequence_lines(block.data(), block.size())) return -1;
  char* out = room_for(block.size());
  int64_t num_lines = 0;
  const char *at = block.data(), *const end = at + block.size();
  while (at < end) {
    const char* stop = find_byte(at, end, '\n');
    const auto size = static_cast<size_t>(stop - at);
    std::memcpy(out, at, size);
    out += size;
    at = stop + 1;
    ++num_lines;
  }
  size_ = static_cast<size_t>(out - data_.get());
  return num_lines;
}

}  // namespace deepbio::io
