// The Python module deepbio_torch._C: one bind_x per layer. Private; the Python modules are the
// public surface.
#include "bindings/bindings.h"

namespace deepbio::bindings {
void guard_arguments(py::module_& module);  // argument_errors.cpp
void bind_diversity(py::module_& module);   // diversity.cpp, of the layer community
void bind_command(py::module_& module);     // process_group.cpp
void bind_genome(py::module_& module);      // genome.cpp, of the layers io and data
void bind_variants(py::module_& module);    // variants.cpp, of the same
void bind_windows(py::module_& module);     // genome.cpp
}  // namespace deepbio::bindings

// The order matters where a signature names a class of another file, which must be bound before:
// its docstring, its stub and a default of that class need it. guard_arguments comes last, over all
// that is there.
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.attr("__version__") = DEEPBIO_VERSION;
  m.attr("TORCH_VERSION") = DEEPBIO_TORCH_VERSION;
  deepbio::bindings::bind_base(m);
  deepbio::bindings::bind_options(m);
  deepbio::bindings::bind_io(m);
  deepbio::bindings::bind_seq(m);
  deepbio::bindings::bind_community(m);
  deepbio::bindings::bind_diversity(m);
  deepbio::bindings::bind_unifrac_batch(m);
  deepbio::bindings::bind_data(m);
  deepbio::bindings::bind_shard(m);
  deepbio::bindings::bind_genome(m);
  deepbio::bindings::bind_variants(m);
  deepbio::bindings::bind_windows(m);
  deepbio::bindings::bind_model(m);
  deepbio::bindings::bind_metrics(m);
  deepbio::bindings::bind_train(m);
  deepbio::bindings::bind_export(m);
  deepbio::bindings::bind_command(m);
  deepbio::bindings::guard_arguments(m);
}
