#include "deepbio/io/tables/hdf5_library.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <numeric>

namespace deepbio::io {

// libhdf5 prints its stack of errors on stderr by default, and the library never prints: the last
// error becomes part of an exception instead.
QuietHdf5::QuietHdf5() {
  H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  // Where it fails in a damaged file libhdf5 1.10 keeps blocks of its own lists, and says so at
  // exit ("infinite loop closing library") if printing is on. Handlers run in reverse order: this
  // one before libhdf5's.
  [[maybe_unused]] static const int is_quiet_at_exit =
      std::atexit([] { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); });
}

std::string last_hdf5_error() {
  std::string out = "an HDF5 error";
  const auto keep = [](unsigned, const H5E_error2_t* error, void* text) -> herr_t {
    if (error->desc != nullptr && *error->desc != '\0')
      *static_cast<std::string*>(text) = error->desc;
    return 1;  // the first one of an upward walk is the innermost
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep, &out);
  std::replace(out.begin(), out.end(), '\n', ' ');
  // Such as "bad version number for layout message": what HDF5 2 writes with libver="latest".
  if (out.find("version") != std::string::npos && out.find("bad") != std::string::npos) {
    out += " (perhaps written by a newer HDF5 than the " H5_VERS_INFO
           " of this build; rewrite it with h5repack --high=2 IN OUT)";
  }
  return out;
}

int64_t num_elements(const std::vector<int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

}  // namespace deepbio::io
