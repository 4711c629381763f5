#include "deepbio/io/biom.h"

#include <cmath>
#include <numeric>

#include "catch.h"
#include <zlib.h>

#include "deepbio/base/error.h"
#include "deepbio/io/hdf5.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

std::string format_file(const std::string& name) { return test::shared("microbiome/formats/" + name); }
double total(const CountTable& table) { return std::accumulate(table.values.begin(), table.values.end(), 0.0); }

void require_same(const CountTable& a, const CountTable& b) {
  CATCH_REQUIRE(a.sample_ids == b.sample_ids);
  CATCH_REQUIRE(a.feature_ids == b.feature_ids);
  CATCH_REQUIRE(a.indptr == b.indptr);
  CATCH_REQUIRE(a.indices == b.indices);
  CATCH_REQUIRE(a.values == b.values);
}

CountTable example() {
  CountTable table;
  table.sample_ids = {"s1", "2538.10", "empty", "s\xC3\xA4"};
  table.feature_ids = {"ACGT", "f 2", "unused"};
  table.indptr = {0, 2, 3, 3, 4};
  table.indices = {0, 1, 1, 0};
  table.values = {3, 0.25, 1e9, 7};
  return table;
}

// The smallest HDF5 layout with one axis' matrix; parts can be changed before reading.
struct Parts {
  std::string axis = "sample";
  std::vector<std::string> features{"f0", "f1"}, samples{"s0", "s1", "s2"};
  std::vector<double> data{1, 2, 3};
  std::vector<int64_t> indices{0, 0, 1}, indptr{0, 1, 3, 3}, shape{2, 3};
};

CountTable written(const Parts& parts) {
  const test::TemporaryFolder folder;
  Hdf5Writer file(folder / "t.biom");
  for (const char* group : {"observation", "sample"}) file.group(group);
  file.group(parts.axis + "/matrix");
  file.strings("observation/ids", parts.features);
  file.strings("sample/ids", parts.samples);
  file.doubles(parts.axis + "/matrix/data", parts.data, {static_cast<int64_t>(parts.data.size())});
  file.int32s(parts.axis + "/matrix/indices", parts.indices);
  file.int32s(parts.axis + "/matrix/indptr", parts.indptr);
  if (!parts.shape.empty()) file.attribute("shape", parts.shape);
  file.close();
  return read_table(folder / "t.biom");
}

CountTable from_text(const std::string& text) {
  const test::TemporaryFolder folder;
  test::write_text(folder / "table", text);
  return read_table(folder / "table");
}

std::string json_table(const std::string& members) {
  return R"({"rows":[{"id":"f0"},{"id":"f1"}],"columns":[{"id":"s0"},{"id":"s1"},{"id":"s2"}],)" + members + "}";
}

}  // namespace

CATCH_TEST_CASE("four writings of moving pictures are read as the identical table", "[biom][real]") {
  DEEPBIO_NEEDS_SHARED();
  const CountTable table = read_table(test::shared("microbiome/moving_pictures/table.biom"));
  CATCH_REQUIRE(table.num_samples() == 34);
  CATCH_REQUIRE(table.num_features() == 759);
  CATCH_REQUIRE(table.num_entries() == 2290);
  for (const char* name : {"table.v1.sparse.biom", "table.v1.dense.biom.gz", "table.tsv"}) {
    CATCH_CAPTURE(name);
    require_same(read_table(test::shared("microbiome/moving_pictures/" + std::string(name))), table);
  }
}

CATCH_TEST_CASE("the six real tables have the sizes their notes state", "[biom][real]") {
  DEEPBIO_NEEDS_SHARED();
  struct Known {
    const char* file;
    int64_t samples, features, entries;
  };
  const Known known[] = {
      {"oral_age_2550/table.biom", 2537, 5574, 133957},   {"ibd_2538/table.biom", 470, 10099, 82724},
      {"ecam_10249/table.biom", 743, 3382, 47727},        {"ecam_10249/table.dna.biom", 743, 2108, -1},
      {"sleep_apnea_10422/table.biom", 655, 2916, 67111}, {"cfs_150nt/table.biom", 87, 2129, 21995}};
  for (const Known& item : known) {
    CATCH_CAPTURE(item.file);
    const CountTable table = read_table(test::shared("microbiome/" + std::string(item.file)));
    CATCH_REQUIRE(table.num_samples() == item.samples);
    CATCH_REQUIRE(table.num_features() == item.features);
    if (item.entries >= 0) CATCH_REQUIRE(table.num_entries() == item.entries);
  }
  CATCH_REQUIRE(total(read_table(test::shared("microbiome/oral_age_2550/table.biom"))) == 2537 * 1000);
}

CATCH_TEST_CASE("file oddities from the field are read or refused as they should be", "[biom][real]") {
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
  CATCH_REQUIRE_THROWS_WITH(read_table(format_file("zero-bytes.biom")), Catch::Contains("an empty file"));
  CATCH_REQUIRE_THROWS_WITH(read_table(format_file("su_test.nwk")), Catch::Contains("#OTU ID"));
}

CATCH_TEST_CASE("BIOM and TSV are written so that the same table is read back", "[biom]") {
  const test::TemporaryFolder folder;
  write_biom(folder / "t.biom", example());
  require_same(read_table(folder / "t.biom"), example());
  write_table_tsv(folder / "t.tsv", example());
  require_same(read_table(folder / "t.tsv"), example());
  CATCH_REQUIRE_THROWS_AS(write_biom(folder / "t.biom", example(), Overwrite::kRefuse), WriteError);
  write_biom(folder / "none.biom", CountTable{});
  CATCH_REQUIRE(read_table(folder / "none.biom").num_samples() == 0);
  const auto left = std::distance(std::filesystem::directory_iterator(folder.path()), {});
  CATCH_REQUIRE(left == 3);
}

CATCH_TEST_CASE("either orientation of a BIOM 2 file is enough, and attributes are optional", "[biom]") {
  Parts by_sample;
  const CountTable table = written(by_sample);
  CATCH_REQUIRE(table.indptr == std::vector<int64_t>{0, 1, 3, 3});
  CATCH_REQUIRE(table.indices == std::vector<int64_t>{0, 0, 1});
  Parts by_feature;
  by_feature.axis = "observation";
  by_feature.data = {1, 3, 2};
  by_feature.indices = {0, 1, 1};
  by_feature.indptr = {0, 2, 3};
  by_feature.shape = {};
  Parts unsorted;
  unsorted.indices = {0, 1, 0};
  CATCH_REQUIRE(written(unsorted).values == std::vector<double>{1, 3, 2});
  // f0 has 1 in s0 and 3 in s1, f1 has 2 in s1.
  by_sample.data = {1, 3, 2};
  require_same(written(by_feature), written(by_sample));
}

CATCH_TEST_CASE("explicit zeros are dropped", "[biom]") {
  Parts parts;
  parts.data = {1, 0, 3};
  parts.indices = {0, 0, 1};
  const CountTable table = written(parts);
  CATCH_REQUIRE(table.values == std::vector<double>{1, 3});
  CATCH_REQUIRE(table.indptr == std::vector<int64_t>{0, 1, 2, 2});
}

CATCH_TEST_CASE("BIOM 2 files that contradict themselves are refused with the dataset or the id", "[biom]") {
  const auto refused = [](auto change, const char* message) {
    Parts parts;
    change(parts);
    CATCH_REQUIRE_THROWS_WITH(written(parts), Catch::Contains(message));
  };
  refused([](Parts& p) { p.shape = {2, 4}; }, "2 x 4");
  refused([](Parts& p) { p.indices = {0, 0, 2}; }, "indices from 0 to below 2");
  refused([](Parts& p) { p.indices = {0, -1, 1}; }, "-1");
  refused([](Parts& p) { p.indices = {0, 1}; }, "as many indices");
  refused([](Parts& p) { p.indptr = {0, 1, 3}; }, "an indptr of 4");
  refused([](Parts& p) { p.indptr = {0, 1, 3, 4}; }, "an indptr from 0 to 3");
  refused([](Parts& p) { p.indptr = {0, 2, 1, 3}; }, "never falls");
  refused([](Parts& p) { p.data = {1, -2, 3}; }, "'s1'");
  refused([](Parts& p) { p.data = {1, std::nan(""), 3}; }, "nan");
  refused([](Parts& p) { p.indices = {0, 1, 1}; }, "each feature once");
  refused([](Parts& p) { p.samples = {"s0", "s1", "s0"}; }, "twice");
  refused([](Parts& p) { p.features = {"f0", ""}; }, "an empty one");
}

CATCH_TEST_CASE("truncated HDF5 files are refused at every length", "[biom]") {
  const test::TemporaryFolder folder;
  write_biom(folder / "t.biom", example());
  const std::string bytes = test::read_text(folder / "t.biom");
  for (size_t size = 1; size < bytes.size(); size += 97) {
    CATCH_CAPTURE(size);
    test::write_text(folder / "cut.biom", bytes.substr(0, size));
    CATCH_REQUIRE_THROWS_AS(read_table(folder / "cut.biom"), ParseError);
  }
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

CATCH_TEST_CASE("BIOM 1 tables are read sparse and dense, with numeric ids and missing keys", "[biom]") {
  const CountTable sparse = from_text(json_table(R"("matrix_type":"sparse","data":[[0,0,5],[1,2,2.5],[1,0,1]])"));
  CATCH_REQUIRE(sparse.indptr == std::vector<int64_t>{0, 2, 2, 3});
  CATCH_REQUIRE(sparse.values == std::vector<double>{5, 1, 2.5});
  require_same(from_text(json_table(R"("matrix_type":"dense","shape":[2,3],"data":[[5,0,0],[1,0,2.5]])")), sparse);
  const CountTable numeric =
      from_text(R"(  {"data":[[0,0,1]],"columns":[{"id":2538.1}],"rows":[{"id":468,"metadata":{"a":{"b":[1]}}}]})");
  CATCH_REQUIRE(numeric.feature_ids == std::vector<std::string>{"468"});
  CATCH_REQUIRE(numeric.sample_ids == std::vector<std::string>{"2538.1"});
}

CATCH_TEST_CASE("faulty BIOM 1 tables are refused with the entry", "[biom]") {
  const auto refused = [](const std::string& members, const char* message) {
    CATCH_REQUIRE_THROWS_WITH(from_text(json_table(members)), Catch::Contains(message));
  };
  refused(R"("data":[[0,3,1]])", "data[0]");
  refused(R"("data":[[0,0,1],[0,1]])", "data[1]");
  refused(R"("data":[[0,0,"x"]])", "data[0]");
  refused(R"("data":[[0,0,1],[0,0,2]])", "each feature once");
  refused(R"("data":[[0,0,-1]])", "-1");
  refused(R"("shape":[3,3],"data":[])", "[3, 3]");
  refused(R"("matrix_type":"dense","data":[[1,2,3]])", "2 rows");
  refused(R"("matrix_type":"dense","data":[[1,2,3],[1,2]])", "data[1]");
  refused(R"("matrix_type":"other","data":[])", "other");
  CATCH_REQUIRE_THROWS_WITH(from_text(R"({"rows":[]})"), Catch::Contains("columns"));
  CATCH_REQUIRE_THROWS_AS(from_text("{\"rows\": ["), ParseError);
}

CATCH_TEST_CASE("classic tables are read with comments, CRLF, a taxonomy column and no final newline", "[biom]") {
  const CountTable table = from_text(
      "# Constructed from biom file\r\n#OTU ID\ts0\ts1\ttaxonomy\r\nf0\t1.0\t0\tk__A; p__B\r\n\r\n# "
      "note\r\nf1\t0\t2e3\tk__C");
  CATCH_REQUIRE(table.sample_ids == std::vector<std::string>{"s0", "s1"});
  CATCH_REQUIRE(table.feature_ids == std::vector<std::string>{"f0", "f1"});
  CATCH_REQUIRE(table.values == std::vector<double>{1, 2000});
}

CATCH_TEST_CASE("faulty classic tables are refused with the line", "[biom]") {
  const auto refused = [](const std::string& text, const char* message) {
    CATCH_CAPTURE(text);
    CATCH_REQUIRE_THROWS_WITH(from_text(text), Catch::Contains(message));
  };
  refused("#OTU ID\ts0\ts1\nf0\t1\n", "line 2");
  refused("#OTU ID\ts0\ts1\nf0\t1\tmany\n", "many");
  refused("#OTU ID\ts0\ts1\nf0\t1\t-1\n", "line 2");
  refused("#OTU ID\ts0\ts0\nf0\t1\t1\n", "twice");
  refused("#OTU ID\ts0\nf0\t1\nf0\t1\n", "twice");
  refused("a,b,c\n1,2,3\n", "#OTU ID");
  refused("\n \n", "only blanks");
}
