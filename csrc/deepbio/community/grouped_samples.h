// What sample metadata says of the samples of a matrix: groups, strata, factors, by id.
// Threads: pure functions.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "deepbio/community/adonis.h"
#include "deepbio/io/tables/metadata.h"

namespace deepbio::community {

// Samples that have a group. What the others are is said in `left_out`.
struct GroupedSamples {
  std::vector<int64_t> rows;  // places among the ids given
  std::vector<std::string> ids, groups, strata;
  at::Tensor of(const at::Tensor& distances) const;  // theirs, of the distances of all samples
  std::string left_out;  // "2 of 6 samples have no group in column 'site' ('s3', ...)", or ""
};

struct GroupColumns {
  std::string group, stratum;  // columns of the metadata; no stratum: ""
  bool drops_missing = false;  // samples without a group: left out, or an error
};

// throws ConfigError for an unknown column; ArgumentError: a sample without a group or without a
// stratum.
GroupedSamples grouped_samples(const io::Metadata& metadata, const std::vector<std::string>& ids,
                               const GroupColumns& columns);

// The columns that terms name, as numbers where they hold numbers; in the order of the ids.
// throws ConfigError for an unknown column; ArgumentError: a sample without a value.
std::vector<Factor> factors_of(const io::Metadata& metadata, const std::vector<std::string>& ids,
                               const std::vector<Term>& terms);

// The words of a column, in the order of the ids. throws as factors_of.
std::vector<std::string> labels_of(const io::Metadata& metadata,
                                   const std::vector<std::string>& ids, const std::string& column);

}  // namespace deepbio::community
