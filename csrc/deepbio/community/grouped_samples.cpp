#include "deepbio/community/grouped_samples.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "deepbio/base/error.h"

namespace deepbio::community {
namespace {

// The words of a column, "" for samples that have none.
std::vector<std::string> words_of(const io::Metadata& metadata, const std::vector<std::string>& ids,
                                  const std::string& name) {
  const auto& values = metadata.values[static_cast<size_t>(metadata.column(name))];
  std::vector<std::string> out;
  for (const auto& id : ids) {
    const auto found = metadata.row_of.find(id);
    out.push_back(found == metadata.row_of.end() ? "" : values[static_cast<size_t>(found->second)]);
  }
  return out;
}

// "2 of 6 samples have no `kind` in column 'site' ('s3', ...)", or "".
std::string told_missing(const std::vector<std::string>& words, const std::vector<std::string>& ids,
                         const std::string& kind, const std::string& column) {
  const auto first = std::find(words.begin(), words.end(), "");
  if (first == words.end()) return "";
  const auto count = std::count(words.begin(), words.end(), "");
  return std::to_string(count) + " of " + std::to_string(ids.size()) + " samples have no " + kind +
         " in column " + quoted(column) + " (" +
         quoted(ids[static_cast<size_t>(first - words.begin())]) + (count > 1 ? ", ...)" : ")");
}

}  // namespace

at::Tensor GroupedSamples::of(const at::Tensor& distances) const {
  const at::Tensor places = at::tensor(rows, at::kLong);
  return distances.index_select(0, places).index_select(1, places);
}

GroupedSamples grouped_samples(const io::Metadata& metadata, const std::vector<std::string>& ids,
                               const GroupColumns& columns) {
  GroupedSamples out;
  const auto groups = words_of(metadata, ids, columns.group);
  out.left_out = told_missing(groups, ids, "group", columns.group);
  if (!out.left_out.empty() && !columns.drops_missing) {
    throw ArgumentError(out.left_out + "; `missing_groups=drop` leaves them out");
  }
  for (size_t row = 0; row < ids.size(); ++row) {
    if (groups[row].empty()) continue;
    out.rows.push_back(static_cast<int64_t>(row));
    out.ids.push_back(ids[row]);
    out.groups.push_back(groups[row]);
  }
  // Of the samples that stay: one that is left out needs no stratum.
  if (!columns.stratum.empty()) out.strata = labels_of(metadata, out.ids, columns.stratum);
  return out;
}

std::vector<std::string> labels_of(const io::Metadata& metadata,
                                   const std::vector<std::string>& ids, const std::string& column) {
  const auto words = words_of(metadata, ids, column);
  const std::string missing = told_missing(words, ids, "value", column);
  if (!missing.empty()) throw ArgumentError(missing + "; leave such samples out");
  return words;
}

std::vector<Factor> factors_of(const io::Metadata& metadata, const std::vector<std::string>& ids,
                               const std::vector<Term>& terms) {
  std::vector<Factor> out;
  for (const Term& term : terms) {
    for (const auto& name : term) {
      const bool is_known =
          std::any_of(out.begin(), out.end(), [&](const Factor& f) { return f.name == name; });
      if (is_known) continue;
      Factor factor{name, labels_of(metadata, ids, name), {}};
      const int64_t column = metadata.column(name);
      // The type belongs to the whole column of the file, not to these samples: the same model for
      // a subset.
      if (io::is_numeric(metadata, column)) {
        for (const auto& id : ids) {
          factor.values.push_back(*io::numeric_value(metadata, column, metadata.row_of.at(id)));
        }
        factor.labels.clear();
      }
      out.push_back(std::move(factor));
    }
  }
  return out;
}

}  // namespace deepbio::community
