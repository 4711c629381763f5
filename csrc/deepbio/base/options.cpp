// What one row does: a value from JSON or a command line checked, converted and set, and its field
// read back. Everything follows from the C++ type of the field, which a variant of pointers keeps:
// `with_type` and `with_value` open it, and the templates in between are chosen by type alone, so
// that a new type of field is one case in each of them.
#include "deepbio/base/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <type_traits>

#include "deepbio/base/error.h"

namespace deepbio {
namespace {

template <class T>
constexpr bool kIsNumber =
    std::is_same_v<T, int64_t> || std::is_same_v<T, uint64_t> || std::is_same_v<T, double>;
template <class T>
constexpr bool kIsList = false;
template <class T>
constexpr bool kIsList<std::vector<T>> = true;
template <class T>
constexpr bool kIsMap = false;
template <class T>
constexpr bool kIsMap<std::map<std::string, T>> = true;

// Calls f(value) with the field's value of its own type.
template <class F>
auto with_value(const OptionField& field, F&& f) {
  return std::visit([&](auto* value) { return f(*value); }, field);
}

// Calls f with the type of the field, without touching it.
template <class F>
auto with_type(const OptionField& field, F&& f) {
  return std::visit([&]<class T>(T*) { return f(std::type_identity<T>()); }, field);
}

// JSON has no word for NaN and infinity and writes null, which would hide what is wrong.
std::string shown(const Json& value) {
  if (value.is_number() && !value.is_int() && !std::isfinite(value.as_double())) {
    return std::isnan(value.as_double()) ? "NaN" : "infinity";
  }
  return value.is_string() ? quoted(value.as_string()) : value.dump();
}

template <class T>
const char* type_name() {
  if constexpr (std::is_same_v<T, bool>) return "true or false";
  if constexpr (std::is_same_v<T, int64_t> || std::is_same_v<T, uint64_t>) return "a whole number";
  if constexpr (std::is_same_v<T, double>) return "a number";
  if constexpr (std::is_same_v<T, std::string>) return "text";
  if constexpr (std::is_same_v<T, std::vector<std::string>>) return "a list of names";
  if constexpr (kIsList<T>) return "a list of numbers";
  if constexpr (kIsMap<T>) return "values by name";
  return "anything";
}

template <class T>
bool has_type(const Json& value) {
  if constexpr (std::is_same_v<T, bool>) return value.is_bool();
  if constexpr (std::is_same_v<T, int64_t> || std::is_same_v<T, uint64_t>) return value.is_int();
  if constexpr (std::is_same_v<T, double>) return value.is_number();
  if constexpr (std::is_same_v<T, std::string>) return value.is_string();
  if constexpr (kIsList<T>) return value.is_array();
  if constexpr (kIsMap<T>) return value.is_object();
  return std::is_same_v<T, Json>;
}

template <class T>
T converted(const Json& value) {
  if constexpr (std::is_same_v<T, bool>) return value.as_bool();
  if constexpr (std::is_same_v<T, int64_t> || std::is_same_v<T, uint64_t>)
    return static_cast<T>(value.as_int());
  if constexpr (std::is_same_v<T, double>) return value.as_double();
  if constexpr (std::is_same_v<T, std::string>) return value.as_string();
  if constexpr (std::is_same_v<T, Json>) return value;
  T out{};
  if constexpr (kIsList<T>) {
    for (const Json& item : value.as_array())
      out.push_back(converted<typename T::value_type>(item));
  }
  if constexpr (kIsMap<T>) {
    for (const auto& [key, item] : value.as_object())
      out[key] = converted<typename T::mapped_type>(item);
  }
  return out;
}

template <class T>
Json written(const T& value) {
  if constexpr (std::is_same_v<T, uint64_t>) {
    return Json(static_cast<int64_t>(value));
  } else if constexpr (kIsList<T>) {
    return Json::array_of(value);
  } else if constexpr (kIsMap<T>) {
    Json out = Json::object();
    for (const auto& [key, item] : value) out.set(key, Json(item));
    return out;
  } else {
    return Json(value);
  }
}

// A word of the row, such as auto, as the value it stands for.
const Json& meant(const OptionValues& values, const Json& given) {
  if (!given.is_string()) return given;
  const auto word = values.words.find(given.as_string());
  return word == values.words.end() ? given : word->second;
}

bool is_in_range(const OptionValues& values, double value) {
  if (!std::isfinite(value)) return false;
  if (values.without_least ? value <= values.least : value < values.least) return false;
  return !(values.without_most ? value >= values.most : value > values.most);
}

// A value that a word stands for may lie outside the range (-1 for auto), and must pass when it is
// written out as a number, as a stored config does.
bool is_word(const OptionValues& values, const Json& value) {
  return std::any_of(values.words.begin(), values.words.end(),
                     [&](const auto& word) { return word.second == value; });
}

// Of a value of type T, not a list: what is wrong with it. `place` says which item of a list or map
// it is.
template <class T>
std::string item_problem(const OptionValues& values, const Json& value, const std::string& place) {
  const std::string got = ", got " + shown(value) + place;
  if (!has_type<T>(value)) {
    return "expected " + (values.choices.empty() ? std::string(type_name<T>()) : values.text()) +
           got;
  }
  if constexpr (kIsNumber<T>) {
    if (is_word(values, value) || is_in_range(values, value.as_double())) return "";
    const std::string range = values.text();
    return "expected " + (range.empty() ? "a finite number" : range) + got;
  }
  if constexpr (std::is_same_v<T, std::string>) {
    const auto& choices = values.choices;
    if (choices.empty() ||
        std::find(choices.begin(), choices.end(), value.as_string()) != choices.end())
      return "";
    const std::string near = nearest_name(value.as_string(), choices);
    return "expected " + values.text() + got + (near.empty() ? "" : "; did you mean " + near + "?");
  }
  return "";
}

template <class T>
std::string problem_of(const OptionValues& values, const Json& value) {
  if constexpr (kIsList<T>) {
    if (!has_type<T>(value))
      return std::string("expected ") + type_name<T>() + ", got " + shown(value);
    for (const Json& item : value.as_array()) {
      if (auto text = item_problem<typename T::value_type>(values, item, ""); !text.empty())
        return text;
    }
    return "";
  } else if constexpr (kIsMap<T>) {
    if (!has_type<T>(value))
      return std::string("expected ") + type_name<T>() + ", got " + shown(value);
    for (const auto& [key, item] : value.as_object()) {
      const std::string place = " for " + quoted(key);
      if (auto text = item_problem<typename T::mapped_type>(values, item, place); !text.empty())
        return text;
    }
    return "";
  } else {
    return item_problem<T>(values, value, "");
  }
}

// The whole of `text` as a number.
template <class Number>
bool is_number(const std::string& text, Number& value) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end;
}

// A value as typed; what is none of the type stays what it is, and the check of the row then
// refuses it.
template <class T>
Json typed(const std::string& text) {
  if constexpr (kIsNumber<T>) {
    int64_t whole = 0;
    double number = 0;
    if (is_number(text, whole)) return Json(whole);
    if (is_number(text, number)) return Json(number);
  }
  if constexpr (std::is_same_v<T, bool>) {
    if (text == "true" || text == "false") return Json(text == "true");
  }
  return Json(text);
}

template <class T>
Json parsed(const std::string& text) {
  // Lists cannot quote a comma: none of the names that options take holds one. An empty text is the
  // empty list.
  if constexpr (kIsMap<T>) return Json::parse(text, "a map of values");
  if constexpr (kIsList<T>) {
    Json out = Json::array();
    for (size_t from = 0; from < text.size();) {
      const size_t comma = std::min(text.find(',', from), text.size());
      out.push_back(typed<typename T::value_type>(text.substr(from, comma - from)));
      from = comma + 1;
    }
    return out;
  } else {
    return typed<T>(text);
  }
}

template <class T>
std::string placeholder(const OptionValues& values) {
  if constexpr (std::is_same_v<T, bool>) return "";
  if constexpr (kIsMap<T>) return "JSON";
  std::string words;
  for (const std::string& choice : values.choices) words += (words.empty() ? "" : "|") + choice;
  if (!words.empty()) return words;
  // A choice is complete by itself; words come beside a number.
  for (const auto& [word, value] : values.words) words += word + "|";
  if constexpr (std::is_same_v<T, double>) return words + "NUMBER";
  if constexpr (kIsNumber<T>) return words + "INT";
  if constexpr (std::is_same_v<T, std::string>) return "NAME";
  if constexpr (std::is_same_v<T, std::vector<std::string>>) return "NAME,...";
  if constexpr (std::is_same_v<T, std::vector<int64_t>>) return "INT,...";
  if constexpr (kIsList<T>) return "NUMBER,...";
  return "JSON";
}

}  // namespace

OptionRow OptionRow::sets_all(std::vector<OptionField> fields) const {
  OptionRow row = *this;
  row.more_fields = std::move(fields);
  return row;
}
OptionRow OptionRow::also(std::string other_name) const {
  OptionRow row = *this;
  row.other_names.push_back(std::move(other_name));
  return row;
}
OptionRow OptionRow::formerly(std::string old_name) const {
  OptionRow row = *this;
  row.old_names.push_back(std::move(old_name));
  return row;
}
OptionRow OptionRow::for_predictor() const {
  OptionRow row = *this;
  row.of_predictor = true;
  return row;
}
OptionRow OptionRow::for_encoder() const {
  OptionRow row = *this;
  row.of_encoder = true;
  return row;
}
OptionRow OptionRow::not_on_command() const {
  OptionRow row = *this;
  row.on_command = false;
  return row;
}

Json OptionRow::get() const {
  const Json value = with_value(field, [](const auto& found) { return written(found); });
  for (const auto& [word, meaning] : values.words) {
    // Back to the word, so that a file and the help say auto and not -1.
    if (meaning == value && !value.is_string()) return Json(word);
  }
  return value;
}

// Without touching the field: the command checks rows whose struct it made for the help only.
std::string OptionRow::problem(const Json& value) const {
  const Json& real = meant(values, value);
  return with_type(field,
                   [&]<class T>(std::type_identity<T>) { return problem_of<T>(values, real); });
}

void OptionRow::set(const Json& value) const {
  if (const std::string text = problem(value); !text.empty())
    throw ConfigError("`" + name + "`: " + text);
  const Json& real = meant(values, value);
  const auto put = [&](auto& found) { found = converted<std::decay_t<decltype(found)>>(real); };
  with_value(field, put);
  for (const OptionField& each : more_fields) with_value(each, put);
}

Json OptionRow::parse(const std::string& text) const {
  return with_type(field, [&]<class T>(std::type_identity<T>) { return parsed<T>(text); });
}

std::string OptionRow::value_name() const {
  return with_type(field, [&]<class T>(std::type_identity<T>) { return placeholder<T>(values); });
}

}  // namespace deepbio
