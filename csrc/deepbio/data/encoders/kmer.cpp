// k-mers: `sequences` float32 [B, A^k] counts or int64 [B, W] ids; random letters go by record and
// epoch.
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/data/encoder.h"

namespace deepbio::data {
namespace {

int64_t num_kmers(const seq::KmerOptions& options) {
  const int64_t num_letters = seq::Alphabet(options.letters.sequence_type).size();
  int64_t count = 1;
  for (int64_t i = 0; i < options.k; ++i) count *= num_letters;
  return count;
}

class KmerReads : public ReadEncoder {
 public:
  KmerReads(KmerOutput output, const seq::KmerOptions& options)
      : output_(output), options_(options) {
    // k is checked once, here: A^k below cannot overflow then.
    output == KmerOutput::kCounts ? seq::check_kmer_counts(options) : seq::check_kmer_ids(options);
  }

  void fill(const ReadLetters& reads, ReadBatch& out) const override {
    seq::KmerOptions options = options_;
    options.letters.record_indices = reads.records;
    options.letters.epoch = reads.epoch;
    seq::Encoded encoded = is_counts() ? seq::encode_kmer_counts(reads.letters, options)
                                       : seq::encode_kmer_ids(reads.letters, options);
    out.sequences = std::move(encoded.values);
    out.lengths = std::move(encoded.lengths);
  }

  int64_t padding() const override { return is_counts() ? 0 : -1; }
  int64_t row_bytes(int64_t longest) const override {
    return is_counts() ? 4 * num_kmers(options_) : 8 * (longest + 1);
  }

 private:
  bool is_counts() const { return output_ == KmerOutput::kCounts; }
  KmerOutput output_;
  seq::KmerOptions options_;
};

}  // namespace

KmerOutput parse_kmer_output(std::string_view name) {
  if (name == "counts") return KmerOutput::kCounts;
  if (name == "ids") return KmerOutput::kIds;
  throw ArgumentError("k-mer output: expected counts or ids, got " + quoted(name));
}

std::shared_ptr<const ReadEncoder> make_kmer_encoder(KmerOutput output,
                                                     const seq::KmerOptions& options) {
  return std::make_shared<KmerReads>(output, options);
}

std::shared_ptr<const ReadEncoder> make_kmer(const EncoderOptions& options) {
  return make_kmer_encoder(KmerOutput::kCounts,
                           {options.k, options.canonical, true, options.letters()});
}

}  // namespace deepbio::data
