#include "deepbio/data/encoder.h"

#include <algorithm>
#include <vector>

#include "deepbio/base/error.h"

namespace deepbio::data {

// Each in the file of its name under encoders/.
std::shared_ptr<const ReadEncoder> make_onehot(const EncoderOptions& options);
std::shared_ptr<const ReadEncoder> make_integer(const EncoderOptions& options);
std::shared_ptr<const ReadEncoder> make_kmer(const EncoderOptions& options);
std::shared_ptr<const ReadEncoder> make_aam(const EncoderOptions& options);
std::shared_ptr<const ReadEncoder> make_tokenizer(const EncoderOptions& options);

namespace {

// `tokens` has two rows, told apart by whether a tokenizer is named.
constexpr EncoderKind kKinds[] = {
    {"onehot", false, false, "float32 [B, L, A]", &make_onehot},
    {"integer", false, true, "int64 [B, L], padding -1", &make_integer},
    {"kmer", false, true, "counts float32 [B, A^k]", &make_kmer},
    {"tokens", false, false, "int64 [B, L], AAM's (START first, padding 0)", &make_aam},
    {"tokens", true, false, "int64 [B, L], ids of `tokenizer`", &make_tokenizer},
};

std::vector<std::string> encoding_names() {
  std::vector<std::string> names;
  for (const EncoderKind& kind : kKinds) {
    if (std::find(names.begin(), names.end(), kind.encoding) == names.end())
      names.emplace_back(kind.encoding);
  }
  return names;
}

std::string encoding_help() {
  std::string help;
  for (const EncoderKind& kind : kKinds) {
    help += (help.empty() ? "What a read becomes: " : "; ") + std::string(kind.encoding) + ": " +
            kind.description;
  }
  return help;
}

at::ScalarType parse_dtype(const std::string& name) {
  if (name == "int64") return at::kLong;
  if (name == "float32") return at::kFloat;
  if (name == "uint8") return at::kByte;
  throw ArgumentError("dtype: expected int64, float32 or uint8, got " + quoted(name));
}

}  // namespace

ReadEncoder::~ReadEncoder() = default;

OptionRows EncoderOptions::rows() {
  return {
      {"encoding", &encoding, encoding_help(), one_of(encoding_names())},
      {"k", &k, "Letters of a k-mer (A^k at most 2^24)", at_least(1)},
      {"canonical", &canonical, "A k-mer and its reverse complement count as one"},
      {"tokenizer", &tokenizer,
       "A Hugging Face tokenizer.json, or the name of a preset such as dnabert-6"},
      OptionRow{"sequence_type", &sequence_type, "Letters of the alphabet",
                one_of({"dna", "rna", "protein"})}
          .also("type"),
      {"unknown", &unknown,
       "Letters outside the alphabet (onehot: zero unless given; integer, kmer: error)",
       one_of({"zero", "error", "random", "iupac"})},
      {"max_length", &max_length, "Letters kept of each read, from its start (0: all)",
       at_least(0)},
  };
}

seq::EncodeOptions EncoderOptions::letters() const {
  seq::EncodeOptions out;
  out.sequence_type = seq::parse_sequence_type(sequence_type);
  // One-hot rows and AAM's vocabulary have a way to say "unknown"; numbers and k-mers have none,
  // and a wrong letter there is more likely a wrong file.
  out.unknown =
      kind_of(*this).refuses_unknown ? seq::UnknownLetter::kError : seq::UnknownLetter::kZero;
  if (!unknown.empty()) out.unknown = seq::parse_unknown_letter(unknown);
  out.max_length = max_length;
  out.pad_to = pad_to;
  out.channels_first = channels_first;
  out.dtype = parse_dtype(dtype);
  out.seed = seed;
  return out;
}

std::span<const EncoderKind> encoder_kinds() { return kKinds; }

const EncoderKind& kind_of(const EncoderOptions& options) {
  const bool has_tokenizer = !options.tokenizer.empty();
  const EncoderKind* of_name = nullptr;
  for (const EncoderKind& kind : kKinds) {
    if (options.encoding != kind.encoding) continue;
    if (kind.takes_tokenizer == has_tokenizer) return kind;
    of_name = &kind;
  }
  if (of_name != nullptr) {
    throw ArgumentError(
        "`tokenizer`: expected `encoding=tokens`, got `encoding=" + options.encoding + "`");
  }
  // The message comes from the option's row, so that shell and Python say the same.
  EncoderOptions any;
  const OptionRows rows = any.rows();
  throw ArgumentError("`encoding`: " +
                      find_option(rows, "encoding")->problem(Json(options.encoding)));
}

std::shared_ptr<const ReadEncoder> make_encoder(const EncoderOptions& options) {
  const EncoderKind& kind = kind_of(options);
  // The default cannot be told from the same value given: it does no harm.
  const bool has_k = options.k != EncoderOptions().k;
  if ((has_k || options.canonical) && kind.make != &make_kmer) {
    throw ArgumentError(std::string(has_k ? "`k`" : "`canonical`") +
                        ": has no effect with `encoding=" + options.encoding + "`; leave it out");
  }
  return kind.make(options);
}

}  // namespace deepbio::data
