#include "deepbio/io/reads/fastx_pairs.h"

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

std::string reads(const std::vector<std::string>& titles) {
  std::string out;
  for (const std::string& title : titles) out += "@" + title + "\nAC\n+\nII\n";
  return out;
}

// Number of pairs read, and the message of the error that ended it.
struct Outcome {
  int64_t num_pairs = 0;
  std::string error;
  int64_t record = -1;
};

Outcome drain(PairReader reader) {
  Outcome out;
  RecordPair pair;
  try {
    while (reader.next(pair)) ++out.num_pairs;
  } catch (const ParseError& error) {
    out.error = error.what();
    out.record = error.place().record;
  }
  return out;
}

Outcome pairs_of(const std::vector<std::string>& first, const std::vector<std::string>& second) {
  test::TemporaryFolder folder;
  test::write_text(folder / "one.fq", reads(first));
  test::write_text(folder / "two.fq", reads(second));
  return drain(PairReader(folder / "one.fq", folder / "two.fq"));
}

Outcome interleaved(const std::vector<std::string>& titles) {
  test::TemporaryFolder folder;
  test::write_text(folder / "both.fq", reads(titles));
  return drain(PairReader(folder / "both.fq"));
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

CATCH_TEST_CASE("mates with slashes, Illumina comments or equal names are pairs", "[pairs]") {
  const Outcome out = pairs_of({"a/1", "b 1:N:0:ACGT", "c", "d x", "/1"},
                               {"a/2", "b 2:N:0:ACGT", "c", "d y", "/1"});
  CATCH_REQUIRE(out.error.empty());
  CATCH_REQUIRE(out.num_pairs == 5);
  CATCH_REQUIRE(interleaved({"a/1", "a/2", "b", "b"}).num_pairs == 2);
}

CATCH_TEST_CASE("the first pair that does not match is reported with both names and records",
                "[pairs]") {
  const Outcome out = pairs_of({"a/1", "b/1", "c/1"}, {"a/2", "x/2", "y/2"});
  CATCH_REQUIRE(out.num_pairs == 1);
  CATCH_REQUIRE(out.record == 1);
  for (const char* part : {"b/1", "x/2", "one.fq", "two.fq", "record 1", "pair 1"}) {
    CATCH_REQUIRE(contains(out.error, part));
  }
  const Outcome mixed = interleaved({"a/1", "a/2", "b/1", "c/1"});
  CATCH_REQUIRE(mixed.num_pairs == 1);
  CATCH_REQUIRE(mixed.record == 3);
  CATCH_REQUIRE(contains(mixed.error, "record 2"));
}

CATCH_TEST_CASE("mates in the wrong order or numbered on one side only are refused", "[pairs]") {
  for (const auto& [first, second] :
       std::vector<std::pair<std::string, std::string>>{{"a/2", "a/1"},
                                                        {"a/1", "a/1"},
                                                        {"a/1", "a"},
                                                        {"a", "a/2"},
                                                        {"a 2:N:0", "a 1:N:0"},
                                                        {"a 1:N:0", "a 1:N:0"},
                                                        {"a", "b"},
                                                        {"a/1", "b/2"}}) {
    CATCH_INFO(first << " and " << second);
    CATCH_REQUIRE_FALSE(pairs_of({first}, {second}).error.empty());
    CATCH_REQUIRE_FALSE(interleaved({first, second}).error.empty());
  }
}

CATCH_TEST_CASE("files of different counts are an error that names both", "[pairs]") {
  for (const bool is_first_longer : {true, false}) {
    const std::vector<std::string> longer = {"a", "b"}, shorter = {"a"};
    const Outcome out = is_first_longer ? pairs_of(longer, shorter) : pairs_of(shorter, longer);
    CATCH_REQUIRE(out.num_pairs == 1);
    for (const char* part : {"one.fq", "two.fq", "'b'", "after 1 records"}) {
      CATCH_INFO(out.error);
      CATCH_CHECK((contains(out.error, part) ||
                   (std::string(part) == "'b'" && contains(out.error, "\"b\""))));
    }
  }
  CATCH_REQUIRE(contains(interleaved({"a", "a", "b"}).error, "a mate of"));
}

CATCH_TEST_CASE("skipping bad records is refused for pairs", "[pairs]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "reads", reads({"a", "a"}));
  FastxOptions options;
  options.on_bad_record = OnBadRecord::kSkip;
  CATCH_REQUIRE_THROWS_AS(PairReader(folder / "reads", options), ArgumentError);
}

CATCH_TEST_CASE(
    "mates are told by the conventions of SRA and others, and comments on one side do not matter",
    "[pairs]") {
  const std::string long_title = " SN603_WBP007_8_1101_63.30_99.90 length=6";
  CATCH_REQUIRE(
      pairs_of({"SRR2040271.1.1" + long_title}, {"SRR2040271.1.2" + long_title}).num_pairs == 1);
  CATCH_REQUIRE(pairs_of({"SRR1.1", "SRR1.2"}, {"SRR1.1", "SRR1.2"}).num_pairs ==
                2);  // split-files without -I
  CATCH_REQUIRE(pairs_of({"r_1", "s:1", "t.1"}, {"r_2", "s:2", "t.2"}).num_pairs == 3);
  CATCH_REQUIRE(pairs_of({"r-1", "s_R1", "t.R1"}, {"r-2", "s_R2", "t.R2"}).num_pairs == 3);
  CATCH_REQUIRE(pairs_of({"a 1:N:0:ACGT", "b"}, {"a", "b 2:N:0:ACGT"}).num_pairs == 2);
  for (const auto& [first, second] :
       std::vector<std::pair<std::string, std::string>>{{"r.2", "r.1"},
                                                        {"r.1", "r_2"},
                                                        {"r.1", "r.3"},
                                                        {"r.1", "s.2"},
                                                        {"r1", "r2"},
                                                        {"a", "a 1:N:0:A"},
                                                        {"r_R2", "r_R1"},
                                                        {"rR1", "rR2"},
                                                        {"r_R1", "r_2"}}) {
    CATCH_CAPTURE(first, second);
    CATCH_REQUIRE(pairs_of({first}, {second}).error != "");
  }
  // A file that lost its first read is told at the second pair at the latest.
  CATCH_REQUIRE(pairs_of({"SRR1.1", "SRR1.2"}, {"SRR1.2", "SRR1.3"}).error != "");
}

CATCH_TEST_CASE("the check of names can be left out", "[pairs]") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "one.fq", reads({"x", "y"}));
  test::write_text(folder / "two.fq", reads({"a", "b"}));
  FastxOptions options;
  options.check_mates = false;
  CATCH_REQUIRE(drain(PairReader(folder / "one.fq", folder / "two.fq", options)).num_pairs == 2);
}
