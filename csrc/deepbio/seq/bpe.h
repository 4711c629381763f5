// Byte-pair encoding by a ranked list of merges, in time linear in the text.
//
// The definition: start with one symbol per byte; while a neighbouring pair has a merge, join the
// pair of the best rank, the leftmost of several. A row of tokens is what this gives for a text
// exactly when each token is what its own text gives, and each two neighbours are what their joined
// text gives: the first join across a border would be made in the two neighbours alone too. So the
// text is covered from the left, longest token first, by tokens that may be neighbours; where none
// fits, one step back, and no place is tried twice. Whether two tokens may be neighbours is read
// from how the last symbol of the left one and the first symbol of the right one grow while their
// texts are joined (edges_): a few look-ups of a pair's rank. For the shortest tokens, which are
// most of a text, a table of bits has the answer. Any list of merges is taken, also one that makes
// a token in two ways. Immutable; threads share it. source: the definition is Sennrich, Haddow,
// Birch 2016 ("Neural machine translation of rare words with subword units"), the order of equal
// ranks that of Hugging Face tokenizers.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace deepbio::seq {

struct BpeMerge {
  int32_t left, right, result;  // token ids
};

class BytePairEncoder {
 public:
  // tokens: the bytes of each id, "" where an id is not text. merges: best rank first; the bytes of
  // `result` are those of `left` and `right` joined. most_columns: how many of the tokens, the
  // shortest first, the table of bits is made for.
  BytePairEncoder(std::vector<std::string> tokens, std::span<const BpeMerge> merges,
                  size_t most_columns = kMostColumns);
  static constexpr size_t kMostColumns = 8192;  // 8 MiB
  bool has_symbol(char byte) const { return symbols_[static_cast<unsigned char>(byte)] >= 0; }
  bool has_symbols(std::string_view text) const;  // of every byte
  // Appends the ids of a text all of whose bytes have a symbol.
  //   complexity  O(n), times the number of tokens that begin alike
  void encode(std::string_view text, std::vector<int32_t>& ids) const;

 private:
  // While its own text is joined, a token's edge symbol stays the same from one change to the next.
  struct EdgeStay {
    int32_t symbol;
    uint32_t end;        // rank by which it has changed, kNever when it stays for good
    uint32_t threshold;  // a pair with the other side is joined first when its rank is below this
    // 64 bits in place of a set: of a last symbol, the symbols it joins with on its right; of a
    // first symbol, itself.
    uint64_t partners;
  };
  struct Side {
    uint32_t column;     // of the token in the table
    int64_t begin, end;  // as EdgeStay's end: ranks between which the symbol is at the edge; -1
                         // from the start
    uint32_t threshold;
  };
  struct Span {
    uint32_t begin, end;
  };
  struct PairRank {
    uint64_t pair;
    uint32_t rank;
    int32_t result;
  };

  const PairRank* find_pair(int32_t left, int32_t right) const;
  void add_pairs(std::span<const BpeMerge> merges);
  bool trace(int32_t token);
  void add_to_trie(int32_t token);
  bool stand_together(int32_t left, int32_t right) const;
  void add_jumps();
  void add_table(std::span<const int32_t> tokens);
  bool may_follow(int32_t left, int32_t right) const;
  int32_t longest_at(std::string_view text, size_t place) const;
  int32_t longest_acgt(std::string_view text, size_t place) const;
  template <bool kIsAcgt>
  void cover(std::string_view text, std::vector<int32_t>& ids) const;

  std::vector<std::string> tokens_;
  std::array<int32_t, 256> symbols_;
  std::vector<PairRank> pairs_;  // open addressing
  uint64_t pair_mask_ = 0;
  int pair_shift_ = 0;
  std::vector<uint64_t> partners_;  // of each symbol, as in EdgeStay
  std::vector<EdgeStay> edges_;
  std::vector<Span> first_, last_;  // of each token: stays of its first and of its last symbol
  struct Token {
    int32_t shorter = -1;  // the longest token that it begins with; -1: none
    int32_t length = 0;    // bytes
    uint32_t column = kNoColumn;
  };
  static constexpr uint32_t kNoColumn = 0xFFFFFFFF;
  std::vector<Token> known_;        // of each token
  std::vector<uint64_t> together_;  // bit [column of left, column of right]: they stand each other
  size_t row_words_ = 0;
  std::array<uint8_t, 256> column_;  // of each byte in the trie
  size_t num_columns_ = 0;
  std::vector<int32_t> children_,
      token_at_;  // trie: [node, column] -> node (0: none); token that ends here (-1: none)
  struct Jump {
    int32_t node, token;
  };
  // Where six letters of ACGT lead in the trie, and the longest token on the way.
  std::vector<Jump> jumps_;
};

}  // namespace deepbio::seq
