#include "deepbio/io/tables/safetensors.h"

#include <cstring>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

// A file from header text and data, by the format description and not by the writer under test.
std::string file_of(const std::string& header, const std::string& data) {
  std::string out;
  for (size_t i = 0; i < 8; ++i) out += static_cast<char>((header.size() >> (8 * i)) & 0xff);
  return out + header + data;
}

SafetensorsFile read_bytes(const std::string& bytes) {
  test::TemporaryFolder folder;
  test::write_text(folder / "file", bytes);
  return read_safetensors(folder / "file");
}

std::string entry(const std::string& name, const std::string& shape, int begin, int end) {
  return "\"" + name + "\":{\"dtype\":\"U8\",\"shape\":" + shape + ",\"data_offsets\":[" +
         std::to_string(begin) + "," + std::to_string(end) + "]}";
}

}  // namespace

CATCH_TEST_CASE("tensors and metadata read back as written, larger elements first",
                "[safetensors]") {
  test::TemporaryFolder folder;
  const std::vector<float> floats{1.5f, -2.0f, 0.0f, 3.25f, 1e30f, -0.0f};
  const std::vector<int64_t> ints{-1, int64_t{1} << 60};
  const std::string bytes("\x01\x00\x01", 3);
  write_safetensors(folder / "file",
                    {{"flags", "BOOL", {3}, bytes.data(), 3},
                     {"weights", "F32", {2, 3}, floats.data(), 24},
                     {"none", "F32", {0, 7}, nullptr, 0},
                     {"count", "I64", {2}, ints.data(), 16}},
                    {{"format", "pt"}, {"note", "a \"quoted\" text"}});
  const SafetensorsFile file = read_safetensors(folder / "file");
  CATCH_REQUIRE(file.tensors.size() == 4);
  CATCH_REQUIRE(file.metadata == std::map<std::string, std::string>{{"format", "pt"},
                                                                    {"note", "a \"quoted\" text"}});
  CATCH_REQUIRE(file.find("absent") == nullptr);
  CATCH_REQUIRE(file.find("weights")->shape == std::vector<int64_t>{2, 3});
  CATCH_REQUIRE(file.find("weights")->dtype == "F32");
  CATCH_REQUIRE(std::memcmp(file.find("weights")->data, floats.data(), 24) == 0);
  CATCH_REQUIRE(std::memcmp(file.find("count")->data, ints.data(), 16) == 0);
  CATCH_REQUIRE(std::memcmp(file.find("flags")->data, bytes.data(), 3) == 0);
  CATCH_REQUIRE(file.find("none")->num_bytes == 0);
  CATCH_REQUIRE(file.tensors.front().name == "count");
  CATCH_REQUIRE(file.tensors.back().name == "flags");
  CATCH_REQUIRE(reinterpret_cast<uintptr_t>(file.find("count")->data) % 8 == 0);
}

CATCH_TEST_CASE("a file made by hand is read, whatever the order and padding of its header",
                "[safetensors]") {
  for (const std::string padding : {"", " ", "     "}) {
    const auto file = read_bytes(file_of(
        "{" + entry("b", "[3]", 2, 5) + "," + entry("a", "[2,1]", 0, 2) + "}" + padding, "xyABC"));
    CATCH_REQUIRE(file.tensors.size() == 2);
    CATCH_REQUIRE(file.tensors[0].name == "a");
    CATCH_REQUIRE(std::string(static_cast<const char*>(file.find("a")->data), 2) == "xy");
    CATCH_REQUIRE(std::string(static_cast<const char*>(file.find("b")->data), 3) == "ABC");
  }
  CATCH_REQUIRE(read_bytes(file_of("{}", "")).tensors.empty());
}

CATCH_TEST_CASE("a mapped file has the tensors of one that is read", "[safetensors]") {
  test::TemporaryFolder folder;
  const std::vector<float> floats{1.5f, -2.0f, 0.0f};
  write_safetensors(folder / "file",
                    {{"text", "U8", {3}, "abc", 3}, {"weights", "F32", {3}, floats.data(), 12}});
  const MappedFile mapped(folder / "file");
  const SafetensorsFile file = map_safetensors(mapped);
  CATCH_REQUIRE(file.tensors.size() == 2);
  CATCH_REQUIRE(std::string(static_cast<const char*>(file.find("text")->data), 3) == "abc");
  CATCH_REQUIRE(std::memcmp(file.find("weights")->data, floats.data(), 12) == 0);
  CATCH_REQUIRE(mapped.bytes().data() < file.find("weights")->data);
  CATCH_REQUIRE(file.find("text")->data < mapped.bytes().data() + mapped.bytes().size());

  test::write_text(folder / "odd", file_of("{" + entry("a", "[2]", 0, 2) + "}", "xy"));
  CATCH_REQUIRE_THROWS_WITH(map_safetensors(MappedFile(folder / "odd")),
                            Catch::Contains("multiple of 8"));
  test::write_text(folder / "cut", file_of("{" + entry("a", "[4]", 0, 4) + "}", "xy"));
  CATCH_REQUIRE_THROWS_AS(map_safetensors(MappedFile(folder / "cut")), ParseError);
}

CATCH_TEST_CASE("broken headers and layouts are refused", "[safetensors]") {
  const std::vector<std::pair<std::string, std::string>> broken{
      {"{" + entry("a", "[3]", 0, 3) + "," + entry("b", "[3]", 2, 5) + "}", "12345"},  // overlap
      {"{" + entry("a", "[2]", 0, 2) + "," + entry("b", "[2]", 3, 5) + "}", "12345"},  // hole
      {"{" + entry("a", "[2]", 1, 3) + "}", "123"},                   // hole at the beginning
      {"{" + entry("a", "[2]", 0, 2) + "}", "123"},                   // bytes of no tensor
      {"{" + entry("a", "[4]", 0, 4) + "}", "123"},                   // past the end
      {"{" + entry("a", "[2]", 0, 3) + "}", "123"},                   // shape too small
      {"{" + entry("a", "[-3]", 0, 3) + "}", "123"},                  // negative size
      {"{" + entry("a", "[4294967296,4294967296]", 0, 0) + "}", ""},  // product passes 64 bits
      {"{" + entry("a", "[1.5]", 0, 1) + "}", "1"},                   // a size that is no integer
      {"{" + entry("a", "[1]", 1, 0) + "}", "1"},                     // end before begin
      {"{" + entry("a", "[1]", 0, 1) + "," + entry("a", "[1]", 1, 2) + "}", "12"},  // name twice
      {"{\"a\":{\"dtype\":\"F3\",\"shape\":[1],\"data_offsets\":[0,1]}}", "1"},     // unknown dtype
      {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", "1"},                      // no dtype
      {"{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", "1"},                   // no shape
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", "1"},                            // no offsets
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", "1"},       // one offset
      {"{\"a\":3}", ""},                                                            // no object
      {"{\"__metadata__\":{\"k\":3}}", ""},  // metadata that is no text
      {"{\"__metadata__\":3}", ""},
      {"[]", ""},
      {" {}", ""},
      {"{", ""},
      {"", ""},
  };
  for (const auto& [header, data] : broken) {
    CATCH_CAPTURE(header);
    CATCH_REQUIRE_THROWS_AS(read_bytes(file_of(header, data)), ParseError);
  }
}

CATCH_TEST_CASE("a huge header length is refused at once", "[safetensors]") {
  CATCH_REQUIRE_THROWS_AS(read_bytes(std::string(8, '\xff') + "{}"), ParseError);
  std::string bytes = file_of("{}", "");
  bytes[3] = 6;  // 100,663,298 bytes, above the limit of 100 MB
  CATCH_REQUIRE_THROWS_WITH(read_bytes(bytes), Catch::Contains("at most 100 MB"));
}

CATCH_TEST_CASE("a file cut at any byte is refused", "[safetensors]") {
  const std::string whole =
      file_of("{" + entry("a", "[2]", 0, 2) + "," + entry("b", "[3]", 2, 5) + "}  ", "12345");
  CATCH_REQUIRE(read_bytes(whole).tensors.size() == 2);
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    CATCH_CAPTURE(cut);
    CATCH_REQUIRE_THROWS_AS(read_bytes(whole.substr(0, cut)), ParseError);
  }
}

CATCH_TEST_CASE("the writer refuses names twice, wrong sizes and existing files", "[safetensors]") {
  test::TemporaryFolder folder;
  const std::string path = folder / "file", data = "12";
  const TensorEntry good{"a", "U8", {2}, data.data(), 2};
  CATCH_REQUIRE_THROWS_AS(write_safetensors(path, {good, good}), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(write_safetensors(path, {{"a", "I16", {2}, data.data(), 2}}),
                          ArgumentError);
  CATCH_REQUIRE_THROWS_AS(write_safetensors(path, {{"a", "F128", {1}, data.data(), 2}}),
                          ArgumentError);
  CATCH_REQUIRE_THROWS_AS(write_safetensors(path, {{"__metadata__", "U8", {2}, data.data(), 2}}),
                          ArgumentError);
  CATCH_REQUIRE_FALSE(std::filesystem::exists(path));
  write_safetensors(path, {good});
  CATCH_REQUIRE_THROWS_AS(write_safetensors(path, {good}, {}, Overwrite::kRefuse), WriteError);
  CATCH_REQUIRE_THROWS_AS(read_safetensors(folder / "absent"), MissingFileError);
}

CATCH_TEST_CASE("element sizes are those of the format", "[safetensors]") {
  CATCH_REQUIRE(dtype_size("F64") == 8);
  CATCH_REQUIRE(dtype_size("BF16") == 2);
  CATCH_REQUIRE(dtype_size("BOOL") == 1);
  CATCH_REQUIRE_THROWS_AS(dtype_size("f32"), ArgumentError);
}
