#include "deepbio/data/pinned.h"

#include <ATen/Functions.h>

#include <initializer_list>

namespace deepbio::data {
namespace {

void pin_all(std::initializer_list<at::Tensor*> tensors) {
  for (at::Tensor* const tensor : tensors) {
    if (tensor->defined()) *tensor = tensor->pin_memory();
  }
}

}  // namespace

void pin(ReadBatch& batch) {
  pin_all({&batch.sequences, &batch.input_ids, &batch.attention_mask, &batch.lengths,
           &batch.quality, &batch.labels, &batch.mate_sequences, &batch.mate_input_ids,
           &batch.mate_attention_mask, &batch.mate_lengths, &batch.mate_quality});
}

void pin(SampleBatch& batch) {
  for_each_tensor(batch, [](at::Tensor& tensor) { tensor = tensor.pin_memory(); });
}

}  // namespace deepbio::data
