#include "deepbio/data/haplotypes.h"

#include <ATen/Functions.h>

#include <algorithm>

#include "catch.h"
#include "data/small_genome.h"

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/data/genome.h"

using namespace deepbio;
using namespace deepbio::data;

namespace {

const std::string kChromosome = "ACGTTGCAACGGTTCATGAT";

std::shared_ptr<const io::TwoBitFile> genome() {
  static const auto found = std::make_shared<const io::TwoBitFile>(
      genome_of(">chr1\n" + kChromosome + "\n>chr2\nACGT\n"));
  return found;
}

io::Variants variants_of(const std::string& rows, const std::vector<std::string>& samples = {}) {
  const test::TemporaryFolder folder;
  test::write_text(folder / "v.vcf",
                   "##fileformat=VCFv4.2\n"
                   "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tone\ttwo\n" +
                       rows);
  return io::Variants::read(folder / "v.vcf", {.is_passing = false, .samples = samples});
}

std::string row(const std::string& place, const std::string& alleles, const std::string& one,
                const std::string& two = "0|0") {
  return place + "\t.\t" + alleles + "\t.\tPASS\t.\tGT\t" + one + "\t" + two + "\n";
}

std::string letters_of(const Haplotypes& haplotypes, const HaplotypeWindow& window,
                       bool is_reversed = false) {
  static const io::BaseSymbols letters({'A', 'C', 'G', 'T', 'N'});
  std::string out(static_cast<size_t>(window.size), '-');
  haplotypes.decode(window, is_reversed, letters, 'N', out.data());
  return out;
}

std::string whole(const std::string& rows, int64_t copy) {
  const Haplotypes haplotypes(genome(), "g.fa", variants_of(rows));
  const std::string out = letters_of(haplotypes, {copy, 0, 0, 60});
  return out.substr(0, out.find('N'));
}

// A letter of a copy, and where it stands in the genome.
using Letters = std::vector<std::pair<char, int64_t>>;

std::string reverse_complement(std::string letters) {
  std::reverse(letters.begin(), letters.end());
  for (char& letter : letters) {
    const size_t place = std::string_view("ACGT").find(letter);
    if (place != std::string_view::npos) letter = "TGCA"[place];
  }
  return letters;
}

}  // namespace

CATCH_TEST_CASE("each copy has the alleles of its genotypes", "[haplotypes]") {
  const std::string rows = row("chr1\t3", "G\tA,GTT", "0|1", "2|1") +
                           row("chr1\t5", "TGC\tT", "1|0", ".|1") + row("chr2\t1", "A\tT", "1|1");
  CATCH_REQUIRE(whole(rows, 0) == "ACGTTAACGGTTCATGAT");
  CATCH_REQUIRE(whole(rows, 1) == "ACATTGCAACGGTTCATGAT");
  CATCH_REQUIRE(whole(rows, 2) == "ACGTTTTGCAACGGTTCATGAT");
  CATCH_REQUIRE(whole(rows, 3) == "ACATTAACGGTTCATGAT");
  const Haplotypes second(genome(), "g.fa", variants_of(rows, {"two"}));
  CATCH_REQUIRE(second.size() == 2);
  CATCH_REQUIRE(letters_of(second, {0, 0, 0, 8}) == "ACGTTTTG");
  CATCH_REQUIRE(letters_of(second, {0, 1, 0, 6}) == "ACGTNN");
}

CATCH_TEST_CASE("the first of alleles that overlap is taken, and the others are counted",
                "[haplotypes]") {
  const std::pair<std::string, std::string> cases[] = {
      {row("chr1\t2", "CGT\tC", "1|1") + row("chr1\t3", "G\tA", "1|1"), "ACTGCAACGGTTCATGAT"},
      {row("chr1\t2", "C\tT", "1|1") + row("chr1\t2", "CGT\tC", "1|1"), "ATTGCAACGGTTCATGAT"},
      {row("chr1\t2", "C\tCAA", "1|1") + row("chr1\t2", "CGT\tC", "1|1"), "ACAAGTTGCAACGGTTCATGAT"},
      {row("chr1\t2", "CGT\tC", "1|1") + row("chr1\t4", "T\tTAA", "1|1"), "ACAATGCAACGGTTCATGAT"},
      {row("chr1\t2", "C\tCAA", "1|1") + row("chr1\t3", "G\tT", "1|1"), "ACAATTTGCAACGGTTCATGAT"},
      // Order in the file is free.
      {row("chr1\t5", "T\tA", "1|1") + row("chr1\t3", "GTT\tG", "1|1"), "ACGGCAACGGTTCATGAT"},
  };
  for (const auto& [rows, expected] : cases) {
    CATCH_CAPTURE(rows);
    CATCH_REQUIRE(whole(rows, 0) == expected);
  }
  CATCH_REQUIRE(
      Haplotypes(genome(), "g.fa", variants_of(cases[0].first)).notes() ==
      std::vector<std::string>{"2 alleles left out of a copy: they overlap with the one before"});
}

CATCH_TEST_CASE("a window is cut out of a copy by its first position in the genome",
                "[haplotypes]") {
  const std::string rows = row("chr1\t3", "GT\tCAAA", "1|0") + row("chr1\t7", "CAAC\tC", "1|0") +
                           row("chr1\t13", "T\tTGGG", "1|0") + row("chr1\t18", "G\tA", "1|0");
  const Haplotypes haplotypes(genome(), "g.fa", variants_of(rows));
  Letters copy;  // by hand: letters that an insertion brings stand where the one before does
  const auto add = [&](const std::string& letters, std::vector<int64_t> at) {
    for (size_t i = 0; i < letters.size(); ++i) copy.emplace_back(letters[i], at[i]);
  };
  add("ACCAAATG", {0, 1, 2, 3, 3, 3, 4, 5});
  add("CGGT", {6, 10, 11, 12});
  add("GGGTCATAAT", {12, 12, 12, 13, 14, 15, 16, 17, 18, 19});
  for (int64_t start = -3; start < 22; ++start) {
    Letters from;
    for (int64_t i = start; i < 0; ++i) from.emplace_back('N', i);
    bool is_inside = start <= 0;
    for (size_t i = 0; i < copy.size(); ++i) {
      const bool is_inserted = i > 0 && copy[i].second == copy[i - 1].second;
      // The second of the four letters CAAA is that of the second base, T.
      is_inside = is_inside || (copy[i].second >= start && !is_inserted);
      if (is_inside) from.push_back(copy[i]);
    }
    for (int64_t i = std::max<int64_t>(20, start); from.size() < 30; ++i) from.emplace_back('N', i);
    for (const size_t size : {1, 5, 30}) {
      const HaplotypeWindow window{0, 0, start, static_cast<int64_t>(size)};
      std::string letters;
      std::vector<int64_t> at, found(size);
      for (size_t i = 0; i < size; ++i) {
        letters += from[i].first;
        at.push_back(from[i].second);
      }
      CATCH_CAPTURE(start, size);
      CATCH_REQUIRE(letters_of(haplotypes, window) == letters);
      CATCH_REQUIRE(letters_of(haplotypes, window, true) == reverse_complement(letters));
      haplotypes.positions(window, found);
      CATCH_REQUIRE(found == at);
    }
  }
}

CATCH_TEST_CASE("windows of a genome come once for each copy, tracks with them", "[haplotypes]") {
  const test::TemporaryFolder folder;
  std::string track;
  for (int i = 0; i < 20; ++i)
    track += "chr1\t" + std::to_string(i) + "\t" + std::to_string(i + 1) + "\t" +
             std::to_string(i) + "\n";
  test::write_text(folder / "t.bedgraph", track);
  const auto variants =
      variants_of(row("chr1\t7", "CAA\tC", "1|0") + row("chr1\t9", "A\tAGG", "0|1"), {"one"});
  for (const bool is_reversed : {false, true}) {
    WindowPlaces places;
    for (const int64_t start : {4, 0}) {
      places.chromosome.push_back(0);
      places.starts.push_back(start);
      places.is_reversed.push_back(is_reversed ? 1 : 0);
      places.interval.push_back(0);
    }
    GenomeOptions options;
    options.window = 8;
    options.haplotypes = std::make_shared<Haplotypes>(genome(), "g.fa", variants);
    const GenomeWindows windows(genome(), places, options,
                                {io::open_track(folder / "t.bedgraph", false)});
    CATCH_REQUIRE(windows.size() == 4);
    const std::vector<int64_t> indices{0, 1, 3};
    std::vector<std::string> letters{"TGCCGGTT", "TGCAAGGC", "ACGTTGCA"};
    std::vector<std::vector<float>> values{
        {4, 5, 6, 9, 10, 11, 12, 13}, {4, 5, 6, 7, 8, 8, 8, 9}, {0, 1, 2, 3, 4, 5, 6, 7}};
    if (is_reversed) {
      for (std::string& each : letters) each = reverse_complement(each);
      for (auto& each : values) std::reverse(each.begin(), each.end());
    }
    CATCH_REQUIRE(windows.letters(indices) == letters);
    const WindowBatch batch = windows.batch(indices);
    for (size_t i = 0; i < indices.size(); ++i) {
      const float* const found = batch.targets[static_cast<int64_t>(i)].const_data_ptr<float>();
      CATCH_REQUIRE(std::vector<float>(found, found + 8) == values[i]);
      const at::Tensor one_hot = batch.reads.sequences[static_cast<int64_t>(i)];
      for (int64_t at = 0; at < 8; ++at)
        CATCH_REQUIRE("ACGT"[one_hot.select(1, at).argmax().item<int64_t>()] ==
                      letters[i][static_cast<size_t>(at)]);
    }
  }
}

CATCH_TEST_CASE("what genotypes do not say is counted", "[haplotypes]") {
  const auto variants =
      variants_of(row("chr1\t3", "G\tA", "./.", "1") + row("chr1\t5", "T\t<DEL>,C", "1/2", "1/1") +
                  row("chr1\t7", "C\tT", "0|.", "0/1"));
  CATCH_REQUIRE(Haplotypes(genome(), "g.fa", variants).notes() ==
                std::vector<std::string>{
                    "left out 1: a symbolic allele",
                    "2 genotypes with an allele that was not called: the reference stays there",
                    "2 genotypes without a phase: the first allele is that of the first copy",
                    "1 genotypes of one allele: the second copy keeps the reference"});
}

CATCH_TEST_CASE("haplotypes of another genome are refused or left out", "[haplotypes]") {
  const auto variants = variants_of(row("chr1\t3", "T\tA", "1|1") + row("chr1\t5", "T\tA", "1|1"));
  CATCH_REQUIRE_THROWS_WITH(
      Haplotypes(genome(), "g.fa", variants),
      Catch::Contains("v.vcf: line 3: expected the reference allele 'G', as g.fa has at chr1:3"));
  const Haplotypes skipped(genome(), "g.fa", variants, {.on_mismatch = ReferenceMismatch::kSkip});
  CATCH_REQUIRE(letters_of(skipped, {0, 0, 0, 6}) == "ACGTAG");
  GenomeOptions options;
  options.window = 4;
  options.soft_mask = SoftMask::kLower;
  options.haplotypes = std::make_shared<Haplotypes>(skipped);
  CATCH_REQUIRE_THROWS_WITH(GenomeWindows(genome(), {}, options),
                            Catch::Contains("soft_mask: expected ignore beside haplotypes"));
}
