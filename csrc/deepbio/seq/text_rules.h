// What a tokenizer.json does to a text before its model sees it: normalizers change it,
// pre-tokenizers cut it.
//
// Supported are those that occur in tokenizers of sequences; any other is refused by its name.
// Texts are ASCII, so that Unicode forms (NFC, ...) and accents are nothing to do. Immutable;
// threads share it. source: the behaviour is that of Hugging Face tokenizers, and tests compare
// with it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/base/json.h"
#include "deepbio/seq/text_pattern.h"

namespace deepbio::seq {

// Normalizers: Sequence, Strip, Lowercase, Replace, Prepend, BertNormalizer, NFC, NFD, NFKC, NFKD,
// StripAccents.
class Normalizer {
 public:
  Normalizer() = default;
  // throws  ArgumentError naming a normalizer that is not supported
  static Normalizer from_json(const Json& json);
  bool changes_nothing() const { return steps_.empty(); }
  std::string apply(std::string_view text) const;

 private:
  struct Step {
    enum class Kind { kStrip, kLowercase, kReplace, kPrepend, kBert } kind;
    bool left = false, right = false;      // kStrip; kBert: clean, lower case
    std::optional<TextPattern> pattern{};  // kReplace
    std::string content{};                 // kReplace, kPrepend
  };
  void add(const Json& json);

  std::vector<Step> steps_;
};

// Pre-tokenizers: Sequence, Whitespace, WhitespaceSplit, BertPreTokenizer, Punctuation, Digits,
// Split, ByteLevel.
class PreTokenizer {
 public:
  PreTokenizer() = default;
  // throws  ArgumentError naming a pre-tokenizer that is not supported
  static PreTokenizer from_json(const Json& json);
  // Whether tokens are written in the letters of ByteLevel.
  bool is_byte_level() const { return is_byte_level_; }
  // Whether a text is one piece, as it is.
  bool cuts_nothing() const { return steps_.empty() && !adds_space_; }
  // The pieces of a text, in order. A piece views the text, or `room` where the text had to grow a
  // space in front.
  std::vector<std::string_view> split(std::string_view text, std::string& room) const;

 private:
  enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };
  struct Step {
    enum class Kind {
      kWords,
      kSpaces,
      kPunctuation,
      kDigits,
      kPattern,
      kLetters,
      kByteLevelWords
    } kind;
    Behavior behavior = Behavior::kIsolated;
    bool is_inverted = false;
    std::optional<TextPattern> pattern{};
  };
  void add(const Json& json);
  static Behavior behavior_of(const Json& json);
  static void cut(const Step& step, std::string_view piece, std::vector<std::string_view>& out);

  std::vector<Step> steps_;
  bool is_byte_level_ = false, adds_space_ = false;
};

// The letters by which ByteLevel writes bytes: printable ones themselves, the others from U+0100
// on, in UTF-8.
std::string byte_level_letter(unsigned char byte);

}  // namespace deepbio::seq
