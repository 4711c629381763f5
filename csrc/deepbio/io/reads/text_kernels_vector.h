// find_four_lines over vectors of one instruction set, written once for all of them.
//
// Included only by the sources that are compiled for that set. Nothing of the standard library is
// used here, so that no inline function compiled for it can be linked into code for other
// processors.
//   Vector::kBytes, Vector::Mask (a bit per byte), Vector::at(text) (unaligned), and masks of a
//   vector of text: not_sequence, not_quality, ends_title (LF, CR, NUL), ends_name (blank, tab)
// Near the end of the text, where a whole vector cannot be read, the scalar kernel does the record.
// Private to text_kernels_avx2 and text_kernels_avx512.
#pragma once

#include "deepbio/io/reads/text_kernels.h"

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

// A title as long as that of the record before, within a vector. Where it ends is then known before
// it is looked at.
template <typename Vector>
inline bool has_title_size(const char* end, FourLines& found) {
  const auto size = static_cast<long>(found.title_size);
  if (size >= Vector::kBytes || end - found.title < Vector::kBytes + 1 || found.title[size] != '\n')
    return false;
  const auto text = Vector::at(found.title);
  const auto inside = (typename Vector::Mask{1} << size) - 1;
  const auto blanks = Vector::ends_name(text) & inside;
  found.name_size = blanks != 0 ? static_cast<size_t>(__builtin_ctzll(blanks)) : found.title_size;
  return (Vector::ends_title(text) & inside) == 0;
}

// Sets name_size and title_size; false when fewer than a vector of bytes is left before the end of
// the title.
template <typename Vector>
inline bool find_title_end(const char* end, FourLines& found) {
  if (has_title_size<Vector>(end, found)) return true;
  const char* name_end = nullptr;
  for (const char* at = found.title; end - at >= Vector::kBytes; at += Vector::kBytes) {
    const auto text = Vector::at(at);
    const auto stops = Vector::ends_title(text), blanks = Vector::ends_name(text);
    if (name_end == nullptr && blanks != 0) name_end = at + __builtin_ctzll(blanks);
    if (stops == 0) continue;
    const char* const title_end = at + __builtin_ctzll(stops);
    if (name_end == nullptr || name_end > title_end) name_end = title_end;
    found.name_size = static_cast<size_t>(name_end - found.title);
    found.title_size = static_cast<size_t>(title_end - found.title);
    return true;
  }
  return false;
}

// After the line end at `at`, which has at least two bytes; null when it is none.
inline const char* after_line_end(const char* at) {
  if (*at == '\n') return at + 1;
  return at[0] == '\r' && at[1] == '\n' ? at + 2 : nullptr;
}

inline bool is_same(const char* a, const char* b, long size) {
  return __builtin_memcmp(a, b, static_cast<unsigned long>(size)) == 0;
}

// Whether none of the bytes [begin, end) is bad; the vectors may reach kBytes past the end.
template <typename Vector, typename Bad>
inline bool is_free_of(const char* begin, const char* end, Bad bad) {
  typename Vector::Mask found = 0;
  for (; end - begin >= Vector::kBytes; begin += Vector::kBytes) found |= bad(Vector::at(begin));
  const auto rest = static_cast<unsigned>(end - begin);
  return (found | (bad(Vector::at(begin)) & ((typename Vector::Mask{1} << rest) - 1))) == 0;
}

// A record with LF and a bare '+', its sequence as long as that of the record before. Where the
// next record begins then follows from the length of the title alone, so that the processor need
// not wait for the search of each line end.
template <typename Vector>
inline bool has_length(const char* end, FourLines& found) {
  const auto length = static_cast<long>(found.length);
  const char *const title_end = found.title + found.title_size, *const sequence = title_end + 1;
  if (end - sequence < 2 * length + 4 + Vector::kBytes) return false;
  const char *const sequence_end = sequence + length, *const quality = sequence_end + 3;
  const bool has_line_ends = *title_end == '\n' && sequence_end[0] == '\n' &&
                             sequence_end[1] == '+' && sequence_end[2] == '\n' &&
                             quality[length] == '\n';
  if (!has_line_ends) return false;
  found.sequence = sequence;
  found.quality = quality;
  found.end = quality + length + 1;
  return is_free_of<Vector>(sequence, sequence_end,
                            [](auto text) { return Vector::not_sequence(text); }) &&
         is_free_of<Vector>(quality, quality + length,
                            [](auto text) { return Vector::not_quality(text); });
}

template <typename Vector>
inline bool find_four_lines_by(const char* begin, const char* end, FourLines& found) {
  const auto scalar = [&] {
    return text_kernels(Simd::kScalar).find_four_lines(begin, end, found);
  };
  if (end - begin < Vector::kBytes) return scalar();
  if (*begin != '@') return false;
  found.title = begin + 1;
  if (!find_title_end<Vector>(end, found)) return scalar();
  const char* const title_end = found.title + found.title_size;
  if (end - title_end < 2) return scalar();
  if (has_length<Vector>(end, found)) return true;
  found.sequence = after_line_end(title_end);
  if (found.sequence == nullptr) return false;
  const char* const sequence_end =
      find_stop<Vector>(found.sequence, end, [](auto text) { return Vector::not_sequence(text); });
  const auto title_bytes = static_cast<long>(found.title_size);
  if (sequence_end == nullptr || end - sequence_end < title_bytes + 8) return scalar();
  const char* plus = after_line_end(sequence_end);
  if (plus == nullptr || *plus != '+') return false;
  ++plus;
  if (*plus != '\n' && *plus != '\r') {
    if (!is_same(plus, found.title, title_bytes)) return false;
    plus += title_bytes;
  }
  found.quality = after_line_end(plus);
  if (found.quality == nullptr) return false;
  const long length = sequence_end - found.sequence;
  if (end - found.quality < length + Vector::kBytes) return scalar();
  const char* const quality_end = found.quality + length;
  found.length = static_cast<size_t>(length);
  found.end = after_line_end(quality_end);
  return found.end != nullptr && is_free_of<Vector>(found.quality, quality_end, [](auto text) {
           return Vector::not_quality(text);
         });
}

}  // namespace
}  // namespace deepbio::io
