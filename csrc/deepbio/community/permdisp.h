// PERMDISP: whether groups of samples differ in spread (Anderson 2006, PERMDISP2).
//
// Each sample has a distance to the centre of its group in the space of principal coordinates; F is
// that of a one-way analysis of variance of those distances. p as in permutations.h, of the
// residuals of that analysis (Anderson 2006 and vegan's permutest; scikit-bio exchanges the labels
// instead, so its p is another one).
//   centre     the spatial median (least sum of distances), or the centroid
//   imaginary  axes of negative eigenvalue, which distances that are not Euclidean have: subtracted
//              (Anderson 2006, vegan), or dropped (scikit-bio, QIIME 2)
// Threads: at::parallel_for and LAPACK.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "deepbio/community/permutations.h"

namespace deepbio::community {

enum class Centre { kMedian, kCentroid };
enum class ImaginaryAxes { kSubtract, kDrop };
// "median", "centroid"; "subtract", "drop". throws ArgumentError.
Centre parse_centre(std::string_view name);
ImaginaryAxes parse_imaginary_axes(std::string_view name);

struct PermdispOptions {
  Centre centre = Centre::kMedian;
  ImaginaryAxes imaginary = ImaginaryAxes::kSubtract;
  PermutationOptions permutations = {};
};

struct Permdisp {
  double f = 0,
         p_value = 0;  // f is infinite when the samples of a group are all as far from its centre,
                       // 0 when all are
  at::Tensor to_centre;  // float64 [N]: distance of each sample to the centre of its group
  std::vector<std::string> groups;  // in order of appearance
  std::vector<double> spread;       // mean distance to the centre, of each group
  int64_t num_samples = 0, num_permutations = 0;
};

//   distances   [N, N]
//   groups      label of each sample [N], none empty
//   ids         N, or none: they name samples in errors
//   complexity  N^3: all principal coordinates
//   throws      as permanova
Permdisp permdisp(const at::Tensor& distances, const std::vector<std::string>& groups,
                  const PermdispOptions& options, const std::vector<std::string>& ids = {});

// The place with the least sum of distances to the points (Weiszfeld 1937, Vardi & Zhang 2000).
//   points   float64 [N, K], N at least 1
//   returns  float64 [K]
at::Tensor spatial_median(const at::Tensor& points);

}  // namespace deepbio::community
