#include "deepbio/community/beta_diversity.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "deepbio/base/error.h"

namespace deepbio::community {
namespace {

constexpr std::array<std::pair<std::string_view, BetaMetric>, 3> kMetrics{{
    {"braycurtis", BetaMetric::kBrayCurtis},
    {"jaccard", BetaMetric::kJaccard},
    {"aitchison", BetaMetric::kAitchison},
}};

// The samples of each feature, ascending, with what the metric adds up for them.
struct ByFeature {
  std::vector<int64_t> indptr;
  std::vector<int64_t> sample;
  std::vector<double> value;
};

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

// Row i of the result from the sum over shared features of the smaller value, for the samples in front of i.
template <class Distance>
void fill_shared(const CountTable& table, const std::vector<double>& values, double* out, const Distance& distance) {
  const ByFeature columns = by_feature(table, values);
  const int64_t n = table.num_samples();
  std::vector<double> total(static_cast<size_t>(n), 0.0);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t k = table.indptr[i]; k < table.indptr[i + 1]; ++k) total[i] += values[k];
  }
  at::parallel_for(0, n, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      double* row = out + i * n;  // zeros: holds the sums first
      for (int64_t k = table.indptr[i]; k < table.indptr[i + 1]; ++k) {
        const int64_t feature = table.indices[k];
        for (int64_t slot = columns.indptr[feature]; columns.sample[slot] < i; ++slot) {
          row[columns.sample[slot]] += std::min(values[k], columns.value[slot]);
        }
      }
      for (int64_t j = 0; j < i; ++j) row[j] = distance(row[j], total[i], total[j]);
    }
  });
}

double bray_curtis(double shared, double a, double b) {
  return a + b > 0 ? std::max(0.0, 1 - 2 * shared / (a + b)) : 0;
}

double jaccard(double shared, double a, double b) { return a + b > 0 ? 1 - shared / (a + b - shared) : 0; }

// Squared distance of two rows of y = ln(x + c) - ln c, which is zero where there are no reads, after each has lost its
// mean: features outside of both rows differ by the means alone.
double squared_aitchison(const CountTable& table, const std::vector<double>& y, const std::vector<double>& mean,
                         int64_t i, int64_t j) {
  const double shift = mean[i] - mean[j];
  int64_t a = table.indptr[i], b = table.indptr[j], num_touched = 0;
  const int64_t a_end = table.indptr[i + 1], b_end = table.indptr[j + 1];
  double sum = 0;
  for (; a < a_end || b < b_end; ++num_touched) {
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

// y of every sample over the features [first, first + count), zeros where there are no reads. [N, count]
at::Tensor dense_part(const CountTable& table, const std::vector<double>& y, int64_t first, int64_t count) {
  at::Tensor out = at::zeros({table.num_samples(), count}, at::kDouble);
  double* value = out.mutable_data_ptr<double>();
  at::parallel_for(0, table.num_samples(), 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto from = table.indices.begin() + table.indptr[i], to = table.indices.begin() + table.indptr[i + 1];
      for (auto it = std::lower_bound(from, to, first); it != to && *it < first + count; ++it) {
        value[i * count + *it - first] = y[it - table.indices.begin()];
      }
    }
  });
  return out;
}

// Sums over features of y_i y_j below and on the diagonal, as products of dense panels: each panel is one thread's.
void add_dense_products(const CountTable& table, const std::vector<double>& y, const at::Tensor& out) {
  constexpr int64_t kFeatures = 1024, kSamples = 128;
  const int64_t n = table.num_samples(), num_panels = (n + kSamples - 1) / kSamples;
  for (int64_t first = 0; first < table.num_features(); first += kFeatures) {
    const at::Tensor part = dense_part(table, y, first, std::min(kFeatures, table.num_features() - first));
    at::parallel_for(0, num_panels * (num_panels + 1) / 2, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        auto a = static_cast<int64_t>((std::sqrt(8.0 * static_cast<double>(task) + 1) - 1) / 2);
        while ((a + 1) * (a + 2) / 2 <= task) ++a;
        while (a * (a + 1) / 2 > task) --a;
        const int64_t i = a * kSamples, j = (task - a * (a + 1) / 2) * kSamples;
        const at::Tensor rows = part.narrow(0, i, std::min(kSamples, n - i));
        const at::Tensor others = part.narrow(0, j, std::min(kSamples, n - j));
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

// Squared distance = |y_i|^2 + |y_j|^2 - 2 y_i y_j - F (mean_i - mean_j)^2. Where little is left of large numbers, the
// difference is taken entry by entry.
void fill_aitchison(const CountTable& table, double pseudocount, const at::Tensor& products) {
  constexpr double kLeastShare = 1e-3;    // of the squares, in front of which 13 digits are left
  constexpr double kDenseShare = 1 / 8.;  // of entries above zero: about here a product of panels is quicker
  const int64_t n = table.num_samples();
  const auto num_features = static_cast<double>(table.num_features());
  std::vector<double> y(table.values.size()), mean(static_cast<size_t>(n), 0.0);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t k = table.indptr[i]; k < table.indptr[i + 1]; ++k) {
      y[k] = std::log1p(table.values[k] / pseudocount);
      mean[i] += y[k];
    }
    mean[i] /= std::max(num_features, 1.0);
  }
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
        const double shift = mean[i] - mean[j], both = square[i] + square[j];
        const double apart = both - 2 * out[i * n + j] - num_features * shift * shift;
        out[i * n + j] = std::sqrt(apart > kLeastShare * both ? apart : squared_aitchison(table, y, mean, i, j));
      }
      out[i * n + i] = 0;
    }
  });
}

void mirror(double* values, int64_t n) {
  constexpr int64_t kTile = 64;
  for (int64_t i0 = 0; i0 < n; i0 += kTile) {
    for (int64_t j0 = 0; j0 <= i0; j0 += kTile) {
      for (int64_t i = i0; i < std::min(n, i0 + kTile); ++i) {
        for (int64_t j = j0; j < std::min(i, j0 + kTile); ++j) values[j * n + i] = values[i * n + j];
      }
    }
  }
}

// "bray_curtis", "Bray-Curtis": the name that others write.
std::string without_joints(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c != '_' && c != '-' && c != ' ') out += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  return out;
}

}  // namespace

BetaMetric parse_beta_metric(std::string_view name) {
  const std::string plain = without_joints(name);
  std::vector<std::string> names;
  for (const auto& [known, metric] : kMetrics) {
    if (known == plain) return metric;
    names.emplace_back(known);
  }
  const std::string near = nearest_name(name, names);
  throw ArgumentError("unknown metric " + quoted(name) + (near.empty() ? "" : "; did you mean " + quoted(near) + "?") +
                      " Known: braycurtis, jaccard, aitchison");
}

bool is_beta_metric(std::string_view name) {
  const std::string plain = without_joints(name);
  return std::any_of(kMetrics.begin(), kMetrics.end(), [&](const auto& item) { return item.first == plain; });
}

at::Tensor beta_diversity(const CountTable& table, const BetaOptions& options) {
  if (!(options.pseudocount > 0) || !std::isfinite(options.pseudocount)) {
    throw ArgumentError("pseudocount: expected a number above 0, got " + std::to_string(options.pseudocount));
  }
  const int64_t n = table.num_samples();
  at::Tensor out = at::zeros({n, n}, at::kDouble);
  double* values = out.mutable_data_ptr<double>();
  switch (options.metric) {
    case BetaMetric::kBrayCurtis:
      fill_shared(table, table.values, values, bray_curtis);
      break;
    case BetaMetric::kJaccard:
      fill_shared(table, std::vector<double>(table.values.size(), 1.0), values, jaccard);
      break;
    case BetaMetric::kAitchison:
      fill_aitchison(table, options.pseudocount, out);
  }
  mirror(values, n);
  return out;
}

}  // namespace deepbio::community
