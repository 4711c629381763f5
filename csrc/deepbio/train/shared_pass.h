// A batch dealt to the processes that train together, through the model and back.
//
// What costs most is encoding the distinct ASVs of a batch, which its samples have in common: so
// each process encodes its share of them, and then answers for its own samples from the embeddings
// of all. The loss of the whole batch is computed from all answers, of which only its own have
// gradients; those of embeddings are added up and go to the process that encoded them. The sum of
// the gradients over processes is that of one process with the whole batch, for every loss, also
// one over pairs of samples. Threads: belongs to the thread of the trainer.
#pragma once

#include <cstdint>
#include <string>

#include "deepbio/data/batch.h"
#include "deepbio/model/aam.h"
#include "deepbio/train/feed.h"
#include "deepbio/train/process_group.h"

namespace deepbio::train {

class SharedPass {
 public:
  // All outlive this. mixed_precision: as TrainingOptions has it; answers are float32 in any case.
  SharedPass(model::AamModel& model, const data::SampleBatch& whole, const ProcessGroup& group,
             std::string mixed_precision = "no");
  // What one process would answer for the whole batch, of what the losses look at.
  //   hidden_bases: bool [U, L] of the whole batch, as model::Inputs has it, or undefined
  model::Outputs forward(const FeatureTensors& features, const torch::Tensor& hidden_bases,
                         const model::ForwardOptions& options);
  // Instead of loss.backward(): every process calls it with the loss of that answer.
  void backward(const torch::Tensor& loss);
  // Logits [U, L, V] for the distinct ASVs of the whole batch as these tokens [U, L] show them.
  torch::Tensor nucleotides(const torch::Tensor& tokens);

 private:
  // A stretch of rows of the whole batch that is this process's.
  struct Part {
    int64_t begin = 0, count = 0;
  };
  Part part_of(int64_t size) const;
  bool reads_asvs(const model::ForwardOptions& options) const;
  model::SequenceEncoderImpl& encoder();
  // This process's share of the ASVs, which becomes encoded_.
  void encode(const model::Inputs& whole, const model::ForwardOptions& options);
  // A process without a share answers for the first row, and nobody looks at it.
  torch::Tensor gather(const torch::Tensor& own, int64_t axis, Part part, int64_t size) const;
  void gather_samples(model::Outputs& outputs) const;
  model::Outputs answer(const FeatureTensors& features, const torch::Tensor& hidden_bases,
                        const model::ForwardOptions& options);

  model::AamModel& model_;
  const data::SampleBatch& whole_;
  const ProcessGroup& group_;
  std::string mixed_precision_;
  model::Outputs encoded_;  // of this process's ASVs
  // Of all ASVs, [U, D], and of its own, [U of own, L, V]: where the loss leaves their gradients.
  torch::Tensor embeddings_, nucleotides_;
};

}  // namespace deepbio::train
