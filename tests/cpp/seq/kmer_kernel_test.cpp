#include "deepbio/seq/kmer_kernel.h"

#include <algorithm>
#include <string>
#include <vector>

#include "catch.h"

#include "deepbio/base/random.h"

using namespace deepbio;
using namespace deepbio::seq;

namespace {

template <class T>
int64_t wrong_windows(int64_t base, int64_t most_k) {
  CounterRandom random(3, 0, 0, Purpose::kSimulate);
  int64_t wrong = 0;
  for (int64_t k = 1; k <= most_k; ++k) {
    const size_t size = static_cast<size_t>(k) + random.below(300);
    std::vector<uint8_t> digits(size);
    for (uint8_t& digit : digits) digit = static_cast<uint8_t>(random.below(static_cast<uint64_t>(base)));
    std::vector<T> windows(size), reverse(size), spare(2 * size);
    number_windows(digits.data(), size, k, base, windows.data(), spare.data(), reverse.data());
    for (size_t i = 0; i + static_cast<size_t>(k) <= size; ++i) {
      uint64_t forward = 0, backward = 0;
      for (size_t j = 0; j < static_cast<size_t>(k); ++j) {
        forward = forward * static_cast<uint64_t>(base) + digits[i + j];
        backward = backward * static_cast<uint64_t>(base) + static_cast<uint64_t>(base - 1) -
                   digits[i + static_cast<size_t>(k) - 1 - j];
      }
      wrong += windows[i] != forward || reverse[i] != backward;
    }
  }
  return wrong;
}

}  // namespace

CATCH_TEST_CASE("Windows of every width are numbered as by a plain loop, both strands", "[kmer_kernel]") {
  CATCH_REQUIRE(wrong_windows<uint16_t>(4, 8) == 0);
  CATCH_REQUIRE(wrong_windows<uint32_t>(4, 16) == 0);
  CATCH_REQUIRE(wrong_windows<uint64_t>(4, 31) == 0);
  CATCH_REQUIRE(wrong_windows<uint64_t>(20, 14) == 0);
}

CATCH_TEST_CASE("Four letters become digits in their order, and any other byte is told", "[kmer_kernel]") {
  const FourLetters folded{{'a', 'c', 'g', 't'}, 'u', 3, true}, exact{{'A', 'T', 'C', 'G'}, 'A', 0, false};
  std::vector<uint8_t> digits(256);
  CATCH_REQUIRE(four_letter_digits("ACGTUacgtu", 10, folded, digits.data()));
  CATCH_REQUIRE(std::vector<uint8_t>(digits.begin(), digits.begin() + 10) ==
                std::vector<uint8_t>{0, 1, 2, 3, 3, 0, 1, 2, 3, 3});
  CATCH_REQUIRE(four_letter_digits("ATCG", 4, exact, digits.data()));
  CATCH_REQUIRE(std::vector<uint8_t>(digits.begin(), digits.begin() + 4) == std::vector<uint8_t>{0, 1, 2, 3});
  CATCH_REQUIRE_FALSE(four_letter_digits("ATCGa", 5, exact, digits.data()));
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(70, static_cast<char>(byte));
    const bool is_known = std::string("acgtuACGTU").find(static_cast<char>(byte)) != std::string::npos;
    CATCH_REQUIRE(four_letter_digits(text.data(), text.size(), folded, digits.data()) == is_known);
  }
}

CATCH_TEST_CASE("Numbers are widened with their offset, and the smaller of two is kept", "[kmer_kernel]") {
  const std::vector<uint16_t> numbers{0, 1, 65535};
  std::vector<int64_t> wide(3);
  widen(numbers.data(), 3, int64_t{5}, wide.data());
  CATCH_REQUIRE(wide == std::vector<int64_t>{5, 6, 65540});
  std::vector<uint16_t> a{3, 1, 9};
  keep_smaller(a.data(), numbers.data(), 3);
  CATCH_REQUIRE(a == std::vector<uint16_t>{0, 1, 9});
}
