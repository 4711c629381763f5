#include "deepbio/train/shared_pass.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <atomic>

#include "catch.h"
#include "train/small_community.h"
#include "train/together.h"

#include "deepbio/train/feed.h"

namespace deepbio::train {
namespace {

torch::Tensor flat_gradients(const model::AamModel& model) {
  std::vector<torch::Tensor> parts;
  for (const torch::Tensor& parameter : model.parameters()) {
    parts.push_back(parameter.grad().defined() ? parameter.grad().flatten()
                                               : torch::zeros({parameter.numel()}));
  }
  return torch::cat(parts);
}

bool near(const torch::Tensor& a, const torch::Tensor& b) {
  return a.sizes() == b.sizes() && torch::allclose(a, b, 1e-5, 1e-6);
}

CATCH_TEST_CASE("answers put together are those of one process, and gradients add up to its own",
                "[group]") {
  const SmallCommunity community(5);
  const data::SampleBatch batch = community.dataset(false).batch(community.samples);
  const auto loss_of = [](const model::Outputs& out) {
    // Pairs of samples, samples, ASVs of samples, letters of ASVs.
    return torch::cdist(out.embeddings, out.embeddings).sum() +
           out.target_prediction.square().mean() + out.count_prediction.sum() +
           out.nuc_predictions.square().sum() / 100;
  };
  const model::ModelConfig config = small_model_without_chance();
  const model::ForwardOptions asked{.return_nucleotides = true};
  const auto whole = small_predictor(config);
  const model::Outputs expected = whole->forward(make_inputs(batch), asked);
  loss_of(expected).backward();
  const torch::Tensor gradients = flat_gradients(*whole);

  for (const int64_t world_size : {2, 3, 7}) {
    std::atomic<int> right = 0;
    run_together(world_size, [&](const ProcessGroup& group) {
      const auto model = small_predictor(config);
      SharedPass pass(*model, batch, group);
      const model::Outputs got = pass.forward({}, {}, asked);
      pass.backward(loss_of(got));
      group.sum_gradients([&] {
        std::vector<std::pair<std::string, torch::Tensor>> parameters;
        for (const auto& item : model->named_parameters())
          parameters.emplace_back(item.key(), item.value());
        return parameters;
      }());
      right += near(got.embeddings, expected.embeddings) &&
               near(got.target_prediction, expected.target_prediction) &&
               near(got.count_prediction, expected.count_prediction) &&
               near(got.nuc_predictions, expected.nuc_predictions) &&
               torch::allclose(flat_gradients(*model), gradients, 1e-4, 1e-5);
    });
    CATCH_REQUIRE(right == world_size);
  }
}

}  // namespace
}  // namespace deepbio::train
