#include "deepbio/seq/kmer.h"

#include <torch/types.h>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::seq;

namespace {

KmerOptions kmers(int64_t k, UnknownLetter unknown = UnknownLetter::kError) {
  KmerOptions out;
  out.k = k;
  out.letters.unknown = unknown;
  return out;
}

}  // namespace

CATCH_TEST_CASE("Known answer: 3-mers of ACGTACGT", "[kmer]") {
  const std::vector<std::string_view> reads{"ACGTACGT", "", "AC"};
  const Encoded counts = encode_kmer_counts(reads, kmers(3));
  CATCH_REQUIRE(counts.values.sizes() == torch::IntArrayRef({3, 64}));
  CATCH_REQUIRE(counts.values.sum().item<float>() == 6);
  for (const auto& [id, count] :
       {std::pair{6, 2}, std::pair{27, 2}, std::pair{44, 1}, std::pair{49, 1}}) {
    CATCH_REQUIRE(counts.values[0][id].item<float>() == static_cast<float>(count));
  }
  const Encoded ids = encode_kmer_ids(reads, kmers(3));
  CATCH_REQUIRE(torch::equal(ids.values[0], torch::tensor({6, 27, 44, 49, 6, 27}, torch::kLong)));
  CATCH_REQUIRE((ids.values[1] == -1).all().item<bool>());
  CATCH_REQUIRE(torch::equal(ids.lengths, torch::tensor({8, 0, 2}, torch::kLong)));
}

CATCH_TEST_CASE("A window with an unknown letter is left out, refused or drawn, as the policy says",
                "[kmer]") {
  const std::vector<std::string_view> reads{"ACGNACG"};
  const Encoded ids = encode_kmer_ids(reads, kmers(3, UnknownLetter::kZero));
  CATCH_REQUIRE(torch::equal(ids.values[0], torch::tensor({6, -1, -1, -1, 6}, torch::kLong)));
  CATCH_REQUIRE(
      encode_kmer_counts(reads, kmers(3, UnknownLetter::kZero)).values.sum().item<float>() == 2);
  CATCH_REQUIRE(
      encode_kmer_counts(reads, kmers(3, UnknownLetter::kRandom)).values.sum().item<float>() == 5);
  CATCH_REQUIRE_THROWS_WITH(encode_kmer_ids(reads, kmers(3)),
                            "read 0, position 4: expected one of ACGT (dna), got 'N'");
}

CATCH_TEST_CASE("k out of range, canonical proteins and IUPAC fractions are refused", "[kmer]") {
  for (const int64_t k : {0, 13})
    CATCH_REQUIRE_THROWS_AS(encode_kmer_counts({}, kmers(k)), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(encode_kmer_ids({}, kmers(32)), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(encode_kmer_ids({}, kmers(3, UnknownLetter::kIupac)), ArgumentError);
  KmerOptions protein = kmers(2);
  protein.canonical = true;
  protein.letters.sequence_type = SequenceType::kProtein;
  CATCH_REQUIRE_THROWS_AS(encode_kmer_counts({}, protein), ArgumentError);
}
