// The version of the library, as pip and CMake know it: "1.2.3".
#pragma once

#include <string_view>

namespace deepbio {

std::string_view version();

}  // namespace deepbio
