// A guard is in front of every call that trusts the numbers in a file: libhdf5 1.10 reads past its
// buffers or ends the process on some damaged ones (hdf5_layout.h, hdf5_heap.h and hdf5_stored.h
// say which), and users hand over files that were cut short. What nearly all tables look like goes
// past its filters and conversions (hdf5_stored.h); the rest is read through libhdf5.
#include "deepbio/io/tables/hdf5.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <type_traits>

#include <hdf5.h>

#include "deepbio/base/error.h"
#include "deepbio/io/tables/hdf5_heap.h"
#include "deepbio/io/tables/hdf5_layout.h"
#include "deepbio/io/tables/hdf5_library.h"
#include "deepbio/io/tables/hdf5_stored.h"

namespace deepbio::io {
namespace {

// libhdf5 decompresses with these by itself, and how large a chunk comes back can be told
// beforehand; others would be looked for among plugins, or (n-bit, scale-offset) trust the numbers
// in a damaged file.
bool is_built_in(H5Z_filter_t filter) {
  return filter == H5Z_FILTER_DEFLATE || filter == H5Z_FILTER_SHUFFLE ||
         filter == H5Z_FILTER_FLETCHER32;
}

}  // namespace

void Hdf5Handle::reset() {
  if (id_ >= 0 && close_ != nullptr) {
    const QuietHdf5 quiet;
    close_(id_);
  }
  id_ = -1;
}

bool is_hdf5(const std::string& path) {
  constexpr std::array<char, 8> kSignature{'\x89', 'H', 'D', 'F', '\r', '\n', '\x1a', '\n'};
  std::ifstream file(path, std::ios::binary);
  std::array<char, 8> first{};
  return file.read(first.data(), first.size()) && first == kSignature;
}

struct Hdf5Reader::Dataset {
  Hdf5Handle id, type, space;
  std::vector<int64_t> shape;
};

Hdf5Reader::Hdf5Reader(std::string path) : path_(std::move(path)) {
  const QuietHdf5 quiet;
  if (!std::filesystem::exists(path_)) throw MissingFileError(path_, "no such file");
  file_ = Hdf5Handle(H5Fopen(path_.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  if (!file_)
    throw ParseError({path_, -1, -1, -1}, "a whole HDF5 file", last_hdf5_error(),
                     ErrorKind::kContainer);
  // The same file beside libhdf5, for the checks and the short way.
  mapped_ = std::make_unique<MappedFile>(path_);
  bytes_ = mapped_->bytes();
}

Hdf5Reader::Hdf5Reader(std::string path, std::string_view image)
    : path_(std::move(path)), bytes_(image) {
  const QuietHdf5 quiet;
  // The core driver: a file that lies in memory as a whole.
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  constexpr size_t kGrowBytes = size_t{1} << 16;  // never used: the file is only read
  // libhdf5 copies the image and does not write to it.
  if (H5Pset_fapl_core(access.get(), kGrowBytes, false) >= 0 &&
      H5Pset_file_image(access.get(), const_cast<char*>(image.data()), image.size()) >= 0) {
    // A name below a file is no file, and one that exists would be refused.
    file_ = Hdf5Handle(H5Fopen((path_ + "/image").c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose);
  }
  if (!file_)
    throw ParseError({path_, -1, -1, -1}, "a whole HDF5 file", last_hdf5_error(),
                     ErrorKind::kContainer);
}

void Hdf5Reader::fail(const std::string& name, const std::string& expected,
                      const std::string& got) const {
  Place place;
  place.path = path_;
  throw ParseError(place, expected + " in " + name, got);
}

bool Hdf5Reader::has(const std::string& name) const {
  const QuietHdf5 quiet;
  // Each step of the path is looked at, so that no link leads out of the file.
  for (size_t end = 0; end != std::string::npos;) {
    end = name.find('/', end == 0 ? 0 : end + 1);
    const std::string prefix = name.substr(0, end);
    H5L_info_t info;
    if (H5Lexists(file_.get(), prefix.c_str(), H5P_DEFAULT) <= 0) return false;
    if (H5Lget_info(file_.get(), prefix.c_str(), &info, H5P_DEFAULT) < 0) return false;
    if (info.type != H5L_TYPE_HARD)
      fail(prefix, "data inside this file", "a soft or external link");
  }
  return true;
}

void Hdf5Reader::check_filters(const std::string& name, const Dataset& dataset) const {
  const Hdf5Handle list(H5Dget_create_plist(dataset.id.get()), H5Pclose);
  if (!list) fail(name, "a readable dataset", last_hdf5_error());
  // Both name other files, which a table that was sent to somebody must not open.
  if (H5Pget_layout(list.get()) == H5D_VIRTUAL || H5Pget_external_count(list.get()) > 0) {
    fail(name, "data inside this file", "external or virtual storage");
  }
  const int num_filters = H5Pget_nfilters(list.get());
  for (int k = 0; k < num_filters; ++k) {
    unsigned flags = 0, config = 0;
    size_t num_values = 0;
    std::array<char, 64> filter_name{};
    const auto filter =
        H5Pget_filter2(list.get(), static_cast<unsigned>(k), &flags, &num_values, nullptr,
                       filter_name.size() - 1, filter_name.data(), &config);
    if (!is_built_in(filter)) {
      fail(name,
           "a dataset without compression or with gzip (rewrite the file, for example with "
           "h5repack -f GZIP=4)",
           "filter " + std::to_string(filter) + " " + quoted(filter_name.data()));
    }
  }
}

// Deflate shrinks at most 1032 times, so far fewer stored bytes mean a damaged or hostile shape.
void Hdf5Reader::check_storage(const std::string& name, const Dataset& dataset) const {
  // In double, which cannot wrap; 1100 allows for framing, 64 KiB for datasets that are only
  // fill values.
  double logical_bytes = static_cast<double>(H5Tget_size(dataset.type.get()));
  for (const int64_t extent : dataset.shape) logical_bytes *= static_cast<double>(extent);
  const auto stored_bytes = static_cast<double>(H5Dget_storage_size(dataset.id.get()));
  if (logical_bytes > stored_bytes * 1100 + 65536) {
    fail(name,
         "a shape that fits the " + std::to_string(static_cast<int64_t>(stored_bytes)) +
             " stored bytes",
         "one of " + std::to_string(static_cast<int64_t>(logical_bytes / 1048576)) + " MiB");
  }
}

void Hdf5Reader::read_all(const std::string& name, const Dataset& dataset, int64_t memory_type,
                          void* out) const {
  if (!chunks_are_whole(dataset.id.get(), bytes_.size()))
    fail(name, "whole chunks", "one of another size");
  if (H5Dread(dataset.id.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0) {
    fail(name, "readable data", last_hdf5_error());
  }
}

Hdf5Reader::Dataset Hdf5Reader::open(const std::string& name) const {
  if (!has(name)) fail(name, "a dataset", "nothing");
  const QuietHdf5 quiet;
  Dataset out;
  H5O_info_t header;
  // The header is looked at before H5Dopen, which already divides by the extents of a chunk.
  const bool is_known =
      H5Oget_info_by_name2(file_.get(), name.c_str(), &header, H5O_INFO_BASIC, H5P_DEFAULT) >= 0;
  if (is_known && !chunks_have_extents(bytes_, header.addr))
    fail(name, "chunks with an extent along each axis", "0");
  out.id = Hdf5Handle(H5Dopen2(file_.get(), name.c_str(), H5P_DEFAULT), H5Dclose);
  if (!out.id) fail(name, "a dataset", last_hdf5_error());
  check_filters(name, out);
  out.type = Hdf5Handle(H5Dget_type(out.id.get()), H5Tclose);
  out.space = Hdf5Handle(H5Dget_space(out.id.get()), H5Sclose);
  const int rank = out.space ? H5Sget_simple_extent_ndims(out.space.get()) : -1;
  if (!out.type || rank < 0) fail(name, "a readable dataset", last_hdf5_error());
  std::vector<hsize_t> extents(static_cast<size_t>(rank));
  if (rank > 0) H5Sget_simple_extent_dims(out.space.get(), extents.data(), nullptr);
  out.shape.assign(extents.begin(), extents.end());
  check_storage(name, out);
  return out;
}

std::vector<std::string> Hdf5Reader::names(const std::string& group) const {
  std::vector<std::string> out;
  if (group != "/" && !has(group)) return out;
  const QuietHdf5 quiet;
  // A lambda without capture is a plain C function; the list comes through the pointer.
  const auto keep = [](hid_t, const char* name, const H5L_info_t*, void* list) -> herr_t {
    static_cast<std::vector<std::string>*>(list)->emplace_back(name);
    return 0;
  };
  const herr_t done = H5Literate_by_name(file_.get(), group.c_str(), H5_INDEX_NAME, H5_ITER_INC,
                                         nullptr, keep, &out, H5P_DEFAULT);
  if (done < 0) fail(group, "a group of readable names", last_hdf5_error());
  return out;
}

std::vector<int64_t> Hdf5Reader::shape(const std::string& name) const { return open(name).shape; }

template <class T>
bool Hdf5Reader::read_past(const Dataset& dataset, std::vector<T>& out) const {
  return dataset.shape.size() == 1 &&
         read_stored(
             {file_.get(), dataset.id.get(), bytes_, static_cast<uint64_t>(dataset.shape[0])}, out);
}

std::vector<double> Hdf5Reader::doubles(const std::string& name) const {
  const Dataset dataset = open(name);
  const QuietHdf5 quiet;
  const H5T_class_t kind = H5Tget_class(dataset.type.get());
  if (kind != H5T_FLOAT && kind != H5T_INTEGER) fail(name, "numbers", "another type of data");
  std::vector<double> out;
  if (read_past(dataset, out)) return out;
  out.resize(static_cast<size_t>(num_elements(dataset.shape)));
  if (out.empty()) return out;
  read_all(name, dataset, H5T_NATIVE_DOUBLE, out.data());
  return out;
}

std::vector<int64_t> Hdf5Reader::integers(const std::string& name) const {
  const Dataset dataset = open(name);
  const QuietHdf5 quiet;
  std::vector<int64_t> out;
  if (read_past(dataset, out)) return out;
  // The length is bounded by check_storage() in open().
  out.assign(static_cast<size_t>(num_elements(dataset.shape)), 0);
  if (out.empty()) return out;
  if (H5Tget_class(dataset.type.get()) != H5T_INTEGER)
    fail(name, "integers", "another type of data");
  read_all(name, dataset, H5T_NATIVE_INT64, out.data());
  return out;
}

namespace {

// Fixed-size strings end at a NUL; space-padded ones (Fortran) also lose their blanks.
std::string unpadded(const char* bytes, size_t size, bool is_space_padded) {
  std::string out(bytes, strnlen(bytes, size));
  if (is_space_padded) out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

}  // namespace

std::vector<std::string> Hdf5Reader::strings(const std::string& name) const {
  const Dataset dataset = open(name);
  const QuietHdf5 quiet;
  const auto count = static_cast<size_t>(num_elements(dataset.shape));
  std::vector<std::string> out;
  if (count == 0) return out;  // biom-format writes the ids of an empty table as numbers
  if (H5Tget_class(dataset.type.get()) != H5T_STRING) fail(name, "strings", "another type of data");
  if (H5Tis_variable_str(dataset.type.get()) > 0) {
    if (read_past(dataset, out)) return out;
    out.clear();
    // Once for a file: strings of variable length lie in heaps, which libhdf5 reads by sizes that
    // it does not check.
    if (!are_heaps_checked_) check_global_heaps(bytes_, path_);
    are_heaps_checked_ = true;
    out.reserve(count);
    std::vector<char*> pointers(count, nullptr);
    // Memory takes the file's own character set: libhdf5 does not convert between ASCII and UTF-8.
    const Hdf5Handle memory(H5Tcopy(dataset.type.get()), H5Tclose);
    read_all(name, dataset, memory.get(), pointers.data());
    for (const char* text : pointers) out.emplace_back(text == nullptr ? "" : text);
    // libhdf5 has allocated each of the strings.
    H5Dvlen_reclaim(memory.get(), dataset.space.get(), H5P_DEFAULT, pointers.data());
    return out;
  }
  out.reserve(count);
  const size_t width = H5Tget_size(dataset.type.get());
  std::string bytes(count * width, '\0');
  read_all(name, dataset, dataset.type.get(), bytes.data());
  const bool is_space_padded = H5Tget_strpad(dataset.type.get()) == H5T_STR_SPACEPAD;
  for (size_t k = 0; k < count; ++k)
    out.push_back(unpadded(bytes.data() + k * width, width, is_space_padded));
  return out;
}

std::vector<int64_t> Hdf5Reader::integer_attribute(const std::string& name) const {
  const QuietHdf5 quiet;
  if (H5Aexists(file_.get(), name.c_str()) <= 0) return {};
  const Hdf5Handle attribute(H5Aopen(file_.get(), name.c_str(), H5P_DEFAULT), H5Aclose);
  if (!attribute) return {};
  const Hdf5Handle type(H5Aget_type(attribute.get()), H5Tclose);
  const Hdf5Handle space(H5Aget_space(attribute.get()), H5Sclose);
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  // The attributes that are asked for (shape) have two numbers; anything else is as if there were
  // none.
  if (H5Tget_class(type.get()) != H5T_INTEGER || count < 1 || count > 16) return {};
  std::vector<int64_t> out(static_cast<size_t>(count));
  if (H5Aread(attribute.get(), H5T_NATIVE_INT64, out.data()) < 0) return {};
  return out;
}

}  // namespace deepbio::io
