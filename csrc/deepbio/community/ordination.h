// Principal coordinates of a distance matrix (classical scaling, Gower 1966).
//
// The squared distances, halved and doubly centred, are decomposed into axes; a sample's
// coordinates on the K axes of largest eigenvalue keep as much of the distances as K dimensions
// can.
//   exact       all eigenvalues; shares are of the sum of the positive ones, as in scikit-bio.
//               O(N^3) time; few axes of many samples are found by iterations until the rest is
//               below 1e-12 of the largest eigenvalue
//   randomised  the K largest only, from a random subspace of K + 10 directions and its products
//               with the matrix (block Krylov, Musco & Musco 2015), the same for a seed; shares are
//               of the trace (all eigenvalues, negative ones too). O(N^2 K) time; one more [N, N]
//               of float32
// An axis with a negative eigenvalue has no real coordinates: it stands as zeros, as in scikit-bio.
// The sign of an axis has no meaning; it is chosen so that its largest coordinate is positive.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "deepbio/io/bytes/output.h"

namespace deepbio::community {

enum class PcoaMethod { kExact, kRandomised };

struct PcoaOptions {
  int64_t dimensions = 10;  // K; at most N are given, 0 asks for all N (exact only)
  PcoaMethod method = PcoaMethod::kExact;
  uint64_t seed = 0;  // randomised only
};

struct Pcoa {
  at::Tensor coordinates;           // float64 [N, K]
  at::Tensor eigenvalues;           // float64 [K], falling
  at::Tensor proportion_explained;  // float64 [K]
};

//   distances  [N, N]
//   ids        N, or none: they name samples in errors
//   memory     exact: about three more [N, N]; randomised: half of one
//   throws     ShapeError when not square, ArgumentError: what is no distance (distances.h), no
//              sample, negative dimensions, all with kRandomised
Pcoa pcoa(const at::Tensor& distances, const PcoaOptions& options,
          const std::vector<std::string>& ids = {});

// -1/2 squared distances that have lost the means of their rows and columns (Gower 1966): float64
// [N, N].
at::Tensor gower_centred(const at::Tensor& distances);

// Features drawn among the samples (biplot.h).
struct Arrows {
  std::vector<std::string> ids;  // F
  at::Tensor ends;               // float64 [F, K]
};

// ".tsv": `sample_id`, `PC1`... below a comment with the shares. Any other ending: the text of
// scikit-bio's OrdinationResults, which is QIIME 2's ordination.txt; it alone holds features.
void write_pcoa(const std::string& path, const std::vector<std::string>& ids, const Pcoa& pcoa,
                io::Overwrite overwrite, const Arrows& features = {});

}  // namespace deepbio::community
