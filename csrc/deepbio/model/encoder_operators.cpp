#include "deepbio/model/encoder_operators.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/empty.h>

#include "deepbio/base/error.h"

namespace deepbio::model::encoder {
namespace {

std::optional<Tensor> maybe(const Tensor& tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

}  // namespace

std::vector<int64_t> sizes_of(const FusedOptions& options) {
  return {options.num_layers, options.width, options.num_heads, options.activation};
}

FusedOptions options_of(at::IntArrayRef sizes, double dropout, bool skip_padding) {
  if (sizes.size() != 4) {
    throw ArgumentError("encoder stack: expected four sizes, got " + std::to_string(sizes.size()));
  }
  return {sizes[0], sizes[1], sizes[2], sizes[3], dropout, skip_padding};
}

Pair stack_forward(const Tensor& x, const std::optional<Tensor>& key_mask, const Tensor& weights,
                   const Tensor& seed, at::IntArrayRef sizes, double dropout, bool save,
                   bool skip_padding) {
  return fused_forward(x, key_mask.value_or(Tensor()), weights, seed,
                       options_of(sizes, dropout, skip_padding), save);
}

// Shapes for torch.compile, which runs no arithmetic while it traces.
Pair stack_forward_meta(const Tensor& x, const std::optional<Tensor>&, const Tensor&, const Tensor&,
                        at::IntArrayRef sizes, double dropout, bool save, bool) {
  // The embedding is a number here: what is saved depends on how many panels it fills.
  const int64_t floats =
      saved_floats(x.sym_size(2).guard_int(__FILE__, __LINE__), options_of(sizes, dropout));
  const Tensor saved = save ? at::empty_symint({x.sym_size(0), x.sym_size(1), floats}, x.options())
                            : at::empty({0}, x.options());
  return {at::empty_symint(x.sym_sizes(), x.options()), saved};
}

Pair stack_backward(const Tensor& grad, const std::optional<Tensor>& key_mask,
                    const Tensor& weights, const Tensor& seed, const Tensor& saved,
                    at::IntArrayRef sizes, double dropout, bool weight_gradients,
                    bool skip_padding) {
  return fused_backward(grad, key_mask.value_or(Tensor()), weights, seed, saved,
                        options_of(sizes, dropout, skip_padding), weight_gradients);
}

Pair stack_backward_meta(const Tensor& grad, const std::optional<Tensor>&, const Tensor& weights,
                         const Tensor&, const Tensor&, at::IntArrayRef, double,
                         bool weight_gradients, bool) {
  return {at::empty_symint(grad.sym_sizes(), grad.options()),
          weight_gradients ? at::empty_symint(weights.sym_sizes(), weights.options())
                           : at::empty({0}, weights.options())};
}

Pair dispatched_forward(const Tensor& x, const Tensor& key_mask, const Tensor& weights,
                        const Tensor& seed, const FusedOptions& options, bool save) {
  // Found at the first call, not when the library is loaded: its schemas may be registered later.
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("deepbio::encoder_stack_forward", "")
                             .typed<decltype(stack_forward)>();
  return op.call(x, maybe(key_mask), weights, seed, sizes_of(options), options.dropout, save,
                 options.skip_padding);
}

Pair dispatched_backward(const Tensor& grad, const Tensor& key_mask, const Tensor& weights,
                         const Tensor& seed, const Tensor& saved, const FusedOptions& options,
                         bool weight_gradients) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("deepbio::encoder_stack_backward", "")
                             .typed<decltype(stack_backward)>();
  return op.call(grad, maybe(key_mask), weights, seed, saved, sizes_of(options), options.dropout,
                 weight_gradients, options.skip_padding);
}

}  // namespace deepbio::model::encoder
