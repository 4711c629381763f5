#include "deepbio/io/tables/hdf5_stored.h"

#include <cstring>
#include <numeric>

#include "catch.h"
#include <hdf5.h>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/mapped_file.h"
#include "deepbio/io/tables/hdf5.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

struct Layout {
  hsize_t chunk = 0;  // 0: contiguous
  bool shuffle = false, gzip = false, fletcher = false;
  hsize_t rows = 0;  // 2: two dimensions
};

// A file of one dataset "d", written by libhdf5 in any layout.
void write_file(const std::string& path, const Layout& layout, hid_t file_type, hid_t memory_type,
                hsize_t count, const void* data, hsize_t user_block = 0) {
  const hid_t options = H5Pcreate(H5P_FILE_CREATE);
  H5Pset_userblock(options, user_block);
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, options, H5P_DEFAULT);
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  const hsize_t extents[2] = {layout.rows > 0 ? layout.rows : count,
                              count / std::max<hsize_t>(1, layout.rows)};
  const hsize_t chunk[2] = {layout.chunk, 1};
  const int rank = layout.rows > 0 ? 2 : 1;
  if (layout.chunk > 0) H5Pset_chunk(list, rank, chunk);
  if (layout.shuffle) H5Pset_shuffle(list);
  if (layout.gzip) H5Pset_deflate(list, 4);
  if (layout.fletcher) H5Pset_fletcher32(list);
  const hid_t space = H5Screate_simple(rank, extents, nullptr);
  const hid_t dataset = H5Dcreate2(file, "d", file_type, space, H5P_DEFAULT, list, H5P_DEFAULT);
  CATCH_REQUIRE(dataset >= 0);
  if (data != nullptr)
    CATCH_REQUIRE(H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
  H5Dclose(dataset);
  H5Sclose(space);
  H5Pclose(list);
  H5Fclose(file);
  H5Pclose(options);
}

// read_stored of dataset "d" in the bytes of a file.
template <class T>
bool read(const std::string& path, uint64_t count, std::vector<T>& out) {
  const MappedFile mapped(path);
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  const hid_t dataset = H5Dopen2(file, "d", H5P_DEFAULT);
  const bool is_read = read_stored(StoredDataset{file, dataset, mapped.bytes(), count}, out);
  H5Dclose(dataset);
  H5Fclose(file);
  return is_read;
}

hid_t string_type() {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  return type;
}

const std::vector<Layout> kUsual{{},
                                 {100, false, true},
                                 {7, false, true},
                                 {400, false, true},
                                 {100, true, true},
                                 {7, true, true}};

}  // namespace

CATCH_TEST_CASE("numbers of every usual layout are read past libhdf5", "[hdf5_stored]") {
  const test::TemporaryFolder folder;
  std::vector<double> doubles(500);
  for (size_t k = 0; k < doubles.size(); ++k) doubles[k] = static_cast<double>(k * k) / 7 - 3;
  std::vector<int64_t> integers(500);
  for (size_t k = 0; k < integers.size(); ++k) integers[k] = static_cast<int64_t>(k * 8589934) - 5;
  for (const Layout& layout : kUsual) {
    CATCH_CAPTURE(layout.chunk, layout.shuffle, layout.gzip);
    std::vector<double> out;
    write_file(folder / "d.h5", layout, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 500, doubles.data());
    CATCH_REQUIRE(read(folder / "d.h5", 500, out));
    CATCH_REQUIRE(out == doubles);
    CATCH_REQUIRE(Hdf5Reader(folder / "d.h5").doubles("d") == doubles);
    for (const hid_t type : {H5T_STD_I32LE, H5T_STD_I64LE, H5T_STD_U32LE}) {
      std::vector<int64_t> written = integers, read_back;
      if (type == H5T_STD_I32LE) {
        for (int64_t& value : written) value = static_cast<int32_t>(value % 2000000000) - 7;
      }
      if (type == H5T_STD_U32LE) written[0] = 4294967295;
      write_file(folder / "i.h5", layout, type, H5T_NATIVE_INT64, 500, written.data());
      CATCH_REQUIRE(read(folder / "i.h5", 500, read_back));
      CATCH_REQUIRE(read_back == written);
    }
  }
}

CATCH_TEST_CASE("strings of variable length are those that libhdf5 gives", "[hdf5_stored]") {
  const test::TemporaryFolder folder;
  std::vector<std::string> texts{"", "a", "s\xC3\xA4mple",
                                 std::string(5000, 'G')};  // the last has a heap of its own
  for (int k = 0; k < 496; ++k)
    texts.push_back(std::string(static_cast<size_t>(k % 150), 'A') + std::to_string(k));
  std::vector<const char*> pointers;
  for (const auto& text : texts) pointers.push_back(text.c_str());
  pointers[7] = nullptr;
  texts[7].clear();
  const Hdf5Handle type(string_type(), H5Tclose);
  for (const Layout& layout : kUsual) {
    CATCH_CAPTURE(layout.chunk, layout.shuffle, layout.gzip);
    write_file(folder / "s.h5", layout, type.get(), type.get(), 500, pointers.data());
    std::vector<std::string> out;
    CATCH_REQUIRE(read(folder / "s.h5", 500, out));
    CATCH_REQUIRE(out == texts);
    CATCH_REQUIRE(Hdf5Reader("image", test::read_text(folder / "s.h5")).strings("d") == texts);
  }
}

CATCH_TEST_CASE("unusual layouts are left to libhdf5, which reads the same numbers",
                "[hdf5_stored]") {
  const test::TemporaryFolder folder;
  std::vector<double> values(120), out;
  std::iota(values.begin(), values.end(), 0.5);
  const std::string path = folder / "d.h5";
  const auto require_left = [&](const Layout& layout, hid_t type) {
    write_file(path, layout, type, H5T_NATIVE_DOUBLE, 120, values.data());
    CATCH_REQUIRE_FALSE(read(path, 120, out));
    CATCH_REQUIRE(Hdf5Reader(path).doubles("d") == values);
  };
  require_left({}, H5T_IEEE_F64BE);
  require_left({}, H5T_IEEE_F32LE);
  require_left({50, false, true, true}, H5T_IEEE_F64LE);
  require_left({50}, H5T_IEEE_F64LE);
  require_left({50, true}, H5T_IEEE_F64LE);
  // Bytes in front of the file shift all addresses; the signature is then not at the start for our
  // own check.
  write_file(path, {}, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 120, values.data(), 512);
  CATCH_REQUIRE_FALSE(read(path, 120, out));
  CATCH_REQUIRE(Hdf5Reader(path).doubles("d") == values);
  // Two dimensions are not even tried.
  write_file(path, {.chunk = 2, .rows = 12}, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 120, values.data());
  CATCH_REQUIRE(Hdf5Reader(path).doubles("d") == values);
  CATCH_REQUIRE(Hdf5Reader(path).shape("d") == std::vector<int64_t>{12, 10});
  // Nothing written: the fill value, for which nothing is stored.
  write_file(path, {50, false, true}, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 120, nullptr);
  CATCH_REQUIRE_FALSE(read(path, 120, out));
}

CATCH_TEST_CASE("damaged chunks and references are left to libhdf5, never read beyond the file",
                "[hdf5_stored]") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "d.h5";
  std::vector<double> values(300), out;
  for (size_t k = 0; k < values.size(); ++k) values[k] = static_cast<double>(k % 17);
  std::vector<std::string> texts, strings_out;
  for (int k = 0; k < 60; ++k) texts.push_back("id" + std::to_string(k * k));
  std::vector<const char*> pointers;
  for (const auto& text : texts) pointers.push_back(text.c_str());
  const Hdf5Handle type(string_type(), H5Tclose);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  for (const bool are_strings : {false, true}) {
    if (are_strings) {
      write_file(path, {20, false, true}, type.get(), type.get(), 60, pointers.data());
    } else {
      write_file(path, {100, true, true}, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 300, values.data());
    }
    const std::string good = test::read_text(path);
    int num_left = 0, num_read = 0;
    for (size_t at = 0; at < good.size(); ++at) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 0x20);
      test::write_text(path, bad);
      const MappedFile mapped(path);
      const Hdf5Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
      const Hdf5Handle dataset(file ? H5Dopen2(file.get(), "d", H5P_DEFAULT) : -1, H5Dclose);
      if (!dataset) continue;
      const StoredDataset stored{file.get(), dataset.get(), mapped.bytes(),
                                 are_strings ? 60u : 300u};
      const bool is_read =
          are_strings ? read_stored(stored, strings_out) : read_stored(stored, out);
      num_left += !is_read;
      num_read += is_read;
      // A check sum stands behind each chunk of numbers. Damaged so that no check sum is looked for
      // any more, they are what libhdf5 makes of them. Letters in a heap have none.
      if (!is_read || are_strings || out == values) continue;
      std::vector<double> theirs(300);
      CATCH_REQUIRE(H5Dread(dataset.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                            theirs.data()) >= 0);
      CATCH_REQUIRE(std::memcmp(theirs.data(), out.data(), 300 * sizeof(double)) == 0);
    }
    CATCH_CAPTURE(are_strings, num_left, num_read);
    CATCH_REQUIRE(num_left > 20);
    CATCH_REQUIRE(num_read > 100);
  }
}

CATCH_TEST_CASE("every identifier that a reader opens is closed, also when the file is damaged",
                "[hdf5_stored]") {
  const test::TemporaryFolder folder;
  {
    Hdf5Writer file(folder / "t.h5");
    file.strings("ids", {"a", "b", "c"});
    file.doubles("values", {1, 2, 3}, {3});
    file.close();
  }
  const std::string good = test::read_text(folder / "t.h5");
  int num_errors = 0;
  for (size_t at = 0; at < good.size(); at += 3) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    test::write_text(folder / "bad.h5", bad);
    try {
      const Hdf5Reader file(folder / "bad.h5");
      file.names();
      file.strings("ids");
      file.doubles("values");
    } catch (const ParseError&) {
      ++num_errors;
    }
    CATCH_REQUIRE(H5Fget_obj_count(int64_t{H5F_OBJ_ALL}, H5F_OBJ_ALL) == 0);
  }
  CATCH_REQUIRE(num_errors > 30);
}

CATCH_TEST_CASE("a chunk that comes back in another size is refused before libhdf5 reads behind it",
                "[hdf5_stored]") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "c.h5";
  std::vector<double> values(300);
  std::iota(values.begin(), values.end(), 0.5);
  const auto read = [&] { return Hdf5Reader(path).doubles("d"); };
  for (const Layout layout : {Layout{100, true, true, true}, Layout{100, false, true, true},
                              Layout{20, false, false, true}, Layout{50, true, true, false, 100},
                              Layout{30, true, false, false, 100}}) {
    write_file(path, layout, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 300, values.data());
    CATCH_REQUIRE(read() == values);
    write_file(path, layout, H5T_IEEE_F32LE, H5T_NATIVE_DOUBLE, 300, nullptr);
    CATCH_REQUIRE(read() == std::vector<double>(300));  // never written: fill values
  }
  // Strings lie as references in the chunks; those of two dimensions are not read past libhdf5.
  const std::vector<std::string> texts{"a", "", "ccc", "dd", "e", "f", "a long name"};
  std::vector<const char*> pointers;
  for (const auto& text : texts) pointers.push_back(text.c_str());
  const Hdf5Handle type(string_type(), H5Tclose);
  for (const hsize_t chunk : {2, 3, 7}) {
    write_file(path, {chunk, false, true, false, texts.size()}, type.get(), type.get(),
               texts.size(), pointers.data());
    CATCH_REQUIRE(Hdf5Reader(path).strings("d") == texts);
  }
  // Sizes of the middle one of three chunks, stored with gzip left out; 800 is whole. Fletcher's
  // sum adds 4.
  for (const auto& [fletcher, bytes] :
       {std::pair{false, 800}, {false, 792}, {false, 1600}, {true, 800}}) {
    write_file(path, {100, false, true, fletcher}, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 300,
               values.data());
    {
      const Hdf5Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
      const Hdf5Handle dataset(H5Dopen2(file.get(), "d", H5P_DEFAULT), H5Dclose);
      const hsize_t second = 100;
      const std::vector<char> zeros(1600);
      CATCH_REQUIRE(H5Dwrite_chunk(dataset.get(), H5P_DEFAULT, 1, &second, bytes, zeros.data()) >=
                    0);
    }
    CATCH_CAPTURE(fletcher, bytes);
    if (bytes == 800 && !fletcher) {
      std::fill_n(values.begin() + 100, 100, 0.0);
      CATCH_REQUIRE(read() == values);
    } else {
      CATCH_REQUIRE_THROWS_WITH(read(), Catch::Contains("c.h5: expected whole chunks in d"));
    }
  }
}
