// The part of regular expressions that tokenizer.json files of DNA and protein models use: letters,
// sets and repetitions in a row, without groups, alternatives or anchors. What is left out is
// refused by name when the file is read, since a pattern understood in part would cut texts in
// other places than the model was trained on.
#include "deepbio/seq/text_pattern.h"

#include <algorithm>
#include <cctype>
#include <limits>

#include "deepbio/base/error.h"

namespace deepbio::seq {
namespace {

constexpr size_t kNoLimit = std::numeric_limits<size_t>::max();
using Letters = std::bitset<256>;

// Reads one expression; every refusal quotes it.
class ExpressionReader {
 public:
  explicit ExpressionReader(std::string_view text) : text_(text) {}
  bool at_end() const { return place_ == text_.size(); }

  Letters letters() {
    const char first = take();
    if (first == '\\') return escape();
    if (first == '[') return set();
    // As in the regex library of Hugging Face's tokenizers, where a dot does not match a line end.
    if (first == '.') return ~one('\n');
    if (std::string_view("()|^$*+?{}").find(first) != std::string_view::npos)
      refuse(std::string(1, first));
    return one(first);
  }

  void quantifier(size_t& least, size_t& most) {
    least = most = 1;
    if (at_end()) return;
    switch (text_[place_]) {
      case '+':
        most = kNoLimit;
        break;
      case '*':
        least = 0, most = kNoLimit;
        break;
      case '?':
        least = 0;
        break;
      case '{':
        return counted(least, most);
      default:
        return;
    }
    ++place_;
    refuse_lazy();
  }

  [[noreturn]] void refuse(const std::string& part) const {
    throw ArgumentError("regular expression " + quoted(text_) + ": " + quoted(part) +
                        " is not supported");
  }

 private:
  static Letters one(char letter) { return Letters().set(static_cast<unsigned char>(letter)); }
  // ASCII only: texts are checked to be ASCII before a pattern sees them.
  static Letters where(int (*is)(int)) {
    Letters out;
    for (int i = 0; i < 128; ++i) out[static_cast<size_t>(i)] = is(i) != 0;
    return out;
  }

  char take() {
    if (at_end()) refuse("its end");
    return text_[place_++];
  }

  Letters escape() {
    const char name = take();
    switch (name) {
      case 's':
        return where(std::isspace);
      case 'S':
        return ~where(std::isspace);
      case 'd':
        return where(std::isdigit);
      case 'D':
        return ~where(std::isdigit);
      case 'w':
        return where(std::isalnum) | one('_');
      case 'W':
        return ~(where(std::isalnum) | one('_'));
      case 'n':
        return one('\n');
      case 't':
        return one('\t');
      case 'r':
        return one('\r');
      default:
        if (std::isalnum(static_cast<unsigned char>(name))) refuse(std::string("\\") + name);
        return one(name);
    }
  }

  Letters set() {
    Letters out;
    const bool is_negated = !at_end() && text_[place_] == '^';
    if (is_negated) ++place_;
    for (char letter = take(); letter != ']'; letter = take()) {
      // Nested sets and intersections, which some dialects have and others read as letters.
      if (letter == '[' || letter == '&') refuse(std::string(1, letter) + " in [...]");
      if (letter == '\\') {
        out |= escape();
      } else if (place_ + 1 < text_.size() && text_[place_] == '-' && text_[place_ + 1] != ']') {
        ++place_;
        const char last = take();
        if (last == '\\' || last < letter) refuse("the range in [...]");
        for (int i = static_cast<unsigned char>(letter); i <= static_cast<unsigned char>(last);
             ++i) {
          out.set(static_cast<size_t>(i));
        }
      } else {
        out |= one(letter);
      }
    }
    return is_negated ? ~out : out;
  }

  void counted(size_t& least, size_t& most) {
    const size_t close = text_.find('}', place_);
    const std::string_view inside =
        text_.substr(place_ + 1, close == std::string_view::npos ? close : close - place_ - 1);
    const size_t comma = inside.find(',');
    least = number(inside.substr(0, comma));
    most = comma == std::string_view::npos ? least
           : comma + 1 == inside.size()    ? kNoLimit
                                           : number(inside.substr(comma + 1));
    if (close == std::string_view::npos || most < least) refuse("{" + std::string(inside));
    place_ = close + 1;
    refuse_lazy();
  }
  size_t number(std::string_view digits) const {
    size_t out = 0;
    for (const char digit : digits) {
      if (digit < '0' || digit > '9' || out > 1'000'000) refuse("{" + std::string(digits));
      out = 10 * out + static_cast<size_t>(digit - '0');
    }
    if (digits.empty()) refuse("{,");
    return out;
  }
  // Lazy and possessive repetitions match other lengths.
  void refuse_lazy() const {
    if (!at_end() && (text_[place_] == '?' || text_[place_] == '+' || text_[place_] == '*')) {
      refuse(std::string(1, text_[place_]) + " after a repetition");
    }
  }

  std::string_view text_;
  size_t place_ = 0;
};

}  // namespace

TextPattern TextPattern::literal(std::string text) {
  TextPattern out;
  out.literal_ = std::move(text);
  return out;
}

TextPattern TextPattern::expression(std::string_view text) {
  TextPattern out;
  ExpressionReader reader(text);
  while (!reader.at_end()) {
    Item item{reader.letters(), 1, 1};
    reader.quantifier(item.least, item.most);
    // What a repetition took it would have to give back where the items after it want the same
    // letter.
    for (auto before = out.items_.rbegin(); before != out.items_.rend(); ++before) {
      if (before->least != before->most && (before->letters & item.letters).any()) {
        reader.refuse("a repetition before letters that it matches too");
      }
      if (before->least == before->most && before->least > 0) break;
    }
    out.items_.push_back(item);
  }
  return out;
}

// Greedy and without a step back, which expression() has made sure is enough.
size_t TextPattern::match_at(std::string_view text, size_t place) const {
  for (const Item& item : items_) {
    size_t count = 0;
    while (count < item.most && place < text.size() &&
           item.letters[static_cast<unsigned char>(text[place])]) {
      ++count, ++place;
    }
    if (count < item.least) return std::string_view::npos;
  }
  return place;
}

bool TextPattern::may_match_nothing() const {
  return literal_.empty() && std::all_of(items_.begin(), items_.end(),
                                         [](const Item& item) { return item.least == 0; });
}

std::vector<TextMatch> TextPattern::find_all(std::string_view text) const {
  std::vector<TextMatch> out;
  if (items_.empty()) {
    if (literal_.empty()) return out;
    for (size_t at = text.find(literal_); at != std::string_view::npos;
         at = text.find(literal_, at + literal_.size())) {
      out.push_back({at, at + literal_.size()});
    }
    return out;
  }
  const Item& first = items_.front();
  for (size_t place = 0; place < text.size();) {
    const bool may_begin =
        first.least == 0 || first.letters[static_cast<unsigned char>(text[place])];
    const size_t end = may_begin ? match_at(text, place) : std::string_view::npos;
    if (end == std::string_view::npos) {
      // A run that is too short for the first item is too short from each of its letters.
      const size_t start = place++;
      while (may_begin && items_.size() == 1 && place < text.size() &&
             place - start < first.least &&
             first.letters[static_cast<unsigned char>(text[place])]) {
        ++place;
      }
    } else if (end == place) {
      // An empty match cuts nothing.
      ++place;
    } else {
      out.push_back({place, end});
      place = end;
    }
  }
  return out;
}

}  // namespace deepbio::seq
