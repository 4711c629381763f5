#include "deepbio/community/table_merge.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "deepbio/base/error.h"

namespace deepbio::community {
namespace {

// Rows of a table under construction: the entries of each sample by feature.
// Ordered, as the entries of a sample are ascending in the table that comes of them.
using Rows = std::vector<std::map<int64_t, double>>;

void set_rows(CountTable& table, const Rows& rows) {
  table.indptr.assign(1, 0);
  for (const auto& row : rows) {
    for (const auto& [feature, value] : row) {
      table.indices.push_back(feature);
      table.values.push_back(value);
    }
    table.indptr.push_back(table.num_entries());
  }
}

// Numbers ids in the order in which they first occur.
class Numbering {
 public:
  explicit Numbering(std::vector<std::string>& ids) : ids_(ids) {}
  std::pair<int64_t, bool> add(const std::string& id) {
    const auto [found, is_new] = place_.emplace(id, static_cast<int64_t>(ids_.size()));
    if (is_new) ids_.push_back(id);
    return {found->second, is_new};
  }

 private:
  std::vector<std::string>& ids_;
  std::unordered_map<std::string, int64_t> place_;
};

// The first levels of a lineage, ';' between them, "__" where there is none.
std::string first_levels(std::string_view lineage, int64_t level) {
  std::string out;
  for (int64_t k = 0; k < level; ++k) {
    const size_t end = std::min(lineage.find(';'), lineage.size());
    std::string_view taxon = lineage.substr(0, end);
    // After the last level nothing is left, and the levels that follow are "__".
    lineage.remove_prefix(std::min(end + 1, lineage.size()));
    while (taxon.starts_with(' ')) taxon.remove_prefix(1);
    while (taxon.ends_with(' ')) taxon.remove_suffix(1);
    out += (k == 0 ? "" : ";") + std::string(taxon.empty() ? "__" : taxon);
  }
  return out;
}

}  // namespace

CountTable merge(const std::vector<CountTable>& tables, OverlappingSamples overlap) {
  if (tables.empty()) throw ArgumentError("merge: expected at least one table, got none");
  CountTable out;
  Numbering samples(out.sample_ids), features(out.feature_ids);
  Rows rows;
  const bool has_taxonomy =
      std::any_of(tables.begin(), tables.end(), [](const auto& t) { return !t.taxonomy.empty(); });
  for (const CountTable& table : tables) {
    out.left_behind.insert(out.left_behind.end(), table.left_behind.begin(),
                           table.left_behind.end());
    std::vector<int64_t> place;
    for (int64_t f = 0; f < table.num_features(); ++f) {
      const auto [number, is_new] = features.add(table.feature_ids[f]);
      place.push_back(number);
      if (is_new && has_taxonomy)
        out.taxonomy.push_back(table.taxonomy.empty() ? "" : table.taxonomy[f]);
    }
    for (int64_t sample = 0; sample < table.num_samples(); ++sample) {
      const auto [number, is_new] = samples.add(table.sample_ids[sample]);
      if (!is_new && overlap == OverlappingSamples::kError) {
        throw ArgumentError("merge: sample " + quoted(table.sample_ids[sample]) +
                            " is in more than one table; overlap sum adds their counts");
      }
      if (is_new) rows.emplace_back();
      for (int64_t k = table.indptr[sample]; k < table.indptr[sample + 1]; ++k) {
        rows[number][place[table.indices[k]]] += table.values[k];
      }
    }
  }
  set_rows(out, rows);
  return out;
}

CountTable collapse(const CountTable& table, int64_t level) {
  if (level < 1)
    throw ArgumentError("collapse: expected a level from 1, got " + std::to_string(level));
  if (table.taxonomy.empty()) throw ArgumentError("collapse: the table has no taxonomy");
  // A map for its order: features come sorted, as QIIME 2 gives them.
  std::map<std::string, int64_t> groups;
  std::vector<std::string> names;
  for (const std::string& lineage : table.taxonomy) {
    names.push_back(first_levels(lineage, level));
    groups.emplace(names.back(), 0);
  }
  CountTable out;
  out.sample_ids = table.sample_ids;
  out.left_behind = table.left_behind;
  for (auto& [name, number] : groups) {
    number = out.num_features();
    out.feature_ids.push_back(name);
    std::string lineage = name;
    for (size_t at = lineage.find(';'); at != std::string::npos; at = lineage.find(';', at + 2)) {
      lineage.insert(at + 1, " ");
    }
    out.taxonomy.push_back(std::move(lineage));
  }
  Rows rows(table.sample_ids.size());
  for (int64_t sample = 0; sample < table.num_samples(); ++sample) {
    for (int64_t k = table.indptr[sample]; k < table.indptr[sample + 1]; ++k) {
      rows[sample][groups.at(names[table.indices[k]])] += table.values[k];
    }
  }
  set_rows(out, rows);
  return out;
}

const std::vector<std::string>& lineages_of(const io::Metadata& taxonomy) {
  for (size_t k = 0; k < taxonomy.columns.size(); ++k) {
    for (const std::string_view name : {"Taxon", "taxon", "Taxonomy", "taxonomy"}) {
      if (taxonomy.columns[k] == name) return taxonomy.values[k];
    }
  }
  if (taxonomy.columns.size() == 1) return taxonomy.values[0];
  throw ArgumentError(taxonomy.path + ": expected a column Taxon with the lineages, got " +
                      std::to_string(taxonomy.columns.size()) + " columns of other names");
}

CountTable with_lineages(CountTable table, const io::Metadata& taxonomy) {
  const std::vector<std::string>& lineages = lineages_of(taxonomy);
  std::vector<std::string> found, lost;
  for (const std::string& id : table.feature_ids) {
    const auto row = taxonomy.row_of.find(id);
    if (row == taxonomy.row_of.end()) lost.push_back(id);
    found.push_back(row == taxonomy.row_of.end() ? "" : lineages[row->second]);
  }
  if (!lost.empty()) {
    std::string examples = lost[0];
    for (size_t k = 1; k < lost.size() && k < 3; ++k) examples += ", " + lost[k];
    throw ArgumentError(taxonomy.path + ": " + std::to_string(lost.size()) + " of " +
                        std::to_string(table.num_features()) +
                        " features of the table have no lineage (" + examples +
                        (lost.size() > 3 ? ", ..." : "") + ")");
  }
  table.taxonomy = std::move(found);
  return table;
}

CountTable filter_counts(const CountTable& table, double min_reads, int64_t min_samples) {
  // Entries are above 0 in a table, so that an entry is a sample with reads of the feature.
  std::vector<int64_t> prevalence(table.feature_ids.size(), 0);
  for (const int64_t feature : table.indices) ++prevalence[feature];
  std::vector<bool> keep;
  for (const int64_t samples : prevalence) keep.push_back(samples >= min_samples);
  const CountTable common = select_features(table, keep);
  const std::vector<double> totals = sample_totals(common);
  std::vector<int64_t> deep;
  for (int64_t sample = 0; sample < common.num_samples(); ++sample) {
    if (totals[sample] >= min_reads) deep.push_back(sample);
  }
  // Last: a feature may have had its reads in samples that have just gone.
  return drop_empty_features(select_samples(common, deep));
}

}  // namespace deepbio::community
