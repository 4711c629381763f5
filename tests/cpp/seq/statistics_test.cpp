#include "deepbio/seq/statistics.h"

#include "catch.h"

using namespace deepbio;
using namespace deepbio::seq;

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
