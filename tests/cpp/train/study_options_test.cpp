#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/train/study.h"

using namespace deepbio;
using namespace deepbio::train;

CATCH_TEST_CASE("Study options are set by name, auto and AAM's names of metrics among their values",
                "[study]") {
  StudyOptions options;
  from_json(options.rows(), Json::parse(R"({"rarefy_depth": "auto", "unifrac_metric": "weighted",
      "missing_values": ["NA"], "group_column": "host", "least_thinning": 0.5})"));
  CATCH_CHECK(options.data.rarefy_depth_reads == kAutoDepth);
  CATCH_CHECK(options.data.unifrac_metric == "weighted_normalized");
  CATCH_CHECK(options.missing_values == std::vector<std::string>{"NA"});
  CATCH_CHECK(options.group_column == "host");
  CATCH_CHECK(options.least_thinning == 0.5);
}

CATCH_TEST_CASE("Study options out of range are refused with their name", "[study]") {
  for (const char* text :
       {R"({"test_size": 1})", R"({"least_thinning": 0})", R"({"rarefy_depth": -2})",
        R"({"missing_samples": "skip"})", R"({"target_transform": "rank"})"}) {
    StudyOptions options;
    const Json given = Json::parse(text);
    CATCH_CHECK_THROWS_WITH(
        from_json(options.rows(), given),
        Catch::StartsWith("`" + given.as_object().front().first + "`: expected "));
  }
}
