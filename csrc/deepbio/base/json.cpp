#include "deepbio/base/json.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include <nlohmann/json.hpp>

#include "deepbio/base/error.h"

namespace deepbio {
namespace {

constexpr size_t kMaxDepth = 256;

// Place of byte `offset` of `text`; the line is counted only when there is an error to report.
Place place_of(std::string_view text, const std::string& path, size_t offset) {
  offset = std::min(offset, text.size());
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(offset);
  return {path, -1, 1 + std::count(text.begin(), end, '\n'), static_cast<int64_t>(offset)};
}

// Walks over `text` for nlohmann-json and remembers how far it got, since its SAX events carry no
// position.
// An input iterator: nlohmann reads each byte once, and the pointer `seen` is shared by all copies
// that it makes.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;
  CountingIterator(const char* at, const char** seen) : at_(at), seen_(seen) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    *seen_ = at_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** seen_;
};

// Builds a Json from parser events. Open containers stand on a stack of their own, so depth costs
// no recursion here.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(std::string_view text, const std::string& path)
      : text_(text), path_(path), seen(text.data()) {}

  bool null() override { return add(Json()); }
  bool boolean(bool value) override { return add(Json(value)); }
  bool number_integer(number_integer_t value) override {
    return add(Json(static_cast<int64_t>(value)));
  }
  // Numbers from 2^63 on do not fit the integers of this class and become double, as a fraction
  // would; as_int() then refuses them, where a wrapped negative number would pass.
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(INT64_MAX))
      return add(Json(static_cast<double>(value)));
    return add(Json(static_cast<int64_t>(value)));
  }
  bool number_float(number_float_t value, const string_t& written) override {
    if (!std::isfinite(value)) fail("a number that fits a double", written);
    return add(Json(static_cast<double>(value)));
  }
  bool string(string_t& value) override { return add(Json(std::move(value))); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  // The JSON standard leaves it open what a name that is given twice means, and readers differ; a
  // config whose meaning depends on its reader is refused.
  bool key(string_t& name) override {
    if (!open_.back().names.insert(name).second)
      fail("each key once", "key " + quoted(name) + " twice");
    open_.back().name = std::move(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    // The parser counts from 1 and its position is the last byte read.
    const size_t offset = position > 0 ? position - 1 : 0;
    // nlohmann's code for a number that overflows a double (its out_of_range.406); all others are
    // syntax.
    if (error.id == 406)
      throw ParseError(place_of(text_, path_, offset), "a number that fits a double",
                       "a larger one");
    throw ParseError(
        place_of(text_, path_, offset), "JSON",
        offset < text_.size() ? quoted(text_.substr(offset), 20) : "the end of the text");
  }
  Json result() { return std::move(root_); }

 private:
  struct Open {
    Json value;
    std::string name;  // of the member being read
    std::unordered_set<std::string> names;
  };

  // `seen` is already past the last byte of what the event was about.
  [[noreturn]] void fail(const std::string& expected, const std::string& got) const {
    const auto offset = static_cast<size_t>(seen - text_.data());
    throw ParseError(place_of(text_, path_, offset > 0 ? offset - 1 : 0), expected, got);
  }
  // Building needs no recursion, but writing and destroying a value do, so depth is bounded where
  // it comes in.
  bool open(Json value) {
    if (open_.size() >= kMaxDepth)
      fail("nesting of at most " + std::to_string(kMaxDepth), "a deeper document");
    open_.push_back({std::move(value), {}, {}});
    return true;
  }
  bool close() {
    Json value = std::move(open_.back().value);
    open_.pop_back();
    return add(std::move(value));
  }
  bool add(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().value.is_object()) {
      open_.back().value.as_object().emplace_back(std::move(open_.back().name), std::move(value));
    } else {
      open_.back().value.as_array().push_back(std::move(value));
    }
    return true;
  }

  std::string_view text_;
  const std::string& path_;
  std::vector<Open> open_;
  Json root_;

 public:
  const char* seen;
};

std::string_view type_name(const Json& value) {
  if (value.is_null()) return "null";
  if (value.is_bool()) return "a boolean";
  if (value.is_int()) return "an integer";
  if (value.is_number()) return "a number";
  if (value.is_string()) return "a string";
  return value.is_array() ? "an array" : "an object";
}

[[noreturn]] void wrong_type(const Json& value, const char* expected) {
  throw ConfigError(std::string("JSON: expected ") + expected + ", got " +
                    std::string(type_name(value)));
}

// nlohmann writes the shortest decimal that reads back as the same double, and replaces bytes that
// are not UTF-8.
std::string scalar_text(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void write_scalar(const Json& value, std::string& out) {
  if (value.is_null()) {
    out += "null";
  } else if (value.is_bool()) {
    out += value.as_bool() ? "true" : "false";
  } else if (value.is_int()) {
    out += std::to_string(value.as_int());
  } else if (value.is_string()) {
    out += scalar_text(value.as_string());
  } else {
    out += std::isfinite(value.as_double()) ? scalar_text(value.as_double()) : "null";
  }
}

void new_line(int indent, int depth, std::string& out) {
  if (indent < 0) return;
  out += '\n';
  out.append(static_cast<size_t>(indent) * static_cast<size_t>(depth), ' ');
}

// ", " on one line as Python's json.dumps writes it; with an indent the line end takes the place of
// the blank.
void write_value(const Json& value, int indent, int depth, std::string& out) {
  if (!value.is_array() && !value.is_object()) return write_scalar(value, out);
  const bool is_object = value.is_object();
  const size_t size = is_object ? value.as_object().size() : value.as_array().size();
  out += is_object ? '{' : '[';
  for (size_t i = 0; i < size; ++i) {
    if (i > 0) out += indent < 0 ? ", " : ",";
    new_line(indent, depth + 1, out);
    if (is_object) out += scalar_text(value.as_object()[i].first) + ": ";
    write_value(is_object ? value.as_object()[i].second : value.as_array()[i], indent, depth + 1,
                out);
  }
  if (size > 0) new_line(indent, depth, out);
  out += is_object ? '}' : ']';
}

}  // namespace

bool Json::as_bool() const {
  if (!is_bool()) wrong_type(*this, "a boolean");
  return std::get<bool>(value_);
}

int64_t Json::as_int() const {
  if (!is_int()) wrong_type(*this, "an integer");
  return std::get<int64_t>(value_);
}

double Json::as_double() const {
  if (is_int()) return static_cast<double>(std::get<int64_t>(value_));
  if (!is_number()) wrong_type(*this, "a number");
  return std::get<double>(value_);
}

const std::string& Json::as_string() const {
  if (!is_string()) wrong_type(*this, "a string");
  return std::get<std::string>(value_);
}

const Json::Array& Json::as_array() const {
  if (!is_array()) wrong_type(*this, "an array");
  return std::get<Array>(value_);
}

const Json::Object& Json::as_object() const {
  if (!is_object()) wrong_type(*this, "an object");
  return std::get<Object>(value_);
}

Json::Array& Json::as_array() {
  if (!is_array()) wrong_type(*this, "an array");
  return std::get<Array>(value_);
}

Json::Object& Json::as_object() {
  if (!is_object()) wrong_type(*this, "an object");
  return std::get<Object>(value_);
}

// A walk along the members: objects here have tens of names, keep their order, and are looked into
// once.
const Json* Json::find(std::string_view key) const {
  if (!is_object()) return nullptr;
  for (const Member& member : std::get<Object>(value_)) {
    if (member.first == key) return &member.second;
  }
  return nullptr;
}

const Json& Json::at(std::string_view key) const {
  if (!is_object()) wrong_type(*this, "an object");
  if (const Json* found = find(key)) return *found;
  throw ConfigError("JSON: expected key " + quoted(key) + ", which is missing");
}

void Json::set(std::string key, Json value) {
  if (is_null()) value_ = Object{};
  for (Member& member : as_object()) {
    if (member.first == key) {
      member.second = std::move(value);
      return;
    }
  }
  as_object().emplace_back(std::move(key), std::move(value));
}

void Json::push_back(Json value) {
  if (is_null()) value_ = Array{};
  as_array().push_back(std::move(value));
}

std::string Json::dump(int indent) const {
  std::string out;
  write_value(*this, indent, 0, out);
  return out;
}

Json Json::parse(std::string_view text, const std::string& path) {
  Builder builder(text, path);
  const CountingIterator begin(text.data(), &builder.seen),
      end(text.data() + text.size(), &builder.seen);
  // Strict by default: text after the document is an error, which goes to parse_error() as any
  // other.
  nlohmann::json::sax_parse(begin, end, &builder);
  return builder.result();
}

}  // namespace deepbio
