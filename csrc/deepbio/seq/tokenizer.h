// Tokenizers of language models: texts to ids with special tokens, cut and padded, and back.
//
// A text goes through: added tokens stand for themselves; normalizer; pre-tokenizer; model; special
// tokens around. The ids are those of the tokenizer that the file or preset describes. Immutable;
// threads share one. Masks: 1 = real.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "deepbio/seq/text_rules.h"
#include "deepbio/seq/token_model.h"

namespace deepbio::seq {

enum class Side { kLeft, kRight };
Side parse_side(std::string_view name);  // "left", "right"
std::string_view to_string(Side side);

// How tokens become text again.
enum class Joining { kNothing, kSpaces, kByteLevel, kWordPieces, kOverlap };

struct AddedToken {
  std::string content;
  int32_t id = -1;
  bool is_special = true;
  bool is_normalized = false;                      // looked for after the normalizer, not before
  bool strips_left = false, strips_right = false;  // takes the spaces beside it
};

// Roles of special tokens, -1 where there is none.
struct SpecialIds {
  int32_t pad = -1, unk = -1, cls = -1, sep = -1, mask = -1, bos = -1, eos = -1;
};

// What a tokenizer is made of; read_tokenizer_json and tokenizer_preset fill it.
struct TokenizerParts {
  std::string name;                 // file or preset, for messages
  std::vector<std::string> tokens;  // by id; "" where an id has none
  std::vector<AddedToken> added;
  bool finds_added = false;  // whether added tokens are looked for in texts
  bool is_ascii = false;     // whether other bytes are refused
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  std::shared_ptr<const TokenModel> model;
  std::vector<int32_t> before, after;  // special tokens around a text
  SpecialIds special;
  Joining joining = Joining::kNothing;
  Side padding_side = Side::kRight;
  int64_t max_length = 0;  // what truncation without a number cuts to; 0: none known
};

struct TokenizeOptions {
  bool add_special_tokens = true;
  int64_t max_length = 0;  // tokens, specials included; longer texts are cut; 0 cuts nothing
  Side truncation_side = Side::kRight;
  int64_t pad_to = 0;           // width of the batch; 0: the longest
  int64_t pad_to_multiple = 0;  // width rounded up to a multiple; 0: as it is
  std::optional<Side> padding_side;
};

struct Tokenized {
  at::Tensor input_ids;       // int64 [B, L]
  at::Tensor attention_mask;  // int64 [B, L], 1 = real
  at::Tensor lengths;         // int64 [B], tokens
};

class Tokenizer {
 public:
  explicit Tokenizer(TokenizerParts parts);
  const TokenizerParts& parts() const { return parts_; }
  int64_t size() const { return static_cast<int64_t>(parts_.tokens.size()); }
  std::optional<int64_t> id(std::string_view token) const;
  const std::string& token(int64_t id) const;  // throws ArgumentError: no such id
  bool is_special(int64_t id) const;

  // Ids of one text, special tokens included when they are asked for.
  //   throws  ArgumentError: a byte that is not ASCII (with its position) where the tokenizer takes
  //           text only; max_length too small for the special tokens
  std::vector<int32_t> encode(std::string_view text, const TokenizeOptions& options = {}) const;
  // The same for many texts. threads: at::parallel_for over texts
  std::vector<std::vector<int32_t>> encode_rows(std::span<const std::string_view> texts,
                                                const TokenizeOptions& options = {}) const;
  // The same as tensors, padded on the side of the options or else of the tokenizer.
  //   threads  at::parallel_for over texts
  //   throws   as encode; pad_to smaller than a text; no padding token although texts differ in
  //            length
  Tokenized encode_batch(std::span<const std::string_view> texts,
                         const TokenizeOptions& options = {}) const;
  // Text again, as the tokenizer's decoder joins tokens: not always the very text that was encoded,
  // since a normalizer or an unknown letter cannot be undone. throws ArgumentError: no such id.
  std::string decode(std::span<const int64_t> ids, bool skip_special_tokens = false) const;

 private:
  void append(std::string_view text, const TokenizeOptions& options,
              std::vector<int32_t>& ids) const;
  void append_plain(std::string_view text, std::vector<int32_t>& ids) const;
  void append_normalized(std::string_view text, std::vector<int32_t>& ids) const;
  template <class Rest>
  void split_at_added(std::string_view text, bool is_normalized, std::vector<int32_t>& ids,
                      Rest rest) const;

  TokenizerParts parts_;
  std::unordered_map<std::string, int32_t> ids_;
  std::vector<bool> is_special_;
  // Added tokens by where they are looked for, longest first.
  std::vector<AddedToken> raw_, normalized_;
  std::array<bool, 256> begins_raw_{}, begins_normalized_{};
  char only_raw_ = 0;  // the letter that all raw added tokens begin with; 0: there are several
};

}  // namespace deepbio::seq
