// Sample metadata as tab-separated text, QIIME 2 style or plain.
//
// The first column holds the ids under one of the names QIIME 2 knows (sample-id, sampleid, "sample
// id", id, #SampleID, "#Sample ID", sample_name, sample_id, feature-id, ...; case is ignored for
// the unhashed ones). A
// "#q2:types" line gives column types, a "#q2:missing" line (blank, no-missing, INSDC:missing) what
// is missing in a column; other lines that start with '#' after the header are comments. A BOM, LF,
// CR LF, CR alone, double quotes and blank lines are understood; the text is UTF-8. Ids stay
// strings. Refused with the line: duplicate or empty ids, duplicate column names, a row with more
// cells than the header.
//
// Only an empty cell is missing, as in QIIME 2 and scikit-bio: NA and none are values. Other words
// are missing where
// "#q2:missing" or MetadataOptions says so; each is counted, and its cell is empty in what is read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "deepbio/io/bytes/bytes.h"

namespace deepbio::io {

struct MetadataOptions {
  // Words that are missing values beside the empty cell, letter by letter, in every column. "INSDC"
  // stands for those of #q2:missing INSDC:missing: not applicable, missing, not collected, not
  // provided, restricted access, and what begins with "missing:" (case ignored).
  std::vector<std::string> missing_values = {};
};

// How often a word was taken as missing; "" counts cells that are empty in the file.
struct MissingWord {
  std::string column, word;
  int64_t count = 0;
};

struct Metadata {
  std::string path;
  std::string id_column;             // its name in the file
  std::vector<std::string> ids;      // rows
  std::vector<std::string> columns;  // without the id column
  std::vector<std::string> types;    // per column: "numeric", "categorical" or "" (not declared)
  std::vector<std::vector<std::string>> values;  // [column][row], trimmed
  std::vector<int64_t> lines;                    // 1-based line of each row
  std::vector<MissingWord> missing;              // by column, words in sorted order
  std::unordered_map<std::string, int64_t> row_of;

  // Index of a column. throws ConfigError listing the columns and the nearest name.
  int64_t column(std::string_view name) const;
};

// Whether a header line that starts with this cell is that of metadata.
bool is_id_header(std::string_view cell);
// Whether a cell of `values` is missing: words that are missing were emptied by the reader.
bool is_missing(std::string_view value);
// What was taken as missing in a column: "3 empty, 2 'not provided'"; "" when nothing was.
std::string missing_report(const Metadata& metadata, int64_t column);
// The value as a number; std::nullopt when it is missing. throws ParseError with the line when it
// is neither.
std::optional<double> numeric_value(const Metadata& metadata, int64_t column, int64_t row);

// Whether a column holds numbers: as "#q2:types" declares, or, without a declaration, when some
// value is there and none that is there is anything but a finite number.
bool is_numeric(const Metadata& metadata, int64_t column);
// Whether any value of a column is a finite number.
bool holds_number(const Metadata& metadata, int64_t column);

// throws MissingFileError, ParseError.
Metadata read_metadata(const std::string& path, const MetadataOptions& options = {});
// throws ArgumentError for ids, columns and cells that begin or end with blanks, or hold a zero
// byte: no reader would give them back.
void write_metadata(const std::string& path, const Metadata& metadata,
                    Overwrite overwrite = Overwrite::kAllow);

}  // namespace deepbio::io
