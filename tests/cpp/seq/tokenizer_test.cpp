#include "deepbio/seq/tokenizer.h"

#include <torch/types.h>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/seq/tokenizer_presets.h"

using namespace deepbio;
using namespace deepbio::seq;

CATCH_TEST_CASE("Batches are cut, padded on their side, and masked", "[tokenizer]") {
  const Tokenizer tokenizer(tokenizer_preset("hyenadna"));
  const std::vector<std::string_view> texts{"ACGT", "A", ""};
  TokenizeOptions options;
  options.max_length = 4;
  const Tokenized out = tokenizer.encode_batch(texts, options);
  CATCH_REQUIRE(torch::equal(
      out.input_ids, torch::tensor({{7, 8, 9, 1}, {4, 4, 7, 1}, {4, 4, 4, 1}}, torch::kLong)));
  CATCH_REQUIRE(torch::equal(out.attention_mask, out.input_ids.ne(4).to(torch::kLong)));
  CATCH_REQUIRE(torch::equal(out.lengths, torch::tensor({4, 2, 1}, torch::kLong)));
  options.pad_to_multiple = 8;
  options.padding_side = Side::kRight;
  CATCH_REQUIRE(tokenizer.encode_batch(texts, options).input_ids.sizes() ==
                torch::IntArrayRef({3, 8}));
  options = {};
  options.pad_to = 3;
  CATCH_REQUIRE_THROWS_AS(tokenizer.encode_batch(texts, options), ArgumentError);
  CATCH_REQUIRE(tokenizer.encode_batch({}).input_ids.sizes() == torch::IntArrayRef({0, 0}));
}

CATCH_TEST_CASE("Many texts come in their order for any number of threads", "[tokenizer]") {
  const Tokenizer tokenizer(tokenizer_preset("dnabert-3"));
  std::vector<std::string> texts;
  for (int i = 0; i < 500; ++i)
    texts.push_back(std::string(static_cast<size_t>(i % 37), "ACGT"[i % 4]));
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const Tokenized out = tokenizer.encode_batch(views);
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::vector<int32_t> alone = tokenizer.encode(texts[i]);
    const auto row =
        out.input_ids[static_cast<int64_t>(i)].narrow(0, 0, static_cast<int64_t>(alone.size()));
    CATCH_REQUIRE(torch::equal(row, torch::tensor(alone).to(torch::kLong)));
  }
}

CATCH_TEST_CASE("Ids decode to their text, and ids that do not exist are refused", "[tokenizer]") {
  const Tokenizer tokenizer(tokenizer_preset("dnabert-4"));
  const std::vector<int32_t> ids = tokenizer.encode("ACGTTGCA");
  const std::vector<int64_t> wide(ids.begin(), ids.end());
  CATCH_REQUIRE(tokenizer.decode(wide, true) == "ACGTTGCA");
  CATCH_REQUIRE(tokenizer.decode(wide) == "[CLS]ACGTTGCA[SEP]");
  CATCH_REQUIRE_THROWS_AS(tokenizer.token(261), ArgumentError);
  TokenizeOptions options;
  options.max_length = 1;
  CATCH_REQUIRE_THROWS_AS(tokenizer.encode("ACGT", options), ArgumentError);
}
