// Every function of the first half gives false for whatever it does not know, and libhdf5 then
// reads the dataset from its start. The second half checks, for datasets that do go to libhdf5,
// that each chunk inflates to the size that its extents promise.
#include "deepbio/io/tables/hdf5_stored.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include <hdf5.h>

#include "deepbio/io/bytes/zlib_block.h"
#include "deepbio/io/tables/hdf5.h"
#include "deepbio/io/tables/hdf5_heap.h"

namespace deepbio::io {
namespace {

// False unless the data is sound and fills `out` exactly.
bool inflate_whole(ZlibBlock& block, std::string_view stored, char* out, size_t size) {
  return block.inflate(stored, out, size) == size;
}

// Bit k of a mask is filter k. Shuffle comes before gzip where both are used.
struct Filters {
  uint32_t shuffle_bit = 0, deflate_bit = 0;
  uint64_t shuffle_bytes = 0;  // of the elements that are shuffled
};

// False for other filters, and without gzip: there is nothing to gain then.
bool usual_filters(hid_t list, Filters& out) {
  const int num_filters = H5Pget_nfilters(list);
  for (int k = 0; k < num_filters; ++k) {
    unsigned flags = 0, config = 0, width = 0;
    size_t num_values = 1;
    const auto filter = H5Pget_filter2(list, static_cast<unsigned>(k), &flags, &num_values, &width,
                                       0, nullptr, &config);
    if (filter == H5Z_FILTER_SHUFFLE && k == 0) {
      out.shuffle_bit = 1;
      out.shuffle_bytes = num_values == 1 ? width : 0;
    } else if (filter == H5Z_FILTER_DEFLATE && out.deflate_bit == 0) {
      out.deflate_bit = 1u << k;
    } else {
      return false;
    }
  }
  return out.deflate_bit != 0;
}

// Byte b of element e is at b * count + e; what is left of `size` as it was.
void undo_shuffle(const char* shuffled, uint64_t size, uint64_t width, char* out) {
  const uint64_t count = size / width;
  for (uint64_t byte = 0; byte < width; ++byte) {
    for (uint64_t k = 0; k < count; ++k) out[k * width + byte] = shuffled[byte * count + k];
  }
  std::memcpy(out + count * width, shuffled + count * width, size - count * width);
}

bool read_chunks(const StoredDataset& from, hid_t list, uint64_t width, char* out) {
  // One axis: tables and id lists are flat.
  hsize_t chunk = 0;
  unsigned options = 0;
  Filters filters;
  if (!usual_filters(list, filters) || H5Pget_chunk(list, 1, &chunk) != 1 || chunk == 0 ||
      chunk > UINT32_MAX / width || H5Pget_chunk_opts(list, &options) < 0 || options != 0) {
    return false;
  }
  const uint64_t chunk_bytes = chunk * width;
  ZlibBlock block;
  std::string stored;
  std::string inflated, plain;
  for (hsize_t first = 0; first < from.count; first += chunk) {
    hsize_t size = 0;
    uint32_t skipped_filters = 0;
    // Before memory is asked for: stored and plain size must be possible for deflate, in both
    // directions.
    if (H5Dget_chunk_storage_size(from.dataset, &first, &size) < 0 || size > from.bytes.size() ||
        size > 2 * chunk_bytes + 1024 || chunk_bytes > size * 1100 + 65536) {
      return false;
    }
    stored.resize(size);
    // A chunk that was never written has no bytes; its fill value is libhdf5's business.
    if (size == 0 ||
        H5Dread_chunk(from.dataset, H5P_DEFAULT, &first, &skipped_filters, stored.data()) < 0) {
      return false;
    }
    // libhdf5 leaves shuffle out for strings.
    const bool is_shuffled = (filters.shuffle_bit & ~skipped_filters) != 0;
    if ((filters.deflate_bit & skipped_filters) != 0 || (is_shuffled && filters.shuffle_bytes == 0))
      return false;
    // The last chunk is stored whole, its end unused.
    const uint64_t num_bytes = std::min<uint64_t>(chunk, from.count - first) * width;
    char* const to = out + first * width;
    if (!is_shuffled && num_bytes == chunk_bytes) {
      if (!inflate_whole(block, stored, to, chunk_bytes)) return false;
      continue;
    }
    inflated.resize(chunk_bytes);
    if (!inflate_whole(block, stored, inflated.data(), chunk_bytes)) return false;
    if (is_shuffled) {
      plain.resize(chunk_bytes);
      undo_shuffle(inflated.data(), chunk_bytes, filters.shuffle_bytes, plain.data());
    }
    std::memcpy(to, is_shuffled ? plain.data() : inflated.data(), num_bytes);
  }
  return true;
}

bool read_contiguous(const StoredDataset& from, uint64_t width, char* out) {
  const haddr_t at = H5Dget_offset(from.dataset);
  const uint64_t size = from.count * width;
  if (at == HADDR_UNDEF || at > from.bytes.size() || size > from.bytes.size() - at ||
      H5Dget_storage_size(from.dataset) != size) {
    return false;
  }
  std::memcpy(out, from.bytes.data() + at, size);
  return true;
}

// The elements, `width` bytes each.
bool read_elements(const StoredDataset& from, uint64_t width, char* out) {
  const Hdf5Handle list(H5Dget_create_plist(from.dataset), H5Pclose);
  if (!list || std::endian::native != std::endian::little) return false;
  switch (H5Pget_layout(list.get())) {
    case H5D_CHUNKED:
      return read_chunks(from, list.get(), width, out);
    case H5D_CONTIGUOUS:
      return H5Pget_external_count(list.get()) == 0 && read_contiguous(from, width, out);
    default:
      return false;
  }
}

// What the filters of a dataset do to the size of a chunk. Shuffle keeps it, a Fletcher check sum
// adds four bytes.
struct ChunkSizes {
  std::vector<H5Z_filter_t> filters;  // in the order of writing
  uint64_t plain_bytes;

  // Whether the bytes as stored, with the filters of the mask left out, come back as a whole chunk.
  bool fit(const std::string& stored, uint32_t skipped, ZlibBlock& block,
           std::string& inflated) const {
    uint64_t before = plain_bytes,
             after = 0;  // of gzip: bytes that it packed, bytes that were added after
    bool is_packed = false;
    for (size_t k = 0; k < filters.size(); ++k) {
      if ((skipped >> k & 1) != 0 || filters[k] == H5Z_FILTER_SHUFFLE) continue;
      if (filters[k] == H5Z_FILTER_FLETCHER32) {
        (is_packed ? after : before) += 4;
      } else if (filters[k] == H5Z_FILTER_DEFLATE && !is_packed) {
        is_packed = true;
      } else {
        return false;
      }
    }
    if (!is_packed) return stored.size() == before;
    if (stored.size() < after || before > stored.size() * 1100 + 65536) return false;
    inflated.resize(before);
    return inflate_whole(block, std::string_view(stored).substr(0, stored.size() - after),
                         inflated.data(), before);
  }
};

// Addresses count from the first byte and have eight bytes, as sizes do.
bool has_usual_addresses(int64_t file) {
  const Hdf5Handle list(H5Fget_create_plist(file), H5Pclose);
  hsize_t user_block = 1;
  size_t address_bytes = 0, size_bytes = 0;
  return list && H5Pget_userblock(list.get(), &user_block) >= 0 && user_block == 0 &&
         H5Pget_sizes(list.get(), &address_bytes, &size_bytes) >= 0 && address_bytes == 8 &&
         size_bytes == 8;
}

template <class T>
T number_at(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

// Where a string of variable length is: length, heap, number in the heap.
constexpr uint64_t kReferenceBytes = 16;

}  // namespace

bool read_stored(const StoredDataset& dataset, std::vector<double>& out) {
  const Hdf5Handle type(H5Dget_type(dataset.dataset), H5Tclose);
  // The very type of the result: the bytes are the numbers.
  if (!type || H5Tequal(type.get(), H5T_IEEE_F64LE) <= 0 || !has_usual_addresses(dataset.file))
    return false;
  out.resize(dataset.count);
  return read_elements(dataset, sizeof(double), reinterpret_cast<char*>(out.data()));
}

bool read_stored(const StoredDataset& dataset, std::vector<int64_t>& out) {
  const Hdf5Handle type(H5Dget_type(dataset.dataset), H5Tclose);
  if (!type || !has_usual_addresses(dataset.file)) return false;
  out.resize(dataset.count);
  if (H5Tequal(type.get(), H5T_STD_I64LE) > 0) {
    return read_elements(dataset, sizeof(int64_t), reinterpret_cast<char*>(out.data()));
  }
  const bool is_signed = H5Tequal(type.get(), H5T_STD_I32LE) > 0;
  if (!is_signed && H5Tequal(type.get(), H5T_STD_U32LE) <= 0) return false;
  std::vector<int32_t> narrow(dataset.count);
  if (!read_elements(dataset, sizeof(int32_t), reinterpret_cast<char*>(narrow.data())))
    return false;
  for (uint64_t k = 0; k < dataset.count; ++k) {
    out[k] = is_signed ? int64_t{narrow[k]} : int64_t{static_cast<uint32_t>(narrow[k])};
  }
  return true;
}

bool read_stored(const StoredDataset& dataset, std::vector<std::string>& out) {
  if (!has_usual_addresses(dataset.file)) return false;
  std::string references(dataset.count * kReferenceBytes, '\0');
  if (!read_elements(dataset, kReferenceBytes, references.data())) return false;
  out.clear();
  out.reserve(dataset.count);
  std::unordered_map<uint64_t, std::vector<std::string_view>> heaps;
  for (uint64_t k = 0; k < dataset.count; ++k) {
    const char* reference = references.data() + k * kReferenceBytes;
    const auto length = number_at<uint32_t>(reference),
               number = number_at<uint32_t>(reference + 12);
    const auto address = number_at<uint64_t>(reference + 4);
    if (length == 0) {
      out.emplace_back();
      continue;
    }
    const auto [heap, is_new] = heaps.try_emplace(address);
    if (is_new && !list_heap_objects(dataset.bytes, address, heap->second)) return false;
    const auto& objects = heap->second;
    // Everything in a reference comes from the file: length, address and number are all looked at
    // before a byte is taken.
    if (number == 0 || number > objects.size() || length > objects[number - 1].size()) return false;
    const char* text = objects[number - 1].data();
    out.emplace_back(text, strnlen(text, length));
  }
  return true;
}

namespace {

// What an element takes in the file; 0 for none that can be told. In memory a string of variable
// length is a pointer.
uint64_t element_bytes(int64_t dataset) {
  const Hdf5Handle type(H5Dget_type(dataset), H5Tclose);
  if (!type) return 0;
  if (H5Tis_variable_str(type.get()) <= 0) return H5Tget_size(type.get());
  const Hdf5Handle file(H5Iget_file_id(dataset), H5Fclose),
      list(file ? H5Fget_create_plist(file.get()) : -1, H5Pclose);
  size_t address_bytes = 0, size_bytes = 0;
  if (!list || H5Pget_sizes(list.get(), &address_bytes, &size_bytes) < 0) return 0;
  return 4 + address_bytes + 4;
}

}  // namespace

bool chunks_are_whole(int64_t dataset, uint64_t file_bytes) {
  const Hdf5Handle list(H5Dget_create_plist(dataset), H5Pclose),
      space(H5Dget_space(dataset), H5Sclose);
  if (!list || !space) return false;
  if (H5Pget_layout(list.get()) != H5D_CHUNKED) return true;
  const int rank = H5Sget_simple_extent_ndims(space.get());
  std::array<hsize_t, H5S_MAX_RANK> extent{}, chunk{}, first{};
  if (rank < 1 || H5Sget_simple_extent_dims(space.get(), extent.data(), nullptr) < 0 ||
      H5Pget_chunk(list.get(), rank, chunk.data()) != rank) {
    return false;
  }
  ChunkSizes sizes{{}, element_bytes(dataset)};
  if (sizes.plain_bytes == 0) return false;
  for (int k = 0; k < rank; ++k) {
    if (extent[k] == 0) return true;
    if (chunk[k] == 0 || sizes.plain_bytes > UINT32_MAX / chunk[k]) return false;
    sizes.plain_bytes *= chunk[k];
  }
  for (int k = 0; k < H5Pget_nfilters(list.get()); ++k) {
    unsigned flags = 0, config = 0;
    size_t num_values = 0;
    sizes.filters.push_back(
        H5Pget_filter2(list.get(), k, &flags, &num_values, nullptr, 0, nullptr, &config));
  }
  ZlibBlock block;
  std::string stored;
  std::string inflated;
  while (true) {
    unsigned skipped = 0;
    haddr_t address = HADDR_UNDEF;
    hsize_t size = 0;
    if (H5Dget_chunk_info_by_coord(dataset, first.data(), &skipped, &address, &size) < 0 ||
        size > file_bytes) {
      return false;
    }
    // A chunk that was never written is made of fill values.
    if (address != HADDR_UNDEF) {
      stored.resize(size);
      uint32_t mask = 0;
      if (H5Dread_chunk(dataset, H5P_DEFAULT, first.data(), &mask, stored.data()) < 0 ||
          !sizes.fit(stored, mask, block, inflated)) {
        return false;
      }
    }
    // Chunk after chunk, the last axis fastest.
    int axis = rank - 1;
    for (first[axis] += chunk[axis]; first[axis] >= extent[axis]; first[axis] += chunk[axis]) {
      first[axis] = 0;
      if (--axis < 0) return true;
    }
  }
}

}  // namespace deepbio::io
