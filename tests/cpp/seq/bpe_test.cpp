#include "deepbio/seq/bpe.h"

#include <map>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"

using namespace deepbio;
using namespace deepbio::seq;

namespace {

struct Vocabulary {
  std::vector<std::string> tokens;
  std::vector<BpeMerge> merges;
};

int32_t add_token(Vocabulary& vocabulary, const std::string& text) {
  const auto found = std::find(vocabulary.tokens.begin(), vocabulary.tokens.end(), text);
  if (found != vocabulary.tokens.end())
    return static_cast<int32_t>(found - vocabulary.tokens.begin());
  vocabulary.tokens.push_back(text);
  return static_cast<int32_t>(vocabulary.tokens.size() - 1);
}

// Merges of random pairs of tokens, so that some tokens are made in two ways and some ranks come in
// no sensible order.
Vocabulary random_vocabulary(std::string_view letters, int num_merges, uint64_t seed) {
  CounterRandom random(seed, 0, 0, Purpose::kSimulate);
  Vocabulary out;
  for (const char letter : letters) add_token(out, std::string(1, letter));
  for (int i = 0; i < num_merges; ++i) {
    const auto left = static_cast<int32_t>(random.below(out.tokens.size()));
    const auto right = static_cast<int32_t>(random.below(out.tokens.size()));
    const std::string text =
        out.tokens[static_cast<size_t>(left)] + out.tokens[static_cast<size_t>(right)];
    if (text.size() > 12) continue;
    const int32_t result = add_token(out, text);
    out.merges.push_back({left, right, result});
  }
  // Shuffled: a pair may be joined before its parts are, as far as ranks go.
  if (seed % 3 == 0) {
    for (size_t i = out.merges.size(); i > 1; --i)
      std::swap(out.merges[i - 1], out.merges[random.below(i)]);
  }
  return out;
}

// The definition, step by step.
std::vector<int32_t> plain_bpe(const Vocabulary& vocabulary, std::string_view text) {
  std::map<std::pair<int32_t, int32_t>, std::pair<size_t, int32_t>> ranks;
  for (size_t rank = 0; rank < vocabulary.merges.size(); ++rank) {
    const BpeMerge& merge = vocabulary.merges[rank];
    ranks[{merge.left, merge.right}] = {rank, merge.result};
  }
  std::vector<int32_t> ids;
  for (const char letter : text) {
    ids.push_back(static_cast<int32_t>(
        std::find(vocabulary.tokens.begin(), vocabulary.tokens.end(), std::string(1, letter)) -
        vocabulary.tokens.begin()));
  }
  while (true) {
    size_t best = SIZE_MAX, place = 0;
    int32_t result = -1;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto found = ranks.find({ids[i], ids[i + 1]});
      if (found != ranks.end() && found->second.first < best) {
        best = found->second.first;
        place = i;
        result = found->second.second;
      }
    }
    if (best == SIZE_MAX) return ids;
    ids[place] = result;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

std::string random_text(std::string_view letters, size_t size, CounterRandom& random) {
  std::string out(size, ' ');
  for (char& letter : out) letter = letters[random.below(letters.size())];
  return out;
}

}  // namespace

CATCH_TEST_CASE(
    "BPE equals the definition on random merges, also with tokens that are made in two ways",
    "[bpe]") {
  int64_t wrong = 0;
  for (uint64_t seed = 1; seed <= 240; ++seed) {
    const std::string_view letters = seed % 2 ? "AC" : "ACGT";
    const Vocabulary vocabulary = random_vocabulary(letters, seed % 5 == 0 ? 5 : 60, seed);
    // Without the table of bits, with one for a few tokens, for all.
    const size_t most_columns = seed % 4 == 0   ? 0
                                : seed % 4 == 1 ? 9
                                                : BytePairEncoder::kMostColumns;
    const BytePairEncoder encoder(vocabulary.tokens, vocabulary.merges, most_columns);
    CounterRandom random(seed, 1, 0, Purpose::kSimulate);
    for (int i = 0; i < 40; ++i) {
      const std::string text = random_text(letters, random.below(60), random);
      std::vector<int32_t> ids;
      encoder.encode(text, ids);
      wrong += ids != plain_bpe(vocabulary, text);
    }
  }
  CATCH_REQUIRE(wrong == 0);
}

CATCH_TEST_CASE("BPE appends to what is there, and gives nothing for an empty text", "[bpe]") {
  const Vocabulary vocabulary{{"A", "C", "AC"}, {{0, 1, 2}}};
  const BytePairEncoder encoder(vocabulary.tokens, vocabulary.merges);
  std::vector<int32_t> ids{7};
  encoder.encode("", ids);
  encoder.encode("ACCA", ids);
  CATCH_REQUIRE(ids == std::vector<int32_t>{7, 2, 1, 0});
  CATCH_REQUIRE(encoder.has_symbol('A'));
  CATCH_REQUIRE_FALSE(encoder.has_symbol('N'));
}

CATCH_TEST_CASE("BPE takes runs of one letter and texts of a million letters in linear time",
                "[bpe]") {
  // AA, AAAA, ..: every way but one of the longest tokens is a dead end somewhere.
  Vocabulary vocabulary{{"A", "C", "AA", "AAA", "AAAA", "AAC"},
                        {{0, 0, 2}, {2, 0, 3}, {2, 2, 4}, {2, 1, 5}}};
  const BytePairEncoder encoder(vocabulary.tokens, vocabulary.merges);
  for (const std::string& text :
       {std::string(999, 'A') + "C", std::string(1000, 'A') + "C", std::string(301, 'A')}) {
    std::vector<int32_t> ids;
    encoder.encode(text, ids);
    CATCH_REQUIRE(ids == plain_bpe(vocabulary, text));
  }
  std::vector<int32_t> ids;
  encoder.encode(std::string(1'000'001, 'A') + "C", ids);
  size_t letters = 0;
  for (const int32_t id : ids) letters += vocabulary.tokens[static_cast<size_t>(id)].size();
  CATCH_REQUIRE(letters == 1'000'002);
}

CATCH_TEST_CASE("BPE refuses a byte that has no symbol", "[bpe]") {
  const Vocabulary vocabulary{{"A", "C", "AC"}, {{0, 1, 2}}};
  const BytePairEncoder encoder(vocabulary.tokens, vocabulary.merges);
  std::vector<int32_t> ids;
  CATCH_REQUIRE_THROWS_AS(encoder.encode("ACN", ids), ArgumentError);
}
