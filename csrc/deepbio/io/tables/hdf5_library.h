// What reader and writer of HDF5 need of libhdf5 itself. Private to hdf5.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include <hdf5.h>

namespace deepbio::io {

static_assert(std::is_same_v<hid_t, int64_t> && std::is_same_v<herr_t, int>,
              "deepbio needs HDF5 1.10 or later");

// Keeps libhdf5 from printing, for the length of a scope.
class QuietHdf5 {
 public:
  QuietHdf5();
  ~QuietHdf5() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }
  QuietHdf5(const QuietHdf5&) = delete;
  QuietHdf5& operator=(const QuietHdf5&) = delete;

 private:
  H5E_auto2_t function_ = nullptr;
  void* data_ = nullptr;
};

// What libhdf5 says about its last failure: the innermost description.
std::string last_hdf5_error();

int64_t num_elements(const std::vector<int64_t>& shape);

}  // namespace deepbio::io
