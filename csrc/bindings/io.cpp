// Readers and writers of files.
#include <limits>

#include "bindings/bindings.h"
#include "bindings/named_tensors.h"

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/text.h"
#include "deepbio/io/tables/ids.h"
#include "deepbio/io/tables/matrix.h"
#include "deepbio/io/tables/metadata.h"
#include "deepbio/train/checkpoint.h"

namespace deepbio::bindings {
namespace {

std::vector<std::string> column_values(const io::Metadata& metadata, const std::string& name) {
  return metadata.values[static_cast<size_t>(metadata.column(name))];
}

// float64 [rows], NaN where the value is missing.
torch::Tensor column_numbers(const io::Metadata& metadata, const std::string& name) {
  const int64_t column = metadata.column(name);
  std::vector<double> out;
  for (size_t row = 0; row < metadata.ids.size(); ++row) {
    const auto value = io::numeric_value(metadata, column, static_cast<int64_t>(row));
    out.push_back(value.value_or(std::numeric_limits<double>::quiet_NaN()));
  }
  return torch::tensor(out, torch::kDouble);
}

std::map<std::string, torch::Tensor> load(const std::string& path) {
  std::map<std::string, torch::Tensor> out;
  for (auto& [name, tensor] : train::load_tensors(path)) out.emplace(name, tensor);
  return out;
}

void save(const std::string& path, const std::map<std::string, torch::Tensor>& tensors,
          const std::map<std::string, std::string>& metadata) {
  train::save_tensors(path, to_named(tensors), metadata);
}

// The ids come back beside the values: a matrix without ids has an empty list.
py::tuple distances_to_python(const std::string& path) {
  io::DistanceMatrix matrix;
  {
    const py::gil_scoped_release no_gil;
    matrix = io::read_distances(path);
  }
  const int64_t n = matrix.size();
  return py::make_tuple(matrix.ids, torch::tensor(matrix.values, torch::kDouble).view({n, n}));
}

void write_distances(const std::string& path, const std::vector<std::string>& ids,
                     const torch::Tensor& values, bool overwrite) {
  const auto n = static_cast<int64_t>(ids.size());
  // Before the copy: the shape is what a caller gets wrong, and the writer would say it in counts
  // of numbers.
  if (values.dim() != 2 || values.size(0) != n || values.size(1) != n) {
    throw ShapeError("distances: expected [" + std::to_string(n) + ", " + std::to_string(n) +
                     "] for as many ids");
  }
  const torch::Tensor flat = values.to(torch::kDouble).contiguous();
  io::DistanceMatrix matrix;
  matrix.ids = ids;
  matrix.num_rows = n;
  matrix.values.assign(flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel());
  io::write_distances(path, matrix, overwrite_mode(overwrite));
}

}  // namespace

// Examples and warnings may quote bytes of a file, which need not be UTF-8.
py::dict to_python(const io::SkipReport& report) {
  py::dict out;
  out["num_records"] = report.num_records;
  out["num_skipped"] = report.num_skipped;
  out["reasons"] = report.reasons;
  out["examples"] = texts(report.examples);
  out["warnings"] = texts(report.warnings);
  return out;
}

io::OnBadRecord parse_on_bad_record(const std::string& name) {
  if (name == "raise") return io::OnBadRecord::kRaise;
  if (name == "skip") return io::OnBadRecord::kSkip;
  throw ArgumentError("on_bad_record: expected raise or skip, got " + quoted(name));
}

io::Overwrite overwrite_mode(bool overwrite) {
  return overwrite ? io::Overwrite::kAllow : io::Overwrite::kRefuse;
}

train::NamedTensors to_named(const std::map<std::string, torch::Tensor>& tensors) {
  return {tensors.begin(), tensors.end()};
}

void bind_io(py::module_& module) {
  bind_records(module);
  bind_record_writer(module);
  module.def("read_text", &io::read_text, py::arg("path"), NoGil());
  // Cells stay text in C++; a column becomes numbers when it is asked for as such, and an error
  // then names the line of the file.
  py::class_<io::Metadata>(module, "Metadata")
      .def_static(
          "read",
          [](const std::string& path, const std::vector<std::string>& missing_values) {
            return io::read_metadata(path, {missing_values});
          },
          py::arg("path"), py::arg("missing_values") = std::vector<std::string>{}, NoGil())
      .def_readonly("path", &io::Metadata::path)
      .def_readonly("id_column", &io::Metadata::id_column)
      .def_readonly("ids", &io::Metadata::ids)
      .def_readonly("columns", &io::Metadata::columns)
      .def_readonly("types", &io::Metadata::types)
      .def_property_readonly("missing",
                             [](const io::Metadata& m) {
                               py::list out;
                               for (const auto& word : m.missing) {
                                 out.append(py::make_tuple(word.column, word.word, word.count));
                               }
                               return out;
                             })
      .def(
          "missing_report",
          [](const io::Metadata& m, const std::string& name) {
            return io::missing_report(m, m.column(name));
          },
          py::arg("column"))
      .def("values", &column_values, py::arg("column"))
      .def("numbers", &column_numbers, py::arg("column"))
      .def(
          "is_numeric",
          [](const io::Metadata& m, const std::string& name) {
            return io::is_numeric(m, m.column(name));
          },
          py::arg("column"));
  module.def("is_missing", &io::is_missing, py::arg("value"));
  module.def("load_tensors", &load, py::arg("path"), NoGil());
  module.def("save_tensors", &save, py::arg("path"), py::arg("tensors"),
             py::arg("metadata") = std::map<std::string, std::string>{}, NoGil());
  module.def(
      "compare_ids",
      [](const std::vector<std::string>& first, const std::vector<std::string>& second,
         const std::string& first_name, const std::string& second_name) {
        const io::IdOverlap overlap = io::compare_ids(first, second);
        return py::make_tuple(overlap.shared, overlap.only_first, overlap.only_second,
                              io::describe(overlap, first_name, second_name));
      },
      py::arg("first"), py::arg("second"), py::arg("first_name"), py::arg("second_name"));
  module.def("read_distances", &distances_to_python, py::arg("path"));
  module.def("write_distances", &write_distances, py::arg("path"), py::arg("ids"),
             py::arg("values"), py::arg("overwrite") = false, NoGil());
}

}  // namespace deepbio::bindings
