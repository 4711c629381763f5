#include "deepbio/data/categories.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <set>

#include "deepbio/base/error.h"

namespace deepbio::data {
namespace {

// The cell of a sample, or "" where there is none.
std::string value_of(const io::Metadata& metadata, int64_t column, const std::string& sample_id) {
  const auto row = metadata.row_of.find(sample_id);
  if (row == metadata.row_of.end()) return "";
  const std::string& value =
      metadata.values[static_cast<size_t>(column)][static_cast<size_t>(row->second)];
  return io::is_missing(value) ? "" : value;
}

}  // namespace

CategoricalEncoder CategoricalEncoder::fit(const std::vector<std::string>& columns,
                                           const io::Metadata& metadata,
                                           const std::vector<std::string>& sample_ids) {
  CategoricalEncoder encoder;
  for (const std::string& name : columns) {
    const int64_t column = metadata.column(name);
    // Sorted as it grows: the number of a value does not depend on the order of the samples.
    std::set<std::string> seen;
    for (const std::string& id : sample_ids) seen.insert(value_of(metadata, column, id));
    seen.erase("");
    if (seen.empty()) {
      throw ArgumentError(metadata.path + ": column " + quoted(name) + " has no value in the " +
                          std::to_string(sample_ids.size()) +
                          " training samples; leave it out of the covariates");
    }
    if (!encoder.values_.emplace(name, std::vector<std::string>(seen.begin(), seen.end())).second) {
      throw ArgumentError("covariates: column " + quoted(name) + " is named twice");
    }
  }
  return encoder;
}

CategoricalEncoder CategoricalEncoder::from_json(const Json& json) {
  CategoricalEncoder encoder;
  if (json.is_null()) return encoder;
  for (const auto& [column, values] : json.as_object()) {
    std::vector<std::string>& known = encoder.values_[column];
    for (const Json& value : values.as_array()) known.push_back(value.as_string());
    // A file changed by hand could give values other numbers than the weights were learned for.
    if (!std::is_sorted(known.begin(), known.end())) {
      throw ConfigError("covariates: expected the values of " + quoted(column) +
                        " in sorted order");
    }
  }
  return encoder;
}

Json CategoricalEncoder::to_json() const {
  Json json = Json::object();
  for (const auto& [column, values] : values_) json.set(column, Json::array_of(values));
  return json;
}

std::map<std::string, int64_t> CategoricalEncoder::cardinalities() const {
  std::map<std::string, int64_t> out;
  for (const auto& [column, values] : values_)
    out[column] = static_cast<int64_t>(values.size()) + 1;
  return out;
}

CategoryIds CategoricalEncoder::encode(const io::Metadata& metadata,
                                       const std::vector<std::string>& sample_ids) const {
  CategoryIds out;
  for (const auto& [name, values] : values_) {
    const int64_t column = metadata.column(name);
    // 0 wherever no value is found below: absent, missing and unseen are one case to the model.
    const at::Tensor ids = at::zeros({static_cast<int64_t>(sample_ids.size())}, at::kLong);
    auto* const id = ids.data_ptr<int64_t>();
    for (size_t sample = 0; sample < sample_ids.size(); ++sample) {
      const std::string value = value_of(metadata, column, sample_ids[sample]);
      const auto found = std::lower_bound(values.begin(), values.end(), value);
      if (found != values.end() && *found == value) id[sample] = found - values.begin() + 1;
    }
    out[name] = ids;
  }
  return out;
}

}  // namespace deepbio::data
