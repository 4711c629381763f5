// Covariates of samples: metadata columns as small integers for the models' CategoricalEmbedder.
//
// The values of a column among the training samples, sorted as text, are 1, 2, ...; 0 is a value
// that is missing, a value that training did not see, or a sample without metadata (AAM's
// CategoricalEncoder). Stored in config.json, so that prediction gives the same numbers. Threads:
// immutable once made.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "deepbio/base/json.h"
#include "deepbio/io/tables/metadata.h"

namespace deepbio::data {

using CategoryIds = std::map<std::string, at::Tensor>;  // column -> int64 [N]

class CategoricalEncoder {
 public:
  CategoricalEncoder() = default;  // no covariates
  // sample_ids: the training samples. throws ConfigError for a column that is not there (with the
  // nearest), ArgumentError for a column named twice or without a value in these samples.
  static CategoricalEncoder fit(const std::vector<std::string>& columns,
                                const io::Metadata& metadata,
                                const std::vector<std::string>& sample_ids);
  static CategoricalEncoder from_json(const Json& json);  // null: no covariates. throws ConfigError
  Json to_json() const;  // {"column": ["value 1", "value 2", ...], ...}

  bool empty() const { return values_.empty(); }
  // What ModelConfig::categorical_cardinalities wants: values + 1.
  std::map<std::string, int64_t> cardinalities() const;
  CategoryIds encode(const io::Metadata& metadata,
                     const std::vector<std::string>& sample_ids) const;

 private:
  std::map<std::string, std::vector<std::string>> values_;  // sorted, by column
};

}  // namespace deepbio::data
