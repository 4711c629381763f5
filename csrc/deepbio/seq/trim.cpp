// Transforms that shorten a read or hide bases by quality or adapter. Each only narrows the view of
// the read; masking is the one that writes.
#include "deepbio/seq/trim.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "deepbio/base/error.h"

namespace deepbio::seq {
namespace {

constexpr int kPhredOffset = 33, kHighestScore = 93;

char lowest_byte(int64_t threshold) {
  if (threshold < 0 || threshold > kHighestScore) {
    throw ArgumentError("threshold: expected a Phred score of 0 to 93, got " +
                        std::to_string(threshold));
  }
  return static_cast<char>(threshold + kPhredOffset);
}

}  // namespace

EndTrimmer::EndTrimmer(int64_t threshold) : lowest_(lowest_byte(threshold)) {}

bool EndTrimmer::apply(Read& read) const {
  need_quality(read, "EndTrimmer");
  const std::string_view quality = read.quality();
  size_t begin = 0, end = quality.size();
  while (begin < end && quality[begin] < lowest_) ++begin;
  while (end > begin && quality[end - 1] < lowest_) --end;
  read.keep(begin, end - begin);
  return true;
}

WindowTrimmer::WindowTrimmer(int64_t threshold, int64_t width)
    : threshold_(threshold), width_(width) {
  lowest_byte(threshold);
  if (width < 1) throw ArgumentError("width: expected at least 1, got " + std::to_string(width));
}

bool WindowTrimmer::apply(Read& read) const {
  need_quality(read, "WindowTrimmer");
  const std::string_view quality = read.quality();
  const auto size = static_cast<int64_t>(quality.size());
  // The mean over a window is compared as a sum, in integers: no rounding decides whether a base
  // stays. A read shorter than the window is one window.
  const int64_t width = std::min(width_, size), needed = (threshold_ + kPhredOffset) * width;
  int64_t sum = 0;
  for (int64_t i = 0; i < size; ++i) {
    sum += quality[static_cast<size_t>(i)];
    if (i >= width) sum -= quality[static_cast<size_t>(i - width)];
    // The read ends where the first bad window begins, not where it becomes bad: the good bases at
    // its beginning share its mean.
    if (i >= width - 1 && sum < needed) {
      read.keep(0, static_cast<size_t>(i - width + 1));
      return true;
    }
  }
  return true;
}

AdapterTrimmer::AdapterTrimmer(std::string adapter, double max_error_rate, int64_t min_overlap)
    : adapter_(std::move(adapter)),
      max_error_rate_(max_error_rate),
      min_overlap_(static_cast<size_t>(min_overlap)) {
  if (adapter_.empty()) throw ArgumentError("adapter: expected letters, got none");
  for (char& letter : adapter_)
    letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  if (min_overlap < 1 || min_overlap_ > adapter_.size()) {
    throw ArgumentError("min_overlap: expected 1 to " + std::to_string(adapter_.size()) + ", got " +
                        std::to_string(min_overlap));
  }
  if (!(max_error_rate >= 0 && max_error_rate < 1)) {
    throw ArgumentError("max_error_rate: expected 0 to below 1, got " +
                        std::to_string(max_error_rate));
  }
}

bool AdapterTrimmer::apply(Read& read) const {
  const std::string_view sequence = read.sequence();
  for (size_t begin = 0; begin + min_overlap_ <= sequence.size(); ++begin) {
    // At the end of the read only the beginning of the adapter is there; fewer than min_overlap
    // letters would match by chance.
    const size_t compared = std::min(adapter_.size(), sequence.size() - begin);
    const auto allowed = static_cast<size_t>(max_error_rate_ * static_cast<double>(compared));
    size_t differing = 0;
    for (size_t i = 0; i < compared && differing <= allowed; ++i) {
      const char letter = static_cast<char>(sequence[begin + i] & ~0x20);
      differing += letter != adapter_[i] && adapter_[i] != 'N';
    }
    if (differing <= allowed) {
      read.keep(0, begin);
      return true;
    }
  }
  return true;
}

QualityMasker::QualityMasker(int64_t threshold) : lowest_(lowest_byte(threshold)) {}

bool QualityMasker::apply(Read& read) const {
  need_quality(read, "QualityMasker");
  const std::string_view quality = read.quality();
  const std::span<char> letters = read.writable_sequence();
  for (size_t i = 0; i < letters.size(); ++i) letters[i] = quality[i] < lowest_ ? 'N' : letters[i];
  return true;
}

}  // namespace deepbio::seq
