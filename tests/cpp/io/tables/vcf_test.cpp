#include "deepbio/io/tables/vcf.h"

#include "catch.h"
#include "io/bytes/gzip_text.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

const std::string kHead =
    "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";

Variants read(const std::string& text, const VcfOptions& options = {}) {
  const test::TemporaryFolder folder;
  test::write_text(folder / "v.vcf", text);
  return Variants::read(folder / "v.vcf", options);
}

std::vector<std::string> items(const Variants& variants) {
  std::vector<std::string> out;
  for (int64_t i = 0; i < variants.size(); ++i) {
    const Variant each = variants.at(i);
    out.push_back(variants.names()[static_cast<size_t>(each.chromosome)] + ":" +
                  std::to_string(each.position) + " " + std::string(each.id) + " " +
                  std::string(each.reference) + ">" + std::string(each.alternative) + " of " +
                  std::to_string(each.num_alternatives));
  }
  return out;
}

std::string message_of(const std::string& text) {
  try {
    read(text);
  } catch (const ParseError& error) {
    const std::string message = error.what();
    return message.substr(message.find("v.vcf"));
  }
  return "";
}

}  // namespace

CATCH_TEST_CASE("a variant is an item for each alternative allele", "[vcf]") {
  const std::string text = kHead +
                           "chr2\t5\trs1\tA\tg\t.\tPASS\t.\n"
                           "chr1\t10\t.\tAC\tA,ACGT\t30\tq10\tX=1\n"
                           "chr2\t5\trs2\tN\tT\t.\t.\t.";
  const std::vector<std::string> expected{"chr2:4 rs1 A>G of 1", "chr1:9 . AC>A of 2",
                                          "chr1:9 . AC>ACGT of 2", "chr2:4 rs2 N>T of 1"};
  for (const std::string& bytes :
       {text, text + "\n", test::gzip_text(text), test::bgzf_text(text, 50)})
    CATCH_REQUIRE(items(read(bytes)) == expected);
  CATCH_REQUIRE(read(text).names() == std::vector<std::string>{"chr2", "chr1"});

  const Variants passing = read(text, {true});
  CATCH_REQUIRE(items(passing) == std::vector{expected[0], expected[3]});
  CATCH_REQUIRE(passing.left_out() == std::map<std::string, int64_t>{{"a filter", 2}});
}

CATCH_TEST_CASE("genotypes and line ends of Windows are passed over", "[vcf]") {
  const std::string text =
      "##fileformat=VCFv4.5\r\n"
      "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts1\ts2\r\n"
      "1\t7\t.\tC\tT\t.\t.\t.\tGT\t0|1\t./.\r\n";
  CATCH_REQUIRE(items(read(text)) == std::vector<std::string>{"1:6 . C>T of 1"});
}

CATCH_TEST_CASE("genotypes are those of the samples that were asked for", "[vcf]") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "v.vcf",
                   "##fileformat=VCFv4.5\n"
                   "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\tc\n"
                   "1\t7\t.\tC\tT,G\t.\t.\t.\tDP:GT\t9:0|1\t9:./.\t9:2\n"
                   "1\t8\t.\tA\tT\t.\t.\t.\tDP\t9\t9\t.\n"
                   "1\t9\t.\tA\tT\t.\tq\t.\tGT\t/1/0\t1|1\t.\n");
  const auto with = [&](std::vector<std::string> samples, bool is_passing = false) {
    return Variants::read(folder / "v.vcf", {is_passing, samples});
  };
  const Variants all = with({});
  CATCH_REQUIRE(all.samples() == std::vector<std::string>{"a", "b", "c"});
  CATCH_REQUIRE(items(all) ==
                std::vector<std::string>{"1:6 . C>T of 2", "1:6 . C>G of 2", "1:8 . A>T of 1"});
  const std::vector<std::vector<uint32_t>> carried{{2}, {0}, {2}, {2}, {1}, {}};
  for (size_t i = 0; i < carried.size(); ++i)
    CATCH_REQUIRE(all.carried(static_cast<int64_t>(i)) == carried[i]);
  CATCH_REQUIRE(all.gaps().num_missing == 5);
  CATCH_REQUIRE(all.gaps().num_single == 1);
  CATCH_REQUIRE(all.gaps().num_unphased == 1);

  const Variants some = with({"c", "a"}, true);
  CATCH_REQUIRE(items(some) == std::vector<std::string>{"1:6 . C>T of 2", "1:6 . C>G of 2"});
  CATCH_REQUIRE(some.carried(0) == std::vector<uint32_t>{1});
  CATCH_REQUIRE(some.carried(3) == std::vector<uint32_t>{0});
  CATCH_REQUIRE(some.left_out() == std::map<std::string, int64_t>{{"a filter", 1}});
  CATCH_REQUIRE_THROWS_WITH(with({"d"}), Catch::Contains("samples: expected names of"));
  CATCH_REQUIRE_THROWS_WITH(with({"a", "a"}), Catch::Contains("each name once, got 'a' twice"));
}

CATCH_TEST_CASE("a genotype that is none is told with its sample", "[vcf]") {
  for (const std::string genotype : {"0|3", "0|1|1", "x", "", "0|", "-1|0", "0|1x"}) {
    const test::TemporaryFolder folder;
    test::write_text(folder / "v.vcf",
                     "##fileformat=VCFv4.5\n"
                     "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\n"
                     "1\t7\t.\tC\tT,G\t.\t.\t.\tGT\t0|1\t" +
                         genotype + ":7\n");
    CATCH_REQUIRE_THROWS_WITH(
        Variants::read(folder / "v.vcf", {false, std::vector<std::string>{}}),
        Catch::Contains("line 3, byte 96: expected in column 11 (b) a genotype of one or two "
                        "alleles, as 0|1, of 0 to 2, got '" +
                        genotype + "'"));
    CATCH_REQUIRE(Variants::read(folder / "v.vcf").size() == 2);
  }
  CATCH_REQUIRE_THROWS_WITH(
      [] {
        const test::TemporaryFolder folder;
        test::write_text(folder / "v.vcf", kHead + "1\t7\t.\tC\tT\t.\t.\t.\n");
        Variants::read(folder / "v.vcf", {false, std::vector<std::string>{}});
      }(),
      Catch::Contains("expected genotypes of samples, got none"));
}

CATCH_TEST_CASE("alternatives that are no sequence are counted by what they are", "[vcf]") {
  const Variants found = read(kHead +
                              "1\t2\t.\tA\t<DEL>,*,T\t.\t.\t.\n"
                              "1\t3\t.\tA\t.\t.\t.\t.\n"
                              "1\t4\t.\tA\tA]2:9],[3:5[A,.A,C.\t.\t.\t.\n");
  CATCH_REQUIRE(items(found) == std::vector<std::string>{"1:1 . A>T of 3"});
  CATCH_REQUIRE(found.left_out() ==
                std::map<std::string, int64_t>{{"a breakend", 4},
                                               {"a symbolic allele", 1},
                                               {"an overlapping deletion (*)", 1},
                                               {"no alternative allele", 1}});
}

CATCH_TEST_CASE("what is wrong in a VCF is told with line, byte and column", "[vcf]") {
  const std::string good = "1\t5\t.\tA\tG\t.\t.\t.\n";
  const std::string at = "line 5, byte " + std::to_string(kHead.size() + good.size());
  const auto place = [&](size_t in_line) {
    return "v.vcf: record 1, line 5, byte " + std::to_string(kHead.size() + good.size() + in_line) +
           ": expected in column ";
  };
  const std::pair<std::string, std::string> cases[] = {
      {kHead + good + "1\t0\t.\tA\tG\t.\t.\t.\n",
       place(2) + "2 (POS) a position, a whole number from 1, got '0'"},
      {kHead + good + "1\tx1\t.\tA\tG\t.\t.\t.\n", place(2) + "2 (POS)"},
      {kHead + good + "\t1\t.\tA\tG\t.\t.\t.\n", place(0) + "1 (CHROM) a chromosome, got ''"},
      {kHead + good + "1\t5\t\tA\tG\t.\t.\t.\n", place(4) + "3 (ID) an id or '.', got ''"},
      {kHead + good + "1\t5\t.\tR\tG\t.\t.\t.\n", place(6) + "4 (REF) letters of ACGTN, got 'R'"},
      {kHead + good + "1\t5\t.\tA\tG,X\t.\t.\t.\n",
       place(10) + "5 (ALT) letters of ACGTN, '.', '*', <SYMBOL> or a breakend, got 'X'"},
      {kHead + good + "1\t5\t.\tA\tG,\t.\t.\t.\n", place(10) + "5 (ALT)"},
      {kHead + good + "1\t5\t.\tA\ta\t.\t.\t.\n", place(8) + "5 (ALT) another allele than REF"},
      {kHead + good + "1\t5\t.\tA\tG\t.\t.\n",
       "v.vcf: record 1, " + at + ": expected 8 columns, as the header has, got 7"},
      {kHead + good + "1\t5\t.\tA\tG\t.\t.\t.\tGT\n", "expected 8 columns"},
      {"", "v.vcf: record 0, line 0, byte 0: expected variants (VCF), got no data"},
      {"chr1\t5\n", "expected ##fileformat=VCFv4 on the first line, got 'chr1\\x095'"},
      {"##fileformat=VCFv4.2\n##x\n", "line 2, byte 21: expected a header that begins with #CHROM"},
      {"##fileformat=VCFv4.2\n1\t5\n",
       "line 2, byte 21: expected a header that begins with #CHROM"},
      {"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tINFO\tFILTER\n",
       "in column 7 (FILTER) the name FILTER, got 'INFO'"},
      {kHead, "expected variants, got none"},
      {"BAM\1", "got reads (BAM)"},
  };
  for (const auto& [text, said] : cases) {
    CATCH_CAPTURE(said);
    CATCH_REQUIRE_THAT(message_of(text), Catch::Contains(said));
  }
}

CATCH_TEST_CASE("variants of a table are checked as those of a file", "[vcf]") {
  const Variants found =
      Variants::from_values("variants", {"1", "2"}, {5, 9}, {"a", "AC"}, {"T", "A"}, {"", "x"});
  CATCH_REQUIRE(items(found) == std::vector<std::string>{"1:4 . A>T of 1", "2:8 x AC>A of 1"});
  const auto make = [](int64_t position, const std::string& reference,
                       const std::string& alternative) {
    return Variants::from_values("variants", {"1"}, {position}, {reference}, {alternative}, {});
  };
  CATCH_REQUIRE_THROWS_WITH(make(0, "A", "C"),
                            Catch::Contains("variants: record 0: expected a position"));
  CATCH_REQUIRE_THROWS_WITH(make(1, "", "C"), Catch::Contains("an allele of the letters ACGTN"));
  CATCH_REQUIRE_THROWS_WITH(make(1, "A", "<DEL>"), Catch::Contains("got '<DEL>'"));
  CATCH_REQUIRE_THROWS_WITH(make(1, "A", "a"), Catch::Contains("another alternative"));
  CATCH_REQUIRE_THROWS_AS(Variants::from_values("v", {"1"}, {1, 2}, {"A"}, {"C"}, {}), ShapeError);
  CATCH_REQUIRE_THROWS_AS(Variants::from_values("v", {}, {}, {}, {}, {}), ParseError);
}
