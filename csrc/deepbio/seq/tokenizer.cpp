// The pipeline of a tokenizer: added tokens are cut out of the text, the rest is normalized, cut
// into pieces, and each piece goes through the model. Batches are encoded in groups of texts whose
// ids lie one after another, and are spread over the padded tensor in a second pass, when the width
// is known.
#include "deepbio/seq/tokenizer.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/seq/block_tensor.h"
#include "deepbio/seq/kmer_kernel.h"

namespace deepbio::seq {
namespace {

constexpr int64_t kGrain = 64;                 // texts per task
constexpr size_t kMostRoom = size_t{1} << 20;  // ids that are made room for before they are known

bool is_space(char letter) { return std::isspace(static_cast<unsigned char>(letter)) != 0; }

void check_ascii(std::string_view text, const std::string& name) {
  // One pass without a branch for the text that is fine; the byte is looked for afterwards.
  unsigned char all = 0;
  for (const char byte : text) all |= static_cast<unsigned char>(byte);
  if (all < 0x80) return;
  const auto bad =
      std::find_if(text.begin(), text.end(), [](char byte) { return (byte & 0x80) != 0; });
  throw ArgumentError(name + ": expected ASCII text, got " +
                      quoted(text.substr(static_cast<size_t>(bad - text.begin()), 1)) +
                      " at position " + std::to_string(bad - text.begin() + 1));
}

// The bytes that a ByteLevel token is written for.
std::string from_byte_level(const std::string& text) {
  static const auto bytes = [] {
    std::unordered_map<std::string, char> out;
    for (int byte = 0; byte < 256; ++byte)
      out[byte_level_letter(static_cast<unsigned char>(byte))] = static_cast<char>(byte);
    return out;
  }();
  std::string out;
  for (size_t i = 0, size = 0; i < text.size(); i += size) {
    // Every letter of the table takes one byte or two.
    size = (text[i] & 0x80) != 0 && i + 1 < text.size() ? 2 : 1;
    const auto found = bytes.find(text.substr(i, size));
    // Special tokens are not written in that alphabet and stay as they are.
    if (found != bytes.end()) {
      out.push_back(found->second);
    } else {
      out.append(text, i, size);
    }
  }
  return out;
}

}  // namespace

Side parse_side(std::string_view name) {
  if (name == "left") return Side::kLeft;
  if (name == "right") return Side::kRight;
  throw ArgumentError("side: expected left or right, got " + quoted(name));
}
std::string_view to_string(Side side) { return side == Side::kLeft ? "left" : "right"; }

Tokenizer::Tokenizer(TokenizerParts parts)
    : parts_(std::move(parts)), is_special_(parts_.tokens.size(), false) {
  for (size_t id = 0; id < parts_.tokens.size(); ++id) {
    // A vocabulary may leave ids out; those have no text.
    if (!parts_.tokens[id].empty()) ids_.emplace(parts_.tokens[id], static_cast<int32_t>(id));
  }
  for (AddedToken token : parts_.added) {
    if (token.is_special) is_special_[static_cast<size_t>(token.id)] = true;
    if (!parts_.finds_added || token.content.empty()) continue;
    // Such a token is looked for in normalized text, so its own text must be, too.
    if (token.is_normalized) token.content = parts_.normalizer.apply(token.content);
    if (token.content.empty()) continue;
    (token.is_normalized ? begins_normalized_
                         : begins_raw_)[static_cast<unsigned char>(token.content[0])] = true;
    (token.is_normalized ? normalized_ : raw_).push_back(token);
  }
  // The first that fits is then the longest that fits.
  const auto longer = [](const AddedToken& a, const AddedToken& b) {
    return a.content.size() > b.content.size();
  };
  std::stable_sort(raw_.begin(), raw_.end(), longer);
  if (!raw_.empty() && std::count(begins_raw_.begin(), begins_raw_.end(), true) == 1)
    only_raw_ = raw_[0].content[0];
  std::stable_sort(normalized_.begin(), normalized_.end(), longer);
}

std::optional<int64_t> Tokenizer::id(std::string_view token) const {
  const auto found = ids_.find(std::string(token));
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

const std::string& Tokenizer::token(int64_t id) const {
  if (id < 0 || id >= size()) {
    throw ArgumentError("token id: expected 0 to " + std::to_string(size() - 1) + ", got " +
                        std::to_string(id));
  }
  return parts_.tokens[static_cast<size_t>(id)];
}

bool Tokenizer::is_special(int64_t id) const { return is_special_[static_cast<size_t>(id)]; }

// The leftmost added token, the longest of several, again and again; `rest` takes what lies
// between.
template <class Rest>
void Tokenizer::split_at_added(std::string_view text, bool is_normalized, std::vector<int32_t>& ids,
                               Rest rest) const {
  const auto& tokens = is_normalized ? normalized_ : raw_;
  const auto& begins = is_normalized ? begins_normalized_ : begins_raw_;
  size_t from = 0;
  for (size_t place = 0; !tokens.empty() && place < text.size();) {
    if (!is_normalized &&
        only_raw_ != 0) {  // most texts have no such letter, and this passes over them at once
      place = text.find(only_raw_, place);
      if (place == std::string_view::npos) break;
    }
    const AddedToken* found = nullptr;
    if (begins[static_cast<unsigned char>(text[place])]) {
      for (const AddedToken& token : tokens) {
        if (text.substr(place).starts_with(token.content)) {
          found = &token;
          break;
        }
      }
    }
    if (!found) {
      ++place;
      continue;
    }
    size_t begin = place, end = place + found->content.size();
    while (found->strips_left && begin > from && is_space(text[begin - 1])) --begin;
    while (found->strips_right && end < text.size() && is_space(text[end])) ++end;
    if (begin > from) rest(text.substr(from, begin - from));
    ids.push_back(found->id);
    place = from = end;
  }
  if (from < text.size()) rest(text.substr(from));
}

void Tokenizer::append_normalized(std::string_view text, std::vector<int32_t>& ids) const {
  if (parts_.pre_tokenizer.cuts_nothing()) return parts_.model->append(text, ids);
  std::string room;
  for (const std::string_view piece : parts_.pre_tokenizer.split(text, room))
    parts_.model->append(piece, ids);
}

void Tokenizer::append_plain(std::string_view text, std::vector<int32_t>& ids) const {
  const auto after_normalizer = [&](std::string_view normalized) {
    split_at_added(normalized, true, ids,
                   [&](std::string_view part) { append_normalized(part, ids); });
  };
  if (parts_.normalizer.changes_nothing()) {
    after_normalizer(text);
  } else {
    after_normalizer(parts_.normalizer.apply(text));
  }
}

void Tokenizer::append(std::string_view text, const TokenizeOptions& options,
                       std::vector<int32_t>& ids) const {
  if (parts_.is_ascii) check_ascii(text, parts_.name);
  const auto begin = static_cast<std::ptrdiff_t>(ids.size());
  if (options.add_special_tokens) ids.insert(ids.end(), parts_.before.begin(), parts_.before.end());
  const auto first = static_cast<std::ptrdiff_t>(ids.size());
  if (parts_.finds_added) {
    split_at_added(text, false, ids, [&](std::string_view part) { append_plain(part, ids); });
  } else {
    parts_.model->append(text, ids);
  }
  // Truncation counts the special tokens in, as Hugging Face does: they are never what is cut.
  if (options.max_length > 0) {
    const int64_t specials =
        (first - begin) +
        (options.add_special_tokens ? static_cast<int64_t>(parts_.after.size()) : 0);
    if (options.max_length < specials) {
      throw ArgumentError("max_length: expected at least " + std::to_string(specials) +
                          ", the number of special tokens, got " +
                          std::to_string(options.max_length));
    }
    const int64_t too_many =
        static_cast<int64_t>(ids.size()) - first - (options.max_length - specials);
    if (too_many > 0 && options.truncation_side == Side::kRight)
      ids.resize(ids.size() - static_cast<size_t>(too_many));
    if (too_many > 0 && options.truncation_side == Side::kLeft)
      ids.erase(ids.begin() + first, ids.begin() + first + too_many);
  }
  if (options.add_special_tokens) ids.insert(ids.end(), parts_.after.begin(), parts_.after.end());
}

std::vector<int32_t> Tokenizer::encode(std::string_view text,
                                       const TokenizeOptions& options) const {
  std::vector<int32_t> ids;
  append(text, options, ids);
  return ids;
}

std::vector<std::vector<int32_t>> Tokenizer::encode_rows(std::span<const std::string_view> texts,
                                                         const TokenizeOptions& options) const {
  std::vector<std::vector<int32_t>> rows(texts.size());
  at::parallel_for(0, static_cast<int64_t>(texts.size()), kGrain, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
      append(texts[i], options, rows[i]);
  });
  return rows;
}

Tokenized Tokenizer::encode_batch(std::span<const std::string_view> texts,
                                  const TokenizeOptions& options) const {
  const auto num_texts = static_cast<int64_t>(texts.size());
  const int64_t num_groups = (num_texts + kGrain - 1) / kGrain;
  std::vector<std::vector<int32_t>> groups(
      static_cast<size_t>(num_groups));  // ids of kGrain texts, one after another
  std::vector<int64_t> lengths(texts.size());
  at::parallel_for(0, num_groups, 1, [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; ++group) {
      std::vector<int32_t>& ids = groups[static_cast<size_t>(group)];
      const auto of_group =
          texts.subspan(static_cast<size_t>(group * kGrain))
              .first(static_cast<size_t>(std::min(num_texts - group * kGrain, kGrain)));
      size_t room = of_group.size() * (parts_.before.size() + parts_.after.size());
      for (const std::string_view text : of_group) room += text.size();
      ids.reserve(
          std::min(room, kMostRoom));  // hardly any tokenizer makes more tokens than letters
      for (int64_t i = group * kGrain; i < std::min(num_texts, (group + 1) * kGrain); ++i) {
        const size_t before = ids.size();
        append(texts[static_cast<size_t>(i)], options, ids);
        lengths[static_cast<size_t>(i)] = static_cast<int64_t>(ids.size() - before);
      }
    }
  });
  const auto longest = std::max_element(lengths.begin(), lengths.end());
  int64_t width = lengths.empty() ? 0 : *longest;
  if (options.pad_to > 0 && width > options.pad_to) {
    throw ArgumentError("text " + std::to_string(longest - lengths.begin()) + " has " +
                        std::to_string(width) + " tokens, pad_to is " +
                        std::to_string(options.pad_to) + "; set max_length to cut it");
  }
  width = std::max(width, options.pad_to);
  if (const int64_t multiple = options.pad_to_multiple; multiple > 0)
    width = (width + multiple - 1) / multiple * multiple;
  const bool is_padded =
      std::any_of(lengths.begin(), lengths.end(), [&](int64_t length) { return length < width; });
  if (is_padded && parts_.special.pad < 0) {
    throw ArgumentError(parts_.name +
                        ": texts of different lengths need padding, and this tokenizer has no "
                        "padding token; name it with `pad_token`");
  }
  Tokenized out{empty_tensor({num_texts, width}, at::kLong),
                empty_tensor({num_texts, width}, at::kLong),
                at::tensor(lengths, at::TensorOptions().dtype(at::kLong))};
  auto *ids = out.input_ids.data_ptr<int64_t>(), *mask = out.attention_mask.data_ptr<int64_t>();
  const bool pads_left = options.padding_side.value_or(parts_.padding_side) == Side::kLeft;
  at::parallel_for(0, num_groups, 1, [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; ++group) {
      const int32_t* from = groups[static_cast<size_t>(group)].data();
      for (int64_t i = group * kGrain; i < std::min(num_texts, (group + 1) * kGrain); ++i) {
        const int64_t length = lengths[static_cast<size_t>(i)], missing = width - length;
        int64_t *row = ids + i * width, *row_mask = mask + i * width;
        widen(from, static_cast<size_t>(length), row + (pads_left ? missing : 0));
        std::fill_n(row + (pads_left ? 0 : length), missing, int64_t{parts_.special.pad});
        std::fill_n(row_mask + (pads_left ? missing : 0), length, int64_t{1});
        std::fill_n(row_mask + (pads_left ? 0 : length), missing, int64_t{0});
        from += length;
      }
    }
  });
  return out;
}

std::string Tokenizer::decode(std::span<const int64_t> ids, bool skip_special_tokens) const {
  std::string out;
  // follows_kmer: the token before was a k-mer, of which the next shows its last letter only.
  bool is_first = true, follows_kmer = false;
  for (const int64_t id : ids) {
    const std::string& text = token(id);
    const bool special = is_special(id);
    if (special && skip_special_tokens) {
      follows_kmer = false;
      continue;
    }
    if (parts_.joining == Joining::kSpaces) {
      out += (is_first ? "" : " ") + text;
    } else if (parts_.joining == Joining::kWordPieces) {
      const bool goes_on = !is_first && text.starts_with("##");
      out += goes_on ? text.substr(2) : (is_first ? "" : " ") + text;
    } else if (parts_.joining == Joining::kByteLevel) {
      out += from_byte_level(text);
    } else if (parts_.joining == Joining::kOverlap && follows_kmer && !special) {
      out += text.back();
    } else {
      out += text;
    }
    follows_kmer = !special;
    is_first = false;
  }
  return out;
}

}  // namespace deepbio::seq
