// Encoders of reads that a dataset runs for a whole batch: k-mers and tokens. Immutable; threads share them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "deepbio/data/batch.h"
#include "deepbio/seq/kmer.h"
#include "deepbio/seq/tokenizer.h"

namespace deepbio::data {

class ReadEncoder {
 public:
  virtual ~ReadEncoder();
  // Fills the tensors of a batch and `lengths`, the letters of each read. What is random depends on (epoch, record)
  // only.
  virtual void fill(std::span<const std::string_view> reads, std::span<const int64_t> records, uint64_t epoch,
                    ReadBatch& out) const = 0;
};

enum class KmerOutput { kCounts, kIds };
KmerOutput parse_kmer_output(std::string_view name);  // "counts", "ids"

// sequences float32 [B, A^k] or int64 [B, W], as seq/kmer.h says.
std::shared_ptr<const ReadEncoder> make_kmer_encoder(KmerOutput output, const seq::KmerOptions& options);
// input_ids and attention_mask int64 [B, L].
std::shared_ptr<const ReadEncoder> make_token_encoder(std::shared_ptr<const seq::Tokenizer> tokenizer,
                                                      const seq::TokenizeOptions& options);

}  // namespace deepbio::data
