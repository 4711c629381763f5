// Paired reads, from two files or from one in which mates alternate.
//
// Mates have one name, apart from a final 1 and 2 in this order after one of "/", ".", "_", ":" or
// "-", with or without an R ("_R1", "_R2"); both or neither. fastq-dump -I writes ".1" and ".2".
// Illumina comments that begin "1:" and "2:" must be in this order too, where there are any. The
// first pair that does not match is a ParseError with both names and both record numbers; so is a
// file that ends before the other (or an odd number of interleaved records). options.check_mates =
// false leaves names alone. Threads: a reader belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "deepbio/io/reads/fastx.h"

namespace deepbio::io {

struct RecordPair {
  Record first, second;
};

class PairReader {
 public:
  // Interleaved. A bad record is always raised: skipping one would shift every later pair.
  explicit PairReader(const std::string& path, FastxOptions options = {});
  PairReader(const std::string& first_path, const std::string& second_path,
             FastxOptions options = {});
  // False at the end. throws ParseError; the reader is not to be used after that.
  bool next(RecordPair& pair);
  int64_t num_pairs() const { return num_pairs_; }
  // Warnings of both files.
  std::vector<std::string> warnings() const;

 private:
  [[noreturn]] void ended(bool is_first_longer, const Record& record) const;
  int64_t record_number(bool is_second) const;
  const std::string& path_of(bool is_second) const {
    return is_second && second_ ? second_path_ : first_path_;
  }

  std::string first_path_, second_path_;
  bool check_mates_ = true;
  FastxReader first_;
  std::optional<FastxReader> second_;
  int64_t num_pairs_ = 0;
};

// "" when the two may be mates, otherwise what does not fit.
std::string mate_problem(const Record& first, const Record& second);

}  // namespace deepbio::io
