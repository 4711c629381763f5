// Writes HDF5: groups, flat or rectangular datasets in deflated chunks, attributes. The types are
// written little-endian whatever the machine, and nothing that differs between two writings of the
// same content goes in.
#include <algorithm>

#include "deepbio/base/error.h"
#include "deepbio/io/tables/hdf5.h"
#include "deepbio/io/tables/hdf5_library.h"

namespace deepbio::io {

Hdf5Writer::Hdf5Writer(std::string path) : path_(std::move(path)) {
  const QuietHdf5 quiet;
  file_ = Hdf5Handle(
      checked(H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), "the file"),
      H5Fclose);
}

int64_t Hdf5Writer::checked(int64_t id, const std::string& name) const {
  if (id < 0) throw WriteError(path_ + ": cannot write " + name + ": " + last_hdf5_error());
  return id;
}

void Hdf5Writer::group(const std::string& name) {
  const QuietHdf5 quiet;
  const Hdf5Handle made(
      checked(H5Gcreate2(file_.get(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), name),
      H5Gclose);
}

void Hdf5Writer::dataset(const std::string& name, Types types, const void* data,
                         const std::vector<int64_t>& shape) {
  const QuietHdf5 quiet;
  const std::vector<hsize_t> extents(shape.begin(), shape.end());
  const auto rank = static_cast<int>(extents.size());
  const Hdf5Handle space(checked(H5Screate_simple(rank, extents.data(), nullptr), name), H5Sclose);
  const Hdf5Handle options(checked(H5Pcreate(H5P_DATASET_CREATE), name), H5Pclose);
  // Times in the file would make equal content unequal bytes.
  H5Pset_obj_track_times(options.get(), false);
  // Chunks of about 65536 elements, half a megabyte of doubles: small enough that a reader of one
  // row does not inflate a matrix. An empty dataset can have no chunks.
  if (num_elements(shape) > 0) {
    std::vector<hsize_t> chunk = extents;
    const hsize_t row = rank > 1 ? extents.back() : 1;
    chunk[0] = std::min<hsize_t>(extents[0], std::max<hsize_t>(1, 65536 / row));
    checked(H5Pset_chunk(options.get(), rank, chunk.data()), name);
    // Bytes of one place in all numbers lie together: counts have many zero bytes, which then
    // deflate well.
    checked(H5Pset_shuffle(options.get()), name);
    checked(H5Pset_deflate(options.get(), 4), name);
  }
  const Hdf5Handle made(checked(H5Dcreate2(file_.get(), name.c_str(), types.file, space.get(),
                                           H5P_DEFAULT, options.get(), H5P_DEFAULT),
                                name),
                        H5Dclose);
  if (num_elements(shape) > 0) {
    checked(H5Dwrite(made.get(), types.memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), name);
  }
}

void Hdf5Writer::doubles(const std::string& name, const std::vector<double>& values,
                         const std::vector<int64_t>& shape) {
  dataset(name, {H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE}, values.data(), shape);
}

void Hdf5Writer::floats(const std::string& name, const std::vector<double>& values,
                        const std::vector<int64_t>& shape) {
  dataset(name, {H5T_IEEE_F32LE, H5T_NATIVE_DOUBLE}, values.data(), shape);
}

void Hdf5Writer::int32s(const std::string& name, const std::vector<int64_t>& values) {
  dataset(name, {H5T_STD_I32LE, H5T_NATIVE_INT64}, values.data(),
          {static_cast<int64_t>(values.size())});
}

namespace {

Hdf5Handle utf8_type() {
  Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

}  // namespace

void Hdf5Writer::strings(const std::string& name, const std::vector<std::string>& values,
                         std::vector<int64_t> shape) {
  if (shape.empty()) shape = {static_cast<int64_t>(values.size())};
  const Hdf5Handle type = utf8_type();
  std::vector<const char*> pointers;
  pointers.reserve(values.size());
  for (const auto& value : values) pointers.push_back(value.c_str());
  dataset(name, {type.get(), type.get()}, pointers.data(), shape);
}

void Hdf5Writer::attribute(const std::string& name, const std::string& value) {
  const QuietHdf5 quiet;
  const Hdf5Handle type = utf8_type();
  const Hdf5Handle space(checked(H5Screate(H5S_SCALAR), name), H5Sclose);
  const Hdf5Handle made(checked(H5Acreate2(file_.get(), name.c_str(), type.get(), space.get(),
                                           H5P_DEFAULT, H5P_DEFAULT),
                                name),
                        H5Aclose);
  const char* pointer = value.c_str();
  checked(H5Awrite(made.get(), type.get(), &pointer), name);
}

void Hdf5Writer::attribute(const std::string& name, const std::vector<int64_t>& values) {
  const QuietHdf5 quiet;
  const auto count = static_cast<hsize_t>(values.size());
  const hid_t of_one = count == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &count, nullptr);
  const Hdf5Handle space(checked(of_one, name), H5Sclose);
  const Hdf5Handle made(checked(H5Acreate2(file_.get(), name.c_str(), H5T_STD_I64LE, space.get(),
                                           H5P_DEFAULT, H5P_DEFAULT),
                                name),
                        H5Aclose);
  checked(H5Awrite(made.get(), H5T_NATIVE_INT64, values.data()), name);
}

void Hdf5Writer::close() {
  const QuietHdf5 quiet;
  checked(H5Fflush(file_.get(), H5F_SCOPE_LOCAL), "the file");
  file_.reset();
}

}  // namespace deepbio::io
