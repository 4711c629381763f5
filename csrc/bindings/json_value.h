// Plain Python values as deepbio::Json and back, as arguments and results of bound functions: None,
// bool, int, float, str, mappings, and anything else that is a sequence. What has `tolist` (NumPy,
// tensors) is taken by its values. Keys of mappings that are no text become it (output columns are
// numbers in Python).
#pragma once

#include <torch/csrc/utils/pybind.h>

#include "deepbio/base/json.h"

namespace deepbio::bindings {

// throws ArgumentError for what is none of these.
Json to_json(const pybind11::handle& value);
// Objects become dicts in their order, null becomes None.
pybind11::object to_python(const Json& value);

}  // namespace deepbio::bindings

namespace pybind11::detail {

template <>
struct type_caster<deepbio::Json> {
  PYBIND11_TYPE_CASTER(deepbio::Json, const_name("Any"));
  bool load(handle source, bool) {
    value = deepbio::bindings::to_json(source);
    return true;
  }
  static handle cast(const deepbio::Json& source, return_value_policy, handle) {
    return deepbio::bindings::to_python(source).release();
  }
};

}  // namespace pybind11::detail
