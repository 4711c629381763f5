// One-hot letters: `sequences` float32 [B, L, A], or [B, A, L] with channels first; a last column
// of error probabilities where `quality` is channel.
#include <ATen/Functions.h>

#include "deepbio/base/error.h"
#include "deepbio/data/encoder.h"

namespace deepbio::data {
namespace {

class OneHotReads : public ReadEncoder {
 public:
  OneHotReads(const seq::EncodeOptions& letters, seq::QualityForm quality)
      : letters_(letters),
        quality_(quality),
        num_letters_(seq::Alphabet(letters.sequence_type).size()) {}

  void fill(const ReadLetters& reads, ReadBatch& out) const override {
    seq::EncodeOptions options = letters_;
    options.record_indices = reads.records;
    options.epoch = reads.epoch;
    const bool is_complete = reads.qualities.size() == reads.letters.size();
    const bool is_channel = quality_ == seq::QualityForm::kChannel;
    // Qualities as a tensor of their own may be missing; as a channel they are part of the model's
    // input.
    if (is_channel && !is_complete) {
      throw ArgumentError("quality channel: expected qualities, a read has none (FASTA?)");
    }
    if (is_channel) {
      for (size_t i = 0; i < reads.letters.size(); ++i) check_size(reads, i);
      options.quality_channel = reads.qualities;
    }

    const seq::Encoded encoded = seq::encode_one_hot(reads.letters, options);
    out.sequences = encoded.values;
    out.lengths = encoded.lengths;
    if (is_channel || quality_ == seq::QualityForm::kNone || !is_complete) return;
    const int64_t width = out.sequences.size(letters_.channels_first ? 2 : 1);
    out.quality = seq::encode_quality(reads.qualities, width, quality_);
  }

  bool wants_qualities() const override { return quality_ != seq::QualityForm::kNone; }
  int64_t row_bytes(int64_t longest) const override { return (longest + 1) * 4 * num_letters_; }

 private:
  static void check_size(const ReadLetters& reads, size_t i) {
    if (reads.qualities[i].size() == reads.letters[i].size()) return;
    throw ArgumentError("quality channel: expected " + std::to_string(reads.letters[i].size()) +
                        " qualities, got " + std::to_string(reads.qualities[i].size()));
  }

  seq::EncodeOptions letters_;
  seq::QualityForm quality_;
  int64_t num_letters_;
};

}  // namespace

std::shared_ptr<const ReadEncoder> make_onehot(const EncoderOptions& options) {
  return std::make_shared<OneHotReads>(options.letters(), seq::parse_quality_form(options.quality));
}

}  // namespace deepbio::data
