// One file of a cache of encoded reads: tensors over a mapped safetensors file.
//
// Rows of a shard cost no copy: they are mapped again, so that what is done to a batch in place
// stays in it and its memory goes with it. Threads: constant; may be used by many threads and after
// a fork.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "deepbio/io/bytes/mapped_file.h"
#include "deepbio/io/tables/safetensors.h"

namespace deepbio::data {

class Shard {
 public:
  // throws MissingFileError, ParseError.
  // is_kept_open: one more open file, and rows that are faster by opening it.
  explicit Shard(const std::string& path, bool is_kept_open = false);
  // The tensors over the file itself, in the order of its bytes; they may not be written to and do
  // not keep the shard.
  std::vector<std::pair<std::string, at::Tensor>> tensors() const;
  // Rows [begin, begin + count) of these tensors in memory of their own: more than kCopiedBytes are
  // mapped, fewer (or all, when the file was removed or replaced meanwhile) copied. throws
  // ParseError when the file was written to, ArgumentError for an unknown name or rows that it does
  // not have.
  std::vector<at::Tensor> rows(const std::vector<std::string>& names, int64_t begin,
                               int64_t count) const;
  // Copies row rows[i] of a tensor to row places[i] of out [B, ...], which has its dtype and shape
  // but for the first size. throws ArgumentError when they do not fit, ParseError when the file was
  // written to.
  void copy_rows(const std::string& name, const at::Tensor& rows, const at::Tensor& places,
                 at::Tensor out) const;
  // throws ParseError when the file was written to since; ask before looking at tensors().
  void check_unchanged() const { file_.check_unchanged(); }

  static constexpr uint64_t kCopiedBytes = 1 << 15;

 private:
  const io::TensorEntry& entry(const std::string& name) const;

  io::MappedFile file_;
  io::SafetensorsFile content_;
};

}  // namespace deepbio::data
