#include "deepbio/data/read_encoder.h"

#include <torch/torch.h>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/seq/tokenizer_presets.h"

using namespace deepbio;
using namespace deepbio::data;

CATCH_TEST_CASE("A k-mer encoder fills sequences, and random letters go by record and epoch", "[read_encoder]") {
  seq::KmerOptions options;
  options.k = 2;
  options.letters.unknown = seq::UnknownLetter::kRandom;
  const auto encoder = make_kmer_encoder(parse_kmer_output("ids"), options);
  const std::string read(200, 'N');
  const std::vector<std::string_view> reads{read, read};
  ReadBatch batch, other, later;
  encoder->fill(reads, std::vector<int64_t>{4, 9}, 0, batch);
  encoder->fill(reads, std::vector<int64_t>{9, 4}, 0, other);
  encoder->fill(reads, std::vector<int64_t>{4, 9}, 1, later);
  CATCH_REQUIRE(torch::equal(batch.sequences, other.sequences.flip(0)));
  CATCH_REQUIRE_FALSE(torch::equal(batch.sequences, later.sequences));
  CATCH_REQUIRE(torch::equal(batch.lengths, torch::tensor({200, 200}, torch::kLong)));
  CATCH_REQUIRE_THROWS_AS(parse_kmer_output("table"), ArgumentError);
}

CATCH_TEST_CASE("A token encoder fills input_ids, the mask and the letters of each read", "[read_encoder]") {
  const auto tokenizer = std::make_shared<const seq::Tokenizer>(seq::tokenizer_preset("deepbio-dna"));
  ReadBatch batch;
  make_token_encoder(tokenizer, {})
      ->fill(std::vector<std::string_view>{"ACG", "T"}, std::vector<int64_t>{0, 1}, 0, batch);
  CATCH_REQUIRE(torch::equal(batch.input_ids, torch::tensor({{1, 5, 6, 7, 2}, {1, 8, 2, 0, 0}}, torch::kLong)));
  CATCH_REQUIRE(torch::equal(batch.attention_mask, torch::tensor({{1, 1, 1, 1, 1}, {1, 1, 1, 0, 0}}, torch::kLong)));
  CATCH_REQUIRE(torch::equal(batch.lengths, torch::tensor({3, 1}, torch::kLong)));
  CATCH_REQUIRE_FALSE(batch.sequences.defined());
}
