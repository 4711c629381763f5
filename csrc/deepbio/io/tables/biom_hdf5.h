// BIOM 2.0 and 2.1 (HDF5). Private to io/biom. Threads: as io/hdf5.
#pragma once

#include <string>

#include "deepbio/io/tables/biom.h"
#include "deepbio/io/tables/hdf5.h"

namespace deepbio::io {

// throws ParseError with the dataset.
CountTable read_biom_hdf5(const Hdf5Reader& file);
// A whole file at exactly `path`. throws WriteError.
void write_biom_hdf5(const std::string& path, const CountTable& table);

}  // namespace deepbio::io
