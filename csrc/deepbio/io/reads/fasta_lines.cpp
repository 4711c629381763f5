// The sequence of a FASTA record with its line ends taken out, in one piece of memory that is kept
// from record to record. A chromosome has millions of lines: they are joined by the vector kernels
// straight from the window into place.
#include "deepbio/io/reads/fasta_lines.h"

#include <algorithm>
#include <cstring>
#include <new>

#include <sys/mman.h>

namespace deepbio::io {

FastaLines::FastaLines(uint64_t max_bytes, Simd simd)
    // Half of SIZE_MAX: sums of sizes below never wrap.
    : max_bytes_(static_cast<size_t>(std::min<uint64_t>(max_bytes, SIZE_MAX / 2))),
      kernels_(&text_kernels(simd)) {}

char* FastaLines::room_for(size_t size) {
  // Doubling, but not beyond the limit of a record: a genome near it should not be given twice its
  // size. kJoinSlack is what the kernels may write past the end.
  constexpr size_t kFirstCapacity = size_t{1} << 16;
  if (size_ + size > capacity_) {
    const size_t capacity =
        std::max({std::min(2 * capacity_, max_bytes_ + kJoinSlack), size_ + size, kFirstCapacity});
    // realloc moves large blocks by page tables, not by copying them.
    auto* data = static_cast<char*>(std::realloc(data_.get(), capacity));
    if (data == nullptr) throw std::bad_alloc();
    static_cast<void>(data_.release());
    data_.reset(data);
    capacity_ = capacity;
  }
  touch(size_ + size);
  return data_.get() + size_;
}

// Has the kernel map new memory many pages at a time: a fault for each page of a chromosome would
// cost a third of what joining its lines does. Nothing depends on it, so a kernel that cannot is no
// error.
void FastaLines::touch(size_t size) {
#ifdef MADV_POPULATE_WRITE
  constexpr size_t kPage = 4096, kStep = size_t{1} << 17, kLarge = size_t{1} << 22;
  while (capacity_ >= kLarge && touched_ < size) {
    const auto begin = reinterpret_cast<uintptr_t>(data_.get()) + touched_;
    const uintptr_t first = (begin + kPage - 1) / kPage * kPage;
    const size_t step = std::min(kStep, capacity_ - touched_);
    const uintptr_t last = (begin + step) / kPage * kPage;
    if (first < last)
      static_cast<void>(
          ::madvise(reinterpret_cast<void*>(first), last - first, MADV_POPULATE_WRITE));
    touched_ += step;
  }
#else
  static_cast<void>(size);
#endif
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
