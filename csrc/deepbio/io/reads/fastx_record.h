// A record of FASTA, FASTQ or BAM: with its own memory, as views, and many of them in flat buffers.
//
// Threads: plain data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/base/block_pool.h"

namespace deepbio::io {

struct Record {
  std::string name;         // title up to the first white space
  std::string description;  // the rest of the title after that white space
  std::string sequence;
  std::string quality;  // raw bytes (Phred+33 as a rule); empty for FASTA
  bool has_quality = false;
};

// The same as views into the reader's buffers; they live until the next call.
struct RecordView {
  std::string_view name, description, sequence, quality;
  bool has_quality = false;
  int64_t offset_bytes = 0;  // of the record's first byte ('@' or '>') in the decompressed data
};

// Many records as flat buffers with offsets: record i is [offsets[i], offsets[i+1]).
struct RecordBatch {
  BlockString names, descriptions, sequences, qualities;  // memory that goes from batch to batch
  std::vector<int64_t> name_offsets{0}, description_offsets{0}, sequence_offsets{0},
      quality_offsets{0};
  int64_t size() const { return static_cast<int64_t>(sequence_offsets.size()) - 1; }
  std::string_view name(int64_t i) const { return slice(names, name_offsets, i); }
  std::string_view description(int64_t i) const {
    return slice(descriptions, description_offsets, i);
  }
  std::string_view sequence(int64_t i) const { return slice(sequences, sequence_offsets, i); }
  std::string_view quality(int64_t i) const { return slice(qualities, quality_offsets, i); }
  void append(const Record& record);
  void append(const RecordView& record);
  // Empty, with the memory kept.
  void clear();

 private:
  static std::string_view slice(const BlockString& data, const std::vector<int64_t>& offsets,
                                int64_t i) {
    const auto begin = static_cast<size_t>(offsets[static_cast<size_t>(i)]);
    const auto end = static_cast<size_t>(offsets[static_cast<size_t>(i) + 1]);
    return std::string_view(data).substr(begin, end - begin);
  }
};

// One FASTA (width 0: one line) or FASTQ record as text. throws ArgumentError when the lengths
// differ.
std::string to_fasta(const Record& record, int64_t width = 0);
std::string to_fastq(const Record& record);

}  // namespace deepbio::io
