#include "deepbio/community/shared_kernel.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "catch.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

// 64-byte aligned copies, as the header asks.
template <class T>
struct Aligned {
  explicit Aligned(const std::vector<T>& values) : memory(values.size() + 64 / sizeof(T)) {
    const auto past = reinterpret_cast<uintptr_t>(memory.data()) % 64;
    data = memory.data() + (past == 0 ? 0 : (64 - past) / sizeof(T));
    std::copy(values.begin(), values.end(), data);
  }
  Aligned(const Aligned&) = delete;
  std::vector<T> memory;
  T* data;
};

// The tile as the header has it, in double.
template <class T>
void add_plainly(Shared shared, const SharedTile<T>& tile, std::vector<double>& first,
                 std::vector<double>& second) {
  for (int64_t row = 0; row < tile.num_rows; ++row) {
    for (int64_t k = tile.start[row]; k < tile.start[row + 1]; ++k) {
      for (int64_t lane = 0; lane < kLanes<T>; ++lane) {
        const int64_t at = tile.index[k] * kLanes<T> + lane, to = row * kLanes<T> + lane;
        const double own = tile.value[k], other = tile.panel[at];
        if (shared == Shared::kSum) first[to] += other;
        if (shared == Shared::kMin) first[to] += std::min(own, other);
        if (shared != Shared::kPower || other <= 0) continue;
        const double length = tile.panel_length[tile.index[k]],
                     weight = length * std::pow(own + other, tile.alpha);
        const double alone = double(tile.power[k]) + double(tile.panel_power[at]);
        first[to] += weight * std::abs(own - other) / (own + other) - alone;
        second[to] += weight - alone;
      }
    }
  }
}

template <class T>
void check_all_instructions(const std::vector<Shared>& forms, double tolerance) {
  constexpr int64_t kRows = 7;
  constexpr double kScale = std::is_same_v<T, uint32_t> ? 1e6 : 1;
  std::mt19937 random(3);
  std::uniform_real_distribution<double> share(0.001, 0.2);
  for (const double alpha : {0.0, 0.5, 0.7, 1.0}) {
    std::vector<T> values(kChunk * kLanes<T>), powers(values.size()), lengths(kChunk), own,
        own_power;
    std::vector<uint8_t> index;
    std::vector<int64_t> start{0};
    for (T& length : lengths) length = static_cast<T>(kScale * share(random));
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = random() % 3 == 0 ? T(0) : static_cast<T>(kScale * share(random));
      powers[i] = values[i] > 0
                      ? lengths[i / kLanes<T>] * static_cast<T>(std::pow(values[i], alpha))
                      : T(0);
    }
    for (int64_t row = 0; row < kRows; ++row) {
      for (int64_t k = row; k < kChunk && row != 4; k += 1 + static_cast<int64_t>(random() % 3)) {
        index.push_back(static_cast<uint8_t>(k));
        own.push_back(static_cast<T>(kScale * share(random)));
        own_power.push_back(lengths[k] * static_cast<T>(std::pow(own.back(), alpha)));
      }
      start.push_back(static_cast<int64_t>(index.size()));
    }
    const Aligned<T> panel(values), panel_power(powers), panel_length(lengths);
    for (const Shared shared : forms) {
      const std::vector<T> ones(kRows * kLanes<T>, 1), twos(ones.size(), 2);
      std::vector<double> first(ones.begin(), ones.end()), second(twos.begin(), twos.end());
      for (const Simd simd : simd_paths()) {
        const Aligned<T> got_first(ones), got_second(twos);
        const SharedTile<T> tile{panel.data,
                                 panel_power.data,
                                 panel_length.data,
                                 start.data(),
                                 index.data(),
                                 own.data(),
                                 own_power.data(),
                                 kRows,
                                 got_first.data,
                                 got_second.data,
                                 alpha,
                                 T(0)};
        if (simd == simd_paths().front()) add_plainly(shared, tile, first, second);
        add_shared(shared, tile, simd);
        for (size_t k = 0; k < ones.size(); ++k) {
          CATCH_REQUIRE(std::abs(double(got_first.data[k]) - first[k]) <= tolerance);
          CATCH_REQUIRE(std::abs(double(got_second.data[k]) - second[k]) <= tolerance);
        }
      }
    }
  }
}

}  // namespace

CATCH_TEST_CASE("every instruction set that runs here adds what the plain loop adds",
                "[shared_kernel]") {
  CATCH_REQUIRE(simd_paths().front() == Simd::kScalar);
  check_all_instructions<double>({Shared::kSum, Shared::kMin, Shared::kPower}, 1e-13);
  check_all_instructions<float>({Shared::kPower}, 2e-5);
  check_all_instructions<uint32_t>({Shared::kSum, Shared::kMin}, 0);
}

CATCH_TEST_CASE("terms of powers are rounded to the grid by every instruction set",
                "[shared_kernel]") {
  constexpr double kGrid = 1.0 / 1024;
  std::vector<double> values(kChunk * kLanes<double>, 0.3), powers(values.size(), 0.25),
      lengths(kChunk, 0.7);
  const Aligned<double> panel(values), panel_power(powers), panel_length(lengths);
  const std::vector<int64_t> start{0, 1};
  const uint8_t index = 5;
  const double own = 0.01, own_power = 0.125;
  for (const Simd simd : simd_paths()) {
    const Aligned<double> first(std::vector<double>(kLanes<double>, 0)),
        second(std::vector<double>(kLanes<double>, 0));
    add_shared(
        Shared::kPower,
        SharedTile<double>{panel.data, panel_power.data, panel_length.data, start.data(), &index,
                           &own, &own_power, 1, first.data, second.data, 0.5, 1.5 * 0x1p52 * kGrid},
        simd);
    CATCH_REQUIRE(first.data[3] ==
                  std::round(0.7 * 0.29 / std::sqrt(0.31) / kGrid) * kGrid - 0.375);
    CATCH_REQUIRE(second.data[3] == std::round(0.7 * std::sqrt(0.31) / kGrid) * kGrid - 0.375);
  }
}

CATCH_TEST_CASE("a list gives bit by bit what a panel adds", "[shared_kernel]") {
  std::mt19937 random(9);
  std::uniform_real_distribution<double> share(1e-5, 0.2);
  std::vector<double> values(kChunk * kLanes<double>), powers(values.size()), lengths(kChunk, 0.7);
  for (double& value : values) value = share(random);
  for (double& power : powers) power = share(random);
  const Aligned<double> panel(values), panel_power(powers), panel_length(lengths);
  const std::vector<int64_t> start{0, 1};
  const uint8_t index = 3;
  const double own = share(random), own_power = share(random), rounder = 1.5 * 0x1p52 * 0x1p-50;
  constexpr int64_t kCount = kLanes<double> - 3;
  for (const double alpha : {0.5, 0.3}) {
    for (const Simd simd : simd_paths()) {
      const std::vector<double> zeros(kLanes<double>, 0);
      const Aligned<double> first(zeros), second(zeros);
      add_shared(
          Shared::kPower,
          SharedTile<double>{panel.data, panel_power.data, panel_length.data, start.data(), &index,
                             &own, &own_power, 1, first.data, second.data, alpha, rounder},
          simd);
      std::vector<double> first_terms(kCount), second_terms(kCount);
      const int64_t at = index * kLanes<double>;
      shared_terms(
          SharedList<double>{own, own_power, 0.7, values.data() + at, powers.data() + at, kCount,
                             first_terms.data(), second_terms.data(), alpha, rounder},
          simd);
      CATCH_REQUIRE(std::equal(first_terms.begin(), first_terms.end(), first.data));
      CATCH_REQUIRE(std::equal(second_terms.begin(), second_terms.end(), second.data));
    }
  }
}

CATCH_TEST_CASE("powers are good to 1e-14 over all shares, and vanish instead of wrapping around",
                "[shared_kernel]") {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> exponent(-40, 0.7), power(0, 2);
  for (int k = 0; k < 20000; ++k) {
    const double x = std::exp(exponent(random)), alpha = power(random);
    CATCH_REQUIRE(std::abs(positive_power(x, alpha) / std::pow(x, alpha) - 1) < 2e-14);
  }
  CATCH_REQUIRE(positive_power(0.25, 0) == 1);
  CATCH_REQUIRE(positive_power(1, 0.3) == 1);
  CATCH_REQUIRE(positive_power(1e-9, 1e6) < 1e-300);
}
