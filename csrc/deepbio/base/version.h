// The version of the library, as pip and CMake know it: "1.2.3". The build passes it in from
// pyproject.toml, its only home.
#pragma once

#include <string_view>

namespace deepbio {

std::string_view version();

}  // namespace deepbio
