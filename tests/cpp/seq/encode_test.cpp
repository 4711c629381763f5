#include "deepbio/seq/encode.h"

#include <torch/types.h>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"

using namespace deepbio;
using namespace deepbio::seq;

namespace {

std::vector<std::string> random_reads(int64_t count, std::string_view letters, int64_t longest) {
  CounterRandom random(11, 0, 0, Purpose::kSimulate);
  std::vector<std::string> out;
  for (int64_t i = 0; i < count; ++i) {
    std::string read(random.below(static_cast<uint64_t>(longest) + 1), ' ');
    for (char& letter : read) letter = letters[random.below(letters.size())];
    out.push_back(read);
  }
  return out;
}

std::vector<std::string_view> views(const std::vector<std::string>& reads) {
  return {reads.begin(), reads.end()};
}

// The definition, cell by cell, from the alphabet written out.
float plain_one_hot(const std::string& read, size_t position, size_t column,
                    const std::string& letters) {
  if (position >= read.size()) return 0;
  const char upper = static_cast<char>(std::toupper(read[position]));
  const char letter = upper == 'U' && letters == "ACGT" ? 'T' : upper;
  return letters[column] == letter ? 1 : 0;
}

}  // namespace

CATCH_TEST_CASE("One-hot equals the definition cell by cell on random reads with unknown letters",
                "[encode]") {
  for (const auto& [type, letters] :
       {std::pair{SequenceType::kDna, std::string("ACGT")},
        std::pair{SequenceType::kProtein, std::string("ACDEFGHIKLMNPQRSTVWY")}}) {
    const auto reads = random_reads(150, letters + "acgtNU-*", 40);
    EncodeOptions options;
    options.sequence_type = type;
    const Encoded encoded = encode_one_hot(views(reads), options);
    CATCH_REQUIRE(encoded.values.scalar_type() == torch::kFloat);
    CATCH_REQUIRE(encoded.values.is_contiguous());
    const auto cells = encoded.values.accessor<float, 3>();
    int64_t wrong = 0;
    for (size_t b = 0; b < reads.size(); ++b) {
      CATCH_REQUIRE(encoded.lengths[static_cast<int64_t>(b)].item<int64_t>() ==
                    static_cast<int64_t>(reads[b].size()));
      for (int64_t l = 0; l < cells.size(1); ++l) {
        for (int64_t a = 0; a < cells.size(2); ++a) {
          wrong += cells[static_cast<int64_t>(b)][l][a] !=
                   plain_one_hot(reads[b], static_cast<size_t>(l), static_cast<size_t>(a), letters);
        }
      }
    }
    CATCH_REQUIRE(wrong == 0);
    options.channels_first = true;
    CATCH_REQUIRE(
        torch::equal(encode_one_hot(views(reads), options).values.transpose(1, 2), encoded.values));
  }
}

CATCH_TEST_CASE("Integers are the column of the one in the one-hot, -1 where there is none",
                "[encode]") {
  const auto reads = random_reads(150, "ACGTacgtN-", 30);
  const Encoded one_hot = encode_one_hot(views(reads));
  const Encoded integers = encode_integers(views(reads));
  const torch::Tensor expected =
      torch::where(one_hot.values.sum(2) == 1, one_hot.values.argmax(2), -1);
  CATCH_REQUIRE(integers.values.scalar_type() == torch::kLong);
  CATCH_REQUIRE(torch::equal(integers.values, expected));
  CATCH_REQUIRE(torch::equal(integers.lengths, one_hot.lengths));
}

CATCH_TEST_CASE("Known answers: ACGT is 0 1 2 3, reads of lengths 2, 3, 1 make a 3 x 3 x 4 batch",
                "[encode]") {
  const std::vector<std::string_view> acgt{"ACGT"};
  CATCH_REQUIRE(
      torch::equal(encode_integers(acgt).values, torch::tensor({{0, 1, 2, 3}}, torch::kLong)));
  CATCH_REQUIRE(torch::equal(encode_one_hot(acgt).values[0], torch::eye(4)));
  const std::vector<std::string_view> three{"AC", "GTA", "C"};
  const Encoded encoded = encode_one_hot(three);
  CATCH_REQUIRE(encoded.values.sizes() == torch::IntArrayRef({3, 3, 4}));
  CATCH_REQUIRE(torch::equal(encoded.lengths, torch::tensor({2, 3, 1}, torch::kLong)));
  const std::vector<std::string_view> eleven{"ACNGTNNACGT"};  // 3 of 11 letters are unknown
  CATCH_REQUIRE(encode_one_hot(eleven).values.sum().item<float>() == 8);
  CATCH_REQUIRE((encode_integers(eleven).values == -1).sum().item<int64_t>() == 3);
}

CATCH_TEST_CASE("No reads and empty reads encode to empty tensors", "[encode]") {
  CATCH_REQUIRE(encode_one_hot({}).values.sizes() == torch::IntArrayRef({0, 0, 4}));
  CATCH_REQUIRE(encode_integers({}).values.sizes() == torch::IntArrayRef({0, 0}));
  CATCH_REQUIRE(encode_aam_tokens({}).values.sizes() == torch::IntArrayRef({0, 1}));
  const std::vector<std::string_view> empty{""};
  CATCH_REQUIRE(encode_one_hot(empty).values.sizes() == torch::IntArrayRef({1, 0, 4}));
  CATCH_REQUIRE(torch::equal(encode_aam_tokens(empty).values, torch::tensor({{5}}, torch::kLong)));
}

CATCH_TEST_CASE(
    "A letter outside the alphabet is refused with letter, 1-based position, read and expected set",
    "[encode]") {
  EncodeOptions options;
  options.unknown = UnknownLetter::kError;
  std::vector<std::string> reads(300, "ACGT");
  reads[200] = "ACNT";
  reads[290] = "XXXX";  // a later one is never the one reported
  const auto expected = Catch::Equals("read 200, position 3: expected one of ACGT (dna), got 'N'");
  CATCH_REQUIRE_THROWS_WITH(encode_one_hot(views(reads), options), expected);
  CATCH_REQUIRE_THROWS_WITH(encode_integers(views(reads), options), expected);
  options.max_length =
      2;  // what is cut off is not looked at; the second bad read is bad from its start
  CATCH_REQUIRE_THROWS_WITH(encode_integers(views(reads), options),
                            Catch::Contains("read 290, position 1"));
}

CATCH_TEST_CASE(
    "A random letter depends on seed, epoch and record, not on the batch around the read",
    "[encode]") {
  const std::vector<std::string_view> reads{"NNNNNNNNNNNNNNNNNNNNNNNN", "ACGTNNNNNNNNNNNNNNNNNNNN"};
  const std::vector<std::string_view> second{reads[1]};
  const std::vector<int64_t> record{1};
  EncodeOptions options;
  options.unknown = UnknownLetter::kRandom;
  options.seed = 5;
  const torch::Tensor both = encode_integers(reads, options).values;
  CATCH_REQUIRE(both.min().item<int64_t>() >= 0);
  CATCH_REQUIRE(torch::equal(both[1].slice(0, 0, 4), torch::tensor({0, 1, 2, 3}, torch::kLong)));
  CATCH_REQUIRE_FALSE(torch::equal(both[0].slice(0, 0, 20),
                                   both[1].slice(0, 4)));  // not the same stream in each read
  CATCH_REQUIRE(torch::equal(encode_one_hot(reads, options).values.argmax(2), both));
  options.record_indices = record;
  CATCH_REQUIRE(torch::equal(encode_integers(second, options).values[0], both[1]));
  options.epoch = 1;
  CATCH_REQUIRE_FALSE(torch::equal(encode_integers(second, options).values[0], both[1]));
  options.record_indices = {};
  CounterRandom stream(5, 1, 0, Purpose::kUnknownLetter);
  CATCH_REQUIRE(encode_integers(reads, options).values[0][0].item<int64_t>() ==
                static_cast<int64_t>(stream.below(4)));
}

CATCH_TEST_CASE("Ambiguity codes become equal fractions and only one-hot takes them", "[encode]") {
  EncodeOptions options;
  options.unknown = UnknownLetter::kIupac;
  const std::vector<std::string_view> reads{"ANrB-"};
  const float third = 1.0F / 3;
  const torch::Tensor expected =
      torch::tensor({1.F, 0.F, 0.F, 0.F,   .25F,  .25F,  .25F, .25F, .5F, 0.F,
                     .5F, 0.F, 0.F, third, third, third, 0.F,  0.F,  0.F, 0.F});
  CATCH_REQUIRE(torch::equal(encode_one_hot(reads, options).values.flatten(), expected));
  CATCH_REQUIRE_THROWS_AS(encode_integers(reads, options), ArgumentError);
}

CATCH_TEST_CASE("pad_to fixes the width, max_length cuts tails, a read over pad_to is refused",
                "[encode]") {
  const std::vector<std::string_view> reads{"ACGTACGT", "AC"};
  EncodeOptions options;
  options.pad_to = 10;
  CATCH_REQUIRE(encode_one_hot(reads, options).values.size(1) == 10);
  options.pad_to = 5;
  CATCH_REQUIRE_THROWS_WITH(encode_integers(reads, options),
                            Catch::Contains("read 0 has 8 letters, pad_to is 5"));
  options.max_length = 3;
  const Encoded cut = encode_integers(reads, options);
  CATCH_REQUIRE(torch::equal(cut.values,
                             torch::tensor({{0, 1, 2, -1, -1}, {0, 1, -1, -1, -1}}, torch::kLong)));
  CATCH_REQUIRE(torch::equal(cut.lengths, torch::tensor({3, 2}, torch::kLong)));
}

CATCH_TEST_CASE("AAM tokens start with 5, keep max_bp bases and hide other letters as 0",
                "[encode]") {
  const std::vector<std::string_view> reads{"ACGTNacgt", "A"};
  const Encoded whole = encode_aam_tokens(reads);
  CATCH_REQUIRE(torch::equal(
      whole.values, torch::tensor({{5, 1, 2, 3, 4, 0, 1, 2, 3, 4}, {5, 1, 0, 0, 0, 0, 0, 0, 0, 0}},
                                  torch::kLong)));
  CATCH_REQUIRE(torch::equal(whole.lengths, torch::tensor({10, 2}, torch::kLong)));
  CATCH_REQUIRE(torch::equal(encode_aam_tokens(reads, 2).values,
                             torch::tensor({{5, 1, 2}, {5, 1, 0}}, torch::kLong)));
  CATCH_REQUIRE_THROWS_AS(encode_aam_tokens(reads, 0), ArgumentError);
}

CATCH_TEST_CASE("Qualities are the byte minus 33, padded with 0", "[encode]") {
  const std::vector<std::string_view> qualities{"!I~", "5"};
  CATCH_REQUIRE(torch::equal(encode_quality(qualities, 4),
                             torch::tensor({{0.F, 40.F, 93.F, 0.F}, {20.F, 0.F, 0.F, 0.F}})));
  CATCH_REQUIRE(torch::equal(encode_quality(qualities, 1), torch::tensor({{0.F}, {20.F}})));
}

CATCH_TEST_CASE("The reverse complement of IUPAC codes keeps case and is its own inverse",
                "[encode]") {
  CATCH_REQUIRE(reverse_complement("AACgtRYKMBDHVNSW-") == "-WSNBDHVKMRYacGTT");
  CATCH_REQUIRE(reverse_complement("ACGU", SequenceType::kRna) == "ACGU");
  CATCH_REQUIRE(reverse_complement("AAU", SequenceType::kRna) == "AUU");
  for (const auto& read : random_reads(20, "ACGTacgtRYSWKMBDHVN-", 50)) {
    CATCH_REQUIRE(reverse_complement(reverse_complement(read)) == read);
  }
  CATCH_REQUIRE_THROWS_AS(reverse_complement("ACD", SequenceType::kProtein), ArgumentError);
}
