// All pairs of samples, a panel of columns after the other: what two samples share of the common
// branches comes from the kernel, of the rare ones from their lists of samples (shared_branches.h).
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>

#include "deepbio/base/error.h"
#include "deepbio/community/shared_branches.h"

namespace deepbio::community {
namespace {

constexpr int64_t kBlockRows = 1024;  // whose sums stay in the second cache
constexpr int64_t kTileRows = 16;

// Memory that begins on a cache line; not set to anything.
template <class T>
class Lines {
 public:
  explicit Lines(int64_t size)
      : data_(static_cast<T*>(::operator new[](size * sizeof(T) + 64, kAlignment))) {}
  ~Lines() { ::operator delete[](data_, kAlignment); }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;
  T* data() { return data_; }

 private:
  static constexpr std::align_val_t kAlignment{64};
  T* data_;
};

// A distance from sums: differing = own_i + own_j + first_factor * first, all = kept * (own_i +
// own_j) + ...
struct Combination {
  double first_factor;      // of the first shared sum in the numerator
  double all_first_factor;  // and in the denominator
  bool is_normalized;
};

Combination combination(Shared form, const UnifracOptions& options) {
  const bool is_normalized = options.metric != Metric::kWeightedUnnormalized &&
                             options.metric != Metric::kUnweightedUnnormalized;
  if (form == Shared::kPower) return {1, 0, is_normalized};
  return {-2, form == Shared::kSum ? -1.0 : 0.0, is_normalized};
}

template <class T, class Out>
class Pairs {
 public:
  // of_columns: empty for a square matrix in `out`; else where each column's distances to the
  // samples before it begin there, -1 for columns that are not wanted.
  Pairs(const SharedBranches<T>& branches, const Phylogeny& phylogeny,
        const std::vector<const BranchProfile*>& profiles, const UnifracOptions& options, Out* out,
        const std::vector<int64_t>& of_columns)
      : branches_(branches),
        phylogeny_(phylogeny),
        profiles_(profiles),
        options_(options),
        combination_(combination(branches.form, options)),
        out_(out),
        of_columns_(of_columns),
        n_(branches.num_samples) {}

  void run() {
    const int64_t num_panels = (n_ + kLanes<T> - 1) / kLanes<T>;
    // Late panels meet more rows than early ones and are dealt first.
    // They are taken one at a time: their work differs by a factor of their number.
    std::atomic<int64_t> next{num_panels};
    at::parallel_for(0, std::min<int64_t>(num_panels, at::get_num_threads()), 1,
                     [&](int64_t, int64_t) {
                       // Made by the thread that uses it: its pages are near.
                       Work work(branches_.form == Shared::kPower, std::min(n_, kBlockRows));
                       for (int64_t panel = --next; panel >= 0; panel = --next)
                         if (is_wanted(panel * kL)) add_panel(panel * kL, work);
                     });
  }

 private:
  static constexpr int64_t kL = kLanes<T>;

  struct Work {
    Work(bool is_power, int64_t rows)
        : panel(kChunk * kL),
          panel_power(is_power ? kChunk * kL : 0),
          first(rows * kL),
          second(is_power ? rows * kL : 0),
          rare_first(rows * kL),
          rare_second(is_power ? rows * kL : 0) {}
    Lines<T> panel, panel_power;
    Lines<T> first, second;            // [rows, kL], common
    Lines<T> rare_first, rare_second;  // [kL, rows]
  };
  // Rows [top, bottom) against columns [left, right).
  struct Block {
    int64_t top, bottom, left, right;
    int64_t rows() const { return bottom - top; }
  };

  // Wanted columns come in multiples of all widths of panels.
  bool is_wanted(int64_t column) const { return of_columns_.empty() || of_columns_[column] >= 0; }

  Out* column_of(int64_t column) const {
    return out_ + (of_columns_.empty() ? column * n_ : of_columns_[column]);
  }

  bool is_power() const { return branches_.form == Shared::kPower; }

  void add_panel(int64_t left, Work& work) const {
    const int64_t right = std::min(left + kL, n_);
    for (int64_t top = 0; top < right; top += kBlockRows) {
      const Block block{top, std::min(top + kBlockRows, right), left, right};
      add_common(block, work);
      add_rare(block, work);
      for (int64_t row = top; row < block.bottom; row += kTileRows) finish(block, row, work);
    }
  }

  void add_common(const Block& block, Work& work) const {
    std::fill_n(work.first.data(), block.rows() * kL, T(0));
    if (is_power()) std::fill_n(work.second.data(), block.rows() * kL, T(0));
    SharedTile<T> tile{};
    tile.panel = work.panel.data();
    tile.panel_power = work.panel_power.data();
    tile.index = branches_.index.data();
    tile.value = branches_.value.data();
    tile.power = branches_.power.data();
    tile.alpha = options_.alpha;
    tile.rounder = branches_.rounder;
    for (int64_t chunk = 0; chunk < branches_.num_chunks; ++chunk) {
      const int64_t* start = branches_.start.data() + chunk * (n_ + 1);
      if (start[block.left] == start[block.right]) continue;
      tile.panel_length = branches_.common_length.data() + chunk * kChunk;
      fill_panel(start, tile.panel_length, block, work);
      add_lanes(block, start, tile, work);
    }
  }

  // Rows above the panel need all its lanes; a sample of the panel itself only those behind it.
  void add_lanes(const Block& block, const int64_t* start, SharedTile<T>& tile, Work& work) const {
    constexpr int64_t kStep = kLaneStep<T>;
    tile.last_lane = (block.right - block.left + kStep - 1) / kStep * kStep;
    for (int64_t row = block.top; row < block.bottom; row += tile.num_rows) {
      tile.first_lane = std::max<int64_t>(0, (row - block.left) / kStep * kStep);
      // Rows in groups that begin at the same lane; all rows above the panel are one group.
      const int64_t end =
          row < block.left ? block.left + kStep : block.left + tile.first_lane + kStep;
      tile.num_rows = std::min(end, block.bottom) - row;
      tile.start = start + row;
      tile.first = work.first.data() + (row - block.top) * kL;
      tile.second = is_power() ? work.second.data() + (row - block.top) * kL : nullptr;
      add_shared(branches_.form, tile, simd_);
    }
  }

  // From lists by sample to rows by branch, [kChunk, kL]: for a branch all samples side by side.
  void fill_panel(const int64_t* start, const T* length, const Block& block, Work& work) const {
    T *panel = work.panel.data(), *power = work.panel_power.data();
    std::fill_n(panel, kChunk * kL, T(0));
    if (is_power()) std::fill_n(power, kChunk * kL, T(0));
    for (int64_t sample = block.left; sample < block.right; ++sample) {
      for (int64_t k = start[sample]; k < start[sample + 1]; ++k) {
        const int64_t at = branches_.index[k] * kL + sample - block.left;
        panel[at] =
            branches_.form == Shared::kSum ? length[branches_.index[k]] : branches_.value[k];
        if (is_power()) power[at] = branches_.power[k];
      }
    }
  }

  void add_rare(const Block& block, Work& work) const {
    std::fill_n(work.rare_first.data(), block.rows() * kL, T(0));
    if (is_power()) std::fill_n(work.rare_second.data(), block.rows() * kL, T(0));
    for (int64_t column = block.left; column < block.right; ++column) {
      // Moved back by `top`: it is indexed by the sample, and what lies before it is never read.
      T* first = work.rare_first.data() + (column - block.left) * block.rows() - block.top;
      T* second = is_power()
                      ? work.rare_second.data() + (column - block.left) * block.rows() - block.top
                      : nullptr;
      for (int64_t k = branches_.own_start[column]; k < branches_.own_start[column + 1]; ++k) {
        const int32_t branch = branches_.own_branch[k];
        const int64_t begin = branches_.rare_start[branch], own = begin + branches_.own_place[k];
        const int32_t* samples = branches_.rare_sample.data();
        int64_t at = begin;
        if (block.top > 0)
          // Samples are ascending: those of rows above the block come first, and are another
          // block's.
          at = std::lower_bound(samples + begin, samples + own, block.top) - samples;
        add_rare_branch(branch, own, at, block, first, second);
      }
    }
  }

  // The samples from place `at` up to the column's own place.
  void add_rare_branch(int32_t branch, int64_t own, int64_t at, const Block& block, T* first,
                       T* second) const {
    const int32_t* samples = branches_.rare_sample.data();
    const T length = branches_.rare_length[branch];
    if (branches_.form == Shared::kSum) {
      for (; at < own && samples[at] < block.bottom; ++at) first[samples[at]] += length;
      return;
    }
    const T value = branches_.rare_value[own];
    if (branches_.form == Shared::kMin) {
      for (; at < own && samples[at] < block.bottom; ++at) {
        first[samples[at]] += std::min(value, branches_.rare_value[at]);
      }
      return;
    }
    if constexpr (!std::is_same_v<T, uint32_t>) {
      // Terms by vectors into a buffer, then scattered: samples of a list are not side by side.
      constexpr int64_t kTerms = 64;
      T first_terms[kTerms], second_terms[kTerms];
      const int64_t end = std::lower_bound(samples + at, samples + own, block.bottom) - samples;
      for (int64_t count; at < end; at += count) {
        count = std::min(kTerms, end - at);
        shared_terms(
            SharedList<T>{value, branches_.rare_power[own], length,
                          branches_.rare_value.data() + at, branches_.rare_power.data() + at, count,
                          first_terms, second_terms, options_.alpha, branches_.rounder},
            simd_);
        for (int64_t k = 0; k < count; ++k) {
          first[samples[at + k]] += first_terms[k];
          second[samples[at + k]] += second_terms[k];
        }
      }
    }
  }

  // A tile of kTileRows rows: written to its rows and, turned, to its columns.
  void finish(const Block& block, int64_t row, Work& work) const {
    const int64_t bottom = std::min(row + kTileRows, block.bottom),
                  width = block.right - block.left;
    // Rows and columns are written separately: a matrix written by columns alone misses the cache
    // at each number. Sixteen rows of 8 bytes are two cache lines of a column.
    Out tile[kTileRows][kL];
    for (int64_t i = row; i < bottom; ++i) {
      const T* first = work.first.data() + (i - block.top) * kL;
      const T* second = work.second.data() + (is_power() ? (i - block.top) * kL : 0);
      const T* rare = work.rare_first.data() + (i - block.top);
      const T* rare_second = work.rare_second.data() + (is_power() ? i - block.top : 0);
      const double own = branches_.own_sum[i];
      // Within the panel itself only pairs above the diagonal, and the diagonal.
      for (int64_t lane = std::max<int64_t>(0, i - block.left); lane < width; ++lane) {
        const int64_t at = lane * block.rows();
        const double shared = double(first[lane] + rare[at]);
        const double more = is_power() ? double(second[lane] + rare_second[at]) : 0.0;
        const int64_t j = block.left + lane;
        const double both = own + branches_.own_sum[j];
        // Exact sums are never below 0; floats may be.
        const double differing = std::max(0.0, both + combination_.first_factor * shared);
        const double all = both + combination_.all_first_factor * shared + more;
        tile[i - row][lane] = static_cast<Out>(from_sums(i, j, differing, all, both));
      }
    }
    for (int64_t i = row; i < bottom && of_columns_.empty(); ++i) {
      const int64_t lane = std::max<int64_t>(0, i - block.left);
      if (lane < width)
        std::copy(tile[i - row] + lane, tile[i - row] + width, out_ + i * n_ + block.left + lane);
    }
    for (int64_t lane = 0; lane < width; ++lane) {
      const int64_t j = block.left + lane;
      Out* const column = column_of(j);
      for (int64_t i = row; i < std::min(bottom, j); ++i) column[i] = tile[i - row][lane];
    }
  }

  double from_sums(int64_t i, int64_t j, double differing, double all, double both) const {
    if (i == j) return 0.0;
    // Sums that are not exact cannot tell equal samples from nearly equal ones.
    constexpr double kNear = std::is_same_v<T, float> ? 1e-5 : 1e-12;
    // Such pairs are few and are computed branch by branch, so that equal samples are at exactly 0.
    if (!branches_.is_exact && differing <= kNear * both) {
      return distance(phylogeny_, *profiles_[i], *profiles_[j], options_);
    }
    if (!combination_.is_normalized) return differing * branches_.unit;
    // Also where all branches have length 0, and the sums could not say so.
    if (branches_.has_reads[i] != branches_.has_reads[j]) return 1.0;
    return all > 0 ? differing / all : 0.0;
  }

  const SharedBranches<T>& branches_;
  const Phylogeny& phylogeny_;
  const std::vector<const BranchProfile*>& profiles_;
  const UnifracOptions& options_;
  const Simd simd_ = choose_simd();  // once, before threads start
  const Combination combination_;
  Out* out_;
  const std::vector<int64_t>& of_columns_;
  const int64_t n_;
};

template <class T, class Out>
void fill_pairs(const SharedBranches<T>& branches, const Phylogeny& phylogeny,
                const std::vector<const BranchProfile*>& profiles, const UnifracOptions& options,
                const std::vector<int64_t>& of_columns, at::Tensor& out) {
  Pairs<T, Out>(branches, phylogeny, profiles, options, out.mutable_data_ptr<Out>(), of_columns)
      .run();
}

// Fills `out` by the kernel that the options ask for; of_columns as Pairs has it.
void fill(const Phylogeny& phylogeny, const std::vector<const BranchProfile*>& profiles,
          const UnifracOptions& options, const Grid& grid, const std::vector<int64_t>& of_columns,
          at::Tensor& out) {
  const bool is_float = options.precision == Precision::kFloat;
  if (is_float && shared_form(options) == Shared::kPower) {
    return fill_pairs<float, float>({phylogeny, profiles, options, grid}, phylogeny, profiles,
                                    options, of_columns, out);
  }
  if (is_float) {
    // Fixed point may turn out too coarse for the smallest sample, and only looking tells.
    const SharedBranches<uint32_t> branches(phylogeny, profiles, options, grid);
    if (branches.is_exact) {
      return fill_pairs<uint32_t, float>(branches, phylogeny, profiles, options, of_columns, out);
    }
  }
  const SharedBranches<double> branches(phylogeny, profiles, options, grid);
  if (is_float) {
    fill_pairs<double, float>(branches, phylogeny, profiles, options, of_columns, out);
  } else {
    fill_pairs<double, double>(branches, phylogeny, profiles, options, of_columns, out);
  }
}

template <class Out>
void fill_columns_plainly(const Phylogeny& phylogeny, const std::vector<BranchProfile>& profiles,
                          const UnifracOptions& options, const std::vector<int64_t>& of_columns,
                          at::Tensor& out) {
  Out* const values = out.mutable_data_ptr<Out>();
  at::parallel_for(0, static_cast<int64_t>(profiles.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; ++j) {
      for (int64_t i = 0; i < j && of_columns[j] >= 0; ++i) {
        values[of_columns[j] + i] =
            static_cast<Out>(distance(phylogeny, profiles[i], profiles[j], options));
      }
    }
  });
}

}  // namespace

void check_options(const UnifracOptions& options) {
  if (!(options.alpha >= 0) || std::isinf(options.alpha)) {
    throw ArgumentError("alpha of generalized UniFrac: expected 0 or more, got " +
                        std::to_string(options.alpha));
  }
}

at::Tensor pairwise_distances(const Phylogeny& phylogeny,
                              const std::vector<const BranchProfile*>& profiles,
                              const UnifracOptions& options, const Grid& grid) {
  check_options(options);
  const auto n = static_cast<int64_t>(profiles.size());
  const bool is_float = options.precision == Precision::kFloat;
  // The divisor of the variance adjustment depends on the pair: no sum per sample exists.
  if (options.variance_adjusted) {
    const at::Tensor out = plain_pairwise_distances(phylogeny, profiles, options);
    return is_float ? out.to(at::kFloat) : out;
  }
  at::Tensor out = at::empty({n, n}, is_float ? at::kFloat : at::kDouble);
  fill(phylogeny, profiles, options, grid, {}, out);
  return out;
}

at::Tensor distances_of_columns(const Phylogeny& phylogeny,
                                const std::vector<BranchProfile>& profiles,
                                const UnifracOptions& options, const std::vector<bool>& is_wanted) {
  check_options(options);
  std::vector<int64_t> of_columns;
  int64_t size = 0;
  for (size_t column = 0; column < is_wanted.size(); ++column) {
    of_columns.push_back(is_wanted[column] ? size : -1);
    if (is_wanted[column]) size += static_cast<int64_t>(column);
  }
  const bool is_float = options.precision == Precision::kFloat;
  at::Tensor out = at::empty({size}, is_float ? at::kFloat : at::kDouble);
  if (!options.variance_adjusted) {
    fill(phylogeny, views_of(profiles), options, {}, of_columns, out);
  } else if (is_float) {
    fill_columns_plainly<float>(phylogeny, profiles, options, of_columns, out);
  } else {
    fill_columns_plainly<double>(phylogeny, profiles, options, of_columns, out);
  }
  return out;
}

at::Tensor pairwise_distances(const Phylogeny& phylogeny,
                              const std::vector<BranchProfile>& profiles,
                              const UnifracOptions& options) {
  return pairwise_distances(phylogeny, views_of(profiles), options);
}

}  // namespace deepbio::community
