#include "deepbio/model/known_asvs.h"

#include <ATen/ATen.h>

#include <vector>

#include "deepbio/base/random.h"
#include "deepbio/model/functional.h"

namespace deepbio::model::functional {
namespace {

// Abundance in parts per thousand, so that ln(1 + x) bends at 0.1 %.
constexpr double kReadsOfAPart = 1000;
constexpr double kSmallestTotal = 1e-12;

}  // namespace

Tensor asv_keys(int64_t length) {
  Tensor keys = at::empty({length}, at::kLong);
  for (int64_t position = 0; position < length; ++position) {
    CounterRandom random(hash_bytes("asv_keys"), 0, static_cast<uint64_t>(position),
                         Purpose::kInit);
    // Odd, so that a token that differs by an odd number changes every bit above it.
    keys.data_ptr<int64_t>()[position] = static_cast<int64_t>(random.next_u64() | 1U);
  }
  return keys;
}

Tensor asv_identity(const Tensor& asv_tokens, const Tensor& keys) {
  // The position of a column as a tensor: a length in the graph would bind an export to it.
  const Tensor position = at::ones_like(asv_tokens).cumsum(-1).sub(1);
  // Products and sum wrap around: int64 in torch is arithmetic modulo 2^64.
  return (asv_tokens * keys.index_select(0, position.flatten()).view_as(asv_tokens)).sum(-1);
}

Tensor known_columns(const Tensor& identity, const Tensor& known) {
  const int64_t size = known.size(0);
  // The place it would have; past the last it is compared with the last, and differs.
  const Tensor place = at::searchsorted(known, identity).clamp_max(size - 1);
  return at::where(known.index_select(0, place).eq(identity), place, size);
}

Tensor known_asv_inputs(const Tensor& columns, const Tensor& asv_index, const Tensor& mask,
                        const Tensor& counts, const Tensor& known, bool log_abundance,
                        c10::ArrayRef<double> levels) {
  // float32 also under autocast: shares of 0.1 % need more digits than bf16 has.
  const Tensor reads = counts.to(at::kFloat).masked_fill(mask.logical_not(), 0.0);
  const Tensor share = reads / reads.sum(-1, /*keepdim=*/true).clamp_min(kSmallestTotal);
  const Tensor column = columns.index_select(0, asv_index.flatten()).view_as(asv_index);
  // One column more, for everything unknown; it is cut off again.
  const Tensor empty =
      // [K + 1] plus [B, 1] of zeros is [B, K + 1] without reading B.
      at::zeros({known.size(0) + 1}, share.options()) + at::zeros_like(share.sum(-1, true));
  const Tensor held = empty.scatter_add(1, column, share).narrow(1, 0, known.size(0));
  std::vector<Tensor> parts;
  if (log_abundance) parts.push_back(held.mul(kReadsOfAPart).log1p());
  for (const double level : levels) parts.push_back(held.gt(level).to(held.scalar_type()));
  return parts.size() == 1 ? parts[0] : at::cat(parts, 1);
}

Tensor pool_sequences(const Tensor& asv_embeddings, const Tensor& asv_index, const Tensor& mask,
                      const Tensor& counts, bool log_abundance) {
  // [B, 1, S], or [B, 2, S] with abundance: both means in one product.
  Tensor weight = mask.to(asv_embeddings.scalar_type()).unsqueeze(1);
  if (log_abundance) {
    const Tensor reads = counts.to(asv_embeddings.scalar_type()).log1p().unsqueeze(1);
    weight = at::cat({weight, reads * weight}, 1);
  }
  const Tensor share = weight / weight.sum(-1, /*keepdim=*/true).clamp_min(kSmallestTotal);
  return at::bmm(share, gather_asvs(asv_embeddings, asv_index, mask)).flatten(1);
}

}  // namespace deepbio::model::functional
