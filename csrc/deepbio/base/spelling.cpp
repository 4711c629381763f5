// One pass over a message that finds `name` and `name=value` in back quotes; each door gives a
// function for what it finds. Text in back quotes that is no option name (a command, a formula)
// stays as it is, so the library can quote both.
#include "deepbio/base/spelling.h"

#include <algorithm>
#include <array>
#include <utility>

namespace deepbio {
namespace {

using Names = std::pair<std::string_view, std::string_view>;

// Options that a door calls by another word.
// Kept short on purpose: a new option has one name in all doors, and these are the ones that had
// two before that rule.
constexpr std::array<Names, 2> kInShell{
    {{"target", "metadata-column"}, {"is_classifier", "classifier"}}};
constexpr std::array<Names, 3> kInPython{{{"categorical_columns", "categorical"},
                                          {"unifrac_metric", "metric"},
                                          {"is_classifier", "classifier"}}};
// What Python does by a method.
constexpr std::array<Names, 2> kMethods{
    {{"negative_lengths", "Tree.with_lengths_from_zero()"}, {"root", "Tree.root_at_midpoint()"}}};

bool is_option_name(std::string_view text) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_letter);
}

template <class Known>
std::string_view other_word(const Known& known, std::string_view name) {
  for (const auto& [ours, theirs] : known) {
    if (name == ours) return theirs;
  }
  return name;
}

// An option in a message.
struct Mention {
  std::string_view name, value;
  bool is_before_colon;
};

// Every `name` or `name=value` through `spell`; other text, also in back quotes, stays.
template <class Spell>
std::string spelled(std::string_view message, Spell spell) {
  std::string out;
  while (!message.empty()) {
    const size_t open = message.find('`');
    const size_t close = open == std::string_view::npos ? open : message.find('`', open + 1);
    // A single back quote is text.
    if (close == std::string_view::npos) break;
    const std::string_view inside = message.substr(open + 1, close - open - 1);
    const size_t equals = std::min(inside.find('='), inside.size());
    const Mention mention{inside.substr(0, equals),
                          inside.substr(std::min(equals + 1, inside.size())),
                          message.substr(close + 1, 1) == ":"};
    if (!is_option_name(mention.name)) {
      out += message.substr(0, close);
      message.remove_prefix(close);  // the second quote may open the next name
      if (inside.empty() || message.find('`', 1) == std::string_view::npos) break;
      continue;
    }
    out += message.substr(0, open);
    out += spell(mention);
    message.remove_prefix(close + 1);
  }
  return out += message;
}

}  // namespace

std::string spelled_for_shell(std::string_view message) {
  return spelled(message, [](const Mention& mention) {
    std::string name(other_word(kInShell, mention.name));
    std::replace(name.begin(), name.end(), '_', '-');
    // As CLI11 declares switches: a bare flag for true and --no- for false, never a value.
    if (mention.value == "false") return "--no-" + name;
    const bool is_alone = mention.value.empty() || mention.value == "true";
    return "--" + name + (is_alone ? "" : " " + std::string(mention.value));
  });
}

std::string spelled_for_python(std::string_view message) {
  return spelled(message, [](const Mention& mention) {
    const std::string name(other_word(kInPython, mention.name)), value(mention.value);
    // Before the value is looked at: `root=midpoint` is the method as a whole.
    if (const auto method = other_word(kMethods, mention.name); method != mention.name)
      return std::string(method);
    if (value.empty()) return name + (mention.is_before_colon ? "" : "=");
    if (value == "true") return name + "=True";
    if (value == "false") return name + "=False";
    const bool is_word = value.find_first_not_of("0123456789.-") != std::string::npos;
    return name + "=" + (is_word ? '"' + value + '"' : value);
  });
}

}  // namespace deepbio
