// What happens to a count table before a model or a distance sees it: filtering and rarefaction.
//
// Rarefaction is keyed by (seed, epoch, sample id): a draw does not depend on other samples, their
// order or the number of threads. Axes: N samples, F features.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "deepbio/io/tables/biom.h"
#include "deepbio/io/tables/depths.h"

namespace deepbio::community {

using io::CountTable;
using io::median;
using io::sample_totals;

struct RarefyOptions {
  int64_t depth_reads = 5000;
  bool with_replacement = false;
  uint64_t seed = 0;
  uint64_t epoch = 0;
};

// One sample's draw: reads[i] of `counts` after subsampling to options.depth_reads.
//   counts      whole numbers >= 0 whose total is at least depth_reads (any positive total with
//               replacement)
//   returns     drawn counts, same length, total exactly depth_reads
//   complexity  O(entries), see read_draw.h
//   throws      ArgumentError when a count is not a whole number or the total is too small
std::vector<double> rarefy_counts(std::span<const double> counts, std::string_view sample_id,
                                  const RarefyOptions& options);

struct RarefyResult {
  CountTable table;  // shallow samples and empty features are gone
  std::vector<std::string> dropped_samples;
};
// throws ArgumentError when no sample reaches the depth (the message gives the deepest and the
// median depth).
RarefyResult rarefy(const CountTable& table, const RarefyOptions& options);

// Keeps the given samples (in that order). throws ArgumentError for an index out of range.
CountTable select_samples(const CountTable& table, std::span<const int64_t> samples);
// Keeps features for which keep[f] is true.
CountTable select_features(const CountTable& table, const std::vector<bool>& keep);
// Keep the samples or features whose ids are listed, in the order of the table; other ids do not
// matter.
CountTable keep_samples(const CountTable& table, const std::vector<std::string>& ids);
CountTable keep_features(const CountTable& table, const std::vector<std::string>& ids);
// Removes features without reads.
CountTable drop_empty_features(const CountTable& table);

}  // namespace deepbio::community
