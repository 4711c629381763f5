#include "deepbio/model/encoder_fused.h"

#include <ATen/Parallel.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "catch.h"

using namespace deepbio::model::encoder;

namespace {

struct Case {
  Tensor x, mask, weights, seed, grad;
  FusedOptions options;
};

Case make_case(int64_t rows, int64_t length, double dropout) {
  torch::manual_seed(3);
  const int64_t d = 32, f = 48, layers = 2;
  const Tensor mask = at::arange(length).unsqueeze(0).lt(at::randint(1, length + 1, {rows, 1}));
  return {torch::randn({rows, length, d}),
          mask,
          torch::randn({layers * (4 * d * d + 2 * d * f + 9 * d + f)}) * 0.2,
          torch::tensor(17),
          torch::randn({rows, length, d}),
          {layers, f, 2, 0, dropout}};
}

struct FusedResults {
  Tensor y, grad_x, grad_weights;
};

FusedResults run(const Case& c) {
  const auto [y, saved] = fused_forward(c.x, c.mask, c.weights, c.seed, c.options, true);
  const auto [grad_x, grad_weights] =
      fused_backward(c.grad, c.mask, c.weights, c.seed, saved, c.options, true);
  return {y, grad_x, grad_weights};
}

}  // namespace

CATCH_TEST_CASE("the fused stack gives the same bits with any number of threads", "[encoder]") {
  const Case c = make_case(130, 30, 0.2);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const FusedResults one = run(c);
  for (const int threads : {2, 3}) {
    at::set_num_threads(threads);
    const FusedResults many = run(c);
    CATCH_CHECK(at::equal(many.y, one.y));
    CATCH_CHECK(at::equal(many.grad_x, one.grad_x));
    CATCH_CHECK(at::equal(many.grad_weights, one.grad_weights));
  }
  at::set_num_threads(before);
}

CATCH_TEST_CASE("a sequence is computed the same in any company, without dropout", "[encoder]") {
  Case c = make_case(60, 30, 0.0);
  const Tensor all = run(c).y;
  c.x = c.x.slice(0, 33, 35), c.mask = c.mask.slice(0, 33, 35);
  const Tensor some = std::get<0>(fused_forward(c.x, c.mask, c.weights, c.seed, c.options, false));
  CATCH_CHECK(at::equal(some, all.slice(0, 33, 35)));
}

CATCH_TEST_CASE("nothing is saved and no weight gradient is made unless it is asked for",
                "[encoder]") {
  const Case c = make_case(5, 9, 0.1);
  const auto [y, saved] = fused_forward(c.x, c.mask, c.weights, c.seed, c.options, true);
  CATCH_CHECK(saved.sizes() == at::IntArrayRef({5, 9, saved_floats(32, c.options)}));
  const auto [same, nothing] = fused_forward(c.x, c.mask, c.weights, c.seed, c.options, false);
  CATCH_CHECK(at::equal(same, y));
  CATCH_CHECK(nothing.numel() == 0);
  const FusedResults full = run(c);
  const auto [grad_x, none] =
      fused_backward(c.grad, c.mask, c.weights, c.seed, saved, c.options, false);
  CATCH_CHECK(at::equal(grad_x, full.grad_x));
  CATCH_CHECK(none.numel() == 0);
}

CATCH_TEST_CASE("an empty batch has an empty result and zero weight gradients", "[encoder]") {
  const FusedResults none = run(make_case(0, 7, 0.1));
  CATCH_CHECK(none.y.sizes() == at::IntArrayRef({0, 7, 32}));
  CATCH_CHECK(none.grad_weights.eq(0).all().item<bool>());
}
