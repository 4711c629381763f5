// Operators under the schemas of version 0.1, one argument for each weight: programs that users
// exported hold them. Nothing here calls them. Each packs its weights into a list and calls the
// operator of ops.cpp.
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <torch/library.h>

#include <vector>

namespace {

// Arguments [begin, begin + count) become one list.
void call_with_list(const char* name, size_t num_arguments, size_t begin, size_t count,
                    torch::jit::Stack* stack) {
  // The stack may hold more than this operator's arguments, which are its last ones.
  const auto first = stack->end() - static_cast<std::ptrdiff_t>(num_arguments - begin);
  c10::List<at::Tensor> weights;
  for (size_t i = 0; i < count; ++i)
    weights.push_back(first[static_cast<std::ptrdiff_t>(i)].toTensor());
  const auto after = stack->erase(first, first + static_cast<std::ptrdiff_t>(count));
  stack->insert(after, c10::IValue(std::move(weights)));
  c10::Dispatcher::singleton().findSchemaOrThrow(name, "weights").callBoxed(stack);
}

void encoder_layer(const c10::OperatorHandle&, torch::jit::Stack* stack) {
  call_with_list("deepbio::encoder_layer", 18, 2, 12, stack);
}

void fuse_cross_attention(const c10::OperatorHandle&, torch::jit::Stack* stack) {
  call_with_list("deepbio::fuse_cross_attention", 13, 2, 8, stack);
}

void attend_latents(const c10::OperatorHandle&, torch::jit::Stack* stack) {
  call_with_list("deepbio::attend_latents", 17, 3, 11, stack);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(deepbio, m) {
  m.def(
      "encoder_layer(Tensor x, Tensor? key_mask, Tensor in_proj_weight, Tensor in_proj_bias, "
      "Tensor out_proj_weight, Tensor out_proj_bias, Tensor linear1_weight, Tensor linear1_bias, "
      "Tensor linear2_weight, Tensor linear2_bias, Tensor norm1_weight, Tensor norm1_bias, Tensor "
      "norm2_weight, Tensor norm2_bias, int num_heads, int activation, float dropout, bool "
      "training) -> Tensor",
      torch::CppFunction::makeFromBoxedFunction<&encoder_layer>());
  m.def(
      "fuse_cross_attention(Tensor x, Tensor categories, Tensor proj_weight, Tensor proj_bias, "
      "Tensor in_proj_weight, Tensor in_proj_bias, Tensor out_proj_weight, Tensor out_proj_bias, "
      "Tensor norm_weight, Tensor norm_bias, int num_heads, float dropout, bool training) -> "
      "(Tensor values, Tensor attention)",
      torch::CppFunction::makeFromBoxedFunction<&fuse_cross_attention>());
  m.def(
      "attend_latents(Tensor x, Tensor mask, Tensor categories, Tensor latents, Tensor "
      "slot_weight, Tensor slot_bias, Tensor category_weight, Tensor category_bias, Tensor "
      "in_proj_weight, Tensor in_proj_bias, Tensor out_proj_weight, Tensor out_proj_bias, Tensor "
      "norm_weight, Tensor norm_bias, int num_heads, float dropout, bool training) -> (Tensor "
      "values, Tensor attention)",
      torch::CppFunction::makeFromBoxedFunction<&attend_latents>());
}
