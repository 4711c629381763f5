#include "deepbio/io/reads/letters.h"

#include <cctype>
#include <string>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

CATCH_TEST_CASE(
    "the first foreign letter is found, and only letters of the alphabet pass in either case",
    "[letters]") {
  for (const Letters letters : {Letters::kDna, Letters::kRna, Letters::kIupac, Letters::kProtein}) {
    const std::string good(allowed(letters));
    for (int byte = 1; byte < 256; ++byte) {
      const char letter = static_cast<char>(byte);
      const bool is_good = good.find(static_cast<char>(std::toupper(byte))) != std::string::npos;
      CATCH_CAPTURE(to_string(letters), byte);
      CATCH_REQUIRE(find_foreign_letter(good + letter + good + letter, letters) ==
                    (is_good ? std::string::npos : good.size()));
    }
  }
  CATCH_REQUIRE(find_foreign_letter("anything", Letters::kAny) == std::string_view::npos);
  CATCH_REQUIRE(find_foreign_letter("", Letters::kDna) == std::string_view::npos);
}

CATCH_TEST_CASE("alphabets go by name", "[letters]") {
  for (const Letters letters :
       {Letters::kAny, Letters::kDna, Letters::kRna, Letters::kIupac, Letters::kProtein}) {
    CATCH_REQUIRE(parse_letters(to_string(letters)) == letters);
  }
  CATCH_REQUIRE_THROWS_AS(parse_letters("xna"), ArgumentError);
}
