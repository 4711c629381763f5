// Seconds of UniFrac and of what stands before it, as one line of JSON. Driven by unifrac.py.
//   unifrac pairs TABLE TREE METRIC ALPHA float|double THREADS [vaw]   from the files to the
//   distances in memory unifrac batch TABLE TREE SAMPLES  prepared, and from counts rarefied
//   beforehand; best and median of 200 unifrac files TABLE TREE|-        best of five: the table,
//   the tree read and matched, a draw of 1000 reads
#include "deepbio/community/unifrac.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include <sys/resource.h>

#include "deepbio/community/unifrac_batch.h"
#include "deepbio/io/tables/biom.h"
#include "deepbio/io/tables/newick.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

auto now() { return std::chrono::steady_clock::now(); }
template <class Time>
double seconds(Time from, Time to) {
  return std::chrono::duration<double>(to - from).count();
}

// Ascending seconds of several calls.
std::vector<double> timed(int64_t runs, const std::function<void()>& call) {
  std::vector<double> out;
  for (int64_t k = 0; k < runs; ++k) {
    const auto start = now();
    call();
    out.push_back(seconds(start, now()));
  }
  std::sort(out.begin(), out.end());
  return out;
}

int run_pairs(char** argv) {
  UnifracOptions options{.metric = parse_metric(argv[4]), .alpha = std::atof(argv[5])};
  if (std::string(argv[6]) == "float") options.precision = Precision::kFloat;
  options.variance_adjusted = argv[8] != nullptr;
  at::set_num_threads(std::atoi(argv[7]));
  const auto start = now();
  const auto table = io::read_table(argv[2]);
  const auto phylogeny = match_features(io::read_newick(argv[3]), table.feature_ids);
  const auto loaded = now();
  const auto profiles = branch_profiles(table, phylogeny);
  const auto profiled = now();
  const at::Tensor distances = pairwise_distances(phylogeny, profiles, options);
  const auto done = now();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  double from_double = 0;
  if (options.precision == Precision::kFloat && table.num_samples() <= 2000) {
    options.precision = Precision::kDouble;
    const at::Tensor wanted = pairwise_distances(phylogeny, profiles, options);
    // Unnormalized distances have the unit of the branches: relative to the largest.
    from_double = (distances - wanted).abs().max().item<double>() /
                  std::max(1.0, wanted.max().item<double>());
  }
  std::printf(
      "{\"load_s\": %.4f, \"profiles_s\": %.4f, \"pairs_s\": %.4f, \"total_s\": %.4f, "
      "\"peak_rss_mib\": %ld, "
      "\"mean\": %.9f, \"from_double\": %.2e}\n",
      seconds(start, loaded), seconds(loaded, profiled), seconds(profiled, done),
      seconds(start, done), usage.ru_maxrss / 1024, distances.mean().item<double>(), from_double);
  return 0;
}

int run_batch(char** argv) {
  constexpr int64_t kRuns = 200;
  const int64_t num_samples = std::atoi(argv[4]);
  const auto table = io::read_table(argv[2]);
  const auto phylogeny = match_features(io::read_newick(argv[3]), table.feature_ids);
  std::vector<int64_t> samples;
  for (int64_t k = 0; k < num_samples; ++k) samples.push_back(k * 31 % table.num_samples());
  std::vector<int64_t> indptr{0}, features;
  std::vector<double> counts;
  for (const int64_t sample : samples) {
    const int64_t first = table.indptr[sample], count = table.indptr[sample + 1] - first;
    const auto drawn = rarefy_counts(std::span(table.values).subspan(first, count),
                                     table.sample_ids[sample], {.depth_reads = 1000});
    for (int64_t k = 0; k < count; ++k) {
      if (drawn[k] == 0) continue;
      features.push_back(table.indices[first + k]);
      counts.push_back(drawn[k]);
    }
    indptr.push_back(static_cast<int64_t>(features.size()));
  }
  std::string out;
  for (const int threads : {1, 2}) {
    at::set_num_threads(threads);
    for (const Metric metric :
         {Metric::kUnweighted, Metric::kWeightedNormalized, Metric::kGeneralized}) {
      for (const Precision precision : {Precision::kDouble, Precision::kFloat}) {
        const UnifracBatch batch(table, phylogeny,
                                 {.metric = metric, .alpha = 0.5, .precision = precision});
        const auto prepared = timed(kRuns, [&] { batch.distances(samples); });
        const auto fresh = timed(kRuns, [&] {
          batch.distances(BatchCounts{indptr, features, counts});
        });
        char line[256];
        std::snprintf(
            line, sizeof(line),
            "%s\"%s %s %d thread\": {\"prepared_best_ms\": %.3f, \"prepared_median_ms\": %.3f, "
            "\"fresh_best_ms\": %.3f, \"fresh_median_ms\": %.3f}",
            out.empty() ? "" : ", ", std::string(to_string(metric)).c_str(),
            precision == Precision::kFloat ? "float" : "double", threads, prepared.front() * 1e3,
            prepared[kRuns / 2] * 1e3, fresh.front() * 1e3, fresh[kRuns / 2] * 1e3);
        out += line;
      }
    }
  }
  std::printf("{\"samples\": %ld, %s}\n", static_cast<long>(num_samples), out.c_str());
  return 0;
}

int run_files(char** argv) {
  at::set_num_threads(1);
  io::CountTable table;
  const double load = timed(5, [&] { table = io::read_table(argv[2]); }).front();
  const double rarefied = timed(5, [&] { rarefy(table, {.depth_reads = 1000}); }).front();
  double tree = 0;
  if (std::string(argv[3]) != "-") {
    tree = timed(5, [&] {
             match_features(io::read_newick(argv[3]), table.feature_ids, MissingFeatures::kDrop);
           }).front();
  }
  std::printf("{\"load_s\": %.5f, \"rarefy_s\": %.5f, \"tree_ready_s\": %.5f}\n", load, rarefied,
              tree);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string kind = argc > 1 ? argv[1] : "";
  if (kind == "pairs" && (argc == 8 || (argc == 9 && std::string(argv[8]) == "vaw")))
    return run_pairs(argv);
  if (kind == "batch" && argc == 5) return run_batch(argv);
  if (kind == "files" && argc == 4) return run_files(argv);
  std::fprintf(stderr,
               "usage: unifrac pairs TABLE TREE METRIC ALPHA float|double THREADS [vaw] | batch "
               "TABLE TREE SAMPLES | "
               "files TABLE TREE|-\n");
  return 2;
}
