// Options, each declared once. A row names a field of an options struct and says what it means and
// which values it takes; JSON, checks, the command's flags and help, Python's keywords and
// docstrings and the table of docs/options.md follow from the rows.
//
// An options struct has a member `OptionRows rows()`: its rows, over its own fields. get and set
// need the struct alive; problem, parse and value_name do not.
//
// Messages name an option in back quotes; each door spells that its own way (spelling.h).
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "deepbio/base/json.h"

namespace deepbio {

// The field that a row reads and writes: text and numbers, lists of them, maps by name; Json is a
// part of a file.
using OptionField =
    std::variant<bool*, int64_t*, uint64_t*, double*, std::string*, std::vector<int64_t>*,
                 std::vector<double>*, std::vector<std::string>*, std::map<std::string, int64_t>*,
                 std::map<std::string, std::string>*, Json*>;

// Which values an option takes; of a list or a map, each item. Numbers must be finite in any case.
struct OptionValues {
  double least = -std::numeric_limits<double>::infinity(),
         most = std::numeric_limits<double>::infinity();
  bool without_least = false, without_most = false;  // the bound itself is not allowed
  std::vector<std::string> choices{};                // empty: any text
  std::map<std::string, Json> words{};  // text that stands for a value, such as auto for -1
  std::string text() const;             // "1 or more", "one of a, b"; "" when all are allowed
};
OptionValues at_least(double least);
OptionValues above(double least);
OptionValues from_to(double least, double most);  // both allowed
OptionValues below_one();                         // 0 <= value < 1
OptionValues inside_unit();                       // 0 < value < 1
OptionValues one_of(std::vector<std::string> choices);

struct OptionRow {
  std::string name;  // snake_case; the command writes it with dashes
  OptionField field;
  std::string help;  // what it is, its unit, what a larger value does
  OptionValues values{};
  std::vector<OptionField>
      more_fields{};  // set to the same value: one option for several fields, not written to JSON
  std::vector<std::string> other_names{};  // AAM's name of the same thing, understood as well
  std::vector<std::string> old_names{};    // of the version before: understood, with a warning
  bool of_predictor = false;               // does nothing without a target
  bool of_encoder = false;                 // fixes the shapes of the encoder's weights
  bool on_command = true;                  // false: follows from the data or other options there

  // For tables: a row with one thing more.
  OptionRow sets_all(std::vector<OptionField> fields) const;
  OptionRow also(std::string other_name) const;
  OptionRow formerly(std::string old_name) const;
  OptionRow for_predictor() const;
  OptionRow for_encoder() const;
  OptionRow not_on_command() const;

  Json get() const;
  // "" when `value` can be set, else "expected ..., got ...".
  std::string problem(const Json& value) const;
  void set(const Json& value) const;  // throws ConfigError naming the option
  // A value as typed on a command line: lists separated by commas, maps as JSON. throws ConfigError
  // without the name.
  Json parse(const std::string& text) const;
  // What a value looks like on a command line: INT, NUMBER, a|b, NAME,...; "" for a switch.
  std::string value_name() const;
};
using OptionRows = std::vector<OptionRow>;

OptionRows operator+(OptionRows first, const OptionRows& second);
// The row of this name, other name or old name; null when there is none.
const OptionRow* find_option(const OptionRows& rows, std::string_view name);
// name -> value, in the order of the rows.
Json to_json(const OptionRows& rows);
// Sets what `options` holds; null leaves the default. Rows that set several fields come first, so
// that the option of one of them wins.
//   throws ConfigError: a name no row has (with the nearest), a name given twice, a value that does
//   not fit
void from_json(const OptionRows& rows, const Json& options,
               const std::vector<std::string_view>& ignored = {});
void check_values(const OptionRows& rows);  // throws ConfigError naming the option
// A JSON array with name, type, help, values, choices, default (the present value), sets,
// other_names, old_names, of_predictor and on_command of each row: what Python and the docs are
// made from.
Json describe(const OptionRows& rows);

// A value as text in help and tables: lists joined by commas, "none" for an empty one.
std::string value_text(const Json& value);
// The option of a field as messages write it, `name` or `name=value`; for checks that look at more
// than one option.
std::string mention(const OptionRows& rows, const OptionField& field,
                    const std::string& value = "");

}  // namespace deepbio
