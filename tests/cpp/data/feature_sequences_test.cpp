#include "deepbio/data/feature_sequences.h"

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::data;

CATCH_TEST_CASE("DNA of features comes from their ids, or from a FASTA by id", "[samples]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "reps.fasta", ">asv1 size=3\nACGT\nACGT\n>asv2\nGG\n");
  const std::string dna(25, 'C'), lower = "acgtacgtacgtacgtacgtn";
  CATCH_REQUIRE(feature_sequences({dna, lower}) == std::vector<std::string>{dna, lower});
  CATCH_REQUIRE(feature_sequences({"asv2", dna, "asv1"}, folder / "reps.fasta") ==
                std::vector<std::string>{"GG", dna, "ACGTACGT"});
  CATCH_REQUIRE_THROWS_WITH(feature_sequences({dna, "CAT", "asv3", "asv4", "asv5"}),
                            Catch::Contains("4 of 5") && Catch::Contains("CAT, asv3, asv4, ...") &&
                                Catch::Contains("`sequences`"));
  CATCH_REQUIRE_THROWS_WITH(feature_sequences({"asv3"}, folder / "reps.fasta"),
                            Catch::Contains("reps.fasta"));
  deepbio::test::write_text(folder / "twice.fasta", ">a\nACGT\n>a\nACGA\n");
  CATCH_REQUIRE_THROWS_WITH(feature_sequences({"a"}, folder / "twice.fasta"),
                            Catch::Contains("stands twice"));
  deepbio::test::write_text(folder / "same.fasta", ">a\nACGT\n>a\nACGT\n");
  CATCH_REQUIRE(feature_sequences({"a"}, folder / "same.fasta") ==
                std::vector<std::string>{"ACGT"});
}

CATCH_TEST_CASE("ids that are the MD5 of their sequence are checked, ids of another kind are not",
                "[samples]") {
  test::TemporaryFolder folder;
  const std::string acgt = "f1f8f4bf413b16ad135722aa4591043e",
                    gg = "86d8d92aba9ecf9bbf89f69cb3e49588";
  deepbio::test::write_text(folder / "good.fasta", ">" + acgt + "\nACGT\n>" + gg + "\ngg\n");
  CATCH_REQUIRE(feature_sequences({gg, acgt}, folder / "good.fasta") ==
                std::vector<std::string>{"gg", "ACGT"});
  deepbio::test::write_text(folder / "swapped.fasta", ">" + acgt + "\nACGT\n>" + gg + "\nGGA\n");
  CATCH_REQUIRE_THROWS_WITH(
      feature_sequences({gg, acgt}, folder / "swapped.fasta"),
      Catch::Contains("swapped.fasta") && Catch::Contains("as for 1") && Catch::Contains(gg));
  deepbio::test::write_text(folder / "other.fasta", ">" + acgt + "\nA\n>" + gg + "\nC\n");
  CATCH_REQUIRE(feature_sequences({gg, acgt}, folder / "other.fasta") ==
                std::vector<std::string>{"C", "A"});
}

CATCH_TEST_CASE("a feature without a sequence is known by its id where that is asked for",
                "[samples]") {
  const std::string dna(25, 'C'), md5 = "f1f8f4bf413b16ad135722aa4591043e";
  const std::vector<std::string> ids{dna, "asv3", "asv4", md5};
  const std::vector<std::string> spelled = feature_sequences(ids, "", MissingSequences::kId);
  CATCH_REQUIRE(spelled[0] == dna);
  CATCH_REQUIRE(spelled[1].size() == 32);
  CATCH_REQUIRE(spelled[1].find_first_not_of("ACGT") == std::string::npos);
  CATCH_REQUIRE(spelled[1] != spelled[2]);
  CATCH_REQUIRE(feature_sequences({"asv3"}, "", MissingSequences::kId).front() ==
                spelled[1]);  // in any table
  CATCH_REQUIRE(without_sequence(ids, spelled) == "3 of 4 features have no sequence");
  CATCH_REQUIRE(without_sequence({dna}, {dna}).empty());
  CATCH_REQUIRE(parse_missing_sequences("id") == MissingSequences::kId);
  CATCH_REQUIRE_THROWS_AS(parse_missing_sequences("guess"), ConfigError);
}
