// What the binding files share: one bind_x per layer (module.cpp lists them) and the Python side of
// C++ values.
#pragma once

#include <torch/csrc/utils/pybind.h>
#include <torch/types.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/community/tree.h"
#include "deepbio/data/datasets.h"
#include "deepbio/io/reads/fastx.h"
#include "deepbio/io/tables/biom.h"
#include "deepbio/io/tables/newick.h"

namespace deepbio::bindings {

namespace py = pybind11;
using NoGil = py::call_guard<py::gil_scoped_release>;

// A table held by a shared pointer, so that datasets and tensors over its arrays keep it alive.
struct Table {
  std::shared_ptr<const io::CountTable> counts;
};

// A tree and the file it came from, for messages.
struct Tree {
  io::Tree tree;
  std::string path;
};

// Marks a reader or writer as in use while the GIL is let go, so that a second thread gets an
// error, not half a record.
class InUse {
 public:
  explicit InUse(bool& is_busy) : is_busy_(is_busy) { is_busy_ = true; }
  ~InUse() { is_busy_ = false; }
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;

 private:
  bool& is_busy_;
};

// Files may hold any bytes: those that are no UTF-8 become surrogates, as in Python's own file
// names.
PyObject* to_text(std::string_view text);  // a new reference, or null with a Python error set
py::str text(std::string_view text);
py::list texts(const std::vector<std::string>& items);
// num_records, num_skipped, reasons (kind -> count), examples and warnings.
py::dict to_python(const io::SkipReport& report);
// Words of Python to enums; each throws ArgumentError with the words that are known.
io::OnBadRecord parse_on_bad_record(const std::string& name);
io::Overwrite overwrite_mode(bool overwrite);
community::MissingFeatures parse_missing_features(const std::string& name);
// Views into bytes objects, which must outlive them.
std::vector<std::string_view> views(const std::vector<py::bytes>& items);

// Each puts the classes and functions of one layer into deepbio_torch._C. Names, defaults and
// docstrings that users see are those of the Python modules above it.
void bind_base(py::module_& module);
void bind_options(py::module_& module);
void bind_io(py::module_& module);
void bind_records(py::module_& module);        // of bind_io
void bind_record_writer(py::module_& module);  // of bind_io
void bind_seq(py::module_& module);
void bind_community(py::module_& module);
void bind_unifrac_batch(py::module_& module);
void bind_encoding(py::module_& module);  // of bind_data
void bind_data(py::module_& module);
void bind_shard(py::module_& module);
void bind_model(py::module_& module);
void bind_metrics(py::module_& module);
void bind_train(py::module_& module);
void bind_export(py::module_& module);

}  // namespace deepbio::bindings
