// MD5 (RFC 1321) for the ids that QIIME 2 gives to ASVs: the digest of the sequence. Nothing here
// is a matter of security, and a library for one function is not worth a dependency.
#include "deepbio/seq/md5.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace deepbio::seq {
namespace {

using State = std::array<uint32_t, 4>;

// floor(2^32 |sin(i + 1)|), as the RFC defines its table.
const std::array<uint32_t, 64>& sines() {
  static const std::array<uint32_t, 64> table = [] {
    std::array<uint32_t, 64> out{};
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<uint32_t>(
          std::floor(std::abs(std::sin(static_cast<double>(i + 1))) * 4294967296.0));
    }
    return out;
  }();
  return table;
}

constexpr std::array<std::array<int, 4>, 4> kShifts{
    {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}}};

// Names and order of the operations are those of section 3.4 of the RFC; the four rounds differ in
// the mixing function, in which word comes next and in the rotations.
void add_block(State& state, const unsigned char* block) {
  std::array<uint32_t, 16> word{};
  for (size_t i = 0; i < 64; ++i) word[i / 4] |= uint32_t{block[i]} << (8 * (i % 4));
  auto [a, b, c, d] = state;
  for (uint32_t i = 0; i < 64; ++i) {
    uint32_t mixed = 0, from = 0;
    switch (i / 16) {
      case 0:
        mixed = (b & c) | (~b & d);
        from = i;
        break;
      case 1:
        mixed = (d & b) | (~d & c);
        from = 5 * i + 1;
        break;
      case 2:
        mixed = b ^ c ^ d;
        from = 3 * i + 5;
        break;
      default:
        mixed = c ^ (b | ~d);
        from = 7 * i;
    }
    const uint32_t turned =
        std::rotl(a + mixed + sines()[i] + word[from % 16], kShifts[i / 16][i % 4]);
    a = d;
    d = c;
    c = b;
    b += turned;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

}  // namespace

std::string md5_hex(std::string_view bytes) {
  State state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  // A set bit, zeros up to 8 bytes before a multiple of 64, the length in bits.
  std::string padded(bytes);
  padded += '\x80';
  // 120 and not 56, so that the difference is never negative.
  padded.append((120 - padded.size() % 64) % 64, '\0');
  for (int k = 0; k < 8; ++k)
    padded += static_cast<char>(uint64_t{bytes.size()} * 8 >> (8 * k) & 0xff);
  for (size_t at = 0; at < padded.size(); at += 64) {
    add_block(state, reinterpret_cast<const unsigned char*>(padded.data()) + at);
  }
  std::string out;
  for (size_t k = 0; k < 16; ++k) {
    const uint32_t byte = state[k / 4] >> (8 * (k % 4)) & 0xff;
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

std::string sequence_md5(std::string_view sequence) {
  std::string upper(sequence);
  for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return md5_hex(upper);
}

// By its form alone: digits of lower case, as QIIME 2 writes them.
bool is_md5(std::string_view id) {
  return id.size() == 32 && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace deepbio::seq
