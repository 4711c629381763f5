#include "deepbio/community/random_words.h"

#include "catch.h"

using namespace deepbio;
using deepbio::community::RandomWords;

CATCH_TEST_CASE("words are those of Philox blocks one after the other", "[random_words]") {
  for (const RandomWords::Key key :
       {RandomWords::Key{0, 0}, RandomWords::Key{0xA4093822, 0x299F31D0}}) {
    RandomWords words(key);
    for (uint32_t call = 0; call < 5; ++call) {
      const auto& made = words.next();
      for (uint32_t b = 0; b < 16; ++b) {
        const auto block = philox4x32_10({16 * call + b, 0, 0, 0}, key);
        for (uint32_t j = 0; j < 4; ++j) CATCH_REQUIRE(made[16 * j + b] == block[j]);
      }
    }
  }
}
