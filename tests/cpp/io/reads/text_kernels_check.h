// Compares the kernels of one path with the scalar ones on texts made to be awkward. Every text
// lies at the very end of its own memory, so that the address sanitizer sees a read behind it.
#pragma once

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "catch.h"

#include "deepbio/io/reads/text_kernels.h"

namespace deepbio::test {

inline bool can_run(Simd simd) {
  const auto& paths = simd_paths();
  return std::find(paths.begin(), paths.end(), simd) != paths.end();
}

// The text without slack behind it.
class TightText {
 public:
  explicit TightText(const std::string& text) : data_(new char[text.size()]), size_(text.size()) {
    std::copy(text.begin(), text.end(), data_.get());
  }
  const char* begin() const { return data_.get(); }
  const char* end() const { return data_.get() + size_; }

 private:
  std::unique_ptr<char[]> data_;
  size_t size_;
};

// With a right, a wrong, and no guess of the length.
inline void require_same_four_lines(Simd simd, const std::string& text) {
  const TightText tight(text);
  io::FourLines expected;
  const bool is_record =
      io::text_kernels(Simd::kScalar).find_four_lines(tight.begin(), tight.end(), expected);
  CATCH_CAPTURE(text);
  for (const size_t guess :
       {size_t{0}, size_t{70}, size_t{150}, expected.length + 1, expected.length, text.size()}) {
    io::FourLines found;
    found.length = guess;
    found.title_size = guess == expected.length ? expected.title_size : guess;
    CATCH_REQUIRE(io::text_kernels(simd).find_four_lines(tight.begin(), tight.end(), found) ==
                  is_record);
    if (!is_record) continue;
    CATCH_REQUIRE(found.title == expected.title);
    CATCH_REQUIRE(found.name_size == expected.name_size);
    CATCH_REQUIRE(found.title_size == expected.title_size);
    CATCH_REQUIRE(found.sequence == expected.sequence);
    CATCH_REQUIRE(found.quality == expected.quality);
    CATCH_REQUIRE(found.length == expected.length);
    CATCH_REQUIRE(found.end == expected.end);
  }
}

inline void require_same_joined_lines(Simd simd, const std::string& text) {
  const TightText tight(text);
  std::vector<char> expected(text.size() + io::kJoinSlack), found(text.size() + io::kJoinSlack);
  const auto a =
      io::text_kernels(Simd::kScalar).join_lines(tight.begin(), tight.end(), expected.data());
  const auto b = io::text_kernels(simd).join_lines(tight.begin(), tight.end(), found.data());
  CATCH_CAPTURE(text);
  CATCH_REQUIRE(b.in == a.in);
  CATCH_REQUIRE(b.num_lines == a.num_lines);
  const std::string_view joined(expected.data(), static_cast<size_t>(a.out - expected.data()));
  CATCH_REQUIRE(std::string_view(found.data(), static_cast<size_t>(b.out - found.data())) ==
                joined);
}

inline std::string four_lines(size_t title, size_t length, const char* line_end,
                              bool has_title_again) {
  std::string name(title, 't');
  const std::string eol(line_end);
  if (title > 2) name[title / 2] = title % 3 == 0 ? '\t' : ' ';
  if (title > 64) name[title - 3] = ' ';
  std::string letters(length, 'A'), quality(length, 'I');
  for (size_t i = 0; i < length; ++i) {
    letters[i] = "ACGTNacgtn*-.Zz"[i % 15];
    quality[i] = static_cast<char>('!' + i % 94);
  }
  return "@" + name + eol + letters + eol + "+" + (has_title_again ? name : "") + eol + quality +
         eol;
}

inline void require_same_kernels(Simd simd) {
  const std::string next = four_lines(20, 150, "\n", false);
  for (const char* line_end : {"\n", "\r\n"}) {
    for (const size_t title : {0, 1, 30, 31, 32, 33, 62, 63, 64, 65, 130}) {
      for (const size_t length : {0, 1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 150}) {
        const std::string record = four_lines(title, length, line_end, title % 2 == 1);
        require_same_four_lines(simd, record);
        require_same_four_lines(simd, record + next);
        require_same_four_lines(simd, record + "\n");
      }
    }
  }
  // Any byte at any place of a record that fits several vectors, and a cut at any place.
  const std::string record = four_lines(70, 70, "\n", true) + next;
  for (size_t at = 0; at < record.size(); ++at) {
    require_same_four_lines(simd, record.substr(0, at));
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = record;
      text[at] = static_cast<char>(byte);
      require_same_four_lines(simd, text);
    }
  }
  std::string lines;
  for (size_t length = 0; length < 140; ++length) {
    lines += std::string(length, "ACGTNacgt*-."[length % 12]) + "\n";
    require_same_joined_lines(simd, lines);
    require_same_joined_lines(simd, lines + ">next\nACGT\n");
    require_same_joined_lines(simd, lines + std::string(length, 'G'));
    require_same_joined_lines(simd, std::string(length, '\n') + lines);
  }
  const std::string few =
      std::string(61, 'A') + "\n" + std::string(80, 'c') + "\n\n" + std::string(70, 'G') + "\n";
  for (size_t at = 0; at < few.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = few;
      text[at] = static_cast<char>(byte);
      require_same_joined_lines(simd, text);
    }
  }
  std::mt19937 random(3);
  for (int i = 0; i < 20000; ++i) {
    std::string text(random() % 300, ' ');
    for (char& c : text) c = "AAAAAAAAAAAAACGTacgtN*-.\n\n\n\r> "[random() % 31];
    require_same_joined_lines(simd, text);
    require_same_four_lines(simd, "@" + text + "\n+\nII\n");
  }
}

}  // namespace deepbio::test
