// Three passes over the samples: how many hold a branch (`count`), where each entry goes (`place`),
// and the entries themselves (`fill`). Places are known before anything is written, so threads
// write into the same arrays without a lock, and the lists are the same for any number of them.
#include "deepbio/community/shared_branches.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace deepbio::community {
namespace {

// Common branches are numbered 0, 1, ..., rare ones kFirstRare, kFirstRare - 1, ...
constexpr int32_t kLeftOut = -1, kAlone = -2, kFirstRare = -3;

// Of the phylogeny, or with those of tips at 0.
class CountedLengths {
 public:
  CountedLengths(const Phylogeny& phylogeny, const UnifracOptions& options)
      : without_tips_(options.bypass_tips ? phylogeny.length : std::vector<double>()),
        length_(options.bypass_tips ? without_tips_ : phylogeny.length) {
    if (!options.bypass_tips) return;
    for (const int64_t branch : phylogeny.branch_of) {
      if (branch >= 0) without_tips_[branch] = 0;
    }
  }
  CountedLengths(const CountedLengths&) = delete;
  CountedLengths& operator=(const CountedLengths&) = delete;
  const std::vector<double>& get() const { return length_; }

 private:
  std::vector<double> without_tips_;
  // A reference to the phylogeny's own lengths, or to the copy above, which is why it cannot be
  // copied.
  const std::vector<double>& length_;
};

double power_weight(double share, double alpha) {
  return alpha == 0.5 ? std::sqrt(share) : positive_power(share, alpha);
}

// A sample's sum before any rounding.
double plain_sum(const std::vector<double>& length, const BranchProfile& profile,
                 const UnifracOptions& options) {
  const Shared form = shared_form(options);
  double sum = 0;
  for (size_t k = 0; k < profile.branch.size(); ++k) {
    const double own = length[profile.branch[k]], share = profile.share[k];
    sum += form == Shared::kSum   ? own
           : form == Shared::kMin ? own * share
                                  : own * power_weight(share, options.alpha);
  }
  return sum;
}

// ilogb(bound) + 1 is the first power of two above the bound. Two sums then stay below 2^52 grids,
// where doubles hold every multiple of the grid, and below 2^32 of them in fixed point.
double grid_of(double bound, bool is_fixed_point) {
  return std::ldexp(1.0, std::ilogb(bound) + 1 - (is_fixed_point ? 31 : 51));
}

bool is_fine_enough(double grid, double sum, const BranchProfile& profile, bool is_fixed_point) {
  // Rounding errors add up like a random walk.
  const double error = std::sqrt(static_cast<double>(profile.branch.size())) * grid;
  // A sum of 0 is exact on any grid.
  return sum == 0 || error <= (is_fixed_point ? 1e-6 : 1e-11) * sum;
}

// Samples are dealt to threads in runs, so that lists come out in sample order for any number of
// threads.
struct Runs {
  explicit Runs(int64_t n)
      : num_samples(n), count(std::clamp<int64_t>(n / 16, 1, at::get_num_threads())) {}
  template <class Visit>
  void each(const Visit& visit) const {
    at::parallel_for(0, count, 1, [&](int64_t first, int64_t last) {
      for (int64_t run = first; run < last; ++run) {
        visit(run, run * num_samples / count, (run + 1) * num_samples / count);
      }
    });
  }
  int64_t num_samples, count;
};

template <class T>
class Builder {
 public:
  Builder(SharedBranches<T>& out, const Phylogeny& phylogeny,
          const std::vector<const BranchProfile*>& profiles, const UnifracOptions& options,
          const Grid& grid)
      : out_(out),
        profiles_(profiles),
        options_(options),
        grid_(grid),
        counted_lengths_(phylogeny, options),
        runs_(static_cast<int64_t>(profiles.size())) {
    out_.num_samples = runs_.num_samples;
    out_.form = shared_form(options);
  }

  void build() {
    count();
    set_grid(grid_.bound);
    number_branches();
    place();
    fill();
  }

 private:
  bool is_power() const { return out_.form == Shared::kPower; }

  void count() {
    sums_.resize(profiles_.size());
    held_.assign(runs_.count, {});
    runs_.each([&](int64_t run, int64_t begin, int64_t end) {
      auto& held = held_[run];
      held.assign(length_.size(), 0);
      for (int64_t sample = begin; sample < end; ++sample) {
        // One list of counts for each run: threads that share one would have to take turns.
        for (const int32_t branch : profiles_[sample]->branch) ++held[branch];
        if (!grid_.is_safe) sums_[sample] = plain_sum(length_, *profiles_[sample], options_);
      }
    });
  }

  void set_grid(double bound) {
    for (const double sum : sums_) bound = std::max(bound, sum);
    // Powers beyond 1 can add up to more than the sums of the two samples.
    if (std::is_same_v<T, float> || (is_power() && options_.alpha > 1)) out_.is_exact = false;
    // No sample has a branch that counts: there is nothing to round.
    if (bound == 0) return;
    const double grid = grid_of(bound, std::is_same_v<T, uint32_t>);
    for (size_t sample = 0; sample < sums_.size() && out_.is_exact; ++sample) {
      if (!is_fine_enough(grid, sums_[sample], *profiles_[sample], std::is_same_v<T, uint32_t>))
        out_.is_exact = false;
    }
    if constexpr (std::is_same_v<T, uint32_t>) {
      out_.unit = grid;
      per_unit_ = 1 / grid;  // a power of two
    } else if (out_.is_exact) {
      // Adding and subtracting it rounds to a multiple of the grid: there the spacing of doubles is
      // the grid.
      out_.rounder = T(grid * 6755399441055744.0);  // 1.5 * 2^52
    }
  }

  static T rounded(double weight, T rounder, double per_unit) {
    if constexpr (std::is_same_v<T, uint32_t>)
      return static_cast<uint32_t>(weight * per_unit + 0.5);
    return (T(weight) + rounder) - rounder;
  }

  T branch_length(size_t branch) const {
    return out_.form == Shared::kSum ? rounded(length_[branch], out_.rounder, per_unit_)
                                     : T(length_[branch]);
  }

  void number_branches() {
    number_.assign(length_.size(), kLeftOut);
    out_.rare_start.push_back(0);
    for (size_t branch = 0; branch < length_.size(); ++branch) {
      int64_t held = 0;
      for (const auto& of_run : held_) held += of_run[branch];
      if (held == 0 || length_[branch] == 0) continue;
      // A panel of the kernel costs the same for any number of samples that hold a branch; lists
      // cost as many steps as there are pairs. Below one sample in sixteen the lists are cheaper.
      if (held > 1 && held * kCommonShare >= out_.num_samples) {
        number_[branch] = num_common_++;
        out_.common_length.push_back(branch_length(branch));
        continue;
      }
      if (held == 1) {
        // Shared by no pair, so in neither kind of list, but it counts in the sum of its sample.
        number_[branch] = kAlone;
        continue;
      }
      number_[branch] = kFirstRare - static_cast<int32_t>(out_.rare_length.size());
      out_.rare_length.push_back(branch_length(branch));
      // From here on: where the run's first entry goes.
      int32_t place = 0;
      for (auto& of_run : held_) place += std::exchange(of_run[branch], place);
      out_.rare_start.push_back(out_.rare_start.back() + place);
    }
    out_.num_chunks = (num_common_ + kChunk - 1) / kChunk;
    // The last chunk is filled up with lengths of 0, so that the kernel reads whole chunks.
    out_.common_length.resize(out_.num_chunks * kChunk);
  }

  // Where each sample's entries go.
  void place() {
    const int64_t n = out_.num_samples, stride = n + 1;
    out_.start.assign(out_.num_chunks * stride + 1, 0);
    out_.own_start.assign(n + 1, 0);
    runs_.each([&](int64_t, int64_t begin, int64_t end) {
      const int64_t num_chunks = out_.num_chunks;
      // Entries up to the last one of a chunk: stored, not counted up, so that no entry waits for
      // the one before. The place behind the last chunk takes what is not common.
      std::vector<int32_t> upto(num_chunks + 1);
      for (int64_t sample = begin; sample < end; ++sample) {
        std::fill(upto.begin(), upto.end(), 0);
        int32_t common = 0, rare = 0;
        for (const int32_t branch : profiles_[sample]->branch) {
          const int32_t number = number_[branch];
          common += number >= 0;
          rare += number <= kFirstRare;
          upto[number >= 0 ? number / kChunk : num_chunks] = common;
        }
        out_.own_start[sample + 1] = rare;
        int32_t before = 0;
        // A chunk of which the sample holds nothing has kept its 0; the others have the running
        // count.
        for (int64_t chunk = 0; chunk < num_chunks; ++chunk) {
          const int32_t here = upto[chunk] == 0 ? 0 : upto[chunk] - before;
          out_.start[chunk * stride + sample + 1] = here;
          before += here;
        }
      }
    });
    for (size_t k = 1; k < out_.own_start.size(); ++k) out_.own_start[k] += out_.own_start[k - 1];
    for (size_t k = 1; k < out_.start.size(); ++k) out_.start[k] += out_.start[k - 1];
  }

  void fill() {
    const auto num_common = static_cast<size_t>(out_.start.back());
    const auto num_rare = static_cast<size_t>(out_.own_start.back());
    const bool has_values = out_.form != Shared::kSum;
    out_.index.resize(num_common);
    out_.value.resize(has_values ? num_common : 0);
    out_.power.resize(is_power() ? num_common : 0);
    out_.rare_sample.resize(num_rare);
    out_.rare_value.resize(has_values ? num_rare : 0);
    out_.rare_power.resize(is_power() ? num_rare : 0);
    out_.own_branch.resize(num_rare);
    out_.own_place.resize(num_rare);
    out_.own_sum.resize(profiles_.size());
    out_.has_reads.resize(profiles_.size());
    runs_.each([&](int64_t run, int64_t begin, int64_t end) {
      for (int64_t sample = begin; sample < end; ++sample) {
        if (out_.form == Shared::kSum) fill_sample<Shared::kSum>(sample, held_[run].data());
        if (out_.form == Shared::kMin) fill_sample<Shared::kMin>(sample, held_[run].data());
        if (out_.form == Shared::kPower) fill_sample<Shared::kPower>(sample, held_[run].data());
      }
    });
  }

  // Everything that is read often is local: a store to the bytes of `index` could be one to any
  // member.
  template <Shared kForm>
  void fill_sample(int64_t sample, int32_t* next_place) {
    const BranchProfile& profile = *profiles_[sample];
    const size_t num_branches = profile.branch.size();
    const int32_t *branches = profile.branch.data(), *numbers = number_.data();
    const double *shares = profile.share.data(), *lengths = length_.data(), alpha = options_.alpha;
    const int64_t *start = out_.start.data() + sample, *rare_start = out_.rare_start.data();
    const int64_t stride = out_.num_samples + 1;
    uint8_t* index = out_.index.data();
    T *values = out_.value.data(), *powers = out_.power.data();
    const auto round = [rounder = out_.rounder, per_unit = per_unit_](double weight) {
      return rounded(weight, rounder, per_unit);
    };
    double sum = 0;
    int64_t chunk = -1, common = 0, own = out_.own_start[sample];
    for (size_t k = 0; k < num_branches; ++k) {
      const int32_t branch = branches[k], number = numbers[branch];
      if (number == kLeftOut) continue;
      T value = T(shares[k]), power = 0;
      if constexpr (kForm == Shared::kSum) {
        sum += round(lengths[branch]);
      } else if constexpr (kForm == Shared::kMin) {
        value = round(lengths[branch] * shares[k]);
        sum += value;
      } else {
        power = round(lengths[branch] * power_weight(shares[k], alpha));
        sum += power;
      }
      // Branches come in ascending order, so common numbers do too, and the entries of a chunk are
      // together.
      int64_t at;
      if (number >= 0) {
        if (number / kChunk != chunk) {
          chunk = number / kChunk;
          common = start[chunk * stride];
        }
        at = common++;
        index[at] = static_cast<uint8_t>(number % kChunk);
        if constexpr (kForm != Shared::kSum) values[at] = value;
        if constexpr (kForm == Shared::kPower) powers[at] = power;
        continue;
      }
      if (number == kAlone) continue;
      const int32_t rare = kFirstRare - number, place = next_place[branch]++;
      at = rare_start[rare] + place;
      out_.rare_sample[at] = static_cast<int32_t>(sample);
      if constexpr (kForm != Shared::kSum) out_.rare_value[at] = value;
      if constexpr (kForm == Shared::kPower) out_.rare_power[at] = power;
      out_.own_branch[own] = rare;
      out_.own_place[own++] = place;
    }
    out_.own_sum[sample] = sum;
    out_.has_reads[sample] = num_branches > 0;
  }

  SharedBranches<T>& out_;
  const std::vector<const BranchProfile*>& profiles_;
  const UnifracOptions& options_;
  const Grid grid_;
  const CountedLengths counted_lengths_;
  const std::vector<double>& length_ = counted_lengths_.get();
  const Runs runs_;
  std::vector<double> sums_;
  std::vector<std::vector<int32_t>>
      held_;  // [runs, M] samples that hold a branch; later where the next one goes
  std::vector<int32_t> number_;
  double per_unit_ = 1;
  int32_t num_common_ = 0;
};

}  // namespace

Shared shared_form(const UnifracOptions& options) {
  switch (options.metric) {
    case Metric::kUnweighted:
    // Presence alone: what two samples share of a branch is its length.
    case Metric::kUnweightedUnnormalized:
      return Shared::kSum;
    case Metric::kGeneralized:
      // At alpha 1 generalized UniFrac is weighted_normalized, and the powers cancel.
      return options.alpha == 1 ? Shared::kMin : Shared::kPower;
    default:
      return Shared::kMin;
  }
}

double largest_sum(const Phylogeny& phylogeny, const std::vector<const BranchProfile*>& profiles,
                   const UnifracOptions& options) {
  return grid_for(phylogeny, profiles, options).bound;
}

Grid grid_for(const Phylogeny& phylogeny, const std::vector<const BranchProfile*>& profiles,
              const UnifracOptions& options) {
  const CountedLengths counted_lengths(phylogeny, options);
  const std::vector<double>& length = counted_lengths.get();
  const bool is_fixed_point = options.precision == Precision::kFloat;
  std::vector<double> sums;
  Grid out;
  for (const BranchProfile* profile : profiles) {
    sums.push_back(plain_sum(length, *profile, options));
    out.bound = std::max(out.bound, sums.back());
  }
  out.is_safe = out.bound > 0;
  for (size_t k = 0; k < sums.size() && out.is_safe; ++k) {
    out.is_safe =
        is_fine_enough(grid_of(out.bound, is_fixed_point), sums[k], *profiles[k], is_fixed_point);
  }
  return out;
}

template <class T>
SharedBranches<T>::SharedBranches(const Phylogeny& phylogeny,
                                  const std::vector<const BranchProfile*>& profiles,
                                  const UnifracOptions& options, const Grid& grid) {
  Builder<T>(*this, phylogeny, profiles, options, grid).build();
}

template struct SharedBranches<double>;
template struct SharedBranches<float>;
template struct SharedBranches<uint32_t>;

}  // namespace deepbio::community
