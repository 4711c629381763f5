#include "deepbio/data/encoder.h"

#include <torch/types.h>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/seq/tokenizer_presets.h"

using namespace deepbio;
using namespace deepbio::data;

CATCH_TEST_CASE("A k-mer encoder fills sequences, and random letters go by record and epoch",
                "[encoder]") {
  seq::KmerOptions options;
  options.k = 2;
  options.letters.unknown = seq::UnknownLetter::kRandom;
  const auto encoder = make_kmer_encoder(parse_kmer_output("ids"), options);
  const std::string read(200, 'N');
  const std::vector<std::string_view> reads{read, read};
  const std::vector<int64_t> there{4, 9}, back{9, 4};
  ReadBatch batch, other, later;
  encoder->fill({reads, {}, there, 0}, batch);
  encoder->fill({reads, {}, back, 0}, other);
  encoder->fill({reads, {}, there, 1}, later);
  CATCH_REQUIRE(torch::equal(batch.sequences, other.sequences.flip(0)));
  CATCH_REQUIRE_FALSE(torch::equal(batch.sequences, later.sequences));
  CATCH_REQUIRE(torch::equal(batch.lengths, torch::tensor({200, 200}, torch::kLong)));
  CATCH_REQUIRE_THROWS_AS(parse_kmer_output("table"), ArgumentError);
}

CATCH_TEST_CASE("A token encoder fills input_ids, the mask and the letters of each read",
                "[encoder]") {
  const auto tokenizer =
      std::make_shared<const seq::Tokenizer>(seq::tokenizer_preset("deepbio-dna"));
  const std::vector<std::string_view> reads{"ACG", "T"};
  const std::vector<int64_t> records{0, 1};
  ReadBatch batch;
  make_token_encoder(tokenizer, {})->fill({reads, {}, records, 0}, batch);
  CATCH_REQUIRE(torch::equal(batch.input_ids,
                             torch::tensor({{1, 5, 6, 7, 2}, {1, 8, 2, 0, 0}}, torch::kLong)));
  CATCH_REQUIRE(torch::equal(batch.attention_mask,
                             torch::tensor({{1, 1, 1, 1, 1}, {1, 1, 1, 0, 0}}, torch::kLong)));
  CATCH_REQUIRE(torch::equal(batch.lengths, torch::tensor({3, 1}, torch::kLong)));
  CATCH_REQUIRE_FALSE(batch.sequences.defined());
}

namespace {

ReadBatch encoded(const EncoderOptions& options, std::vector<std::string_view> reads) {
  std::vector<int64_t> records(reads.size());
  for (size_t i = 0; i < records.size(); ++i) records[i] = static_cast<int64_t>(i);
  ReadBatch out;
  make_encoder(options)->fill({reads, {}, records, 0}, out);
  return out;
}

EncoderOptions of_kind(const EncoderKind& kind) {
  EncoderOptions options;
  options.encoding = kind.encoding;
  if (options.encoding == "kmer") options.k = 2;
  if (kind.takes_tokenizer) options.tokenizer = "deepbio-dna";
  return options;
}

}  // namespace

CATCH_TEST_CASE(
    "Every registered encoder gives a row and a length for each read, of the bytes it says",
    "[encoder]") {
  for (const EncoderKind& kind : encoder_kinds()) {
    const EncoderOptions options = of_kind(kind);
    const ReadBatch batch = encoded(options, {"ACGTA", "CC"});
    const at::Tensor& values = batch.sequences.defined() ? batch.sequences : batch.input_ids;
    CATCH_INFO(kind.encoding << " " << kind.takes_tokenizer);
    CATCH_CHECK(values.size(0) == 2);
    CATCH_CHECK(torch::equal(batch.lengths, torch::tensor({5, 2}, torch::kLong)));
    CATCH_CHECK(batch.attention_mask.defined() == (options.encoding == "tokens"));
    const int64_t mask_bytes = batch.attention_mask.defined() ? batch.attention_mask.nbytes() : 0;
    CATCH_CHECK(static_cast<int64_t>(values.nbytes()) + mask_bytes <=
                2 * make_encoder(options)->row_bytes(5));
  }
}

CATCH_TEST_CASE("What only k-mers have is refused for other encodings", "[encoder]") {
  for (const EncoderKind& kind : encoder_kinds()) {
    EncoderOptions options = of_kind(kind);
    if (options.encoding == "kmer") continue;
    options.k = 2;
    CATCH_CHECK_THROWS_WITH(make_encoder(options), Catch::Contains("`k`: has no effect"));
    options = of_kind(kind);
    options.canonical = true;
    CATCH_CHECK_THROWS_WITH(make_encoder(options), Catch::Contains("`canonical`: has no effect"));
  }
}

CATCH_TEST_CASE("A read in a batch of longer ones is padded with what its encoder says",
                "[encoder]") {
  for (const EncoderKind& kind : encoder_kinds()) {
    const EncoderOptions options = of_kind(kind);
    if (options.encoding == "onehot" || options.encoding == "kmer")
      continue;  // no single value, no padding
    const ReadBatch batch = encoded(options, {"ACGTA", "C"});
    const at::Tensor& values = batch.sequences.defined() ? batch.sequences : batch.input_ids;
    CATCH_CHECK(values[1][-1].item<int64_t>() == make_encoder(options)->padding());
  }
}

CATCH_TEST_CASE(
    "What an encoder has no use for is refused, and a misspelt one gets the nearest name",
    "[encoder]") {
  EncoderOptions options;
  options.tokenizer = "dnabert-6";
  CATCH_CHECK_THROWS_WITH(make_encoder(options),
                          "`tokenizer`: expected `encoding=tokens`, got `encoding=onehot`");
  options.encoding = "tokens";
  options.unknown = "zero";
  CATCH_CHECK_THROWS_WITH(make_encoder(options), Catch::Contains("a tokenizer has its own token"));
  options = {};
  options.encoding = "tokens";
  options.sequence_type = "protein";
  CATCH_CHECK_THROWS_WITH(make_encoder(options), Catch::Contains("AAM's vocabulary is for DNA"));
  options = {};
  options.encoding = "one-hot";
  CATCH_CHECK_THROWS_WITH(make_encoder(options), Catch::Contains("did you mean onehot?"));
}

CATCH_TEST_CASE(
    "Integers and k-mers refuse unknown letters unless told otherwise, one-hot letters do not",
    "[encoder]") {
  EncoderOptions options;
  CATCH_CHECK(options.letters().unknown == seq::UnknownLetter::kZero);
  options.encoding = "integer";
  CATCH_CHECK(options.letters().unknown == seq::UnknownLetter::kError);
  options.unknown = "random";
  CATCH_CHECK(options.letters().unknown == seq::UnknownLetter::kRandom);
}
