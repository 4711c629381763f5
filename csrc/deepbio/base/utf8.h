// Characters of UTF-8, strictly as Python's decoder takes them: what passes here can become a
// Python str, and a Python str that Python encodes passes here.
#pragma once

#include <cstddef>
#include <string_view>

namespace deepbio {

// Bytes of the character that starts at `at`; 0 when it is no UTF-8 (overlong, a surrogate, above
// U+10FFFF, cut).
size_t utf8_bytes(std::string_view text, size_t at);

// Whether a reader of a message sees the character of `bytes`, which is one of UTF-8: no control,
// no blank but the space, nothing without width.
bool is_visible(std::string_view bytes);

}  // namespace deepbio
