// Numbers of records, for looking at a dataset before it is trained on. Threads: free functions.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

#include "deepbio/data/reads.h"
#include "deepbio/io/reads/fastx.h"
#include "deepbio/seq/alphabet.h"

namespace deepbio::data {

struct ReadNumbers {
  at::Tensor lengths;  // int64 [N], letters
  // float32 [N], share of G, C and S (either case) of all letters; 0 without letters.
  at::Tensor gc;
  at::Tensor mean_quality;  // float32 [N], arithmetic mean of the scores; NaN for a record without
                            // qualities
  at::Tensor num_unknown;   // int64 [N], letters outside the alphabet
  int64_t num_bytes = 0;    // of memory that titles, sequences, qualities and offsets take
};

ReadNumbers read_numbers(const io::RecordBatch& records, seq::SequenceType type);
// Of all records of a dataset, or of their mates; those that are read by number are read in pieces.
ReadNumbers read_numbers(const ReadDataset& dataset, seq::SequenceType type, bool is_mate);

}  // namespace deepbio::data
