#include "deepbio/model/encoder_stack.h"

#include <ATen/autocast_mode.h>
#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "catch.h"

#include "deepbio/base/error.h"

namespace fn = deepbio::model::functional;
using torch::Tensor;

namespace {

// DEEPBIO_ENCODER for one scope.
class Encoder {
 public:
  explicit Encoder(const char* value) { setenv("DEEPBIO_ENCODER", value, 1); }
  ~Encoder() { unsetenv("DEEPBIO_ENCODER"); }
};

struct Stack {
  std::vector<fn::EncoderLayerWeights> layers;
  std::vector<Tensor> leaves;  // x first
  Tensor mask, grad;
  fn::StackOptions options;
};

Stack make_stack(int64_t rows, int64_t length, int64_t d, int64_t heads, int64_t f,
                 at::ScalarType type) {
  torch::manual_seed(5);
  Stack s;
  s.options = {heads, fn::Activation::kGelu, 0.0, true};
  const auto leaf = [&](at::IntArrayRef sizes, double scale, double middle = 0) {
    s.leaves.push_back(
        (torch::randn(sizes, at::kDouble) * scale + middle).to(type).requires_grad_());
    return s.leaves.back();
  };
  leaf({rows, length, d}, 1);
  const double wide = 1 / std::sqrt(static_cast<double>(d)),
               narrow = 1 / std::sqrt(static_cast<double>(f));
  for (int layer = 0; layer < 2; ++layer) {
    fn::EncoderLayerWeights w;
    w.in_proj_weight = leaf({3 * d, d}, wide), w.in_proj_bias = leaf({3 * d}, 0.1);
    w.out_proj_weight = leaf({d, d}, wide), w.out_proj_bias = leaf({d}, 0.1);
    w.linear1_weight = leaf({f, d}, wide), w.linear1_bias = leaf({f}, 0.1);
    w.linear2_weight = leaf({d, f}, narrow), w.linear2_bias = leaf({d}, 0.1);
    w.norm1_weight = leaf({d}, 0.1, 1), w.norm1_bias = leaf({d}, 0.1);
    w.norm2_weight = leaf({d}, 0.1, 1), w.norm2_bias = leaf({d}, 0.1);
    s.layers.push_back(w);
  }
  s.mask = at::arange(length).unsqueeze(0).lt(at::randint(1, length + 1, {rows, 1}));
  s.mask.select(0, rows - 1).fill_(false);  // a sequence without a real position
  s.grad = torch::randn({rows, length, d}, at::kDouble).to(type);
  return s;
}

struct Results {
  Tensor y;
  std::vector<Tensor> gradients;
};

Results run(const Stack& s, const Tensor& seed = {}) {
  const Tensor y = fn::encoder_stack(s.leaves[0], s.mask, s.layers, s.options, seed);
  return {y.detach(), torch::autograd::grad({y}, s.leaves, {s.grad})};
}

void compare(const Stack& s) {
  const Results fused = run(s);
  const Encoder composite("composite");
  const Results expected = run(s);
  CATCH_CHECK_FALSE(at::equal(fused.y, expected.y));  // the other path was taken
  const double largest = std::max(1.0, expected.y.abs().max().item<double>());
  CATCH_CHECK((fused.y - expected.y).abs().max().item<double>() < 2e-6 * largest);
  for (size_t i = 0; i < s.leaves.size(); ++i) {
    CATCH_INFO("leaf " << i);
    const double apart = (fused.gradients[i] - expected.gradients[i]).abs().max().item<double>();
    CATCH_CHECK(apart <= 2e-5 * expected.gradients[i].abs().max().item<double>());
  }
}

}  // namespace

CATCH_TEST_CASE("the fused encoder stack equals its layers one after the other", "[encoder]") {
  compare(make_stack(5, 33, 64, 4, 128, at::kFloat));
  compare(make_stack(3, 150, 32, 1, 64, at::kFloat));
  compare(make_stack(4, 7, 20, 5, 30, at::kFloat));
  Stack other = make_stack(3, 20, 32, 2, 64, at::kFloat);
  other.options.activation = fn::Activation::kGeluTanh;
  compare(other);
  other.options.activation = fn::Activation::kRelu;
  other.mask = Tensor();
  compare(other);
}

CATCH_TEST_CASE(
    "padding can be left out: zero in the result, without a gradient, the rest as before",
    "[encoder]") {
  Stack s = make_stack(9, 60, 64, 4, 128, at::kFloat);
  s.mask.select(1, 3).fill_(false);  // padding before the last real position too
  const Tensor full = run(s).y;
  s.options.skip_padding = true;
  compare(s);
  const Results skipped = run(s);
  const Tensor padding = s.mask.logical_not().unsqueeze(-1);
  CATCH_CHECK((skipped.y - full).masked_fill(padding, 0).abs().max().item<double>() < 4e-6);
  for (const Tensor& under : {skipped.y, skipped.gradients[0]}) {
    CATCH_CHECK(under.masked_select(padding).count_nonzero().item<int64_t>() == 0);
  }
}

CATCH_TEST_CASE("padded keys that fit a query far better than all real ones are no part of it",
                "[encoder]") {
  Stack s = make_stack(6, 40, 32, 2, 64, at::kFloat);
  s.mask = torch::rand({6, 40}) < 0.3;  // padding between real positions
  {
    const torch::NoGradGuard no_grad;
    for (auto& layer : s.layers) layer.in_proj_weight.mul_(60);  // scores of thousands
  }
  const Results found = run(s);
  const Tensor real = s.mask.unsqueeze(-1);
  CATCH_CHECK(found.y.masked_select(real).isfinite().all().item<bool>());
  for (const Tensor& each : found.gradients) CATCH_CHECK(each.isfinite().all().item<bool>());
}

CATCH_TEST_CASE("what the fused stack does not do goes layer by layer", "[encoder]") {
  const auto same_as_layers = [](const Stack& s) {
    Tensor x = s.leaves[0];
    for (const auto& layer : s.layers) {
      x = fn::encoder_layer(x, s.mask, layer, s.options.num_heads, s.options.activation, 0.0, true);
    }
    return at::equal(fn::encoder_stack(s.leaves[0], s.mask, s.layers, s.options), x);
  };
  CATCH_CHECK(same_as_layers(make_stack(2, 9, 16, 2, 32, at::kDouble)));
  const Stack s = make_stack(2, 9, 16, 2, 32, at::kFloat);
  CATCH_CHECK_FALSE(same_as_layers(s));
  {
    const Encoder composite("composite");
    CATCH_CHECK(same_as_layers(s));
  }
  at::autocast::set_autocast_enabled(at::kCPU, true);
  CATCH_CHECK(same_as_layers(s));
  at::autocast::set_autocast_enabled(at::kCPU, false);
  at::autocast::clear_cache();
  const Encoder wrong("fast");
  CATCH_CHECK_THROWS_AS(run(s), deepbio::ConfigError);
}

CATCH_TEST_CASE("dropout of the stack follows the seed, or torch's generator", "[encoder]") {
  Stack s = make_stack(3, 20, 32, 2, 64, at::kFloat);
  s.options.dropout = 0.2;
  const Results first = run(s, torch::tensor(1)), again = run(s, torch::tensor(1)),
                other = run(s, torch::tensor(2));
  CATCH_CHECK(at::equal(first.y, again.y));
  CATCH_CHECK(at::equal(first.gradients[1], again.gradients[1]));
  CATCH_CHECK_FALSE(at::equal(first.y, other.y));
  torch::manual_seed(9);
  const Tensor drawn = run(s).y, next = run(s).y;
  torch::manual_seed(9);
  CATCH_CHECK(at::equal(run(s).y, drawn));
  CATCH_CHECK_FALSE(at::equal(next, drawn));
  s.options.training = false;
  CATCH_CHECK(at::equal(run(s, torch::tensor(1)).y, run(s, torch::tensor(2)).y));
}

CATCH_TEST_CASE("frozen weights get no gradient, a second derivative is an error", "[encoder]") {
  const Stack s = make_stack(2, 9, 16, 2, 32, at::kFloat);
  const Tensor full = run(s).gradients[0];
  for (size_t i = 1; i < s.leaves.size(); ++i) s.leaves[i].requires_grad_(false);
  const Tensor y = fn::encoder_stack(s.leaves[0], s.mask, s.layers, s.options);
  CATCH_CHECK(at::equal(torch::autograd::grad({y}, {s.leaves[0]}, {s.grad}, true)[0], full));
  CATCH_CHECK_THROWS_WITH(torch::autograd::grad({y}, {s.leaves[0]}, {s.grad}, true, true),
                          Catch::Matchers::Contains("DEEPBIO_ENCODER=composite"));
}
