// A device that is not the CPU, for tests of what must hold on every device.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>

namespace deepbio::test {

c10::Device other_device();

// How often work on the device has waited for a copy that went ahead of it.
int64_t num_copies_waited_for();

}  // namespace deepbio::test
