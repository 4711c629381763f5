#include "deepbio/model/known_asvs.h"

#include <torch/types.h>

#include <cmath>
#include <set>

#include "catch.h"

namespace fn = deepbio::model::functional;
using torch::Tensor;

namespace {

Tensor longs(std::vector<int64_t> values) { return torch::tensor(values, torch::kLong); }

CATCH_TEST_CASE("an ASV keeps its identity under any padding, and others have others",
                "[known_asvs]") {
  const Tensor keys = fn::asv_keys(40);
  CATCH_REQUIRE(torch::equal(keys, fn::asv_keys(60).narrow(0, 0, 40)));
  const Tensor tokens = torch::randint(1, 5, {500, 30}, torch::kLong);
  const Tensor identity = fn::asv_identity(tokens, keys);
  CATCH_REQUIRE(
      torch::equal(identity, fn::asv_identity(torch::constant_pad_nd(tokens, {0, 10}), keys)));
  // By hand, in the arithmetic of 64 bits.
  uint64_t sum = 0;
  for (int64_t i = 0; i < 30; ++i) {
    sum += static_cast<uint64_t>(tokens[0][i].item<int64_t>()) *
           static_cast<uint64_t>(keys[i].item<int64_t>());
  }
  CATCH_REQUIRE(identity[0].item<int64_t>() == static_cast<int64_t>(sum));
  std::set<int64_t> distinct(identity.data_ptr<int64_t>(),
                             identity.data_ptr<int64_t>() + identity.numel());
  // Every change of one letter counts.
  for (int64_t place = 0; place < 30; ++place) {
    Tensor other = tokens[0].clone();
    other[place] = other[place].item<int64_t>() % 4 + 1;
    distinct.insert(fn::asv_identity(other.unsqueeze(0), keys).item<int64_t>());
  }
  CATCH_REQUIRE(distinct.size() == 530);
}

CATCH_TEST_CASE("known ASVs are found among others, in any order", "[known_asvs]") {
  const Tensor known = longs({-50, -3, 7, 900});
  const Tensor columns = fn::known_columns(longs({7, 8, -50, 900, 901, -51}), known);
  CATCH_REQUIRE(torch::equal(columns, longs({2, 4, 0, 3, 4, 4})));
}

CATCH_TEST_CASE(
    "inputs of known ASVs are log abundance and presence, and unknown reads count in the total",
    "[known_asvs]") {
  // Distinct ASVs 0..3 stand in columns 1, none, 0, 1: the last has the sequence of the first.
  const Tensor columns = longs({1, 3, 0, 1}), known = longs({10, 20, 30});
  const Tensor index = longs({0, 1, 2, 3, 1, 0}).view({2, 3});
  const Tensor mask =
      torch::tensor({true, true, true, true, true, false}, torch::kBool).view({2, 3});
  const Tensor counts = torch::tensor({6.0F, 3.0F, 1.0F, 4.0F, 4.0F, 99.0F}).view({2, 3});
  const Tensor got = fn::known_asv_inputs(columns, index, mask, counts, known, true, {0.0});
  const auto log_share = [](double share) { return static_cast<float>(std::log1p(1000 * share)); };
  const Tensor expected = torch::tensor({log_share(0.1), log_share(0.6), 0.0F, 1.0F, 1.0F, 0.0F,  //
                                         0.0F, log_share(0.5), 0.0F, 0.0F, 1.0F, 0.0F})
                              .view({2, 6});
  CATCH_REQUIRE(torch::allclose(got, expected));
  const Tensor presence = fn::known_asv_inputs(columns, index, mask, counts, known, false, {0.0});
  CATCH_REQUIRE(torch::equal(presence, expected.narrow(1, 3, 3)));
  const Tensor levels =
      fn::known_asv_inputs(columns, index, mask, counts, known, false, {0.0, 0.2});
  CATCH_REQUIRE(torch::equal(levels.narrow(1, 0, 3), presence));
  CATCH_REQUIRE(torch::equal(levels.narrow(1, 3, 3),
                             torch::tensor({0.0F, 1.0F, 0.0F, 0.0F, 1.0F, 0.0F}).view({2, 3})));
}

CATCH_TEST_CASE("pooled sequences are means by presence and by log abundance", "[known_asvs]") {
  const Tensor embeddings = torch::randn({4, 5});
  const Tensor index = longs({0, 1, 3, 2, 2, 0}).view({2, 3});
  const Tensor mask =
      torch::tensor({true, true, true, true, false, false}, torch::kBool).view({2, 3});
  const Tensor counts = torch::tensor({6.0F, 3.0F, 1.0F, 4.0F, 0.0F, 0.0F}).view({2, 3});
  const Tensor got = fn::pool_sequences(embeddings, index, mask, counts, true);
  const Tensor weight = torch::tensor({6.0F, 3.0F, 1.0F}).log1p();
  const Tensor own = torch::stack({embeddings[0], embeddings[1], embeddings[3]});
  CATCH_REQUIRE(torch::allclose(got[0].narrow(0, 0, 5), own.mean(0), 1e-5, 1e-6));
  CATCH_REQUIRE(torch::allclose(got[0].narrow(0, 5, 5), torch::matmul(weight / weight.sum(), own),
                                1e-5, 1e-6));
  CATCH_REQUIRE(torch::allclose(got[1], embeddings[2].repeat({2}), 1e-5, 1e-6));
  CATCH_REQUIRE(
      torch::allclose(fn::pool_sequences(embeddings, index, mask, {}, false), got.narrow(1, 0, 5)));
}

}  // namespace
