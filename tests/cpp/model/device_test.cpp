#include "deepbio/model/device.h"

#include <ATen/Functions.h>
#include <ATen/autocast_mode.h>

#include "catch.h"

#include "deepbio/base/error.h"

namespace deepbio::model {
namespace {

std::string refusal_of(const std::string& name) {
  try {
    (void)find_device(name);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

CATCH_TEST_CASE("a device has torch's name, and one that is not there is refused by name",
                "[device]") {
  CATCH_REQUIRE(find_device("cpu") == torch::Device("cpu"));
  CATCH_REQUIRE(find_device("cpu:0") == torch::Device("cpu"));
  CATCH_REQUIRE(find_device("", torch::Device("meta")) == torch::Device("meta"));
  const std::string expected =
      "`device`: expected cpu, auto or a device of this machine as torch names it, got ";
  CATCH_REQUIRE(refusal_of("gpu") == expected + "'gpu'");
  CATCH_REQUIRE(refusal_of("cuda:x") == expected + "'cuda:x'");
  CATCH_REQUIRE(refusal_of("cpu:1") == expected + "'cpu:1', and there are 1 of that kind");
  // Tensors of meta have no values to train with.
  CATCH_REQUIRE(refusal_of("meta") == expected + "'meta', and this torch sees none of that kind");
}

CATCH_TEST_CASE("products are in bf16 while autocast lives, and as before after it", "[device]") {
  const at::Tensor a = at::ones({2, 2});
  {
    const Autocast cast("bf16", at::kCPU);
    CATCH_REQUIRE(at::matmul(a, a).scalar_type() == at::kBFloat16);
  }
  CATCH_REQUIRE(at::matmul(a, a).scalar_type() == at::kFloat);
  CATCH_REQUIRE_FALSE(at::autocast::is_autocast_enabled(at::kCPU));
  const Autocast none("no", at::kCPU);
  CATCH_REQUIRE(at::matmul(a, a).scalar_type() == at::kFloat);
}

}  // namespace
}  // namespace deepbio::model
