// Pairs of reads, from two files or one, and whether the two belong together. Names are compared by
// what sequencers and archives write: "/1", ".1", "_R1", or equal names with the number in the
// comment. A pair that does not match is an error, for a file that lost one record would pair all
// others wrongly.
#include "deepbio/io/reads/fastx_pairs.h"

#include <utility>

#include "deepbio/base/error.h"

namespace deepbio::io {
namespace {

struct MateName {
  std::string_view stem;  // with the sign before the number
  char number = 0;        // '1' or '2' after a sign
};

MateName mate_name(std::string_view name) {
  if (name.size() < 3 || (name.back() != '1' && name.back() != '2')) return {name};
  const std::string_view stem = name.substr(0, name.size() - 1);
  // The R of "_R1" is between the sign and the number.
  const bool has_letter = stem.size() > 2 && stem.back() == 'R';
  const char sign = stem[stem.size() - (has_letter ? 2 : 1)];
  // A digit without a sign before it is part of the name (a tile, a coordinate).
  constexpr std::string_view kSigns = "/._:-";
  return kSigns.find(sign) < kSigns.size() ? MateName{stem, name.back()} : MateName{name};
}

// The read number of an Illumina comment such as "1:N:0:ATCACG", or 0.
char comment_number(std::string_view description) {
  const bool is_illumina =
      description.size() >= 4 && (description[0] == '1' || description[0] == '2') &&
      description[1] == ':' && (description[2] == 'Y' || description[2] == 'N') &&
      description[3] == ':';
  return is_illumina ? description[0] : '\0';
}

bool are_in_order(char first, char second) {
  return (first == '1' && second == '2') || (first == 0 && second == 0);
}

FastxOptions raising(FastxOptions options) {
  if (options.on_bad_record != OnBadRecord::kRaise) {
    throw ArgumentError(
        "PairReader: expected on_bad_record raise, got skip, which would shift every later pair");
  }
  return options;
}

std::string titled(const Record& record) {
  return quoted(record.description.empty() ? record.name : record.name + " " + record.description,
                80);
}

}  // namespace

std::string mate_problem(const Record& first, const Record& second) {
  const MateName a = mate_name(first.name), b = mate_name(second.name);
  if (first.name == second.name) {
    // A name that ends in ".1" in both files is the number of a spot; "/1" is that of a read.
    const bool has_slash = a.number != 0 && a.stem.ends_with('/');
    if (has_slash) return "read 1 (/1) and then read 2 (/2)";
  } else {
    const bool are_numbered = a.number != 0 && b.number != 0;
    if (a.stem != b.stem || !are_numbered) return "two reads of one name";
    if (!are_in_order(a.number, b.number)) return "read 1 (/1) and then read 2 (/2)";
  }
  const char c = comment_number(first.description), d = comment_number(second.description);
  const bool are_in_turn = c != '2' && d != '1';  // one of the two comments may be missing
  return are_in_turn ? "" : "read 1 (comment 1:) and then read 2 (comment 2:)";
}

PairReader::PairReader(const std::string& path, FastxOptions options)
    : first_path_(path), check_mates_(options.check_mates), first_(path, raising(options)) {}

PairReader::PairReader(const std::string& first_path, const std::string& second_path,
                       FastxOptions options)
    : first_path_(first_path),
      second_path_(second_path),
      check_mates_(options.check_mates),
      first_(first_path, raising(options)) {
  second_.emplace(second_path, options);
}

std::vector<std::string> PairReader::warnings() const {
  std::vector<std::string> out = first_.report().warnings;
  if (second_)
    out.insert(out.end(), second_->report().warnings.begin(), second_->report().warnings.end());
  return out;
}

int64_t PairReader::record_number(bool is_second) const {
  return second_ ? num_pairs_ : 2 * num_pairs_ + (is_second ? 1 : 0);
}

bool PairReader::next(RecordPair& pair) {
  const bool has_first = first_.next(pair.first);
  if (!has_first && !second_) return false;
  const bool has_second = (second_ ? *second_ : first_).next(pair.second);
  if (!has_first && !has_second) return false;
  if (has_first != has_second) ended(has_first, has_first ? pair.first : pair.second);
  const std::string problem = check_mates_ ? mate_problem(pair.first, pair.second) : std::string();
  if (!problem.empty()) {
    throw ParseError({path_of(true), record_number(true)},
                     problem + " in pair " + std::to_string(num_pairs_) + ", for record " +
                         std::to_string(record_number(false)) + " of " + path_of(false) + " is " +
                         titled(pair.first),
                     titled(pair.second), ErrorKind::kStructure);
  }
  ++num_pairs_;
  return true;
}

// The place is where the shorter file lacks a record.
void PairReader::ended(bool is_first_longer, const Record& record) const {
  const bool is_second_shorter = is_first_longer;
  throw ParseError(
      {path_of(is_second_shorter), record_number(is_second_shorter)},
      "a mate of " + titled(record) + ", record " +
          std::to_string(record_number(!is_second_shorter)) + " of " + path_of(!is_second_shorter),
      "the end of the file after " + std::to_string(record_number(is_second_shorter)) + " records",
      ErrorKind::kStructure);
}

}  // namespace deepbio::io
