#include "deepbio/data/shard.h"

#include <torch/types.h>

#include <filesystem>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::data;

namespace {

constexpr int64_t kRows = 40, kWidth = 1003;

// kRows of a large and two small tensors, and one without positions.
std::string write_shard(const test::TemporaryFolder& folder) {
  const at::Tensor wide = torch::arange(kRows * kWidth, torch::kFloat);
  const at::Tensor bytes = torch::arange(kRows * 3).to(torch::kByte);
  const at::Tensor lengths = torch::arange(kRows) * 5;
  const std::string path = folder / "shard";
  io::write_safetensors(path, {{"bytes", "U8", {kRows, 3}, bytes.data_ptr(), bytes.nbytes()},
                               {"wide", "F32", {kRows, kWidth}, wide.data_ptr(), wide.nbytes()},
                               {"empty", "F32", {kRows, 0}, nullptr, 0},
                               {"lengths", "I64", {kRows}, lengths.data_ptr(), lengths.nbytes()}});
  return path;
}

const std::vector<std::string> kNames{"lengths", "wide", "bytes", "empty"};

void check_rows(const std::vector<at::Tensor>& rows, int64_t begin, int64_t count) {
  CATCH_REQUIRE(torch::equal(rows[0], torch::arange(begin, begin + count) * 5));
  const at::Tensor wide = torch::arange(begin * kWidth, (begin + count) * kWidth, torch::kFloat);
  CATCH_REQUIRE(torch::equal(rows[1], wide.view({count, kWidth})));
  const at::Tensor bytes =
      torch::arange(begin * 3, (begin + count) * 3).to(torch::kByte).view({count, 3});
  CATCH_REQUIRE(torch::equal(rows[2], bytes));
  CATCH_REQUIRE(rows[3].sizes() == at::IntArrayRef{count, 0});
}

}  // namespace

CATCH_TEST_CASE("Rows of a shard are those that were written, wherever they begin", "[shard]") {
  test::TemporaryFolder folder;
  const Shard shard(write_shard(folder));
  for (const auto& [name, tensor] : shard.tensors()) {
    if (name == "wide")
      CATCH_REQUIRE(torch::equal(tensor.flatten(), torch::arange(kRows * kWidth, torch::kFloat)));
    if (name == "empty") CATCH_REQUIRE(tensor.sizes() == at::IntArrayRef{kRows, 0});
  }
  for (int64_t begin = 0; begin < kRows; ++begin) {
    for (const int64_t count : {int64_t{1}, int64_t{9}, kRows}) {
      if (begin + count <= kRows) check_rows(shard.rows(kNames, begin, count), begin, count);
    }
  }
}

CATCH_TEST_CASE("What is done to rows in place stays with them, and they outlive the shard",
                "[shard]") {
  test::TemporaryFolder folder;
  const std::string path = write_shard(folder), before = test::read_text(path);
  std::vector<at::Tensor> rows;
  {
    const Shard shard(path);
    rows = shard.rows(kNames, 3, 20);
    for (at::Tensor& tensor : rows) tensor.fill_(7);
    check_rows(shard.rows(kNames, 3, 20), 3, 20);
    CATCH_REQUIRE(torch::equal(shard.tensors()[0].second.flatten().slice(0, 0, 1),
                               torch::tensor({int64_t{0}})));
  }
  CATCH_REQUIRE(test::read_text(path) == before);
  CATCH_REQUIRE(rows[1].eq(7).all().item<bool>());
}

CATCH_TEST_CASE("Rows of a removed file are copied, those of a changed one refused", "[shard]") {
  test::TemporaryFolder folder;
  const std::string path = write_shard(folder);
  const Shard shard(path);
  std::filesystem::remove(path);
  check_rows(shard.rows(kNames, 3, 20), 3, 20);

  const Shard other(write_shard(folder));
  std::filesystem::resize_file(path, 1000);
  for (const std::string& name : kNames)
    CATCH_REQUIRE_THROWS_AS(other.rows({name}, 3, 20), ParseError);
  CATCH_REQUIRE_THROWS_AS(other.check_unchanged(), ParseError);
}

CATCH_TEST_CASE("Rows from anywhere are copied to any place", "[shard]") {
  test::TemporaryFolder folder;
  const Shard shard(write_shard(folder), true);
  const at::Tensor rows = torch::tensor({int64_t{39}, int64_t{0}, int64_t{7}, int64_t{7}});
  const at::Tensor places = torch::tensor({int64_t{2}, int64_t{5}, int64_t{0}, int64_t{1}});
  for (const auto& [name, whole] : shard.tensors()) {
    std::vector<int64_t> shape = whole.sizes().vec();
    shape[0] = 6;
    const at::Tensor out = torch::full(shape, 3, whole.scalar_type());
    at::Tensor expected = out.clone();
    expected.index_put_({places}, whole.index({rows}));
    shard.copy_rows(name, rows, places, out);
    CATCH_REQUIRE(torch::equal(out, expected));
  }
  const at::Tensor out = torch::zeros({6, 3}, torch::kByte);
  CATCH_REQUIRE_THROWS_AS(shard.copy_rows("bytes", rows + 1, places, out), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(shard.copy_rows("bytes", rows, places - 1, out), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(shard.copy_rows("bytes", rows, places + 1, out), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(shard.copy_rows("bytes", rows, places.slice(0, 1), out), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(shard.copy_rows("bytes", rows.to(torch::kInt), places, out),
                          ArgumentError);
  CATCH_REQUIRE_THROWS_AS(shard.copy_rows("wide", rows, places, out), ArgumentError);
}

CATCH_TEST_CASE("Rows and tensors that are not there are refused", "[shard]") {
  test::TemporaryFolder folder;
  const Shard shard(write_shard(folder));
  CATCH_REQUIRE_THROWS_AS(shard.rows({"none"}, 0, 1), ArgumentError);
  for (const auto& [begin, count] :
       {std::pair<int64_t, int64_t>{-1, 1}, {0, 0}, {0, kRows + 1}, {kRows, 1}}) {
    CATCH_REQUIRE_THROWS_AS(shard.rows({"wide"}, begin, count), ArgumentError);
  }
  const double number = 1;
  io::write_safetensors(folder / "other", {{"a", "F64", {1}, &number, 8}});
  CATCH_REQUIRE_THROWS_WITH(Shard(folder / "other"), Catch::Contains("F64"));
}
