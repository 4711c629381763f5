// A device for tests that is not the CPU: its memory is the CPU's and its kernels are, too, but
// operators refuse tensors of two devices, as a GPU does. It stands under a name of torch's that
// has no kernels in any released package (mtia), so that a whole training can run on it anywhere.
#include "train/other_device.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/MTIAHooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/resize_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <atomic>
#include <cstring>

namespace deepbio::test {
namespace {

constexpr c10::DeviceType kOther = c10::DeviceType::MTIA;
std::atomic<int64_t> copies_waited_for = 0;

struct OtherMemory final : c10::Allocator {
  c10::DataPtr allocate(size_t size) override {
    c10::DataPtr memory = c10::GetCPUAllocator()->allocate(size);
    void* const data = memory.get();
    auto* const kept = new c10::DataPtr(std::move(memory));
    return {data, kept, [](void* held) { delete static_cast<c10::DataPtr*>(held); },
            c10::Device(kOther, 0)};
  }
  void copy_data(void* to, const void* from, size_t size) const override {
    std::memcpy(to, from, size);
  }
};

OtherMemory& memory() {
  static OtherMemory one;
  return one;
}

// One device; work is done when it is asked for, so streams and events have nothing to wait for.
struct OtherDevice final : c10::impl::DeviceGuardImplInterface {
  static constexpr c10::DeviceType static_type = kOther;
  OtherDevice() = default;
  explicit OtherDevice(c10::DeviceType) {}
  c10::DeviceType type() const override { return kOther; }
  c10::Device exchangeDevice(c10::Device) const override { return {kOther, 0}; }
  c10::Device getDevice() const override { return {kOther, 0}; }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device) const override { return stream; }
  c10::Stream getDefaultStream(c10::Device device) const override {
    return c10::Stream(c10::Stream::DEFAULT, device);
  }
  c10::Stream getStreamFromGlobalPool(c10::Device device, bool) const override {
    return c10::Stream(c10::Stream::UNSAFE, device, 1);
  }
  c10::Stream exchangeStream(c10::Stream next) const override {
    const c10::Stream before = stream;
    stream = next;
    return before;
  }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  void record(void**, const c10::Stream&, c10::DeviceIndex, c10::EventFlag) const override {}
  void block(void*, const c10::Stream& waiting) const override {
    if (waiting.id() == 0) ++copies_waited_for;
  }
  bool queryStream(const c10::Stream&) const override { return true; }
  void synchronizeStream(const c10::Stream&) const override {}

  static thread_local c10::Stream stream;
};

thread_local c10::Stream OtherDevice::stream{c10::Stream::DEFAULT, c10::Device(kOther, 0)};

C10_REGISTER_GUARD_IMPL(MTIA, OtherDevice);

struct OtherHooks final : at::MTIAHooksInterface {
  void init() const override {}
  bool hasMTIA() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return 1; }
  const at::Generator& getDefaultGenerator(c10::DeviceIndex) const override {
    return at::detail::getDefaultCPUGenerator();
  }
};

at::Tensor new_empty(c10::IntArrayRef size, std::optional<at::ScalarType> dtype,
                     std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>,
                     std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(size, &memory(), c10::DispatchKeySet(c10::DispatchKey::MTIA),
                                   dtype.value_or(at::kFloat), format);
}

at::Tensor new_empty_strided(c10::IntArrayRef size, c10::IntArrayRef stride,
                             std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                             std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(size, stride, &memory(),
                                           c10::DispatchKeySet(c10::DispatchKey::MTIA),
                                           dtype.value_or(at::kFloat));
}

// The same memory as a tensor of the CPU.
at::Tensor seen_from_cpu(const at::Tensor& tensor) {
  if (tensor.is_cpu()) return tensor;
  return at::from_blob(tensor.data_ptr(), tensor.sizes(), tensor.strides(),
                       tensor.options().device(at::kCPU));
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool) {
  seen_from_cpu(to).copy_(seen_from_cpu(from));
  return to;
}

at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
  if (to.sizes() != from.sizes()) at::native::resize_(to, from.sizes(), std::nullopt);
  return copy_from(from, to, false);
}

void record_stream(at::Tensor&, c10::Stream) {}

// As kernels of GPUs do: numbers without a dimension may come from the CPU, nothing else.
void expect_here(const c10::OperatorHandle& op, const at::Tensor& tensor) {
  if (!tensor.defined() || !tensor.is_cpu() || tensor.dim() == 0) return;
  TORCH_CHECK(false, op.schema().name(), ": expected all tensors on ", c10::Device(kOther, 0),
              ", got one of ", tensor.sizes(), " on the CPU");
}

struct Silence final : c10::WarningHandler {
  void process(const c10::Warning&) override {}
};

void run_on_cpu(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const size_t count = op.schema().arguments().size();
  for (size_t i = stack->size() - count; i < stack->size(); ++i) {
    const c10::IValue& argument = (*stack)[i];
    if (argument.isTensor()) expect_here(op, argument.toTensor());
    if (argument.isTensorList()) {
      for (const at::Tensor& tensor : argument.toTensorVector()) expect_here(op, tensor);
    }
  }
  // The detour writes some outputs into tensors of another shape, which torch would warn of.
  Silence silence;
  const c10::WarningUtils::WarningHandlerGuard quiet(&silence);
  at::native::cpu_fallback(op, stack);
}

TORCH_LIBRARY_IMPL(_, MTIA, m) {
  m.fallback(torch::CppFunction::makeFromBoxedFunction<&run_on_cpu>());
}

TORCH_LIBRARY_IMPL(aten, MTIA, m) {
  m.impl("empty.memory_format", &new_empty);
  m.impl("empty_strided", &new_empty_strided);
  m.impl("_copy_from", &copy_from);
  m.impl("_copy_from_and_resize", &copy_from_and_resize);
  m.impl("as_strided", &at::native::as_strided_tensorimpl);
  m.impl("unfold", &at::native::unfold);
  m.impl("view", &at::native::view);
  m.impl("_reshape_alias", &at::native::_reshape_alias);
  m.impl("resize_", &at::native::resize_);
  m.impl("record_stream", &record_stream);
}

}  // namespace

c10::Device other_device() { return {kOther, 0}; }

int64_t num_copies_waited_for() { return copies_waited_for; }

}  // namespace deepbio::test

namespace at {
C10_REGISTER_CLASS(MTIAHooksRegistry, MTIAHooks, deepbio::test::OtherHooks)
}  // namespace at
