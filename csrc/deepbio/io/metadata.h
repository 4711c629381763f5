// Sample metadata as tab-separated text, QIIME 2 style or plain.
//
// The first column holds the ids under one of the names QIIME 2 knows (sample-id, sampleid, "sample id", id,
// #SampleID, "#Sample ID", sample_name, sample_id, feature-id, ...; case is ignored for the unhashed ones). A
// "#q2:types" line gives column types; other lines that start with '#' after the header are comments. A BOM, CRLF,
// double quotes and blank lines are understood. Ids stay strings. Refused with the line: duplicate or empty ids,
// duplicate column names, a row with more cells than the header. Missing values: "", "nan", "NA", "N/A", "null",
// "none", "not applicable", "not provided", "not collected", "missing", "Missing: ...", "unspecified" (case ignored).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "deepbio/io/bytes.h"

namespace deepbio::io {

struct Metadata {
  std::string path;
  std::string id_column;                         // its name in the file
  std::vector<std::string> ids;                  // rows
  std::vector<std::string> columns;              // without the id column
  std::vector<std::string> types;                // per column: "numeric", "categorical" or "" (not declared)
  std::vector<std::vector<std::string>> values;  // [column][row], trimmed
  std::vector<int64_t> lines;                    // 1-based line of each row
  std::unordered_map<std::string, int64_t> row_of;

  // Index of a column. throws ConfigError listing the columns and the nearest name.
  int64_t column(std::string_view name) const;
};

bool is_missing(std::string_view value);
// The value as a number; std::nullopt when it is missing. throws ParseError with the line when it is neither.
std::optional<double> numeric_value(const Metadata& metadata, int64_t column, int64_t row);

// Whether a column holds numbers: as "#q2:types" declares, or, without a declaration, when some value is there and none
// that is there is anything but a finite number.
bool is_numeric(const Metadata& metadata, int64_t column);

Metadata read_metadata(const std::string& path);
void write_metadata(const std::string& path, const Metadata& metadata, Overwrite overwrite = Overwrite::kAllow);

}  // namespace deepbio::io
