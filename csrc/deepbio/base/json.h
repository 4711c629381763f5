// A strict JSON value: what config.json, metrics.jsonl, state.json and --json speak.
//
// Objects keep their order. Reading refuses duplicate keys, trailing text, comments, NaN and
// nesting deeper than 256. Integers stay integers (int64), other numbers are double. Writing
// refuses NaN and infinities by writing null. The parser behind it is nlohmann-json, private to
// json.cpp.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace deepbio {

class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() = default;  // null
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(int value) : value_(static_cast<int64_t>(value)) {}
  Json(int64_t value) : value_(value) {}
  Json(double value) : value_(value) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}
  static Json array() { return Json(Array{}); }
  static Json object() { return Json(Object{}); }
  template <class T>
  static Json array_of(const std::vector<T>& items) {
    Array out;
    for (const auto& item : items) out.emplace_back(Json(item));
    return Json(std::move(out));
  }

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_int() const { return std::holds_alternative<int64_t>(value_); }
  bool is_number() const { return is_int() || std::holds_alternative<double>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }

  // Typed access. Throws ConfigError naming the expected and the actual type.
  bool as_bool() const;
  int64_t as_int() const;
  double as_double() const;  // takes an integer too
  const std::string& as_string() const;
  const Array& as_array() const;
  const Object& as_object() const;
  Array& as_array();
  Object& as_object();

  // Object access. find returns nullptr when the key is absent; at throws ConfigError naming the
  // key.
  const Json* find(std::string_view key) const;
  const Json& at(std::string_view key) const;
  void set(std::string key, Json value);  // replaces or appends; a null becomes an object first
  void push_back(Json value);             // a null becomes an array first

  // One line when indent < 0, otherwise pretty with that many spaces.
  std::string dump(int indent = -1) const;

  // Parses one document. `path` names the source in errors. Throws ParseError with line and byte.
  static Json parse(std::string_view text, const std::string& path = "JSON");

  bool operator==(const Json& other) const { return value_ == other.value_; }

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> value_;
};

}  // namespace deepbio
