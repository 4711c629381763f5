#include "deepbio/io/tables/artifact.h"

#include <algorithm>

#include "catch.h"
#include "io/bytes/zip_bytes.h"

#include "deepbio/base/error.h"
#include "deepbio/io/reads/fastx.h"
#include "deepbio/io/tables/biom.h"
#include "deepbio/io/tables/matrix.h"
#include "deepbio/io/tables/newick.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

CountTable example_table() {
  CountTable table;
  table.sample_ids = {"s1", "s2"};
  table.feature_ids = {"A", "B", "C"};
  table.indptr = {0, 2, 3};
  table.indices = {0, 2, 1};
  table.values = {3, 1, 2.5};
  return table;
}

}  // namespace

CATCH_TEST_CASE(
    "tables, trees, sequences and distances are read straight from artifacts of any name",
    "[artifact]") {
  const test::TemporaryFolder folder;
  write_biom(folder / "t.biom", example_table());
  test::write_text(folder / "table.txt",
                   test::artifact_of("FeatureTable[Frequency]", "feature-table.biom",
                                     test::read_text(folder / "t.biom")));
  test::write_text(folder / "tree.qza",
                   test::artifact_of("Phylogeny[Rooted]", "tree.nwk", "((A:1,B:2):1,C:4);"));
  test::write_text(
      folder / "seqs.qza",
      test::artifact_of("FeatureData[Sequence]", "dna-sequences.fasta", ">A\nACGT\n>B\nGG\n"));
  test::write_text(folder / "d.qza", test::artifact_of("DistanceMatrix", "distance-matrix.tsv",
                                                       "\ta\tb\na\t0\t1\nb\t1\t0\n"));

  const CountTable table = read_table(folder / "table.txt");
  CATCH_REQUIRE(table.sample_ids == example_table().sample_ids);
  CATCH_REQUIRE(table.indices == example_table().indices);
  CATCH_REQUIRE(table.values == example_table().values);
  CATCH_REQUIRE(is_biom_hdf5(folder / "table.txt"));
  CATCH_REQUIRE(read_newick(folder / "tree.qza").num_tips() == 3);
  CATCH_REQUIRE(read_distances(folder / "d.qza").values == std::vector<double>{0, 1, 1, 0});
  FastxReader reader(folder / "seqs.qza");
  Record record;
  CATCH_REQUIRE(reader.next(record));
  CATCH_REQUIRE(record.sequence == "ACGT");
  CATCH_REQUIRE(reader.next(record));
  CATCH_REQUIRE_FALSE(reader.next(record));
  CATCH_REQUIRE(reader.container() == Container::kZip);
  const Artifact artifact = describe_artifact(folder / "tree.qza");
  CATCH_REQUIRE(artifact.type == "Phylogeny[Rooted]");
  CATCH_REQUIRE(artifact.format == "SomeFormat");
}

CATCH_TEST_CASE("an artifact of another type is refused with both types", "[artifact]") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "tree.qza",
                   test::artifact_of("Phylogeny[Rooted]", "tree.nwk", "(A:1,B:2);"));
  test::write_text(folder / "tax.qza", test::artifact_of("FeatureData[Taxonomy]", "taxonomy.tsv",
                                                         "Feature ID\tTaxon\n"));

  CATCH_REQUIRE_THROWS_WITH(
      read_table(folder / "tree.qza"),
      Catch::Contains("FeatureTable[...]") && Catch::Contains("got Phylogeny[Rooted]"));
  CATCH_REQUIRE_THROWS_WITH(read_distances(folder / "tree.qza"), Catch::Contains("DistanceMatrix"));
  CATCH_REQUIRE_THROWS_WITH(read_newick(folder / "tax.qza"),
                            Catch::Contains("got FeatureData[Taxonomy]"));
  test::write_text(folder / "page.qzv", test::artifact_of("Visualization", "index.html", "<html>"));
  CATCH_REQUIRE_THROWS_WITH(open_bytes(folder / "page.qzv"), Catch::Contains("got Visualization"));
  CATCH_REQUIRE_THROWS_WITH(FastxReader(folder / "page.qzv"), Catch::Contains("Visualization"));
}

CATCH_TEST_CASE("a zip that is no artifact is refused as such", "[artifact]") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "plain.zip", test::zip_of({{"table.biom", "{}"}}));
  test::write_text(folder / "untyped.zip", test::zip_of({{"u/metadata.yaml", "uuid: 1\n"}}));

  CATCH_REQUIRE_THROWS_WITH(
      read_table(folder / "plain.zip"),
      Catch::Contains("UUID/metadata.yaml") && Catch::Contains("a zip of 1 other files"));
  CATCH_REQUIRE_THROWS_WITH(read_table(folder / "untyped.zip"),
                            Catch::Contains("a type in u/metadata.yaml"));
}

CATCH_TEST_CASE("an artifact damaged at any byte gives an error or the same tree", "[artifact]") {
  const test::TemporaryFolder folder;
  const std::string text = "((A:1,B:2):1,C:4);\n";
  const std::string good = test::artifact_of("Phylogeny[Rooted]", "tree.nwk", text);
  for (size_t at = 0; at < good.size(); ++at) {
    CATCH_CAPTURE(at);
    std::string flipped = good;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x41);
    // Cut to fewer than four bytes it is no zip any more, and "P" is a tree of one tip.
    for (const std::string& bytes : {good.substr(0, std::max<size_t>(at, 4)), flipped}) {
      test::write_text(folder / "d.qza", bytes);
      try {
        const std::string again = to_newick(read_newick(folder / "d.qza"));
        CATCH_REQUIRE(again == text);
      } catch (const ParseError& error) {
        CATCH_REQUIRE(error.place().path == folder / "d.qza");
      }
    }
  }
}
