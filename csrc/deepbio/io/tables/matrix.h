// Square distance matrices with ids.
//
// Written by the ending of the name: .npy (float32/float64, with PATH-without-.npy + ".ids.txt"
// beside it), .tsv (ids in the first row and column; "-" is TSV on standard output), .h5 (the
// layout of ssu: `matrix`, `order`). Read by content: these, the text formats of matrix_text.h
// (.csv, R's tables, PHYLIP, mothur), .npz (`distances`, or its only array), .h5 that holds
// `distances`, or one dataset alone, with or without `order`, and QIIME 2's DistanceMatrix.qza.
// Faith's diversities and stripes (`faith_pd`, `stripe_distances`), which AAM keeps in such files
// too, are refused by name. What is read is exactly symmetric with a diagonal of 0: rounding up to
// 1e-6 is mended (distance_check.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deepbio/io/bytes/bytes.h"
#include "deepbio/io/tables/npy.h"

namespace deepbio::io {

struct DistanceMatrix {
  // N; empty when the file has none (.npy without ids file, .npz, .h5 without `order`)
  std::vector<std::string> ids;
  std::vector<double> values;  // [N, N] row-major
  int64_t size() const { return num_rows; }
  int64_t num_rows = 0;
};

// throws MissingFileError, ParseError (not square, not symmetric, a distance that is NaN, infinite
// or negative, one of a sample to itself: with the pair; ids that do not fit).
DistanceMatrix read_distances(const std::string& path);
// throws ArgumentError for an unknown ending, and for ids that the format cannot hold.
void write_distances(const std::string& path, const DistanceMatrix& matrix,
                     Overwrite overwrite = Overwrite::kAllow);
// throws ArgumentError for a name that none of the formats goes with
void check_distances_name(const std::string& path);

struct DistanceOutput {
  Overwrite overwrite = Overwrite::kAllow;
  bool as_float32 = false;  // halves .npy and .h5; .tsv always has every digit
};
void write_distances(const std::string& path, const DistanceMatrix& matrix,
                     const DistanceOutput& output);

}  // namespace deepbio::io
