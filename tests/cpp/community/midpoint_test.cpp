#include <cmath>
#include <map>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/community/tree.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

io::Tree newick(const std::string& text) { return io::parse_newick(text, "test.nwk"); }

// Distances between all tips, by walking up from both: what a root does not change.
std::map<std::pair<std::string, std::string>, double> tip_distances(const io::Tree& tree) {
  const auto heights = [&](int64_t node) {
    std::map<int64_t, double> out;
    double height = 0;
    for (; node >= 0; node = tree.parent[node]) {
      out[node] = height;
      height += tree.parent[node] >= 0 ? tree.length[node] : 0;
    }
    return out;
  };
  std::map<std::pair<std::string, std::string>, double> out;
  for (int64_t a = 0; a < tree.num_nodes(); ++a) {
    for (int64_t b = 0; b < tree.num_nodes(); ++b) {
      if (!tree.is_tip[a] || !tree.is_tip[b]) continue;
      double least = INFINITY;
      const auto above_a = heights(a), above_b = heights(b);
      for (const auto& [node, height] : above_a) {
        if (above_b.count(node)) least = std::min(least, height + above_b.at(node));
      }
      out[{tree.name[a], tree.name[b]}] = least;
    }
  }
  return out;
}

std::vector<double> depths_of_tips(const io::Tree& tree) {
  std::vector<double> out;
  for (int64_t tip = 0; tip < tree.num_nodes(); ++tip) {
    if (!tree.is_tip[tip]) continue;
    double depth = 0;
    for (int64_t node = tip; tree.parent[node] >= 0; node = tree.parent[node])
      depth += tree.length[node];
    out.push_back(depth);
  }
  return out;
}

}  // namespace

CATCH_TEST_CASE("the root stands half way between the tips that lie furthest apart", "[midpoint]") {
  // By scikit-bio's root_at_midpoint: ((C:1.0,D:1.0):2.0,(A:1.0,B:2.0):1.0);
  const io::Tree tree = root_at_midpoint(newick("[&U] (A:1,B:2,(C:1,D:1):3);"));
  CATCH_REQUIRE(tree.is_rooted);
  const auto phylogeny = match_features(tree, {"A", "B"});
  CATCH_REQUIRE(phylogeny.length.size() == 3);  // A, B, and the branch of 1 above both
  CATCH_REQUIRE(phylogeny.length[phylogeny.branch_of[0]] == 1);
  CATCH_REQUIRE(phylogeny.length[phylogeny.parent[phylogeny.branch_of[0]]] == 1);
}

CATCH_TEST_CASE("rooting moves no tip: all distances stay, and the deepest two tips are even",
                "[midpoint]") {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    CATCH_CAPTURE(seed);
    CounterRandom random(seed, 0, 0, Purpose::kSimulate);
    // Tips joined at random, two or three at a time, sometimes under a stem of single children.
    std::vector<std::string> open;
    const int num_tips = 2 + static_cast<int>(random.uniform() * 12);
    for (int k = 0; k < num_tips; ++k)
      open.push_back("t" + std::to_string(k) + ":" + std::to_string(random.uniform()));
    while (open.size() > 1) {
      const size_t width = std::min<size_t>(open.size(), random.uniform() < 0.3 ? 3 : 2);
      std::string joined;
      for (size_t k = 0; k < width; ++k) {
        const auto place = static_cast<size_t>(random.uniform() * static_cast<double>(open.size()));
        joined += (k ? "," : "") + open[place];
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(place));
      }
      open.push_back("(" + joined + "):" + std::to_string(random.uniform()));
    }
    const io::Tree before = newick(seed % 3 == 0 ? "((" + open[0] + "):1);" : open[0] + ";");
    const io::Tree after = root_at_midpoint(before);
    CATCH_REQUIRE(after.num_tips() == num_tips);
    CATCH_REQUIRE(io::parse_newick(io::to_newick(after), "again").num_nodes() == after.num_nodes());
    const auto old_distances = tip_distances(before), new_distances = tip_distances(after);
    double longest = 0;
    for (const auto& [pair, distance] : old_distances) {
      CATCH_REQUIRE(std::abs(new_distances.at(pair) - distance) < 1e-9);
      longest = std::max(longest, distance);
    }
    auto depths = depths_of_tips(after);
    std::sort(depths.rbegin(), depths.rend());
    CATCH_REQUIRE(std::abs(depths[0] - longest / 2) < 1e-9);
    CATCH_REQUIRE(std::abs(depths[1] - longest / 2) < 1e-9);
  }
}

CATCH_TEST_CASE("a midpoint that is a node becomes the root, and an old root of two children goes",
                "[midpoint]") {
  const io::Tree tree = root_at_midpoint(newick("((a:1,b:1,c:1)x:2,d:0.5)r;"));
  CATCH_REQUIRE(tree.num_tips() == 4);
  CATCH_REQUIRE(std::find(tree.name.begin(), tree.name.end(), "r") == tree.name.end());
  const io::Tree even = root_at_midpoint(newick("(a:1,(b:0.5,c:0.5)x:0.5)r;"));
  CATCH_REQUIRE(depths_of_tips(even) == std::vector<double>{1, 1, 1});
}

CATCH_TEST_CASE("trees without a midpoint are refused", "[midpoint]") {
  CATCH_REQUIRE_THROWS_WITH(root_at_midpoint(newick("(a,b:1);")), Catch::Contains("'a' has none"));
  CATCH_REQUIRE_THROWS_WITH(root_at_midpoint(newick("(a:-1,b:1);")), Catch::Contains("-1"));
  CATCH_REQUIRE_THROWS_AS(root_at_midpoint(newick("a;")), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(root_at_midpoint(newick("(a:0,b:0);")), ArgumentError);
}
