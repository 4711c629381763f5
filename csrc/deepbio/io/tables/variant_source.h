// Records of variants one after another, as VCF text and BCF both give them.
//
// What is wrong with a field is said where it stands: VCF with line, byte and column, BCF with
// record and byte. Views live until the next record. Private to `vcf`. Threads: belongs to one
// thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/io/bytes/text_window.h"

namespace deepbio::io {

// In place of the number of an allele: none was called; the sample has one copy only.
inline constexpr int32_t kNoCall = -1, kNoCopy = -2;

struct VariantRecord {
  std::string_view chromosome, id, reference;  // "." for no id
  std::vector<std::string_view> alternatives;  // one "." where there is none
  int64_t position = 0;                        // of the first base, from 0
  bool is_passed = true;                       // FILTER is PASS or says nothing
  // Of the chosen samples, two each: 0 for the reference, 1 for the first alternative, ...
  std::vector<int32_t> genotypes;
  std::vector<char> is_phased;  // of each sample
};

enum class VariantField {
  kChromosome,
  kPosition,
  kId,
  kReference,
  kAlternative,
  kQuality,
  kFilter,
  kInfo
};

class VariantSource {
 public:
  virtual ~VariantSource() = default;
  // False at the end. throws ParseError.
  virtual bool next(VariantRecord& out) = 0;
  // A fault of the record that was read last. got: a view into it.
  [[noreturn]] virtual void fail(VariantField field, const std::string& expected,
                                 std::string_view got) const = 0;
  // There are no records.
  [[noreturn]] virtual void fail_empty() const = 0;
  // Of the record: the line of a text, else its number, counted from 0.
  virtual int64_t place() const = 0;
  virtual bool has_lines() const = 0;
  // At the end: what is odd about the file, though no error.
  virtual std::string warning() const = 0;
  // Whose genotypes the records have.
  const std::vector<std::string>& samples() const { return samples_; }

 protected:
  // Which columns are read. wanted: names; empty: all; nothing: no genotypes.
  //   throws ArgumentError with the nearest name
  void choose_samples(const std::string& path, const std::vector<std::string_view>& known,
                      const std::optional<std::vector<std::string>>& wanted);

  struct Column {
    size_t number = 0;  // among the samples of the file
    size_t sample = 0;  // among the chosen ones
  };
  std::vector<Column> columns_;  // in the order of the file

 private:
  std::vector<std::string> samples_;
};

using ChosenSamples = std::optional<std::vector<std::string>>;
std::unique_ptr<VariantSource> open_vcf(std::unique_ptr<TextWindow> window,
                                        const ChosenSamples& samples);
std::unique_ptr<VariantSource> open_bcf(std::unique_ptr<TextWindow> window,
                                        const ChosenSamples& samples);
// By what the file begins with. throws MissingFileError, ParseError.
std::unique_ptr<VariantSource> open_variants(const std::string& path, const ChosenSamples& samples);

}  // namespace deepbio::io
