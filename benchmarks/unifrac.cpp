// Seconds from the files to the distances in memory: unifrac TABLE TREE METRIC [alpha] [float|double] [threads].
// Prints one line of JSON. Driven by unifrac.py, which makes the data and runs ssu beside it.
#include "deepbio/community/unifrac.h"

#include <ATen/Parallel.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "deepbio/io/biom.h"
#include "deepbio/io/newick.h"

using namespace deepbio;
using namespace deepbio::community;

int main(int argc, char** argv) {
  if (argc < 4) return std::fprintf(stderr, "usage: unifrac TABLE TREE METRIC [alpha] [float|double] [threads]\n"), 2;
  UnifracOptions options{.metric = parse_metric(argv[3])};
  if (argc > 4) options.alpha = std::atof(argv[4]);
  if (argc > 5 && std::string(argv[5]) == "float") options.precision = Precision::kFloat;
  at::set_num_threads(argc > 6 ? std::atoi(argv[6]) : 1);
  const auto now = [] { return std::chrono::steady_clock::now(); };
  const auto seconds = [](auto from, auto to) { return std::chrono::duration<double>(to - from).count(); };
  const auto start = now();
  const auto table = io::read_table(argv[1]);
  const auto phylogeny = match_features(io::read_newick(argv[2]), table.feature_ids);
  const auto loaded = now();
  const auto profiles = branch_profiles(table, phylogeny);
  const auto profiled = now();
  const at::Tensor distances = pairwise_distances(phylogeny, profiles, options);
  const auto done = now();
  std::printf("{\"load_s\": %.4f, \"profiles_s\": %.4f, \"pairs_s\": %.4f, \"total_s\": %.4f, \"mean\": %.9f}\n",
              seconds(start, loaded), seconds(loaded, profiled), seconds(profiled, done), seconds(start, done),
              distances.mean().item<double>());
  return 0;
}
