// Shards of a cache of encoded reads.
#include "deepbio/data/shard.h"

#include "bindings/bindings.h"

namespace deepbio::bindings {

// tensors() look into the mapping and do not keep it, for a list of Python cannot carry an owner:
// the caller holds the Shard beside them.
void bind_shard(py::module_& module) {
  py::class_<data::Shard>(module, "Shard")
      .def(py::init<const std::string&, bool>(), py::arg("path"), py::arg("is_kept_open") = false,
           NoGil())
      .def("tensors", &data::Shard::tensors)
      .def("rows", &data::Shard::rows, py::arg("names"), py::arg("begin"), py::arg("count"),
           NoGil())
      .def("copy_rows", &data::Shard::copy_rows, py::arg("name"), py::arg("rows"),
           py::arg("places"), py::arg("out"), NoGil())
      .def("check_unchanged", &data::Shard::check_unchanged);
}

}  // namespace deepbio::bindings
