#include "deepbio/io/tables/biom_hdf5.h"

#include <cmath>

#include "catch.h"
#include "io/tables/example_table.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

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
  return read_biom_hdf5(Hdf5Reader(folder / "t.biom"));
}

}  // namespace

CATCH_TEST_CASE("either orientation of a BIOM 2 file is enough, and attributes are optional",
                "[biom_hdf5]") {
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
  const CountTable a = written(by_feature), b = written(by_sample);
  CATCH_REQUIRE(a.indptr == b.indptr);
  CATCH_REQUIRE(a.indices == b.indices);
  CATCH_REQUIRE(a.values == b.values);
}

CATCH_TEST_CASE("explicit zeros are dropped", "[biom_hdf5]") {
  Parts parts;
  parts.data = {1, 0, 3};
  parts.indices = {0, 0, 1};
  const CountTable table = written(parts);
  CATCH_REQUIRE(table.values == std::vector<double>{1, 3});
  CATCH_REQUIRE(table.indptr == std::vector<int64_t>{0, 1, 2, 2});
}

CATCH_TEST_CASE("BIOM 2 files that contradict themselves are refused with the dataset or the id",
                "[biom_hdf5]") {
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

CATCH_TEST_CASE("truncated HDF5 files are refused at every length", "[biom_hdf5]") {
  const test::TemporaryFolder folder;
  const CountTable table = test::example_table();
  write_biom_hdf5(folder / "t.biom", table);
  CATCH_REQUIRE(read_biom_hdf5(Hdf5Reader(folder / "t.biom")).values == table.values);
  const std::string bytes = test::read_text(folder / "t.biom");
  for (size_t size = 1; size < bytes.size(); size += 97) {
    CATCH_CAPTURE(size);
    test::write_text(folder / "cut.biom", bytes.substr(0, size));
    CATCH_REQUIRE_THROWS_AS(read_table(folder / "cut.biom"), ParseError);
  }
}
