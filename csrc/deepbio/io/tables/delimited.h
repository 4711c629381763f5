// Lines and cells of delimited text: tables and matrices separated by tabs, commas, semicolons or
// blanks.
//
// Cells in double quotes (R, spreadsheets) may hold separators and doubled quotes; they do not span
// lines. Private to the readers of tables and matrices. Threads: belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace deepbio::io {

// Gives one line after another, without its end and without a byte-order mark. LF and CR LF end a
// line.
class TextLines {
 public:
  explicit TextLines(std::string_view text);
  // False at the end of the text.
  bool next(std::string_view& line);
  int64_t number() const { return number_; }  // of the line given last, from 1

 private:
  std::string_view rest_;
  int64_t number_ = 0;
};

class CellSplitter {
 public:
  // `separator` ' ' stands for any run of blanks and tabs. Quotes are taken as such when
  // `has_quotes`; else they are letters. `path` names the source in errors.
  CellSplitter(char separator, bool has_quotes, const std::string& path);
  // The cells of a line; they live until the next call, and as long as the text. throws ParseError
  // with the line.
  const std::vector<std::string_view>& split(std::string_view line, int64_t number);

 private:
  std::string_view quoted_cell(std::string_view line, size_t& at, int64_t number);

  char separator_;
  bool has_quotes_;
  const std::string& path_;
  std::vector<std::string_view> cells_;
  std::deque<std::string> kept_;  // cells whose doubled quotes were undone
};

// The separator of a header line: a tab when there is one, else ',' or ';', whichever there are
// more of, else '\0'.
char separator_of(std::string_view header);
// Without blanks on both sides.
std::string_view without_blanks(std::string_view text);
// The whole text as a finite number, blanks around it allowed; false when it is none.
bool to_number(std::string_view text, double& value);

}  // namespace deepbio::io
