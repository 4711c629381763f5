#include "deepbio/io/biom_json.h"

#include <string_view>
#include <vector>

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"
#include "deepbio/io/table_entries.h"

namespace deepbio::io {
namespace {

const Json& member(const Json& document, std::string_view key, const std::string& path) {
  const Json* found = document.find(key);
  if (found == nullptr) fail_table(path, "a BIOM 1.0 table with " + quoted(key), "JSON without it");
  return *found;
}

std::vector<std::string> json_ids(const Json& document, std::string_view key, const std::string& path) {
  const Json& list = member(document, key, path);
  if (!list.is_array()) fail_table(path, "a list under " + quoted(key), "another type");
  std::vector<std::string> out;
  for (const Json& item : list.as_array()) {
    const Json* id = item.is_object() ? item.find("id") : nullptr;
    // MetaPhlAn writes numbers where ids belong; their digits are the id.
    if (id == nullptr || !(id->is_string() || id->is_number())) {
      fail_table(path, "an id in " + std::string(key) + "[" + std::to_string(out.size()) + "]", "none");
    }
    out.push_back(id->is_string() ? id->as_string() : id->dump());
  }
  return out;
}

Entry json_triple(const Json& item, const CountTable& table, size_t position, const std::string& path) {
  const std::string where = "data[" + std::to_string(position) + "]";
  if (!item.is_array() || item.as_array().size() != 3)
    fail_table(path, "[row, column, count] in " + where, item.dump());
  const auto& triple = item.as_array();
  if (!triple[0].is_int() || !triple[1].is_int() || !triple[2].is_number()) {
    fail_table(path, "[row, column, count] as numbers in " + where, item.dump());
  }
  const Entry out{triple[1].as_int(), triple[0].as_int(), triple[2].as_double()};
  if (out.feature < 0 || out.feature >= table.num_features() || out.sample < 0 || out.sample >= table.num_samples()) {
    fail_table(path,
               "a row below " + std::to_string(table.num_features()) + " and a column below " +
                   std::to_string(table.num_samples()) + " in " + where,
               item.dump());
  }
  return out;
}

void add_json_row(std::vector<Entry>& entries, const Json& row, const CountTable& table, int64_t feature,
                  const std::string& path) {
  const std::string where = "data[" + std::to_string(feature) + "]";
  if (!row.is_array() || static_cast<int64_t>(row.as_array().size()) != table.num_samples()) {
    fail_table(path, "a row of " + std::to_string(table.num_samples()) + " counts in " + where, "another length");
  }
  int64_t sample = 0;
  for (const Json& value : row.as_array()) {
    if (!value.is_number()) fail_table(path, "counts in " + where, value.dump());
    entries.push_back({sample++, feature, value.as_double()});
  }
}

bool is_dense(const Json& document, const Json::Array& data, const CountTable& table, const std::string& path) {
  const Json* type = document.find("matrix_type");
  if (type != nullptr && type->is_string()) {
    if (type->as_string() == "dense" || type->as_string() == "sparse") return type->as_string() == "dense";
    fail_table(path, "matrix_type sparse or dense", quoted(type->as_string()));
  }
  // Without matrix_type the shape tells, except that a table of three samples could be either: sparse is the usual.
  return table.num_samples() != 3 && static_cast<int64_t>(data.size()) == table.num_features() && !data.empty() &&
         data[0].is_array() && static_cast<int64_t>(data[0].as_array().size()) == table.num_samples();
}

}  // namespace

CountTable read_biom_json(const std::string& text, const std::string& path) {
  const Json document = Json::parse(text, path);
  CountTable table;
  table.feature_ids = json_ids(document, "rows", path);
  table.sample_ids = json_ids(document, "columns", path);
  if (const Json* shape = document.find("shape"); shape != nullptr && !shape->is_null()) {
    const Json counted = Json::array_of(std::vector<int64_t>{table.num_features(), table.num_samples()});
    if (!(*shape == counted)) fail_table(path, "ids for a shape of " + shape->dump(), counted.dump());
  }
  const Json& data = member(document, "data", path);
  std::vector<Entry> entries;
  if (!data.is_null()) {
    if (!data.is_array()) fail_table(path, "a list under \"data\"", "another type");
    const auto& items = data.as_array();
    const bool dense = is_dense(document, items, table, path);
    if (dense && static_cast<int64_t>(items.size()) != table.num_features()) {
      fail_table(path, std::to_string(table.num_features()) + " rows of data", std::to_string(items.size()));
    }
    for (size_t k = 0; k < items.size(); ++k) {
      if (dense) {
        add_json_row(entries, items[k], table, static_cast<int64_t>(k), path);
      } else {
        entries.push_back(json_triple(items[k], table, k, path));
      }
    }
  }
  set_entries(table, entries, path);
  return table;
}

}  // namespace deepbio::io
