// How deep the samples of a table are. Threads: pure functions.
#pragma once

#include <vector>

#include "deepbio/io/tables/biom.h"

namespace deepbio::io {

std::vector<double> sample_totals(const CountTable& table);  // N, reads
// The mean of the two middle ones of an even number. throws ArgumentError when there are none.
double median(std::vector<double> values);

}  // namespace deepbio::io
