// Where a model's tensors live, and in which type its products are taken.
//
// The library has no code of its own for one kind of device: tensors go where the model is, and
// torch does the rest. Threads: thread safe, but for Float32Products.
#pragma once

#include <torch/types.h>

#include <string>

#include "deepbio/base/options.h"
#include "deepbio/model/aam.h"

namespace deepbio::model {

torch::Device device_of(const AamModel& model);

// A device by its name in torch (cpu, cuda, cuda:1, xpu, ...), without a number the current one of
// its kind; auto is cuda where CUDA or ROCm offers a GPU, else cpu; "" is `otherwise`.
//   throws ConfigError: no such name, or this machine or torch has none of it
torch::Device find_device(const std::string& name, torch::Device otherwise = torch::kCPU);

// The option of training and of prediction.
OptionRow device_row(std::string& device);

// `mixed_precision` as autocast on a device while it lives: linear layers and products take bf16
// or fp16 (IEEE half), norms, sums and losses stay in float32, and so do weights. "no" does
// nothing. Of this thread.
class Autocast {
 public:
  Autocast(const std::string& mixed_precision, torch::Device device);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool is_on_, was_on_ = false;
  torch::DeviceType type_;
  torch::ScalarType dtype_before_ = torch::kFloat;
};

// Lets GPUs round the factors of float32 products to 10 bits (TF32) while it lives, in the whole
// process, as torch.set_float32_matmul_precision("high") does.
class Float32Products {
 public:
  explicit Float32Products(bool tf32);
  ~Float32Products();
  Float32Products(const Float32Products&) = delete;
  Float32Products& operator=(const Float32Products&) = delete;

 private:
  bool is_on_;
};

}  // namespace deepbio::model
