// The global heaps of an HDF5 file, where it keeps strings of variable length.
//
// libhdf5 up to 1.10 copies a string by the size its heap states without looking whether the heap
// is that large, so that one damaged byte reads beyond the memory. Heaps are therefore walked here
// before strings are read. Source: HDF5 File Format Specification, III.E.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace deepbio::io {

// Finds every heap collection among the bytes of a file and follows its objects.
//   throws ParseError (kind container) with the byte where an object or a collection is larger than
//   what holds it
void check_global_heaps(std::string_view bytes, const std::string& path);
// The objects of the collection that starts at byte `start`, which are numbered from 1.
//   returns  false, where check_global_heaps() would throw, and where the objects are not in the
//   order of their numbers
bool list_heap_objects(std::string_view bytes, uint64_t start,
                       std::vector<std::string_view>& objects);

}  // namespace deepbio::io
