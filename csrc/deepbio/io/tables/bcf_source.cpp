// BCF (2.1 and 2.2) as records. A file is a header, which is that of VCF as text, and records of
// two parts: what all samples share, and values of each sample. Lengths, types, numbers of names
// and alleles are checked; INFO and values of samples other than GT are passed over by their
// framing. source: https://samtools.github.io/hts-specs/VCFv4.3.pdf, section 6
#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/bytes.h"
#include "deepbio/io/tables/variant_source.h"

namespace deepbio::io {
namespace {

constexpr size_t kHeadBytes = 9, kSizesBytes = 8;  // magic and length of the text; of a record
constexpr size_t kFixedBytes = 24;                 // of a record before its id
constexpr uint32_t kMostText = uint32_t{1} << 30;
enum Type : unsigned { kNone = 0, kInt8 = 1, kInt16 = 2, kInt32 = 3, kFloat = 5, kChar = 7 };

size_t bytes_of(unsigned type) {
  switch (type) {
    case kInt8:
    case kChar:
      return 1;
    case kInt16:
      return 2;
    case kInt32:
    case kFloat:
      return 4;
    default:
      return 0;
  }
}

uint32_t u32_at(std::string_view bytes, size_t at) {
  uint32_t out = 0;
  for (size_t i = 4; i-- > 0;) out = out << 8 | static_cast<unsigned char>(bytes[at + i]);
  return out;
}

// A whole number of 1, 2 or 4 bytes with its sign.
int32_t int_at(std::string_view bytes, size_t size) {
  uint32_t out = 0;
  for (size_t i = size; i-- > 0;) out = out << 8 | static_cast<unsigned char>(bytes[i]);
  const auto unused = static_cast<unsigned>(32 - 8 * size);
  return static_cast<int32_t>(out << unused) >> unused;
}

// The value of a key in ##contig=<ID=chr1,length=9>; nothing where it has none. Marks inside of
// quotes count for nothing.
std::optional<std::string_view> value_of(std::string_view line, std::string_view key) {
  const size_t open = line.find('<');
  if (open == std::string_view::npos) return std::nullopt;
  bool is_quoted = false;
  size_t begin = open + 1;
  for (size_t i = begin; i < line.size(); ++i) {
    if (is_quoted && line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      is_quoted = !is_quoted;
    } else if (!is_quoted && (line[i] == ',' || line[i] == '>')) {
      const std::string_view part = line.substr(begin, i - begin);
      if (part.size() > key.size() && part.starts_with(key) && part[key.size()] == '=')
        return part.substr(key.size() + 1);
      begin = i + 1;
    }
  }
  return std::nullopt;
}

// Names by their numbers: that of the header (IDX), or the next one.
class Dictionary {
 public:
  // False for a number that is none, or too large.
  bool add(std::string_view name, std::optional<std::string_view> number) {
    constexpr size_t kMost = size_t{1} << 24;
    size_t at = names_.size();
    if (number) {
      at = 0;
      if (number->empty() || number->size() > 8) return false;
      for (const char digit : *number) {
        if (digit < '0' || digit > '9') return false;
        at = 10 * at + static_cast<size_t>(digit - '0');
      }
    } else if (numbers_.contains(std::string(name))) {
      return true;
    }
    if (at >= kMost) return false;
    if (at >= names_.size()) names_.resize(at + 1);
    names_[at] = name;
    numbers_[std::string(name)] = at;
    return true;
  }
  // "" when nothing has this number.
  std::string_view at(int64_t number) const {
    const bool is_known = number >= 0 && number < static_cast<int64_t>(names_.size());
    return is_known ? std::string_view(names_[static_cast<size_t>(number)]) : "";
  }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, size_t> numbers_;
};

// A typed value, or what each sample has of one.
struct Typed {
  unsigned type = kNone;
  uint64_t count = 0;
  std::string_view bytes;
};

class BcfSource : public VariantSource {
 public:
  BcfSource(std::unique_ptr<TextWindow> window, const ChosenSamples& samples)
      : window_(std::move(window)) {
    words_.add("PASS", std::nullopt);
    read_header(samples);
  }

  bool next(VariantRecord& out) override {
    begin();
    if (!has(1)) return false;
    ++number_;
    need(kSizesBytes, "the rest of a BCF record");
    const uint64_t shared = u32_at(window_->text(), 0), of_samples = u32_at(window_->text(), 4);
    if (shared < kFixedBytes)
      fail_at(0, "a BCF record of at least 24 bytes", std::to_string(shared));
    if (shared > kMostText || of_samples > kMostText)
      fail_at(0, "a BCF record of at most 1 GiB", "a longer one");
    size_ = kSizesBytes + static_cast<size_t>(shared + of_samples);
    need(size_, "the rest of a BCF record");
    record_ = window_->text().substr(0, size_);
    take(out, kSizesBytes + static_cast<size_t>(shared));
    return true;
  }

  [[noreturn]] void fail(VariantField field, const std::string& expected,
                         std::string_view got) const override {
    static constexpr std::array<const char*, 8> kNames = {"CHROM", "POS",  "ID",     "REF",
                                                          "ALT",   "QUAL", "FILTER", "INFO"};
    fail_at(static_cast<size_t>(got.data() - record_.data()),
            "in " + std::string(kNames[static_cast<size_t>(field)]) + " " + expected,
            quoted(got, 40));
  }
  [[noreturn]] void fail_empty() const override { fail_at(0, "variants", "none"); }
  int64_t place() const override { return number_; }
  bool has_lines() const override { return false; }
  std::string warning() const override { return window_->source().warning(); }

 private:
  [[noreturn]] void fail_at(size_t at, const std::string& expected, const std::string& got) const {
    throw ParseError({window_->source().path(), std::max<int64_t>(number_, 0), -1,
                      window_->offset() + static_cast<int64_t>(at)},
                     expected, got, ErrorKind::kStructure);
  }

  // Whether so many bytes follow.
  bool has(size_t size) {
    while (window_->text().size() < size) {
      if (!window_->more()) return false;
    }
    return true;
  }

  void need(size_t size, const char* what) {
    if (!has(size)) fail_at(window_->text().size(), what, "the end of the file");
  }

  // Leaves the record before.
  void begin() {
    window_->drop(size_);
    size_ = 0;
  }

  void read_header(const ChosenSamples& samples) {
    constexpr const char* kRest = "the rest of the BCF header";
    need(kHeadBytes, kRest);
    const char minor = window_->text()[4];
    if (minor != 1 && minor != 2)
      fail_at(4, "BCF 2.1 or 2.2", "BCF 2." + std::to_string(static_cast<unsigned char>(minor)));
    const uint32_t size = u32_at(window_->text(), 5);
    if (size > kMostText) fail_at(5, "a header of at most 1 GiB", std::to_string(size) + " bytes");
    need(kHeadBytes + size, kRest);
    std::string_view text = window_->text().substr(kHeadBytes, size);
    text = text.substr(0, text.find('\0'));
    if (!text.starts_with("##fileformat=VCFv4"))
      fail_at(kHeadBytes, "##fileformat=VCFv4", quoted(text.substr(0, text.find('\n')), 40));
    std::vector<std::string_view> names;
    bool is_whole = false;
    while (!text.empty() && !is_whole) {
      const std::string_view line = text.substr(0, text.find('\n'));
      is_whole = line.starts_with("#CHROM");
      if (is_whole) names = names_of(line);
      if (!take_line(line))
        fail_at(static_cast<size_t>(line.data() - window_->text().data()),
                "a line of the header with an ID", quoted(line, 60));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
    if (!is_whole)
      fail_at(kHeadBytes + size, "a header with the line #CHROM", "the end of the header");
    num_samples_ = names.size();
    choose_samples(window_->source().path(), names, samples);
    size_ = kHeadBytes + size;
  }

  // Sample names of the line of column names.
  static std::vector<std::string_view> names_of(std::string_view line) {
    constexpr size_t kColumnsBefore = 9;
    std::vector<std::string_view> out;
    if (line.ends_with('\r')) line.remove_suffix(1);
    for (size_t i = 0; !line.empty(); ++i) {
      const size_t end = std::min(line.find('\t'), line.size());
      if (i >= kColumnsBefore) out.push_back(line.substr(0, end));
      line.remove_prefix(std::min(end + 1, line.size()));
    }
    return out;
  }

  bool take_line(std::string_view line) {
    const bool is_contig = line.starts_with("##contig=<");
    const bool is_word = line.starts_with("##FILTER=<") || line.starts_with("##INFO=<") ||
                         line.starts_with("##FORMAT=<");
    if (!is_contig && !is_word) return true;
    const auto name = value_of(line, "ID");
    if (!name || name->empty()) return false;
    return (is_contig ? chromosomes_ : words_).add(*name, value_of(line, "IDX"));
  }

  void take(VariantRecord& out, size_t end_of_shared) {
    const auto chromosome = static_cast<int32_t>(u32_at(record_, 8));
    out.chromosome = chromosomes_.at(chromosome);
    if (out.chromosome.empty())
      fail_at(8, "the number of a chromosome of the header", std::to_string(chromosome));
    out.position = static_cast<int32_t>(u32_at(record_, 12));
    if (out.position < 0)
      fail_at(12, "in POS a position, a whole number from 1", std::to_string(out.position + 1));
    const uint32_t counts = u32_at(record_, 24), of_samples = u32_at(record_, 28);
    if ((of_samples & 0xffffff) != num_samples_)
      fail_at(28, std::to_string(num_samples_) + " samples, as the header has",
              std::to_string(of_samples & 0xffffff));
    at_ = kSizesBytes + kFixedBytes;
    end_ = end_of_shared;
    out.id = take_text();
    if (out.id.empty()) out.id = ".";
    take_alleles(counts >> 16, out);
    take_filter(out);
    for (uint32_t i = 0; i < (counts & 0xffff); ++i) {
      take_word();
      take_typed();
    }
    if (at_ != end_) fail_at(at_, "the end of what samples share", "more");
    end_ = size_;
    take_samples(of_samples >> 24, out);
    if (at_ != end_) fail_at(at_, "the end of the record", "more");
  }

  void take_alleles(uint32_t count, VariantRecord& out) {
    if (count == 0) fail_at(26, "at least one allele", "0");
    out.reference = take_text();
    out.alternatives.clear();
    for (uint32_t i = 1; i < count; ++i) out.alternatives.push_back(take_text());
    if (count == 1) out.alternatives.emplace_back(".");
  }

  void take_filter(VariantRecord& out) {
    const Typed filters = take_typed();
    if (filters.type == kFloat || filters.type == kChar)
      fail_at(at_, "numbers of filters", "another type");
    out.is_passed = true;
    const size_t size = bytes_of(filters.type);
    for (size_t i = 0; i < filters.bytes.size(); i += size) {
      const int32_t number = int_at(filters.bytes.substr(i), size);
      if (words_.at(number).empty())
        fail_at(at_, "the number of a filter of the header", std::to_string(number));
      out.is_passed = out.is_passed && number == 0;
    }
  }

  void take_samples(uint32_t num_values, VariantRecord& out) {
    if (!columns_.empty()) {
      out.genotypes.assign(2 * columns_.size(), kNoCall);
      out.is_phased.assign(columns_.size(), 1);
    }
    for (uint32_t i = 0; i < num_values; ++i) {
      const std::string_view name = take_word();
      const size_t start = at_;
      const Typed values = take_values(num_samples_);
      if (name == "GT" && !columns_.empty()) take_genotypes(values, start, out);
    }
  }

  // A number of two times (allele + 1), and one more when it is phased; what ends a shorter
  // genotype is the number after the least.
  void take_genotypes(const Typed& values, size_t start, VariantRecord& out) const {
    const size_t size = bytes_of(values.type);
    const auto most = static_cast<int32_t>(out.alternatives.size());
    if (values.type == kFloat || values.type == kChar || values.count > 2 || values.count == 0)
      fail_at(start, "genotypes of one or two alleles", std::to_string(values.count) + " values");
    const int64_t end_mark = 1 - (int64_t{1} << (8 * size - 1));
    for (const Column& column : columns_) {
      const std::string_view cell = values.bytes.substr(column.number * size * values.count);
      for (size_t copy = 0; copy < 2; ++copy) {
        int32_t& allele = out.genotypes[2 * column.sample + copy];
        const int32_t value = copy < values.count ? int_at(cell.substr(copy * size), size) : 0;
        const bool is_end = copy >= values.count || value == end_mark;
        allele = is_end ? kNoCopy : value < 2 ? kNoCall : (value >> 1) - 1;
        if (allele > most)
          fail_at(
              static_cast<size_t>(cell.data() - record_.data()),
              "alleles of 0 to " + std::to_string(most) + " of " + quoted(samples()[column.sample]),
              std::to_string(allele));
        if (copy == 1 && !is_end) out.is_phased[column.sample] = static_cast<char>(value & 1);
      }
    }
  }

  // The name of a filter, an INFO or a FORMAT.
  std::string_view take_word() {
    const size_t start = at_;
    const Typed value = take_typed();
    const bool is_number = value.count == 1 && value.type >= kInt8 && value.type <= kInt32;
    const int32_t number = is_number ? int_at(value.bytes, bytes_of(value.type)) : -1;
    const std::string_view out = words_.at(number);
    if (out.empty()) fail_at(start, "the number of a name of the header", std::to_string(number));
    return out;
  }

  std::string_view take_text() {
    const size_t start = at_;
    const Typed value = take_typed();
    if (value.type != kChar && value.count > 0) fail_at(start, "text", "another type");
    return value.bytes;
  }

  Typed take_typed() { return take_values(1); }

  Typed take_values(uint64_t num_rows) {
    const size_t start = at_;
    if (at_ >= end_) fail_at(at_, "a typed value", "the end of the record");
    const unsigned mark = static_cast<unsigned char>(record_[at_++]);
    Typed out{mark & 15U, mark >> 4U, {}};
    if (out.count == 15) {
      const bool is_one = at_ < end_ && static_cast<unsigned char>(record_[at_]) >> 4U == 1;
      if (!is_one) fail_at(at_, "the number of values", "none");
      const Typed count = take_typed();
      const bool is_number = count.count == 1 && count.type >= kInt8 && count.type <= kInt32;
      const int32_t number = is_number ? int_at(count.bytes, bytes_of(count.type)) : -1;
      if (number < 0) fail_at(start, "the number of values", "none");
      out.count = static_cast<uint64_t>(number);
    }
    if (bytes_of(out.type) == 0 && (out.type != kNone || out.count != 0))
      fail_at(start, "a type of 1, 2, 3, 5 or 7", std::to_string(out.type));
    const uint64_t size = num_rows * out.count * bytes_of(out.type);
    if (size > end_ - at_)
      fail_at(start, "at most " + std::to_string(end_ - at_) + " bytes of values",
              std::to_string(size));
    out.bytes = record_.substr(at_, static_cast<size_t>(size));
    at_ += static_cast<size_t>(size);
    return out;
  }

  std::unique_ptr<TextWindow> window_;
  Dictionary words_, chromosomes_;
  std::string_view record_;
  size_t num_samples_ = 0;
  size_t size_ = 0;          // of the header or record that is at the front of the window
  size_t at_ = 0, end_ = 0;  // in the record
  int64_t number_ = -1;
};

}  // namespace

std::unique_ptr<VariantSource> open_bcf(std::unique_ptr<TextWindow> window,
                                        const ChosenSamples& samples) {
  return std::make_unique<BcfSource>(std::move(window), samples);
}

}  // namespace deepbio::io
