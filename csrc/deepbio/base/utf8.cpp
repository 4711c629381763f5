// Well-formed byte sequences by table 3-7 of the Unicode Standard: the first byte fixes the length,
// and for four of the first bytes the second has a narrower range, which is what keeps out overlong
// forms, surrogates and code points above U+10FFFF.
#include "deepbio/base/utf8.h"

#include <cstdint>

namespace deepbio {
namespace {

unsigned char byte_at(std::string_view text, size_t at) {
  return static_cast<unsigned char>(text[at]);
}

// Of bytes that utf8_bytes() has accepted: nothing is checked again. A first byte of n has n + 1
// leading marker bits.
uint32_t code_point(std::string_view bytes) {
  if (bytes.size() == 1) return byte_at(bytes, 0);
  uint32_t code = byte_at(bytes, 0) & (0xFFU >> (bytes.size() + 1));
  for (size_t k = 1; k < bytes.size(); ++k) code = code << 6 | (byte_at(bytes, k) & 0x3FU);
  return code;
}

}  // namespace

size_t utf8_bytes(std::string_view text, size_t at) {
  const unsigned char first = byte_at(text, at);
  if (first < 0x80) return 1;
  // Bytes 0x80 to 0xBF continue a character, and 0xC0, 0xC1 could only begin an overlong one: the
  // check below 0xC2 refuses both.
  const size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || at + size > text.size()) return 0;
  for (size_t k = 1; k < size; ++k) {
    if ((byte_at(text, at + k) & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = byte_at(text, at + 1);
  const bool is_bad = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                      (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return is_bad ? 0 : size;
}

bool is_visible(std::string_view bytes) {
  struct Range {
    uint32_t first, last;
  };
  // Controls and blanks, the soft hyphen, marks of width zero and of direction, private use.
  constexpr Range kHidden[] = {
      {0, 31},          {127, 160},       {0xAD, 0xAD},       {0x1680, 0x1680}, {0x180E, 0x180E},
      {0x2000, 0x200F}, {0x2028, 0x202F}, {0x205F, 0x206F},   {0x3000, 0x3000}, {0xE000, 0xF8FF},
      {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFF}, {0xE0000, 0x10FFFF}};
  const uint32_t code = code_point(bytes);
  for (const Range& range : kHidden) {
    if (code >= range.first && code <= range.last) return false;
  }
  return true;
}

}  // namespace deepbio
