// Tables of options: one is found by any of its names, all are read from JSON and written to it,
// and all are described for Python, the help and the docs. What a single row does is in
// options.cpp.
#include <algorithm>
#include <type_traits>

#include "deepbio/base/error.h"
#include "deepbio/base/options.h"

namespace deepbio {
namespace {

bool has_name(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// As Python annotates them: the stub of the options and docs/options.md are made from these words.
std::string name_type(const OptionField& field) {
  const auto name_of = []<class T>(T*) -> std::string {
    if constexpr (std::is_same_v<T, bool>) return "bool";
    if constexpr (std::is_same_v<T, double>) return "float";
    if constexpr (std::is_same_v<T, int64_t> || std::is_same_v<T, uint64_t>) return "int";
    if constexpr (std::is_same_v<T, std::string>) return "str";
    if constexpr (std::is_same_v<T, std::vector<int64_t>>) return "list[int]";
    if constexpr (std::is_same_v<T, std::vector<double>>) return "list[float]";
    if constexpr (std::is_same_v<T, std::vector<std::string>>) return "list[str]";
    if constexpr (std::is_same_v<T, std::map<std::string, int64_t>>) return "dict[str, int]";
    if constexpr (std::is_same_v<T, std::map<std::string, std::string>>) return "dict[str, str]";
    return "object";
  };
  return std::visit(name_of, field);
}

[[noreturn]] void refuse_unknown(const OptionRows& rows, const std::string& given) {
  std::vector<std::string> names;
  // Only present names are proposed: whoever mistypes an old one should learn the new.
  for (const OptionRow& row : rows) names.push_back(row.name);
  const std::string near = nearest_name(given, names);
  throw ConfigError("unknown option " + quoted(given) +
                    (near.empty() ? "" : "; did you mean `" + near + "`?"));
}

}  // namespace

OptionRows operator+(OptionRows first, const OptionRows& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

const OptionRow* find_option(const OptionRows& rows, std::string_view name) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const OptionRow& row) {
    return row.name == name || has_name(row.other_names, name) || has_name(row.old_names, name);
  });
  return found == rows.end() ? nullptr : &*found;
}

Json to_json(const OptionRows& rows) {
  Json out = Json::object();
  for (const OptionRow& row : rows) {
    // An option for several fields has no value of its own once they differ; its parts are written.
    if (row.more_fields.empty()) out.set(row.name, row.get());
  }
  return out;
}

void from_json(const OptionRows& rows, const Json& options,
               const std::vector<std::string_view>& ignored) {
  std::vector<std::pair<const OptionRow*, const Json*>> given;
  for (const auto& [key, value] : options.as_object()) {
    if (std::find(ignored.begin(), ignored.end(), key) != ignored.end()) continue;
    const OptionRow* row = find_option(rows, key);
    if (row == nullptr) refuse_unknown(rows, key);
    if (value.is_null()) continue;
    // By row, not by name: an option and its other or old name together are twice the same option,
    // and which of two values counts would be chance.
    for (const auto& [other, first] : given) {
      if (other == row)
        throw ConfigError("`" + row->name + "`: given twice, the other time as " + quoted(key));
    }
    given.emplace_back(row, &value);
  }
  // Two passes, whatever the order in the file: `dropout` sets all kinds of dropout, and one of
  // them given beside it is meant for that one.
  for (const bool several : {true, false}) {
    for (const auto& [row, value] : given) {
      if (row->more_fields.empty() != several) row->set(*value);
    }
  }
}

void check_values(const OptionRows& rows) {
  for (const OptionRow& row : rows) {
    if (const std::string text = row.problem(row.get()); !text.empty()) {
      throw ConfigError("`" + row.name + "`: " + text);
    }
  }
}

Json describe(const OptionRows& rows) {
  Json out = Json::array();
  for (const OptionRow& row : rows) {
    Json sets = Json::array();
    for (const OptionRow& each : rows) {
      const bool is_set = row.field == each.field ||
                          std::find(row.more_fields.begin(), row.more_fields.end(), each.field) !=
                              row.more_fields.end();
      if (!row.more_fields.empty() && each.more_fields.empty() && is_set) sets.push_back(each.name);
    }
    out.push_back(Json(Json::Object{{"name", row.name},
                                    {"type", name_type(row.field)},
                                    {"help", row.help},
                                    {"values", row.values.text()},
                                    {"choices", Json::array_of(row.values.choices)},
                                    {"default", row.get()},
                                    {"sets", sets},
                                    {"other_names", Json::array_of(row.other_names)},
                                    {"old_names", Json::array_of(row.old_names)},
                                    {"of_predictor", row.of_predictor},
                                    {"on_command", row.on_command}}));
  }
  return out;
}

std::string mention(const OptionRows& rows, const OptionField& field, const std::string& value) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const OptionRow& row) {
    return row.more_fields.empty() && row.field == field;
  });
  return found == rows.end() ? "" : "`" + found->name + (value.empty() ? "" : "=" + value) + "`";
}

}  // namespace deepbio
