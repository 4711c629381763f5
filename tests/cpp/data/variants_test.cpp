#include "deepbio/data/variants.h"

#include <ATen/Functions.h>

#include "catch.h"
#include "data/small_genome.h"

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"

using namespace deepbio;
using namespace deepbio::data;

namespace {

const std::string kLetters = "ACGTTGCAACGGTTCANGAT";

std::shared_ptr<const io::TwoBitFile> reference_genome() {
  static const auto found =
      std::make_shared<const io::TwoBitFile>(genome_of(">chr1\n" + kLetters + "\n>chr2\nACGT\n"));
  return found;
}

struct Row {
  std::string chromosome;
  int64_t position;  // from 1
  std::string reference, alternative;
};

VariantWindows windows_of(const std::vector<Row>& rows, VariantOptions options) {
  std::vector<std::string> chromosomes, references, alternatives;
  std::vector<int64_t> positions;
  for (const Row& row : rows) {
    chromosomes.push_back(row.chromosome);
    positions.push_back(row.position);
    references.push_back(row.reference);
    alternatives.push_back(row.alternative);
  }
  auto variants = std::make_shared<const io::Variants>(
      io::Variants::from_values("variants", chromosomes, positions, references, alternatives, {}));
  return {reference_genome(), "g.fa", variants, std::move(options)};
}

// The alternative put into the whole chromosome, and the window cut out of it.
std::string by_hand(const Row& row, int64_t window, bool is_alternative) {
  const auto position = static_cast<size_t>(row.position - 1);
  const std::string pad(static_cast<size_t>(window) + 20, 'N');
  const std::string& allele = is_alternative ? row.alternative : row.reference;
  const std::string whole = pad + kLetters.substr(0, position) + allele +
                            kLetters.substr(position + row.reference.size()) + pad;
  return whole.substr(pad.size() + position - static_cast<size_t>(window / 2),
                      static_cast<size_t>(window));
}

}  // namespace

CATCH_TEST_CASE("windows are those of a chromosome with the allele put in", "[variants]") {
  CounterRandom random{1, 0, 0, Purpose::kAugmentation};
  std::vector<Row> rows;
  for (int64_t position = 1; position <= static_cast<int64_t>(kLetters.size()); ++position) {
    for (size_t size = 1; size <= 4 && static_cast<size_t>(position) - 1 + size <= kLetters.size();
         ++size) {
      const std::string reference = kLetters.substr(static_cast<size_t>(position) - 1, size);
      std::string alternative;
      const auto length = 1 + random.below(9);
      for (uint64_t i = 0; i < length; ++i) alternative += "ACGT"[random.below(4)];
      if (alternative != reference) rows.push_back({"chr1", position, reference, alternative});
    }
  }
  for (const int64_t window : {1, 2, 7, 40}) {
    const VariantWindows windows = windows_of(rows, {.window = window});
    CATCH_REQUIRE(windows.size() == static_cast<int64_t>(rows.size()));
    for (int64_t i = 0; i < windows.size(); ++i) {
      const Row& row = rows[static_cast<size_t>(i)];
      CATCH_CAPTURE(window, row.position, row.reference, row.alternative);
      CATCH_REQUIRE(windows.letters(i, false) == by_hand(row, window, false));
      CATCH_REQUIRE(windows.letters(i, true) == by_hand(row, window, true));
    }
  }
}

CATCH_TEST_CASE("a batch holds the encoded letters of both windows", "[variants]") {
  EncoderOptions integers;
  integers.encoding = "integer";
  integers.unknown = "zero";
  VariantOptions options{.window = 6};
  options.encoding.encoder = make_encoder(integers);
  const VariantWindows windows =
      windows_of({{"chr1", 4, "T", "TA"}, {"chr2", 2, "C", "G"}}, options);
  const VariantBatch batch = windows.batch(std::vector<int64_t>{1, 0, 1});
  CATCH_REQUIRE(batch.reference.index == std::vector<int64_t>{1, 0, 1});
  CATCH_REQUIRE(batch.reference.sequences.sizes() == at::IntArrayRef{3, 6});
  CATCH_REQUIRE(at::equal(batch.reference.sequences[0], batch.reference.sequences[2]));
  CATCH_REQUIRE_FALSE(at::equal(batch.reference.sequences, batch.alternative.sequences));
  CATCH_REQUIRE_THROWS_AS(windows.batch(std::vector<int64_t>{2}), ArgumentError);
}

CATCH_TEST_CASE("reference alleles are those of the genome, or an error, or left out",
                "[variants]") {
  const std::vector<Row> rows{{"chr1", 1, "A", "C"}, {"chr1", 2, "G", "T"}, {"chr1", 17, "N", "A"}};
  CATCH_REQUIRE_THROWS_WITH(windows_of(rows, {.window = 5}),
                            "variants: record 1: expected the reference allele 'C', as g.fa has at "
                            "chr1:2, got 'G' (`reference_mismatch=skip` leaves it out)");
  VariantOptions skipping{.window = 5};
  skipping.on_mismatch = ReferenceMismatch::kSkip;
  const VariantWindows windows = windows_of(rows, skipping);
  CATCH_REQUIRE(windows.size() == 2);
  CATCH_REQUIRE(windows.num_mismatches() == 1);
  CATCH_REQUIRE(windows.notes() ==
                std::vector<std::string>{"left out 1: another reference allele than the genome's"});
  CATCH_REQUIRE(windows.variant(1).reference == "N");
}

CATCH_TEST_CASE("chromosomes are known, matched, or chosen", "[variants]") {
  const std::vector<Row> rows{{"1", 1, "A", "C"}, {"2", 1, "A", "C"}};
  CATCH_REQUIRE_THROWS_WITH(windows_of(rows, {.window = 5}),
                            "variants: record 0: expected a chromosome of g.fa, got '1'; "
                            "`chromosome_names=match` takes it for 'chr1'");
  VariantOptions options{.window = 5};
  options.names = ChromosomeNames::kMatch;
  CATCH_REQUIRE(windows_of(rows, options).chromosome_name(1) == "chr2");
  options.chromosomes = {"chr2"};
  const VariantWindows one = windows_of(rows, options);
  CATCH_REQUIRE(one.size() == 1);
  CATCH_REQUIRE(one.chromosome(0) == 1);
  CATCH_REQUIRE(one.notes().size() == 1);
  options.chromosomes = {"chr3"};
  CATCH_REQUIRE_THROWS_AS(windows_of(rows, options), ArgumentError);
  CATCH_REQUIRE_THROWS_WITH(
      windows_of({{"chr2", 4, "TA", "T"}}, {.window = 5}),
      Catch::Contains("a reference allele within the 4 bases of 'chr2', got one that ends at 5"));
  CATCH_REQUIRE_THROWS_AS(windows_of(rows, {.window = 0}), ArgumentError);
}
