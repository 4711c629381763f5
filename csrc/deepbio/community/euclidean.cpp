// |y_i - y_j|^2 comes from products y_i y_j, which cost only what both samples have. That loses
// digits where two samples are close, so such pairs, which are few, are computed again entry by
// entry.
#include "deepbio/community/euclidean.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

namespace deepbio::community {
namespace {

// Squared distance of two rows, entry by entry: features outside of both rows differ by the shifts
// alone.
double squared_distance(const CountTable& table, const std::vector<double>& y,
                        const std::vector<double>& shifts, int64_t i, int64_t j) {
  const double shift = shifts[i] - shifts[j];
  int64_t a = table.indptr[i], b = table.indptr[j], num_touched = 0;
  const int64_t a_end = table.indptr[i + 1], b_end = table.indptr[j + 1];
  double sum = 0;
  for (; a < a_end || b < b_end; ++num_touched) {
    // Both walk up their sorted features together; where both have it, both are taken.
    const bool takes_a = b == b_end || (a < a_end && table.indices[a] <= table.indices[b]);
    const bool takes_b = a == a_end || (b < b_end && table.indices[b] <= table.indices[a]);
    double difference = -shift;
    if (takes_a) difference += y[a];
    if (takes_b) difference -= y[b];
    a += takes_a;
    b += takes_b;
    sum += difference * difference;
  }
  return sum + static_cast<double>(table.num_features() - num_touched) * shift * shift;
}

// y of every sample over the features [first, first + count), zeros where there are no reads. [N,
// count]
at::Tensor dense_part(const CountTable& table, const std::vector<double>& y, int64_t first,
                      int64_t count) {
  at::Tensor out = at::zeros({table.num_samples(), count}, at::kDouble);
  double* value = out.mutable_data_ptr<double>();
  at::parallel_for(0, table.num_samples(), 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto from = table.indices.begin() + table.indptr[i],
                 to = table.indices.begin() + table.indptr[i + 1];
      for (auto it = std::lower_bound(from, to, first); it != to && *it < first + count; ++it) {
        value[i * count + *it - first] = y[it - table.indices.begin()];
      }
    }
  });
  return out;
}

// Sums over features of y_i y_j below and on the diagonal, as products of dense panels: each panel
// is one thread's.
void add_dense_products(const CountTable& table, const std::vector<double>& y,
                        const at::Tensor& out) {
  // A panel of 128 samples and 1024 features has 1 MB: two of them fit a core's second-level cache.
  constexpr int64_t kFeatures = 1024, kMostSamples = 128;
  const int64_t n = table.num_samples(), num_panels = (n + kMostSamples - 1) / kMostSamples;
  const int64_t panel = (n + num_panels - 1) / std::max<int64_t>(num_panels, 1);  // all alike
  for (int64_t first = 0; first < table.num_features(); first += kFeatures) {
    const at::Tensor part =
        dense_part(table, y, first, std::min(kFeatures, table.num_features() - first));
    at::parallel_for(0, num_panels * (num_panels + 1) / 2, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        // Task t is the pair of panels (a, b), b <= a, of a triangle written row by row: a is the
        // root of a (a + 1) / 2 = t. Both loops mend the rounding of the square root.
        auto a = static_cast<int64_t>((std::sqrt(8.0 * static_cast<double>(task) + 1) - 1) / 2);
        while ((a + 1) * (a + 2) / 2 <= task) ++a;
        while (a * (a + 1) / 2 > task) --a;
        const int64_t i = a * panel, j = (task - a * (a + 1) / 2) * panel;
        const at::Tensor rows = part.narrow(0, i, std::min(panel, n - i));
        const at::Tensor others = part.narrow(0, j, std::min(panel, n - j));
        // Pairs of panels do not overlap in `out`: threads add without a lock, and always in the
        // same order.
        out.narrow(0, i, rows.size(0)).narrow(1, j, others.size(0)).addmm_(rows, others.t());
      }
    });
  }
}

// The same from the samples of each feature: less work where few samples have a feature.
void add_sparse_products(const CountTable& table, const std::vector<double>& y, double* out) {
  const ByFeature columns = by_feature(table, y);
  const int64_t n = table.num_samples();
  at::parallel_for(0, n, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t k = table.indptr[i]; k < table.indptr[i + 1]; ++k) {
        const int64_t feature = table.indices[k];
        for (int64_t slot = columns.indptr[feature]; columns.sample[slot] < i; ++slot) {
          out[i * n + columns.sample[slot]] += y[k] * columns.value[slot];
        }
        out[i * n + i] += y[k] * y[k];
      }
    }
  });
}

}  // namespace

ByFeature by_feature(const CountTable& table, const std::vector<double>& values) {
  ByFeature out;
  out.indptr.assign(table.feature_ids.size() + 1, 0);
  for (const int64_t feature : table.indices) ++out.indptr[feature + 1];
  for (size_t f = 1; f < out.indptr.size(); ++f) out.indptr[f] += out.indptr[f - 1];
  out.sample.resize(values.size());
  out.value.resize(values.size());
  std::vector<int64_t> next(out.indptr.begin(), out.indptr.end() - 1);
  for (int64_t sample = 0; sample < table.num_samples(); ++sample) {
    for (int64_t k = table.indptr[sample]; k < table.indptr[sample + 1]; ++k) {
      const int64_t slot = next[table.indices[k]]++;
      out.sample[slot] = sample;
      out.value[slot] = values[k];
    }
  }
  return out;
}

// Squared distance = |y_i|^2 + |y_j|^2 - 2 y_i y_j - F (mean_i - mean_j)^2. Where little is left of
// large numbers, the difference is taken entry by entry.
void fill_euclidean(const CountTable& table, const std::vector<double>& y,
                    const std::vector<double>& shift, const at::Tensor& products) {
  constexpr double kLeastShare = 1e-3;  // of the squares, in front of which 13 digits are left
  // Of entries above zero: about here a product of panels is quicker.
  constexpr double kDenseShare = 1 / 8.;
  const int64_t n = table.num_samples();
  const auto num_features = static_cast<double>(table.num_features());
  const std::vector<double> shifts =
      shift.empty() ? std::vector<double>(static_cast<size_t>(n), 0.0) : shift;
  double* out = products.mutable_data_ptr<double>();
  if (static_cast<double>(y.size()) > kDenseShare * num_features * static_cast<double>(n)) {
    add_dense_products(table, y, products);
  } else {
    add_sparse_products(table, y, out);
  }
  std::vector<double> square(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) square[i] = out[i * n + i];
  at::parallel_for(0, n, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t j = 0; j < i; ++j) {
        const double apart = shifts[i] - shifts[j], both = square[i] + square[j];
        const double rest = both - 2 * out[i * n + j] - num_features * apart * apart;
        out[i * n + j] =
            std::sqrt(rest > kLeastShare * both ? rest : squared_distance(table, y, shifts, i, j));
      }
      out[i * n + i] = 0;
    }
  });
}

}  // namespace deepbio::community
