// BED, peaks, GTF and GFF3: every interval has a place, a chromosome and a strand, and its line a
// cell in each column.
#include "parse_input.h"

#include "deepbio/io/tables/intervals.h"

using namespace deepbio;

namespace {

bool is_sound(const io::Intervals& intervals, size_t i) {
  const auto chromosome = static_cast<size_t>(intervals.chromosome[i]);
  return intervals.starts[i] >= 0 && intervals.starts[i] < intervals.ends[i] &&
         chromosome < intervals.names().size() &&
         std::string_view("+-.").find(intervals.strands[i]) != std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  fuzz::read_input(text, "", [](const std::string& path) {
    const io::Intervals intervals = io::Intervals::read(path);
    const auto count = static_cast<size_t>(intervals.size());
    for (size_t i = 0; i < count; ++i) {
      if (!is_sound(intervals, i)) __builtin_trap();
    }
    if (!intervals.summits.empty() && intervals.summits.size() != count) __builtin_trap();
    for (const std::string& column : intervals.columns()) {
      if (intervals.values(column).size() != count) __builtin_trap();
      (void)intervals.numbers(column);
    }
  });
  return 0;
}
