// A record is parsed from one piece of memory, so the window grows until it holds one. Parsed text
// is dropped by moving a pointer, and the rest moves to the front only when more is read.
#include "deepbio/io/bytes/text_window.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "deepbio/base/error.h"

namespace deepbio::io {
namespace {

constexpr size_t kFirstCapacity = size_t{1} << 19;  // stays in the second-level cache

}  // namespace

TextWindow::TextWindow(std::unique_ptr<ByteSource> source, uint64_t max_bytes)
    : source_(std::move(source)),
      // One byte more than a record may have: a window that is full then means that the record is
      // too large.
      max_capacity_(static_cast<size_t>(std::min<uint64_t>(max_bytes, SIZE_MAX - 1)) + 1) {}

void TextWindow::make_room() {
  if (begin_ > 0) {
    std::memmove(data_.get(), data_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  // Moving has freed some.
  if (end_ < capacity_) return;
  const size_t capacity = std::min(std::max(2 * capacity_, kFirstCapacity), max_capacity_);
  if (capacity <= capacity_) return;
  // realloc moves large blocks by page tables, not by copying them.
  auto* data = static_cast<char*>(std::realloc(data_.get(), capacity));
  if (data == nullptr) throw std::bad_alloc();
  static_cast<void>(data_.release());
  data_.reset(data);
  capacity_ = capacity;
}

bool TextWindow::more() {
  if (is_end_) return false;
  make_room();
  const size_t before = end_;
  try {
    while (end_ < capacity_) {
      const size_t got = source_->read(data_.get() + end_, capacity_ - end_);
      if (got == 0) {
        is_end_ = true;
        break;
      }
      end_ += got;
    }
  } catch (const ParseError&) {
    if (end_ == before) throw;  // otherwise the source says it again when this text is used up
  }
  return end_ > before;
}

void TextWindow::read_through(uint64_t max_bytes) {
  if (source_->container() == Container::kPlain || is_end_) return;
  // For damage that only a checksum at the end shows: the bytes themselves are not wanted.
  std::vector<char> scratch(kFirstCapacity);
  for (uint64_t size = 0; size < max_bytes;) {
    const size_t got = source_->read(scratch.data(), scratch.size());
    if (got == 0) break;
    size += got;
  }
}

}  // namespace deepbio::io
