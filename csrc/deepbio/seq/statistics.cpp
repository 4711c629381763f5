#include "deepbio/seq/statistics.h"

#include <algorithm>

namespace deepbio::seq {
namespace {

// The length at which records at least as long hold half of all bases.
int64_t n50(const std::vector<int64_t>& sorted, int64_t bases) {
  int64_t sum = 0;
  for (size_t i = sorted.size(); i-- > 0;) {
    sum += sorted[i];
    if (2 * sum >= bases) return sorted[i];
  }
  return 0;
}

double median(const std::vector<int64_t>& sorted) {
  if (sorted.empty()) return 0;
  const size_t middle = sorted.size() / 2;
  const auto upper = static_cast<double>(sorted[middle]);
  return sorted.size() % 2 ? upper : (static_cast<double>(sorted[middle - 1]) + upper) / 2;
}

}  // namespace

void ReadStatistics::add(const io::RecordView& record) {
  lengths.push_back(static_cast<int64_t>(record.sequence.size()));
  bases += lengths.back();
  for (const unsigned char letter : record.sequence) ++letters[letter];
  for (const unsigned char quality : record.quality) {
    lowest_quality = std::min(lowest_quality, quality);
    highest_quality = std::max(highest_quality, quality);
    quality_sum += quality;
  }
  qualities += static_cast<int64_t>(record.quality.size());
}

int64_t ReadStatistics::count(const char* of) const {
  int64_t sum = 0;
  for (; *of; ++of) sum += letters[static_cast<unsigned char>(*of)];
  return sum;
}

// Phred+33 reaches below ';' (59), which Phred+64 and Solexa never use; those end at 'h' (104),
// with 'i' (105) seen now and then. HiFi and duplex reads have high bytes only, up to '~' (126).
int ReadStatistics::quality_offset() const {
  return lowest_quality >= 59 && highest_quality > 74 && highest_quality <= 105 ? 64 : 33;
}

std::string ReadStatistics::quality_warning() const {
  if (qualities == 0 || quality_offset() != 64) return "";
  return "qualities look like Phred+64 (Illumina 1.3 to 1.7); readers take them for Phred+33 "
         "unless quality_offset is 64";
}

Json ReadStatistics::to_json() const {
  std::vector<int64_t> sorted = lengths;
  std::sort(sorted.begin(), sorted.end());
  const auto records = static_cast<int64_t>(sorted.size());
  const auto share = [&](const char* of) {
    return bases ? static_cast<double>(count(of)) / static_cast<double>(bases) : 0.0;
  };
  Json out(Json::Object{
      {"records", records},
      {"bases", bases},
      {"min_length_bp", records ? sorted.front() : int64_t{0}},
      {"mean_length_bp", records ? static_cast<double>(bases) / static_cast<double>(records) : 0.0},
      {"median_length_bp", median(sorted)},
      {"max_length_bp", records ? sorted.back() : int64_t{0}},
      {"n50_bp", n50(sorted, bases)},
      {"gc_share", share("GCgcSs")},
      {"n_share", share("Nn")}});
  if (qualities > 0) {
    const double mean = static_cast<double>(quality_sum) / static_cast<double>(qualities);
    out.set("mean_quality", mean - quality_offset());
    out.set("quality_offset", quality_offset());
  }
  return out;
}

}  // namespace deepbio::seq
