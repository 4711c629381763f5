#include "tools/printing.h"

#include <cmath>
#include <iostream>

#include "deepbio/io/bytes/output.h"
#include "deepbio/io/bytes/text.h"

namespace deepbio::tools {
namespace {

std::string cell_text(const Json& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_int()) return std::to_string(value.as_int());
  return value.is_null() || std::isnan(value.as_double()) ? "" : io::number_text(value.as_double());
}

void print_lines(const Json& facts, const std::string& prefix) {
  for (const auto& [name, value] : facts.as_object()) {
    if (value.is_object()) {
      print_lines(value, prefix + name + ".");
    } else {
      const std::string text =
          value.is_array() || value.is_bool() ? value.dump() : cell_text(value);
      std::cout << prefix + name + '\t' + text + '\n';
    }
  }
}

}  // namespace

void say(const Shared& shared, const std::string& line) {
  if (!shared.quiet) std::cerr << line << "\n";
}

void print_json(const Json& document, const Shared& shared, int indent) {
  if (shared.json) std::cout << document.dump(indent) << "\n";
}

void print_facts(const Json& facts, const Shared& shared) {
  print_json(facts, shared);
  if (!shared.json) print_lines(facts, "");
}

void print_rows(const std::string& output, const std::vector<std::string>& columns,
                const Json& rows, const Shared& shared) {
  std::string text;
  for (const std::string& name : columns) text += (text.empty() ? "" : "\t") + name;
  text += '\n';
  for (const Json& row : rows.as_array()) {
    for (size_t i = 0; i < columns.size(); ++i)
      text += (i ? "\t" : "") + cell_text(row.at(columns[i]));
    text += '\n';
  }
  if (!shared.json || output != "-") io::write_file(output, text, shared.overwrite_mode());
  print_json(rows, shared);
}

}  // namespace deepbio::tools
