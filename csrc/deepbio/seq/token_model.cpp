// Models that turn a piece of text into ids: a letter each, k-mers, byte-pair encoding, and words,
// whole or in pieces. All are immutable after they are made, so that threads share them.
#include "deepbio/seq/token_model.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/seq/kmer_kernel.h"

namespace deepbio::seq {
namespace {

constexpr int64_t kMostK = 8;  // 4^8 k-mers: a vocabulary of 65536
constexpr size_t kBlock = LetterWindows::kMostLetters - size_t{kMostK};  // k-mers at a time

class LetterModel : public TokenModel {
 public:
  explicit LetterModel(const LetterIds& ids) : ids_(ids) {}
  void append(std::string_view piece, std::vector<int32_t>& ids) const override {
    const size_t before = ids.size();
    ids.resize(before + piece.size());
    int32_t* out = ids.data() + before;
    for (size_t i = 0; i < piece.size(); ++i) out[i] = ids_[static_cast<unsigned char>(piece[i])];
  }

 private:
  LetterIds ids_;
};

class KmerModel : public TokenModel {
 public:
  explicit KmerModel(const KmerTokens& options)
      : options_(options), k_(static_cast<size_t>(options.k)) {
    if (options.k < 1 || options.k > kMostK) {
      throw ArgumentError("k: expected 1 to 8 for k-mer tokens, got " + std::to_string(options.k));
    }
    if (options.letters.size() != 4)
      throw ArgumentError("letters: expected four, got " + quoted(options.letters));
    // The order of the letters is the vocabulary's (DNABERT's is A T C G), which fixes the number
    // of a k-mer.
    digit_.fill(-1);
    std::string folded = options.letters;
    for (size_t i = 0; i < 4; ++i) {
      digit_[static_cast<unsigned char>(folded[i])] = static_cast<int8_t>(i);
      if (!options.fold_case) continue;
      folded[i] = static_cast<char>(folded[i] | 0x20);
      digit_[static_cast<unsigned char>(folded[i])] = static_cast<int8_t>(i);
    }
    if (!options.side_by_side)
      windows_.emplace(FourLetters(folded, 0, options.fold_case), options.k, false);
  }

  void append(std::string_view piece, std::vector<int32_t>& ids) const override {
    if (!options_.side_by_side) return append_windows(piece, ids);
    // N splits a text: k-mers are counted anew after it, and it is a token of its own.
    const char apart = options_.apart,
               other_case = options_.fold_case ? static_cast<char>(apart | 0x20) : apart;
    const char either[] = {apart, other_case};
    for (size_t begin = 0;;) {
      const size_t end =
          std::min(piece.find_first_of(std::string_view(either, 2), begin), piece.size());
      append_chunks(piece.substr(begin, end - begin), ids);
      if (end == piece.size()) return;
      ids.push_back(options_.single[static_cast<unsigned char>(piece[end])]);
      begin = end + 1;
    }
  }

 private:
  void append_windows(std::string_view piece, std::vector<int32_t>& ids) const {
    if (piece.size() < k_) return;
    const size_t before = ids.size();
    ids.resize(before + piece.size() - k_ + 1);
    int32_t* out = ids.data() + before;
    for (size_t first = 0; first + k_ <= piece.size(); first += kBlock) {
      // Blocks overlap by k - 1 letters, so that each window is whole in one of them.
      const std::string_view block = piece.substr(first, kBlock + k_ - 1);
      const size_t count = block.size() - k_ + 1;
      const bool is_known =
          windows_->number(block.data(), block.size(), options_.first_id, out + first);
      // Rare: the windows of the block that hold another letter are found one by one.
      if (is_known) continue;
      for (size_t place = 0; place < block.size(); ++place) {
        if (digit_[static_cast<unsigned char>(block[place])] >= 0) continue;
        const size_t from = place < k_ ? 0 : place - k_ + 1;
        for (size_t i = from; i <= place && i < count; ++i) out[first + i] = options_.unknown_id;
      }
    }
  }

  void append_chunks(std::string_view text, std::vector<int32_t>& ids) const {
    size_t place = 0;
    for (; place + k_ <= text.size(); place += k_) {
      int32_t number = 0;
      bool is_known = true;
      for (size_t i = place; i < place + k_; ++i) {
        const int digit = digit_[static_cast<unsigned char>(text[i])];
        is_known &= digit >= 0;
        number = 4 * number + digit;
      }
      ids.push_back(is_known ? options_.first_id + number : options_.unknown_id);
    }
    // What is left is shorter than k: a token for each letter, as the Nucleotide Transformer's
    // tokenizer does.
    for (; place < text.size(); ++place)
      ids.push_back(options_.single[static_cast<unsigned char>(text[place])]);
  }

  KmerTokens options_;
  size_t k_;
  std::optional<LetterWindows> windows_;  // not side by side
  std::array<int8_t, 256> digit_;
};

class BpeModel : public TokenModel {
 public:
  explicit BpeModel(BpeTokens options)
      : unknown_id_(options.unknown_id),
        fuses_unknown_(options.fuses_unknown),
        encoder_(std::move(options.tokens), options.merges) {}

  void append(std::string_view piece, std::vector<int32_t>& ids) const override {
    if (encoder_.has_symbols(piece)) return encoder_.encode(piece, ids);
    const auto is_known = [this](char byte) { return encoder_.has_symbol(byte); };
    if (unknown_id_ < 0) {  // what stood on both sides of an unknown byte become neighbours
      std::string known(piece);
      std::erase_if(known, [&](char byte) { return !is_known(byte); });
      return encoder_.encode(known, ids);
    }
    for (auto at = piece.begin(); at != piece.end();) {
      const auto end = std::find_if_not(at, piece.end(), is_known);
      encoder_.encode({at, end}, ids);
      const auto next = std::find_if(end, piece.end(), is_known);
      if (end != next)
        ids.insert(ids.end(), fuses_unknown_ ? 1 : static_cast<size_t>(next - end), unknown_id_);
      at = next;
    }
  }

 private:
  int32_t unknown_id_;
  bool fuses_unknown_;
  BytePairEncoder encoder_;
};

class WordModel : public TokenModel {
 public:
  explicit WordModel(WordTokens options) : options_(std::move(options)) {}

  void append(std::string_view piece, std::vector<int32_t>& ids) const override {
    const size_t before = ids.size();
    if (options_.in_pieces ? append_pieces(piece, ids) : append_known(std::string(piece), ids))
      return;
    // A word that cannot be made up of pieces as a whole is one unknown token, whatever pieces were
    // found before.
    ids.resize(before);
    if (options_.unknown_id >= 0) ids.push_back(options_.unknown_id);
  }

 private:
  bool append_known(const std::string& word, std::vector<int32_t>& ids) const {
    const auto found = options_.ids.find(word);
    if (found == options_.ids.end()) return false;
    ids.push_back(found->second);
    return true;
  }
  bool append_pieces(std::string_view word, std::vector<int32_t>& ids) const {
    if (word.size() > options_.most_letters) return false;
    for (size_t begin = 0, end = 0; begin < word.size(); begin = end) {
      const std::string prefix = begin > 0 ? options_.prefix : "";
      // WordPiece: the longest piece that the vocabulary has, again and again, without a step back.
      for (end = word.size(); end > begin; --end) {
        if (append_known(prefix + std::string(word.substr(begin, end - begin)), ids)) break;
      }
      if (end == begin) return false;
    }
    return true;
  }

  WordTokens options_;
};

}  // namespace

TokenModel::~TokenModel() = default;
std::unique_ptr<TokenModel> make_letter_model(const LetterIds& ids) {
  return std::make_unique<LetterModel>(ids);
}
std::unique_ptr<TokenModel> make_kmer_model(const KmerTokens& options) {
  return std::make_unique<KmerModel>(options);
}
std::unique_ptr<TokenModel> make_bpe_model(BpeTokens options) {
  return std::make_unique<BpeModel>(std::move(options));
}
std::unique_ptr<TokenModel> make_word_model(WordTokens options) {
  return std::make_unique<WordModel>(std::move(options));
}

}  // namespace deepbio::seq
