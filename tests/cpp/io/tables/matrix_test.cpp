#include "deepbio/io/tables/matrix.h"

#include <cmath>
#include <cstring>

#include "catch.h"
#include "io/bytes/zip_bytes.h"

#include "deepbio/base/error.h"
#include "deepbio/io/tables/hdf5.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

DistanceMatrix example() {
  return {{"a", "b", "1.50"}, {0, 0.1, 1.0 / 3, 0.1, 0, 2e-17, 1.0 / 3, 2e-17, 0}, 3};
}

// An npy file made here, byte by byte, from the published format description.
template <class T>
std::string npy_bytes(const std::string& dict, const std::vector<T>& values, char version = 1) {
  std::string out = std::string("\x93NUMPY") + version + '\0';
  const auto length = static_cast<uint32_t>(dict.size());
  out.append(reinterpret_cast<const char*>(&length), version == 1 ? 2 : 4);
  out += dict;
  out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  return out;
}

}  // namespace

CATCH_TEST_CASE("distances survive npy, tsv and h5 bit for bit", "[matrix]") {
  const test::TemporaryFolder folder;
  for (const char* name : {"d.npy", "d.tsv", "d.h5"}) {
    CATCH_CAPTURE(name);
    write_distances(folder / name, example());
    const DistanceMatrix again = read_distances(folder / name);
    CATCH_REQUIRE(again.ids == example().ids);
    CATCH_REQUIRE(again.values == example().values);
    CATCH_REQUIRE(again.size() == 3);
  }
  CATCH_REQUIRE(test::read_text(folder / "d.ids.txt") == "a\nb\n1.50\n");
}

CATCH_TEST_CASE("float32 output keeps seven digits", "[matrix]") {
  const test::TemporaryFolder folder;
  for (const char* name : {"d.npy", "d.h5"}) {
    write_distances(folder / name, example(), DistanceOutput{Overwrite::kAllow, true});
    const DistanceMatrix again = read_distances(folder / name);
    CATCH_REQUIRE(again.values[2] == static_cast<double>(static_cast<float>(1.0 / 3)));
  }
  CATCH_REQUIRE(std::filesystem::file_size(folder / "d.npy") == 128 + 9 * 4);
}

CATCH_TEST_CASE("content, not the name, decides how a matrix is read", "[matrix]") {
  const test::TemporaryFolder folder;
  write_distances(folder / "d.h5", example());
  std::filesystem::rename(folder / "d.h5", folder / "d.tsv");
  CATCH_REQUIRE(read_distances(folder / "d.tsv").values == example().values);
}

CATCH_TEST_CASE("npy without ids beside it has none, and ids of another length are refused",
                "[matrix]") {
  const test::TemporaryFolder folder;
  write_distances(folder / "d.npy", example());
  test::write_text(folder / "d.ids.txt", "a\nb\n");
  CATCH_REQUIRE_THROWS_WITH(read_distances(folder / "d.npy"), Catch::Contains("3 ids"));
  std::filesystem::remove(folder / "d.ids.txt");
  CATCH_REQUIRE(read_distances(folder / "d.npy").ids.empty());
}

CATCH_TEST_CASE("existing outputs are refused, the ids file too, and unknown endings", "[matrix]") {
  const test::TemporaryFolder folder;
  write_distances(folder / "d.npy", example());
  CATCH_REQUIRE_THROWS_AS(write_distances(folder / "d.npy", example(), Overwrite::kRefuse),
                          WriteError);
  std::filesystem::remove(folder / "d.npy");
  CATCH_REQUIRE_THROWS_AS(write_distances(folder / "d.npy", example(), Overwrite::kRefuse),
                          WriteError);
  CATCH_REQUIRE_FALSE(std::filesystem::exists(folder / "d.npy"));
  CATCH_REQUIRE_THROWS_AS(write_distances(folder / "d.csv", example()), ArgumentError);
}

CATCH_TEST_CASE("npy files of every real type, version and order are read", "[matrix]") {
  const test::TemporaryFolder folder;
  const auto read = [&](const std::string& bytes) {
    test::write_text(folder / "a.npy", bytes);
    return read_npy(folder / "a.npy");
  };
  const std::vector<double> expected{0, 1, 2, 3, 4, 5};
  const std::string tail = "', 'fortran_order': False, 'shape': (2, 3), }\n";
  CATCH_REQUIRE(read(npy_bytes<double>("{'descr': '<f8" + tail, {0, 1, 2, 3, 4, 5})).values ==
                expected);
  CATCH_REQUIRE(read(npy_bytes<float>("{'descr': '<f4" + tail, {0, 1, 2, 3, 4, 5})).values ==
                expected);
  CATCH_REQUIRE(read(npy_bytes<int64_t>("{'descr': '<i8" + tail, {0, 1, 2, 3, 4, 5}, 2)).values ==
                expected);
  CATCH_REQUIRE(read(npy_bytes<uint8_t>("{'descr': '|u1" + tail, {0, 1, 2, 3, 4, 5}, 3)).values ==
                expected);
  // 256 and 1 in the other byte order.
  CATCH_REQUIRE(read(npy_bytes<int16_t>(
                         "{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }\n", {1, 256}))
                    .values == std::vector<double>{256, 1});
  const auto fortran = read(npy_bytes<double>(
      "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }\n", {0, 3, 1, 4, 2, 5}));
  CATCH_REQUIRE(fortran.values == expected);
  CATCH_REQUIRE(fortran.shape == std::vector<int64_t>{2, 3});
  const auto scalar =
      read(npy_bytes<double>("{'descr': '<f8', 'fortran_order': False, 'shape': (), }\n", {7}));
  CATCH_REQUIRE(scalar.values == std::vector<double>{7});
  CATCH_REQUIRE(
      read(npy_bytes<double>("{'descr': '<f8', 'fortran_order': False, 'shape': (0,), }\n", {}))
          .values.empty());
}

CATCH_TEST_CASE("damaged npy files are refused", "[matrix]") {
  const test::TemporaryFolder folder;
  const std::string good =
      npy_bytes<double>("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n", {1, 2});
  for (size_t size = 0; size < good.size(); ++size) {
    CATCH_CAPTURE(size);
    test::write_text(folder / "a.npy", good.substr(0, size));
    CATCH_REQUIRE_THROWS_AS(read_npy(folder / "a.npy"), ParseError);
  }
  const auto refused = [&](const std::string& dict) {
    test::write_text(folder / "a.npy", npy_bytes<double>(dict, {1, 2}));
    CATCH_REQUIRE_THROWS_AS(read_npy(folder / "a.npy"), ParseError);
  };
  refused("{'descr': '>c8', 'fortran_order': False, 'shape': (2,), }\n");
  refused("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }\n");
  refused("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }\n");
  refused("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999999999), }\n");
  refused("{'descr': '<f8', 'fortran_order': False, }\n");
}

CATCH_TEST_CASE("what is not a distance matrix is refused with the pair and the place",
                "[matrix]") {
  const test::TemporaryFolder folder;
  const auto refused = [&](const std::string& text, const std::string& message) {
    test::write_text(folder / "d.tsv", text);
    CATCH_REQUIRE_THROWS_WITH(read_distances(folder / "d.tsv"), Catch::Contains(message));
  };
  refused("", "empty file");
  refused("\ta\tb\na\t0\t1\n", "2 rows");
  refused("\ta\tb\na\t0\t1\nb\t1\n", "line 3");
  refused("\ta\tb\nb\t0\t1\na\t1\t0\n", "line 2");
  refused("\ta\tb\na\t0\t1\nb\tone\t0\n", "one");
  refused("\ta\tb\na\t0\t1\nb\t2\t0\n", "both ways");
  refused("\ta\tb\na\t0.5\t1\nb\t1\t0\n", "distance of 0");
  refused("\ta\tb\na\t0\tnan\nb\tnan\t0\n", "a distance between");
  refused("\ta\ta\na\t0\t1\na\t1\t0\n", "ids that differ");
  write_npy(folder / "r.npy", {{2, 3}, {0, 0, 0, 0, 0, 0}});
  CATCH_REQUIRE_THROWS_WITH(read_distances(folder / "r.npy"), Catch::Contains("2 x 3"));
}

CATCH_TEST_CASE("matrices as AAM keeps them are read: csv, npz, and h5 under their names",
                "[matrix]") {
  const test::TemporaryFolder folder;
  const std::vector<double> values{0, 0.25, 0.5, 0.25, 0, 1, 0.5, 1, 0};
  const auto require = [&](const std::string& path, const std::vector<std::string>& ids) {
    CATCH_CAPTURE(path);
    const DistanceMatrix matrix = read_distances(path);
    CATCH_REQUIRE(matrix.ids == ids);
    CATCH_REQUIRE(matrix.values == values);
  };
  test::write_text(
      folder / "d.csv",
      "# written by hand\r\n,a,\"b,\"\"c\"\"\",1.50\r\na,0,0.25,0.5\r\n\"b,\"\"c\"\"\", "
      "0.25,0,1\r\n1.50,0.5,1,0\r\n");
  require(folder / "d.csv", {"a", "b,\"c\"", "1.50"});

  const std::string dict = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 3), }\n";
  const std::string npy = npy_bytes(dict, values);
  test::write_text(folder / "one.npz", test::zip_of({{"arr_0.npy", npy}}, false));
  require(folder / "one.npz", {});
  test::write_text(folder / "two.npz",
                   test::zip_of({{"other.npy", "junk"}, {"distances.npy", npy}}));
  require(folder / "two.npz", {});

  for (const std::string name : {"matrix", "distances", "anything"}) {
    for (const bool with_order : {true, false}) {
      Hdf5Writer file(folder / "d.h5");
      file.floats(name, values, {3, 3});
      if (with_order) file.strings("order", {"x", "y", "z"});
      file.close();
      require(folder / "d.h5",
              with_order ? std::vector<std::string>{"x", "y", "z"} : std::vector<std::string>{});
    }
  }
}

CATCH_TEST_CASE("what lies beside distances in AAM's files is refused by name", "[matrix]") {
  const test::TemporaryFolder folder;
  const std::string npy = npy_bytes("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n",
                                    std::vector<double>{1, 2});
  const auto refused = [&](const test::Members& members, const std::string& message) {
    test::write_text(folder / "d.npz", test::zip_of(members));
    CATCH_REQUIRE_THROWS_WITH(read_distances(folder / "d.npz"), Catch::Contains(message));
  };
  refused({{"faith_pd.npy", npy}}, "faith_pd");
  refused({{"a.npy", npy}, {"b.npy", npy}}, "a, b");
  refused({{"a.npy", npy}}, "shape 2");
  refused({{"distances.npy", npy.substr(0, npy.size() - 1)}}, "16 bytes of numbers");
  Hdf5Writer file(folder / "d.h5");
  file.doubles("stripe_distances", {1, 2}, {2});
  file.close();
  CATCH_REQUIRE_THROWS_WITH(read_distances(folder / "d.h5"), Catch::Contains("stripe_distances"));
  test::write_text(folder / "d.csv", ",a,b\na,0,1\n\"b,1,0\n");
  CATCH_REQUIRE_THROWS_WITH(read_distances(folder / "d.csv"),
                            Catch::Contains("line 3") && Catch::Contains("quote"));
}

CATCH_TEST_CASE("matrices written by NumPy and by upstream tools are read", "[matrix][real]") {
  DEEPBIO_NEEDS_SHARED();
  const auto values = read_npy(test::shared("microbiome/moving_pictures/expected/unweighted.npy"));
  CATCH_REQUIRE(values.shape == std::vector<int64_t>{34, 34});
  CATCH_REQUIRE(
      read_distances(test::shared("microbiome/moving_pictures/expected/unweighted.npy")).num_rows ==
      34);
  CATCH_REQUIRE(read_distances(test::shared("microbiome/formats/crawford.unweighted.expected.tsv"))
                    .ids.size() == 9);
}
