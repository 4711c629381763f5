#include "deepbio/io/reads/statistics.h"

#include <algorithm>
#include <string>
#include <vector>

#include "catch.h"

using namespace deepbio;
using namespace deepbio::io;

CATCH_TEST_CASE("Lengths, letters and qualities are those of a plain count", "[statistics]") {
  ReadStatistics statistics;
  statistics.add({.name = "a", .sequence = "ACGTNN", .quality = "IIIIII"});
  statistics.add({.name = "b", .sequence = "gc", .quality = "!!"});
  statistics.add({.name = "c", .sequence = "AAAA", .quality = "5555"});
  const Json json = statistics.to_json();
  CATCH_CHECK(json.at("records").as_int() == 3);
  CATCH_CHECK(json.at("bases").as_int() == 12);
  CATCH_CHECK(json.at("min_length_bp").as_int() == 2);
  CATCH_CHECK(json.at("median_length_bp").as_double() == 4);
  CATCH_CHECK(json.at("mean_length_bp").as_double() == 4);
  CATCH_CHECK(json.at("n50_bp").as_int() == 6);
  CATCH_CHECK(json.at("gc_share").as_double() == Approx(4.0 / 12));
  CATCH_CHECK(json.at("n_share").as_double() == Approx(2.0 / 12));
  CATCH_CHECK(json.at("mean_quality").as_double() == Approx((6 * 40 + 0 + 4 * 20) / 12.0));
  CATCH_CHECK(statistics.quality_warning().empty());
}

CATCH_TEST_CASE("Reads of every length count as letter by letter", "[statistics]") {
  const std::string letters = "ACGTNacgtnSsRYKM*-.";
  ReadStatistics statistics;
  int64_t gc = 0, n = 0, sum = 0;
  std::vector<int64_t> lengths;
  uint32_t state = 1;
  const auto draw = [&state](uint32_t bound) {
    state = state * 1664525 + 1013904223;
    return (state >> 16) % bound;
  };
  for (const size_t size : {0, 1, 63, 64, 65, 127, 128, 129, 200, 7680, 7681, 20000, 70000}) {
    std::string sequence, quality;
    for (size_t i = 0; i < size; ++i) {
      sequence += letters[draw(static_cast<uint32_t>(letters.size()))];
      quality += static_cast<char>(i == size / 2 ? 126 : 40 + draw(60));
      gc += std::string("GCSgcs").find(sequence.back()) != std::string::npos;
      n += sequence.back() == 'N' || sequence.back() == 'n';
      sum += quality.back();
    }
    lengths.push_back(static_cast<int64_t>(size));
    statistics.add({.name = "a", .sequence = sequence, .quality = quality});
    CATCH_CHECK(statistics.num_gc == gc);
    CATCH_CHECK(statistics.num_n == n);
    CATCH_CHECK(statistics.quality_sum == sum);
    if (size > 10000) CATCH_CHECK(statistics.lowest_quality == 40);
    if (size > 0) CATCH_CHECK(statistics.highest_quality == 126);
    std::sort(lengths.begin(), lengths.end());
    CATCH_CHECK(statistics.to_json().at("max_length_bp").as_int() == lengths.back());
    CATCH_CHECK(statistics.to_json().at("min_length_bp").as_int() == lengths.front());
  }
  CATCH_CHECK(statistics.to_json().at("median_length_bp").as_double() == 128);
  CATCH_CHECK(statistics.to_json().at("n50_bp").as_int() == 70000);
}

CATCH_TEST_CASE("A file without records has no quality, and bytes of Phred+64 are told",
                "[statistics]") {
  ReadStatistics none;
  CATCH_CHECK(none.to_json().at("n50_bp").as_int() == 0);
  CATCH_CHECK(none.to_json().find("mean_quality") == nullptr);
  ReadStatistics old;
  old.add({.name = "a", .sequence = "AC", .quality = "Bh"});
  CATCH_CHECK(old.quality_offset() == 64);
  CATCH_CHECK(old.quality_warning().find("Phred+64") != std::string::npos);
}
