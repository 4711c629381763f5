// A table is compressed rows: entries of one sample together, features ascending within it. All
// functions here keep that order, which searches and merges elsewhere rely on.
#include "deepbio/community/table.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>
#include <unordered_set>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/community/read_draw.h"
#include "deepbio/io/bytes/text.h"

namespace deepbio::community {
namespace {

// The total as a whole number. throws ArgumentError when a count is not one.
uint64_t whole_total(std::span<const double> counts, std::string_view sample_id) {
  constexpr double kLargest = 9007199254740992;  // 2^53: whole numbers are exact up to here
  double total = 0;
  for (const double count : counts) {
    // Not std::floor: a call for each count where the processor's baseline has no instruction for
    // it.
    if (!(count >= 0 && count <= kLargest) ||
        count != static_cast<double>(static_cast<int64_t>(count))) {
      throw ArgumentError("rarefaction needs whole numbers of reads, sample " + quoted(sample_id) +
                          " has " + std::to_string(count) +
                          "; relative abundances cannot be rarefied");
    }
    total += count;
  }
  if (total > kLargest)
    throw ArgumentError("sample " + quoted(sample_id) + " has more than 2^53 reads");
  return static_cast<uint64_t>(total);
}

void check_depth(int64_t depth_reads) {
  if (depth_reads < 1) {
    throw ArgumentError("rarefaction depth must be at least 1 read, got " +
                        std::to_string(depth_reads));
  }
}

bool is_deep_enough(double total, const RarefyOptions& options) {
  return options.with_replacement ? total > 0 : total >= static_cast<double>(options.depth_reads);
}

std::span<const double> counts_of(const CountTable& table, int64_t sample) {
  return std::span(table.values)
      .subspan(table.indptr[sample], table.indptr[sample + 1] - table.indptr[sample]);
}

void draw(std::span<const double> counts, uint64_t total, const std::string_view sample_id,
          const RarefyOptions& options, ReadDrawer& drawer, std::span<double> out) {
  // Keyed by the id, not by the place: the draw stays when samples are added, left out or sorted.
  CounterRandom random(options.seed, options.epoch, hash_bytes(sample_id), Purpose::kRarefaction);
  const auto draws = static_cast<uint64_t>(options.depth_reads);
  if (options.with_replacement) {
    drawer.with_replacement(counts, total, draws, random, out);
  } else {
    drawer.without_replacement(counts, total, draws, random, out);
  }
}

// The table with other values, for the samples that are kept; entries and features without reads
// are gone.
CountTable with_reads_only(const CountTable& table, const std::vector<int64_t>& kept,
                           const std::vector<double>& values) {
  CountTable out;
  out.left_behind = table.left_behind;
  std::vector<int64_t> renumbered(table.feature_ids.size(), 0);
  out.indices.resize(values.size());
  out.values.resize(values.size());
  // `renumbered` holds 0 or 1 in the first pass, whether a feature keeps reads, and its new number
  // after.
  int64_t end = 0;
  for (const int64_t sample : kept) {
    // An entry without reads is written over by the next one: whether there is one cannot be
    // foreseen.
    for (int64_t k = table.indptr[sample]; k < table.indptr[sample + 1]; ++k) {
      const int64_t feature = table.indices[k], has_reads = values[k] > 0;
      out.indices[end] = feature;
      out.values[end] = values[k];
      renumbered[feature] |= has_reads;
      end += has_reads;
    }
    out.indptr.push_back(end);
    out.sample_ids.push_back(table.sample_ids[sample]);
  }
  out.indices.resize(end);
  out.values.resize(end);
  for (size_t feature = 0; feature < renumbered.size(); ++feature) {
    if (renumbered[feature] == 0) continue;
    renumbered[feature] = out.num_features();
    out.feature_ids.push_back(table.feature_ids[feature]);
    if (!table.taxonomy.empty()) out.taxonomy.push_back(table.taxonomy[feature]);
  }
  for (int64_t& index : out.indices) index = renumbered[index];
  return out;
}

[[noreturn]] void fail_too_shallow(const std::vector<double>& totals,
                                   const RarefyOptions& options) {
  std::string got = "the table has no samples";
  if (!totals.empty()) {
    got = "the deepest has " + io::number_text(*std::max_element(totals.begin(), totals.end())) +
          ", the median " + io::number_text(median(totals));
  }
  throw ArgumentError("no sample has " + std::to_string(options.depth_reads) + " reads: " + got +
                      "; choose a smaller depth");
}

}  // namespace

std::vector<double> rarefy_counts(std::span<const double> counts, std::string_view sample_id,
                                  const RarefyOptions& options) {
  check_depth(options.depth_reads);
  uint64_t left = whole_total(counts, sample_id);
  if (!is_deep_enough(static_cast<double>(left), options)) {
    throw ArgumentError("sample " + quoted(sample_id) + " has " + std::to_string(left) +
                        " reads, fewer than the depth " + std::to_string(options.depth_reads));
  }
  std::vector<double> out(counts.size());
  ReadDrawer drawer;
  draw(counts, left, sample_id, options, drawer, out);
  return out;
}

RarefyResult rarefy(const CountTable& table, const RarefyOptions& options) {
  check_depth(options.depth_reads);
  const std::vector<double> totals = sample_totals(table);
  RarefyResult result;
  std::vector<int64_t> kept;
  for (int64_t sample = 0; sample < table.num_samples(); ++sample) {
    if (is_deep_enough(totals[sample], options)) {
      kept.push_back(sample);
    } else {
      result.dropped_samples.push_back(table.sample_ids[sample]);
    }
  }
  if (kept.empty()) fail_too_shallow(totals, options);
  std::vector<double> drawn(table.values.size());
  const auto num_kept = static_cast<int64_t>(kept.size());
  at::parallel_for(0, num_kept, 16, [&](int64_t begin, int64_t end) {
    // One for each thread: its scratch memory has a bit for each read of a sample.
    ReadDrawer drawer;
    for (int64_t k = begin; k < end; ++k) {
      const auto counts = counts_of(table, kept[k]);
      const std::string& id = table.sample_ids[kept[k]];
      // Counts of samples that are dropped are not looked at: they may be anything.
      draw(counts, whole_total(counts, id), id, options, drawer,
           std::span(drawn).subspan(table.indptr[kept[k]], counts.size()));
    }
  });
  result.table = with_reads_only(table, kept, drawn);
  return result;
}

CountTable select_samples(const CountTable& table, std::span<const int64_t> samples) {
  CountTable out;
  out.feature_ids = table.feature_ids;
  out.taxonomy = table.taxonomy;
  out.left_behind = table.left_behind;
  for (const int64_t sample : samples) {
    if (sample < 0 || sample >= table.num_samples()) {
      throw ArgumentError("sample " + std::to_string(sample) + " is out of range for a table of " +
                          std::to_string(table.num_samples()) + " samples");
    }
    out.sample_ids.push_back(table.sample_ids[sample]);
    const int64_t first = table.indptr[sample], last = table.indptr[sample + 1];
    out.indices.insert(out.indices.end(), table.indices.begin() + first,
                       table.indices.begin() + last);
    out.values.insert(out.values.end(), table.values.begin() + first, table.values.begin() + last);
    out.indptr.push_back(out.num_entries());
  }
  return out;
}

CountTable select_features(const CountTable& table, const std::vector<bool>& keep) {
  if (keep.size() != table.feature_ids.size()) {
    throw ArgumentError("select_features needs a choice for each of " +
                        std::to_string(table.num_features()) + " features, got " +
                        std::to_string(keep.size()));
  }
  CountTable out;
  out.sample_ids = table.sample_ids;
  out.left_behind = table.left_behind;
  std::vector<int64_t> renumbered(keep.size(), -1);
  for (size_t feature = 0; feature < keep.size(); ++feature) {
    if (!keep[feature]) continue;
    renumbered[feature] = out.num_features();
    out.feature_ids.push_back(table.feature_ids[feature]);
    if (!table.taxonomy.empty()) out.taxonomy.push_back(table.taxonomy[feature]);
  }
  for (int64_t sample = 0; sample < table.num_samples(); ++sample) {
    for (int64_t k = table.indptr[sample]; k < table.indptr[sample + 1]; ++k) {
      const int64_t feature = renumbered[table.indices[k]];
      if (feature < 0 || table.values[k] == 0) continue;
      out.indices.push_back(feature);
      out.values.push_back(table.values[k]);
    }
    out.indptr.push_back(out.num_entries());
  }
  return out;
}

CountTable keep_samples(const CountTable& table, const std::vector<std::string>& ids) {
  const std::unordered_set<std::string_view> wanted(ids.begin(), ids.end());
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < table.num_samples(); ++i) {
    if (wanted.contains(table.sample_ids[i])) rows.push_back(i);
  }
  return select_samples(table, rows);
}

CountTable keep_features(const CountTable& table, const std::vector<std::string>& ids) {
  const std::unordered_set<std::string_view> wanted(ids.begin(), ids.end());
  std::vector<bool> keep;
  for (const std::string& id : table.feature_ids) keep.push_back(wanted.contains(id));
  return select_features(table, keep);
}

CountTable drop_empty_features(const CountTable& table) {
  std::vector<bool> keep(table.feature_ids.size(), false);
  for (size_t k = 0; k < table.indices.size(); ++k) {
    if (table.values[k] > 0) keep[table.indices[k]] = true;
  }
  return select_features(table, keep);
}

}  // namespace deepbio::community
