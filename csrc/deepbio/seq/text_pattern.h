// Patterns as they stand in tokenizer.json: a literal text, or a regular expression of the small
// kind that genomic tokenizers use.
//
//   expression = item*;  item = (letter | '.' | '[' ['^'] ranges ']' | '\' s S d D w W or a sign)
//   [quantifier] quantifier = '+' | '*' | '?' | '{n}' | '{n,}' | '{n,m}'
// Items match greedily and give nothing back, which is exact when an item shares no letter with the
// one after a repetition; everything else (groups, |, anchors, lazy repetitions, such shared
// letters) is refused by name. ASCII.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace deepbio::seq {

struct TextMatch {
  size_t begin, end;
};

class TextPattern {
 public:
  static TextPattern literal(std::string text);
  // throws  ArgumentError with the part of the expression that is not supported
  static TextPattern expression(std::string_view text);
  bool is_empty() const {
    return items_.empty() && literal_.empty();
  }  // which matches between all letters
  bool may_match_nothing() const;
  // Matches from left to right, none empty, none overlapping.
  std::vector<TextMatch> find_all(std::string_view text) const;

 private:
  struct Item {
    std::bitset<256> letters;
    size_t least, most;
  };
  size_t match_at(std::string_view text, size_t place) const;  // end of the match, or npos

  std::string literal_;
  std::vector<Item> items_;
};

}  // namespace deepbio::seq
