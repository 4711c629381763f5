// The version of the library, as pip and CMake know it: "1.2.3". The build reads it
// from deepbio_torch/_version.py.
#pragma once

#include <string_view>

namespace deepbio {

std::string_view version();

}  // namespace deepbio
