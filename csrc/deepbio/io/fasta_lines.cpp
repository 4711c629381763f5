#include "deepbio/io/fasta_lines.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace deepbio::io {

FastaLines::FastaLines(uint64_t max_bytes, Simd simd)
    : max_bytes_(static_cast<size_t>(std::min<uint64_t>(max_bytes, SIZE_MAX / 2))), kernels_(&text_kernels(simd)) {}

char* FastaLines::room_for(size_t size) {
  constexpr size_t kFirstCapacity = size_t{1} << 16;
  if (size_ + size > capacity_) {
    const size_t capacity = std::max({std::min(2 * capacity_, max_bytes_ + kJoinSlack), size_ + size, kFirstCapacity});
    // realloc moves large blocks by page tables, not by copying them.
    auto* data = static_cast<char*>(std::realloc(data_.get(), capacity));
    if (data == nullptr) throw std::bad_alloc();
    static_cast<void>(data_.release());
    data_.reset(data);
    capacity_ = capacity;
  }
  return data_.get() + size_;
}

void FastaLines::append(std::string_view line) {
  if (line.empty()) return;
  std::memcpy(room_for(line.size()), line.data(), line.size());
  size_ += line.size();
}

FastaLines::Taken FastaLines::append_lines(std::string_view text) {
  char* const out = room_for(text.size() + kJoinSlack);
  const JoinedLines joined = kernels_->join_lines(text.data(), text.data() + text.size(), out);
  size_ += static_cast<size_t>(joined.out - out);
  return {static_cast<size_t>(joined.in - text.data()), joined.num_lines};
}

}  // namespace deepbio::io
