// AAM's tokens: `input_ids` int64 [B, L], START first, then one id per base, padding 0; its mask is
// 1 on what is real.
#include <ATen/Functions.h>

#include <limits>

#include "deepbio/base/error.h"
#include "deepbio/data/encoder.h"

namespace deepbio::data {
namespace {

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

class AamReads : public ReadEncoder {
 public:
  explicit AamReads(const seq::EncodeOptions& letters) : letters_(letters) {}

  // pad_to and max_length count letters, so START makes a row one longer.
  void fill(const ReadLetters& reads, ReadBatch& out) const override {
    const int64_t max_bp = letters_.max_length > 0 ? letters_.max_length : kNoLimit;
    const seq::Encoded encoded = seq::encode_aam_tokens(reads.letters, max_bp);
    const int64_t width = encoded.values.size(1), missing = letters_.pad_to + 1 - width;
    if (letters_.pad_to > 0 && missing < 0) {
      throw ArgumentError("a read has " + std::to_string(width - 1) + " letters, pad_to is " +
                          std::to_string(letters_.pad_to) + "; set max_length to cut it");
    }
    out.input_ids = letters_.pad_to > 0
                        ? at::constant_pad_nd(encoded.values, {0, missing}, seq::kAamPad)
                        : encoded.values;
    out.lengths = encoded.lengths - 1;  // bp, as for every encoding
    // [1, L] against [B, 1]: real up to the length with START. A letter that is no base has the id
    // of padding, so the mask cannot be read from the ids.
    const at::Tensor columns = at::arange(out.input_ids.size(1));
    out.attention_mask = columns.unsqueeze(0).lt(encoded.lengths.unsqueeze(1)).to(at::kLong);
  }

  int64_t padding() const override { return seq::kAamPad; }
  int64_t row_bytes(int64_t longest) const override { return 16 * (longest + 1); }

 private:
  seq::EncodeOptions letters_;
};

}  // namespace

std::shared_ptr<const ReadEncoder> make_aam(const EncoderOptions& options) {
  if (options.sequence_type != "dna" || !(options.unknown.empty() || options.unknown == "zero")) {
    throw ArgumentError(
        "`encoding=tokens`: AAM's vocabulary is for DNA and gives other letters 0; leave out "
        "`sequence_type` and `unknown`, name a `tokenizer`, or use `encoding=integer`");
  }
  return std::make_shared<AamReads>(options.letters());
}

}  // namespace deepbio::data
