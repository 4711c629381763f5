#include "deepbio/community/shared_kernel.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "catch.h"

using namespace deepbio::community;

namespace {

// One row against a panel, as the header has it, in long double.
template <class T>
void add_plainly(Shared shared, double alpha, const CommonBranches<T>& row, const Panel<T>& panel, double* first,
                 double* second) {
  for (int64_t k = 0; k < row.count; ++k) {
    for (int64_t lane = 0; lane < kLanes<T>; ++lane) {
      const int64_t at = row.index[k] * kLanes<T> + lane;
      const double own = row.value[k], other = panel.value[at];
      if (shared == Shared::kSum) first[lane] += other;
      if (shared == Shared::kMin) first[lane] += std::min(own, other);
      if (shared != Shared::kPower || other <= 0) continue;
      const double length = panel.length[row.index[k]], weight = length * std::pow(own + other, alpha);
      const double alone = double(row.power[k]) + double(panel.power[at]);
      first[lane] += weight * std::abs(own - other) / (own + other) - alone;
      second[lane] += weight - alone;
    }
  }
}

template <class T>
void check_all_instructions(double tolerance) {
  constexpr int64_t kRows = 60;
  std::mt19937 random(3);
  std::uniform_real_distribution<double> share(0.001, 0.2);
  for (const double alpha : {0.0, 0.5, 0.7, 1.0}) {
    std::vector<T> values(kRows * kLanes<T>), powers(values.size()), lengths(kRows), own, own_power;
    std::vector<int32_t> index;
    for (T& length : lengths) length = static_cast<T>(share(random));
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = random() % 3 == 0 ? T(0) : static_cast<T>(share(random));
      powers[i] = values[i] > 0 ? lengths[i / kLanes<T>] * static_cast<T>(std::pow(values[i], alpha)) : T(0);
    }
    for (int32_t k = 0; k < kRows; k += 1 + static_cast<int32_t>(random() % 3)) {
      index.push_back(k);
      own.push_back(static_cast<T>(share(random)));
      own_power.push_back(lengths[k] * static_cast<T>(std::pow(own.back(), alpha)));
    }
    const CommonBranches<T> row{index.data(), own.data(), own_power.data(), static_cast<int64_t>(index.size())};
    // One element further than any alignment that an allocator may give.
    values.insert(values.begin(), T(0));
    powers.insert(powers.begin(), T(0));
    const Panel<T> panel{values.data() + 1, powers.data() + 1, lengths.data()};
    for (const Shared shared : {Shared::kSum, Shared::kMin, Shared::kPower}) {
      std::vector<double> first(kLanes<T>, 1), second(kLanes<T>, 2);
      add_plainly(shared, alpha, row, panel, first.data(), second.data());
      for (const Instructions instructions : usable_instructions()) {
        std::vector<double> got_first(kLanes<T>, 1), got_second(kLanes<T>, 2);
        add_shared(shared, alpha, row, panel, got_first.data(), got_second.data(), instructions);
        for (int64_t lane = 0; lane < kLanes<T>; ++lane) {
          CATCH_REQUIRE(std::abs(got_first[lane] - first[lane]) < tolerance);
          CATCH_REQUIRE(std::abs(got_second[lane] - second[lane]) < tolerance);
        }
      }
    }
  }
}

}  // namespace

CATCH_TEST_CASE("every instruction set that runs here adds what the plain loop adds", "[shared_kernel]") {
  CATCH_REQUIRE(usable_instructions().back() == Instructions::kBaseline);
  check_all_instructions<double>(1e-13);
  check_all_instructions<float>(1e-5);
}
