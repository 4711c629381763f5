// Encoders of reads: one interface, an implementation of each kind in encoders/, one registration
// each in encoder.cpp.
//
// Datasets, `deepbio encode`, Python and C++ users take them from make_encoder. An encoder is
// immutable and shared by threads; what is random in it depends on (seed, epoch, record) only.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "deepbio/base/options.h"
#include "deepbio/data/batch.h"
#include "deepbio/seq/encode.h"
#include "deepbio/seq/kmer.h"
#include "deepbio/seq/tokenizer.h"

namespace deepbio::data {

// B reads, as their transforms left them.
struct ReadLetters {
  std::span<const std::string_view> letters;
  std::span<const std::string_view>
      qualities;                     // raw bytes; empty when not asked for or when a read has none
  std::span<const int64_t> records;  // number of each, for draws and messages
  uint64_t epoch = 0;
};

class ReadEncoder {
 public:
  virtual ~ReadEncoder();
  // Fills `sequences` or `input_ids` and `attention_mask`, `lengths` (letters of each read) and
  // `quality` of a batch.
  //   throws ArgumentError naming the read
  virtual void fill(const ReadLetters& reads, ReadBatch& out) const = 0;
  virtual bool wants_qualities() const { return false; }
  virtual int64_t padding() const { return 0; }  // what fills a row behind its read
  // Bytes of a row when the longest read has so many letters; bounds the size of a shard.
  virtual int64_t row_bytes(int64_t longest) const = 0;
};

// Which encoder, and how. What an encoder has no use for is refused by make_encoder.
struct EncoderOptions {
  std::string encoding = "onehot";
  std::string sequence_type = "dna";
  std::string unknown;     // "": what the kind does unless told: one-hot and AAM's tokens zero, the
                           // others error
  int64_t max_length = 0;  // letters kept of each read, from its start; 0: all
  int64_t k = 6;
  bool canonical = false;
  std::string tokenizer;  // file or preset; "": AAM's tokens
  uint64_t seed = 0;
  // Of datasets, which make the batches of a model.
  int64_t pad_to = 0;
  bool channels_first = false;
  std::string dtype = "int64";   // of integers: int64, float32 or uint8
  std::string quality = "none";  // seq::QualityForm
  OptionRows rows();
  seq::EncodeOptions letters() const;  // throws ArgumentError
};

// One kind of encoder, as it is registered.
struct EncoderKind {
  const char* encoding;     // its name among the values of `encoding`
  bool takes_tokenizer;     // `tokens` are AAM's without one
  bool refuses_unknown;     // unless `unknown` says otherwise
  const char* description;  // shape and dtype, for the help
  std::shared_ptr<const ReadEncoder> (*make)(const EncoderOptions& options);
};
std::span<const EncoderKind> encoder_kinds();
// throws ArgumentError, ConfigError: an encoding that there is not, options that do not go with it.
const EncoderKind& kind_of(const EncoderOptions& options);
std::shared_ptr<const ReadEncoder> make_encoder(const EncoderOptions& options);

enum class KmerOutput { kCounts, kIds };
KmerOutput parse_kmer_output(std::string_view name);  // "counts", "ids"
// sequences float32 [B, A^k] or int64 [B, W], as seq/kmer.h says.
std::shared_ptr<const ReadEncoder> make_kmer_encoder(KmerOutput output,
                                                     const seq::KmerOptions& options);
// input_ids and attention_mask int64 [B, L].
std::shared_ptr<const ReadEncoder> make_token_encoder(
    std::shared_ptr<const seq::Tokenizer> tokenizer, const seq::TokenizeOptions& options);

}  // namespace deepbio::data
