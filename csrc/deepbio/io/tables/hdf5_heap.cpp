// Collections have a signature of their own, "GCOL": they are found by searching the whole file for
// it, since the references to them may be what is damaged.
#include "deepbio/io/tables/hdf5_heap.h"

#include <cstdint>
#include <cstring>

#include "deepbio/base/error.h"

namespace deepbio::io {
namespace {

using std::string_view_literals::operator""sv;
constexpr std::string_view kStart = "GCOL\1\0\0\0"sv;  // signature, version, reserved
constexpr uint64_t kHeaderBytes = 16;                  // of a collection, and of an object in it

uint64_t u64_at(std::string_view bytes, uint64_t at) {
  uint64_t value = 0;
  for (uint64_t k = 8; k-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + k]);
  return value;
}

[[noreturn]] void fail(const std::string& path, uint64_t at, const char* expected, uint64_t got) {
  throw ParseError({path, -1, -1, static_cast<int64_t>(at)}, expected,
                   "one of " + std::to_string(got) + " bytes", ErrorKind::kContainer);
}

// Visits (byte, number, size) of each object of a collection, as far as they fit. Returns where
// they no longer do: byte and stated size; the end of the file where all is well.
struct Misfit {
  uint64_t at, stated;
  const char* expected = nullptr;
};

template <class Visit>
Misfit walk(std::string_view bytes, uint64_t start, const Visit& visit) {
  if (bytes.size() - start < kHeaderBytes)
    return {start, bytes.size() - start, "a whole HDF5 heap"};
  const uint64_t size = u64_at(bytes, start + 8);
  if (size < kHeaderBytes || size > bytes.size() - start)
    return {start, size, "an HDF5 heap inside the file"};
  const uint64_t end = start + size;
  for (uint64_t at = start + kHeaderBytes; end - at >= kHeaderBytes;) {
    const unsigned number =
        static_cast<unsigned char>(bytes[at]) | static_cast<unsigned char>(bytes[at + 1]) << 8;
    const uint64_t stated = u64_at(bytes, at + 8), left = end - at;
    // Free space (number 0) counts its own header; a string does not, and is padded to eight bytes.
    const uint64_t needed = number == 0 ? stated : kHeaderBytes + (stated + 7) / 8 * 8;
    if (stated > left || needed < kHeaderBytes || needed > left)
      return {at, stated, "a string inside its HDF5 heap"};
    visit(at, number, stated);
    at += needed;
  }
  return {bytes.size(), 0};
}

}  // namespace

void check_global_heaps(std::string_view bytes, const std::string& path) {
  const char* const data = bytes.data();
  for (uint64_t at = 0; at < bytes.size();) {
    const void* found = ::memmem(data + at, bytes.size() - at, kStart.data(), kStart.size());
    if (found == nullptr) return;
    at = static_cast<uint64_t>(static_cast<const char*>(found) - data);
    const Misfit misfit = walk(bytes, at, [](uint64_t, unsigned, uint64_t) {});
    if (misfit.expected != nullptr) fail(path, misfit.at, misfit.expected, misfit.stated);
    // Text inside of a string may look like a heap; the next search begins after the signature, not
    // after the claimed size.
    at += kStart.size();
  }
}

bool list_heap_objects(std::string_view bytes, uint64_t start,
                       std::vector<std::string_view>& objects) {
  if (start >= bytes.size() || !bytes.substr(start).starts_with(kStart)) return false;
  bool is_in_order = true;
  const Misfit misfit = walk(bytes, start, [&](uint64_t at, unsigned number, uint64_t size) {
    if (number == 0) return;
    // By number: writers number objects from 1 without gaps, so a reference is an index. Where they
    // do not, the slow way reads the file.
    objects.push_back(bytes.substr(at + kHeaderBytes, size));
    is_in_order = is_in_order && number == objects.size();
  });
  return misfit.expected == nullptr && is_in_order;
}

}  // namespace deepbio::io
