#include "deepbio/model/device.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "deepbio/base/error.h"

namespace deepbio::model {
namespace {

int64_t devices_of(torch::DeviceType type) {
  if (type == torch::kCPU) return 1;
  // Tensors of the meta device have no values.
  if (type == torch::kMeta || !c10::impl::hasDeviceGuardImpl(type)) return 0;
  return c10::impl::getDeviceGuardImpl(type)->deviceCount();
}

ConfigError no_device(const std::string& name, const std::string& got) {
  return ConfigError(
      "`device`: expected cpu, auto or a device of this machine as torch names it, "
      "got " +
      quoted(name) + got);
}

torch::Device current(torch::DeviceType type) {
  return c10::impl::getDeviceGuardImpl(type)->getDevice();
}

torch::Device parsed(const std::string& name) {
  try {
    return torch::Device(name);
  } catch (const c10::Error&) {
    throw no_device(name, "");
  }
}

}  // namespace

// A model has all its parameters on one device.
torch::Device device_of(const AamModel& model) { return model.parameters().front().device(); }

torch::Device find_device(const std::string& name, torch::Device otherwise) {
  if (name.empty()) return otherwise;
  if (name == "auto")
    return devices_of(torch::kCUDA) > 0 ? current(torch::kCUDA) : torch::Device("cpu");
  torch::Device device = parsed(name);
  const int64_t count = devices_of(device.type());
  if (count == 0) throw no_device(name, ", and this torch sees none of that kind");
  if (device.index() >= count)
    throw no_device(name, ", and there are " + std::to_string(count) + " of that kind");
  // Without an index: torch's CPU tensors have none, and cpu:0 does not compare equal to it.
  if (device.is_cpu()) return torch::Device("cpu");
  return device.has_index() ? device : current(device.type());
}

OptionRow device_row(std::string& device) {
  return {"device", &device,
          "Where the model works: cpu, cuda, cuda:1 or another name of torch's; auto: a GPU where "
          "there is one"};
}

Autocast::Autocast(const std::string& mixed_precision, torch::Device device)
    : is_on_(mixed_precision != "no"), type_(device.type()) {
  if (!is_on_) return;
  was_on_ = at::autocast::is_autocast_enabled(type_);
  // What was set is put back in the end: regions nest, and a caller may have one of its own.
  dtype_before_ = at::autocast::get_autocast_dtype(type_);
  at::autocast::set_autocast_enabled(type_, true);
  at::autocast::set_autocast_dtype(type_, mixed_precision == "fp16" ? at::kHalf : at::kBFloat16);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (!is_on_) return;
  // Weights in the shorter type are kept until the outermost region ends.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(type_, was_on_);
  at::autocast::set_autocast_dtype(type_, dtype_before_);
}

Float32Products::Float32Products(bool tf32)
    // A process that has chosen another precision itself keeps it.
    : is_on_(tf32 &&
             at::globalContext().float32MatmulPrecision() == at::Float32MatmulPrecision::HIGHEST) {
  if (is_on_) at::globalContext().setFloat32MatmulPrecision("high");
}

Float32Products::~Float32Products() {
  if (is_on_) at::globalContext().setFloat32MatmulPrecision("highest");
}

}  // namespace deepbio::model
