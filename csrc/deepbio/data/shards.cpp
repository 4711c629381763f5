#include "deepbio/data/shards.h"

#include <ATen/core/Tensor.h>
#include <torch/headeronly/version.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <numeric>

#include "deepbio/base/error.h"
#include "deepbio/base/version.h"
#include "deepbio/io/tables/safetensors.h"

namespace deepbio::data {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kShardBytes = int64_t{256}
                                << 20;  // of values; bounds what reader and writer hold at a time
constexpr const char* kFormatName = "deepbio-encoded-reads";
constexpr int64_t kFormatVersion = 3;

io::TensorEntry entry(const char* name, const at::Tensor& tensor) {
  return {name, tensor.is_floating_point() ? "F32" : "I64", tensor.sizes().vec(),
          tensor.const_data_ptr(), static_cast<uint64_t>(tensor.nbytes())};
}

// Encodes records in the order they come and writes a shard whenever the next record would make one
// too large.
class ShardWriter {
 public:
  ShardWriter(const io::OutputFolder& folder, std::shared_ptr<const ReadEncoder> encoder,
              int64_t max_length)
      : folder_(folder), encoder_(std::move(encoder)), max_length_(max_length) {}

  void add(const io::Record& record) {
    auto length = static_cast<int64_t>(record.sequence.size());
    if (max_length_ > 0) length = std::min(length, max_length_);
    const int64_t longest = std::max(longest_, length);
    // Rows are as wide as the longest read of a shard, so that one long read could make a shard of
    // many short ones too large. One record always fits: it is a shard alone, if need be.
    if (records_.size() > 0 && (records_.size() + 1) * encoder_->row_bytes(longest) > kShardBytes)
      flush();
    longest_ = std::max(longest_, length);
    ids_ += record.name + "\n";
    records_.append(record);
  }

  void flush() {
    if (records_.size() == 0) return;
    const ReadBatch batch = encoded();
    const at::Tensor values =
        (batch.sequences.defined() ? batch.sequences : batch.input_ids).contiguous();
    std::vector<io::TensorEntry> tensors{entry("values", values), entry("lengths", batch.lengths)};
    if (batch.attention_mask.defined())
      tensors.push_back(entry("attention_mask", batch.attention_mask));

    char name[32];
    std::snprintf(name, sizeof(name), "shard-%05zu.safetensors", shards_.size());
    io::write_safetensors(
        folder_ / name, tensors,
        {{"format", kFormatName}, {"first_record", std::to_string(num_records_)}});
    shards_.push_back(Json(Json::Object{{"file", name},
                                        {"num_records", records_.size()},
                                        {"shape", Json::array_of(values.sizes().vec())}}));
    num_records_ += records_.size();
    longest_ = 0;
    records_ = {};
  }

  int64_t num_records() const { return num_records_; }
  const std::string& ids() const { return ids_; }  // a line per record
  const Json::Array& shards() const { return shards_; }

 private:
  ReadBatch encoded() const {
    std::vector<std::string_view> reads;
    for (int64_t i = 0; i < records_.size(); ++i) reads.push_back(records_.sequence(i));
    std::vector<int64_t> numbers(reads.size());
    // Numbered over all files, as a dataset of them numbers its reads: random letters are the same.
    std::iota(numbers.begin(), numbers.end(), num_records_);
    ReadBatch out;
    encoder_->fill({reads, {}, numbers, /*epoch=*/0}, out);
    return out;
  }

  const io::OutputFolder& folder_;
  std::shared_ptr<const ReadEncoder> encoder_;
  int64_t max_length_, longest_ = 0, num_records_ = 0;
  std::string ids_;
  io::RecordBatch records_;
  Json::Array shards_;
};

// Under "error" the letter is refused here, where file and record are known.
void check_letters(const io::Record& record, const seq::Alphabet& alphabet, int64_t max_length,
                   Place place) {
  size_t end = record.sequence.size();
  if (max_length > 0) end = std::min(end, static_cast<size_t>(max_length));
  for (size_t i = 0; i < end; ++i) {
    if (alphabet.id(record.sequence[i]) >= 0) continue;
    throw ParseError(std::move(place), "one of " + std::string(alphabet.letters()),
                     quoted(record.sequence.substr(i, 1)) + " at position " +
                         std::to_string(i + 1) + " of " + quoted(record.name) +
                         " (other letters are read with `unknown=zero` or random)",
                     ErrorKind::kAlphabet);
  }
}

// Refuses a folder whose content nobody asked to lose; even `overwrite` replaces only what was
// written here.
void refuse_folder(const std::string& path, bool overwrite) {
  if (!fs::exists(path)) return;
  if (!fs::is_directory(path)) throw WriteError(path + ": expected a folder, got a file");
  if (fs::is_empty(path)) return;
  if (!overwrite)
    throw WriteError(path + ": the folder is not empty; choose another or use `overwrite`");
  const std::string metadata = (fs::path(path) / "metadata.json").string();
  if (fs::exists(metadata)) {
    const Json json = Json::parse(io::read_all(metadata), metadata);
    const Json* format = json.is_object() ? json.find("format") : nullptr;
    if (format != nullptr && *format == Json(kFormatName)) return;
  }
  throw WriteError(
      path +
      ": `overwrite` replaces only a folder of encoded reads, this one holds something else");
}

// Reads one file into shards; its line in metadata.json.
Json encode_file(const std::string& path, const io::FastxOptions& reading,
                 const ShardOptions& options, ShardWriter& shards) {
  const seq::EncodeOptions letters = options.encoder.letters();
  const seq::Alphabet alphabet(letters.sequence_type);
  io::FastxReader reader(path, reading);
  int64_t num_records = 0, num_bases = 0;
  for (io::Record record; !options.is_interrupted() && reader.next(record); ++num_records) {
    if (letters.unknown == seq::UnknownLetter::kError) {
      check_letters(record, alphabet, options.encoder.max_length, {path, num_records});
    }
    num_bases += static_cast<int64_t>(record.sequence.size());
    shards.add(record);
  }
  Json source(Json::Object{{"path", path},
                           {"format", std::string(io::to_string(reader.format()))},
                           {"num_records", num_records},
                           {"num_bases", num_bases}});
  const std::vector<std::string> warnings = reader.report().warnings;
  if (!warnings.empty()) source.set("warnings", Json::array_of(warnings));
  return source;
}

Json metadata_json(const EncoderOptions& options, const ReadEncoder& encoder,
                   const Json::Array& sources, const ShardWriter& shards) {
  // In the order of seq::UnknownLetter. The policy that was used is written, not "" for the
  // default.
  constexpr const char* kPolicies[] = {"zero", "error", "random", "iupac"};
  Json json = Json::object();
  json.set("format", kFormatName);
  json.set("format_version", kFormatVersion);
  json.set("versions",
           Json(Json::Object{{"deepbio", std::string(version())}, {"torch", TORCH_VERSION}}));
  json.set("encoding", options.encoding);
  json.set("sequence_type", options.sequence_type);
  json.set("unknown", kPolicies[static_cast<int>(options.letters().unknown)]);
  json.set("max_length", options.max_length);
  // As text: a JSON number is a double in most readers, which has no room for 64 bits.
  json.set("seed", std::to_string(options.seed));
  if (options.encoding == "kmer") {
    json.set("k", options.k);
    json.set("canonical", options.canonical);
  }
  if (!options.tokenizer.empty()) json.set("tokenizer", options.tokenizer);
  json.set("padding", encoder.padding());
  json.set("num_records", shards.num_records());
  json.set("sources", sources);
  json.set("shards", shards.shards());
  return json;
}

}  // namespace

Json write_shards(const std::vector<std::string>& paths, const std::string& folder,
                  const ShardOptions& options) {
  const std::shared_ptr<const ReadEncoder> encoder = make_encoder(options.encoder);
  std::string target = fs::path(folder).lexically_normal().string();
  // The folder is written under a temporary name beside it, which "folder/" would put inside.
  while (target.size() > 1 && target.ends_with('/')) target.pop_back();
  refuse_folder(target, options.overwrite);
  for (const std::string& path : paths) {
    if (path != "-" && !fs::exists(path))
      io::open_bytes(path);  // a missing file is told before any work
  }

  io::OutputFolder output(target);
  ShardWriter shards(output, encoder, options.encoder.max_length);
  // As in a dataset, one empty file among many is a note.
  const io::FastxOptions reading{.open = options.open, .allow_empty = paths.size() > 1};
  Json::Array sources;
  for (const std::string& path : paths) {
    sources.push_back(encode_file(path, reading, options, shards));
  }
  // OutputFolder removes what it has written unless it is committed.
  if (options.is_interrupted()) return {};
  shards.flush();

  const Json metadata = metadata_json(options.encoder, *encoder, sources, shards);
  io::write_file(output / "ids.txt", shards.ids());
  // Last: a folder with it is complete.
  io::write_file(output / "metadata.json", metadata.dump(2) + "\n");
  output.commit();
  return metadata;
}

}  // namespace deepbio::data
