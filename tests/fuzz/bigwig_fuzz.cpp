// bigWig: a sound file with other bytes here and there; values lie inside of the positions that are
// asked for.
#include <vector>

#include "changed_bytes.h"
#include "io/tables/bigwig_bytes.h"
#include "parse_input.h"

#include "deepbio/io/tables/bigwig.h"

using namespace deepbio;

namespace {

void read_track(const std::string& path) {
  const auto track = io::open_bigwig(path);
  std::vector<float> values(1000);
  for (size_t i = 0; i < track->chromosomes().size(); ++i) {
    const auto chromosome = static_cast<int64_t>(i);
    for (const int64_t start : {0, 5, 1000})
      track->fill(chromosome, start, start + static_cast<int64_t>(values.size()), values.data());
    track->for_each(chromosome, [](int64_t start, int64_t end, float) {
      if (start < 0 || start >= end) __builtin_trap();
    });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const bool is_deflated = size % 2 == 1;
  fuzz::read_input(fuzz::changed_bytes(test::bigwig_by_hand(is_deflated), data, size), ".bw",
                   read_track);
  return 0;
}
