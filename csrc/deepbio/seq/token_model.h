// Models of a tokenizer: a piece of text to token ids, each by its own rule. Immutable; threads
// share them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "deepbio/seq/bpe.h"

namespace deepbio::seq {

using LetterIds = std::array<int32_t, 256>;  // id of each byte

class TokenModel {
 public:
  virtual ~TokenModel();
  // Appends the ids of a piece.
  virtual void append(std::string_view piece, std::vector<int32_t>& ids) const = 0;
};

// A token per letter.
std::unique_ptr<TokenModel> make_letter_model(const LetterIds& ids);

struct KmerTokens {
  int64_t k = 6;                 // 1 to 8
  std::string letters = "ACGT";  // in the order that numbers the k-mers
  int32_t first_id = 0;          // of the k-mer that is all letters[0]
  int32_t unknown_id = 0;        // of a k-mer with another letter
  bool fold_case = false;        // lower case reads as upper case
  // false: a k-mer at every letter. true: k-mers side by side; `apart` cuts the text and is a token
  // itself, and what is left over before it and at the end becomes single letters.
  bool side_by_side = false;
  char apart = 'N';
  LetterIds single{};  // ids of single letters, side by side only
};
// throws  ArgumentError: k, letters
std::unique_ptr<TokenModel> make_kmer_model(const KmerTokens& options);

struct BpeTokens {
  std::vector<std::string> tokens;  // bytes by id, "" where an id is not text
  std::vector<BpeMerge> merges;     // best rank first
  int32_t unknown_id = -1;          // of a byte without a symbol; -1 leaves it out
  bool fuses_unknown = false;       // a run of unknown bytes is one token
};
// Byte-pair encoding (bpe.h); unknown bytes part the text, unless they are left out.
std::unique_ptr<TokenModel> make_bpe_model(BpeTokens options);

struct WordTokens {
  std::unordered_map<std::string, int32_t> ids;
  int32_t unknown_id = -1;  // -1 leaves an unknown word out
  // Cuts a word into the longest known pieces; those after the first are written with the prefix.
  bool in_pieces = false;
  std::string prefix = "##";
  size_t most_letters = 100;  // longer words are unknown
};
// Whole words (WordLevel), or with in_pieces the longest known pieces from the left (WordPiece).
std::unique_ptr<TokenModel> make_word_model(WordTokens options);

}  // namespace deepbio::seq
