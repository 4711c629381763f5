// The fast pairs against distance(), branch by branch, and the forms that scikit-bio and ssu have
// values for.
#include <ATen/Parallel.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <unordered_map>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/community/shared_branches.h"
#include "deepbio/community/unifrac.h"
#include "deepbio/io/tables/matrix.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

constexpr Metric kMetrics[] = {Metric::kUnweighted, Metric::kWeightedNormalized,
                               Metric::kWeightedUnnormalized, Metric::kGeneralized,
                               Metric::kUnweightedUnnormalized};

struct Community {
  CountTable table;
  Phylogeny phylogeny;
  std::vector<BranchProfile> profiles;
};

// A random tree: each new node hangs below a random earlier one, near the last when deep.
io::Tree random_tree(int64_t num_tips, bool is_deep, std::mt19937& random) {
  std::vector<std::vector<int64_t>> children(1);
  for (int64_t node = 1; node < 2 * num_tips; ++node) {
    const auto lowest = is_deep ? std::max<int64_t>(0, node - 4) : 0;
    children[std::uniform_int_distribution<int64_t>(lowest, node - 1)(random)].push_back(node);
    children.emplace_back();
  }
  int64_t tip = 0;
  const std::function<std::string(int64_t)> text = [&](int64_t node) {
    std::string out;
    for (const int64_t child : children[node]) out += (out.empty() ? "(" : ",") + text(child);
    out += out.empty() ? "f" + std::to_string(tip++) : ")";
    const bool is_flat = random() % 8 == 0;
    return out + ":" +
           (is_flat ? "0" : std::to_string(std::exponential_distribution<>(2)(random) + 1e-6));
  };
  return io::parse_newick(text(0) + ";", "random");
}

Community random_community(int64_t n, int64_t num_tips, bool is_deep, double presence,
                           uint32_t seed) {
  std::mt19937 random(seed);
  Community out;
  const io::Tree tree = random_tree(num_tips, is_deep, random);
  for (int64_t k = 0; k < tree.num_nodes(); ++k) {
    if (tree.is_tip[k]) out.table.feature_ids.push_back(tree.name[k]);
  }
  std::uniform_real_distribution<> uniform;
  for (int64_t i = 0; i < n; ++i) {
    out.table.sample_ids.push_back("s" + std::to_string(i));
    for (size_t f = 0; f < out.table.feature_ids.size() && i % 11 != 5; ++f) {
      if (uniform(random) > presence * (f % 5 == 0 ? 3 : 0.5)) continue;
      out.table.indices.push_back(static_cast<int64_t>(f));
      out.table.values.push_back(std::ceil(std::exp(4 * uniform(random))));
    }
    out.table.indptr.push_back(out.table.num_entries());
  }
  out.phylogeny = match_features(tree, out.table.feature_ids);
  out.profiles = branch_profiles(out.table, out.phylogeny);
  if (n > 3) out.profiles[n - 1] = out.profiles[1];
  return out;
}

void require_laws(const at::Tensor& values) {
  CATCH_REQUIRE(at::equal(values, values.t()));
  CATCH_REQUIRE(values.diagonal().eq(0).all().item<bool>());
  CATCH_REQUIRE(values.isfinite().all().item<bool>());
}

double worst(const at::Tensor& a, const at::Tensor& b) {
  return a.numel() == 0 ? 0.0 : (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

template <class Visit>
void for_each_form(const Visit& visit) {
  for (const Metric metric : kMetrics) {
    for (const double alpha : {0.0, 0.3, 0.5, 1.0, 2.0}) {
      if (metric != Metric::kGeneralized && alpha != 1) continue;
      for (const bool bypass_tips : {false, true}) {
        for (const bool adjusted : {false, true}) {
          UnifracOptions options{.metric = metric, .alpha = alpha, .variance_adjusted = adjusted};
          options.bypass_tips = bypass_tips;
          visit(options);
        }
      }
    }
  }
}

}  // namespace

CATCH_TEST_CASE("fast pairs of random trees and tables equal the plain version in every form",
                "[unifrac]") {
  uint32_t seed = 1;
  for (const int64_t n : {1, 2, 7, 40, 131}) {
    for (const bool is_deep : {false, true}) {
      for (const double presence : {0.02, 0.3}) {
        const Community community = random_community(n, 60, is_deep, presence, ++seed);
        for_each_form([&](UnifracOptions options) {
          CATCH_CAPTURE(n, is_deep, presence, to_string(options.metric), options.alpha,
                        options.bypass_tips, options.variance_adjusted);
          const at::Tensor plain =
              plain_pairwise_distances(community.phylogeny, community.profiles, options);
          const at::Tensor fast =
              pairwise_distances(community.phylogeny, community.profiles, options);
          require_laws(fast);
          const double scale = std::max(1.0, plain.max().item<double>());
          CATCH_REQUIRE(worst(plain, fast) <= 1e-12 * scale);
          if (n > 3) CATCH_REQUIRE(fast[1][n - 1].item<double>() == 0.0);
          options.precision = Precision::kFloat;
          const at::Tensor single =
              pairwise_distances(community.phylogeny, community.profiles, options);
          CATCH_REQUIRE(single.scalar_type() == at::kFloat);
          require_laws(single);
          CATCH_REQUIRE(worst(plain, single) <= 5e-6 * scale);
        });
      }
    }
  }
}

CATCH_TEST_CASE("every number of threads gives the same bits", "[unifrac]") {
  const Community community = random_community(301, 80, false, 0.15, 77);
  const int before = at::get_num_threads();
  for_each_form([&](UnifracOptions options) {
    at::set_num_threads(1);
    const at::Tensor one = pairwise_distances(community.phylogeny, community.profiles, options);
    for (const int threads : {2, 4}) {
      at::set_num_threads(threads);
      CATCH_REQUIRE(
          at::equal(one, pairwise_distances(community.phylogeny, community.profiles, options)));
    }
    options.precision = Precision::kFloat;
    at::set_num_threads(1);
    const at::Tensor single = pairwise_distances(community.phylogeny, community.profiles, options);
    at::set_num_threads(3);
    CATCH_REQUIRE(
        at::equal(single, pairwise_distances(community.phylogeny, community.profiles, options)));
  });
  at::set_num_threads(before);
}

CATCH_TEST_CASE("any selection of samples in any order gives the bits of the whole in double",
                "[unifrac]") {
  const Community community = random_community(1300, 50, true, 0.1, 8);
  std::vector<const BranchProfile*> all, some;
  for (const BranchProfile& profile : community.profiles) all.push_back(&profile);
  const std::vector<int64_t> chosen{700, 3, 1299, 5, 64, 63, 1, 1024, 1023, 300};
  for (const int64_t sample : chosen) some.push_back(all[sample]);
  const at::Tensor index = at::tensor(chosen, at::kLong);
  for_each_form([&](const UnifracOptions& options) {
    CATCH_CAPTURE(to_string(options.metric), options.alpha, options.bypass_tips,
                  options.variance_adjusted);
    const at::Tensor whole = pairwise_distances(community.phylogeny, all, options);
    const double bound = largest_sum(community.phylogeny, all, options);
    const at::Tensor part = pairwise_distances(community.phylogeny, some, options, bound);
    const at::Tensor wanted = whole.index_select(0, index).index_select(1, index);
    if (options.alpha > 1 || options.variance_adjusted) {
      CATCH_REQUIRE(worst(part, wanted) <= 1e-13);
    } else {
      CATCH_REQUIRE(at::equal(part, wanted));
    }
  });
}

CATCH_TEST_CASE("lengths that differ by 12 orders of magnitude keep their distances", "[unifrac]") {
  Community community = random_community(60, 60, false, 0.1, 21);
  std::mt19937 random(3);
  for (double& length : community.phylogeny.length) {
    length = std::pow(10.0, std::uniform_real_distribution<>(-6, 6)(random));
  }
  for_each_form([&](UnifracOptions options) {
    if (options.variance_adjusted) return;
    CATCH_CAPTURE(to_string(options.metric), options.alpha, options.bypass_tips);
    const at::Tensor plain =
        plain_pairwise_distances(community.phylogeny, community.profiles, options);
    const double scale = std::max(1.0, plain.max().item<double>());
    const at::Tensor fast = pairwise_distances(community.phylogeny, community.profiles, options);
    require_laws(fast);
    CATCH_REQUIRE(worst(plain, fast) <= 1e-11 * scale);
    CATCH_REQUIRE(fast[1][59].item<double>() == 0.0);
    options.precision = Precision::kFloat;
    const at::Tensor single = pairwise_distances(community.phylogeny, community.profiles, options);
    require_laws(single);
    CATCH_REQUIRE(worst(plain, single) <= 5e-6 * scale);
  });
}

CATCH_TEST_CASE("every expected matrix of the real sets is met, double to 1e-10 and float to 5e-6",
                "[unifrac][real]") {
  DEEPBIO_NEEDS_SHARED();
  namespace fs = std::filesystem;
  int64_t num_matrices = 0;
  for (const std::string set : {"moving_pictures", "cfs_150nt", "ecam_10249", "sleep_apnea_10422",
                                "ibd_2538", "oral_age_2550"}) {
    const std::string folder = test::shared("microbiome/" + set + "/");
    const std::string tree = folder + (set == "ibd_2538" ? "tree.sheared.nwk" : "tree.nwk");
    const CountTable all = io::read_table(folder + "table.biom");
    std::unordered_map<std::string, int64_t> row;
    for (int64_t k = 0; k < all.num_samples(); ++k) row[all.sample_ids[k]] = k;
    std::vector<int64_t> samples;
    std::ifstream names(folder + "expected/samples.txt");
    for (std::string line; std::getline(names, line);) samples.push_back(row.at(line));
    const CountTable table = select_samples(all, samples);
    const auto phylogeny =
        match_features(io::read_newick(tree), table.feature_ids, MissingFeatures::kDrop);
    for (const auto& file : fs::directory_iterator(folder + "expected")) {
      if (file.path().extension() != ".npy") continue;
      UnifracOptions options;
      std::string name = file.path().stem().string();
      CATCH_CAPTURE(set, name);
      if (const auto at = name.find("_vaw"); at != std::string::npos) {
        options.variance_adjusted = true;
        name.erase(at, 4);
      }
      if (const auto at = name.find("vaw_"); at != std::string::npos) {
        options.variance_adjusted = true;
        name.erase(at, 4);
      }
      if (name.starts_with("generalized_")) {
        options.alpha = std::stod(name.substr(12));
        name = "generalized";
      }
      options.metric = parse_metric(name);
      const auto expected = io::read_npy(file.path().string());
      const at::Tensor wanted =
          at::from_blob(const_cast<double*>(expected.values.data()),
                        {table.num_samples(), table.num_samples()}, at::kDouble);
      const at::Tensor got = unifrac(table, phylogeny, options);
      require_laws(got);
      CATCH_REQUIRE(worst(got, wanted) <= 1e-10);
      options.precision = Precision::kFloat;
      CATCH_REQUIRE(worst(unifrac(table, phylogeny, options), wanted) <= 5e-6);
      ++num_matrices;
    }
  }
  CATCH_REQUIRE(num_matrices >= 24);
}

CATCH_TEST_CASE("options out of range are refused", "[unifrac]") {
  const Community community = random_community(3, 10, false, 0.3, 5);
  const auto refuse = [&](const UnifracOptions& options) {
    CATCH_REQUIRE_THROWS_AS(pairwise_distances(community.phylogeny, community.profiles, options),
                            ArgumentError);
  };
  refuse({.metric = Metric::kGeneralized, .alpha = -0.1});
  refuse({.metric = Metric::kGeneralized, .alpha = std::nan("")});
}
