#include "deepbio/model/members.h"

#include <torch/types.h>
#include <torch/utils.h>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/model/aam.h"

using torch::Tensor;

namespace deepbio::model {
namespace {

ModelConfig small_config() {
  ModelConfig config;
  config.embedding_dim = 8;
  config.max_bp = 12;
  config.token_limit = 6;
  config.asv_num_layers = config.sample_num_layers = config.encoder_num_layers = 1;
  config.asv_num_heads = config.sample_num_heads = config.encoder_num_heads = 2;
  config.transformer_branch = config.count_prediction = false;
  config.sequence_branch = true;
  config.num_known_asvs = 5;
  config.known_hidden_dim = 7;
  config.sequence_hidden_dim = 6;
  config.num_members = 3;
  return config;
}

Tensor some_tokens() { return torch::randint(1, 5, {2, 4, 10}, torch::kLong); }

// Heads start at zero; these have something to say.
void randomize(AamModel& model) {
  const torch::NoGradGuard no_grad;
  for (auto& item : model.named_parameters()) {
    if (item.key().find("head_") != std::string::npos) item.value().normal_();
  }
}

CATCH_TEST_CASE("members are torch's own layers, each with weights of its own", "[members]") {
  torch::manual_seed(1);
  const int64_t members = 3, inputs = 5, hidden = 7, outputs = 4;
  const functional::MemberWeights w{
      torch::randn({members, inputs, hidden}),  torch::randn({members, hidden}),
      torch::randn({members, hidden}),          torch::randn({members, hidden}),
      torch::randn({members, hidden, outputs}), torch::randn({members, outputs})};
  const Tensor x = torch::randn({6, inputs});
  const Tensor got = functional::member_nets(x, w, {});
  for (int64_t e = 0; e < members; ++e) {
    const Tensor inner = torch::layer_norm(at::linear(x, w.weight[e].t(), w.bias[e]), {hidden},
                                           w.norm_weight[e], w.norm_bias[e]);
    const Tensor expected = at::linear(at::gelu(inner), w.head_weight[e].t(), w.head_bias[e]);
    CATCH_REQUIRE(torch::allclose(got[e], expected, 1e-4, 1e-5));
  }
}

CATCH_TEST_CASE("dropout acts in training only, and on each member by itself", "[members]") {
  torch::manual_seed(2);
  const functional::MemberWeights w{torch::randn({1, 5, 7}).expand({2, 5, 7}),
                                    torch::zeros({2, 7}),
                                    torch::ones({2, 7}),
                                    torch::zeros({2, 7}),
                                    torch::randn({1, 7, 4}).expand({2, 7, 4}),
                                    torch::zeros({2, 4})};
  const Tensor x = torch::randn({6, 5});
  const Tensor still = functional::member_nets(x, w, {0.5, 0.5, false});
  CATCH_REQUIRE(torch::allclose(still[0], still[1]));
  const Tensor dropped = functional::member_nets(x, w, {0.5, 0.0, true});
  CATCH_REQUIRE_FALSE(torch::allclose(dropped[0], dropped[1]));
}

CATCH_TEST_CASE("a predictor of members gives the mean of their probabilities", "[members]") {
  ModelConfig config = small_config();
  config.is_classifier = true;
  config.out_dim = 3;
  auto model = make_model(config, true, 4);
  randomize(*model);
  model->eval();
  const Inputs inputs = inputs_from_padded(some_tokens(), torch::rand({2, 4}) * 9 + 1);
  const Outputs out = model->forward(inputs, {.embed_samples = false, .return_members = true});
  CATCH_REQUIRE(out.member_predictions.size(0) == 6);
  CATCH_REQUIRE(torch::allclose(out.target_prediction.exp(), out.member_predictions.exp().mean(0),
                                1e-4, 1e-6));
  CATCH_REQUIRE_FALSE(out.embeddings.defined());
  const Outputs whole = model->forward(inputs);
  CATCH_REQUIRE(whole.embeddings.defined());
  CATCH_REQUIRE(torch::allclose(whole.target_prediction, out.target_prediction));
}

CATCH_TEST_CASE("a histogram answers with its median, and padding or order of ASVs change nothing",
                "[members]") {
  ModelConfig config = small_config();
  config.num_bins = 11;
  auto model = make_model(config, true, 5);
  randomize(*model);
  model->eval();
  const Tensor tokens = some_tokens(), counts = torch::rand({2, 4}) * 9 + 1;
  const Outputs out = model->forward(inputs_from_padded(tokens, counts));
  CATCH_REQUIRE(out.target_prediction.sizes() == torch::IntArrayRef({2, 1}));
  CATCH_REQUIRE(torch::allclose(out.target_distribution.exp().sum(-1), torch::ones({2})));
  const Tensor order = torch::tensor({2, 0, 3, 1}, torch::kLong);
  const Tensor padded = torch::constant_pad_nd(tokens.index_select(1, order), {0, 2, 0, 1});
  const Tensor moved = torch::constant_pad_nd(counts.index_select(1, order), {0, 1});
  const Outputs other = model->forward(inputs_from_padded(padded, moved));
  CATCH_REQUIRE(torch::allclose(out.target_distribution, other.target_distribution, 1e-4, 1e-5));
}

CATCH_TEST_CASE("known ASVs act by their own weights and unknown ones do not", "[members]") {
  ModelConfig config = small_config();
  config.sequence_branch = false;
  auto model = make_model(config, true, 6);
  randomize(*model);
  model->eval();
  const Tensor tokens = some_tokens(), counts = torch::ones({2, 4});
  const auto answer = [&] {
    return model->forward(inputs_from_padded(tokens, counts), {.embed_samples = false});
  };
  const Tensor nobody = answer().target_prediction;
  CATCH_REQUIRE(torch::allclose(nobody[0], nobody[1]));  // no ASV is known: the same inputs
  auto& predictor = dynamic_cast<SequencePredictorImpl&>(*model);
  const Tensor first = predictor.known_asvs()->identity_of(tokens.flatten(0, 1)).narrow(0, 0, 1);
  {
    const torch::NoGradGuard no_grad;
    Tensor identities = predictor.known_asvs()->identities();
    identities.copy_(std::get<0>(torch::cat({first, torch::arange(1, 5)}).sort()));
  }
  const Tensor one = answer().target_prediction;
  CATCH_REQUIRE_FALSE(torch::allclose(one[0], nobody[0]));
  CATCH_REQUIRE(torch::allclose(one[1], nobody[1]));
}

CATCH_TEST_CASE("a clone has the buffers too, and a model without a branch is refused",
                "[members]") {
  auto model = make_model(small_config(), true, 7);
  for (auto& item : model->named_buffers()) item.value().add_(1);
  const auto copy = model->clone();
  const auto own = model->named_buffers(), theirs = copy->named_buffers();
  CATCH_REQUIRE(own.size() == theirs.size());
  for (const auto& item : own) {
    CATCH_REQUIRE(torch::equal(item.value(), theirs[item.key()]));
    CATCH_REQUIRE(item.value().data_ptr() != theirs[item.key()].data_ptr());
  }
  ModelConfig config = small_config();
  config.sequence_branch = false;
  config.num_known_asvs = 0;
  CATCH_REQUIRE_THROWS_AS(make_model(config, true, 1), ConfigError);
}

CATCH_TEST_CASE("what is missing from the inputs is named", "[members]") {
  auto model = make_model(small_config(), true, 8);
  Inputs inputs = inputs_from_padded(some_tokens());
  CATCH_REQUIRE_THROWS_WITH(model->forward(inputs), Catch::Contains("counts"));
  inputs.counts = torch::ones({2, 4});
  inputs.asv_embeddings = torch::zeros({8, 8});
  inputs.asv_tokens = torch::Tensor();
  CATCH_REQUIRE_THROWS_WITH(model->forward(inputs), Catch::Contains("asv_identity"));
}

}  // namespace
}  // namespace deepbio::model
