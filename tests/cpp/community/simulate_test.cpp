#include "deepbio/community/simulate.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/community/table.h"
#include "deepbio/community/tree.h"
#include "deepbio/io/tables/biom.h"
#include "deepbio/io/tables/metadata.h"
#include "deepbio/io/tables/newick.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

SimulateOptions small(uint64_t seed) {
  SimulateOptions options;
  options.num_samples = 30;
  options.num_features = 60;
  options.length_bp = 50;
  options.depth_reads = 800;
  options.reads_per_sample = 5;
  options.seed = seed;
  return options;
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const auto n = static_cast<double>(a.size());
  double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
  for (size_t k = 0; k < a.size(); ++k) {
    sa += a[k], sb += b[k], saa += a[k] * a[k], sbb += b[k] * b[k], sab += a[k] * b[k];
  }
  return (sab - sa * sb / n) / std::sqrt((saa - sa * sa / n) * (sbb - sb * sb / n));
}

std::vector<double> numbers(const io::Metadata& metadata, const char* name) {
  std::vector<double> out;
  const int64_t column = metadata.column(name), rows = static_cast<int64_t>(metadata.ids.size());
  for (int64_t row = 0; row < rows; ++row)
    out.push_back(io::numeric_value(metadata, column, row).value());
  return out;
}

}  // namespace

CATCH_TEST_CASE("a simulation's table, tree, metadata and reads belong together", "[simulate]") {
  const test::TemporaryFolder folder;
  const auto report = simulate(folder / "out", small(3));
  CATCH_REQUIRE(report.num_samples == 30);
  CATCH_REQUIRE(report.num_reads == 150);
  const CountTable table = io::read_table(folder / "out/table.biom");
  CATCH_REQUIRE(table.num_samples() == 30);
  CATCH_REQUIRE(table.num_features() == 60);
  for (const double total : sample_totals(table)) CATCH_REQUIRE(total == 800);
  for (const auto& id : table.feature_ids) {
    CATCH_REQUIRE(id.size() == 50);
    CATCH_REQUIRE(id.find_first_not_of("ACGT") == std::string::npos);
  }
  const io::Tree tree = io::read_newick(folder / "out/tree.nwk");
  CATCH_REQUIRE(tree.num_tips() == 60);
  CATCH_REQUIRE(match_features(tree, table.feature_ids).missing.empty());
  const auto metadata = io::read_metadata(folder / "out/metadata.tsv");
  CATCH_REQUIRE(metadata.ids == table.sample_ids);
  CATCH_REQUIRE(metadata.columns == std::vector<std::string>{"age", "group", "site"});
  for (const char* name : {"low", "middle", "high"}) {
    CATCH_REQUIRE(std::count(metadata.values[1].begin(), metadata.values[1].end(), name) == 10);
  }
  for (const auto& id : table.sample_ids) {
    CATCH_REQUIRE(std::filesystem::exists(folder / ("out/reads/" + id + ".fastq.gz")));
  }
}

CATCH_TEST_CASE("age is linear in the hidden gradient plus noise of the stated size",
                "[simulate]") {
  const test::TemporaryFolder folder;
  SimulateOptions options = small(1);
  options.num_samples = 400;
  options.reads_per_sample = 0;
  const auto report = simulate(folder / "out", options);
  const auto metadata = io::read_metadata(folder / "out/metadata.tsv");
  const auto truth = io::read_metadata(folder / "out/truth.tsv");
  std::vector<double> age, gradient;
  for (int64_t row = 0; row < 400; ++row) {
    age.push_back(*io::numeric_value(metadata, metadata.column("age"), row));
    gradient.push_back(*io::numeric_value(truth, truth.column("gradient"), row));
    CATCH_REQUIRE(age.back() > 0);
  }
  const double r = correlation(age, gradient);
  CATCH_REQUIRE(r * r == Approx(1 / (1 + 0.3 * 0.3)).margin(0.04));
  CATCH_REQUIRE(report.best_possible_r2 == Approx(r * r).margin(0.02));
}

CATCH_TEST_CASE("the gradient shows in the abundances, up in some features and down in others",
                "[simulate]") {
  const test::TemporaryFolder folder;
  SimulateOptions options = small(2);
  options.num_samples = 200;
  options.reads_per_sample = 0;
  simulate(folder / "out", options);
  const CountTable table = io::read_table(folder / "out/table.biom");
  const auto truth = io::read_metadata(folder / "out/truth.tsv");
  std::vector<double> gradient;
  for (int64_t row = 0; row < 200; ++row) gradient.push_back(*io::numeric_value(truth, 0, row));
  int num_up = 0, num_down = 0;
  for (int64_t feature = 0; feature < table.num_features(); ++feature) {
    std::vector<double> x, reads;
    for (int64_t sample = 0; sample < 200; ++sample) {
      for (int64_t k = table.indptr[sample]; k < table.indptr[sample + 1]; ++k) {
        if (table.indices[k] != feature) continue;
        x.push_back(gradient[sample]);
        reads.push_back(std::log(table.values[k]));
      }
    }
    const double r = x.size() > 20 ? correlation(x, reads) : 0;
    num_up += r > 0.5;
    num_down += r < -0.5;
  }
  CATCH_REQUIRE(num_up >= 5);
  CATCH_REQUIRE(num_down >= 5);
}

CATCH_TEST_CASE("the same seed gives the same community and another seed another", "[simulate]") {
  const test::TemporaryFolder folder;
  simulate(folder / "a", small(5));
  simulate(folder / "b", small(5));
  simulate(folder / "c", small(6));
  for (const char* name : {"/tree.nwk", "/metadata.tsv", "/truth.tsv", "/sequences.fasta",
                           "/reads/sample_01.fastq.gz"}) {
    CATCH_REQUIRE(test::read_text(folder / ("a" + std::string(name))) ==
                  test::read_text(folder / ("b" + std::string(name))));
    CATCH_REQUIRE(test::read_text(folder / ("a" + std::string(name))) !=
                  test::read_text(folder / ("c" + std::string(name))));
  }
  CATCH_REQUIRE(io::read_table(folder / "a/table.biom").values ==
                io::read_table(folder / "b/table.biom").values);
}

CATCH_TEST_CASE("sequences stay distinct when they are too short to differ by chance",
                "[simulate]") {
  const test::TemporaryFolder folder;
  SimulateOptions options = small(4);
  options.num_features = 2000;
  options.length_bp = 20;
  options.num_samples = 3;
  options.reads_per_sample = 0;
  simulate(folder / "out", options);
  const auto ids = io::read_table(folder / "out/table.biom").feature_ids;
  CATCH_REQUIRE(std::set<std::string>(ids.begin(), ids.end()).size() == 2000);
}

CATCH_TEST_CASE("a folder with files is refused, and overwriting leaves no reads of an earlier run",
                "[simulate]") {
  const test::TemporaryFolder folder;
  simulate(folder / "out", small(1));
  CATCH_REQUIRE_THROWS_AS(simulate(folder / "out", small(1)), WriteError);
  SimulateOptions fewer = small(1);
  fewer.num_samples = 5;
  simulate(folder / "out", fewer, io::Overwrite::kAllow);
  CATCH_REQUIRE(std::filesystem::exists(folder / "out/reads/sample_5.fastq.gz"));
  CATCH_REQUIRE_FALSE(std::filesystem::exists(folder / "out/reads/sample_30.fastq.gz"));
}

CATCH_TEST_CASE("impossible simulations are refused with both values", "[simulate]") {
  const test::TemporaryFolder folder;
  SimulateOptions options = small(1);
  options.num_features = 3;
  CATCH_REQUIRE_THROWS_WITH(simulate(folder / "out", options),
                            Catch::Contains("20 to 100000 features, got 3"));
  options = small(1);
  options.num_clades = 12;
  CATCH_REQUIRE_THROWS_AS(simulate(folder / "out", options), ArgumentError);
  CATCH_REQUIRE_FALSE(std::filesystem::exists(folder / "out"));
}

CATCH_TEST_CASE("the clades that the truth names follow the gradient, in the direction it says",
                "[simulate]") {
  const test::TemporaryFolder folder;
  auto options = small(5);
  options.num_samples = 200;
  options.reads_per_sample = 0;
  simulate(folder / "out", options);
  const CountTable table = io::read_table(folder / "out/table.biom");
  const auto gradient = numbers(io::read_metadata(folder / "out/truth.tsv"), "gradient");
  const auto truth = io::read_metadata(folder / "out/truth_features.tsv");
  CATCH_REQUIRE(truth.ids == table.feature_ids);

  // Log reads of a clade as a whole: single features are absent at random.
  const auto& clades = truth.values[truth.column("clade")];
  const auto effects = numbers(truth, "effect");
  std::map<std::string, std::vector<double>> reads;
  std::map<std::string, double> effect_of;
  for (size_t f = 0; f < clades.size(); ++f) {
    reads[clades[f]].assign(gradient.size(), 1.0);
    effect_of[clades[f]] = effects[f];
  }
  for (int64_t sample = 0; sample < table.num_samples(); ++sample) {
    for (int64_t k = table.indptr[sample]; k < table.indptr[sample + 1]; ++k)
      reads[clades[table.indices[k]]][sample] += table.values[k];
  }
  for (auto& [clade, values] : reads) {
    for (double& value : values) value = std::log(value);
    const double found = correlation(values, gradient);
    CATCH_INFO("clade " << clade << ", effect " << effect_of[clade] << ", correlation " << found);
    if (effect_of[clade] != 0) CATCH_REQUIRE(found * effect_of[clade] > 0.5);
  }
}
