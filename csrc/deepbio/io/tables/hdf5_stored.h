// Elements of an HDF5 dataset as they lie in the file, taken past libhdf5's filters and
// conversions: libdeflate inflates a chunk in a third of the time, and strings are copied once,
// straight out of the heaps.
//
// Only what nearly all tables look like is read: one dimension, contiguous or in chunks that are
// all stored, gzip with or without shuffle, numbers in little-endian order, 8-byte addresses that
// start at the file's first byte. Everything else and everything that does not fit together returns
// false; the caller then reads through libhdf5, which names the damage. Nothing is read from
// outside the given bytes. Source: HDF5 File Format Specification, III.E (global heaps) and
// IV.A.2.b (references of variable length). Threads: as libhdf5. libhdf5's error printing must be
// off.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace deepbio::io {

// A dataset of one dimension in a file whose bytes lie in memory. Identifiers are libhdf5's.
struct StoredDataset {
  int64_t file, dataset;
  std::string_view bytes;  // of the file
  uint64_t count;          // elements
};

bool read_stored(const StoredDataset& dataset, std::vector<double>& out);  // 64-bit floats
bool read_stored(const StoredDataset& dataset,
                 std::vector<int64_t>& out);  // integers of 32 or 64 bits
// Strings of variable length, up to their first NUL.
bool read_stored(const StoredDataset& dataset, std::vector<std::string>& out);

// Whether every chunk of a dataset of any rank comes back from its filters as large as a chunk has
// to be: of a smaller one libhdf5 1.10 reads on past its end. True where there are no chunks.
// Unknown filters: false.
bool chunks_are_whole(int64_t dataset, uint64_t file_bytes);

}  // namespace deepbio::io
