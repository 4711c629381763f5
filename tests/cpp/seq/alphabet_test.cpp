#include "deepbio/seq/alphabet.h"

#include <bit>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::seq;

CATCH_TEST_CASE("Letters get the ids of the alphabet's order, lower case too", "[alphabet]") {
  for (const auto& [type, letters] :
       {std::pair{SequenceType::kDna, std::string("ACGT")},
        std::pair{SequenceType::kRna, std::string("ACGU")},
        std::pair{SequenceType::kProtein, std::string("ACDEFGHIKLMNPQRSTVWY")}}) {
    const Alphabet alphabet(type);
    CATCH_REQUIRE(alphabet.letters() == letters);
    CATCH_REQUIRE(alphabet.size() == static_cast<int64_t>(letters.size()));
    for (size_t i = 0; i < letters.size(); ++i) {
      CATCH_REQUIRE(alphabet.id(letters[i]) == static_cast<int>(i));
      CATCH_REQUIRE(alphabet.id(static_cast<char>(letters[i] + 32)) == static_cast<int>(i));
    }
  }
}

CATCH_TEST_CASE("U reads as T in DNA, T as U in RNA, and N is in neither", "[alphabet]") {
  CATCH_REQUIRE(Alphabet(SequenceType::kDna).id('U') == 3);
  CATCH_REQUIRE(Alphabet(SequenceType::kRna).id('t') == 3);
  for (const char letter : {'N', 'n', '-', '*', ' ', '\0', '\xff'}) {
    CATCH_REQUIRE(Alphabet(SequenceType::kDna).id(letter) == -1);
    CATCH_REQUIRE(Alphabet(SequenceType::kRna).id(letter) == -1);
  }
  CATCH_REQUIRE(Alphabet(SequenceType::kProtein).id('B') == -1);
}

CATCH_TEST_CASE("Of the 256 bytes, DNA knows ten and protein forty", "[alphabet]") {
  const auto num_known = [](SequenceType type) {
    const Alphabet alphabet(type);
    int known = 0;
    for (int byte = 0; byte < 256; ++byte) known += alphabet.id(static_cast<char>(byte)) >= 0;
    return known;
  };
  CATCH_REQUIRE(num_known(SequenceType::kDna) == 10);
  CATCH_REQUIRE(num_known(SequenceType::kRna) == 10);
  CATCH_REQUIRE(num_known(SequenceType::kProtein) == 40);
}

CATCH_TEST_CASE("IUPAC codes stand for the sets of the NC-IUB recommendation", "[alphabet]") {
  const Alphabet dna(SequenceType::kDna);
  constexpr uint32_t a = 1, c = 2, g = 4, t = 8;
  CATCH_REQUIRE(dna.ambiguity('R') == (a | g));
  CATCH_REQUIRE(dna.ambiguity('y') == (c | t));
  CATCH_REQUIRE(dna.ambiguity('S') == (c | g));
  CATCH_REQUIRE(dna.ambiguity('W') == (a | t));
  CATCH_REQUIRE(dna.ambiguity('K') == (g | t));
  CATCH_REQUIRE(dna.ambiguity('M') == (a | c));
  CATCH_REQUIRE(dna.ambiguity('B') == (c | g | t));  // not A
  CATCH_REQUIRE(dna.ambiguity('D') == (a | g | t));  // not C
  CATCH_REQUIRE(dna.ambiguity('H') == (a | c | t));  // not G
  CATCH_REQUIRE(dna.ambiguity('V') == (a | c | g));  // not T
  CATCH_REQUIRE(dna.ambiguity('N') == (a | c | g | t));
  CATCH_REQUIRE(dna.ambiguity('A') == a);
  CATCH_REQUIRE(dna.ambiguity('U') == t);
  CATCH_REQUIRE(dna.ambiguity('-') == 0);
  const Alphabet protein(SequenceType::kProtein);
  CATCH_REQUIRE(std::popcount(protein.ambiguity('X')) == 20);
  CATCH_REQUIRE(protein.ambiguity('B') == ((1U << protein.id('D')) | (1U << protein.id('N'))));
}

CATCH_TEST_CASE("AAM tokens are A 1, C 2, G 3, T 4 and 0 for anything else", "[alphabet]") {
  for (int byte = 0; byte < 256; ++byte) {
    const char letter = static_cast<char>(byte);
    const size_t place = std::string("ACGTacgt").find(letter);
    CATCH_REQUIRE(aam_token(letter) ==
                  (place == std::string::npos ? 0 : static_cast<int64_t>(place % 4 + 1)));
  }
}

CATCH_TEST_CASE("An unknown name of a type or policy is quoted with the choices", "[alphabet]") {
  CATCH_REQUIRE(parse_sequence_type("rna") == SequenceType::kRna);
  CATCH_REQUIRE(parse_unknown_letter("iupac") == UnknownLetter::kIupac);
  CATCH_REQUIRE_THROWS_WITH(parse_sequence_type("dan"),
                            Catch::Contains("dna, rna or protein") && Catch::Contains("'dan'"));
  CATCH_REQUIRE_THROWS_AS(parse_unknown_letter("skip"), ArgumentError);
}
