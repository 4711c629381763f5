// One of several parts of the UniFrac distances between all samples, for the jobs of a cluster.
//
// Each job reads the table and the tree and computes its part; put together, in any order, they are
// the same bits as one job's matrix. A part is a safetensors file: `distances` [pairs], of each of
// its samples those to the samples before it; in the metadata which part of how many, the ids of
// all samples, and a hash of table, tree and options, by which parts of different work are told
// apart. Threads: free functions.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "deepbio/community/distance_request.h"
#include "deepbio/community/named_distances.h"

namespace deepbio::community {

struct PartNumber {
  int64_t part = 1, parts = 1;  // part from 1 to parts
};
// "2/8". throws ArgumentError.
PartNumber parse_part(const std::string& text);

// Which samples are a part's: kColumnsTogether neighbours at a time, the last ones, which meet most
// samples, first, each to the part with the fewest pairs so far.
std::vector<bool> samples_of_part(PartNumber number, int64_t num_samples);

// Computes what is asked for and writes it: a matrix, or request.part of it.
//   phylogeny  null where the metric needs no tree
//   returns    float64 [N, N]; undefined for a part
at::Tensor write_requested_distances(const std::string& path, const DistanceRequest& request,
                                     const CountTable& table, const Phylogeny* phylogeny,
                                     io::Overwrite overwrite);

// All parts of a matrix: float64 [N, N].
//   throws  ParseError: a file that is no part; ArgumentError: parts of different tables, trees or
//   options, one that is given twice or is missing, by name and number
NamedDistances merge_distance_parts(const std::vector<std::string>& paths);

}  // namespace deepbio::community
