// Two ways to the K largest axes. Both look for them in a small space spanned by products of the
// matrix with random directions (Halko, Martinsson & Tropp 2011), float first because a float
// product is twice as quick and the space need not be exact. The randomised way ends with one
// product in double; the exact way goes on until nothing is left over, and falls back on LAPACK.
#include "deepbio/community/ordination.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/community/distances.h"

namespace deepbio::community {
namespace {

// Beyond the K asked for: the last axes of a subspace are the poorest, so that they are cut off.
constexpr int64_t kExtraDirections = 10;
constexpr int kRoughProducts = 5;      // in float: they only turn the subspace
constexpr int64_t kExactProducts = 4;  // of a sweep in double
constexpr int kExactSweeps = 20;       // before all axes are asked for
constexpr int64_t kMostKrylov = 256;   // directions kept of one sweep
constexpr int64_t kSmallMatrix = 256;  // decomposed whole at once
constexpr int64_t kRows = 64;          // of distances squared at a time: they stay in the cache

struct Axes {
  at::Tensor values, vectors;  // falling: [K], rows [K, N]
  at::Tensor images = {};  // products of the vectors with the matrix [K, N], where they are known
};

at::Tensor without_mean(const at::Tensor& rows) { return rows - rows.mean(1, /*keepdim=*/true); }

// M = -1/2 squared distances. The centred matrix J M J is never made: a product with it is one with
// M, of rows that have lost their mean, and loses the mean again.
class CentredSquares {
 public:
  // The rough copy is float, and the exact product squares the distances again, a block at a time:
  // the matrix itself and half of one more are all that is held.
  explicit CentredSquares(const at::Tensor& distances)
      : distances_(distances.to(at::kDouble).contiguous()),
        rough_(at::empty(distances.sizes(), at::kFloat)) {
    const int64_t n = distances_.size(0);
    std::vector<double> row_sums(static_cast<size_t>(n));
    const double* from = distances_.const_data_ptr<double>();
    float* to = rough_.mutable_data_ptr<float>();
    at::parallel_for(0, n, kRows, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          const double value = -0.5 * from[i * n + j] * from[i * n + j];
          to[i * n + j] = static_cast<float>(value);
          row_sums[i] += value;
        }
      }
    });
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      sum += row_sums[i];
      trace_ += -0.5 * from[i * n + i] * from[i * n + i];
    }
    // trace(J M J) = trace(M) - sum(M) / N.
    trace_ -= sum / static_cast<double>(n);
  }

  double trace() const { return trace_; }

  //   rows     [K, N]
  //   returns  their products with J M J in float, as double
  // J = I - 1 1' / N: without_mean on both sides is J M J, exactly, whatever float does in between.
  at::Tensor rough_product(const at::Tensor& rows) const {
    return without_mean(without_mean(rows).to(at::kFloat).matmul(rough_).to(at::kDouble));
  }

  at::Tensor product(const at::Tensor& rows) const {
    const int64_t n = distances_.size(0);
    const at::Tensor centred = without_mean(rows);
    at::Tensor out = at::empty_like(centred);
    at::parallel_for(0, (n + kRows - 1) / kRows, 1, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block) {
        const int64_t first = block * kRows, count = std::min(kRows, n - first);
        const at::Tensor squares = distances_.narrow(0, first, count).square().mul_(-0.5);
        out.narrow(1, first, count).copy_(centred.matmul(squares.t()));
      }
    });
    return without_mean(out);
  }

 private:
  at::Tensor distances_, rough_;
  double trace_ = 0;
};

// eigh gives them rising, as columns.
Axes largest(const std::tuple<at::Tensor, at::Tensor>& rising, int64_t count) {
  const auto& [values, vectors] = rising;
  const int64_t n = values.size(0);
  return {values.narrow(0, n - count, count).flip({0}),
          vectors.narrow(1, n - count, count).flip({1}).t()};
}

Axes first_of(const Axes& axes, int64_t count) {
  return {axes.values.narrow(0, 0, count), axes.vectors.narrow(0, 0, count),
          axes.images.narrow(0, 0, count)};
}

at::Tensor random_directions(int64_t count, int64_t n, uint64_t seed) {
  at::Tensor out = at::empty({n, count}, at::kDouble);
  double* value = out.mutable_data_ptr<double>();
  for (int64_t row = 0; row < n; ++row) {
    // A stream for each sample: the numbers do not depend on threads, nor on a vectorised
    // generator.
    CounterRandom random(seed, 0, static_cast<uint64_t>(row), Purpose::kProjection);
    for (int64_t k = 0; k < count; ++k) *value++ = random.normal();
  }
  // Rows [count, N] from here on: the matrix is symmetric, and rows times matrix reads it in order.
  return out.t().contiguous();
}

// Rows that span the same and stand at right angles. The Cholesky factor of their products is the
// quick way, twice for full precision; rows that are nearly dependent need the careful one.
at::Tensor orthonormal(const at::Tensor& rows) {
  at::Tensor out = rows;
  for (int pass = 0; pass < 2; ++pass) {
    const at::Tensor lengths = out.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-300);
    const at::Tensor scaled = out / lengths;
    const auto [factor, info] = at::linalg_cholesky_ex(scaled.matmul(scaled.t()));
    // The least pivot squared is about 1e-10: below it the second pass would not bring back the
    // digits.
    const bool is_safe = info.item<int>() == 0 && factor.diagonal().min().item<double>() > 1e-5;
    if (!is_safe) return std::get<0>(at::linalg_qr(rows.t())).t().contiguous();
    out = at::linalg_solve_triangular(factor, scaled, /*upper=*/false);
  }
  return out;
}

// The best axes within the space of the basis, of which `image` is the product with the matrix
// (Rayleigh and Ritz).
Axes within_space(const at::Tensor& basis, const at::Tensor& image, int64_t count) {
  // [width, width], symmetric on paper; eigh would read one half of the rounded one.
  const at::Tensor small = basis.matmul(image.t());
  Axes axes = largest(at::linalg_eigh((small + small.t()).div_(2)), count);
  // A linear combination of known images: the product with the matrix is not made again.
  axes.images = axes.vectors.matmul(image);
  axes.vectors = axes.vectors.matmul(basis);
  return axes;
}

int64_t width_for(int64_t n, int64_t count) { return std::min(n, count + kExtraDirections); }

// `num_products` products from a start on, all of whose results stay (block Krylov, Musco & Musco
// 2015): the best axes within them all come near to the largest ones much sooner than within the
// last result, which is what power iterations look at.
//   start    orthonormal rows [width, N]
//   product  rows to their products with the matrix
template <class Product>
Axes krylov_sweep(const at::Tensor& start, int64_t num_products, const Product& product) {
  std::vector<at::Tensor> blocks{start}, images;
  while (true) {
    images.push_back(product(blocks.back()));
    if (static_cast<int64_t>(images.size()) == num_products) break;
    const at::Tensor all = at::cat(blocks);
    at::Tensor rest = images.back();
    // Twice, as one pass leaves what rounding has put back along the directions that are known.
    for (int pass = 0; pass < 2; ++pass) {
      rest = rest - rest.matmul(all.t()).matmul(all);
      rest = orthonormal(rest);
    }
    // Of a matrix of few axes nothing is left, and what stands there repeats what is known.
    if (rest.matmul(all.t()).abs().max().item<double>() > 1e-8) break;
    blocks.push_back(rest);
  }
  return within_space(at::cat(blocks), at::cat(images), start.size(0));
}

// How many products a sweep may have: its directions stay few, and fit into N.
int64_t products_of_sweep(int64_t n, int64_t width, int64_t wanted) {
  // At least 1 product; where a sweep cannot hold all that are wanted, there are more sweeps.
  return std::clamp(std::min(kMostKrylov, n) / width, int64_t{1}, wanted);
}

// Rows that span nearly the space of the largest axes: right to what float holds.
at::Tensor rough_space(const CentredSquares& matrix, int64_t n, int64_t count, uint64_t seed) {
  const int64_t width = width_for(n, count);
  at::Tensor basis = orthonormal(without_mean(random_directions(width, n, seed)));
  for (int64_t left = kRoughProducts; left > 0;) {
    const int64_t num_products = products_of_sweep(n, width, left);
    left -= num_products;
    basis = orthonormal(krylov_sweep(basis, num_products, [&](const at::Tensor& rows) {
                          return matrix.rough_product(rows);
                        }).images);
  }
  return basis;
}

// One product in double: eigenvalues are as good as the square of the space is, and the products
// themselves are the vectors after one more iteration.
Axes randomised_axes(const CentredSquares& matrix, int64_t n, int64_t count, uint64_t seed) {
  const at::Tensor basis = rough_space(matrix, n, count, seed);
  Axes axes = within_space(basis, matrix.product(basis), count);
  const at::Tensor lengths = axes.images.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-300);
  // The image points against its vector where the eigenvalue is negative.
  axes.vectors = axes.images * at::where(axes.values < 0, -1.0, 1.0).unsqueeze(1) / lengths;
  return axes;
}

// The largest axes to the last digits without computing the others: iterations until nothing is
// left over, checked against all eigenvalues. Where they are too close to each other for that, all
// axes are computed.
//   all_values  rising [N]
Axes exact_axes(const at::Tensor& matrix, const at::Tensor& start, const at::Tensor& all_values,
                int64_t count) {
  const double scale = all_values.abs().max().item<double>();
  const at::Tensor wanted = all_values.narrow(0, all_values.size(0) - count, count).flip({0});
  at::Tensor basis = start;
  const int64_t num_products = products_of_sweep(start.size(1), start.size(0), kExactProducts);
  for (int k = 0; k < kExactSweeps; ++k) {
    const Axes all = krylov_sweep(basis, num_products,
                                  [&](const at::Tensor& rows) { return rows.matmul(matrix); });
    const Axes axes = first_of(all, count);
    // A v - lambda v: its length bounds the distance of lambda from an eigenvalue. The comparison
    // with the values of eigvalsh excludes that a smaller eigenvalue has been found instead of a
    // wanted one.
    const at::Tensor left_over = axes.images - axes.vectors * axes.values.unsqueeze(1);
    const bool is_found = left_over.norm(2, {1}).max().item<double>() <= 1e-12 * scale &&
                          (axes.values - wanted).abs().max().item<double>() <= 1e-10 * scale;
    if (is_found) return axes;
    basis = orthonormal(all.images);
  }
  return largest(at::linalg_eigh(matrix), count);
}

void check(const at::Tensor& distances, const PcoaOptions& options) {
  if (distances.size(0) == 0) throw ArgumentError("pcoa: expected at least one sample, got none");
  if (options.dimensions < 0 ||
      (options.dimensions == 0 && options.method == PcoaMethod::kRandomised)) {
    throw ArgumentError("pcoa: expected " + std::string(options.dimensions < 0 ? "0 (all)" : "1") +
                        " or more dimensions, got " + std::to_string(options.dimensions));
  }
}

// Axes of negative eigenvalue (or of rounding about zero) become zeros.
void keep_real(Axes& axes) {
  // Relative to the largest: distances have units, so that an absolute bound would mean nothing.
  const double scale = std::max(axes.values.abs().max().item<double>(), 1e-300);
  const at::Tensor is_real = axes.values > scale * 1e-13;
  axes.values = at::where(is_real, axes.values, at::zeros_like(axes.values));
  axes.vectors = axes.vectors * is_real.unsqueeze(1);
}

// +1 or -1 for each axis: the sign of its entry of largest size.
at::Tensor signs(const at::Tensor& vectors) {
  const at::Tensor at_largest = vectors.gather(1, vectors.abs().argmax(1, /*keepdim=*/true));
  return at::where(at_largest < 0, -at::ones_like(at_largest), at::ones_like(at_largest));
}

void append_numbers(std::string& out, const double* values, int64_t count, char between) {
  char digits[32];
  for (int64_t k = 0; k < count; ++k) {
    if (k > 0) out += between;
    out.append(digits, std::to_chars(digits, digits + sizeof(digits), values[k]).ptr);
  }
}

void append_rows(std::string& out, const std::vector<std::string>& ids, const at::Tensor& values,
                 int64_t count) {
  for (size_t row = 0; row < ids.size(); ++row) {
    out += ids[row] + '\t';
    append_numbers(out, values.const_data_ptr<double>() + static_cast<int64_t>(row) * count, count,
                   '\t');
    out += '\n';
  }
}

}  // namespace

at::Tensor gower_centred(const at::Tensor& distances) {
  // In place after the first copy: with many samples each [N, N] of float64 counts.
  at::Tensor out = distances.to(at::kDouble).square().mul_(-0.5);
  const at::Tensor rows = out.mean(1, /*keepdim=*/true);
  return out.sub_(rows).sub_(rows.t()).add_(rows.mean());
}

Pcoa pcoa(const at::Tensor& given, const PcoaOptions& options,
          const std::vector<std::string>& ids) {
  const at::Tensor distances = sound_distances(given, ids, "pcoa");
  check(distances, options);
  const int64_t n = distances.size(0);
  const int64_t count = options.dimensions == 0 ? n : std::min(n, options.dimensions);
  Axes axes;
  double total = 0;
  if (options.method == PcoaMethod::kRandomised) {
    const CentredSquares matrix(distances);
    axes = randomised_axes(matrix, n, count, options.seed);
    total = matrix.trace();
    // Iterations pay where few axes of many are asked for.
  } else if (n <= kSmallMatrix || count > n / 20) {
    const auto all = at::linalg_eigh(gower_centred(distances));
    axes = largest(all, count);
    total = std::get<0>(all).clamp_min(0).sum().item<double>();
  } else {
    const at::Tensor matrix = gower_centred(distances);
    // All eigenvalues without vectors, a fraction of the whole decomposition: shares need their
    // sum.
    const at::Tensor values = at::linalg_eigvalsh(matrix);
    axes = exact_axes(matrix, rough_space(CentredSquares(distances), n, count, options.seed),
                      values, count);
    total = values.clamp_min(0).sum().item<double>();
  }
  keep_real(axes);
  Pcoa out;
  out.eigenvalues = axes.values.contiguous();
  // Samples that are all the same have nothing to explain.
  out.proportion_explained = total > 0 ? axes.values / total : at::zeros_like(axes.values);
  out.coordinates =
      (axes.vectors * signs(axes.vectors) * axes.values.sqrt().unsqueeze(1)).t().contiguous();
  return out;
}

void write_pcoa(const std::string& path, const std::vector<std::string>& ids, const Pcoa& pcoa,
                io::Overwrite overwrite, const Arrows& features) {
  const int64_t n = pcoa.coordinates.size(0), count = pcoa.coordinates.size(1);
  if (static_cast<int64_t>(ids.size()) != n) {
    throw ArgumentError("write_pcoa: expected " + std::to_string(n) + " ids, got " +
                        std::to_string(ids.size()));
  }
  // Numbers have as many digits as it takes to read the same double again.
  const bool is_table = path.ends_with(".tsv");
  const std::string columns = std::to_string(count);
  std::string text;
  if (is_table) {
    text = "# proportion_explained\t";
    append_numbers(text, pcoa.proportion_explained.const_data_ptr<double>(), count, '\t');
    text += "\nsample_id";
    for (int64_t k = 1; k <= count; ++k) text += "\tPC" + std::to_string(k);
    text += '\n';
  } else {
    text = "Eigvals\t" + columns + '\n';
    append_numbers(text, pcoa.eigenvalues.const_data_ptr<double>(), count, '\t');
    text += "\n\nProportion explained\t" + columns + '\n';
    append_numbers(text, pcoa.proportion_explained.const_data_ptr<double>(), count, '\t');
    text += "\n\nSpecies\t" + std::to_string(features.ids.size()) + '\t' +
            (features.ids.empty() ? "0" : columns) + '\n';
    append_rows(text, features.ids, features.ends, count);
    text += "\nSite\t" + std::to_string(n) + '\t' + columns + '\n';
  }
  append_rows(text, ids, pcoa.coordinates, count);
  if (!is_table) text += "\nBiplot\t0\t0\n\nSite constraints\t0\t0\n";
  io::write_file(path, text, overwrite);
}

}  // namespace deepbio::community
