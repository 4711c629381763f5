#include "deepbio/community/rarefaction_curve.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>

#include "deepbio/base/error.h"
#include "deepbio/community/unifrac.h"

namespace deepbio::community {
namespace {

void check(const RarefactionCurveOptions& options, std::string_view metric,
           const Phylogeny* phylogeny) {
  if (options.depths_reads.empty()) throw ArgumentError("depths: expected at least one");
  for (const int64_t depth : options.depths_reads) {
    if (depth < 1)
      throw ArgumentError("depths: expected at least 1 read, got " + std::to_string(depth));
  }
  if (options.num_draws < 1) {
    throw ArgumentError("draws: expected at least 1, got " + std::to_string(options.num_draws));
  }
  if (metric != "faith_pd") {
    check_alpha_metric(metric);
  } else if (phylogeny == nullptr) {
    throw ArgumentError("metric faith_pd: expected a tree, got none");
  }
}

// The draw of each sample that is deep enough; the others are empty. Features stay.
CountTable drawn(const CountTable& table, const std::vector<double>& totals,
                 const RarefyOptions& options) {
  CountTable out;
  out.sample_ids = table.sample_ids;
  out.feature_ids = table.feature_ids;
  // Drawn in parallel into a place for each sample, then put together in order: rows of a sparse
  // table begin where those before end.
  std::vector<std::vector<double>> reads(totals.size());
  at::parallel_for(0, table.num_samples(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (totals[i] < static_cast<double>(options.depth_reads)) continue;
      const auto counts = std::span<const double>(table.values)
                              .subspan(static_cast<size_t>(table.indptr[i]),
                                       static_cast<size_t>(table.indptr[i + 1] - table.indptr[i]));
      reads[i] = rarefy_counts(counts, table.sample_ids[i], options);
    }
  });
  for (int64_t i = 0; i < table.num_samples(); ++i) {
    for (size_t k = 0; k < reads[i].size(); ++k) {
      if (reads[i][k] == 0) continue;
      out.indices.push_back(table.indices[table.indptr[i] + static_cast<int64_t>(k)]);
      out.values.push_back(reads[i][k]);
    }
    out.indptr.push_back(static_cast<int64_t>(out.values.size()));
  }
  return out;
}

}  // namespace

std::vector<int64_t> even_depths(int64_t deepest, int64_t count) {
  if (deepest < 1 || count < 1)
    throw ArgumentError("depths: expected at least one, of at least one read");
  std::vector<int64_t> out;
  for (int64_t k = 1; k <= count; ++k) {
    // In double: deepest * k may pass 2^63. Steps of less than one read would repeat a depth.
    const auto depth = static_cast<int64_t>(static_cast<double>(deepest) * static_cast<double>(k) /
                                            static_cast<double>(count));
    if (depth > (out.empty() ? 0 : out.back())) out.push_back(depth);
  }
  return out;
}

RarefactionCurve rarefaction_curve(const CountTable& table, std::string_view metric,
                                   const RarefactionCurveOptions& options,
                                   const Phylogeny* phylogeny) {
  check(options, metric, phylogeny);
  const std::vector<double> totals = sample_totals(table);
  const at::Tensor reads = at::tensor(totals, at::kDouble);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<at::Tensor> means, spreads;
  for (const int64_t depth : options.depths_reads) {
    std::vector<at::Tensor> values;
    for (int64_t draw = 0; draw < options.num_draws; ++draw) {
      const CountTable some =
          drawn(table, totals, {depth, false, options.seed, static_cast<uint64_t>(draw)});
      // Of samples that are too shallow, too: their rows are empty, and NaN replaces the value
      // below.
      values.push_back(metric == "faith_pd" ? faith_pd(some, *phylogeny)
                                            : alpha_diversity(some, metric, options.alpha));
    }
    const at::Tensor all = at::stack(values), is_deep = reads >= static_cast<double>(depth);
    const at::Tensor spread = options.num_draws > 1 ? all.std(0) : at::zeros_like(all[0]);
    means.push_back(at::where(is_deep, all.mean(0), nan));
    spreads.push_back(at::where(is_deep, spread, nan));
  }
  return {at::stack(means), at::stack(spreads)};
}

}  // namespace deepbio::community
