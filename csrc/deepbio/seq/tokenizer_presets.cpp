// Vocabularies that follow from a rule, built instead of downloaded. The order of the tokens is
// that of each model's published files, since ids are what the weights were trained on.
#include "deepbio/seq/tokenizer_presets.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/seq/alphabet.h"

namespace deepbio::seq {
namespace {

using Make = std::function<TokenizerParts(bool upper_case)>;
struct Preset {
  std::string name;
  Make make;
};

// Vocabularies that were trained: only their files know them.
constexpr const char* kDownloaded[] = {"dnabert-2", "dnabert-s", "gena-lm", "grover", "metagene-1"};

// Adds special tokens in the order of their ids, from the next free id on. Texts may hold them:
// <mask>.
void add_specials(TokenizerParts& parts, const std::vector<std::string>& names) {
  parts.finds_added = true;
  for (const std::string& name : names) {
    const auto id = static_cast<int32_t>(parts.tokens.size());
    parts.tokens.push_back(name);
    AddedToken token;
    token.content = name;
    token.id = id;
    parts.added.push_back(token);
  }
}

int32_t id_of(const TokenizerParts& parts, std::string_view name) {
  const auto found = std::find(parts.tokens.begin(), parts.tokens.end(), name);
  return found == parts.tokens.end() ? -1 : static_cast<int32_t>(found - parts.tokens.begin());
}

// Adds a token per letter and a model that reads them; `fold` for lower case too.
void add_letters(TokenizerParts& parts, std::string_view letters, int32_t unknown, bool fold) {
  LetterIds ids;
  ids.fill(unknown);
  for (const char letter : letters) {
    const auto id = static_cast<int32_t>(parts.tokens.size());
    parts.tokens.emplace_back(1, letter);
    ids[static_cast<unsigned char>(letter)] = id;
    if (fold)
      ids[static_cast<unsigned char>(std::tolower(static_cast<unsigned char>(letter)))] = id;
  }
  parts.model = make_letter_model(ids);
}

// All k-mers in the order that `letters` gives, the first letter changing slowest.
void add_kmers(TokenizerParts& parts, int64_t k, std::string_view letters) {
  int64_t count = 1;
  for (int64_t i = 0; i < k; ++i) count *= static_cast<int64_t>(letters.size());
  for (int64_t number = 0; number < count; ++number) {
    std::string kmer(static_cast<size_t>(k), ' ');
    int64_t rest = number;
    for (auto letter = kmer.rbegin(); letter != kmer.rend(); ++letter) {
      *letter = letters[static_cast<size_t>(rest) % letters.size()];
      rest /= static_cast<int64_t>(letters.size());
    }
    parts.tokens.push_back(std::move(kmer));
  }
}

TokenizerParts dnabert(int64_t k, bool upper_case) {
  TokenizerParts parts;
  add_specials(parts, {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"});
  parts.special = {.pad = 0, .unk = 1, .cls = 2, .sep = 3, .mask = 4};
  parts.before = {2};
  parts.after = {3};
  KmerTokens kmers;
  kmers.k = k;
  kmers.letters = "ATCG";
  kmers.first_id = 5;
  kmers.unknown_id = 1;
  kmers.fold_case = upper_case;
  parts.model = make_kmer_model(kmers);
  add_kmers(parts, k, kmers.letters);
  parts.joining = Joining::kOverlap;
  parts.max_length = 512;
  return parts;
}

TokenizerParts nucleotide_transformer(int version, bool upper_case) {
  TokenizerParts parts;
  add_specials(parts, {"<unk>", "<pad>", "<mask>", "<cls>"});
  if (version == 2) add_specials(parts, {"<eos>", "<bos>"});
  KmerTokens kmers;
  kmers.letters = "ATCG";
  kmers.first_id = static_cast<int32_t>(parts.tokens.size());
  kmers.unknown_id = 0;
  kmers.fold_case = upper_case;
  // Six letters a token, without overlap: the model's 6-mers.
  kmers.side_by_side = true;
  kmers.single.fill(0);
  add_kmers(parts, kmers.k, kmers.letters);
  for (const char letter : std::string_view("ATCGN")) {
    const auto id = static_cast<int32_t>(parts.tokens.size());
    parts.tokens.emplace_back(1, letter);
    kmers.single[static_cast<unsigned char>(letter)] = id;
    if (upper_case) kmers.single[static_cast<unsigned char>(letter) | 0x20] = id;
  }
  parts.model = make_kmer_model(kmers);
  // The first version has these two after its k-mers, the second before them.
  if (version == 1) add_specials(parts, {"<eos>", "<bos>"});
  parts.special = {.pad = 1,
                   .unk = 0,
                   .cls = 3,
                   .mask = 2,
                   .bos = id_of(parts, "<bos>"),
                   .eos = id_of(parts, "<eos>")};
  parts.before = {3};
  parts.max_length = version == 1 ? 1000 : 2048;
  return parts;
}

TokenizerParts hyenadna(bool upper_case) {
  TokenizerParts parts;
  add_specials(parts, {"[CLS]", "[SEP]", "[BOS]", "[MASK]", "[PAD]", "[RESERVED]", "[UNK]"});
  parts.special = {.pad = 4, .unk = 6, .cls = 0, .sep = 1, .mask = 3, .bos = 2, .eos = 1};
  add_letters(parts, "ACGTN", 6, upper_case);
  parts.after = {1};
  // A causal model reads from left to right: padding on the left keeps the end of the text last.
  parts.padding_side = Side::kLeft;
  return parts;
}

// Ids are the bytes themselves; 0 ends a text and 1 pads.
TokenizerParts evo() {
  TokenizerParts parts;
  constexpr int32_t kSize = 512;
  LetterIds ids;
  for (int32_t byte = 0; byte < 256; ++byte) ids[static_cast<size_t>(byte)] = byte;
  add_specials(parts, {"<eod>", "<pad>"});
  for (int32_t id = 2; id < kSize; ++id) {
    // Names for the vocabulary only: ids above 255 never come from a text.
    const bool is_printable = id > ' ' && id < 0x7F;
    parts.tokens.push_back(is_printable ? std::string(1, static_cast<char>(id))
                                        : "<" + std::to_string(id) + ">");
  }
  parts.model = make_letter_model(ids);
  parts.finds_added = false;  // a text is any bytes
  parts.special = {.pad = 1, .bos = 0, .eos = 0};
  return parts;
}

TokenizerParts esm(bool upper_case) {
  TokenizerParts parts;
  add_specials(parts, {"<cls>", "<pad>", "<eos>", "<unk>"});
  // The order of ESM's alphabet, which goes roughly by how frequent amino acids are.
  add_letters(parts, "LAGVSERTIDPKQNFYMHWCXBUZO.-", 3, upper_case);
  add_specials(parts, {"<null_1>", "<mask>"});
  // M K V is MKV.
  parts.pre_tokenizer = PreTokenizer::from_json(Json::parse(R"({"type": "WhitespaceSplit"})"));
  parts.special = {.pad = 1, .unk = 3, .cls = 0, .mask = 32, .eos = 2};
  parts.before = {0};
  parts.after = {2};
  parts.max_length = 1024;
  return parts;
}

// Our own: five specials, then the alphabet.
TokenizerParts ours(SequenceType type) {
  TokenizerParts parts;
  add_specials(parts, {"[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]"});
  parts.special = {.pad = 0, .unk = 4, .cls = 1, .sep = 2, .mask = 3};
  const Alphabet alphabet(type);
  LetterIds ids;
  for (int byte = 0; byte < 256; ++byte) {
    const int id = alphabet.id(static_cast<char>(byte));
    ids[static_cast<size_t>(byte)] = id < 0 ? 4 : 5 + id;
  }
  for (const char letter : alphabet.letters()) parts.tokens.emplace_back(1, letter);
  parts.model = make_letter_model(ids);
  parts.before = {1};
  parts.after = {2};
  return parts;
}

TokenizerParts aam() {
  TokenizerParts parts;
  LetterIds ids;
  for (int byte = 0; byte < 256; ++byte)
    ids[static_cast<size_t>(byte)] = static_cast<int32_t>(aam_token(static_cast<char>(byte)));
  add_specials(parts, {"[PAD]"});
  for (const char letter : std::string_view("ACGT")) parts.tokens.emplace_back(1, letter);
  add_specials(parts, {"[START]", "[MASK]"});
  parts.special = {.pad = 0, .mask = 6, .bos = 5};
  parts.before = {5};
  parts.model = make_letter_model(ids);
  return parts;
}

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = [] {
    std::vector<Preset> out;
    for (int64_t k = 3; k <= 6; ++k) {
      out.push_back({"dnabert-" + std::to_string(k),
                     [k](bool upper_case) { return dnabert(k, upper_case); }});
    }
    out.push_back({"nucleotide-transformer-v1",
                   [](bool upper_case) { return nucleotide_transformer(1, upper_case); }});
    out.push_back({"nucleotide-transformer-v2",
                   [](bool upper_case) { return nucleotide_transformer(2, upper_case); }});
    out.push_back({"hyenadna", hyenadna});
    out.push_back({"caduceus", [](bool) { return hyenadna(true); }});
    out.push_back({"evo", [](bool) { return evo(); }});
    out.push_back({"esm2", esm});
    out.push_back({"aam", [](bool) { return aam(); }});
    for (const SequenceType type :
         {SequenceType::kDna, SequenceType::kRna, SequenceType::kProtein}) {
      out.push_back(
          {"deepbio-" + std::string(to_string(type)), [type](bool) { return ours(type); }});
    }
    return out;
  }();
  return all;
}

}  // namespace

std::vector<std::string> preset_names() {
  std::vector<std::string> out;
  for (const Preset& preset : presets()) out.push_back(preset.name);
  return out;
}

TokenizerParts tokenizer_preset(std::string_view given, const PresetOptions& options) {
  std::string name(given);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  // Before the look-up: "dnabert-2" is a model, not k = 2.
  for (const char* downloaded : kDownloaded) {
    if (name != downloaded && !name.starts_with(std::string(downloaded) + "-")) continue;
    throw ArgumentError(
        "tokenizer preset " + quoted(name) +
        ": its vocabulary was trained and is not part of this library; download the model's "
        "tokenizer.json and read that file");
  }
  for (const Preset& preset : presets()) {
    if (preset.name != name) continue;
    TokenizerParts parts = preset.make(options.upper_case);
    parts.name = preset.name;
    return parts;
  }
  const std::string nearest = nearest_name(name, preset_names());
  std::string known;
  for (const std::string& each : preset_names()) known += (known.empty() ? "" : ", ") + each;
  throw ArgumentError("tokenizer preset: expected one of " + known + ", got " + quoted(given) +
                      (nearest.empty() ? "" : "; did you mean " + nearest + "?"));
}

}  // namespace deepbio::seq
