// Newick trees in one pass without recursion: trees of a million tips may be as deep as they are
// wide. Nodes are numbered in the order in which they are finished, which is post-order; that is
// how every consumer walks over them.
#include "deepbio/io/tables/newick.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/text.h"
#include "deepbio/io/bytes/zip.h"
#include "deepbio/io/tables/artifact.h"

namespace deepbio::io {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}
bool is_structure(char c) {
  return c == '(' || c == ')' || c == '[' || c == ']' || c == ',' || c == ':' || c == ';';
}

class Parser {
 public:
  Parser(const std::string& text, const std::string& path) : text_(text), path_(path) {
    if (text_.starts_with("\xEF\xBB\xBF")) position_ = 3;
  }

  Tree parse() {
    skip_blank();
    if (at_end() || peek() == ';')
      fail("a Newick tree", at_end() ? "nothing in the file" : "an empty tree");
    // Everything is pushed here when it is finished; a closing parenthesis adopts what came since
    // its opening one.
    bool expect_node = true;
    while (true) {
      skip_blank();
      if (expect_node && !at_end() && peek() == '(') {
        open_.push_back({unparented_.size(), position_});
        ++position_;
        continue;
      }
      // A name, or nothing, where a node is due is a tip; nothing gives a tip without a name, as in
      // "(,)".
      if (expect_node) finish_node(unparented_.size(), true);
      skip_blank();
      if (at_end() || peek() == ';') break;
      expect_node = step();
    }
    finish_tree();
    return std::move(tree_);
  }

 private:
  struct Open {
    size_t first_child;  // index into unparented_
    size_t position;     // of the parenthesis
  };

  bool at_end() const { return position_ >= text_.size(); }
  char peek() const { return text_[position_]; }

  // A comma or a closing parenthesis after a finished node. Returns whether a new node must follow.
  bool step() {
    if (peek() == ',') {
      if (open_.empty()) fail("';' after the root", "a second tree or an unmatched ','");
      ++position_;
      return true;
    }
    if (peek() != ')')
      fail("',', ')', ':' or ';' after a node", quoted(std::string_view(&text_[position_], 1)));
    if (open_.empty()) fail("balanced parentheses", "')' without '('");
    ++position_;
    const size_t first_child = open_.back().first_child;
    open_.pop_back();
    finish_node(first_child, false);
    return false;
  }

  void finish_node(size_t first_child, bool is_tip) {
    const int64_t node = tree_.num_nodes();
    skip_blank();
    tree_.name.push_back(label());
    skip_blank();
    tree_.length.push_back(maybe_length());
    tree_.parent.push_back(-1);
    tree_.is_tip.push_back(is_tip);
    // The children of a node are what is still without a parent since its parenthesis.
    for (size_t k = first_child; k < unparented_.size(); ++k) tree_.parent[unparented_[k]] = node;
    unparented_.resize(first_child);
    unparented_.push_back(node);
  }

  void finish_tree() {
    if (!open_.empty()) {
      position_ = open_.back().position;
      fail("balanced parentheses", "'(' that is never closed");
    }
    if (!at_end()) ++position_;
    skip_blank();
    if (!at_end())
      fail("nothing after the ';' of the tree",
           quoted(std::string_view(text_).substr(position_, 20)));
  }

  std::string label() {
    if (!at_end() && peek() == '\'') return quoted_label();
    const size_t first = position_;
    // Underscores stay, as in QIIME 2: feature ids have them. (scikit-bio makes blanks of them
    // unless it is told not to.)
    while (!at_end() && !is_structure(peek()) && !is_space(peek())) {
      if (peek() == '\'')
        fail("a label in quotes as a whole, or without quotes", "a quote inside a label");
      ++position_;
    }
    return text_.substr(first, position_ - first);
  }

  std::string quoted_label() {
    const size_t first = position_++;
    std::string out;
    while (true) {
      // Two single quotes inside of quotes are one.
      const size_t quote = text_.find('\'', position_);
      if (quote == std::string::npos) {
        position_ = first;
        fail("a closing quote", "the end of the file inside a quoted label");
      }
      out.append(text_, position_, quote - position_);
      position_ = quote + 1;
      if (at_end() || peek() != '\'') return out;
      out += '\'';
      ++position_;
    }
  }

  double maybe_length() {
    if (at_end() || peek() != ':') return kNoLength;
    ++position_;
    skip_blank();
    const size_t first = position_;
    while (!at_end() && !is_structure(peek()) && !is_space(peek())) ++position_;
    std::string_view digits(text_.data() + first, position_ - first);
    const std::string_view shown = digits;
    if (digits.starts_with('+')) digits.remove_prefix(1);
    double value = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    // Branches too short for a double are zero; SEPP and FastTree write such numbers.
    const bool underflow = code == std::errc::result_out_of_range &&
                           shown.find_first_of("eE") != std::string_view::npos &&
                           shown.find('-', 1) != std::string_view::npos;
    if (underflow) value = 0;
    const bool good = (code == std::errc() || underflow) && end == digits.data() + digits.size();
    if (!good || !std::isfinite(value)) {
      position_ = first;
      fail("a branch length (a finite number) after ':'",
           shown.empty() ? "nothing" : quoted(shown));
    }
    return value;
  }

  void skip_blank() {
    while (!at_end()) {
      if (is_space(peek())) {
        ++position_;
      } else if (peek() == '[') {
        skip_comment();
      } else {
        return;
      }
    }
  }

  void skip_comment() {
    const size_t first = position_;
    // Comments may nest.
    int64_t depth = 0;
    for (; !at_end(); ++position_) {
      if (peek() == '[') ++depth;
      if (peek() == ']' && --depth == 0) {
        ++position_;
        const std::string_view comment = std::string_view(text_).substr(first, position_ - first);
        if (tree_.parent.empty() && (comment == "[&U]" || comment == "[&u]"))
          tree_.is_rooted = false;
        return;
      }
    }
    position_ = first;
    fail("']' at the end of a comment", "the end of the file");
  }

  [[noreturn]] void fail(std::string expected, std::string got) const {
    Place place;
    place.path = path_;
    const size_t offset = std::min(position_, text_.size());
    place.line = line_of(text_, offset);
    place.offset_bytes = static_cast<int64_t>(offset);
    throw ParseError(place, std::move(expected), std::move(got));
  }

  const std::string& text_;
  const std::string& path_;
  size_t position_ = 0;
  Tree tree_;
  std::vector<int64_t> unparented_;
  std::vector<Open> open_;
};

void append_label(std::string& out, const std::string& name) {
  // A byte-order mark at the start of a label could stand at the start of the file, where it is
  // passed over.
  const bool plain =
      !name.starts_with("\xEF\xBB\xBF") && std::none_of(name.begin(), name.end(), [](char c) {
        return is_space(c) || is_structure(c) || c == '\'';
      });
  if (plain) {
    out += name;
    return;
  }
  out += '\'';
  for (const char c : name) {
    if (c == '\'') out += '\'';
    out += c;
  }
  out += '\'';
}

void append_node(std::string& out, const Tree& tree, int64_t node) {
  append_label(out, tree.name[node]);
  if (tree.length[node] == kNoLength) return;
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof(digits), tree.length[node]).ptr;
  out += ':';
  out.append(digits, end);
}

}  // namespace

int64_t Tree::num_tips() const { return std::count(is_tip.begin(), is_tip.end(), true); }

Tree parse_newick(const std::string& text, const std::string& path) {
  return Parser(text, path).parse();
}

Tree read_newick(const std::string& path) {
  expect_artifact(path, "Phylogeny[", "a tree");
  // QIIME 2 says in the type whether the root means anything; the Newick text of both types looks
  // alike.
  Tree tree = parse_newick(read_text(path), path);
  if (is_zip(path) && describe_artifact(path).type == "Phylogeny[Unrooted]") tree.is_rooted = false;
  return tree;
}

std::string to_newick(const Tree& tree) {
  const int64_t num_nodes = tree.num_nodes();
  if (num_nodes == 0) throw ArgumentError("a tree without nodes cannot be written as Newick");
  // Post-order lets the text be written in one pass: a node opens as many parentheses before its
  // first tip as it is the first descendant of, and follows its own children.
  std::vector<int64_t> opens(num_nodes, 0), first_tip(num_nodes, -1), last_child(num_nodes, -1);
  for (int64_t node = 0; node < num_nodes; ++node) {
    if (tree.is_tip[node]) {
      first_tip[node] = node;
    } else {
      ++opens[first_tip[node]];
    }
    const int64_t parent = tree.parent[node];
    if (parent < 0) continue;
    if (first_tip[parent] < 0) first_tip[parent] = first_tip[node];
    last_child[parent] = node;
  }
  std::string out;
  for (int64_t node = 0; node < num_nodes; ++node) {
    if (tree.is_tip[node]) out.append(static_cast<size_t>(opens[node]), '(');
    append_node(out, tree, node);
    const int64_t parent = tree.parent[node];
    if (parent >= 0) out += last_child[parent] == node ? ')' : ',';
  }
  out += ";\n";
  return tree.is_rooted ? out : "[&U] " + out;
}

void write_newick(const std::string& path, const Tree& tree, Overwrite overwrite) {
  write_file(path, to_newick(tree), overwrite);
}

}  // namespace deepbio::io
