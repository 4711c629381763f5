// With both matrices at mean 0 and length 1, r is the sum over pairs of their products. An order
// permutes rows and columns of the second and changes neither mean nor length: one sum for each.
#include "deepbio/community/mantel.h"

#include <ATen/ATen.h>

#include <cmath>

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"
#include "deepbio/community/anosim.h"
#include "deepbio/community/distances.h"

namespace deepbio::community {
namespace {

constexpr double kRounding = 1e-12;  // of correlations that are equal on paper

// Distances or ranks of all pairs with mean 0 and length 1; the diagonal is 0.
at::Tensor standardised(const at::Tensor& given, Correlation method,
                        const std::vector<std::string>& ids) {
  at::Tensor values = sound_distances(given, ids, "mantel").to(at::kDouble).contiguous();
  if (method == Correlation::kSpearman) values = ranks_of_pairs(values);
  const auto n = static_cast<double>(values.size(0));
  // Over the pairs alone: the zeros of the diagonal are no distances.
  values = values - values.sum() / (n * (n - 1));
  values.fill_diagonal_(0);
  const double length = values.norm().item<double>() / std::sqrt(2.0);
  // What rounding leaves of equal distances is not 0, but small beside them.
  if (!(length > 1e-12 * std::max(1.0, given.abs().max().item<double>()))) {
    throw ArgumentError(
        "mantel: all distances of a matrix are the same: nothing can go together with them");
  }
  return values.div_(length).contiguous();
}

// Row by row first, as a matrix of many samples has too many pairs for one running sum.
double product(const double* a, const double* b, int64_t n, std::span<const int64_t> order) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double *row = a + i * n, *other = b + order[i] * n;
    double own = 0;
    for (int64_t j = i + 1; j < n; ++j) own += row[j] * other[order[j]];
    sum += own;
  }
  return sum;
}

double as_asked(double r, Alternative alternative) {
  if (alternative == Alternative::kTwoSided) return std::abs(r);
  return alternative == Alternative::kLess ? -r : r;
}

}  // namespace

Correlation parse_correlation(std::string_view name) {
  if (name == "pearson") return Correlation::kPearson;
  if (name == "spearman") return Correlation::kSpearman;
  throw ArgumentError("method: expected pearson or spearman, got " + quoted(name));
}

Alternative parse_alternative(std::string_view name) {
  if (name == "two-sided") return Alternative::kTwoSided;
  if (name == "greater") return Alternative::kGreater;
  if (name == "less") return Alternative::kLess;
  throw ArgumentError("alternative: expected two-sided, greater or less, got " + quoted(name));
}

Mantel mantel(const at::Tensor& first, const at::Tensor& second, const MantelOptions& options,
              const std::vector<std::string>& ids) {
  if (first.sizes() != second.sizes()) {
    const auto text = [](const at::Tensor& t) { return Json::array_of(t.sizes().vec()).dump(); };
    throw ShapeError("mantel: expected two matrices of the same samples, got " + text(first) +
                     " and " + text(second));
  }
  if (first.dim() == 2 && first.size(0) < 3) {
    throw ArgumentError("mantel: expected at least 3 samples, got " +
                        std::to_string(first.size(0)));
  }
  const at::Tensor a = standardised(first, options.method, ids),
                   b = standardised(second, options.method, ids);
  const int64_t n = a.size(0);
  const Orders orders(n, options.permutations, "mantel");
  std::vector<int64_t> as_given;
  for (int64_t i = 0; i < n; ++i) as_given.push_back(i);

  const auto r_of = [&](std::span<const int64_t> order) {
    return product(a.const_data_ptr<double>(), b.const_data_ptr<double>(), n, order);
  };
  Mantel out{.num_samples = n, .num_permutations = options.permutations.num_permutations};
  out.r = r_of(as_given);
  out.p_value = p_value(orders, as_asked(out.r, options.alternative) - kRounding,
                        [&](auto order) { return as_asked(r_of(order), options.alternative); });
  return out;
}

}  // namespace deepbio::community
