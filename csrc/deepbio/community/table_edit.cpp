#include "deepbio/community/table_edit.h"

#include "deepbio/base/error.h"
#include "deepbio/community/table_merge.h"

namespace deepbio::community {

void TableEdit::check(int64_t num_tables) const {
  const auto belongs = [&](bool is_given, const std::string& option, const std::string& owner) {
    if (!is_given || action == owner) return;
    throw ArgumentError("`" + option + "` belongs to table " + owner + ", got table " + action);
  };
  belongs(level != 0, "level", "collapse");
  belongs(overlap != "error", "overlap", "merge");
  belongs(min_reads > 0, "min_reads", "filter");
  belongs(min_samples > 0, "min_samples", "filter");
  belongs(samples.has_value(), "samples", "filter");
  belongs(features.has_value(), "features", "filter");
  if (action == "collapse" && level == 0) throw ArgumentError("table collapse needs `level`");
  if (action != "merge" && num_tables > 1) {
    throw ArgumentError("table " + action + " takes one `table`, got " +
                        std::to_string(num_tables));
  }
}

CountTable TableEdit::apply(std::vector<CountTable> tables) const {
  if (action == "merge") {
    return merge(tables, overlap == "sum" ? OverlappingSamples::kSum : OverlappingSamples::kError);
  }
  CountTable table = std::move(tables.front());
  if (action == "collapse") return collapse(table, level);
  if (action != "filter") return table;

  if (samples) table = keep_samples(table, *samples);
  // Chosen ids first: min_reads and min_samples then count what is left of them.
  if (features) table = keep_features(table, *features);
  return filter_counts(table, min_reads, min_samples);
}

Json summarize(const CountTable& table) {
  const std::vector<double> totals = sample_totals(table);
  Json rows = Json::array();
  for (int64_t i = 0; i < table.num_samples(); ++i) {
    const int64_t num_features = table.indptr[i + 1] - table.indptr[i];
    rows.push_back(Json(Json::Object{
        {"sample_id", table.sample_ids[i]}, {"reads", totals[i]}, {"features", num_features}}));
  }
  return rows;
}

}  // namespace deepbio::community
