#include "deepbio/model/fusion.h"

#include <torch/nn/modules/activation.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "catch.h"

namespace fn = deepbio::model::functional;
using torch::Tensor;

namespace {

constexpr int64_t kBatch = 3, kSlots = 5, kDim = 12, kWidth = 4, kHeads = 3, kLatents = 2;

torch::TensorOptions in_double() { return torch::TensorOptions().dtype(torch::kDouble); }

fn::LinearWeights random_linear(int64_t out, int64_t in) {
  return {torch::randn({out, in}, in_double()), torch::randn({out}, in_double())};
}

// torch's own attention is the oracle.
struct Oracle {
  torch::nn::MultiheadAttention layer{torch::nn::MultiheadAttentionOptions(kDim, kHeads)};
  Oracle() {
    torch::NoGradGuard no_grad;
    layer->to(torch::kDouble);
    layer->in_proj_bias.normal_();
    layer->out_proj->bias.normal_();
  }
  fn::AttentionWeights weights() {
    return {{layer->in_proj_weight, layer->in_proj_bias},
            {layer->out_proj->weight, layer->out_proj->bias}};
  }
  Tensor operator()(const Tensor& query, const Tensor& key, const Tensor& padding = {}) {
    return std::get<0>(layer->forward(query.transpose(0, 1), key.transpose(0, 1),
                                      key.transpose(0, 1), padding))
        .transpose(0, 1);
  }
};

Tensor normalized(const Tensor& x, const fn::NormWeights& norm) {
  return at::layer_norm(x, {kDim}, norm.weight, norm.bias, 1e-5);
}

}  // namespace

CATCH_TEST_CASE("cross-attention is torch's attention to the covariates as one key", "[fusion]") {
  torch::manual_seed(3);
  Oracle attention;
  const Tensor x = torch::randn({kBatch, kSlots, kDim}, in_double());
  const Tensor categories = torch::randn({kBatch, kWidth}, in_double());
  const fn::LinearWeights projection = random_linear(kDim, kWidth);
  const fn::NormWeights norm{torch::randn({kDim}, in_double()), torch::randn({kDim}, in_double())};
  const fn::CrossAttentionWeights weights{projection, attention.weights(), norm};
  const fn::Fused got = fn::fuse_cross_attention(x, categories, weights, {kHeads, 0.5, false});
  const Tensor key = at::linear(categories, projection.weight, projection.bias).unsqueeze(1);
  CATCH_CHECK(at::allclose(got.values, normalized(x + attention(x, key), norm), 0, 1e-12));
  CATCH_CHECK(got.attention.sizes() == at::IntArrayRef({kBatch, kHeads, kSlots, 1}));
  CATCH_CHECK(at::equal(got.attention, at::ones_like(got.attention)));
  // With dropout a slot keeps each head's update whole (doubled) or loses it.
  const fn::Fused train = fn::fuse_cross_attention(x, categories, weights, {kHeads, 0.5, true});
  CATCH_CHECK(at::logical_or(train.attention.eq(0), train.attention.eq(2)).all().item<bool>());
  CATCH_CHECK_FALSE(at::allclose(train.values, got.values));
}

CATCH_TEST_CASE("latents attend to real slots and covariates as torch's attention does",
                "[fusion]") {
  torch::manual_seed(4);
  Oracle attention;
  const Tensor x = torch::randn({kBatch, kSlots, kDim}, in_double());
  Tensor mask = torch::ones({kBatch, kSlots}, torch::kBool);
  mask[1].slice(0, 2).fill_(false);
  mask[2].fill_(false);  // a sample without ASVs still has its covariates
  const Tensor categories = torch::randn({kBatch, kWidth}, in_double());
  const Tensor latents = torch::randn({kLatents, kDim}, in_double());
  const fn::LinearWeights slots = random_linear(kDim, kDim), category = random_linear(kDim, kWidth);
  const fn::NormWeights norm{torch::randn({kDim}, in_double()), torch::randn({kDim}, in_double())};
  const auto attend = [&](const Tensor& values, const Tensor& real) {
    return fn::attend_latents(values, real, categories,
                              {latents, slots, category, attention.weights(), norm},
                              {kHeads, 0.5, false});
  };
  const fn::Fused got = attend(x, mask);
  const Tensor context =
      at::cat({at::linear(x, slots.weight, slots.bias),
               at::linear(categories, category.weight, category.bias).unsqueeze(1)},
              1);
  const Tensor padding = at::constant_pad_nd(mask.logical_not(), {0, 1}, false);
  const Tensor query = latents.unsqueeze(0).expand({kBatch, kLatents, kDim});
  CATCH_CHECK(at::allclose(got.values, normalized(query + attention(query, context, padding), norm),
                           0, 1e-12));
  CATCH_CHECK(got.attention.sizes() == at::IntArrayRef({kBatch, kHeads, kLatents, kSlots + 1}));
  CATCH_CHECK(got.attention[1].slice(-1, 2, kSlots).eq(0).all().item<bool>());
  CATCH_CHECK(
      at::allclose(got.attention.sum(-1), torch::ones({kBatch, kHeads, kLatents}, in_double())));
  // More padding changes nothing.
  const Tensor longer = at::constant_pad_nd(x, {0, 0, 0, 4}, 7.0);
  CATCH_CHECK(at::allclose(attend(longer, at::constant_pad_nd(mask, {0, 4}, false)).values,
                           got.values, 0, 1e-12));
}
