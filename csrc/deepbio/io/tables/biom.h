// Feature tables: BIOM 2.0/2.1 (HDF5), BIOM 1.0 (JSON), classic TSV, each also gzipped or as a
// QIIME 2 artifact; told apart by content.
//
// Either orientation of a BIOM 2 file is enough; numbers of any type are converted; optional
// attributes may be missing. Refused with the place: negative or non-finite counts, duplicate ids,
// indices or shapes that do not agree. Explicit zeros are dropped. Ids are opaque strings and never
// become numbers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deepbio/io/bytes/bytes.h"

namespace deepbio::io {

// Counts by sample, compressed rows: sample i has entries [indptr[i], indptr[i+1]), features
// ascending, no zeros. Axes: N samples, F features.
struct CountTable {
  std::vector<std::string> sample_ids;   // N
  std::vector<std::string> feature_ids;  // F
  std::vector<int64_t> indptr{0};        // N + 1
  std::vector<int64_t> indices;          // feature of each entry
  std::vector<double> values;            // reads (or relative abundance)
  // F lineages such as "k__Bacteria; p__Firmicutes", from the field or column `taxonomy`; none when
  // the file has none.
  std::vector<std::string> taxonomy = {};
  // What the file holds beside and a table has no place for: "metadata of samples (age, ph)".
  std::vector<std::string> left_behind = {};
  int64_t num_samples() const { return static_cast<int64_t>(sample_ids.size()); }
  int64_t num_features() const { return static_cast<int64_t>(feature_ids.size()); }
  int64_t num_entries() const { return static_cast<int64_t>(indices.size()); }
};

// throws MissingFileError, ParseError.
CountTable read_table(const std::string& path);
// True for an HDF5 file, also gzipped or in an artifact, that has a group `observation` or
// `sample`.
bool is_biom_hdf5(const std::string& path);
// Checks the invariants stated above. throws ParseError naming `path` and the id.
void check_table(const CountTable& table, const std::string& path);
// BIOM 2.1 with both orientations and the taxonomy, readable by biom-format and QIIME 2; written
// atomically.
void write_biom(const std::string& path, const CountTable& table,
                Overwrite overwrite = Overwrite::kAllow);
// Classic TSV ("#OTU ID"), features as rows, the taxonomy in a last column. throws ArgumentError
// for ids that the text cannot hold: they start with '#', hold tabs or line ends, are those of an
// annotation, ...
void write_table_tsv(const std::string& path, const CountTable& table,
                     Overwrite overwrite = Overwrite::kAllow);

}  // namespace deepbio::io
