#include "deepbio/seq/token_model.h"

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::seq;

namespace {

std::vector<int32_t> ids_of(const TokenModel& model, std::string_view text) {
  std::vector<int32_t> out;
  model.append(text, out);
  return out;
}
using Ids = std::vector<int32_t>;

}  // namespace

CATCH_TEST_CASE(
    "k-mers at every letter, also across blocks, and unknown where another letter stands",
    "[token_model]") {
  KmerTokens options;
  options.k = 2;
  options.letters = "ATCG";
  options.first_id = 5;
  options.unknown_id = 1;
  const auto model = make_kmer_model(options);
  CATCH_REQUIRE(ids_of(*model, "ATNAG") == Ids{6, 1, 1, 8});
  CATCH_REQUIRE(ids_of(*model, "A").empty());
  const Ids many = ids_of(*model, std::string(5000, 'T') + "N");
  CATCH_REQUIRE(many.size() == 5000);
  CATCH_REQUIRE(std::count(many.begin(), many.end(), 10) == 4999);
  CATCH_REQUIRE(many.back() == 1);
  options.k = 9;
  CATCH_REQUIRE_THROWS_AS(make_kmer_model(options), ArgumentError);
}

CATCH_TEST_CASE("k-mers side by side are cut at N and leave single letters over", "[token_model]") {
  KmerTokens options;
  options.k = 2;
  options.first_id = 10;
  options.side_by_side = true;
  options.single.fill(0);
  options.single['A'] = 1;
  options.single['N'] = 2;
  const auto model = make_kmer_model(options);
  CATCH_REQUIRE(ids_of(*model, "ACANNAR") == Ids{11, 1, 2, 2, 0});
}

CATCH_TEST_CASE("BPE takes unknown bytes one by one, fused, or not at all", "[token_model]") {
  BpeTokens bpe{{"A", "C", "AC", "?"}, {{0, 1, 2}}, 3, false};
  CATCH_REQUIRE(ids_of(*make_bpe_model(bpe), "ACxyA") == Ids{2, 3, 3, 0});
  bpe.fuses_unknown = true;
  CATCH_REQUIRE(ids_of(*make_bpe_model(bpe), "xACxyA") == Ids{3, 2, 3, 0});
  bpe.unknown_id = -1;
  CATCH_REQUIRE(ids_of(*make_bpe_model(bpe), "AxC") == Ids{2});
}

CATCH_TEST_CASE("Words are whole, or cut into the longest pieces", "[token_model]") {
  WordTokens words;
  words.ids = {{"AC", 0}, {"##G", 1}, {"A", 2}};
  words.unknown_id = 9;
  CATCH_REQUIRE(ids_of(*make_word_model(words), "ACG") == Ids{9});
  words.in_pieces = true;
  CATCH_REQUIRE(ids_of(*make_word_model(words), "ACG") == Ids{0, 1});
  CATCH_REQUIRE(ids_of(*make_word_model(words), "ACT") == Ids{9});
}
