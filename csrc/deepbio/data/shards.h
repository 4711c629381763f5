// Encoded reads on disk: a folder of shards and metadata.json, one format for `deepbio encode` and
// Cache.save of Python.
//
// shard-NNNNN.safetensors holds `values` (what a batch calls sequences or input_ids), `lengths`
// int64 [B] in letters and, of tokens, `attention_mask` int64 [B, L]; its rows are as wide as its
// longest read. ids.txt has a line per record. metadata.json says what was encoded and how: format,
// format_version, encoding, padding, sources (with the warnings of the reader, where there are
// any), num_records and shards, each with file (below the folder), num_records and shape.
//
// Cache.save has no ids.txt but keeps the titles in the shards (`names` and `descriptions`, UTF-8
// bytes side by side, with `names_offsets` and `descriptions_offsets` int64 [B + 1]), beside
// `index`, `files`, and where there are `quality`, `labels` and the same of mates (`mate_values`,
// ...); `cache` in metadata.json says what a dataset needs to know of them and what makes the cache
// stale.
//
// Version 1 counted START and special tokens in the lengths of tokens, and left out the mask of
// AAM's; caches have been of this format since version 3. Cache.load reads all versions.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "deepbio/base/json.h"
#include "deepbio/data/encoder.h"
#include "deepbio/io/bytes/bytes.h"
#include "deepbio/io/bytes/output_folder.h"
#include "deepbio/io/reads/fastx.h"

namespace deepbio::data {

struct ShardOptions {
  EncoderOptions encoder;
  io::OpenOptions open;
  bool overwrite = false;  // replaces a folder that this wrote, never another one
  // Asked between records; once true nothing is written.
  std::function<bool()> is_interrupted = [] { return false; };
};

// Encodes the records of all files in order. Returns the content of metadata.json; null when it was
// interrupted.
//   throws what reading and encoding throw, with file and record; WriteError for a folder that
//   holds something else
Json write_shards(const std::vector<std::string>& paths, const std::string& folder,
                  const ShardOptions& options);

}  // namespace deepbio::data
