#include "deepbio/data/targets.h"

#include <cmath>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::data;

namespace {

io::Metadata metadata_of(test::TemporaryFolder& folder, const std::string& text) {
  test::write_text(folder / "metadata.tsv", text);
  return io::read_metadata(folder / "metadata.tsv", {{"INSDC"}});
}

constexpr const char* kTable =
    "sample-id\tage\tsite\n"
    "10.0\t30\tgut\n"
    "a\tnot provided\tskin\n"
    "b\t-2.5\t\n"
    "10\t4\toral\n";

}  // namespace

CATCH_TEST_CASE("Transforms agree with values worked out by hand and come back", "[targets]") {
  const std::vector<double> values{0, 2, 4,
                                   10};  // mean 4, population variance (16 + 4 + 0 + 36) / 4 = 14
  const auto minmax = TargetCodec::fit_regression("y", values, TargetTransform::kMinMax);
  CATCH_REQUIRE(minmax.normalize(2) == Approx(0.2));
  const auto zscore = TargetCodec::fit_regression("y", values, TargetTransform::kZScore);
  CATCH_REQUIRE(zscore.normalize(10) == Approx(6 / std::sqrt(14.0)));
  const auto log_minmax = TargetCodec::fit_regression("y", values, TargetTransform::kLogMinMax);
  CATCH_REQUIRE(log_minmax.normalize(4) == Approx(std::log(5.0) / std::log(11.0)));
  CATCH_REQUIRE(log_minmax.restore(0.5) == Approx(std::sqrt(11.0) - 1));
  const auto none = TargetCodec::fit_regression("y", values, TargetTransform::kNone);
  CATCH_REQUIRE(none.normalize(7.5) == 7.5);
  for (const auto transform :
       {TargetTransform::kNone, TargetTransform::kMinMax, TargetTransform::kZScore,
        TargetTransform::kLogMinMax, TargetTransform::kLogZScore}) {
    const auto codec = TargetCodec::fit_regression("y", values, transform);
    for (const double value : {0.0, 1.5, 10.0, 25.0})
      CATCH_REQUIRE(codec.restore(codec.normalize(value)) == Approx(value));
    CATCH_REQUIRE(parse_target_transform(to_string(transform)) == transform);
  }
}

CATCH_TEST_CASE(
    "A constant target is shifted but not divided by zero, and a huge logarithm stays finite",
    "[targets]") {
  for (const auto transform : {TargetTransform::kMinMax, TargetTransform::kZScore}) {
    const auto codec = TargetCodec::fit_regression("y", {3, 3}, transform);
    CATCH_REQUIRE(codec.normalize(3) == 0);
    CATCH_REQUIRE(codec.restore(1) == 4);
  }
  const auto codec = TargetCodec::fit_regression("y", {0, 1}, TargetTransform::kLogZScore);
  CATCH_REQUIRE(codec.restore(1e6) == Approx(std::exp(88.0)));
}

CATCH_TEST_CASE("A codec survives JSON with every bit", "[targets]") {
  const auto codec =
      TargetCodec::fit_regression("age", {0.1, 1.0 / 3, 7}, TargetTransform::kLogZScore);
  const auto again = TargetCodec::from_json(Json::parse(codec.to_json().dump()));
  CATCH_REQUIRE(again.column() == "age");
  CATCH_REQUIRE(again.transform() == TargetTransform::kLogZScore);
  for (const double value : {0.0, 0.3, 12.0})
    CATCH_REQUIRE(again.normalize(value) == codec.normalize(value));
  const auto classes =
      TargetCodec::from_json(TargetCodec::fit_classes("site", {"skin", "gut", "skin"}).to_json());
  CATCH_REQUIRE(classes.is_classifier());
  CATCH_REQUIRE(classes.classes() == std::vector<std::string>{"gut", "skin"});
  CATCH_REQUIRE(classes.class_id("skin") == 1);
  CATCH_REQUIRE_THROWS_WITH(classes.class_id("oral"),
                            Catch::Contains("'oral'") && Catch::Contains("gut, skin"));
}

CATCH_TEST_CASE("What cannot be fitted is refused with the reason", "[targets]") {
  CATCH_REQUIRE_THROWS_AS(TargetCodec::fit_regression("y", {}, TargetTransform::kNone),
                          ArgumentError);
  CATCH_REQUIRE_THROWS_WITH(TargetCodec::fit_regression("y", {1, -1}, TargetTransform::kLogMinMax),
                            Catch::Contains("above -1"));
  CATCH_REQUIRE_THROWS_WITH(TargetCodec::fit_classes("site", {"gut", "gut"}),
                            Catch::Contains("at least two classes, got 1"));
  CATCH_REQUIRE_THROWS_WITH(parse_target_transform("zscor"),
                            Catch::Contains("the nearest is zscore"));
}

CATCH_TEST_CASE("Values are matched by id as text, missing ones are listed", "[targets]") {
  test::TemporaryFolder folder;
  const io::Metadata metadata = metadata_of(folder, kTable);
  const std::vector<std::string> samples{"10", "b", "gone", "a", "10.0"};
  const auto ages = labelled_samples(samples, metadata, "age", false, MissingSamples::kDrop);
  CATCH_REQUIRE(ages.samples == std::vector<int64_t>{0, 1, 4});
  CATCH_REQUIRE(ages.values ==
                std::vector<double>{4, -2.5, 30});  // "10" and "10.0" are two samples
  CATCH_REQUIRE(ages.without_metadata == std::vector<std::string>{"gone"});
  CATCH_REQUIRE(ages.without_value == std::vector<std::string>{"a"});
  const auto sites = labelled_samples(samples, metadata, "site", true, MissingSamples::kDrop);
  CATCH_REQUIRE(sites.labels == std::vector<std::string>{"oral", "skin", "gut"});
  CATCH_REQUIRE(sites.values.empty());
}

CATCH_TEST_CASE(
    "Samples without metadata, a column without values and a word among numbers are errors",
    "[targets]") {
  test::TemporaryFolder folder;
  const io::Metadata metadata = metadata_of(folder, kTable);
  CATCH_REQUIRE_THROWS_WITH(
      labelled_samples({"10", "gone", "lost"}, metadata, "age", false, MissingSamples::kError),
      Catch::Contains("2 samples") && Catch::Contains("gone, lost"));
  CATCH_REQUIRE_THROWS_WITH(labelled_samples({"a"}, metadata, "age", false, MissingSamples::kDrop),
                            Catch::Contains("no sample"));
  CATCH_REQUIRE_THROWS_AS(labelled_samples({"a"}, metadata, "agee", false, MissingSamples::kDrop),
                          ConfigError);
  CATCH_REQUIRE_THROWS_WITH(
      labelled_samples({"10", "a"}, metadata, "site", false, MissingSamples::kDrop),
      Catch::Contains("'site' holds no number") && Catch::Contains("is_classifier=true"));
  const io::Metadata mixed = metadata_of(folder, "id\tage\na\t4\n10\tfour\n");
  try {
    labelled_samples({"10", "a"}, mixed, "age", false, MissingSamples::kDrop);
    CATCH_FAIL("text was taken for a number");
  } catch (const ParseError& error) {
    CATCH_REQUIRE(error.place().line == 3);
    CATCH_REQUIRE(error.got().find("four") != std::string::npos);
  }
}
