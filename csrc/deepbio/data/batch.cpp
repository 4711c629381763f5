#include "deepbio/data/batch.h"

#include <ATen/Functions.h>

namespace deepbio::data {

std::vector<std::string> ReadBatch::ids() const {
  std::vector<std::string> out;
  out.reserve(rows.size());
  for (const int64_t row : rows) out.emplace_back(records->name(row));
  return out;
}

SampleBatch part_of(const SampleBatch& batch, int64_t begin, int64_t count) {
  const auto rows = [&](const at::Tensor& tensor) {
    return tensor.defined() ? tensor.narrow(0, begin, count) : tensor;
  };
  SampleBatch out;
  out.mask = rows(batch.mask);
  // The distinct ASVs of these samples alone, ascending as in the whole batch. masked_select runs
  // through the mask row by row and masked_scatter puts back in that order, so places and ASVs stay
  // together.
  const auto [asvs, index] = at::_unique(rows(batch.asv_index).masked_select(out.mask),
                                         /*sorted=*/true, /*return_inverse=*/true);
  out.asv_tokens = batch.asv_tokens.index_select(0, asvs);
  out.asv_features = batch.asv_features.index_select(0, asvs);
  out.asv_index = at::zeros(out.mask.sizes(), index.options()).masked_scatter(out.mask, index);
  out.counts = rows(batch.counts);
  if (batch.distances.defined())
    out.distances = rows(batch.distances).narrow(1, begin, count).contiguous();
  out.targets = rows(batch.targets);
  for (const auto& [column, ids] : batch.categorical_ids) out.categorical_ids[column] = rows(ids);
  out.sample_index = rows(batch.sample_index);
  out.sample_ids.assign(batch.sample_ids.begin() + begin, batch.sample_ids.begin() + begin + count);
  return out;
}

SampleBatch on_device(const SampleBatch& batch, at::Device device, bool non_blocking) {
  SampleBatch out = batch;
  for_each_tensor(out, [&](at::Tensor& tensor) {
    // A tensor that is on the device already is the same one afterwards: nothing is copied.
    tensor = tensor.to(device, tensor.scalar_type(), non_blocking);
  });
  return out;
}

at::Tensor padded_tokens(const SampleBatch& batch) {
  // Padding has the index 0, which is a real ASV: its tokens are gathered too, and then set to 0.
  return batch.asv_tokens.index({batch.asv_index})
      .masked_fill(batch.mask.logical_not().unsqueeze(-1), 0);
}

}  // namespace deepbio::data
