// From the ASVs of a sample to what a network of fixed width can take: a column per ASV known from
// training, and the mean embedding of all ASVs, known or not. Pure functions of tensors, safe to
// trace and export.
//
// An ASV is known by its sequence: 64 bits made of its tokens, identity = sum over positions of
// token * key mod 2^64, the keys odd random numbers. So the model recognises ASVs in any table,
// under any id, in any order. Two of 20 000 ASVs share an identity with probability below 1e-10.
// Axes: B samples, S ASVs of a sample, U distinct ASVs, L positions, K known ASVs, D embedding.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/ArrayRef.h>

#include <cstdint>

namespace deepbio::model::functional {

using at::Tensor;

// The keys of positions 0..length-1, int64 [length]; always the same numbers.
Tensor asv_keys(int64_t length);

// What an ASV is known by; padding (token 0) does not count.
//   asv_tokens int64 [U, L], keys int64 [at least L] -> int64 [U]
Tensor asv_identity(const Tensor& asv_tokens, const Tensor& keys);

// The column of each ASV among the known ones, K for an unknown one.
//   identity int64 [U], known int64 [K] in rising order -> int64 [U]
Tensor known_columns(const Tensor& identity, const Tensor& known);

// Which known ASVs a sample has, and how much of each: with `log_abundance` ln(1 + 1000 x share),
// then for each level whether the share is above it (0 or 1; level 0 is presence). share = reads /
// all reads of the sample, those of unknown ASVs among them.
//   columns int64 [U], asv_index int64 [B, S], mask bool [B, S], counts [B, S], known int64 [K]
//   returns float [B, K x (levels, and one more with log_abundance)]
Tensor known_asv_inputs(const Tensor& columns, const Tensor& asv_index, const Tensor& mask,
                        const Tensor& counts, const Tensor& known, bool log_abundance,
                        c10::ArrayRef<double> levels);

// Mean ASV embedding of a sample over its ASVs, and with `log_abundance` beside it the mean
// weighted by ln(1 + reads).
//   asv_embeddings [U, D], asv_index int64 [B, S], mask [B, S], counts [B, S] -> [B, D], with
//   log_abundance [B, 2 D]
Tensor pool_sequences(const Tensor& asv_embeddings, const Tensor& asv_index, const Tensor& mask,
                      const Tensor& counts, bool log_abundance);

}  // namespace deepbio::model::functional
