// Encodes sequences as tensors. Axes: B reads, L positions, A letters.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/seq/alphabet.h"

namespace deepbio::seq {

struct EncodeOptions {
  SequenceType sequence_type = SequenceType::kDna;
  UnknownLetter unknown = UnknownLetter::kZero;
  int64_t pad_to = 0;           // L; 0 pads to the longest read
  int64_t max_length = 0;       // longer reads lose their tail; 0 keeps all
  bool channels_first = false;  // one-hot [B, A, L] instead of [B, L, A]
  // Of integers: kLong, kFloat, or kByte, where 255 stands for -1.
  at::ScalarType dtype = at::kLong;
  // One-hot: a last column (A + 1 in all) with the probability that the letter is wrong, 10^(-score
  // / 10).
  std::span<const std::string_view> quality_channel;
  // For UnknownLetter::kRandom, whose draws depend on (seed, epoch, record index):
  uint64_t seed = 0, epoch = 0;
  std::span<const int64_t> record_indices;  // of each read; empty: 0, 1, ...
};

struct Encoded {
  at::Tensor values;
  at::Tensor lengths;  // [B] int64, letters kept of each read
};

// One-hot letters.
//   returns  values float32 [B, L, A] (or [B, A, L]); padding and unknown letters are zero rows
//            (policy kZero)
//   throws   ArgumentError with letter, 1-based position and the expected set (policy kError), or
//            when a read is longer than pad_to
Encoded encode_one_hot(std::span<const std::string_view> reads, const EncodeOptions& options = {});
// Ids of letters. throws as encode_one_hot, and for the policy kIupac.
//   returns  values [B, L] of options.dtype; padding -1; unknown letters -1 under kZero
Encoded encode_integers(std::span<const std::string_view> reads, const EncodeOptions& options = {});
// AAM tokens: START then one token per base, at most max_bp bases, padded with 0.
//   returns  values int64 [B, L], L = 1 + longest kept read; lengths count START too
// source: aam.md 1.3 (there any other letter becomes 0 too and hides as padding)
Encoded encode_aam_tokens(std::span<const std::string_view> reads, int64_t max_bp = 150);
// What a quality byte becomes. Padding is 0, and -1 for integers.
enum class QualityForm {
  kNone,         // nothing: no tensor
  kPhred,        // float32 score, byte - 33
  kProbability,  // float32 probability that the letter is wrong, 10^(-score / 10)
  kInteger,      // int64 score
  kChannel,      // EncodeOptions::quality_channel instead of a tensor
};
// "none" "phred" "probability" "integer" "channel"
QualityForm parse_quality_form(std::string_view name);
// returns  [B, L]; throws ArgumentError for kNone and kChannel
at::Tensor encode_quality(std::span<const std::string_view> qualities, int64_t length,
                          QualityForm form = QualityForm::kPhred);

// The sequence with each base paired and the order reversed; other letters by their IUPAC
// complement, case kept.
std::string reverse_complement(std::string_view sequence, SequenceType type = SequenceType::kDna);

}  // namespace deepbio::seq
