#include <ATen/Version.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <iostream>
#include <limits>
#include <memory>
#include <numeric>

#include "tools/command.h"
#include "tools/community_input.h"

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"
#include "deepbio/io/fastx.h"
#include "deepbio/io/safetensors.h"
#include "deepbio/seq/kmer.h"
#include "deepbio/seq/tokenizer_json.h"
#include "deepbio/seq/tokenizer_presets.h"

namespace deepbio::tools {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kShardBytes = int64_t{256} << 20;  // of values; bounds what reader and writer hold at a time
constexpr const char* kFormatName = "deepbio-encoded-reads";

struct EncodeCommand {
  std::vector<std::string> files;
  std::string output;
  std::string encoding = "onehot", sequence_type = "dna", unknown, tokenizer;
  int64_t max_length = 0, k = 6;
  bool canonical = false;
};

// What a shard holds of its reads. attention_mask: only where a tokenizer pads.
struct ShardTensors {
  at::Tensor values, lengths, attention_mask;
};

// How reads become the tensors of a shard, and how many bytes a row takes whose read has so many letters.
struct ShardEncoding {
  std::function<ShardTensors(std::span<const std::string_view> reads, int64_t first_record)> encode;
  std::function<int64_t(int64_t longest)> row_bytes;
  int64_t padding = 0;
};

// A folder under a temporary name, removed with all it holds unless it was committed.
class TemporaryOutput {
 public:
  explicit TemporaryOutput(const std::string& target) : target_(target), path_(io::temporary_name(target)) {
    std::error_code failure;
    if (!fs::create_directory(path_, failure)) {
      throw WriteError(target + ": the folder cannot be created beside it (" + failure.message() + ")");
    }
  }
  ~TemporaryOutput() {
    std::error_code ignored;
    if (!is_committed_) fs::remove_all(path_, ignored);
  }
  TemporaryOutput(const TemporaryOutput&) = delete;
  TemporaryOutput& operator=(const TemporaryOutput&) = delete;
  std::string operator/(const std::string& name) const { return (fs::path(path_) / name).string(); }

  // What stood at the target goes aside first: a folder with files cannot be renamed over.
  void commit() {
    std::string aside;
    if (fs::exists(target_) && !fs::is_empty(target_)) {
      aside = io::temporary_name(target_);
      fs::rename(target_, aside);
    }
    try {
      io::commit_temporary(path_, target_);
    } catch (...) {
      std::error_code ignored;
      if (!aside.empty()) fs::rename(aside, target_, ignored);
      throw;
    }
    is_committed_ = true;
    if (!aside.empty()) fs::remove_all(aside);
  }

 private:
  std::string target_, path_;
  bool is_committed_ = false;
};

// Encodes records in the order they come and writes a shard whenever the next record would make one too large.
class ShardWriter {
 public:
  ShardWriter(const TemporaryOutput& folder, ShardEncoding encoding, int64_t max_length)
      : folder_(folder), encoding_(std::move(encoding)), max_length_(max_length) {}

  void add(const io::Record& record) {
    auto length = static_cast<int64_t>(record.sequence.size());
    if (max_length_ > 0) length = std::min(length, max_length_);
    const int64_t longest = std::max(longest_, length);
    if (records_.size() > 0 && (records_.size() + 1) * encoding_.row_bytes(longest) > kShardBytes) flush();
    longest_ = std::max(longest_, length);
    ids_ += record.name + "\n";
    records_.append(record);
  }

  void flush() {
    if (records_.size() == 0) return;
    std::vector<std::string_view> reads;
    for (int64_t i = 0; i < records_.size(); ++i) reads.push_back(records_.sequence(i));
    const ShardTensors encoded = encoding_.encode(reads, num_records_);
    std::vector<io::TensorEntry> tensors{entry("values", encoded.values), entry("lengths", encoded.lengths)};
    if (encoded.attention_mask.defined()) tensors.push_back(entry("attention_mask", encoded.attention_mask));
    char name[32];
    std::snprintf(name, sizeof(name), "shard-%05zu.safetensors", shards_.size());
    io::write_safetensors(folder_ / name, tensors,
                          {{"format", kFormatName}, {"first_record", std::to_string(num_records_)}});
    shards_.push_back(Json(Json::Object{
        {"file", name}, {"num_records", records_.size()}, {"shape", Json::array_of(encoded.values.sizes().vec())}}));
    num_records_ += records_.size();
    longest_ = 0;
    records_ = {};
  }

  int64_t num_records() const { return num_records_; }
  int64_t padding() const { return encoding_.padding; }
  const std::string& ids() const { return ids_; }  // a line per record
  const Json::Array& shards() const { return shards_; }

 private:
  static io::TensorEntry entry(const char* name, const at::Tensor& tensor) {
    return {name, tensor.is_floating_point() ? "F32" : "I64", tensor.sizes().vec(), tensor.const_data_ptr(),
            static_cast<uint64_t>(tensor.nbytes())};
  }

  const TemporaryOutput& folder_;
  ShardEncoding encoding_;
  int64_t max_length_, longest_ = 0, num_records_ = 0;
  std::string ids_;
  io::RecordBatch records_;
  Json::Array shards_;
};

// Encoders of single letters and of k-mers, whose random letters go by the number of the record.
ShardEncoding letter_encoding(const EncodeCommand& command, const seq::EncodeOptions& given) {
  const int64_t size = seq::Alphabet(given.sequence_type).size();
  const std::string& name = command.encoding;
  seq::KmerOptions kmers{command.k, command.canonical, true, given};
  if (name == "kmer") seq::check_kmer_counts(kmers);
  int64_t num_kmers = 1;
  for (int64_t i = 0; name == "kmer" && i < command.k; ++i) num_kmers *= size;
  ShardEncoding out;
  out.encode = [name, kmers](std::span<const std::string_view> reads, int64_t first_record) mutable {
    std::vector<int64_t> numbers(reads.size());
    std::iota(numbers.begin(), numbers.end(), first_record);
    kmers.letters.record_indices = numbers;
    seq::Encoded encoded = name == "onehot"    ? seq::encode_one_hot(reads, kmers.letters)
                           : name == "integer" ? seq::encode_integers(reads, kmers.letters)
                                               : seq::encode_kmer_counts(reads, kmers);
    return ShardTensors{encoded.values, encoded.lengths, {}};
  };
  out.row_bytes = [name, size, num_kmers](int64_t longest) {
    if (name == "kmer") return 4 * num_kmers;
    return (longest + 1) * (name == "onehot" ? 4 * size : 8);
  };
  out.padding = name == "integer" ? -1 : 0;
  return out;
}

// Tokens of AAM, or of the tokenizer that was named: a file, or a preset.
ShardEncoding token_encoding(const EncodeCommand& command) {
  const int64_t max_length = command.max_length;
  if (command.tokenizer.empty()) {
    const auto encode = [max_length](std::span<const std::string_view> reads, int64_t) {
      const int64_t max_bp = max_length > 0 ? max_length : std::numeric_limits<int64_t>::max();
      seq::Encoded encoded = seq::encode_aam_tokens(reads, max_bp);
      return ShardTensors{encoded.values, encoded.lengths, {}};
    };
    return {encode, [](int64_t longest) { return 8 * (longest + 1); }, seq::kAamPad};
  }
  const std::vector<std::string> presets = seq::preset_names();
  const bool is_preset = std::find(presets.begin(), presets.end(), command.tokenizer) != presets.end();
  const bool is_file = command.tokenizer.find('/') != std::string::npos || fs::exists(command.tokenizer) ||
                       command.tokenizer.ends_with(".json");
  seq::TokenizerParts parts = !is_preset && is_file
                                  ? seq::read_tokenizer_json(io::read_all(command.tokenizer), command.tokenizer)
                                  : seq::tokenizer_preset(command.tokenizer);
  const auto tokenizer = std::make_shared<const seq::Tokenizer>(std::move(parts));
  const auto specials = static_cast<int64_t>(tokenizer->parts().before.size() + tokenizer->parts().after.size());
  const auto encode = [tokenizer, max_length](std::span<const std::string_view> reads, int64_t) {
    std::vector<std::string_view> kept(reads.begin(), reads.end());
    for (std::string_view& read : kept) {
      if (max_length > 0) read = read.substr(0, static_cast<size_t>(max_length));
    }
    seq::Tokenized tokens = tokenizer->encode_batch(kept);
    return ShardTensors{tokens.input_ids, tokens.lengths, tokens.attention_mask};
  };
  return {encode, [specials](int64_t longest) { return 16 * (longest + specials); }, tokenizer->parts().special.pad};
}

// Under "error" the letter is refused here, where file and record are known.
void check_letters(const io::Record& record, const seq::Alphabet& alphabet, int64_t max_length, Place place) {
  size_t end = record.sequence.size();
  if (max_length > 0) end = std::min(end, static_cast<size_t>(max_length));
  for (size_t i = 0; i < end; ++i) {
    if (alphabet.id(record.sequence[i]) >= 0) continue;
    throw ParseError(std::move(place), "one of " + std::string(alphabet.letters()),
                     quoted(record.sequence.substr(i, 1)) + " at position " + std::to_string(i + 1) + " of " +
                         quoted(record.name) + " (other letters are read with --unknown zero or random)",
                     ErrorKind::kAlphabet);
  }
}

// Refuses a folder whose content nobody asked to lose; even --overwrite replaces only what `encode` wrote.
void refuse_folder(const std::string& path, bool overwrite) {
  if (!fs::exists(path)) return;
  if (!fs::is_directory(path)) throw WriteError(path + ": expected a folder, got a file");
  if (fs::is_empty(path)) return;
  if (!overwrite) throw WriteError(path + ": the folder is not empty; choose another or use --overwrite");
  const std::string metadata = (fs::path(path) / "metadata.json").string();
  if (fs::exists(metadata)) {
    const Json json = Json::parse(io::read_all(metadata), metadata);
    const Json* format = json.is_object() ? json.find("format") : nullptr;
    if (format && *format == Json(kFormatName)) return;
  }
  throw WriteError(path + ": --overwrite replaces only a folder written by encode, this one holds something else");
}

seq::EncodeOptions encode_options(const EncodeCommand& command, const Shared& shared) {
  const bool is_tokens = command.encoding == "tokens";
  const bool refuses_unknown = command.encoding == "integer" || command.encoding == "kmer";
  seq::EncodeOptions options;
  options.sequence_type = seq::parse_sequence_type(command.sequence_type);
  options.unknown = refuses_unknown ? seq::UnknownLetter::kError : seq::UnknownLetter::kZero;
  if (!command.unknown.empty()) options.unknown = seq::parse_unknown_letter(command.unknown);
  options.max_length = command.max_length;
  options.seed = shared.seed;
  if (!is_tokens && !command.tokenizer.empty()) {
    throw ArgumentError("--tokenizer: expected --encoding tokens, got --encoding " + command.encoding);
  }
  if (is_tokens && !command.tokenizer.empty()) {
    if (!command.unknown.empty()) throw ArgumentError("--unknown: a tokenizer has its own token for unknown letters");
  } else if (is_tokens &&
             (options.sequence_type != seq::SequenceType::kDna || options.unknown != seq::UnknownLetter::kZero)) {
    throw ArgumentError(
        "--encoding tokens: AAM's vocabulary is for DNA and gives other letters 0; leave out --type "
        "and --unknown, name a --tokenizer, or use --encoding integer");
  }
  return options;
}

// Reads one file into shards; its line in metadata.json.
Json encode_file(const std::string& path, const seq::EncodeOptions& options, ShardWriter& shards) {
  const seq::Alphabet alphabet(options.sequence_type);
  io::FastxReader reader(path, {.open = reading_options()});
  int64_t num_records = 0, num_bases = 0;
  for (io::Record record; !interrupted() && reader.next(record); ++num_records) {
    if (options.unknown == seq::UnknownLetter::kError) {
      check_letters(record, alphabet, options.max_length, {path, num_records});
    }
    num_bases += static_cast<int64_t>(record.sequence.size());
    shards.add(record);
  }
  return Json(Json::Object{{"path", path},
                           {"format", std::string(io::to_string(reader.format()))},
                           {"num_records", num_records},
                           {"num_bases", num_bases}});
}

Json metadata_json(const EncodeCommand& command, const seq::EncodeOptions& options, const Json::Array& sources,
                   const ShardWriter& shards) {
  constexpr const char* kPolicies[] = {"zero", "error", "random", "iupac"};
  Json json = Json::object();
  json.set("format", kFormatName);
  json.set("format_version", 1);
  json.set("versions", Json(Json::Object{{"deepbio", DEEPBIO_VERSION}, {"torch", TORCH_VERSION}}));
  json.set("encoding", command.encoding);
  json.set("sequence_type", command.sequence_type);
  json.set("unknown", kPolicies[static_cast<int>(options.unknown)]);
  json.set("max_length", options.max_length);
  json.set("seed", std::to_string(options.seed));
  if (command.encoding == "kmer") {
    json.set("k", command.k);
    json.set("canonical", command.canonical);
  }
  if (!command.tokenizer.empty()) json.set("tokenizer", command.tokenizer);
  json.set("padding", shards.padding());
  json.set("num_records", shards.num_records());
  json.set("sources", sources);
  json.set("shards", shards.shards());
  return json;
}

int run_encode(const EncodeCommand& command, const Shared& shared) {
  const seq::EncodeOptions options = encode_options(command, shared);
  std::string target = fs::path(command.output).lexically_normal().string();
  while (target.size() > 1 && target.ends_with('/')) target.pop_back();
  refuse_folder(target, shared.overwrite);
  for (const std::string& path : command.files) {
    if (path != "-" && !fs::exists(path)) io::open_bytes(path);  // a missing file is told before any work
  }
  TemporaryOutput folder(target);
  ShardWriter shards(folder, command.encoding == "tokens" ? token_encoding(command) : letter_encoding(command, options),
                     options.max_length);
  Json::Array sources;
  for (const std::string& path : command.files) sources.push_back(encode_file(path, options, shards));
  if (interrupted()) return 128 + interrupt_signal();
  shards.flush();
  const Json metadata = metadata_json(command, options, sources, shards);
  io::write_file(folder / "ids.txt", shards.ids());
  io::write_file(folder / "metadata.json", metadata.dump(2) + "\n");
  folder.commit();
  say(shared, std::to_string(shards.num_records()) + " reads in " + std::to_string(shards.shards().size()) +
                  " shards written to " + target);
  if (shared.json) std::cout << metadata.dump() << "\n";
  return 0;
}

}  // namespace

std::function<int()> setup_encode(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<EncodeCommand>();
  app.add_option("FILE", command->files, "FASTA or FASTQ files, plain or gzip, - for stdin")->required();
  app.add_option("-o,--output", command->output,
                 "Folder for shard-*.safetensors (values, lengths), ids.txt and metadata.json")
      ->required();
  app.add_option("--encoding", command->encoding,
                 "onehot: float32 [B, L, A]; integer: int64 [B, L], padding -1; kmer: counts float32 [B, A^k]; "
                 "tokens: int64 [B, L], ids of --tokenizer, or AAM's (START first, padding 0)")
      ->check(CLI::IsMember({"onehot", "integer", "kmer", "tokens"}))
      ->capture_default_str();
  app.add_option("--k", command->k, "Letters of a k-mer (A^k at most 2^24)")->capture_default_str();
  app.add_flag("--canonical", command->canonical, "A k-mer and its reverse complement count as one");
  app.add_option("--tokenizer", command->tokenizer,
                 "A Hugging Face tokenizer.json, or the name of a preset such as dnabert-6");
  app.add_option("--type", command->sequence_type, "Letters: dna, rna or protein")
      ->check(CLI::IsMember({"dna", "rna", "protein"}))
      ->capture_default_str();
  app.add_option(
         "--unknown", command->unknown,
         "Letters outside the alphabet: zero, error, random, iupac (onehot: zero unless given; integer, kmer: error)")
      ->check(CLI::IsMember({"zero", "error", "random", "iupac"}));
  app.add_option("--max-length", command->max_length, "Letters kept of each read, from its start (0: all)")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  return [command, &shared] { return run_encode(*command, shared); };
}

}  // namespace deepbio::tools
