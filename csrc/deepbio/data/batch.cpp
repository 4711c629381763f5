#include "deepbio/data/batch.h"

#include <ATen/Functions.h>

namespace deepbio::data {

at::Tensor padded_tokens(const SampleBatch& batch) {
  return batch.asv_tokens.index({batch.asv_index}).masked_fill(batch.mask.logical_not().unsqueeze(-1), 0);
}

}  // namespace deepbio::data
