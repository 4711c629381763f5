#include "deepbio/io/sniff.h"

#include "catch.h"
#include "io/bytes/gzip_text.h"
#include "io/bytes/zip_bytes.h"

#include "deepbio/base/error.h"
#include "deepbio/io/foreign.h"
#include "deepbio/io/tables/matrix.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

FileGuess guess(const std::string& bytes) {
  const test::TemporaryFolder folder;
  test::write_text(folder / "x", bytes);
  return sniff(folder / "x");
}

}  // namespace

CATCH_TEST_CASE("what a file is follows from its content, whatever stands around it", "[sniff]") {
  struct Case {
    const char* text;
    FileKind kind;
  };
  const Case cases[] = {
      {"", FileKind::kEmpty},
      {"\xEF\xBB\xBF>a\nACGT\n", FileKind::kFasta},
      {";comment\n>a\nACGT\n", FileKind::kFasta},
      {"\n\n@r\nA\n+\nI\n", FileKind::kFastq},
      {" (a:1,b:2);", FileKind::kTree},
      {"[&R] (a:1,b:2);", FileKind::kTree},
      {"\xEF\xBB\xBF((A:1,B:2):0.5,C:1);", FileKind::kTree},
      {"a:1;\n", FileKind::kTree},
      {" {\"id\":null}", FileKind::kTable},
      {"#OTU_ID\tS1\tS2\nA\t1\t2\n", FileKind::kTable},
      {"#OTU ID\n", FileKind::kTable},
      {"Feature ID\tS1\tS2\nA\t1\t2\nB\tx\t-9\n", FileKind::kTable},
      {"Feature ID\tTaxon\tConfidence\nA\tk__Bacteria\t0.9\n", FileKind::kMetadata},
      {"\xEF\xBB\xBF#OTU ID\tS1\tS2\nA\t1\t2\nB\tx\t-9\n", FileKind::kTable},
      {"# Constructed from biom file\n#OTU ID\tS1\nA\t1\n", FileKind::kTable},
      {"A title\n\n#OTU ID\tS1\tS2\nA\t1\t2\n", FileKind::kTable},
      {"\tS1\tS2\nA\t1\t2\n", FileKind::kTable},
      {"S1\tS2\nA\t1\t2\n", FileKind::kTable},
      {"ASV\tS1\tS2\rA\t1\t2\r", FileKind::kTable},
      {"#OTU ID;S1;S2\nA;1;2\n", FileKind::kTable},
      {"\ts1\ts2\ns1\t0\t0.5\ns2\t0.5\t0\n", FileKind::kDistances},
      {"# made by x\n\ts1\ts2\ns1\t0\t0.5\ns2\t0.5\t0\n", FileKind::kDistances},
      {",s1,s2\ns1,0,0.5\ns2,0.5,0\n", FileKind::kDistances},
      {"\"\",\"S1\",\"S2\"\n\"S1\",0,0.5\n\"S2\",0.5,0\n", FileKind::kDistances},
      {"s1\ts2\ns1\t0\t0.5\ns2\t0.5\t0\n", FileKind::kDistances},
      {"3\nS1\nS2\t0.5\nS3\t1\t0.25\n", FileKind::kDistances},
      {"2\nS1 0 0.5\nS2 0.5 0\n", FileKind::kDistances},
      {"S1\tS2\t0.5\nS1\tS3\t1\nS2\tS3\t0.25\n", FileKind::kDistances},
      {"sample-id\tph\ns1\t7\n", FileKind::kMetadata},
      {"id\tage\n1\t2\n", FileKind::kMetadata},
      {"#SampleID\tage\n#q2:types\tnumeric\n1\t2\n", FileKind::kMetadata},
      {"what is this\n", FileKind::kUnknown},
  };
  for (const Case& item : cases) {
    CATCH_CAPTURE(item.text);
    CATCH_REQUIRE(to_string(guess(item.text).kind) == to_string(item.kind));
    if (*item.text == '\0') continue;
    const FileGuess packed = guess(test::gzip_text(item.text));
    CATCH_REQUIRE(packed.kind == item.kind);
    CATCH_REQUIRE(packed.container == Container::kGzip);
  }
}

CATCH_TEST_CASE("a header of any width is read to its end", "[sniff]") {
  std::string matrix, table = "#OTU ID", ids;
  for (int k = 0; k < 9000; ++k) ids += "\tsample" + std::to_string(k);
  matrix = ids + "\nsample0";
  table = "Feature ID" + ids + "\nA";
  for (int k = 0; k < 9000; ++k) matrix += "\t0", table += "\t1";
  CATCH_REQUIRE(guess(matrix + "\n").kind == FileKind::kDistances);
  CATCH_REQUIRE(guess(table + "\n").kind == FileKind::kTable);
}

CATCH_TEST_CASE("zips are told by what they hold", "[sniff]") {
  CATCH_REQUIRE(guess(test::zip_of({{"arr_0.npy", "x"}})).kind == FileKind::kDistances);
  const FileGuess excel =
      guess(test::zip_of({{"[Content_Types].xml", "x"}, {"xl/workbook.xml", "x"}}));
  CATCH_REQUIRE(excel.kind == FileKind::kForeign);
  CATCH_REQUIRE_THAT(excel.description,
                     Catch::Contains("Excel") && Catch::Contains("tab-separated"));
  const FileGuess tree =
      guess(test::zip_of({{"u/metadata.yaml", "uuid: u\ntype: Phylogeny[Rooted]\n"},
                          {"u/data/tree.nwk", "(a:1,b:2);"}}));
  CATCH_REQUIRE(tree.kind == FileKind::kTree);
  CATCH_REQUIRE(tree.artifact_type == "Phylogeny[Rooted]");
  const FileGuess taxonomy =
      guess(test::zip_of({{"u/metadata.yaml", "uuid: u\ntype: FeatureData[Taxonomy]\n"},
                          {"u/data/taxonomy.tsv", "Feature ID\tTaxon\nf\tk__B\n"}}));
  CATCH_REQUIRE(taxonomy.kind == FileKind::kMetadata);
  CATCH_REQUIRE(taxonomy.artifact_type == "FeatureData[Taxonomy]");
  const FileGuess page = guess(test::zip_of(
      {{"u/metadata.yaml", "uuid: u\ntype: Visualization\n"}, {"u/data/index.html", "x"}}));
  CATCH_REQUIRE(page.kind == FileKind::kArtifact);
  CATCH_REQUIRE(page.description == "Visualization");
}

CATCH_TEST_CASE("formats that are not read are named with the way out", "[sniff]") {
  using std::string_literals::operator""s;
  std::string tar(512, '\0');
  tar.replace(0, 5, "a.txt");
  tar.replace(257, 5, "ustar");
  const std::pair<std::string, const char*> cases[] = {
      {"CRAM\3\0xx"s, "CRAM"},
      {"@HD\tVN:1.6\n@SQ\tSN:chr1\tLN:100\n", "SAM"},
      {"@SQ\tSN:chr1\tLN:100\n", "SAM"},
      {"##fileformat=VCFv4.2\n", "VCF"},
      {"##gff-version 3\n", "GFF"},
      {"chr1\tx\tgene\t1\t9\t.\t+\t.\tgene_id \"g1\";\n", "GTF"},
      {"#NEXUS\nbegin trees;\n", "Newick"},
      {" 2 4\nA         ACGT\nB         ACGA\n", "PHYLIP alignment"},
      {"\x1f\x8b\x08\0\0\0"s, "gzip in gzip"},
      {"\xFF\xFE>\0a\0\n\0"s, "UTF-16"},
      {tar, "tar"},
      {"LOCUS       X\n", "GenBank"},
      {"<!DOCTYPE html><html>", "web page"},
      {"RDX3\nX\n", "saved by R"},
  };
  for (const auto& [bytes, said] : cases) {
    CATCH_CAPTURE(said);
    CATCH_REQUIRE_THAT(foreign_format(bytes), Catch::Contains(said));
    const std::string packed =
        bytes.starts_with("\x1f\x8b") ? test::gzip_text(test::gzip_text("x")) : bytes;
    const FileGuess found = guess(packed);
    CATCH_REQUIRE(found.kind == FileKind::kForeign);
    CATCH_REQUIRE_THAT(found.description, Catch::Contains(said));
  }
  for (const char* plain :
       {"1\t2\nA\t3\t4\n", "@SQ1\nACGT\n+\nIIII\n", "ID\tx\n", "CRAM\tS1\n", "#OTU ID\tS1\n"}) {
    CATCH_CAPTURE(plain);
    CATCH_REQUIRE(foreign_format(plain).empty());
  }
}
