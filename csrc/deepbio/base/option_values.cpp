// Which values an option takes, and values as text.
#include <cmath>

#include "deepbio/base/options.h"

namespace deepbio {
namespace {

std::string joined(const std::vector<std::string>& items, const char* between) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : between) + item;
  return text;
}

std::string number_text(double value) {
  // Below 2^53 each whole number is exact, so "10" is said where JSON would say "10.0"; NaN and
  // infinity fail the comparison and go the other way.
  if (!(std::abs(value) < 1e15)) return Json(value).dump();
  const auto whole = static_cast<int64_t>(value);
  return static_cast<double>(whole) == value ? std::to_string(whole) : Json(value).dump();
}

}  // namespace

std::string OptionValues::text() const {
  if (!choices.empty()) return "one of " + joined(choices, ", ");
  std::string out;
  for (const auto& [word, value] : words) out += word + " or ";
  // No helper below makes an upper bound without a lower one, so that has no words of its own.
  const bool has_least = std::isfinite(least), has_most = std::isfinite(most);
  if (!has_least && !has_most) return "";
  if (!has_most)
    return out + (without_least ? "above " + number_text(least) : number_text(least) + " or more");
  const std::string from = (without_least ? "above " : "at least ") + number_text(least);
  const std::string to = (without_most ? "below " : "at most ") + number_text(most);
  return out + from + " and " + to;
}

OptionValues at_least(double least) { return {.least = least}; }
OptionValues above(double least) { return {.least = least, .without_least = true}; }
OptionValues from_to(double least, double most) { return {.least = least, .most = most}; }
OptionValues below_one() { return {.least = 0, .most = 1, .without_most = true}; }
OptionValues inside_unit() {
  return {.least = 0, .most = 1, .without_least = true, .without_most = true};
}
OptionValues one_of(std::vector<std::string> choices) {
  OptionValues values;
  values.choices = std::move(choices);
  return values;
}

std::string value_text(const Json& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_object()) return value.as_object().empty() ? "none" : value.dump();
  if (value.is_number()) return number_text(value.as_double());
  if (!value.is_array()) return value.dump();
  std::vector<std::string> items;
  for (const Json& item : value.as_array()) items.push_back(value_text(item));
  return items.empty() ? "none" : joined(items, ",");
}

}  // namespace deepbio
