// find_four_lines over vectors of one instruction set, written once for all of them.
//
// Included only by the sources that are compiled for that set. Nothing of the standard library is used here, so that no
// inline function compiled for it can be linked into code for other processors.
//   Vector::kBytes, Vector::Mask (a bit per byte), Vector::at(text) (unaligned), and masks of a vector of text:
//   not_sequence, not_quality, ends_title (LF, CR, NUL), ends_name (blank, tab)
// Near the end of the text, where a whole vector cannot be read, the scalar kernel does the record.
#pragma once

#include "deepbio/io/text_kernels.h"

namespace deepbio::io {
namespace {

// The first byte from `at` on that `stops` marks; null when fewer than a vector of bytes is left.
template <typename Vector, typename Stops>
inline const char* find_stop(const char* at, const char* end, Stops stops) {
  while (end - at >= Vector::kBytes) {
    const auto mask = stops(Vector::at(at));
    if (mask != 0) return at + __builtin_ctzll(mask);
    at += Vector::kBytes;
  }
  return nullptr;
}

// Sets name_end and title_end; false when fewer than a vector of bytes is left before the end of the title.
template <typename Vector>
inline bool find_title_end(const char* end, FourLines& found) {
  found.name_end = nullptr;
  for (const char* at = found.title; end - at >= Vector::kBytes; at += Vector::kBytes) {
    const auto text = Vector::at(at);
    const auto stops = Vector::ends_title(text), blanks = Vector::ends_name(text);
    if (found.name_end == nullptr && blanks != 0) found.name_end = at + __builtin_ctzll(blanks);
    if (stops == 0) continue;
    found.title_end = at + __builtin_ctzll(stops);
    if (found.name_end == nullptr || found.name_end > found.title_end) found.name_end = found.title_end;
    return true;
  }
  return false;
}

// Behind the line end at `at`, which has at least two bytes; null when it is none.
inline const char* after_line_end(const char* at) {
  if (*at == '\n') return at + 1;
  return at[0] == '\r' && at[1] == '\n' ? at + 2 : nullptr;
}

inline bool is_same(const char* a, const char* b, long size) {
  return __builtin_memcmp(a, b, static_cast<unsigned long>(size)) == 0;
}

template <typename Vector>
inline bool find_four_lines_by(const char* begin, const char* end, FourLines& found) {
  const auto scalar = [&] { return text_kernels(Simd::kScalar).find_four_lines(begin, end, found); };
  if (end - begin < Vector::kBytes) return scalar();
  if (*begin != '@') return false;
  found.title = begin + 1;
  if (!find_title_end<Vector>(end, found) || end - found.title_end < 2) return scalar();
  found.sequence = after_line_end(found.title_end);
  if (found.sequence == nullptr) return false;
  found.sequence_end = find_stop<Vector>(found.sequence, end, [](auto text) { return Vector::not_sequence(text); });
  const long title_bytes = found.title_end - found.title;
  if (found.sequence_end == nullptr || end - found.sequence_end < title_bytes + 8) return scalar();
  const char* plus = after_line_end(found.sequence_end);
  if (plus == nullptr || *plus != '+') return false;
  ++plus;
  if (*plus != '\n' && *plus != '\r') {
    if (!is_same(plus, found.title, title_bytes)) return false;
    plus += title_bytes;
  }
  found.quality = after_line_end(plus);
  if (found.quality == nullptr) return false;
  const long length = found.sequence_end - found.sequence;
  if (end - found.quality < length + Vector::kBytes) return scalar();
  typename Vector::Mask bad = 0;
  const char* at = found.quality;
  const char* const quality_end = at + length;
  for (; quality_end - at >= Vector::kBytes; at += Vector::kBytes) bad |= Vector::not_quality(Vector::at(at));
  const auto rest = static_cast<unsigned>(quality_end - at);
  bad |= Vector::not_quality(Vector::at(at)) & ((typename Vector::Mask{1} << rest) - 1);
  found.end = after_line_end(quality_end);
  return bad == 0 && found.end != nullptr;
}

}  // namespace
}  // namespace deepbio::io
