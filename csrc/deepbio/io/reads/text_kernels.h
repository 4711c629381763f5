// The loops over bytes of sequence text, once per set of vector instructions.
//
// The scalar kernels are the plain version that the others are tested against. A kernel is called
// once per record or per window, never per block of bytes, and reads nothing outside of [begin,
// end). Sequence bytes are letters, '*', '-', '.'; quality bytes are '!' to '~'; a line ends LF or
// CR LF. Private to `fastx`. Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "deepbio/base/simd.h"

namespace deepbio::io {

// A FASTQ record of four lines; texts without line ends.
struct FourLines {
  const char *title = nullptr, *sequence = nullptr, *quality = nullptr;
  const char* end = nullptr;             // after the last line end
  size_t name_size = 0, title_size = 0;  // the name is the front of the title
  size_t length = 0;                     // of sequence and quality
};

// What was joined: whole lines up to `in`, their bytes up to `out`.
struct JoinedLines {
  const char* in;
  char* out;
  int64_t num_lines;
};

struct TextKernels {
  // False when no good record of four whole lines begins at begin: wrapped, damaged, or going on
  // past the end. The sizes that found holds are tried first, since the reads of a run are alike;
  // any other is right as well.
  bool (*find_four_lines)(const char* begin, const char* end, FourLines& found);
  // Copies the whole lines of sequence bytes at the front, without their LF. Stops before a line
  // with any other byte (a title, a CR, a blank) or without an end. out has room for end - begin +
  // kJoinSlack bytes.
  JoinedLines (*join_lines)(const char* begin, const char* end, char* out);
};
constexpr size_t kJoinSlack = 64;

const TextKernels& text_kernels(Simd simd);

// Scalar, for what is not worth a kernel.
bool is_sequence_byte(unsigned char byte);
bool is_sequence_text(std::string_view text);
bool is_quality_byte(unsigned char byte);
bool is_quality_text(std::string_view text);
// Neither NUL nor CR.
bool is_plain_title(std::string_view title);
// How much of a title is the name: up to the first blank or tab.
size_t name_bytes(std::string_view title);
// '+' alone or with the title again.
bool is_plus_line_for(std::string_view plus, std::string_view title);
// The line [begin, end) without the CR of a CR LF.
std::string_view line_text(const char* begin, const char* end);

}  // namespace deepbio::io
