#include "deepbio/io/reads/twobit.h"

#include <algorithm>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/io/reads/genome_file.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

// "chr" of 11 bases ACGTNNacgtA as UCSC's page of the format lays it out, by hand.
std::string by_hand(bool is_swapped) {
  std::string out;
  const auto number = [&](uint32_t value) {
    std::string bytes;
    for (int i = 0; i < 4; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
    if (is_swapped) std::reverse(bytes.begin(), bytes.end());
    out += bytes;
  };
  for (const uint32_t value : {0x1A412743U, 0U, 1U, 0U}) number(value);
  out += std::string("\x03") + "chr";
  number(24);
  for (const uint32_t value : {11U, 1U, 4U, 2U, 1U, 6U, 4U, 0U}) number(value);
  // ACGT = 10 01 11 00, NNac = 00 00 10 01, gtA = 11 00 10 (00)
  return out + "\x9C" + std::string("\x09", 1) + "\xC8";
}

const BaseSymbols kLetters({'A', 'C', 'G', 'T', 'N'});

std::string letters_of(const TwoBitFile& file, int64_t start, int64_t end, bool is_reversed,
                       const BaseSymbols& symbols = kLetters) {
  std::string out(static_cast<size_t>(end - start), '?');
  file.decode(0, start, end, is_reversed, symbols, out.data());
  return out;
}

std::string message_of(const std::string& content) {
  try {
    TwoBitFile("a.2bit", content);
  } catch (const ParseError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

CATCH_TEST_CASE("a file written by hand is read in either byte order", "[twobit]") {
  for (const bool is_swapped : {false, true}) {
    const TwoBitFile file("a.2bit", by_hand(is_swapped));
    CATCH_REQUIRE(file.sequences().size() == 1);
    CATCH_CHECK(file.sequences()[0].name == "chr");
    CATCH_CHECK(file.sequences()[0].length_bp == 11);
    CATCH_CHECK(file.find("chr") == 0);
    CATCH_CHECK(file.find("ch") == -1);
    CATCH_CHECK(letters_of(file, 0, 11, false) == "ACGTNNACGTA");
    CATCH_CHECK(letters_of(file, 0, 11, true) == "TACGTNNACGT");
    std::vector<std::pair<int64_t, int64_t>> masked;
    file.for_each_masked(0, 5, 9, [&](int64_t from, int64_t to) { masked.push_back({from, to}); });
    CATCH_CHECK(masked == std::vector<std::pair<int64_t, int64_t>>{{1, 4}});
    CATCH_CHECK(file.count_unknown(0, 5, 11) == 1);
    CATCH_CHECK(file.count_gc(0, 0, 11) == 4);
  }
}

CATCH_TEST_CASE("every window of either strand is its part of the sequence", "[twobit]") {
  const std::string all = "ACGTNNACGTAGGCTNTTAACCGNAC";
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fa", ">a\n" + all + "\n");
  const TwoBitFile file("a.fa", pack_fasta(folder / "a.fa"));
  const BaseSymbols ids({0, 1, 2, 3, '\xff'});
  for (size_t start = 0; start <= all.size(); ++start) {
    for (size_t end = start; end <= all.size(); ++end) {
      const std::string part = all.substr(start, end - start);
      std::string other(part.rbegin(), part.rend()), numbers;
      for (char& letter : other) letter = "TGCAN"[std::string_view("ACGTN").find(letter)];
      for (const char letter : part)
        numbers += "\0\1\2\3\xff"[std::string_view("ACGTN").find(letter)];
      const auto first = static_cast<int64_t>(start), last = static_cast<int64_t>(end);
      CATCH_REQUIRE(letters_of(file, first, last, false) == part);
      CATCH_REQUIRE(letters_of(file, first, last, true) == other);
      CATCH_REQUIRE(letters_of(file, first, last, false, ids) == numbers);
      CATCH_REQUIRE(file.count_gc(0, first, last) == std::count(part.begin(), part.end(), 'C') +
                                                         std::count(part.begin(), part.end(), 'G'));
      CATCH_REQUIRE(file.count_unknown(0, first, last) ==
                    std::count(part.begin(), part.end(), 'N'));
    }
  }
}

CATCH_TEST_CASE("a .2bit cut at any byte is an error, and so are blocks outside", "[twobit]") {
  const std::string whole = by_hand(false);
  CATCH_CHECK(message_of(whole).empty());
  for (size_t size = 0; size < whole.size(); ++size)
    CATCH_REQUIRE(!message_of(whole.substr(0, size)).empty());
  std::string wrong = whole;
  wrong[32] = 10;  // the N block starts at the tenth base of eleven and has two
  CATCH_CHECK(message_of(wrong) ==
              "a.2bit: byte 32: expected blocks in order inside of 11 bases, got one at 10 of 2");
  CATCH_CHECK(message_of("notagenome......") ==
              "a.2bit: byte 0: expected a .2bit genome, got 'notageno'");
}
