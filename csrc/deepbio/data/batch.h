// The two structs that carry every tensor of the program. Mask polarity everywhere: True = real,
// False = padding. Axes: B batch, S ASVs per sample, L positions, A letters, U distinct ASVs of the
// batch, O outputs.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "deepbio/io/reads/fastx.h"

namespace deepbio::data {

// Reads, padded to the longest of the batch or to a fixed width.
struct ReadBatch {
  at::Tensor sequences;  // one-hot float32 [B, L, A] or integers [B, L]; undefined for tokens
  at::Tensor input_ids;  // int64 [B, L], padded as the tokenizer says; undefined unless tokens were
                         // asked for
  at::Tensor attention_mask;  // int64 [B, L], 1 = real
  at::Tensor lengths;         // int64 [B], bp
  at::Tensor quality;         // [B, L], see seq::QualityForm; undefined when a read has none
  at::Tensor labels;          // int64 [B] classes; undefined without labels
  // The other reads of pairs; undefined without mates.
  at::Tensor mate_sequences, mate_input_ids, mate_attention_mask, mate_lengths, mate_quality;
  std::vector<int64_t> index;  // B record numbers
  // Titles as a view: record rows[i] of records is read i.
  std::shared_ptr<const io::RecordBatch> records;
  std::vector<int64_t> rows;
  std::vector<std::string> ids() const;
};

// Microbiome samples. Each distinct ASV of the batch stands once in asv_tokens; asv_index says
// where it occurs.
struct SampleBatch {
  at::Tensor asv_tokens;    // int64 [U, L], AAM ids, START first, padding 0; L = longest ASV of the
                            // batch + 1
  at::Tensor asv_features;  // int64 [U], feature (column of the table) of each distinct ASV
  // int64 [B, S], 0..U-1, 0 under padding; S = most ASVs in a sample of the batch.
  at::Tensor asv_index;
  at::Tensor mask;       // bool [B, S], True = a real ASV
  at::Tensor counts;     // float32 [B, S], reads after rarefaction, 0 under padding
  at::Tensor distances;  // float32 [B, B] UniFrac; undefined without a tree or matrix
  // float32 [B, O], normalised; or int64 [B] classes; undefined without targets.
  at::Tensor targets;
  std::map<std::string, at::Tensor> categorical_ids;  // int64 [B] per covariate, 0 = unknown
  at::Tensor sample_index;                            // int64 [B], row of the table
  std::vector<std::string> sample_ids;                // B
};

// `count` samples of a batch from `begin` on, padded as there; of ASVs and distances those that are
// theirs.
SampleBatch part_of(const SampleBatch& batch, int64_t begin, int64_t count);

// The same batch on another device. non_blocking: from page-locked memory, without waiting.
SampleBatch on_device(const SampleBatch& batch, at::Device device, bool non_blocking = false);

// Each tensor of a batch that is there.
template <class Visit>
void for_each_tensor(SampleBatch& batch, const Visit& visit) {
  for (at::Tensor* tensor : {&batch.asv_tokens, &batch.asv_features, &batch.asv_index, &batch.mask,
                             &batch.counts, &batch.distances, &batch.targets, &batch.sample_index})
    if (tensor->defined()) visit(*tensor);
  for (auto& [column, ids] : batch.categorical_ids) visit(ids);
}

// AAM's own layout of the same batch: tokens [B, S, L], zero under padding.
at::Tensor padded_tokens(const SampleBatch& batch);

}  // namespace deepbio::data
