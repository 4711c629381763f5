#include "deepbio/community/grouped_samples.h"

#include <fstream>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

io::Metadata metadata_of(const std::string& path) {
  std::ofstream(path)
      << "sample-"
         "id\tsite\tage\thost\ns1\tgut\t3\tu\ns2\t\t4\tv\ns3\tskin\t5\tu\nextra\tgut\t6\tu\n";
  return io::read_metadata(path);
}

}  // namespace

CATCH_TEST_CASE("samples get their groups and strata by id, in the order of the matrix",
                "[grouped_samples]") {
  const test::TemporaryFolder folder;
  const io::Metadata metadata = metadata_of(folder / "m.tsv");
  const auto found = grouped_samples(metadata, {"s3", "s2", "s1", "far"}, {"site", "host", true});
  CATCH_REQUIRE(found.ids == std::vector<std::string>{"s3", "s1"});
  CATCH_REQUIRE(found.rows == std::vector<int64_t>{0, 2});
  CATCH_REQUIRE(found.groups == std::vector<std::string>{"skin", "gut"});
  CATCH_REQUIRE(found.strata == std::vector<std::string>{"u", "u"});
  CATCH_REQUIRE(found.left_out == "2 of 4 samples have no group in column 'site' ('s2', ...)");
  CATCH_REQUIRE_THROWS_WITH(grouped_samples(metadata, {"s1", "s2"}, {"site"}),
                            Catch::Contains("1 of 2"));
  CATCH_REQUIRE_THROWS_AS(grouped_samples(metadata, {"s1"}, {"sites"}), ConfigError);
}

CATCH_TEST_CASE("a column of numbers is a factor of numbers", "[grouped_samples]") {
  const test::TemporaryFolder folder;
  const io::Metadata metadata = metadata_of(folder / "m.tsv");
  const auto factors = factors_of(metadata, {"s3", "s1"}, parse_terms("site * age"));
  CATCH_REQUIRE(factors.size() == 2);
  CATCH_REQUIRE(factors[0].labels == std::vector<std::string>{"skin", "gut"});
  CATCH_REQUIRE(factors[0].values.empty());
  CATCH_REQUIRE(factors[1].values == std::vector<double>{5, 3});
  CATCH_REQUIRE(factors[1].labels.empty());
  CATCH_REQUIRE_THROWS_WITH(labels_of(metadata, {"s2"}, "site"),
                            Catch::Contains("no value in column 'site' ('s2')"));
}
