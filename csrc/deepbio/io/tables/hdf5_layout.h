// What an object header says of the chunks of a dataset, read before libhdf5 opens it.
//
// libhdf5 1.10 divides by the extents of a chunk while it opens a dataset; where a damaged file
// says 0, the process ends with SIGFPE. Source: HDF5 File Format Specification, IV.A.1 (object
// headers), IV.A.2.i (data layout). Threads: pure function.
#pragma once

#include <cstdint>
#include <string_view>

namespace deepbio::io {

// False where the header holds a data layout in chunks of which one extent is 0, or whose axes are
// not those of the dataset. True for everything else, also for headers that cannot be read: libhdf5
// names their damage.
//   file     bytes of the whole file; addresses are of 8 bytes and start at its first byte
//   address  of the object header
bool chunks_have_extents(std::string_view file, uint64_t address);

}  // namespace deepbio::io
