// A trained model as TorchScript: a file that torch.jit.load (Python) and torch::jit::load (C++)
// run without this library. The graph is pure aten, takes any batch size, number of ASVs and
// length.
//
// forward(tokens int64 [B, S, L], counts float32 [B, S]) -> the prediction of the model:
//   predictor  target_prediction [B, O] (log-probabilities for a classifier), [B, O, Q] with
//              quantiles
//   encoder    embeddings [B, D], or base_prediction [B, O]
// A model with covariates takes a third argument, categorical_ids int64 [B, columns], columns in
// alphabetic order. Source: torch::jit::tracer::trace over a mirror module that holds the same
// tensors.
#pragma once

#include <string>

#include "deepbio/io/bytes/bytes.h"
#include "deepbio/model/aam.h"

namespace deepbio::exporting {

// Traces in eval mode, reloads the bytes, runs three unseen shapes and compares, then writes
// atomically. metadata goes into the file as the extra file "deepbio.json" (config, target
// transform, classes). The model's mode (train or eval) is as before on return. throws Error when
// the reloaded graph gives other numbers; ArgumentError for encoder_type combined; WriteError.
void write_torchscript(const std::string& path, model::AamModel& model,
                       const std::string& metadata_json = "{}",
                       io::Overwrite overwrite = io::Overwrite::kAllow);

}  // namespace deepbio::exporting
