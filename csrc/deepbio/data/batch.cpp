#include "deepbio/data/batch.h"

#include <ATen/Functions.h>

namespace deepbio::data {

std::vector<std::string> ReadBatch::ids() const {
  std::vector<std::string> out;
  out.reserve(rows.size());
  for (const int64_t row : rows) out.emplace_back(records->name(row));
  return out;
}

at::Tensor padded_tokens(const SampleBatch& batch) {
  return batch.asv_tokens.index({batch.asv_index})
      .masked_fill(batch.mask.logical_not().unsqueeze(-1), 0);
}

}  // namespace deepbio::data
