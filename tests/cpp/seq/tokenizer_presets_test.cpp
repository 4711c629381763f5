#include "deepbio/seq/tokenizer_presets.h"

#include <set>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::seq;

CATCH_TEST_CASE("Every preset has distinct tokens and special ids that exist",
                "[tokenizer_presets]") {
  for (const std::string& name : preset_names()) {
    CATCH_INFO(name);
    const TokenizerParts parts = tokenizer_preset(name);
    CATCH_REQUIRE(std::set<std::string>(parts.tokens.begin(), parts.tokens.end()).size() ==
                  parts.tokens.size());
    const SpecialIds& special = parts.special;
    CATCH_REQUIRE(special.pad >= 0);
    for (const int32_t id : {special.pad, special.unk, special.cls, special.sep, special.mask,
                             special.bos, special.eos}) {
      CATCH_REQUIRE(id < static_cast<int32_t>(parts.tokens.size()));
    }
  }
}

CATCH_TEST_CASE("Sizes of published vocabularies", "[tokenizer_presets]") {
  CATCH_REQUIRE(tokenizer_preset("dnabert-3").tokens.size() == 69);
  CATCH_REQUIRE(tokenizer_preset("dnabert-6").tokens.size() == 4101);
  CATCH_REQUIRE(tokenizer_preset("nucleotide-transformer-v1").tokens.size() == 4107);
  CATCH_REQUIRE(tokenizer_preset("esm2").tokens.size() == 33);
}

CATCH_TEST_CASE("Trained vocabularies and unknown names are refused in words that help",
                "[tokenizer_presets]") {
  CATCH_REQUIRE_THROWS_WITH(tokenizer_preset("DNABERT-2"), Catch::Contains("download"));
  CATCH_REQUIRE_THROWS_WITH(tokenizer_preset("esm3"), Catch::Contains("did you mean esm2"));
}
