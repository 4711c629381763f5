// Options structs to JSON and back, strictly: every field has one row, written once in `fields(visitor, options)`.
//
// Reading refuses unknown keys, naming the nearest known one, and values of the wrong type, naming the key; absent keys
// keep their default.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"

namespace deepbio::train {

inline Json to_json_value(const std::vector<double>& values) { return Json::array_of(values); }
inline Json to_json_value(uint64_t value) { return Json(static_cast<int64_t>(value)); }
inline Json to_json_value(const std::map<std::string, std::string>& values) {
  Json out = Json::object();
  for (const auto& [key, value] : values) out.set(key, value);
  return out;
}
template <class T>
Json to_json_value(const T& value) {
  return Json(value);
}

inline void from_json_value(const Json& json, bool& out) { out = json.as_bool(); }
inline void from_json_value(const Json& json, int64_t& out) { out = json.as_int(); }
inline void from_json_value(const Json& json, uint64_t& out) { out = static_cast<uint64_t>(json.as_int()); }
inline void from_json_value(const Json& json, double& out) { out = json.as_double(); }
inline void from_json_value(const Json& json, std::string& out) { out = json.as_string(); }
inline void from_json_value(const Json& json, Json& out) { out = json; }
inline void from_json_value(const Json& json, std::vector<double>& out) {
  out.clear();
  for (const Json& item : json.as_array()) out.push_back(item.as_double());
}
inline void from_json_value(const Json& json, std::map<std::string, std::string>& out) {
  out.clear();
  for (const auto& [key, value] : json.as_object()) out[key] = value.as_string();
}

// Visits `fields(visitor, options)` to fill a JSON object.
struct FieldWriter {
  Json json = Json::object();
  template <class T>
  void operator()(const char* name, const T& value) {
    json.set(name, to_json_value(value));
  }
};

// Visits `fields(visitor, options)` to fill the options from `json`; finish() refuses what no row has taken.
class FieldReader {
 public:
  FieldReader(const Json& json, const char* what) : json_(json), what_(what) {}
  template <class T>
  void operator()(const char* name, T& value) {
    known_.emplace_back(name);
    const Json* found = json_.find(name);
    if (found == nullptr) return;
    try {
      from_json_value(*found, value);
    } catch (const ConfigError& error) {
      throw ConfigError(std::string(what_) + ": " + name + ": " + error.what());
    }
  }
  void finish() const {
    for (const auto& [key, value] : json_.as_object()) {
      bool is_known = false;
      for (const std::string& name : known_) is_known = is_known || name == key;
      if (is_known) continue;
      const std::string near = nearest_name(key, known_);
      throw ConfigError(std::string(what_) + ": unknown key " + quoted(key) +
                        (near.empty() ? "" : "; did you mean " + quoted(near) + "?"));
    }
  }

 private:
  const Json& json_;
  const char* what_;
  std::vector<std::string> known_;
};

}  // namespace deepbio::train
