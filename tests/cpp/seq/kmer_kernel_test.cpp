#include "deepbio/seq/kmer_kernel.h"

#include <algorithm>
#include <string>
#include <vector>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"

using namespace deepbio;
using namespace deepbio::seq;

namespace {

const FourLetters kFolded("acgt", 'u', true);

// Every length up to three vectors and the longest one, letters that are unknown, both strands.
template <class T>
int64_t wrong_numbers(int64_t most_k, T offset, Simd simd) {
  CounterRandom random(5, 0, 0, Purpose::kSimulate);
  int64_t wrong = 0;
  for (int64_t k = 1; k <= most_k; ++k) {
    for (size_t round = 0; round < 80; ++round) {
      const size_t size =
          round == 0 ? LetterWindows::kMostLetters : static_cast<size_t>(k) + random.below(200);
      std::string text(size, 'A');
      const bool has_unknown = round % 4 == 1;
      for (char& letter : text) letter = "ACGTacgtUuNx"[random.below(has_unknown ? 12 : 10)];
      bool is_known = true;
      std::vector<bool> known;
      std::vector<uint64_t> digits;
      for (const char letter : text) {
        const size_t place = std::string("ACGTacgt").find(letter);
        const bool is_other = letter == 'U' || letter == 'u';
        digits.push_back(is_other ? 3 : place == std::string::npos ? 0 : place % 4);
        known.push_back(is_other || place != std::string::npos);
        is_known &= known.back();
      }
      for (const bool canonical : {false, true}) {
        const size_t count = size + 1 - static_cast<size_t>(k);
        std::vector<T> got(count + 1, T{77});
        const LetterWindows windows(kFolded, k, canonical, simd);
        wrong += windows.number(text.data(), size, offset, got.data()) != is_known;
        wrong += got[count] != T{77};  // nothing is written beyond the end
        for (size_t i = 0; i < count; ++i) {
          uint64_t forward = 0, backward = 0;
          for (size_t j = 0; j < static_cast<size_t>(k); ++j) {
            forward = forward * 4 + digits[i + j];
            backward = backward * 4 + 3 - digits[i + static_cast<size_t>(k) - 1 - j];
          }
          const uint64_t number = canonical ? std::min(forward, backward) : forward;
          const bool has_other =
              std::find(known.begin() + static_cast<std::ptrdiff_t>(i),
                        known.begin() + static_cast<std::ptrdiff_t>(i + static_cast<size_t>(k)),
                        false) != known.begin() + static_cast<std::ptrdiff_t>(i) + k;
          wrong += !has_other && got[i] != static_cast<T>(number + static_cast<uint64_t>(offset));
        }
      }
    }
  }
  return wrong;
}

}  // namespace

CATCH_TEST_CASE("Letters become the numbers of their windows in one go, as by a plain loop",
                "[kmer_kernel]") {
  for (const Simd simd : simd_paths()) {
    CATCH_INFO(to_string(simd));
    CATCH_REQUIRE(wrong_numbers<uint16_t>(8, 0, simd) == 0);
    CATCH_REQUIRE(wrong_numbers<int32_t>(14, 5, simd) == 0);
    CATCH_REQUIRE(wrong_numbers<int64_t>(31, 0, simd) == 0);
  }
}

CATCH_TEST_CASE("Four letters count in their order, and any other byte is told", "[kmer_kernel]") {
  for (const Simd simd : simd_paths()) {
    const LetterWindows folded(kFolded, 1, false, simd),
        exact(FourLetters("ATCG", 0, false), 1, false, simd);
    std::vector<int64_t> digits(10);
    CATCH_REQUIRE(folded.number("ACGTUacgtu", 10, int64_t{0}, digits.data()));
    CATCH_REQUIRE(digits == std::vector<int64_t>{0, 1, 2, 3, 3, 0, 1, 2, 3, 3});
    CATCH_REQUIRE(exact.number("ATCG", 4, int64_t{0}, digits.data()));
    CATCH_REQUIRE(std::vector<int64_t>(digits.begin(), digits.begin() + 4) ==
                  std::vector<int64_t>{0, 1, 2, 3});
    CATCH_REQUIRE_FALSE(exact.number("ATCGa", 5, int64_t{0}, digits.data()));
    std::vector<int64_t> many(70);
    for (int byte = 0; byte < 256; ++byte) {
      for (const size_t place : {0, 33, 69}) {
        std::string text(70, 'C');
        text[place] = static_cast<char>(byte);
        const bool is_known = std::string("acgtuACGTU").find(text[place]) != std::string::npos;
        CATCH_REQUIRE(folded.number(text.data(), text.size(), int64_t{0}, many.data()) == is_known);
      }
    }
  }
}

CATCH_TEST_CASE("Letters that share their low half, and windows that are too long, are refused",
                "[kmer_kernel]") {
  CATCH_REQUIRE_THROWS_AS(FourLetters("ACGQ", 0, false), ArgumentError);  // A is 0x41, Q 0x51
  CATCH_REQUIRE_THROWS_AS(FourLetters("ACG", 0, false), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(LetterWindows(kFolded, 32, false), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(LetterWindows(kFolded, 0, false), ArgumentError);
}

CATCH_TEST_CASE("Numbers are widened", "[kmer_kernel]") {
  const std::vector<int32_t> numbers{0, -1, 65535};
  std::vector<int64_t> wide(3);
  widen(numbers.data(), 3, wide.data());
  CATCH_REQUIRE(wide == std::vector<int64_t>{0, -1, 65535});
}
