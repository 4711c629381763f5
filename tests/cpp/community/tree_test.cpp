#include "deepbio/community/tree.h"

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {
io::Tree tree_of(const std::string& text) { return io::parse_newick(text, "test.nwk"); }
}  // namespace

CATCH_TEST_CASE("only branches above matched tips are kept, numbered children first", "[tree]") {
  const auto phylogeny =
      match_features(tree_of("(((a:1,b:2):3,c:4):5,(d:6,e:7):8):9;"), {"c", "a"});
  // a, its parent, c, the path to the root; the root's own length does not appear.
  CATCH_REQUIRE(phylogeny.length == std::vector<double>{1, 3, 4, 5});
  CATCH_REQUIRE(phylogeny.parent == std::vector<int64_t>{1, 3, 3, -1});
  CATCH_REQUIRE(phylogeny.branch_of == std::vector<int64_t>{2, 0});
  CATCH_REQUIRE(phylogeny.missing.empty());
}

CATCH_TEST_CASE(
    "features absent from the tree are an error with count, examples and the option, or are "
    "dropped",
    "[tree]") {
  const auto tree = tree_of("((a:1,b:1)inside:1,c:1);");
  const std::vector<std::string> ids{"a", "x1", "inside", "x3", "x4"};
  CATCH_REQUIRE_THROWS_WITH(
      match_features(tree, ids, MissingFeatures::kError, "test.nwk"),
      Catch::Contains("4 of 5") && Catch::Contains("x1") && Catch::Contains("inside") &&
          Catch::Contains("x3") && !Catch::Contains("x4") &&
          Catch::Contains("`missing_features=drop`") && Catch::Contains("test.nwk"));
  const auto phylogeny = match_features(tree, ids, MissingFeatures::kDrop);
  CATCH_REQUIRE(phylogeny.missing == std::vector<int64_t>{1, 2, 3, 4});
  CATCH_REQUIRE(phylogeny.branch_of == std::vector<int64_t>{0, -1, -1, -1, -1});
}

CATCH_TEST_CASE("a table without any feature in the tree is refused even when dropping", "[tree]") {
  CATCH_REQUIRE_THROWS_WITH(
      match_features(tree_of("(a:1,b:1);"), {"x", "y"}, MissingFeatures::kDrop),
      Catch::Contains("none of the table's 2 features"));
  CATCH_REQUIRE_THROWS_AS(match_features(tree_of("(a:1,b:1);"), {}), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(match_features(tree_of("a;"), {"a"}), ArgumentError);
}

CATCH_TEST_CASE("duplicate tips, missing and negative lengths are refused where they matter",
                "[tree]") {
  CATCH_REQUIRE_THROWS_WITH(match_features(tree_of("(a:1,a:2,b:1);"), {"b"}),
                            Catch::Contains("occurs twice"));
  CATCH_REQUIRE_THROWS_WITH(match_features(tree_of("(a,b:1);"), {"a"}),
                            Catch::Contains("has no length"));
  CATCH_REQUIRE_THROWS_WITH(match_features(tree_of("((a:1,b:1),c:1);"), {"a"}),
                            Catch::Contains("unnamed"));
  CATCH_REQUIRE_THROWS_WITH(match_features(tree_of("(a:-1,b:1);"), {"a"}),
                            Catch::Contains("negative length"));
  // The same faults outside the kept part do not matter.
  CATCH_REQUIRE(match_features(tree_of("(a:1,(b,c:-2));"), {"a"}).num_branches() == 1);
}

CATCH_TEST_CASE("shearing keeps the path to the root and single-child nodes", "[tree]") {
  const auto sheared = shear(tree_of("(((a:1,b:2):3,c:4)x:5,d:6)root:7;"), {"b"});
  CATCH_REQUIRE(io::to_newick(sheared) == "(((b:2):3)x:5)root:7;\n");
  CATCH_REQUIRE(io::to_newick(shear(tree_of("((a:1,b:2):3,c:4);"), {"c", "a"})) ==
                "((a:1):3,c:4);\n");
  CATCH_REQUIRE_THROWS_WITH(
      shear(tree_of("(a:1,b:2);"), {"a", "z"}),
      "shear: expected tips of the tree, got 1 names that are none (for example 'z')");
  CATCH_REQUIRE_THROWS_WITH(shear(tree_of("(a:1,b:2);"), {}), Catch::Contains("got none"));
}

CATCH_TEST_CASE("a tree that says it is unrooted is refused with the way out", "[tree]") {
  CATCH_REQUIRE_THROWS_WITH(match_features(tree_of("[&U] (a:1,b:1,(c:1,d:1):2);"), {"a"},
                                           MissingFeatures::kError, "t.qza"),
                            Catch::Contains("t.qza") && Catch::Contains("unrooted") &&
                                Catch::Contains("`root=midpoint`"));
  CATCH_REQUIRE(match_features(tree_of("[&R] (a:1,b:1,(c:1,d:1):2);"), {"a"}).num_branches() == 1);
}

CATCH_TEST_CASE("a negative length is shown as it is, and taken for 0 on request", "[tree]") {
  const io::Tree tree = tree_of("((A:1,B:-3.2e-9):0.5,C:1);");
  CATCH_REQUIRE_THROWS_WITH(
      match_features(tree, {"A", "B"}),
      Catch::Contains("'B' has the negative length -3.2e-09") && Catch::Contains("zero"));
  CATCH_REQUIRE(match_features(with_lengths_from_zero(tree), {"A", "B"}).length ==
                std::vector<double>{1, 0, 0.5});
  CATCH_REQUIRE(with_lengths_from_zero(tree_of("(a,b:1);")).length[0] == io::kNoLength);
}

CATCH_TEST_CASE("trees of no use for distances have messages of their own", "[tree]") {
  CATCH_REQUIRE_THROWS_WITH(match_features(tree_of("a;"), {"a"}), Catch::Contains("single node"));
  CATCH_REQUIRE_THROWS_WITH(match_features(tree_of("((a,b),c);"), {"a"}),
                            Catch::Contains("no branch lengths"));
  CATCH_REQUIRE_THROWS_WITH(match_features(tree_of("((:1,:2):1,:1);"), {"a"}),
                            Catch::Contains("no tip of the tree has a name"));
}
