// What bpe.h describes is prepared once per vocabulary: the ranks of pairs in a hash table, a trie
// of the tokens, the stays of the edges of each token while its text is joined, and from these a
// table of bits that says which of the shorter tokens may be neighbours. encode() then only looks
// things up.
#include "deepbio/seq/bpe.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "deepbio/base/error.h"

namespace deepbio::seq {
namespace {

constexpr uint32_t kNever = std::numeric_limits<uint32_t>::max();
constexpr uint64_t kNoPair = std::numeric_limits<uint64_t>::max();
// 2^64 / golden ratio: spreads keys over the table.
constexpr uint64_t kGolden = 0x9E3779B97F4A7C15;
constexpr size_t kStackWords = 64;  // 64 places each: marks of a short text need no allocation
constexpr size_t kJump = 6;         // letters taken at once: 4^6 jumps fit the first cache

// No pair of real ids is all ones, which marks an empty slot.
uint64_t pair_key(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

// One of 64 bits, as a Bloom filter has: where the bits of two symbols do not meet, there is no
// merge of them and the table need not be asked.
uint64_t partner_bit(int32_t symbol) {
  return uint64_t{1} << (static_cast<uint64_t>(symbol) * kGolden >> 58);
}

bool is_acgt(std::string_view text) {
  unsigned other = 0;
  for (const char byte : text)
    other |= (byte != 'A') & (byte != 'C') & (byte != 'G') & (byte != 'T');
  return other == 0;
}

// Six letters of ACGT as a number of 12 bits: bits 1 and 2 of a letter tell the four apart.
// Two bits of each of eight bytes are gathered in three steps of shift and mask; the last two
// letters are read along with the word and cut off at the end.
size_t jump_index(const char* letters) {
  uint64_t bits = 0;
  std::memcpy(&bits, letters, sizeof(bits));
  bits = bits >> 1 & 0x0303030303030303;
  bits = (bits | bits >> 6) & 0x000F000F000F000F;
  bits = (bits | bits >> 12) & 0x000000FF000000FF;
  return (bits | bits >> 24) & 0xFFF;
}

// Places from which no way leads to the end; a place is cleared when it is left for good.
class Places {
 public:
  // One more place than letters: the end is a place, too.
  explicit Places(size_t count) {
    const size_t words = count / 64 + 1;
    if (words > kStackWords) many_.assign(words, ~uint64_t{0});
    bits_ = words > kStackWords ? many_.data() : few_.data();
    if (words <= kStackWords) std::fill_n(bits_, words, ~uint64_t{0});
  }
  bool is_open(size_t place) const { return bits_[place / 64] >> (place % 64) & 1; }
  void close(size_t place) { bits_[place / 64] &= ~(uint64_t{1} << (place % 64)); }

 private:
  std::array<uint64_t, kStackWords> few_;
  std::vector<uint64_t> many_;
  uint64_t* bits_;
};

}  // namespace

BytePairEncoder::BytePairEncoder(std::vector<std::string> tokens, std::span<const BpeMerge> merges,
                                 size_t most_columns)
    : tokens_(std::move(tokens)) {
  // Text is cut into bytes first, so a symbol of one byte is all that can start a merge.
  symbols_.fill(-1);
  column_.fill(0);
  for (size_t id = 0; id < tokens_.size(); ++id) {
    if (tokens_[id].size() == 1)
      symbols_[static_cast<unsigned char>(tokens_[id][0])] = static_cast<int32_t>(id);
  }
  for (size_t byte = 0; byte < 256; ++byte) {
    if (symbols_[byte] >= 0) column_[byte] = static_cast<uint8_t>(num_columns_++);
  }
  // A power of two, so that the step from a node to its child is a shift.
  num_columns_ = std::bit_ceil(std::max<size_t>(num_columns_, 1));
  add_pairs(merges);
  children_.assign(num_columns_, 0);
  token_at_.assign(1, -1);
  first_.resize(tokens_.size());
  last_.resize(tokens_.size());
  known_.resize(tokens_.size());
  std::vector<int32_t> in_order;
  for (size_t id = 0; id < tokens_.size(); ++id) {
    known_[id].length = static_cast<int32_t>(tokens_[id].size());
    if (trace(static_cast<int32_t>(id))) in_order.push_back(static_cast<int32_t>(id));
  }
  // Short ones first, so that a token meets those that it begins with.
  std::stable_sort(in_order.begin(), in_order.end(), [this](int32_t a, int32_t b) {
    return known_[static_cast<size_t>(a)].length < known_[static_cast<size_t>(b)].length;
  });
  for (const int32_t id : in_order) add_to_trie(id);
  add_jumps();
  add_table(std::span(in_order).first(std::min(in_order.size(), most_columns)));
}

void BytePairEncoder::add_pairs(std::span<const BpeMerge> merges) {
  // At most a quarter full, so that a search that fails, which most do, looks at hardly more than
  // one slot.
  const size_t size = std::bit_ceil(std::max<size_t>(4 * merges.size(), 16));
  pair_mask_ = size - 1;
  pair_shift_ = 64 - std::countr_zero(size);
  pairs_.assign(size, {kNoPair, kNever, -1});
  partners_.assign(tokens_.size(), 0);
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const BpeMerge& merge = merges[rank];
    const uint64_t key = pair_key(merge.left, merge.right);
    uint64_t slot = key * kGolden >> pair_shift_;
    while (pairs_[slot].pair != kNoPair && pairs_[slot].pair != key) slot = (slot + 1) & pair_mask_;
    // A pair that is listed twice has its last rank, as in a map filled from the list.
    pairs_[slot] = {key, static_cast<uint32_t>(rank), merge.result};
    partners_[static_cast<size_t>(merge.left)] |= partner_bit(merge.right);
  }
}

const BytePairEncoder::PairRank* BytePairEncoder::find_pair(int32_t left, int32_t right) const {
  const uint64_t key = pair_key(left, right);
  for (uint64_t slot = key * kGolden >> pair_shift_;; slot = (slot + 1) & pair_mask_) {
    if (pairs_[slot].pair == key) return &pairs_[slot];
    if (pairs_[slot].pair == kNoPair) return nullptr;
  }
}

// Joins the token's own text by the definition and keeps how its edges grew; false when the result
// is not the token.
bool BytePairEncoder::trace(int32_t token) {
  std::vector<int32_t> symbols;
  for (const char byte : tokens_[static_cast<size_t>(token)]) {
    symbols.push_back(symbols_[static_cast<unsigned char>(byte)]);
    if (symbols.back() < 0) return false;
  }
  if (symbols.empty()) return false;
  std::vector<EdgeStay> first, last;
  uint32_t reached = 0, first_most = 0,
           last_most = 0;  // best ranks so far: of all joins, and within the present stays
  while (true) {
    const PairRank* best = nullptr;
    size_t place = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const PairRank* pair = find_pair(symbols[i], symbols[i + 1]);
      if (pair && (!best || pair->rank < best->rank)) best = pair, place = i;
    }
    if (!best) break;
    // A join of a better rank than the one before comes at once: nothing of the other side can come
    // between.
    reached = std::max(reached, best->rank);
    first_most = std::max(first_most, best->rank);
    last_most = std::max(last_most, best->rank);
    if (place == 0) first.push_back({symbols.front(), reached, std::exchange(first_most, 0), 0});
    if (place + 2 == symbols.size())
      last.push_back({symbols.back(), reached, std::exchange(last_most, 0), 0});
    symbols[place] = best->result;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
  if (symbols.size() != 1 || symbols.front() != token) return false;
  // A whole token stays as it is until the end.
  first.push_back({token, kNever, kNever, 0});
  last.push_back({token, kNever, kNever, 0});
  for (EdgeStay& stay : first) stay.partners = partner_bit(stay.symbol);
  for (EdgeStay& stay : last) stay.partners = partners_[static_cast<size_t>(stay.symbol)];
  const auto keep = [this](const std::vector<EdgeStay>& stays) {
    const auto begin = static_cast<uint32_t>(edges_.size());
    edges_.insert(edges_.end(), stays.begin(), stays.end());
    return Span{begin, static_cast<uint32_t>(edges_.size())};
  };
  first_[static_cast<size_t>(token)] = keep(first);
  last_[static_cast<size_t>(token)] = keep(last);
  return true;
}

void BytePairEncoder::add_to_trie(int32_t token) {
  size_t node = 0;
  for (const char byte : tokens_[static_cast<size_t>(token)]) {
    if (token_at_[node] >= 0) known_[static_cast<size_t>(token)].shorter = token_at_[node];
    const size_t cell = node * num_columns_ + column_[static_cast<unsigned char>(byte)];
    // 0 is the root, which is nobody's child, so it can mean that there is none.
    if (children_[cell] == 0) {
      children_[cell] = static_cast<int32_t>(token_at_.size());
      token_at_.push_back(-1);
      children_.resize(children_.size() + num_columns_, 0);
    }
    node = static_cast<size_t>(children_[cell]);
  }
  token_at_[node] = token;
}

// For text of A C G T alone, which is nearly all of it: six letters from the root at once.
void BytePairEncoder::add_jumps() {
  for (const char letter : std::string_view("ACGT")) {
    if (!has_symbol(letter)) return;
  }
  jumps_.assign(size_t{1} << (2 * kJump), {0, -1});
  // Eight bytes, since jump_index() reads a word.
  std::string letters(sizeof(uint64_t), 'A');
  for (size_t number = 0; number < jumps_.size(); ++number) {
    for (size_t i = 0; i < kJump; ++i) letters[i] = "ACGT"[number >> (2 * i) & 3];
    Jump jump{0, -1};
    for (size_t i = 0; i < kJump; ++i) {
      jump.node = children_[static_cast<size_t>(jump.node) * num_columns_ +
                            column_[static_cast<unsigned char>(letters[i])]];
      if (jump.node == 0) break;
      if (token_at_[static_cast<size_t>(jump.node)] >= 0)
        jump.token = token_at_[static_cast<size_t>(jump.node)];
    }
    jumps_[jump_index(letters.data())] = jump;
  }
}

int32_t BytePairEncoder::longest_acgt(std::string_view text, size_t place) const {
  // The word that jump_index() reads must lie inside of the text.
  if (text.size() - place < sizeof(uint64_t)) return longest_at(text, place);
  const Jump jump = jumps_[jump_index(text.data() + place)];
  int32_t token = jump.token;
  place += kJump;
  for (auto node = static_cast<size_t>(jump.node); node != 0 && place < text.size(); ++place) {
    node = static_cast<size_t>(
        children_[node * num_columns_ + column_[static_cast<unsigned char>(text[place])]]);
    if (node != 0 && token_at_[node] >= 0) token = token_at_[node];
  }
  return token;
}

int32_t BytePairEncoder::longest_at(std::string_view text, size_t place) const {
  int32_t token = -1;
  for (size_t node = 0; place < text.size(); ++place) {
    node = static_cast<size_t>(
        children_[node * num_columns_ + column_[static_cast<unsigned char>(text[place])]]);
    if (node == 0) break;
    if (token_at_[node] >= 0) token = token_at_[node];
  }
  return token;
}

// For each pair that has a merge: the tokens that end with its left symbol at a time when tokens
// that begin with its right one have that, and before either goes on. The same that stand_together
// finds for two tokens.
void BytePairEncoder::add_table(std::span<const int32_t> tokens) {
  const size_t size = tokens.size();
  std::vector<std::vector<Side>> lefts(tokens_.size()), rights(tokens_.size());
  const auto add = [this](std::vector<std::vector<Side>>& sides, Span span, uint32_t column) {
    int64_t begin = -1;
    for (const EdgeStay& stay : std::span(edges_).subspan(span.begin, span.end - span.begin)) {
      sides[static_cast<size_t>(stay.symbol)].push_back({column, begin, stay.end, stay.threshold});
      begin = stay.end;
    }
  };
  for (size_t column = 0; column < size; ++column) {
    const auto token = static_cast<size_t>(tokens[column]);
    known_[token].column = static_cast<uint32_t>(column);
    add(lefts, last_[token], static_cast<uint32_t>(column));
    add(rights, first_[token], static_cast<uint32_t>(column));
  }
  // A bit for each pair of tokens: 4096 tokens take 2 MiB. All are taken to be allowed, and the
  // merges strike out those between which they would have joined the edges.
  row_words_ = (size + 63) / 64;
  together_.assign(size * row_words_, ~uint64_t{0});
  for (const PairRank& pair : pairs_) {
    if (pair.pair == kNoPair) continue;
    for (const Side& left : lefts[pair.pair >> 32]) {
      if (pair.rank >= left.threshold) continue;
      uint64_t* row = together_.data() + left.column * row_words_;
      for (const Side& right : rights[pair.pair & kNever]) {
        const bool meet =
            left.begin <= right.end && right.begin < left.end && pair.rank <= right.threshold;
        row[right.column / 64] &= ~(uint64_t{meet} << (right.column % 64));
      }
    }
  }
}

inline bool BytePairEncoder::may_follow(int32_t left, int32_t right) const {
  const size_t row = known_[static_cast<size_t>(left)].column,
               column = known_[static_cast<size_t>(right)].column;
  // Tokens beyond the first most_columns have no row; the definition answers for them.
  if (row == kNoColumn || column == kNoColumn) return stand_together(left, right);
  return together_[row * row_words_ + column / 64] >> (column % 64) & 1;
}

// Follows both texts rank by rank; at equal ranks the left text comes first, then the pair between,
// then the right text.
bool BytePairEncoder::stand_together(int32_t left, int32_t right) const {
  const EdgeStay* x = &edges_[last_[static_cast<size_t>(left)].begin];
  const EdgeStay* y = &edges_[first_[static_cast<size_t>(right)].begin];
  while (true) {
    if (x->partners & y->partners) {
      const PairRank* pair = find_pair(x->symbol, y->symbol);
      if (pair && pair->rank < x->threshold && pair->rank <= y->threshold) return false;
    }
    if (x->end == kNever && y->end == kNever) return true;
    if (x->end <= y->end) {
      ++x;
    } else {
      ++y;
    }
  }
}

bool BytePairEncoder::has_symbols(std::string_view text) const {
  if (!jumps_.empty() && is_acgt(text)) return true;
  return std::all_of(text.begin(), text.end(), [this](char byte) { return has_symbol(byte); });
}

void BytePairEncoder::encode(std::string_view text, std::vector<int32_t>& ids) const {
  if (!jumps_.empty() && is_acgt(text)) return cover<true>(text, ids);
  for (size_t i = 0; i < text.size(); ++i) {
    if (!has_symbol(text[i]))
      throw ArgumentError("BPE: a byte of the text has no symbol: " + quoted(text.substr(i, 1)));
  }
  cover<false>(text, ids);
}

template <bool kIsAcgt>
void BytePairEncoder::cover(std::string_view text, std::vector<int32_t>& ids) const {
  const auto longest = [&](size_t at) {
    return kIsAcgt ? longest_acgt(text, at) : longest_at(text, at);
  };
  const size_t before = ids.size();
  Places places(text.size());
  size_t place = 0;
  int32_t token = longest(0);
  while (place < text.size()) {
    const int32_t last = ids.size() > before ? ids.back() : -1;
    while (token >= 0) {
      const Token& next = known_[static_cast<size_t>(token)];
      if (places.is_open(place + static_cast<size_t>(next.length)) &&
          (last < 0 || may_follow(last, token)))
        break;
      token = next.shorter;
    }
    if (token >= 0) {
      ids.push_back(token);
      place += static_cast<size_t>(known_[static_cast<size_t>(token)].length);
      token = longest(place);
    } else {
      places.close(place);
      // The token before is what made this place a dead end: the search goes on there with its next
      // shorter one.
      ids.pop_back();
      place -= static_cast<size_t>(known_[static_cast<size_t>(last)].length);
      token = known_[static_cast<size_t>(last)].shorter;
    }
  }
}

}  // namespace deepbio::seq
