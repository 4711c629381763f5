#include "deepbio/model/encoder_fused.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <memory>

#include "deepbio/model/encoder_kernels.h"
#include "deepbio/model/encoder_workspace.h"

namespace deepbio::model::encoder {
namespace {

StackShape shape_of(const Tensor& x, const Tensor& seed, const FusedOptions& o) {
  StackShape s;
  s.rows = x.size(0), s.length = x.size(1), s.dim = x.size(2);
  s.heads = o.num_heads, s.width = o.width, s.layers = o.num_layers, s.activation = o.activation;
  s.dropout = static_cast<float>(o.dropout);
  if (s.dropout > 0) s.seed = static_cast<uint64_t>(seed.item<int64_t>());
  return s;
}

// The twelve arrays of each layer within the flat weights or their gradients.
template <class T>
std::array<T*, kWeightsPerLayer> layer_arrays(const StackShape& s, int64_t layer, T* flat) {
  const int64_t d = s.dim, f = s.width;
  const std::array<int64_t, kWeightsPerLayer> sizes{3 * d * d, 3 * d, d * d, d, f * d, f,
                                                    d * f,     d,     d,     d, d,     d};
  int64_t total = 0;
  for (int64_t size : sizes) total += size;
  std::array<T*, kWeightsPerLayer> out;
  T* at = flat + layer * total;
  for (size_t k = 0; k < out.size(); ++k) out[k] = at, at += sizes[k];
  return out;
}

using Pack = void (*)(const StackShape&, const float* const*, LayerPanels&);

// Packed in each step: weights change in each, and packing is a pass over them, the products are
// many.
std::shared_ptr<float> pack_all(const StackShape& s, const Tensor& weights, Pack pack) {
  const Tensor flat = weights.contiguous();
  const int64_t floats = LayerPanels::floats(s);
  auto packed = take_workspace(s.layers * floats);
  at::parallel_for(0, s.layers, 1, [&](int64_t begin, int64_t end) {
    for (int64_t layer = begin; layer < end; ++layer) {
      LayerPanels panels(s, packed.get() + layer * floats);
      pack(s, layer_arrays(s, layer, flat.const_data_ptr<float>()).data(), panels);
    }
  });
  return packed;
}

// How sequences are put into slices; depends on shape and mask only.
class Plan {
 public:
  Plan(const StackShape& s, const Tensor& key_mask, bool skip_padding)
      : shape_(s), key_mask_(key_mask.defined() ? key_mask.contiguous() : key_mask) {
    // First: slices are filled by the rows that are computed.
    if (skip_padding && key_mask_.defined()) leave_out_padding();
    const int64_t most_rows = s.slice_sequences() * s.length;
    first_of_slice_.push_back(0);
    for (int64_t sequence = 0; sequence < s.rows; ++sequence) {
      const bool is_full = start(sequence + 1) - start(first_of_slice_.back()) > most_rows;
      // A sequence longer than a slice is one alone.
      if (is_full && sequence > first_of_slice_.back()) first_of_slice_.push_back(sequence);
    }
    first_of_slice_.push_back(s.rows);
  }
  int64_t num_slices() const { return static_cast<int64_t>(first_of_slice_.size()) - 1; }
  // Groups, not threads, own sums of gradients: their number must not depend on the machine.
  int64_t num_groups() const { return std::min(kGroups, num_slices()); }
  bool skips() const { return !starts_.empty(); }
  Simd simd() const { return simd_; }

  SliceInput slice(int64_t number, float* saved, float* scratch) const {
    const int64_t first = first_of_slice_[number];
    const int64_t floats = SavedLayer::floats_per_row(shape_) * shape_.layers;
    return {.first = first,
            .count = first_of_slice_[number + 1] - first,
            .key_mask = mask(),
            .saved = saved ? saved + start(first) * floats : nullptr,
            .scratch = scratch,
            .starts = skips() ? starts_.data() : nullptr};
  }

 private:
  const uint8_t* mask() const {
    return key_mask_.defined() ? reinterpret_cast<const uint8_t*>(key_mask_.const_data_ptr<bool>())
                               : nullptr;
  }
  int64_t start(int64_t sequence) const {
    return skips() ? starts_[sequence] : sequence * shape_.length;
  }

  void leave_out_padding() {
    starts_.push_back(0);
    for (int64_t sequence = 0; sequence < shape_.rows; ++sequence) {
      const uint8_t* const real = mask() + sequence * shape_.length;
      int64_t length = shape_.length;
      // Padding in front of a real row stays: positions count from the beginning.
      while (length > 0 && !real[length - 1]) --length;
      starts_.push_back(starts_.back() + length);
    }
  }

  StackShape shape_;
  Tensor key_mask_;
  Simd simd_ = choose_simd();  // once, before threads start
  std::vector<int64_t> starts_, first_of_slice_;
};

// What a result starts as: rows that are left out stay zero.
Tensor result_like(const Tensor& x, const Plan& plan) {
  const auto options = x.options().memory_format(at::MemoryFormat::Contiguous);
  return plan.skips() ? at::zeros(x.sizes(), options) : at::empty(x.sizes(), options);
}

// Slices [begin, end) of the group are taken one after the other, so that sums have one order.
void backward_groups(const StackShape& s, const Plan& plan, const Tensor& grad, float* plain,
                     const Tensor& saved, Tensor& grad_x, float* totals) {
  const int64_t groups = plan.num_groups(), slices = plan.num_slices();
  const int64_t floats = totals ? s.layers * LayerPanels::floats(s) : 0;
  // Inside another parallel region there is one thread, and one set of sums is enough.
  const int64_t workers =
      std::clamp<int64_t>(at::in_parallel_region() ? 1 : at::get_num_threads(), 1, groups);
  const auto sums = take_workspace(workers * floats);
  // As many groups at a time as there are threads, then their sums in the order of the groups:
  // floating point sums depend on the order, and this one is always the same.
  for (int64_t first = 0; first < groups; first += workers) {
    const int64_t now = std::min(workers, groups - first);
    at::parallel_for(0, now, 1, [&](int64_t begin, int64_t end) {
      const auto scratch = take_workspace(Scratch::floats(s, true));
      for (int64_t worker = begin; worker < end; ++worker) {
        const int64_t group = first + worker;
        float* own = totals ? sums.get() + worker * floats : nullptr;
        if (own) std::fill_n(own, floats, 0.f);
        for (int64_t slice = group * slices / groups; slice < (group + 1) * slices / groups;
             ++slice) {
          backward_slice(s, plan.slice(slice, saved.data_ptr<float>(), scratch.get()),
                         grad.const_data_ptr<float>(), plain, grad_x.data_ptr<float>(), own,
                         plan.simd());
        }
      }
    });
    at::parallel_for(0, floats, 1 << 14, [&](int64_t begin, int64_t end) {
      for (int64_t worker = 0; worker < now; ++worker) {
        const float* own = sums.get() + worker * floats;
        for (int64_t i = begin; i < end; ++i) totals[i] += own[i];
      }
    });
  }
}

}  // namespace

std::tuple<Tensor, Tensor> fused_forward(const Tensor& x, const Tensor& key_mask,
                                         const Tensor& weights, const Tensor& seed,
                                         const FusedOptions& options, bool save) {
  const StackShape s = shape_of(x, seed, options);
  const int64_t per_row = s.layers * SavedLayer::floats_per_row(s);
  const Plan plan(s, key_mask, options.skip_padding);
  Tensor y = result_like(x, plan), saved;
  if (save) {
    auto buffer = take_workspace(s.rows * s.length * per_row);
    // The tensor keeps the buffer, which goes back to the store with the graph it was saved for.
    saved = at::from_blob(
        buffer.get(), {s.rows, s.length, per_row}, [buffer](void*) {}, x.options());
  } else {
    saved = at::empty({0}, x.options());
  }
  // No sequence, no position or no width: there is nothing to divide into slices.
  if (y.numel() == 0) return {y, saved};
  const Tensor input = x.contiguous();
  const auto packed = pack_all(s, weights, pack_turned);
  float* kept = save ? saved.data_ptr<float>() : nullptr;
  at::parallel_for(0, plan.num_slices(), 1, [&](int64_t begin, int64_t end) {
    const auto scratch = take_workspace(Scratch::floats(s, false));
    for (int64_t slice = begin; slice < end; ++slice) {
      forward_slice(s, plan.slice(slice, kept, scratch.get()), input.const_data_ptr<float>(),
                    packed.get(), y.data_ptr<float>(), plan.simd());
    }
  });
  return {y, saved};
}

std::tuple<Tensor, Tensor> fused_backward(const Tensor& grad, const Tensor& key_mask,
                                          const Tensor& weights, const Tensor& seed,
                                          const Tensor& saved, const FusedOptions& options,
                                          bool weight_gradients) {
  const StackShape s = shape_of(grad, seed, options);
  const Plan plan(s, key_mask, options.skip_padding);
  Tensor grad_x = result_like(grad, plan);
  Tensor grad_weights = weight_gradients ? at::zeros_like(weights, at::MemoryFormat::Contiguous)
                                         : at::empty({0}, weights.options());
  if (grad.numel() == 0) return {grad_x, grad_weights};
  const Tensor arriving = grad.contiguous();
  const auto packed = pack_all(s, weights, pack_plain);
  const int64_t floats = LayerPanels::floats(s);
  std::shared_ptr<float> totals;
  if (weight_gradients) {
    totals = take_workspace(s.layers * floats);
    std::fill_n(totals.get(), s.layers * floats, 0.f);
  }
  backward_groups(s, plan, arriving, packed.get(), saved, grad_x, totals.get());
  for (int64_t layer = 0; weight_gradients && layer < s.layers; ++layer) {
    const auto arrays = layer_arrays(s, layer, grad_weights.data_ptr<float>());
    unpack_plain(s, LayerPanels(s, totals.get() + layer * floats), arrays.data());
  }
  return {grad_x, grad_weights};
}

int64_t saved_floats(int64_t dim, const FusedOptions& options) {
  StackShape s;
  s.dim = dim, s.heads = options.num_heads, s.width = options.width;
  return options.num_layers * SavedLayer::floats_per_row(s);
}

}  // namespace deepbio::model::encoder
