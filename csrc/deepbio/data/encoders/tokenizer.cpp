// Ids of a tokenizer: `input_ids` and `attention_mask` int64 [B, L], padded as the tokenizer says.
#include <ATen/Functions.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "deepbio/base/error.h"
#include "deepbio/data/encoder.h"
#include "deepbio/io/bytes/bytes.h"
#include "deepbio/seq/tokenizer_json.h"
#include "deepbio/seq/tokenizer_presets.h"

namespace deepbio::data {
namespace {

class TokenReads : public ReadEncoder {
 public:
  TokenReads(std::shared_ptr<const seq::Tokenizer> tokenizer, const seq::TokenizeOptions& options,
             int64_t max_letters)
      : tokenizer_(std::move(tokenizer)), options_(options), max_letters_(max_letters) {}

  void fill(const ReadLetters& reads, ReadBatch& out) const override {
    std::vector<std::string_view> kept(reads.letters.begin(), reads.letters.end());
    std::vector<int64_t> lengths;
    lengths.reserve(kept.size());
    for (std::string_view& read : kept) {
      // Letters are cut before they are tokens: max_length counts the same in every encoding.
      if (max_letters_ > 0) read = read.substr(0, static_cast<size_t>(max_letters_));
      lengths.push_back(static_cast<int64_t>(read.size()));
    }
    seq::Tokenized tokens = tokenizer_->encode_batch(kept, options_);
    out.input_ids = std::move(tokens.input_ids);
    out.attention_mask = std::move(tokens.attention_mask);
    out.lengths = at::tensor(lengths, at::TensorOptions().dtype(at::kLong));
  }

  int64_t padding() const override { return tokenizer_->parts().special.pad; }
  int64_t row_bytes(int64_t longest) const override {
    const seq::TokenizerParts& parts = tokenizer_->parts();
    return 16 * (longest + static_cast<int64_t>(parts.before.size() + parts.after.size()));
  }

 private:
  std::shared_ptr<const seq::Tokenizer> tokenizer_;
  seq::TokenizeOptions options_;
  int64_t max_letters_;
};

// A file, or the name of a preset; a preset wins over a file of its name in this folder.
seq::TokenizerParts named_tokenizer(const std::string& name) {
  const std::vector<std::string> presets = seq::preset_names();
  const bool is_preset = std::find(presets.begin(), presets.end(), name) != presets.end();
  // Anything else is taken for a preset, whose message lists the names there are.
  const bool is_file = name.find('/') != std::string::npos || name.ends_with(".json") ||
                       std::filesystem::exists(name);
  if (!is_preset && is_file) return seq::read_tokenizer_json(io::read_all(name), name);
  return seq::tokenizer_preset(name);
}

}  // namespace

std::shared_ptr<const ReadEncoder> make_token_encoder(
    std::shared_ptr<const seq::Tokenizer> tokenizer, const seq::TokenizeOptions& options) {
  return std::make_shared<TokenReads>(std::move(tokenizer), options, 0);
}

std::shared_ptr<const ReadEncoder> make_tokenizer(const EncoderOptions& options) {
  if (!options.unknown.empty()) {
    throw ArgumentError("`unknown`: a tokenizer has its own token for unknown letters");
  }
  auto tokenizer = std::make_shared<const seq::Tokenizer>(named_tokenizer(options.tokenizer));
  return std::make_shared<TokenReads>(std::move(tokenizer), seq::TokenizeOptions{},
                                      options.max_length);
}

}  // namespace deepbio::data
