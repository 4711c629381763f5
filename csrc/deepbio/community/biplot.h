// Features among the samples of an ordination: the covariance of each feature with each axis,
// scaled as arrows (Legendre & Legendre 1998, equations 9.44 and 9.55; scikit-bio's pcoa_biplot).
#pragma once

#include <ATen/core/Tensor.h>

#include "deepbio/community/ordination.h"
#include "deepbio/community/table.h"

namespace deepbio::community {

//   pcoa     of the samples of the table, in its order
//   table    what is drawn, such as relative abundances
//   returns  float64 [F, K]; 0 on axes without extent
//   throws   ShapeError for another number of samples; ArgumentError for fewer than two
at::Tensor biplot(const Pcoa& pcoa, const CountTable& table);

}  // namespace deepbio::community
