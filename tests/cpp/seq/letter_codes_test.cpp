#include "deepbio/seq/letter_codes.h"

#include <vector>

#include "catch.h"

#include "deepbio/seq/augment.h"

using namespace deepbio::seq;

CATCH_TEST_CASE("Codes of every byte are those of the alphabet", "[letter_codes]") {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  for (const auto type : {SequenceType::kDna, SequenceType::kRna, SequenceType::kProtein}) {
    const Alphabet alphabet(type);
    std::vector<int8_t> codes(256);
    CATCH_REQUIRE_FALSE(letter_codes(bytes, alphabet, codes.data()));
    for (size_t i = 0; i < 256; ++i) CATCH_REQUIRE(codes[i] == alphabet.id(bytes[i]));
    CATCH_REQUIRE(letter_codes(alphabet.letters(), alphabet, codes.data()));
  }
}

CATCH_TEST_CASE(
    "Reads of every length are coded whole, and a strange letter is seen wherever it stands",
    "[letter_codes]") {
  const Alphabet alphabet(SequenceType::kDna);
  for (size_t size = 0; size <= 200; ++size) {
    std::string read;
    for (size_t i = 0; i < size; ++i) read += "ACGTacgtUu"[(i * i + size) % 10];
    std::vector<int8_t> codes(size + 1, 99);
    CATCH_REQUIRE(letter_codes(read, alphabet, codes.data()));
    for (size_t i = 0; i < size; ++i) CATCH_REQUIRE(codes[i] == alphabet.id(read[i]));
    CATCH_REQUIRE(codes[size] == 99);
    for (size_t i = 0; i < size; ++i) {
      std::string strange = read;
      strange[i] = "N-\n\xC1"[i % 4];
      CATCH_REQUIRE_FALSE(letter_codes(strange, alphabet, codes.data()));
      CATCH_REQUIRE(codes[i] == -1);
    }
  }
}

CATCH_TEST_CASE("Reads of every length are turned as the table of pairs says, or refused",
                "[letter_codes]") {
  for (const auto type : {SequenceType::kDna, SequenceType::kRna}) {
    const auto paired = paired_letters(type);
    const std::string_view letters = type == SequenceType::kDna ? "ACGTNacgtn" : "ACGUNacgun";
    for (size_t size = 0; size <= 200; ++size) {
      std::string read, expected;
      for (size_t i = 0; i < size; ++i) read += letters[(i * i + 3 * i + size) % 10];
      for (const char letter : read)
        expected.insert(expected.begin(), paired[static_cast<unsigned char>(letter)]);
      std::string out(size + 1, '?');
      CATCH_REQUIRE(turn_letters(read, type, out.data()));
      CATCH_REQUIRE(out == expected + '?');
      for (size_t i = 0; i < size; ++i) {
        std::string strange = read;
        strange[i] = type == SequenceType::kDna ? "RU-\xD4"[i % 4] : "YT.\x01"[i % 4];
        CATCH_REQUIRE_FALSE(turn_letters(strange, type, out.data()));
      }
    }
  }
}

CATCH_TEST_CASE("Codes become numbers, rows and planes", "[letter_codes]") {
  const std::vector<int8_t> codes{0, 3, -1, 2};
  std::vector<int64_t> longs(4);
  std::vector<float> floats(4), rows(16, 9), wide(20, 9), plane(4, 9);
  std::vector<uint8_t> bytes(4);
  expand_codes(codes.data(), 4, longs.data());
  expand_codes(codes.data(), 4, floats.data());
  expand_codes(codes.data(), 4, bytes.data());
  CATCH_REQUIRE(longs == std::vector<int64_t>{0, 3, -1, 2});
  CATCH_REQUIRE(floats == std::vector<float>{0, 3, -1, 2});
  CATCH_REQUIRE(bytes == std::vector<uint8_t>{0, 3, 255, 2});
  expand_one_hot(codes.data(), 4, 4, 4, rows.data());
  CATCH_REQUIRE(rows == std::vector<float>{1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0});
  for (size_t size = 0; size < 70; ++size) {
    std::vector<int8_t> many;
    for (size_t i = 0; i < size; ++i) many.push_back(static_cast<int8_t>((i * i + size) % 5) - 1);
    std::vector<float> columns(4 * size + 4, 9);
    expand_one_hot(many.data(), size, 4, 4, columns.data());
    for (size_t i = 0; i < 4 * size; ++i)
      CATCH_REQUIRE(columns[i] == (many[i / 4] == static_cast<int>(i % 4) ? 1 : 0));
    for (size_t i = 4 * size; i < columns.size(); ++i) CATCH_REQUIRE(columns[i] == 9);
  }
  expand_one_hot(codes.data(), 4, 4, 5, wide.data());
  CATCH_REQUIRE(wide ==
                std::vector<float>{1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0});
  expand_plane(codes.data(), 4, 3, plane.data());
  CATCH_REQUIRE(plane == std::vector<float>{0, 1, 0, 0});
}
