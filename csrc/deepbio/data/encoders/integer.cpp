// Letters as numbers: `sequences` [B, L], int64 with padding -1 unless another dtype was asked for.
#include <ATen/Functions.h>

#include "deepbio/data/encoder.h"

namespace deepbio::data {
namespace {

class IntegerReads : public ReadEncoder {
 public:
  IntegerReads(const seq::EncodeOptions& letters, seq::QualityForm quality)
      : letters_(letters), quality_(quality) {}

  void fill(const ReadLetters& reads, ReadBatch& out) const override {
    // A copy: the encoder itself is shared by threads, and numbers and epoch are of this batch.
    seq::EncodeOptions options = letters_;
    options.record_indices = reads.records;
    options.epoch = reads.epoch;
    const seq::Encoded encoded = seq::encode_integers(reads.letters, options);
    out.sequences = encoded.values;
    out.lengths = encoded.lengths;
    // A channel belongs to one-hot letters; here there is no room for it.
    const bool is_asked = wants_qualities() && quality_ != seq::QualityForm::kChannel;
    if (is_asked && reads.qualities.size() == reads.letters.size()) {
      out.quality = seq::encode_quality(reads.qualities, out.sequences.size(1), quality_);
    }
  }

  bool wants_qualities() const override { return quality_ != seq::QualityForm::kNone; }
  int64_t padding() const override { return -1; }
  int64_t row_bytes(int64_t longest) const override { return (longest + 1) * 8; }

 private:
  seq::EncodeOptions letters_;
  seq::QualityForm quality_;
};

}  // namespace

std::shared_ptr<const ReadEncoder> make_integer(const EncoderOptions& options) {
  return std::make_shared<IntegerReads>(options.letters(),
                                        seq::parse_quality_form(options.quality));
}

}  // namespace deepbio::data
