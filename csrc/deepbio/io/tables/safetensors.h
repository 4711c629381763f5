// The safetensors file: 8 bytes little-endian header length, a JSON header, one flat buffer.
//
// Refused: a header above 100 MB or not starting with '{', offsets that overlap, leave holes or
// pass the end, shapes that do not match their byte range, unknown dtypes, duplicate names.
// Torch-free: tensors are byte ranges here; `train/checkpoint` turns them into torch::Tensor.
// Source: the format description of huggingface/safetensors.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "deepbio/io/bytes/bytes.h"
#include "deepbio/io/bytes/mapped_file.h"

namespace deepbio::io {

struct TensorEntry {
  std::string name;
  std::string dtype;  // "F64" "F32" "F16" "BF16" "I64" "I32" "I16" "I8" "U8" "BOOL"
  std::vector<int64_t> shape;
  const void* data = nullptr;  // when reading: valid while the SafetensorsFile or the mapping lives
  uint64_t num_bytes = 0;
};

struct SafetensorsFile {
  std::vector<TensorEntry> tensors;             // in buffer order
  std::map<std::string, std::string> metadata;  // the __metadata__ map
  std::shared_ptr<const std::string>
      buffer;  // owns the bytes behind `data`, unless they are mapped
  const TensorEntry* find(const std::string& name) const;
};

// throws MissingFileError, ParseError.
SafetensorsFile read_safetensors(const std::string& path);
// The same without reading more than the header; `data` points into the file. Data that is not
// aligned is refused. throws ParseError.
SafetensorsFile map_safetensors(const MappedFile& file);
// Writes atomically: names in the given order, bytes by falling element size (so that every tensor
// is aligned, which other readers need) and then in the given order. throws ArgumentError on a
// duplicate name or wrong byte count.
void write_safetensors(const std::string& path, const std::vector<TensorEntry>& tensors,
                       const std::map<std::string, std::string>& metadata = {},
                       Overwrite overwrite = Overwrite::kAllow);
// Bytes per element. throws ArgumentError for an unknown dtype.
uint64_t dtype_size(const std::string& dtype);

}  // namespace deepbio::io
