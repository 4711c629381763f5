#include "deepbio/data/read_encoder.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "deepbio/base/error.h"

namespace deepbio::data {
namespace {

class KmerReads : public ReadEncoder {
 public:
  KmerReads(KmerOutput output, const seq::KmerOptions& options) : output_(output), options_(options) {
    output == KmerOutput::kCounts ? seq::check_kmer_counts(options) : seq::check_kmer_ids(options);
  }
  void fill(std::span<const std::string_view> reads, std::span<const int64_t> records, uint64_t epoch,
            ReadBatch& out) const override {
    seq::KmerOptions options = options_;
    options.letters.record_indices = records;
    options.letters.epoch = epoch;
    const bool is_counts = output_ == KmerOutput::kCounts;
    seq::Encoded encoded = is_counts ? seq::encode_kmer_counts(reads, options) : seq::encode_kmer_ids(reads, options);
    out.sequences = std::move(encoded.values);
    out.lengths = std::move(encoded.lengths);
  }

 private:
  KmerOutput output_;
  seq::KmerOptions options_;
};

class TokenReads : public ReadEncoder {
 public:
  TokenReads(std::shared_ptr<const seq::Tokenizer> tokenizer, const seq::TokenizeOptions& options)
      : tokenizer_(std::move(tokenizer)), options_(options) {}
  void fill(std::span<const std::string_view> reads, std::span<const int64_t>, uint64_t,
            ReadBatch& out) const override {
    std::vector<int64_t> lengths;
    lengths.reserve(reads.size());
    for (const std::string_view read : reads) lengths.push_back(static_cast<int64_t>(read.size()));
    seq::Tokenized tokens = tokenizer_->encode_batch(reads, options_);
    out.input_ids = std::move(tokens.input_ids);
    out.attention_mask = std::move(tokens.attention_mask);
    out.lengths = at::tensor(lengths, at::TensorOptions().dtype(at::kLong));
  }

 private:
  std::shared_ptr<const seq::Tokenizer> tokenizer_;
  seq::TokenizeOptions options_;
};

}  // namespace

ReadEncoder::~ReadEncoder() = default;

KmerOutput parse_kmer_output(std::string_view name) {
  if (name == "counts") return KmerOutput::kCounts;
  if (name == "ids") return KmerOutput::kIds;
  throw ArgumentError("k-mer output: expected counts or ids, got " + quoted(name));
}

std::shared_ptr<const ReadEncoder> make_kmer_encoder(KmerOutput output, const seq::KmerOptions& options) {
  return std::make_shared<KmerReads>(output, options);
}

std::shared_ptr<const ReadEncoder> make_token_encoder(std::shared_ptr<const seq::Tokenizer> tokenizer,
                                                      const seq::TokenizeOptions& options) {
  return std::make_shared<TokenReads>(std::move(tokenizer), options);
}

}  // namespace deepbio::data
