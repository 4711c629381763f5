// Normalizers and pre-tokenizers of a tokenizer.json, as far as they matter for ASCII text: each
// type of the file becomes a step, and what is not known here is refused with its name.
#include "deepbio/seq/text_rules.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "deepbio/base/error.h"

namespace deepbio::seq {
namespace {

enum class Kind : uint8_t { kOther, kSpace, kLetter, kDigit };
// A table: whole chromosomes go through, and the user's locale has no say.
constexpr auto kKinds = [] {
  std::array<Kind, 256> out{};
  for (const char space : {' ', '\t', '\n', '\v', '\f', '\r'})
    out[static_cast<unsigned char>(space)] = Kind::kSpace;
  for (size_t i = 0; i < 26; ++i) out['A' + i] = out['a' + i] = Kind::kLetter;
  for (size_t i = 0; i < 10; ++i) out['0' + i] = Kind::kDigit;
  return out;
}();

Kind kind_of(char letter) { return kKinds[static_cast<unsigned char>(letter)]; }
bool is_space(char letter) { return kind_of(letter) == Kind::kSpace; }
bool is_letter(char letter) { return kind_of(letter) == Kind::kLetter; }
bool is_digit(char letter) { return kind_of(letter) == Kind::kDigit; }
bool is_word(char letter) { return is_letter(letter) || is_digit(letter) || letter == '_'; }
bool is_punctuation(char letter) { return std::ispunct(static_cast<unsigned char>(letter)) != 0; }
char lower(char letter) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
}

bool flag(const Json& json, std::string_view key, bool otherwise) {
  const Json* value = json.find(key);
  return value && !value->is_null() ? value->as_bool() : otherwise;
}

TextPattern pattern_of(const Json& json) {
  const Json& pattern = json.at("pattern");
  if (const Json* text = pattern.find("String")) return TextPattern::literal(text->as_string());
  return TextPattern::expression(pattern.at("Regex").as_string());
}

TextPattern filled_pattern_of(const Json& json) {
  TextPattern pattern = pattern_of(json);
  if (pattern.may_match_nothing())
    throw ArgumentError("a pattern that matches the empty text is not supported");
  return pattern;
}

// Runs of letters that are alike by `kind_of`; kind 0 is dropped.
template <class KindOf>
void cut_runs(std::string_view piece, std::vector<std::string_view>& out, KindOf kind_of) {
  for (size_t begin = 0, end = 0; begin < piece.size(); begin = end) {
    const int kind = kind_of(piece[begin]);
    for (end = begin + 1; end < piece.size() && kind_of(piece[end]) == kind; ++end) {
    }
    if (kind != 0) out.push_back(piece.substr(begin, end - begin));
  }
}

// The words of GPT-2: contractions; letters, digits or other signs with one space in front; spaces.
size_t byte_level_word(std::string_view text, size_t begin) {
  if (text[begin] == '\'') {
    for (const std::string_view tail : {"s", "t", "re", "ve", "m", "ll", "d"}) {
      if (text.substr(begin + 1).starts_with(tail)) return begin + 1 + tail.size();
    }
  }
  const auto kind_of = [](char letter) {
    return is_space(letter) ? 0 : is_letter(letter) ? 1 : is_digit(letter) ? 2 : 3;
  };
  const auto run = [&](size_t at) {
    size_t end = at + 1;
    while (end < text.size() && kind_of(text[end]) == kind_of(text[at])) ++end;
    return end;
  };
  if (kind_of(text[begin]) != 0) return run(begin);
  const size_t end = run(begin);
  if (end == text.size()) return end;
  if (end - begin > 1) return end - 1;  // the last space goes with the word after it
  return text[begin] == ' ' ? run(begin + 1) : end;
}

}  // namespace

Normalizer Normalizer::from_json(const Json& json) {
  Normalizer out;
  if (!json.is_null()) out.add(json);
  return out;
}

void Normalizer::add(const Json& json) {
  const std::string& type = json.at("type").as_string();
  if (type == "Sequence") {
    for (const Json& step : json.at("normalizers").as_array()) add(step);
  } else if (type == "Strip") {
    steps_.push_back(
        {Step::Kind::kStrip, flag(json, "strip_left", true), flag(json, "strip_right", true)});
  } else if (type == "Lowercase") {
    steps_.push_back({Step::Kind::kLowercase});
  } else if (type == "Replace") {
    steps_.push_back({Step::Kind::kReplace, false, false, filled_pattern_of(json),
                      json.at("content").as_string()});
  } else if (type == "Prepend") {
    steps_.push_back({Step::Kind::kPrepend, false, false, {}, json.at("prepend").as_string()});
  } else if (type == "BertNormalizer") {
    steps_.push_back(
        {Step::Kind::kBert, flag(json, "clean_text", true), flag(json, "lowercase", true)});
  } else if (type != "NFC" && type != "NFD" && type != "NFKC" && type != "NFKD" &&
             type != "StripAccents") {
    // Those five change nothing in ASCII text, the only text that a tokenizer.json is read for.
    throw ArgumentError("normalizer " + quoted(type) + " is not supported");
  }
}

std::string Normalizer::apply(std::string_view given) const {
  std::string text(given);
  for (const Step& step : steps_) {
    if (step.kind == Step::Kind::kStrip) {
      if (step.right)
        text.erase(
            text.end() - (std::find_if_not(text.rbegin(), text.rend(), is_space) - text.rbegin()),
            text.end());
      if (step.left) text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_space));
    } else if (step.kind == Step::Kind::kLowercase) {
      std::transform(text.begin(), text.end(), text.begin(), lower);
    } else if (step.kind == Step::Kind::kPrepend) {
      if (!text.empty()) text.insert(0, step.content);
    } else if (step.kind == Step::Kind::kReplace) {
      std::string replaced;
      size_t from = 0;
      for (const TextMatch& match : step.pattern->find_all(text)) {
        replaced.append(text, from, match.begin - from).append(step.content);
        from = match.end;
      }
      text = replaced.append(text, from);
    } else {
      // For BERT the two flags are clean_text and lowercase. Its rules for Chinese letters and
      // accents concern no ASCII text.
      if (step.left) {
        std::erase_if(text, [](char c) {
          return std::iscntrl(static_cast<unsigned char>(c)) && c != '\t' && c != '\n' && c != '\r';
        });
        std::replace_if(text.begin(), text.end(), is_space, ' ');
      }
      if (step.right) std::transform(text.begin(), text.end(), text.begin(), lower);
    }
  }
  return text;
}

PreTokenizer PreTokenizer::from_json(const Json& json) {
  PreTokenizer out;
  if (!json.is_null()) out.add(json);
  return out;
}

PreTokenizer::Behavior PreTokenizer::behavior_of(const Json& json) {
  const std::string& name = json.at("behavior").as_string();
  if (name == "Removed") return Behavior::kRemoved;
  if (name == "Isolated") return Behavior::kIsolated;
  if (name == "MergedWithPrevious") return Behavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return Behavior::kMergedWithNext;
  if (name == "Contiguous") return Behavior::kContiguous;
  throw ArgumentError("pre-tokenizer behavior " + quoted(name) + " is not supported");
}

void PreTokenizer::add(const Json& json) {
  const std::string& type = json.at("type").as_string();
  // ByteLevel turns bytes into other letters; steps after it would have to see those.
  if (is_byte_level_)
    throw ArgumentError("pre-tokenizer " + quoted(type) + " after \"ByteLevel\" is not supported");
  if (type == "Sequence") {
    for (const Json& step : json.at("pretokenizers").as_array()) add(step);
  } else if (type == "Whitespace") {
    steps_.push_back({Step::Kind::kWords});
  } else if (type == "WhitespaceSplit") {
    steps_.push_back({Step::Kind::kSpaces});
  } else if (type == "BertPreTokenizer") {
    steps_.push_back({Step::Kind::kSpaces});
    steps_.push_back({Step::Kind::kPunctuation, Behavior::kIsolated});
  } else if (type == "Punctuation") {
    steps_.push_back({Step::Kind::kPunctuation,
                      json.find("behavior") ? behavior_of(json) : Behavior::kIsolated});
  } else if (type == "Digits") {
    const bool is_single = flag(json, "individual_digits", false);
    steps_.push_back(
        {Step::Kind::kDigits, is_single ? Behavior::kIsolated : Behavior::kContiguous});
  } else if (type == "Split") {
    // An empty pattern matches between all letters: Hugging Face's way of writing "every letter
    // alone".
    const bool is_inverted = flag(json, "invert", false), is_letters = pattern_of(json).is_empty();
    if (is_letters) {
      steps_.push_back({Step::Kind::kLetters, behavior_of(json), is_inverted});
    } else {
      steps_.push_back(
          {Step::Kind::kPattern, behavior_of(json), is_inverted, filled_pattern_of(json)});
    }
  } else if (type == "ByteLevel") {
    is_byte_level_ = true;
    adds_space_ = flag(json, "add_prefix_space", true);
    if (adds_space_ && !steps_.empty()) {
      throw ArgumentError(
          "pre-tokenizer \"ByteLevel\" with add_prefix_space after others is not supported");
    }
    if (flag(json, "use_regex", true)) steps_.push_back({Step::Kind::kByteLevelWords});
  } else {
    throw ArgumentError("pre-tokenizer " + quoted(type) + " is not supported");
  }
}

// Cuts at matches: each part is a match or what lies between, and the behavior says which
// neighbours stay together.
void PreTokenizer::cut(const Step& step, std::string_view piece,
                       std::vector<std::string_view>& out) {
  std::vector<TextMatch> matches;
  if (step.kind == Step::Kind::kPattern) {
    matches = step.pattern->find_all(piece);
  } else {
    const auto is_match = step.kind == Step::Kind::kDigits ? is_digit : is_punctuation;
    for (size_t i = 0; i < piece.size(); ++i) {
      if (is_match(piece[i])) matches.push_back({i, i + 1});
    }
  }
  struct Part {
    size_t begin, end;
    bool is_match;
  };
  std::vector<Part> parts;
  size_t from = 0;
  for (const TextMatch& match : matches) {
    if (match.begin > from) parts.push_back({from, match.begin, step.is_inverted});
    parts.push_back({match.begin, match.end, !step.is_inverted});
    from = match.end;
  }
  if (from < piece.size()) parts.push_back({from, piece.size(), step.is_inverted});
  std::vector<Part> joined;
  for (const Part& part : parts) {
    bool joins = false;
    if (!joined.empty()) {
      const Part& before = joined.back();
      if (step.behavior == Behavior::kContiguous) joins = before.is_match == part.is_match;
      if (step.behavior == Behavior::kMergedWithPrevious) joins = part.is_match && !before.is_match;
      if (step.behavior == Behavior::kMergedWithNext) joins = before.is_match && !part.is_match;
    }
    // What joins passes on whether its last part was a match, which the part after it asks.
    if (joins) {
      joined.back().end = part.end;
      joined.back().is_match = part.is_match;
    } else {
      joined.push_back(part);
    }
  }
  for (const Part& part : joined) {
    if (step.behavior == Behavior::kRemoved && part.is_match) continue;
    out.push_back(piece.substr(part.begin, part.end - part.begin));
  }
}

std::vector<std::string_view> PreTokenizer::split(std::string_view text, std::string& room) const {
  if (adds_space_ && !text.empty() && text.front() != ' ') {
    room.assign(1, ' ').append(text);
    text = room;
  }
  std::vector<std::string_view> pieces, cut_pieces;
  if (!text.empty()) pieces.push_back(text);
  for (const Step& step : steps_) {
    cut_pieces.clear();
    for (const std::string_view piece : pieces) {
      if (step.kind == Step::Kind::kSpaces) {
        cut_runs(piece, cut_pieces, [](char c) { return is_space(c) ? 0 : 1; });
      } else if (step.kind == Step::Kind::kWords) {
        cut_runs(piece, cut_pieces, [](char c) { return is_space(c) ? 0 : is_word(c) ? 1 : 2; });
      } else if (step.kind == Step::Kind::kLetters) {
        if (step.is_inverted && step.behavior == Behavior::kRemoved) continue;
        for (size_t i = 0; i < piece.size(); ++i) cut_pieces.push_back(piece.substr(i, 1));
      } else if (step.kind == Step::Kind::kByteLevelWords) {
        for (size_t begin = 0; begin < piece.size();) {
          const size_t end = byte_level_word(piece, begin);
          cut_pieces.push_back(piece.substr(begin, end - begin));
          begin = end;
        }
      } else {
        cut(step, piece, cut_pieces);
      }
    }
    std::swap(pieces, cut_pieces);
  }
  return pieces;
}

// GPT-2's table: bytes that print are themselves, the others get the code points from U+0100 on in
// their order, so that every byte is a visible letter. All of them are below U+0800 and take two
// bytes of UTF-8 at most.
std::string byte_level_letter(unsigned char byte) {
  const auto is_printable = [](int value) {
    return (value >= '!' && value <= '~') || (value >= 0xA1 && value <= 0xAC) || value >= 0xAE;
  };
  int code = byte;
  if (!is_printable(byte)) {
    code = 256;
    for (int other = 0; other < byte; ++other) code += is_printable(other) ? 0 : 1;
  }
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
}

}  // namespace deepbio::seq
