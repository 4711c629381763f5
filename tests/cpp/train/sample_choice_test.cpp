#include "deepbio/train/sample_choice.h"

#include "catch.h"

#include "deepbio/base/error.h"

namespace {

using namespace deepbio::train;
using deepbio::io::CountTable;
using Names = std::vector<std::string>;

// a 100 reads, b 50, c 10, d none.
CountTable four_samples() {
  CountTable table;
  table.sample_ids = {"a", "b", "c", "d"};
  table.feature_ids = {std::string(20, 'A')};
  table.indptr = {0, 1, 2, 3, 3};
  table.indices = {0, 0, 0};
  table.values = {100, 50, 10};
  return table;
}

// Chooses among the four samples by this metadata text.
SampleChoice choose(const std::string& metadata, const SampleRules& rules,
                    const Names* distance_ids = nullptr) {
  const deepbio::test::TemporaryFolder folder;
  deepbio::test::write_text(folder / "m.tsv", metadata);
  const auto about = deepbio::io::read_metadata(folder / "m.tsv");
  const CountTable table = four_samples();
  return choose_samples({&table, &about, distance_ids, "D.tsv"}, rules);
}

constexpr const char* kMetadata = "id\tage\tsite\na\t1\tgut\nb\t2\tskin\nc\t\tgut\nd\t4\tgut\n";

SampleRules learning(const std::string& target, bool is_classifier = false) {
  SampleRules rules;
  rules.target = target;
  rules.is_classifier = is_classifier;
  rules.rarefy_depth_reads = 0;
  return rules;
}

}  // namespace

CATCH_TEST_CASE("each sample that leaves has a reason, in words and by name", "[study]") {
  const SampleChoice choice = choose(kMetadata, learning("age"));
  CATCH_REQUIRE(choice.samples == std::vector<int64_t>{0, 1});
  CATCH_REQUIRE(choice.values == std::vector<double>{1, 2});
  CATCH_REQUIRE(choice.left_out.size() == 2);
  CATCH_REQUIRE_THAT(choice.left_out[0].why, Catch::Contains("without a value of 'age'"));
  CATCH_REQUIRE(choice.left_out[0].samples == Names{"c"});
  CATCH_REQUIRE_THAT(choice.left_out[1].why, Catch::Contains("fewer than 1 reads"));
  CATCH_REQUIRE(choice.left_out[1].samples == Names{"d"});
  CATCH_REQUIRE_THAT(choice.notes[0], Catch::Contains("left out 1 of 4 samples"));
}

CATCH_TEST_CASE("the automatic depth looks at the samples that have a target", "[study]") {
  SampleRules rules = learning("site", true);
  rules.rarefy_depth_reads = kAutoDepth;
  CATCH_REQUIRE(choose("id\tsite\na\tx\nb\ty\nc\t\nd\t\n", rules).rarefy_depth_reads == 50);
  rules.rarefy_depth_reads = 1000;
  CATCH_REQUIRE_THROWS_WITH(choose(kMetadata, rules), Catch::Contains("1000") &&
                                                          Catch::Contains("100") &&
                                                          Catch::Contains("`rarefy_depth`"));
}

CATCH_TEST_CASE("samples absent from metadata or distances are an error or dropped, alike",
                "[study]") {
  const std::string without_a = "id\tsite\nb\tgut\nc\tskin\nd\tgut\n";
  SampleRules rules = learning("site", true);
  CATCH_REQUIRE_THROWS_WITH(choose(without_a, rules), Catch::Contains("`missing_samples=drop`"));
  rules.missing_samples = "drop";
  CATCH_REQUIRE(choose(without_a, rules).samples == std::vector<int64_t>{1, 2});
  const Names known{"a", "b", "z"};
  CATCH_REQUIRE_THROWS_AS(choose(kMetadata, learning("site", true), &known),
                          deepbio::ArgumentError);
  const SampleChoice choice = choose(kMetadata, rules, &known);
  CATCH_REQUIRE(choice.labels == Names{"gut", "skin"});
  CATCH_REQUIRE_THAT(choice.notes[0],
                     Catch::Contains("1 of 3 samples are absent from the table: z"));
  const Names none{"y"};
  CATCH_REQUIRE_THROWS_AS(choose(kMetadata, rules, &none), deepbio::ArgumentError);
}

CATCH_TEST_CASE("a target that is constant where it counts, or a covariate too, is refused",
                "[study]") {
  // Constant among the samples that stay, though not in the column.
  CATCH_REQUIRE_THROWS_WITH(choose("id\tage\na\t7\nb\t7\nc\t7\nd\t8\n", learning("age")),
                            Catch::Contains("7.0 in all 3 samples"));
  CATCH_REQUIRE_THROWS_WITH(choose("id\tage\na\tx\nb\tx\nc\tx\nd\ty\n", learning("age", true)),
                            Catch::Contains("at least two classes"));
  SampleRules rules = learning("age");
  rules.may_be_constant = true;
  CATCH_REQUIRE(choose("id\tage\na\t7\nb\t7\nc\t7\nd\t8\n", rules).samples.size() == 3);
  rules = learning("site", true);
  rules.categorical_columns = {"age", "site"};
  CATCH_REQUIRE_THROWS_WITH(choose(kMetadata, rules), Catch::Contains("'site' is the target"));
}

CATCH_TEST_CASE("numbers that become classes are said", "[study]") {
  CountTable table = four_samples();
  std::string text = "id\tage\n";
  for (int i = 0; i < 12; ++i) {
    table.sample_ids.push_back("s" + std::to_string(i));
    table.indices.push_back(0);
    table.values.push_back(5);
    table.indptr.push_back(static_cast<int64_t>(table.indices.size()));
    text += "s" + std::to_string(i) + "\t" + std::to_string(i) + ".5\n";
  }
  const deepbio::test::TemporaryFolder folder;
  deepbio::test::write_text(folder / "m.tsv", text);
  const auto about = deepbio::io::read_metadata(folder / "m.tsv");
  SampleRules rules = learning("age", true);
  rules.missing_samples = "drop";
  const SampleChoice choice = choose_samples({&table, &about, nullptr, ""}, rules);
  CATCH_REQUIRE_THAT(choice.notes.back(),
                     Catch::Contains("each of its 12 different values becomes a class"));
}
