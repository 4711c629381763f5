// All pairs from what two samples share: a distance is made of a sum per sample and a sum over the branches that both
// hold, few of all. Rare branches are lists of samples, common ones rows of panels (shared_kernel.h).
#include <ATen/Parallel.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "deepbio/base/error.h"
#include "deepbio/community/shared_kernel.h"
#include "deepbio/community/unifrac.h"

namespace deepbio::community {
namespace {

constexpr int64_t kBlockRows = 32;
constexpr int64_t kCommonShare = 16;  // a branch in at least 1/16 of the samples is common

// One list for each sample or branch, all in one piece of memory.
template <class T>
struct Lists {
  std::vector<int64_t> start;
  std::vector<int32_t> index;
  std::vector<T> value, power;
};

template <class T>
class Pairs {
 public:
  Pairs(const Phylogeny& phylogeny, const std::vector<BranchProfile>& profiles, const UnifracOptions& options)
      : phylogeny_(phylogeny), profiles_(profiles), options_(options), n_(static_cast<int64_t>(profiles.size())) {
    is_power_ = options.metric == Metric::kGeneralized && options.alpha != 1;
    const bool is_presence = options.metric == Metric::kUnweighted || options.metric == Metric::kUnweightedUnnormalized;
    shared_ = is_power_ ? Shared::kPower : is_presence ? Shared::kSum : Shared::kMin;
    number_branches();
    fill_lists();
    add_own_sums();
  }

  at::Tensor run() {
    at::Tensor out = at::zeros({n_, n_}, sizeof(T) == 8 ? at::kDouble : at::kFloat);
    T* values = out.mutable_data_ptr<T>();
    for (int64_t begin = 0; begin < n_; begin += block_columns()) {
      const int64_t end = std::min(begin + block_columns(), n_), num_blocks = (end + kBlockRows - 1) / kBlockRows;
      fill_panels(begin, end);
      // Early rows meet more columns than late ones: a long block goes with a short one.
      at::parallel_for(0, (num_blocks + 1) / 2, 1, [&](int64_t first, int64_t last) {
        for (int64_t block = first; block < last; ++block) {
          fill_rows(block * kBlockRows, begin, end, values);
          const int64_t other = num_blocks - 1 - block;
          if (other != block) fill_rows(other * kBlockRows, begin, end, values);
        }
      });
    }
    return out;
  }

 private:
  struct Weight {
    T value, power;
  };

  // Whole panels only.
  int64_t block_columns() const { return (options_.block_samples + kLanes<T> - 1) / kLanes<T> * kLanes<T>; }

  Weight weight(int64_t branch, double share) const {
    const double length = phylogeny_.length[branch];
    if (shared_ == Shared::kSum) return {T(length), 0};
    if (shared_ == Shared::kMin) return {T(length * share), 0};
    return {T(share), T(length * (options_.alpha == 0 ? 1.0 : std::pow(share, options_.alpha)))};
  }

  // number_: common branches get 0, 1, ..., rare ones -2, -3, ... and branches that cannot count -1.
  void number_branches() {
    std::vector<int32_t> held(phylogeny_.length.size(), 0);
    for (const BranchProfile& profile : profiles_) {
      for (const int64_t branch : profile.branch) ++held[branch];
    }
    if (options_.bypass_tips) {
      for (const int64_t branch : phylogeny_.branch_of) {
        if (branch >= 0) held[branch] = 0;
      }
    }
    number_.assign(held.size(), -1);
    rare_.start.push_back(0);
    for (size_t branch = 0; branch < held.size(); ++branch) {
      if (held[branch] == 0 || phylogeny_.length[branch] == 0) continue;
      if (held[branch] > 1 && held[branch] * kCommonShare >= n_) {
        number_[branch] = num_common_++;
        common_length_.push_back(T(phylogeny_.length[branch]));
      } else {
        number_[branch] = -2 - static_cast<int32_t>(rare_length_.size());
        rare_length_.push_back(T(phylogeny_.length[branch]));
        rare_.start.push_back(rare_.start.back() + held[branch]);
      }
    }
  }

  void fill_lists() {
    const auto num_rare = static_cast<size_t>(rare_.start.back());
    rare_.index.resize(num_rare);
    rare_.value.resize(num_rare);
    if (is_power_) rare_.power.resize(num_rare);
    std::vector<int64_t> next(rare_.start.begin(), rare_.start.end() - 1);
    num_chunks_ = num_common_ / kChunk + 1;
    place_of_.start.push_back(0);
    for (int64_t sample = 0; sample < n_; ++sample) {
      const BranchProfile& profile = profiles_[sample];
      const size_t chunks_before = sample * num_chunks_;
      for (size_t k = 0; k < profile.branch.size(); ++k) {
        const int32_t number = number_[profile.branch[k]];
        if (number == -1) continue;
        const Weight own = weight(profile.branch[k], profile.share[k]);
        if (number >= 0) {
          const size_t chunk = chunks_before + number / kChunk;
          common_of_.start.resize(std::max(common_of_.start.size(), chunk + 1), common_of_.index.size());
          common_of_.index.push_back(number);
          common_of_.value.push_back(own.value);
          if (is_power_) common_of_.power.push_back(own.power);
        } else {
          const int64_t place = next[-2 - number]++;
          rare_.index[place] = static_cast<int32_t>(sample);
          rare_.value[place] = own.value;
          if (is_power_) rare_.power[place] = own.power;
          place_of_.index.push_back(-2 - number);
          place_of_.value.push_back(place);
        }
      }
      common_of_.start.resize(chunks_before + num_chunks_, common_of_.index.size());
      place_of_.start.push_back(static_cast<int64_t>(place_of_.index.size()));
    }
    common_of_.start.push_back(static_cast<int64_t>(common_of_.index.size()));
  }

  // In the order of the sums over shared branches, so that identical samples come out at exactly 0.
  void add_own_sums() {
    own_.assign(n_, 0.0);
    const auto& common = is_power_ ? common_of_.power : common_of_.value;
    const auto& rare = is_power_ ? rare_.power : rare_.value;
    for (int64_t sample = 0; sample < n_; ++sample) {
      double sum = 0;
      for (int64_t k = place_of_.start[sample]; k < place_of_.start[sample + 1]; ++k) sum += rare[place_of_.value[k]];
      for (int64_t chunk = sample * num_chunks_; chunk < (sample + 1) * num_chunks_; ++chunk) {
        T part = 0;
        for (int64_t k = common_of_.start[chunk]; k < common_of_.start[chunk + 1]; ++k) part += common[k];
        sum += part;
      }
      own_[sample] = sum;
    }
  }

  void fill_panels(int64_t begin, int64_t end) {
    const int64_t lanes = kLanes<T>, size = num_common_ * lanes, num_panels = (end - begin + lanes - 1) / lanes;
    panel_value_.assign(num_panels * size + lanes, 0);
    if (is_power_) panel_power_.assign(num_panels * size + lanes, 0);
    at::parallel_for(0, num_panels, 1, [&](int64_t first, int64_t last) {
      for (int64_t sample = begin + first * lanes; sample < std::min(begin + last * lanes, end); ++sample) {
        const int64_t at = aligned_offset() + (sample - begin) / lanes * size + (sample - begin) % lanes;
        for (int64_t k = common_of_.start[sample * num_chunks_]; k < common_of_.start[(sample + 1) * num_chunks_];
             ++k) {
          panel_value_[at + common_of_.index[k] * lanes] = common_of_.value[k];
          if (is_power_)
            panel_power_[power_offset() + at - aligned_offset() + common_of_.index[k] * lanes] = common_of_.power[k];
        }
      }
    });
  }

  // Elements to skip so that rows of a panel begin on a cache line.
  static int64_t skip(const std::vector<T>& values) {
    const auto past = reinterpret_cast<uintptr_t>(values.data()) % 64;
    return past == 0 ? 0 : static_cast<int64_t>((64 - past) / sizeof(T));
  }
  int64_t aligned_offset() const { return skip(panel_value_); }
  int64_t power_offset() const { return skip(panel_power_); }

  // Rows [top, top + kBlockRows) against the columns [begin, end) that are not left of them.
  void fill_rows(int64_t top, int64_t begin, int64_t end, T* values) const {
    const int64_t bottom = std::min({top + kBlockRows, end, n_}), lanes = kLanes<T>;
    const int64_t width = (end - begin + lanes - 1) / lanes * lanes;
    std::vector<double> first(kBlockRows * width, 0.0), second(is_power_ ? first.size() : 0, 0.0);
    const auto row_of = [&](std::vector<double>& sums, int64_t i) {
      return sums.empty() ? nullptr : sums.data() + (i - top) * width;
    };
    for (int64_t i = top; i < bottom; ++i) add_rare(i, begin, end, row_of(first, i), row_of(second, i));
    const int64_t from = std::max<int64_t>(0, top - begin) / lanes;
    for (int64_t p = from; p * lanes < end - begin; ++p) {
      const Panel<T> panel{panel_value_.data() + aligned_offset() + p * num_common_ * lanes,
                           is_power_ ? panel_power_.data() + power_offset() + p * num_common_ * lanes : nullptr,
                           common_length_.data()};
      for (int64_t chunk = 0; chunk < num_chunks_; ++chunk) {
        for (int64_t i = top; i < bottom; ++i) {
          const int64_t at = common_of_.start[i * num_chunks_ + chunk];
          const CommonBranches<T> row{common_of_.index.data() + at, common_of_.value.data() + at,
                                      is_power_ ? common_of_.power.data() + at : nullptr,
                                      common_of_.start[i * num_chunks_ + chunk + 1] - at};
          if (row.count == 0) continue;
          double* more = is_power_ ? row_of(second, i) + p * lanes : nullptr;
          add_shared(shared_, options_.alpha, row, panel, row_of(first, i) + p * lanes, more);
        }
      }
    }
    for (int64_t i = top; i < bottom; ++i) {
      for (int64_t j = std::max(i + 1, begin); j < end; ++j) {
        const int64_t at = (i - top) * width + j - begin;
        values[i * n_ + j] = values[j * n_ + i] = T(from_sums(i, j, first[at], is_power_ ? second[at] : 0.0));
      }
    }
  }

  void add_rare(int64_t i, int64_t begin, int64_t end, double* first, double* second) const {
    for (int64_t k = place_of_.start[i]; k < place_of_.start[i + 1]; ++k) {
      const int32_t branch = place_of_.index[k];
      const int64_t own = place_of_.value[k], stop = rare_.start[branch + 1];
      int64_t at = own + 1;
      while (at < stop && rare_.index[at] < begin) ++at;
      const T value = rare_.value[own];
      for (; at < stop && rare_.index[at] < end; ++at) {
        double* sum = first + (rare_.index[at] - begin);
        const T other = rare_.value[at];
        if (is_power_) {
          const T both = value + other, alone = rare_.power[own] + rare_.power[at];
          const T weight = rare_length_[branch] * (options_.alpha == 0 ? T(1) : std::pow(both, T(options_.alpha)));
          *sum += weight * std::abs(value - other) / both - alone;
          second[rare_.index[at] - begin] += weight - alone;
        } else {
          *sum += std::min(value, other);
        }
      }
    }
  }

  double from_sums(int64_t i, int64_t j, double shared, double shared_power) const {
    const double both = own_[i] + own_[j];
    const double differing = std::max(0.0, is_power_ ? both + shared : both - 2 * shared);
    if (options_.metric == Metric::kWeightedUnnormalized || options_.metric == Metric::kUnweightedUnnormalized) {
      return differing;
    }
    if (profiles_[i].branch.empty() != profiles_[j].branch.empty()) return 1.0;
    const double all = is_power_ ? both + shared_power : shared_ == Shared::kSum ? both - shared : both;
    return all > 0 ? differing / all : 0.0;
  }

  const Phylogeny& phylogeny_;
  const std::vector<BranchProfile>& profiles_;
  const UnifracOptions& options_;
  int64_t n_;
  bool is_power_ = false;
  Shared shared_ = Shared::kSum;
  std::vector<int32_t> number_;
  int32_t num_common_ = 0;
  int64_t num_chunks_ = 0;
  std::vector<T> common_length_, rare_length_;
  Lists<T> rare_;            // by rare branch: samples and their weights
  Lists<T> common_of_;       // by sample and chunk of kChunk common branches: branches and weights
  Lists<int64_t> place_of_;  // by sample: rare branches and where the sample stands in rare_
  std::vector<double> own_;  // [N]
  std::vector<T> panel_value_, panel_power_;
};

}  // namespace

at::Tensor pairwise_distances(const Phylogeny& phylogeny, const std::vector<BranchProfile>& profiles,
                              const UnifracOptions& options) {
  if (!(options.alpha >= 0) || std::isinf(options.alpha)) {
    throw ArgumentError("alpha of generalized UniFrac: expected 0 or more, got " + std::to_string(options.alpha));
  }
  if (options.block_samples < 1) {
    throw ArgumentError("block_samples: expected 1 or more, got " + std::to_string(options.block_samples));
  }
  // The divisor of the variance adjustment depends on the pair: no sum per sample exists.
  if (options.variance_adjusted) {
    const at::Tensor out = plain_pairwise_distances(phylogeny, profiles, options);
    return options.precision == Precision::kFloat ? out.to(at::kFloat) : out;
  }
  if (options.precision == Precision::kFloat) return Pairs<float>(phylogeny, profiles, options).run();
  return Pairs<double>(phylogeny, profiles, options).run();
}

}  // namespace deepbio::community
