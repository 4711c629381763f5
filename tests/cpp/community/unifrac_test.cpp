#include "deepbio/community/unifrac.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "catch.h"
#include "community/table_of.h"

#include "deepbio/base/error.h"
#include "deepbio/io/tables/matrix.h"
#include "deepbio/io/tables/metadata.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

struct RealSet {
  const char* folder;
  const char* table;
  const char* tree;
};
const RealSet kRealSets[] = {
    {"moving_pictures", "table.biom", "tree.nwk"},  {"cfs_150nt", "table.biom", "tree.nwk"},
    {"ecam_10249", "table.biom", "tree.nwk"},       {"sleep_apnea_10422", "table.biom", "tree.nwk"},
    {"ibd_2538", "table.biom", "tree.sheared.nwk"}, {"oral_age_2550", "table.biom", "tree.nwk"},
};
const std::vector<std::string> kMetricNames{"unweighted", "weighted_normalized",
                                            "weighted_unnormalized"};

std::string in_set(const RealSet& set, const std::string& name) {
  return test::shared("microbiome/" + std::string(set.folder) + "/" + name);
}

std::vector<std::string> lines(const std::string& path) {
  std::vector<std::string> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) out.push_back(line);
  }
  return out;
}

CountTable named_samples(const CountTable& table, const std::vector<std::string>& ids) {
  std::unordered_map<std::string, int64_t> row;
  for (int64_t k = 0; k < table.num_samples(); ++k) row[table.sample_ids[k]] = k;
  std::vector<int64_t> samples;
  for (const auto& id : ids) samples.push_back(row.at(id));
  return select_samples(table, samples);
}

double largest_difference(const at::Tensor& values, const std::vector<double>& expected) {
  CATCH_REQUIRE(values.numel() == static_cast<int64_t>(expected.size()));
  const double* got = values.const_data_ptr<double>();
  double worst = 0;
  for (size_t k = 0; k < expected.size(); ++k)
    worst = std::max(worst, std::abs(got[k] - expected[k]));
  return worst;
}

void require_matrix_laws(const at::Tensor& values) {
  CATCH_REQUIRE(at::equal(values, values.t()));
  CATCH_REQUIRE(values.diagonal().eq(0).all().item<bool>());
  CATCH_REQUIRE(values.isfinite().all().item<bool>());
}

double first_pair(const CountTable& table, const std::string& newick, Metric metric) {
  const auto phylogeny = match_features(io::parse_newick(newick, "test"), table.feature_ids);
  const at::Tensor values = unifrac(table, phylogeny, metric);
  require_matrix_laws(values);
  return values[0][1].item<double>();
}

}  // namespace

CATCH_TEST_CASE("distances of six real sets equal scikit-bio's to 1e-10", "[unifrac][real]") {
  DEEPBIO_NEEDS_SHARED();
  for (const RealSet& set : kRealSets) {
    const CountTable table = named_samples(io::read_table(in_set(set, set.table)),
                                           lines(in_set(set, "expected/samples.txt")));
    const auto phylogeny = match_features(io::read_newick(in_set(set, set.tree)), table.feature_ids,
                                          MissingFeatures::kDrop);
    for (const auto& name : kMetricNames) {
      CATCH_CAPTURE(set.folder, name);
      const at::Tensor values = unifrac(table, phylogeny, parse_metric(name));
      require_matrix_laws(values);
      CATCH_REQUIRE(largest_difference(
                        values, io::read_npy(in_set(set, "expected/" + name + ".npy")).values) <=
                    1e-10);
    }
  }
}

CATCH_TEST_CASE("Faith's diversity of six real sets equals scikit-bio's to 1e-9 relative",
                "[unifrac][real]") {
  DEEPBIO_NEEDS_SHARED();
  for (const RealSet& set : kRealSets) {
    const CountTable table = io::read_table(in_set(set, set.table));
    const auto phylogeny = match_features(io::read_newick(in_set(set, set.tree)), table.feature_ids,
                                          MissingFeatures::kDrop);
    const at::Tensor values = faith_pd(table, phylogeny);
    const io::Metadata expected = io::read_metadata(in_set(set, "expected/faith_pd.tsv"));
    CATCH_REQUIRE(expected.ids.size() > 30);
    std::map<std::string, double> by_id;
    for (int64_t k = 0; k < table.num_samples(); ++k)
      by_id[table.sample_ids[k]] = values[k].item<double>();
    for (size_t row = 0; row < expected.ids.size(); ++row) {
      CATCH_CAPTURE(set.folder, expected.ids[row]);
      const double wanted = *io::numeric_value(expected, 0, static_cast<int64_t>(row));
      CATCH_REQUIRE(by_id.at(expected.ids[row]) == Approx(wanted).epsilon(1e-9));
    }
  }
}

CATCH_TEST_CASE("the full SEPP tree of 217,407 tips gives the same as its sheared copy",
                "[unifrac][real]") {
  DEEPBIO_NEEDS_SHARED();
  const RealSet& set = kRealSets[4];
  const CountTable table = named_samples(io::read_table(in_set(set, set.table)),
                                         lines(in_set(set, "expected/samples.txt")));
  const auto phylogeny = match_features(io::read_newick(in_set(set, "tree.nwk")), table.feature_ids,
                                        MissingFeatures::kDrop);
  CATCH_REQUIRE(phylogeny.missing.size() == 129);
  const at::Tensor values = unifrac(table, phylogeny, Metric::kUnweighted);
  CATCH_REQUIRE(largest_difference(
                    values, io::read_npy(in_set(set, "expected/unweighted.npy")).values) <= 1e-10);
}

CATCH_TEST_CASE("the crawford set reproduces upstream's own expected values", "[unifrac][real]") {
  DEEPBIO_NEEDS_SHARED();
  const CountTable table = io::read_table(test::shared("microbiome/formats/crawford.biom"));
  const auto phylogeny = match_features(
      io::read_newick(test::shared("microbiome/formats/crawford.nwk")), table.feature_ids);
  const at::Tensor values = unifrac(table, phylogeny, Metric::kUnweighted);
  const auto expected =
      io::read_distances(test::shared("microbiome/formats/crawford.unweighted.expected.tsv"));
  CATCH_REQUIRE(expected.ids.size() == table.sample_ids.size());
  std::map<std::string, int64_t> row;
  for (int64_t k = 0; k < table.num_samples(); ++k) row[table.sample_ids[k]] = k;
  for (int64_t i = 0; i < expected.num_rows; ++i) {
    for (int64_t j = 0; j < expected.num_rows; ++j) {
      const double got = values[row.at(expected.ids[i])][row.at(expected.ids[j])].item<double>();
      CATCH_REQUIRE(got == Approx(expected.values[i * expected.num_rows + j]).margin(2e-7));
    }
  }
}

CATCH_TEST_CASE("metrics of a small tree equal their definitions worked by hand", "[unifrac]") {
  const std::string tree = "((f0:1,f1:2):3,(f2:4,f3:5):6);";
  const CountTable table = table_of({{1, 1, 0, 0}, {0, 2, 2, 0}});
  // Only in the first: f0. Only in the second: f2 and the branch above it. In both: f1 and the
  // branch above it.
  CATCH_REQUIRE(first_pair(table, tree, Metric::kUnweighted) ==
                Approx((1 + 4 + 6) / (1.0 + 4 + 6 + 2 + 3)));
  const double unnormalized = 1 * 0.5 + 2 * 0.0 + 3 * 0.5 + 4 * 0.5 + 6 * 0.5;
  const double normalizer = 1 * 0.5 + 2 * 1.0 + 3 * 1.5 + 4 * 0.5 + 6 * 0.5;
  CATCH_REQUIRE(first_pair(table, tree, Metric::kWeightedUnnormalized) == Approx(unnormalized));
  CATCH_REQUIRE(first_pair(table, tree, Metric::kWeightedNormalized) ==
                Approx(unnormalized / normalizer));
}

CATCH_TEST_CASE(
    "the root's own length is ignored and the path from the root to the common ancestor counts",
    "[unifrac]") {
  const CountTable table = table_of({{1, 0}, {0, 1}});
  CATCH_REQUIRE(first_pair(table, "((f0:1,f1:1):2,x:9):100;", Metric::kUnweighted) ==
                Approx(2.0 / 4));
  CATCH_REQUIRE(first_pair(table, "((f0:1,f1:1):2);", Metric::kUnweighted) == Approx(2.0 / 4));
}

CATCH_TEST_CASE("polytomies and single-child nodes are accepted and change nothing", "[unifrac]") {
  const CountTable table = table_of({{1, 2, 0}, {0, 1, 3}});
  for (const Metric metric :
       {Metric::kUnweighted, Metric::kWeightedNormalized, Metric::kWeightedUnnormalized}) {
    const double plain = first_pair(table, "(f0:3,f1:2,f2:1,x:1);", metric);
    CATCH_REQUIRE(first_pair(table, "((f0:1):2,((f1:0.5):1):0.5,f2:1);", metric) == Approx(plain));
  }
}

CATCH_TEST_CASE("empty samples and zero-length branches never give NaN", "[unifrac]") {
  const std::string tree = "(f0:1,f1:2);";
  CATCH_REQUIRE(first_pair(table_of({{0, 0}, {1, 1}}), tree, Metric::kUnweighted) == 1.0);
  CATCH_REQUIRE(first_pair(table_of({{0, 0}, {1, 1}}), tree, Metric::kWeightedNormalized) == 1.0);
  CATCH_REQUIRE(first_pair(table_of({{0, 0}, {1, 1}}), tree, Metric::kWeightedUnnormalized) ==
                Approx(1.5));
  for (const Metric metric :
       {Metric::kUnweighted, Metric::kWeightedNormalized, Metric::kWeightedUnnormalized}) {
    CATCH_REQUIRE(first_pair(table_of({{0, 0}, {0, 0}}), tree, metric) == 0.0);
    CATCH_REQUIRE(first_pair(table_of({{1, 0}, {0, 1}}), "(f0:0,f1:0);", metric) == 0.0);
    const double expected = metric == Metric::kWeightedUnnormalized ? 0.0 : 1.0;
    CATCH_REQUIRE(first_pair(table_of({{0, 0}, {0, 1}}), "(f0:0,f1:0);", metric) == expected);
  }
}

CATCH_TEST_CASE("identical samples are exactly 0 apart, also at other depths", "[unifrac]") {
  const CountTable table = table_of({{3, 7, 11, 1}, {6, 14, 22, 2}});
  const std::string tree = "((f0:0.1,f1:0.2):0.3,(f2:0.7,f3:0.9):0.11);";
  CATCH_REQUIRE(first_pair(table, tree, Metric::kWeightedNormalized) == 0.0);
  CATCH_REQUIRE(first_pair(table, tree, Metric::kWeightedUnnormalized) == 0.0);
  CATCH_REQUIRE(first_pair(table, tree, Metric::kUnweighted) == 0.0);
}

CATCH_TEST_CASE("one sample gives a 1 x 1 zero and none an empty matrix", "[unifrac]") {
  const CountTable one = table_of({{1, 2}});
  const auto phylogeny = match_features(io::parse_newick("(f0:1,f1:1);", "test"), one.feature_ids);
  const at::Tensor single = unifrac(one, phylogeny, Metric::kUnweighted);
  CATCH_REQUIRE(single.sizes() == at::IntArrayRef{1, 1});
  CATCH_REQUIRE(single.item<double>() == 0.0);
  CATCH_REQUIRE(pairwise_distances(phylogeny, {}, Metric::kUnweighted).numel() == 0);
}

CATCH_TEST_CASE("all pairs at once equal the pairs one by one", "[unifrac][real]") {
  DEEPBIO_NEEDS_SHARED();
  const CountTable table = io::read_table(in_set(kRealSets[0], "table.biom"));
  const auto phylogeny =
      match_features(io::read_newick(in_set(kRealSets[0], "tree.nwk")), table.feature_ids);
  std::vector<BranchProfile> profiles;
  for (int64_t i = 0; i < table.num_samples(); ++i) {
    const int64_t first = table.indptr[i], count = table.indptr[i + 1] - first;
    profiles.push_back(branch_profile(phylogeny, std::span(table.indices).subspan(first, count),
                                      std::span(table.values).subspan(first, count)));
  }
  profiles.push_back(BranchProfile{});
  profiles.push_back(profiles[3]);
  for (const auto& name : kMetricNames) {
    const Metric metric = parse_metric(name);
    const at::Tensor values = pairwise_distances(phylogeny, profiles, metric);
    require_matrix_laws(values);
    for (size_t i = 0; i < profiles.size(); ++i) {
      for (size_t j = 0; j < profiles.size(); ++j) {
        const double got = values[static_cast<int64_t>(i)][static_cast<int64_t>(j)].item<double>();
        CATCH_REQUIRE(
            got ==
            Approx(distance(phylogeny, profiles[i], profiles[j], metric)).margin(1e-13).epsilon(0));
      }
    }
    CATCH_REQUIRE(values[3][static_cast<int64_t>(profiles.size()) - 1].item<double>() == 0.0);
  }
}

CATCH_TEST_CASE("features outside the tree do not count towards a sample's total", "[unifrac]") {
  const CountTable table = table_of({{1, 1, 98}, {0, 4, 0}});
  const auto phylogeny = match_features(io::parse_newick("(f0:1,f1:1);", "test"), table.feature_ids,
                                        MissingFeatures::kDrop);
  CATCH_REQUIRE(unifrac(table, phylogeny, Metric::kWeightedUnnormalized)[0][1].item<double>() ==
                Approx(1.0));
}

CATCH_TEST_CASE("the matrix is the same for any number of threads", "[unifrac][real]") {
  DEEPBIO_NEEDS_SHARED();
  const CountTable table = io::read_table(in_set(kRealSets[0], "table.biom"));
  const auto phylogeny =
      match_features(io::read_newick(in_set(kRealSets[0], "tree.nwk")), table.feature_ids);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor one = unifrac(table, phylogeny, Metric::kWeightedNormalized);
  at::set_num_threads(3);
  const at::Tensor three = unifrac(table, phylogeny, Metric::kWeightedNormalized);
  at::set_num_threads(before);
  CATCH_REQUIRE(at::equal(one, three));
}

CATCH_TEST_CASE(
    "an unknown metric is refused with the nearest name, and 'weighted' alone has no meaning",
    "[unifrac]") {
  CATCH_REQUIRE_THROWS_WITH(parse_metric("unweigthed"),
                            Catch::Contains("did you mean \"unweighted\"") ||
                                Catch::Contains("did you mean 'unweighted'"));
  CATCH_REQUIRE_THROWS_AS(parse_metric("weighted"), ArgumentError);
  for (const auto& name : kMetricNames) CATCH_REQUIRE(to_string(parse_metric(name)) == name);
}
