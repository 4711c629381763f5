// The kernels of reading without vectors: the definition of what the vector ones find, and what
// runs near the end of a text, where a whole vector cannot be read.
#include "deepbio/io/reads/text_kernels.h"

#include <cstring>

namespace deepbio::io {
namespace {

const char* find_newline(const char* begin, const char* end) {
  return static_cast<const char*>(std::memchr(begin, '\n', static_cast<size_t>(end - begin)));
}

bool find_four_lines(const char* begin, const char* end, FourLines& found) {
  if (begin == end || *begin != '@') return false;
  const char* const title_end = find_newline(begin, end);
  if (title_end == nullptr) return false;
  const char* const sequence_end = find_newline(title_end + 1, end);
  if (sequence_end == nullptr || sequence_end + 1 == end || sequence_end[1] != '+') return false;
  const char* const plus_end = find_newline(sequence_end + 1, end);
  if (plus_end == nullptr) return false;
  const std::string_view title = line_text(begin + 1, title_end),
                         sequence = line_text(title_end + 1, sequence_end);
  // The quality must end where the sequence length says; the check of its bytes rules out a line
  // end before that.
  if (static_cast<size_t>(end - plus_end) < sequence.size() + 2) return false;
  const std::string_view quality(plus_end + 1, sequence.size());
  const char* quality_end = quality.data() + quality.size();
  if (*quality_end == '\r' && quality_end + 1 < end) ++quality_end;
  if (*quality_end != '\n') return false;
  found.title = title.data();
  found.sequence = sequence.data();
  found.quality = quality.data();
  found.end = quality_end + 1;
  found.name_size = name_bytes(title);
  found.title_size = title.size();
  found.length = sequence.size();
  return is_plus_line_for(line_text(sequence_end + 1, plus_end), title) && is_plain_title(title) &&
         is_sequence_text(sequence) && is_quality_text(quality);
}

JoinedLines join_lines(const char* begin, const char* end, char* out) {
  JoinedLines joined{begin, out, 0};
  while (joined.in < end) {
    const char* const stop = find_newline(joined.in, end);
    if (stop == nullptr) break;
    const std::string_view line(joined.in, static_cast<size_t>(stop - joined.in));
    if (!is_sequence_text(line)) break;
    if (!line.empty()) std::memcpy(joined.out, line.data(), line.size());
    joined = {stop + 1, joined.out + line.size(), joined.num_lines + 1};
  }
  return joined;
}

}  // namespace

#if defined(__x86_64__)
extern const TextKernels kAvx2Kernels, kAvx512Kernels;
#endif

const TextKernels& text_kernels([[maybe_unused]] Simd simd) {
  static constexpr TextKernels kScalarKernels{find_four_lines, join_lines};
#if defined(__x86_64__)
  // The AVX-512 kernels pack bytes with VBMI2, which the first processors with AVX-512 do not have.
  if (simd == Simd::kAvx512 && has_byte_compression()) return kAvx512Kernels;
  if (simd != Simd::kScalar) return kAvx2Kernels;
#endif
  return kScalarKernels;
}

// Setting bit 5 turns capitals into small letters; below 'a' the difference wraps round to a large
// number.
bool is_sequence_byte(unsigned char byte) {
  return static_cast<unsigned char>((byte | 0x20) - 'a') < 26 || byte == '*' || byte == '-' ||
         byte == '.';
}

// Written without branches, as the two below, so that the compiler turns it into vector code.
bool is_sequence_text(std::string_view text) {
  unsigned char bad = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const auto letter = static_cast<unsigned char>((byte | 0x20) - 'a');
    bad |=
        static_cast<unsigned char>((letter > 25) & (byte != '*') & (byte != '-') & (byte != '.'));
  }
  return bad == 0;
}

bool is_quality_byte(unsigned char byte) { return byte >= '!' && byte <= '~'; }

bool is_quality_text(std::string_view text) {
  unsigned char bad = 0;
  for (const char c : text)
    bad |= static_cast<unsigned char>(static_cast<unsigned char>(c - '!') > '~' - '!');
  return bad == 0;
}

bool is_plain_title(std::string_view title) {
  unsigned char bad = 0;
  for (const char c : title) bad |= static_cast<unsigned char>((c == '\0') | (c == '\r'));
  return bad == 0;
}

size_t name_bytes(std::string_view title) {
  size_t end = 0;  // find_first_of would call memchr for each byte
  while (end < title.size() && title[end] != ' ' && title[end] != '\t') ++end;
  return end;
}

bool is_plus_line_for(std::string_view plus, std::string_view title) {
  return plus.size() == 1 || plus.substr(1) == title;
}

std::string_view line_text(const char* begin, const char* end) {
  if (end > begin && end[-1] == '\r') --end;
  return {begin, static_cast<size_t>(end - begin)};
}

}  // namespace deepbio::io
