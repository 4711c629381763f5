#include "deepbio/community/ordination.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"

namespace deepbio::community {
namespace {

constexpr int64_t kExtraDirections = 10;
constexpr int kPowerIterations = 8;

at::Tensor centred(const at::Tensor& distances) {
  at::Tensor out = distances.to(at::kDouble).square().mul_(-0.5);
  const at::Tensor rows = out.mean(1, /*keepdim=*/true);
  return out.sub_(rows).sub_(rows.t()).add_(rows.mean());
}

struct Axes {
  at::Tensor values, vectors;  // falling: [K], [N, K]
};

// eigh gives them rising.
Axes largest(const std::tuple<at::Tensor, at::Tensor>& rising, int64_t count) {
  const auto& [values, vectors] = rising;
  const int64_t n = values.size(0);
  return {values.narrow(0, n - count, count).flip({0}), vectors.narrow(1, n - count, count).flip({1})};
}

at::Tensor random_directions(int64_t n, int64_t count, uint64_t seed) {
  at::Tensor out = at::empty({n, count}, at::kDouble);
  double* value = out.mutable_data_ptr<double>();
  for (int64_t row = 0; row < n; ++row) {
    CounterRandom random(seed, 0, static_cast<uint64_t>(row), Purpose::kProjection);
    for (int64_t k = 0; k < count; ++k) *value++ = random.normal();
  }
  return out;
}

Axes randomised_axes(const at::Tensor& matrix, int64_t count, uint64_t seed) {
  const int64_t n = matrix.size(0);
  const int64_t width = std::min(n, count + kExtraDirections);
  at::Tensor basis = std::get<0>(at::linalg_qr(matrix.matmul(random_directions(n, width, seed))));
  for (int k = 0; k < kPowerIterations; ++k) basis = std::get<0>(at::linalg_qr(matrix.matmul(basis)));
  const at::Tensor small = basis.t().matmul(matrix.matmul(basis));
  Axes axes = largest(at::linalg_eigh((small + small.t()).div_(2)), count);
  axes.vectors = basis.matmul(axes.vectors);
  return axes;
}

void check(const at::Tensor& distances, const PcoaOptions& options) {
  if (distances.dim() != 2 || distances.size(0) != distances.size(1)) {
    throw ShapeError("pcoa: expected distances [N, N], got " + std::to_string(distances.dim()) + " dimensions of " +
                     std::to_string(distances.numel()) + " numbers");
  }
  if (distances.size(0) == 0) throw ArgumentError("pcoa: expected at least one sample, got none");
  if (options.dimensions < 0 || (options.dimensions == 0 && options.method == PcoaMethod::kRandomised)) {
    throw ArgumentError("pcoa: expected " + std::string(options.dimensions < 0 ? "0 (all)" : "1") +
                        " or more dimensions, got " + std::to_string(options.dimensions));
  }
}

// Axes of negative eigenvalue (or of rounding about zero) become zeros.
void keep_real(Axes& axes) {
  const double scale = std::max(axes.values.abs().max().item<double>(), 1e-300);
  const at::Tensor is_real = axes.values > scale * 1e-13;
  axes.values = at::where(is_real, axes.values, at::zeros_like(axes.values));
  axes.vectors = axes.vectors * is_real;
}

// +1 or -1 for each axis: the sign of its entry of largest size.
at::Tensor signs(const at::Tensor& vectors) {
  const at::Tensor at_largest = vectors.gather(0, vectors.abs().argmax(0, /*keepdim=*/true));
  return at::where(at_largest < 0, -at::ones_like(at_largest), at::ones_like(at_largest));
}

void append_numbers(std::string& out, const double* values, int64_t count, char between) {
  char digits[32];
  for (int64_t k = 0; k < count; ++k) {
    if (k > 0) out += between;
    out.append(digits, std::to_chars(digits, digits + sizeof(digits), values[k]).ptr);
  }
}

}  // namespace

Pcoa pcoa(const at::Tensor& distances, const PcoaOptions& options) {
  check(distances, options);
  const int64_t n = distances.size(0);
  const int64_t count = options.dimensions == 0 ? n : std::min(n, options.dimensions);
  const at::Tensor matrix = centred(distances);
  Axes axes;
  at::Tensor total;
  if (options.method == PcoaMethod::kExact) {
    const auto all = at::linalg_eigh(matrix);
    axes = largest(all, count);
    total = std::get<0>(all).clamp_min(0).sum();
  } else {
    axes = randomised_axes(matrix, count, options.seed);
    total = matrix.trace();
  }
  keep_real(axes);
  Pcoa out;
  out.eigenvalues = axes.values.contiguous();
  // Samples that are all the same have nothing to explain.
  out.proportion_explained = total.item<double>() > 0 ? axes.values / total : at::zeros_like(axes.values);
  out.coordinates = (axes.vectors * signs(axes.vectors) * axes.values.sqrt()).contiguous();
  return out;
}

void write_pcoa(const std::string& path, const std::vector<std::string>& ids, const Pcoa& pcoa,
                io::Overwrite overwrite) {
  const int64_t n = pcoa.coordinates.size(0), count = pcoa.coordinates.size(1);
  if (static_cast<int64_t>(ids.size()) != n) {
    throw ArgumentError("write_pcoa: expected " + std::to_string(n) + " ids, got " + std::to_string(ids.size()));
  }
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
    text += "\n\nSpecies\t0\t0\n\nSite\t" + std::to_string(n) + '\t' + columns + '\n';
  }
  const double* values = pcoa.coordinates.const_data_ptr<double>();
  for (int64_t row = 0; row < n; ++row) {
    text += ids[row] + '\t';
    append_numbers(text, values + row * count, count, '\t');
    text += '\n';
  }
  if (!is_table) text += "\nBiplot\t0\t0\n\nSite constraints\t0\t0\n";
  io::write_file(path, text, overwrite);
}

}  // namespace deepbio::community
