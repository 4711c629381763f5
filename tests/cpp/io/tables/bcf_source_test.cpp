#include "catch.h"
#include "io/bytes/gzip_text.h"
#include "io/tables/bcf_bytes.h"

#include "deepbio/base/error.h"
#include "deepbio/io/tables/variant_source.h"
#include "deepbio/io/tables/vcf.h"

using namespace deepbio;
using namespace deepbio::io;
using test::bcf_byte;
using test::bcf_header;
using test::bcf_text;
using test::BcfRecord;
using test::little;

namespace {

Variants read(const std::string& bytes, const ChosenSamples& samples = {}) {
  const test::TemporaryFolder folder;
  test::write_text(folder / "v.bcf", bytes);
  return Variants::read(folder / "v.bcf", {.is_passing = false, .samples = samples});
}

std::string message_of(const std::string& bytes, const ChosenSamples& samples = {}) {
  try {
    read(bytes, samples);
  } catch (const Error& error) {
    const std::string message = error.what();
    return message.substr(std::min(message.find("v.bcf"), message.size()));
  }
  return "";
}

std::vector<std::string> items(const Variants& variants) {
  std::vector<std::string> out;
  for (int64_t i = 0; i < variants.size(); ++i) {
    const Variant each = variants.at(i);
    out.push_back(variants.names()[static_cast<size_t>(each.chromosome)] + ":" +
                  std::to_string(each.position) + " " + std::string(each.id) + " " +
                  std::string(each.reference) + ">" + std::string(each.alternative));
  }
  return out;
}

std::string some_records() {
  BcfRecord second;
  second.chromosome = 5;
  second.position = 7;
  second.id = std::string("\7", 1);
  second.alleles = {"AC", "A", "<DEL>", "acgt"};
  second.filter = bcf_byte(1);
  // Text of more than 14 letters has its length as a number, here of two bytes.
  second.info = bcf_byte(2) + "\xf7\x12" + little(300, 2) + std::string(300, 'x');
  // Two bytes for each allele: 3|3, and 1/. of two samples.
  second.genotypes =
      bcf_byte(3) + "\x22" + little(8, 2) + little(9, 2) + little(4, 2) + little(0, 2);
  return BcfRecord{}.bytes() + second.bytes();
}

const std::vector<std::string> kItems{"chr1:4 rs1 A>G", "chr2:7 . AC>A", "chr2:7 . AC>ACGT"};

}  // namespace

CATCH_TEST_CASE("BCF holds what VCF does, plain or BGZF", "[bcf]") {
  const std::string bytes = bcf_header() + some_records();
  for (const std::string& content : {bytes, test::gzip_text(bytes), test::bgzf_text(bytes, 70)}) {
    const Variants all = read(content);
    CATCH_REQUIRE(items(all) == kItems);
    CATCH_REQUIRE(all.left_out() == std::map<std::string, int64_t>{{"a symbolic allele", 1}});
  }
  const test::TemporaryFolder folder;
  test::write_text(folder / "v.bcf", bytes);
  const Variants passing = Variants::read(folder / "v.bcf", {.is_passing = true});
  CATCH_REQUIRE(items(passing) == std::vector{kItems[0]});
}

CATCH_TEST_CASE("genotypes of BCF are those of the samples that were asked for", "[bcf]") {
  const std::string bytes = bcf_header() + some_records();
  const Variants both = read(bytes, std::vector<std::string>{});
  CATCH_REQUIRE(both.samples() == std::vector<std::string>{"one", "two"});
  CATCH_REQUIRE(items(both) == std::vector<std::string>{kItems[0], kItems[1], kItems[2]});
  const std::vector<std::vector<uint32_t>> carried{{2}, {0, 2}, {0, 1}, {}};
  for (size_t i = 0; i < carried.size(); ++i)
    CATCH_REQUIRE(both.carried(static_cast<int64_t>(i)) == carried[i]);
  CATCH_REQUIRE(both.gaps().num_missing == 1);
  CATCH_REQUIRE(both.gaps().num_single == 1);
  CATCH_REQUIRE(both.gaps().num_unphased == 0);

  const Variants one = read(bytes, std::vector<std::string>{"one"});
  CATCH_REQUIRE(items(one) == std::vector<std::string>{kItems[0], kItems[2]});
  CATCH_REQUIRE_THROWS_WITH(read(bytes, std::vector<std::string>{"tow"}),
                            Catch::Contains("got 'tow'; the nearest is 'two'"));
}

CATCH_TEST_CASE("BCF that is cut anywhere is an error", "[bcf]") {
  const std::string header = bcf_header(), bytes = header + some_records();
  const size_t first = header.size() + BcfRecord{}.bytes().size();
  for (size_t size = 4; size < bytes.size(); ++size) {
    CATCH_CAPTURE(size);
    if (size == first) {
      CATCH_REQUIRE(read(bytes.substr(0, size)).size() == 1);
    } else {
      CATCH_REQUIRE_THAT(message_of(bytes.substr(0, size)),
                         Catch::StartsWith("v.bcf: record ") && Catch::Contains("expected"));
    }
  }
}

CATCH_TEST_CASE("what is wrong in a BCF is told with record and byte", "[bcf]") {
  const std::string header = bcf_header();
  const auto made = [&](const auto& change) {
    BcfRecord record;
    change(record);
    return header + record.bytes();
  };
  const auto at = [&](size_t in_record) {
    return "v.bcf: record 0, byte " + std::to_string(header.size() + in_record) + ": expected ";
  };
  const std::pair<std::string, std::string> cases[] = {
      {made([](BcfRecord& r) { r.chromosome = 1; }),
       at(8) + "the number of a chromosome of the header, got 1"},
      {made([](BcfRecord& r) { r.position = 0xffffffff; }),
       at(12) + "in POS a position, a whole number from 1, got 0"},
      {made([](BcfRecord& r) { r.num_samples = 3; }), at(28) + "2 samples, as the header has"},
      {made([](BcfRecord& r) { r.alleles = {}; }), "expected at least one allele, got 0"},
      {made([](BcfRecord& r) {
         r.alleles = {"R", "A"};
       }),
       "in REF letters of ACGTN, got 'R'"},
      {made([](BcfRecord& r) {
         r.alleles = {"A", "X"};
       }),
       "in ALT letters of ACGTN, '.', '*'"},
      {made([](BcfRecord& r) { r.id = bcf_byte(3); }), at(32) + "text, got another type"},
      {made([](BcfRecord& r) { r.filter = bcf_byte(9); }), "the number of a filter of the header"},
      {made([](BcfRecord& r) { r.filter = bcf_text("x"); }), "expected numbers of filters"},
      {made([](BcfRecord& r) { r.num_info = 2; }), "expected a typed value, got the end"},
      {made([](BcfRecord& r) { r.num_info = 0; }), "expected the end of what samples share"},
      {made([](BcfRecord& r) { r.info = bcf_byte(7) + bcf_byte(1); }),
       "expected the number of a name of the header, got 7"},
      {made([](BcfRecord& r) { r.info = bcf_byte(2) + "\x14"; }), "expected a type of 1, 2, 3, 5"},
      {made([](BcfRecord& r) { r.info = bcf_byte(2) + "\xf1\xf1\xf1\xf1"; }),
       "expected the number of values, got none"},
      {made([](BcfRecord& r) { r.info = bcf_byte(2) + "\xf3\x13" + little(1U << 30, 4); }),
       "bytes of values, got 4294967296"},
      {made([](BcfRecord& r) { r.num_formats = 0; }), "expected the end of the record, got more"},
      {header + little(23, 4) + little(0, 4), at(0) + "a BCF record of at least 24 bytes, got 23"},
      {header + little(1U << 31, 4) + little(0, 4), at(0) + "a BCF record of at most 1 GiB"},
      {header,
       "v.bcf: record 0, byte " + std::to_string(header.size()) + ": expected variants, got none"},
      {"BCF\2\3" + little(0, 4), "byte 4: expected BCF 2.1 or 2.2, got BCF 2.3"},
      {"BCF\2\2" + little(5, 4) + "##x\n", "expected the rest of the BCF header"},
      {"BCF\2\2" + little(4, 4) + "##x\n", "byte 9: expected ##fileformat=VCFv4, got '##x'"},
      {"BCF\2\2" + little(21, 4) + "##fileformat=VCFv4.2\n", "a header with the line #CHROM"},
      {"BCF\2\2" + little(36, 4) + "##fileformat=VCFv4.2\n##contig=<I=c>\n",
       "a line of the header with an ID, got '##contig=<I=c>'"},
      {"BCF\2\2" + little(45, 4) + "##fileformat=VCFv4.2\n##contig=<ID=c,IDX=1x2>\n", "an ID"},
  };
  for (const auto& [bytes, said] : cases) {
    CATCH_CAPTURE(said);
    CATCH_REQUIRE_THAT(message_of(bytes), Catch::Contains(said));
  }
}

CATCH_TEST_CASE("genotypes that are none are told", "[bcf]") {
  const ChosenSamples all = std::vector<std::string>{};
  const auto made = [](const std::string& values) {
    BcfRecord record;
    record.genotypes = bcf_byte(3) + values;
    return bcf_header() + record.bytes();
  };
  CATCH_REQUIRE_THAT(message_of(made("\x21\x02\x06\x04\x81"), all),
                     Catch::Contains("expected alleles of 0 to 1 of 'one', got 2"));
  CATCH_REQUIRE_THAT(message_of(made("\x31\x02\x04\x04\x02\x04\x04"), all),
                     Catch::Contains("expected genotypes of one or two alleles, got 3 values"));
  CATCH_REQUIRE_THAT(message_of(made("\x27\x02\x04\x04\x02"), all),
                     Catch::Contains("expected genotypes of one or two alleles"));
  CATCH_REQUIRE(items(read(made("\x27\x02\x04\x04\x02"))) == std::vector{kItems[0]});
}
