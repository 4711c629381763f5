// Tensors whose memory comes from base/block_pool.h: torch's own allocator would map large blocks
// anew for every batch, which costs more than most encodings do.
#include "deepbio/seq/block_tensor.h"

#include <ATen/EmptyTensor.h>
#include <ATen/Functions.h>
#include <c10/core/Allocator.h>

#include "deepbio/base/block_pool.h"

namespace deepbio::seq {
namespace {

class PoolAllocator : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t num_bytes) override {
    void* const data = num_bytes == 0 ? nullptr : take_block(num_bytes);
    return {data, data, &give_block, at::kCPU};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &give_block; }
  void copy_data(void* to, const void* from, size_t num_bytes) const override {
    default_copy_data(to, from, num_bytes);
  }
};

}  // namespace

at::Tensor empty_tensor(at::IntArrayRef shape, at::ScalarType type) {
  // Never destroyed: a storage asks its allocator as long as it lives.
  static auto* const allocator = new PoolAllocator;
  const auto num_bytes =
      static_cast<size_t>(c10::multiply_integers(shape)) * c10::elementSize(type);
  // Small ones come from malloc's own lists and never touch the system.
  if (num_bytes < kSmallestBlock) return at::empty(shape, type);
  return at::detail::empty_generic(shape, allocator, c10::DispatchKeySet(c10::DispatchKey::CPU),
                                   type, std::nullopt);
}

}  // namespace deepbio::seq
