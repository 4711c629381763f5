#include "deepbio/io/tables/biom.h"

#include <cmath>
#include <numeric>

#include "catch.h"
#include "io/tables/example_table.h"
#include <zlib.h>

#include "deepbio/base/error.h"
#include "deepbio/io/tables/hdf5.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

std::string format_file(const std::string& name) {
  return test::shared("microbiome/formats/" + name);
}
double total(const CountTable& table) {
  return std::accumulate(table.values.begin(), table.values.end(), 0.0);
}

void require_same(const CountTable& a, const CountTable& b) {
  CATCH_REQUIRE(a.sample_ids == b.sample_ids);
  CATCH_REQUIRE(a.feature_ids == b.feature_ids);
  CATCH_REQUIRE(a.indptr == b.indptr);
  CATCH_REQUIRE(a.indices == b.indices);
  CATCH_REQUIRE(a.values == b.values);
}

}  // namespace

CATCH_TEST_CASE("four writings of moving pictures are read as the identical table",
                "[biom][real]") {
  DEEPBIO_NEEDS_SHARED();
  const CountTable table = read_table(test::shared("microbiome/moving_pictures/table.biom"));
  CATCH_REQUIRE(table.num_samples() == 34);
  CATCH_REQUIRE(table.num_features() == 759);
  CATCH_REQUIRE(table.num_entries() == 2290);
  for (const char* name : {"table.v1.sparse.biom", "table.v1.dense.biom.gz", "table.tsv"}) {
    CATCH_CAPTURE(name);
    require_same(read_table(test::shared("microbiome/moving_pictures/" + std::string(name))),
                 table);
  }
}

CATCH_TEST_CASE("the six real tables have the sizes their notes state", "[biom][real]") {
  DEEPBIO_NEEDS_SHARED();
  struct Known {
    const char* file;
    int64_t samples, features, entries;
  };
  const Known known[] = {{"oral_age_2550/table.biom", 2537, 5574, 133957},
                         {"ibd_2538/table.biom", 470, 10099, 82724},
                         {"ecam_10249/table.biom", 743, 3382, 47727},
                         {"ecam_10249/table.dna.biom", 743, 2108, -1},
                         {"sleep_apnea_10422/table.biom", 655, 2916, 67111},
                         {"cfs_150nt/table.biom", 87, 2129, 21995}};
  for (const Known& item : known) {
    CATCH_CAPTURE(item.file);
    const CountTable table = read_table(test::shared("microbiome/" + std::string(item.file)));
    CATCH_REQUIRE(table.num_samples() == item.samples);
    CATCH_REQUIRE(table.num_features() == item.features);
    if (item.entries >= 0) CATCH_REQUIRE(table.num_entries() == item.entries);
  }
  CATCH_REQUIRE(total(read_table(test::shared("microbiome/oral_age_2550/table.biom"))) ==
                2537 * 1000);
}

CATCH_TEST_CASE("file oddities from the field are read or refused as they should be",
                "[biom][real]") {
  DEEPBIO_NEEDS_SHARED();
  const CountTable pgp = read_table(format_file("PGP_100nt.v1.biom.gz"));
  CATCH_REQUIRE(pgp.num_features() == 14027);
  CATCH_REQUIRE(pgp.num_samples() == 50);
  const CountTable classic = read_table(format_file("classic_tsv_named.biom"));
  CATCH_REQUIRE(classic.num_samples() == 95);
  CATCH_REQUIRE(classic.feature_ids[0].size() == 150);
  require_same(read_table(format_file("min_sparse_otu_table.v1.biom")),
               read_table(format_file("min_sparse_otu_table.v21.biom")));
  require_same(read_table(format_file("rich_sparse_otu_table.v1.biom")),
               read_table(format_file("rich_sparse_otu_table.v21.biom")));
  CATCH_REQUIRE(read_table(format_file("rich_sparse_group_metadata.v21.biom")).num_entries() == 15);
  const CountTable collapsed = read_table(format_file("json_obs_collapsed.v1.biom"));
  CATCH_REQUIRE(collapsed.num_features() == 4);
  CATCH_REQUIRE(collapsed.num_samples() == 6);
  CATCH_REQUIRE(read_table(format_file("test.v1.json.gz")).num_entries() > 0);
  CATCH_REQUIRE(read_table(format_file("empty.v21.biom")).num_samples() == 0);
  CATCH_REQUIRE(read_table(format_file("edgecase_issue_952.biom")).num_entries() > 0);
  CATCH_REQUIRE(read_table(format_file("su_test.biom")).num_features() == 5);
  CATCH_REQUIRE_THROWS_WITH(read_table(format_file("zero-bytes.biom")),
                            Catch::Contains("an empty file"));
  CATCH_REQUIRE_THROWS_WITH(read_table(format_file("su_test.nwk")), Catch::Contains("#OTU ID"));
}

CATCH_TEST_CASE("BIOM and TSV are written so that the same table is read back", "[biom]") {
  const test::TemporaryFolder folder;
  write_biom(folder / "t.biom", test::example_table());
  require_same(read_table(folder / "t.biom"), test::example_table());
  write_table_tsv(folder / "t.tsv", test::example_table());
  require_same(read_table(folder / "t.tsv"), test::example_table());
  CATCH_REQUIRE_THROWS_AS(write_biom(folder / "t.biom", test::example_table(), Overwrite::kRefuse),
                          WriteError);
  write_biom(folder / "none.biom", CountTable{});
  CATCH_REQUIRE(read_table(folder / "none.biom").num_samples() == 0);
  const auto left = std::distance(std::filesystem::directory_iterator(folder.path()), {});
  CATCH_REQUIRE(left == 3);
}

CATCH_TEST_CASE("an HDF5 file that is no BIOM says so, plain and gzipped", "[biom]") {
  const test::TemporaryFolder folder;
  Hdf5Writer file(folder / "other.h5");
  file.close();
  CATCH_REQUIRE_THROWS_WITH(read_table(folder / "other.h5"), Catch::Contains("observation/ids"));
  const std::string bytes = test::read_text(folder / "other.h5");
  const gzFile gzip = gzopen((folder / "other.h5.gz").c_str(), "wb");
  gzwrite(gzip, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(gzip);
  CATCH_REQUIRE_THROWS_WITH(read_table(folder / "other.h5.gz"), Catch::Contains("observation/ids"));
  CATCH_REQUIRE_THROWS_AS(read_table(folder / "absent.biom"), MissingFileError);
}

CATCH_TEST_CASE("lineages survive BIOM 2.1 and text, and what is left behind is named", "[biom]") {
  const test::TemporaryFolder folder;
  CountTable table{{"s1", "s2"}, {"a", "b", "c"}, {0, 2, 3}, {0, 1, 2}, {1, 2, 3}};
  table.taxonomy = {"k__Bacteria; p__Firmicutes", "k__Bacteria", ""};
  for (const char* name : {"t.biom", "t.tsv"}) {
    CATCH_CAPTURE(name);
    std::string(name).ends_with("tsv") ? write_table_tsv(folder / name, table)
                                       : write_biom(folder / name, table);
    const CountTable again = read_table(folder / name);
    CATCH_REQUIRE(again.taxonomy == table.taxonomy);
    CATCH_REQUIRE(again.values == table.values);
    CATCH_REQUIRE(again.sample_ids == table.sample_ids);
    CATCH_REQUIRE(again.left_behind.empty());
  }
  test::write_text(folder / "t.json",
                   R"({"rows":[{"id":"a","metadata":{"taxonomy":["k__A","p__B",""],"score":1}},
                        {"id":"b","metadata":null}],
                       "columns":[{"id":"s","metadata":{"age":12,"ph":null}}],
                       "shape":[2,1],"data":[[0,0,1]]})");
  const CountTable json = read_table(folder / "t.json");
  CATCH_REQUIRE(json.taxonomy == std::vector<std::string>{"k__A; p__B", ""});
  CATCH_REQUIRE(json.left_behind == std::vector<std::string>{"metadata of features (score)",
                                                             "metadata of samples (age, ph)"});
}

CATCH_TEST_CASE("lineages of the real tables are read", "[biom][real]") {
  DEEPBIO_NEEDS_SHARED();
  for (const char* name : {"rich_sparse_otu_table.v1.biom", "rich_sparse_otu_table.v21.biom"}) {
    CATCH_CAPTURE(name);
    const CountTable table = read_table(test::shared("microbiome/formats/" + std::string(name)));
    CATCH_REQUIRE(table.taxonomy.size() == table.feature_ids.size());
    CATCH_REQUIRE(table.taxonomy[0].starts_with("k__Bacteria; p__"));
    CATCH_REQUIRE_FALSE(table.left_behind.empty());
  }
}
