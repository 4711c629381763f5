#include "deepbio/model/encoder_stack.h"

#include <ATen/FuncTorchTLS.h>
#include <ATen/Functions.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/jit/frontend/tracer.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "deepbio/base/error.h"
#include "deepbio/model/encoder_operators.h"

namespace deepbio::model::functional {
namespace {

using encoder::FusedOptions;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// What each path calls.
struct FusedCalls {
  decltype(&encoder::fused_forward) forward;
  decltype(&encoder::fused_backward) backward;
};

const FusedCalls& calls_of(FusedPath path) {
  static constexpr FusedCalls kDirect{&encoder::fused_forward, &encoder::fused_backward};
  static constexpr FusedCalls kDispatched{&encoder::dispatched_forward,
                                          &encoder::dispatched_backward};
  return path == FusedPath::kDispatched ? kDispatched : kDirect;
}

bool fused_is_wanted() {
  // Read at each call, so that a test or a notebook can compare both paths in one process.
  const char* const value = std::getenv("DEEPBIO_ENCODER");
  const std::string_view name = value ? value : "fused";
  if (name == "fused" || name.empty()) return true;
  if (name == "composite") return false;
  throw ConfigError("DEEPBIO_ENCODER: expected fused or composite, got " + quoted(name));
}

// torch.func transforms see through aten operators only.
bool inside_function_transform() {
  const auto& state = at::functorch::functorchTLSAccessor();
  if (!state) return false;
  try {
    // torch has no other way to ask: it throws inside of a transform.
    state->checkSupportsCppAutogradFunction();
    return false;
  } catch (const c10::Error&) {
    return true;
  }
}

// A forward-mode gradient on it is left to the composite path, whose operators have one.
bool is_plain_float(const Tensor& t) {
  return t.defined() && t.device().type() == at::kCPU && t.scalar_type() == at::kFloat &&
         t.layout() == at::kStrided && !t._fw_grad(0).defined();
}

// Sizes stay symbolic: comparing ints would bind a compiled graph to one batch.
bool fits(const Tensor& t, std::initializer_list<c10::SymInt> sizes) {
  return is_plain_float(t) && t.dim() == static_cast<int64_t>(sizes.size()) &&
         std::equal(sizes.begin(), sizes.end(), t.sym_sizes().begin());
}

bool has_shapes(const EncoderLayerWeights& w, const c10::SymInt& d, const c10::SymInt& f) {
  return fits(w.in_proj_weight, {3 * d, d}) && fits(w.in_proj_bias, {3 * d}) &&
         fits(w.out_proj_weight, {d, d}) && fits(w.out_proj_bias, {d}) &&
         fits(w.linear1_weight, {f, d}) && fits(w.linear1_bias, {f}) &&
         fits(w.linear2_weight, {d, f}) && fits(w.linear2_bias, {d}) && fits(w.norm1_weight, {d}) &&
         fits(w.norm1_bias, {d}) && fits(w.norm2_weight, {d}) && fits(w.norm2_bias, {d});
}

// Anything that does not fit goes to the composite path, which computes it or says what is wrong.
bool can_be_fused(const Tensor& x, const Tensor& key_mask,
                  const std::vector<EncoderLayerWeights>& layers, const StackOptions& options) {
  if (!fused_is_wanted() || layers.empty() || !is_plain_float(x) || x.dim() != 3 ||
      options.dropout < 0 || options.dropout >= 1 || options.num_heads < 1 ||
      torch::jit::tracer::isTracing() || at::autocast::is_autocast_enabled(at::kCPU) ||
      inside_function_transform()) {
    return false;
  }
  if (key_mask.defined() &&
      (key_mask.scalar_type() != at::kBool || key_mask.dim() != 2 ||
       key_mask.sym_size(0) != x.sym_size(0) || key_mask.sym_size(1) != x.sym_size(1))) {
    return false;
  }
  const c10::SymInt dim = x.sym_size(2);
  if (!layers[0].linear1_weight.defined() || layers[0].linear1_weight.dim() != 2 ||
      dim % options.num_heads != 0) {
    return false;
  }
  const c10::SymInt width = layers[0].linear1_weight.sym_size(0);
  return std::all_of(layers.begin(), layers.end(),
                     [&](const auto& w) { return has_shapes(w, dim, width); });
}

class FusedStack : public torch::autograd::Function<FusedStack> {
 public:
  // Tensors go in one by one: a vector of them would not be tracked.
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& weights,
                        const std::optional<Tensor>& maybe_mask, const Tensor& seed,
                        const FusedOptions& options, FusedPath path) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const Tensor key_mask = maybe_mask.value_or(Tensor());
    // `seed` is saved with it: the backward pass draws the same masks again.
    auto [y, saved] = calls_of(path).forward(x, key_mask, weights, seed, options, true);
    ctx->save_for_backward({weights, key_mask, seed, saved});
    ctx->saved_data["sizes"] = encoder::sizes_of(options);
    ctx->saved_data["dropout"] = options.dropout;
    ctx->saved_data["skip_padding"] = options.skip_padding;
    ctx->saved_data["is_dispatched"] = path == FusedPath::kDispatched;
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    // Gradients are being recorded while gradients are computed: somebody wants the second
    // derivative.
    if (at::GradMode::is_enabled()) {
      throw Error(
          "encoder_stack: the fused encoder has no second derivative (create_graph); set the "
          "environment variable "
          "DEEPBIO_ENCODER=composite and use torch's math attention");
    }
    const auto kept = ctx->get_saved_variables();
    auto& data = ctx->saved_data;
    const auto options = encoder::options_of(
        data["sizes"].toIntVector(), data["dropout"].toDouble(), data["skip_padding"].toBool());
    const FusedCalls& calls =
        calls_of(data["is_dispatched"].toBool() ? FusedPath::kDispatched : FusedPath::kDirect);
    auto [grad_x, grad_weights] = calls.backward(grads[0], kept[1], kept[0], kept[2], kept[3],
                                                 options, ctx->needs_input_grad(1));
    if (!ctx->needs_input_grad(1)) grad_weights = Tensor();
    // One for each argument of forward; masks, seeds and options have none.
    return {grad_x, grad_weights, Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

Tensor fused(const Tensor& x, const Tensor& key_mask,
             const std::vector<EncoderLayerWeights>& layers, const StackOptions& o,
             const Tensor& seed, FusedPath path) {
  const FusedOptions options{static_cast<int64_t>(layers.size()),
                             layers[0].linear1_weight.sym_size(0).guard_int(__FILE__, __LINE__),
                             o.num_heads,
                             static_cast<int64_t>(o.activation),
                             o.training ? o.dropout : 0.0,
                             o.skip_padding && key_mask.defined()};
  std::vector<Tensor> flat;
  for (const auto& layer : layers) {
    for (const LayerWeight& weight : kLayerWeights) flat.push_back((layer.*weight.value).flatten());
  }
  // One tensor for autograd to track; the gradient of cat takes that of each parameter apart again.
  const Tensor weights = at::cat(flat);
  Tensor key = seed;
  if (!key.defined()) {
    key = options.dropout > 0 ? at::randint(int64_t{1} << 62, {}, at::kLong)
                              : at::zeros({}, at::kLong);
  }
  // Prediction saves nothing for a backward pass, which is most of the memory.
  if (at::GradMode::is_enabled() && (x.requires_grad() || weights.requires_grad())) {
    return FusedStack::apply(x, weights,
                             key_mask.defined() ? std::optional(key_mask) : std::nullopt, key,
                             options, path);
  }
  return std::get<0>(calls_of(path).forward(x, key_mask, weights, key, options, false));
}

}  // namespace

Tensor encoder_stack(const Tensor& x, const Tensor& key_mask,
                     const std::vector<EncoderLayerWeights>& layers, const StackOptions& options,
                     const Tensor& seed, FusedPath path) {
  Tensor out = x;
  if (can_be_fused(x, key_mask, layers, options)) {
    out = fused(x, key_mask, layers, options, seed, path);
  } else {
    for (const auto& layer : layers) {
      out = encoder_layer(out, key_mask, layer, options.num_heads, options.activation,
                          options.dropout, options.training);
    }
  }
  // The fused path leaves out only what follows the last real row; this also sees to padding before
  // it, and to gradients.
  if (options.skip_padding && key_mask.defined())
    out = out.masked_fill(key_mask.logical_not().unsqueeze(-1), 0.0);
  return out;
}

}  // namespace deepbio::model::functional
