// BIOM 1.0. The counts are most of such a file, and as JSON values they would take some thirty
// times their text; so the value of "data" is cut out and read by a scanner of its own, and the
// rest goes through the strict JSON parser.
#include "deepbio/io/tables/biom_json.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"
#include "deepbio/io/bytes/text.h"
#include "deepbio/io/tables/table_entries.h"

namespace deepbio::io {
namespace {

const Json& member(const Json& document, std::string_view key, const std::string& path) {
  const Json* found = document.find(key);
  if (found == nullptr) fail_table(path, "a BIOM 1.0 table with " + quoted(key), "JSON without it");
  return *found;
}

std::vector<std::string> json_ids(const Json& document, std::string_view key,
                                  const std::string& path) {
  const Json& list = member(document, key, path);
  if (!list.is_array()) fail_table(path, "a list under " + quoted(key), "another type");
  std::vector<std::string> out;
  for (const Json& item : list.as_array()) {
    const Json* id = item.is_object() ? item.find("id") : nullptr;
    // MetaPhlAn writes numbers where ids belong; their digits are the id.
    if (id == nullptr || !(id->is_string() || id->is_number())) {
      fail_table(path, "an id in " + std::string(key) + "[" + std::to_string(out.size()) + "]",
                 "none");
    }
    out.push_back(id->is_string() ? id->as_string() : id->dump());
  }
  return out;
}

// QIIME 1 wrote lists of levels, others one text with semicolons; null and other types are no
// lineage.
std::string json_lineage(const Json& value) {
  if (value.is_string()) return join_lineage(split_lineage(value.as_string()));
  std::vector<std::string> levels;
  if (!value.is_array()) return "";
  for (const Json& level : value.as_array())
    levels.push_back(level.is_string() ? level.as_string() : level.dump());
  return join_lineage(levels);
}

// Notes the fields of an axis; lineages of features are kept.
void read_json_metadata(CountTable& table, const Json& document, std::string_view key) {
  const bool are_features = key == "rows";
  std::set<std::string> fields;
  int64_t place = 0;
  for (const Json& item : document.find(key)->as_array()) {
    const Json* metadata = item.find("metadata");
    if (metadata != nullptr && metadata->is_object()) {
      for (const auto& [name, value] : metadata->as_object()) {
        if (are_features && name == "taxonomy") {
          // At the first lineage: without any there is no taxonomy at all, not a list of empty
          // ones.
          table.taxonomy.resize(table.feature_ids.size());
          table.taxonomy[static_cast<size_t>(place)] = json_lineage(value);
        } else {
          fields.insert(name);
        }
      }
    }
    ++place;
  }
  leave_behind(table, are_features ? "metadata of features" : "metadata of samples",
               {fields.begin(), fields.end()});
}

// --- the document without its counts
// --------------------------------------------------------------------

// Takes the value of "data" out of the text and puts null and blanks there, so that lines and bytes
// stay where they are: counts are read past the JSON document, which would need 30 times their
// text. What JSON has no word for (NaN, Infinity; biom-format and pandas write them into metadata)
// becomes 0, since metadata are passed over.
class DataCutter {
 public:
  explicit DataCutter(std::string& text) : text_(text) {}

  // The bytes [begin, end) of the value; both 0 when there is none, or it is too short to be cut
  // out.
  std::pair<size_t, size_t> find() {
    // Depth 1 is the document itself, so a "data" inside of metadata is not taken for the matrix.
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        pass_string();
      } else if (c == '{' || c == '[') {
        ++depth_;
      } else if (c == '}' || c == ']' || c == ',') {
        if (c != ',') --depth_;
        if (begin_ > 0 && end_ == 0 && depth_ <= 1) end_ = c == ']' && depth_ == 1 ? at_ + 1 : at_;
      } else if ((c == 'N' || c == 'I') && !(begin_ > 0 && end_ == 0)) {
        drop_word(c == 'N' ? "NaN" : "Infinity");
      }
    }
    return end_ >= begin_ + 4 ? std::pair(begin_, end_) : std::pair<size_t, size_t>(0, 0);
  }

 private:
  // At the closing quote afterwards, or at the colon of "data".
  void pass_string() {
    const size_t first = at_;
    // A backslash takes the next byte with it, also a quote.
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) at_ += text_[at_] == '\\';
    if (depth_ != 1 || begin_ > 0 || text_.compare(first, at_ + 1 - first, "\"data\"") != 0) return;
    const size_t colon = text_.find_first_not_of(" \t\r\n", at_ + 1);
    if (colon == std::string::npos || text_[colon] != ':') return;
    at_ = colon;
    begin_ = colon + 1;
  }

  void drop_word(std::string_view word) {
    if (text_.compare(at_, word.size(), word) != 0) return;
    text_.replace(at_, word.size(), "0" + std::string(word.size() - 1, ' '));
  }

  std::string& text_;
  size_t at_ = 0, begin_ = 0, end_ = 0;
  int64_t depth_ = 0;
};

std::string cut_data(std::string& text, size_t begin, size_t end) {
  std::string data = text.substr(begin, end - begin);
  for (size_t at = begin; at < end; ++at) {
    if (text[at] != '\n') text[at] = ' ';
  }
  // JSON needs a value: where no line end is lost, if there is such a place.
  size_t at = begin;
  while (at + 4 < end && text.substr(at, 4).find('\n') != std::string::npos) ++at;
  text.replace(at, 4, "null");
  return data;
}

bool is_null(std::string_view value) {
  const size_t first = value.find_first_not_of(" \t\r\n");
  const size_t last = value.find_last_not_of(" \t\r\n");
  return first != std::string_view::npos && value.substr(first, last + 1 - first) == "null";
}

// --- counts
// ---------------------------------------------------------------------------------------------

// The grammar of JSON (RFC 8259, section 6), which from_chars does not keep to: it takes "01" and
// "inf".
bool is_json_number(std::string_view text) {
  const auto take_digits = [&] {
    const size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(end);
    return end > 0;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool has_zero = text.starts_with('0');
  if (has_zero) text.remove_prefix(1);
  if (!has_zero && !take_digits()) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!take_digits()) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (!take_digits()) return false;
  }
  return text.empty();
}

// Reads the rows of "data", a list of lists of numbers, one after another.
class DataReader {
 public:
  DataReader(std::string_view data, Place place) : data_(data), place_(std::move(place)) {
    if (peek() != '[') fail_table(place_.path, "a list under \"data\"", "another type");
    ++at_;
  }

  // False at the end of the list. `row` holds the numbers as text.
  bool next(std::vector<std::string_view>& row) {
    if (peek() == ']' && num_rows_ == 0) return false;
    if (num_rows_ > 0) {
      if (peek() == ']') return false;
      take(',', "',' or ']'");
    }
    const std::string where = "data[" + std::to_string(num_rows_) + "]";
    if (peek() != '[') fail_table(place_.path, "a list in " + where, quoted(data_.substr(at_), 20));
    ++at_;
    row.clear();
    while (peek() != ']') {
      if (!row.empty()) take(',', "',' or ']'");
      // For blanks after the comma.
      static_cast<void>(peek());
      const size_t end = std::min(data_.find_first_of(", \t\r\n]", at_), data_.size());
      row.push_back(data_.substr(at_, end - at_));
      if (!is_json_number(row.back()))
        fail_table(place_.path, "numbers in " + where, quoted(row.back()));
      at_ = end;
    }
    ++at_;
    ++num_rows_;
    return true;
  }

 private:
  // The next byte that is no blank.
  char peek() {
    at_ = std::min(data_.find_first_not_of(" \t\r\n", at_), data_.size());
    if (at_ == data_.size()) fail("',' or ']'", "the end of the list");
    return data_[at_];
  }

  void take(char expected, const char* shown) {
    if (peek() != expected) fail(shown, quoted(data_.substr(at_), 20));
    ++at_;
  }

  [[noreturn]] void fail(const char* expected, std::string got) const {
    Place place = place_;
    place.line += line_of(data_, at_) - 1;
    place.offset_bytes += static_cast<int64_t>(at_);
    throw ParseError(place, expected, std::move(got));
  }

  std::string_view data_;
  Place place_;
  size_t at_ = 0;
  int64_t num_rows_ = 0;
};

double value_of(std::string_view number) {
  double value = 0;
  const auto [end, code] = std::from_chars(number.data(), number.data() + number.size(), value);
  // Out of the range of double: what strtod gives, infinity or 0.
  return code == std::errc() ? value : std::strtod(std::string(number).c_str(), nullptr);
}

bool is_whole(std::string_view number) {
  return number.find_first_of(".eE") == std::string_view::npos;
}

std::string shown(const std::vector<std::string_view>& row) {
  std::string out = "[";
  for (size_t k = 0; k < row.size() && k < 5; ++k) out += (k == 0 ? "" : ",") + std::string(row[k]);
  return out + (row.size() > 5 ? ",...]" : "]");
}

Entry triple_of(const std::vector<std::string_view>& row, const CountTable& table, int64_t position,
                const std::string& path) {
  const std::string where = "data[" + std::to_string(position) + "]";
  if (row.size() != 3) fail_table(path, "[row, column, count] in " + where, shown(row));
  if (!is_whole(row[0]) || !is_whole(row[1])) {
    fail_table(path, "[row, column, count] with whole rows and columns in " + where, shown(row));
  }
  const double feature = value_of(row[0]), sample = value_of(row[1]);
  // Compared as double: a number of any length is whole here, and only one below the number of ids
  // becomes an integer.
  if (feature < 0 || feature >= static_cast<double>(table.num_features()) || sample < 0 ||
      sample >= static_cast<double>(table.num_samples())) {
    fail_table(path,
               "a row below " + std::to_string(table.num_features()) + " and a column below " +
                   std::to_string(table.num_samples()) + " in " + where,
               shown(row));
  }
  return {static_cast<int64_t>(sample), static_cast<int64_t>(feature), value_of(row[2])};
}

struct DataShape {
  int64_t num_rows = 0;
  size_t first_size = 0;
};

DataShape shape_of(std::string_view data, const Place& place) {
  DataReader reader(data, place);
  DataShape out;
  for (std::vector<std::string_view> row; reader.next(row); ++out.num_rows) {
    if (out.num_rows == 0) out.first_size = row.size();
  }
  return out;
}

bool is_dense(const Json& document, std::string_view data, const CountTable& table,
              const Place& place) {
  const Json* type = document.find("matrix_type");
  if (type != nullptr && type->is_string()) {
    if (type->as_string() == "dense" || type->as_string() == "sparse")
      return type->as_string() == "dense";
    fail_table(place.path, "matrix_type sparse or dense", quoted(type->as_string()));
  }
  // Without matrix_type the shape tells, except that a table of three samples could be either:
  // sparse is the usual.
  if (table.num_samples() == 3) return false;
  const DataShape shape = shape_of(data, place);
  return shape.num_rows > 0 && shape.num_rows == table.num_features() &&
         static_cast<int64_t>(shape.first_size) == table.num_samples();
}

std::vector<Entry> read_entries(std::string_view data, bool dense, const CountTable& table,
                                const Place& place) {
  std::vector<Entry> entries;
  // A bracket for each triple and one for the list.
  if (!dense) entries.reserve(static_cast<size_t>(std::count(data.begin(), data.end(), '[')));
  DataReader reader(data, place);
  int64_t position = 0;
  for (std::vector<std::string_view> row; reader.next(row); ++position) {
    if (!dense) {
      entries.push_back(triple_of(row, table, position, place.path));
      continue;
    }
    if (position >= table.num_features() ||
        static_cast<int64_t>(row.size()) != table.num_samples()) {
      fail_table(place.path,
                 std::to_string(table.num_features()) + " rows of data with " +
                     std::to_string(table.num_samples()) + " counts each",
                 std::to_string(row.size()) + " counts in data[" + std::to_string(position) + "]");
    }
    for (size_t sample = 0; sample < row.size(); ++sample) {
      const double value = value_of(row[sample]);
      if (value != 0) entries.push_back({static_cast<int64_t>(sample), position, value});
    }
  }
  if (dense && position != table.num_features()) {
    fail_table(place.path, std::to_string(table.num_features()) + " rows of data",
               std::to_string(position));
  }
  return entries;
}

// JSON that is not UTF-8 fails at its first foreign byte, where "expected JSON" would not say why.
Json parse_document(const std::string& text, const std::string& path) {
  try {
    return Json::parse(text, path);
  } catch (const ParseError&) {
    check_text(text, path);
    throw;
  }
}

}  // namespace

CountTable read_biom_json(std::string text, const std::string& path) {
  const auto [begin, end] = DataCutter(text).find();
  // Before the text is cut, so that a fault inside of the counts has the line and byte of the file.
  const Place place{path, -1, line_of(text, begin), static_cast<int64_t>(begin)};
  const std::string data = end > 0 ? cut_data(text, begin, end) : std::string();
  const Json document = parse_document(text, path);
  CountTable table;
  table.feature_ids = json_ids(document, "rows", path);
  table.sample_ids = json_ids(document, "columns", path);
  read_json_metadata(table, document, "rows");
  read_json_metadata(table, document, "columns");
  if (const Json* shape = document.find("shape"); shape != nullptr && !shape->is_null()) {
    const Json counted =
        Json::array_of(std::vector<int64_t>{table.num_features(), table.num_samples()});
    if (!(*shape == counted))
      fail_table(path, "ids for a shape of " + shape->dump(), counted.dump());
  }
  const Json& rest = member(document, "data", path);
  const bool is_cut = end > 0 && !is_null(data),
             is_empty = rest.is_array() && rest.as_array().empty();
  if (!is_cut && !is_empty && !rest.is_null())
    fail_table(path, "a list under \"data\"", "another type");
  std::vector<Entry> entries;
  if (is_cut || is_empty) {
    // Too short to be cut out.
    const std::string_view counts = is_cut ? std::string_view(data) : "[]";
    entries = read_entries(counts, is_dense(document, counts, table, place), table, place);
  }
  set_entries(table, entries, path);
  return table;
}

}  // namespace deepbio::io
